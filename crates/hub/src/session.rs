//! Handles to a session: one that a connection keeps, and one for a single poll.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll as TaskPoll};

use crate::door::{Refused, Shared};
use crate::shard::State;
use crate::wire::{Command, write_gap};
use crate::{Delivery, Key, Outlet, SessionId, Token};

/// A session held by a connection. Dropping it detaches: the retention window begins.
pub struct Session {
    hold: Hold,
    id: SessionId,
    resumed: bool,
}

/// A poll that holds its session until it is answered or dropped.
pub struct Poll {
    hold: Hold,
}

/// A place at a session, lost when somebody newer takes it.
struct Hold {
    shared: Arc<Shared>,
    /// The shard the session lives in.
    home: usize,
    key: Key,
    epoch: u64,
    token: Token,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        home: usize,
        key: Key,
        epoch: u64,
        (id, token): (SessionId, Token),
        resumed: bool,
    ) -> Self {
        Self {
            hold: Hold {
                shared,
                home,
                key,
                epoch,
                token,
            },
            id,
            resumed,
        }
    }

    /// The public id.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The secret token.
    pub fn token(&self) -> Token {
        self.hold.token
    }

    /// Whether an earlier session continues.
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// Carries out commands in order, under one lock, and hands the messages they make to outlets that can take them.
    ///
    /// # Errors
    /// [`Refused::TooFast`] (none was carried out), [`Refused::TooManyRooms`] (that join alone was not), or the session is no longer this
    /// connection's.
    pub fn apply(&self, commands: &[Command<'_>]) -> Result<(), Refused> {
        let (result, lagging) = self
            .hold
            .with(|shared, home, state, key| Ok(shared.apply(home, state, key, commands, None)))?;
        if lagging {
            self.hold.shared.help();
        }
        result
    }

    /// As [`apply`](Self::apply), with the replies appended to `replies` as JSON, separated by commas, instead of being messages of the session.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn answer(&self, commands: &[Command<'_>], replies: &mut Vec<u8>) -> Result<(), Refused> {
        let (result, lagging) = self.hold.with(|shared, home, state, key| {
            Ok(shared.apply(home, state, key, commands, Some(replies)))
        })?;
        if lagging {
            self.hold.shared.help();
        }
        result
    }

    /// From now on messages go straight to `outlet`, those that wait first.
    pub fn set_outlet(&self, outlet: Arc<dyn Outlet>) {
        // A session that has ended since has nothing to hand over; its connection finds out by its next command.
        let _ = self.hold.with(|_, _, state, key| {
            state.set_outlet(key, outlet);
            Ok(())
        });
    }

    /// Hands waiting messages to the outlet, after it could not take all.
    pub fn flush(&self) {
        let _ = self.hold.with(|_, _, state, key| {
            state.flush(key);
            Ok(())
        });
    }

    /// Without an outlet: hands everything that waits to `each`; pending while nothing does.
    ///
    /// # Errors
    /// [`Refused::Superseded`], [`Refused::Gone`], [`Refused::Draining`].
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut dyn FnMut(Delivery<'_>),
    ) -> TaskPoll<Result<(), Refused>> {
        self.hold.poll(cx, |state, key| {
            state.hub.mailbox(key).take(usize::MAX, each) > 0
        })
    }

    /// Ends the session for good: nothing is kept for a resume.
    pub fn close(self) {
        let _ = self.hold.with(|_, _, state, key| {
            state.close(key);
            Ok(())
        });
    }
}

impl Poll {
    pub(crate) fn new(
        shared: Arc<Shared>,
        home: usize,
        key: Key,
        epoch: u64,
        token: Token,
    ) -> Self {
        Self {
            hold: Hold {
                shared,
                home,
                key,
                epoch,
                token,
            },
        }
    }

