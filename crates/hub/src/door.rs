//! The way into the hub, from any worker thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll as TaskPoll;
use std::time::{Duration, Instant};

use crate::session::{Poll, Session};
use crate::shard::{Emission, Shard, State};
use crate::wire::{Audience, Command};
use crate::{BeyondSent, Event, Key, Limits, Outcome, ResumeError, SessionId, Token};

/// A worker thread's way into a hub that all worker threads share.
///
/// Each thread has a shard of its own, and opens sessions there. An event for sessions of other shards crosses once a *thread*: the
/// emissions of a batch take their place in the one order of all shards under one lock and are fanned out by each owner. A shard applies
/// everything ordered so far before it does anything of its own, so joining, leaving and polling fall into that order as well.
///
/// With one shard none of this exists: commands go straight to the hub.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
    home: usize,
}

pub(crate) struct Shared {
    shards: Box<[Shard]>,
    /// Held while emissions are handed to all shards: the one order.
    order: Mutex<()>,
    draining: AtomicBool,
}

/// Why the hub refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No session has this token, or its retention window has passed.
    #[error("no session has this token; open one anew")]
    UnknownToken,
    /// The session ended since its mailbox overflowed.
    #[error("the session has ended: it took its messages too slowly and its mailbox overflowed")]
    Gone,
    /// A cursor beyond what was sent.
    #[error("{0}")]
    BeyondSent(#[from] BeyondSent),
    /// A newer poll or connection has the session.
    #[error("a newer poll or connection has taken the session over")]
    Superseded,
    /// The server is about to stop.
    #[error("the server is draining; connect again elsewhere or later")]
    Draining,
    /// As many sessions as there may be.
    #[error("too many sessions; see --max-sessions")]
    Full,
    /// More commands a second than allowed.
    #[error("too many commands a second; see --max-rate")]
    TooFast,
    /// More rooms than a session may be in.
    #[error("in too many rooms at once; see --max-rooms")]
    TooManyRooms,
}

/// How often sessions are looked through for expired ones.
const UPKEEP: Duration = Duration::from_millis(250);
/// A shard this many emissions behind is helped by the thread that fills it, which so has to slow down.
const INBOX_HIGH: usize = 4096;

impl Door {
    /// A new hub of `shards` shards (at least one), with a door for each worker thread.
    pub fn new(limits: &Limits, shards: usize) -> Vec<Self> {
        let shards = shards.max(1);
        let limits = Limits {
            max_sessions: limits.max_sessions.div_ceil(shards),
            ..limits.clone()
        };
        let shared = Arc::new(Shared {
            shards: (0..shards).map(|_| Shard::new(limits.clone())).collect(),
            order: Mutex::new(()),
            draining: AtomicBool::new(false),
        });
        (0..shards)
            .map(|home| Self {
                shared: Arc::clone(&shared),
                home,
            })
            .collect()
    }

    /// The upkeep of this thread's shard: fans out what other threads emit, and ends expired sessions. Runs for ever.
    pub async fn run(&self) {
        let shard = &self.shared.shards[self.home];
        let pump = async {
            loop {
                std::future::poll_fn(|cx| {
                    if shard.watch(cx.waker()) {
                        TaskPoll::Ready(())
                    } else {
                        TaskPoll::Pending
                    }
                })
                .await;
                drop(shard.lock());
                // So that sockets are read between two fan-outs.
                tokio::task::yield_now().await;
            }
        };
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                shard.lock().hub.expire(Instant::now());
            }
        };
        tokio::join!(pump, upkeep);
    }

    /// No new sessions from now on; every waiting poll and open connection is told.
    pub fn drain(&self) {
        if !self.shared.draining.swap(true, Ordering::SeqCst) {
            for shard in &self.shared.shards {
                shard.lock().announce_drain();
            }
        }
    }

    /// Whether [`drain`](Self::drain) was called.
    pub fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::SeqCst)
    }

    /// Opens a session that the caller's connection holds.
    ///
    /// # Errors
    /// [`Refused::Full`], [`Refused::Draining`].
    pub fn open(&self) -> Result<Session, Refused> {
        let (mut state, key, id, token) = self.admit()?;
        let epoch = state.hold(key);
        drop(state);
        Ok(Session::new(
            Arc::clone(&self.shared),
            self.home,
            key,
            epoch,
            (id, token),
            false,
        ))
    }

    /// Opens a session that no connection holds, as `POST /session` does.
    ///
    /// # Errors
    /// [`Refused::Full`], [`Refused::Draining`].
    pub fn open_detached(&self) -> Result<(SessionId, Token), Refused> {
        self.admit().map(|(_state, _, id, token)| (id, token))
    }

    /// Continues a session whose client has received `received` messages; a connection that still holds it loses it.
    ///
    /// # Errors
    /// [`Refused::UnknownToken`], [`Refused::Gone`], [`Refused::BeyondSent`], [`Refused::Draining`].
    pub fn resume(&self, token: &str, received: u64) -> Result<Session, Refused> {
        if self.is_draining() {
            return Err(Refused::Draining);
        }
        self.with(token, |shared, home, state, key, token| {
            state.hub.rewind(key, Some(received))?;
            let epoch = state.hold(key);
            let id = state.hub.id(key);
            Ok(Session::new(
                Arc::clone(shared),
                home,
                key,
                epoch,
                (id, token),
                true,
            ))
        })
    }

    /// Carries out commands of a session, in order; with `replies`, replies are appended there as JSON separated by commas, else they become
    /// messages of the session.
    ///
    /// # Errors
    /// [`Refused::UnknownToken`], [`Refused::Gone`], [`Refused::TooFast`] (none was carried out), [`Refused::TooManyRooms`] (that join alone
    /// was not).
    pub fn apply(
        &self,
        token: &str,
        commands: &[Command<'_>],
        replies: Option<&mut Vec<u8>>,
    ) -> Result<(), Refused> {
        let mut lagging = false;
        let result = self.with(token, |shared, home, state, key, _| {
            state.hub.touch(key, Instant::now());
            let (result, behind) = shared.apply(home, state, key, commands, replies);
            lagging = behind;
            result
        });
        if lagging {
            self.shared.help();
        }
        result
    }

    /// Begins a poll: the session has received `after` messages (`None`: as many as it told before). An older poll of the session ends.
    ///
    /// # Errors
    /// [`Refused::UnknownToken`], [`Refused::Gone`], [`Refused::BeyondSent`].
    pub fn poll(&self, token: &str, after: Option<u64>) -> Result<Poll, Refused> {
        self.with(token, |shared, home, state, key, token| {
            state.hub.rewind(key, after)?;
            let epoch = state.hold(key);
            Ok(Poll::new(Arc::clone(shared), home, key, epoch, token))
        })
    }

    /// Begins a poll of a client that keeps no cursor: what waits for it is forgotten, and only what comes from now on is handed over.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_from_now(&self, token: &str) -> Result<Poll, Refused> {
        self.with(token, |shared, home, state, key, token| {
            state.hub.forget(key);
            let epoch = state.hold(key);
            Ok(Poll::new(Arc::clone(shared), home, key, epoch, token))
        })
    }

    /// The public id of the session that has this token.
    ///
    /// # Errors
    /// [`Refused::UnknownToken`], [`Refused::Gone`].
    pub fn identify(&self, token: &str) -> Result<SessionId, Refused> {
        self.with(token, |_, _, state, key, _| Ok(state.hub.id(key)))
    }

    /// Ends a session for good.
    ///
    /// # Errors
    /// [`Refused::UnknownToken`], [`Refused::Gone`].
    pub fn close(&self, token: &str) -> Result<(), Refused> {
        self.with(token, |_, _, state, key, _| {
            state.close(key);
            Ok(())
        })
    }

    /// Sessions open in this thread's shard, with or without a connection.
    pub fn sessions(&self) -> usize {
        self.shared.shards[self.home].lock().hub.len()
    }

    fn admit(&self) -> Result<(std::sync::MutexGuard<'_, State>, Key, SessionId, Token), Refused> {
        if self.is_draining() {
            return Err(Refused::Draining);
        }
        let (id, token) = (
            SessionId::random(),
            Token::random(self.home, self.shared.shards.len()),
        );
        let mut state = self.shared.shards[self.home].lock();
        let key = state
            .hub
            .open(id, token, Instant::now())
            .ok_or(Refused::Full)?;
        Ok((state, key, id, token))
    }

    /// Does something with the session of a token, in whichever shard it lives.
    fn with<T>(
        &self,
        token: &str,
        act: impl FnOnce(&Arc<Shared>, usize, &mut State, Key, Token) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let token: Token = token.parse().map_err(|_| Refused::UnknownToken)?;
        let home = token.shard(self.shared.shards.len());
        let mut state = self.shared.shards[home].lock();
        let key = state.hub.find(token, Instant::now())?;
        act(&self.shared, home, &mut state, key, token)
    }
}