    /// At least one message and at most `most`, appended to `out` as JSON separated by commas; ready with the cursor to ask with next.
    ///
    /// # Errors
    /// [`Refused::Superseded`] by a newer poll, [`Refused::Gone`], [`Refused::Draining`] (nothing waits and the server stops).
    pub fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        out: &mut Vec<u8>,
    ) -> TaskPoll<Result<u64, Refused>> {
        let mut next = 0;
        let taken = self.hold.poll(cx, |state, key| {
            let mailbox = state.hub.mailbox(key);
            let taken = mailbox.take(most, |delivery| append(out, delivery)) > 0;
            next = mailbox.cursor();
            taken
        });
        taken.map_ok(|()| next)
    }

    /// Hands over what waits, with the cursor after each, while `each` wants more; pending while nothing waits.
    ///
    /// # Errors
    /// As [`poll_take`](Self::poll_take).
    pub fn poll_each(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut dyn FnMut(u64, Delivery<'_>) -> ControlFlow<()>,
    ) -> TaskPoll<Result<(), Refused>> {
        self.hold.poll(cx, |state, key| {
            let mailbox = state.hub.mailbox(key);
            let (mut any, mut flow) = (false, ControlFlow::Continue(()));
            while flow.is_continue() && mailbox.has_unsent() {
                any = true;
                let before = mailbox.cursor();
                mailbox.take(1, |delivery| {
                    flow = each(before + delivery.counts(), delivery);
                });
            }
            any
        })
    }

    /// The cursor: how many messages the session was handed, those in gaps included.
    ///
    /// # Errors
    /// [`Refused::Superseded`] by a newer poll, [`Refused::UnknownToken`] or [`Refused::Gone`] where the session has ended.
    pub fn cursor(&self) -> Result<u64, Refused> {
        self.hold
            .with(|_, _, state, key| Ok(state.hub.mailbox(key).cursor()))
    }

    /// As [`poll_take`](Self::poll_take), at once; `None` when nothing is there.
    ///
    /// # Errors
    /// [`Refused::Superseded`] by a newer poll, [`Refused::Gone`].
    pub fn take_now(&mut self, most: usize, out: &mut Vec<u8>) -> Result<Option<u64>, Refused> {
        self.hold.with(|_, _, state, key| {
            let mailbox = state.hub.mailbox(key);
            let taken = mailbox.take(most, |delivery| append(out, delivery)) > 0;
            Ok(taken.then(|| mailbox.cursor()))
        })
    }
}

fn append(out: &mut Vec<u8>, delivery: Delivery<'_>) {
    if out.last() == Some(&b'}') {
        out.push(b',');
    }
    match delivery {
        Delivery::Gap(missed) => write_gap(out, missed),
        Delivery::Event(event) => out.extend_from_slice(event.json()),
    }
}

impl Hold {
    fn with<T>(
        &self,
        act: impl FnOnce(&Shared, usize, &mut State, Key) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut state = self.shared.shard(self.home).lock();
        if !state.is_held(self.key, self.epoch) {
            // Somebody newer has it, or it has ended.
            return Err(
                match state.hub.find(self.token, std::time::Instant::now()) {
                    Ok(_) => Refused::Superseded,
                    Err(error) => error.into(),
                },
            );
        }
        act(&self.shared, self.home, &mut state, self.key)
    }

    /// Ready when `take` took something; else registers the waker.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut State, Key) -> bool,
    ) -> TaskPoll<Result<(), Refused>> {
        let polled = self.with(|shared, _, state, key| {
            if take(state, key) {
                return Ok(true);
            }
            if shared.is_draining() {
                return Err(Refused::Draining);
            }
            state.set_waker(key, cx.waker());
            Ok(false)
        });
        match polled {
            Ok(true) => TaskPoll::Ready(Ok(())),
            Ok(false) => TaskPoll::Pending,
            Err(refused) => TaskPoll::Ready(Err(refused)),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared
            .shard(self.home)
            .lock()
            .release(self.key, self.epoch);
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("resumed", &self.resumed)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Poll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poll").finish_non_exhaustive()
    }
}