impl Shared {
    pub(crate) fn shard(&self, index: usize) -> &Shard {
        &self.shards[index]
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Carries out commands of a session of shard `home`, whose lock the caller has; whether a shard is so far behind that
    /// [`help`](Self::help) is due once that lock is given back.
    pub(crate) fn apply(
        &self,
        home: usize,
        state: &mut State,
        key: Key,
        commands: &[Command<'_>],
        mut replies: Option<&mut Vec<u8>>,
    ) -> (Result<(), Refused>, bool) {
        if !state.hub.admit(key, commands.len(), Instant::now()) {
            return (Err(Refused::TooFast), false);
        }
        let (mut result, mut lagging) = (Ok(()), false);
        let mut emissions = Vec::new();
        for command in commands {
            if let Command::Emit { to, event, data } = command
                && self.shards.len() > 1
            {
                let from = state.hub.id(key);
                let to: Audience<'static> = to.clone().into_owned();
                emissions.push(Arc::new(Emission {
                    from,
                    to,
                    event: Event::new(event, from, data),
                }));
                continue;
            }
            // What the session emitted before must have reached this shard before the session joins, leaves or asks.
            lagging |= self.publish(home, state, &mut emissions);
            if state.hub.apply(key, command, replies.as_deref_mut()) == Outcome::TooManyRooms {
                result = Err(Refused::TooManyRooms);
            }
        }
        lagging |= self.publish(home, state, &mut emissions);
        state.settle();
        (result, lagging)
    }

    /// Gives emissions their place in the one order; the shard `home` has applied them afterwards.
    fn publish(&self, home: usize, state: &mut State, emissions: &mut Vec<Arc<Emission>>) -> bool {
        if emissions.is_empty() {
            return false;
        }
        let ordered = self
            .order
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let longest = self
            .shards
            .iter()
            .map(|shard| shard.receive(emissions))
            .max();
        drop(ordered);
        emissions.clear();
        self.shards[home].drain_inbox(state);
        longest > Some(INBOX_HIGH)
    }

    /// Applies what shards have waiting. The caller holds no lock.
    pub(crate) fn help(&self) {
        for shard in &self.shards {
            drop(shard.lock());
        }
    }
}

impl From<ResumeError> for Refused {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::Unknown => Self::UnknownToken,
            ResumeError::Gone => Self::Gone,
        }
    }
}

impl Refused {
    /// The HTTP status that says it.
    pub fn status(self) -> u16 {
        match self {
            Self::BeyondSent(_) => 400,
            Self::UnknownToken => 401,
            Self::Superseded => 409,
            Self::Gone => 410,
            Self::Full | Self::TooFast | Self::TooManyRooms => 429,
            Self::Draining => 503,
        }
    }

    /// The `code` of the error message that says it.
    pub fn code(self) -> &'static str {
        match self {
            Self::BeyondSent(_) => "malformed",
            Self::UnknownToken => "unauthorized",
            Self::Superseded => "conflict",
            Self::Gone => "gone",
            Self::Full | Self::TooFast | Self::TooManyRooms => "limits",
            Self::Draining => "draining",
        }
    }

    /// The WebSocket close code that says it (RFC 6455 section 7.4.1 and its registry).
    pub fn close_code(self) -> u16 {
        match self {
            Self::BeyondSent(_)
            | Self::UnknownToken
            | Self::Superseded
            | Self::TooFast
            | Self::TooManyRooms => 1008,
            Self::Gone | Self::Full => 1013,
            Self::Draining => 1012,
        }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door")
            .field("home", &self.home)
            .field("shards", &self.shared.shards.len())
            .finish()
    }
}
