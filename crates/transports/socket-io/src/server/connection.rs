//! A client's connection above the engine: its namespaces, its session, and what it is told at the end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use engineioxide::{DisconnectReason, Str, TransportType};
use hub::wire::{write_error, write_string};
use hub::{Closing, Door, Mailbox, Outlet, Refused, Session};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::EngineSocket;
use super::intake::Intake;
use super::outbox::{MOST_WAITING, Outbox, Outgoing, is_taken};
use super::wire::Wire;
use crate::app::{self, App};
use crate::native;

/// How long a client is given to take what is left, the goodbye at its end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The same while the server drains: its polls are refused by then, so it has one under way or learns it that way.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// What all connections of a server have in common.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) max_message: usize,
    pub(super) batching: bool,
    pub(super) app: Arc<dyn App>,
    pub(super) clock: Arc<AtomicU64>,
}

/// A connection. The engine's threads, the hub and the sweep all have it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) terms: Arc<Terms>,
    socket: Weak<EngineSocket>,
    door: Door,
    runtime: Handle,
    wire: OnceLock<Arc<Wire>>,
    /// What came and hasn't been dealt with; whoever holds it deals with all of it, in order.
    intake: Mutex<Intake>,
    /// The session of the namespace `/`.
    session: Mutex<Option<Arc<Session>>>,
    outbox: Mutex<Outbox>,
    /// Told whenever the engine has taken something, and at the end.
    taken: Notify,
    /// Whether the goodbye has begun.
    has_ended: AtomicBool,
    /// Whether the session is being closed by its client, which the hub then needn't tell.
    is_leaving: AtomicBool,
    /// Since when it is in no namespace, by the server's clock; `u64::MAX` while it is in one.
    pub(super) outside_since: AtomicU64,
}

/// What a CONNECT packet may bring to go on with an earlier session. Whatever else an application sends along is passed over.
#[derive(Debug, Deserialize)]
struct Auth {
    token: Option<String>,
    received: Option<u64>,
}

impl Connection {
    pub(super) fn new(terms: &Arc<Terms>, socket: &Arc<EngineSocket>, door: Door) -> Arc<Self> {
        Arc::new(Self {
            terms: Arc::clone(terms),
            socket: Arc::downgrade(socket),
            door,
            runtime: Handle::current(),
            wire: OnceLock::new(),
            intake: Mutex::default(),
            session: Mutex::default(),
            outbox: Mutex::default(),
            taken: Notify::new(),
            has_ended: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            outside_since: AtomicU64::new(terms.clock.load(Relaxed)),
        })
    }

    /// Has the WebSocket `wire` from now on, or will have it when the upgrade is done. Not so if it is ending: its goodbye goes by polls then.
    pub(super) fn set_wire(self: &Arc<Self>, wire: &Arc<Wire>) -> bool {
        wire.connect(self);
        // A session is upgraded once; a second attempt is refused.
        let is_first = self.wire.set(Arc::clone(wire)).is_ok();
        // Either the goodbye sees the wire, or this sees the end.
        fence(SeqCst);
        is_first && !self.has_ended.load(Relaxed)
    }

    pub(super) fn wire(&self) -> Option<&Arc<Wire>> {
        self.wire.get()
    }

    /// Whether it is, or is becoming, a WebSocket.
    pub(super) fn has_wire(&self) -> bool {
        self.wire.get().is_some()
    }

    /// Whether polls are over.
    pub(super) fn is_websocket(&self) -> bool {
        let socket = self.socket.upgrade();
        socket.is_some_and(|socket| socket.transport_type() == TransportType::Websocket)
    }

    /// Something came; [`settle`](Self::settle) deals with it.
    pub(super) fn receive_text(&self, text: Str) {
        self.intake().push_text(text);
    }

    /// The same, binary.
    pub(super) fn receive_binary(&self, bytes: Bytes) {
        self.intake().push_binary(bytes);
    }

    /// Deals with all that came.
    pub(super) fn settle(self: &Arc<Self>) {
        let mut intake = self.intake();
        if !intake.is_empty() && intake.settle(self).is_err() {
            drop(intake);
            self.close(DisconnectReason::PacketParsingError);
        }
    }

    /// Sends a packet.
    pub(crate) fn push(&self, packet: impl Into<Outgoing>) {
        if let Some(socket) = self.socket.upgrade() {
            self.outbox().push(&socket, packet.into());
        }
    }

    /// Whether so much waits that nothing more is read.
    pub(super) fn is_clogged(&self) -> bool {
        self.outbox().waiting() > MOST_WAITING && !self.is_closed()
    }

    /// Waits until there is room for answers to what is read next, or the end.
    pub(super) async fn unclogged(&self) {
        loop {
            let taken = self.taken.notified();
            if !self.is_clogged() {
                return;
            }
            taken.await;
        }
    }

    /// The engine has taken something: what waits follows.
    pub(super) fn make_use_of_room(&self) {
        let Some(socket) = self.socket.upgrade() else {
            return;
        };
        let used = self.outbox().make_use_of_room(&socket);
        if used == Some(true) {
            self.flush();
        }
        if used.is_some() || self.has_ended.load(Relaxed) {
            self.taken.notify_waiters();
            if !self.is_clogged()
                && let Some(wire) = self.wire()
            {
                wire.wake_reader();
            }
        }
    }

    /// A poll begins: what waits is for it.
    pub(super) fn begin_poll(&self) {
        self.outbox().await_events(true);
        self.flush();
    }

    /// A poll was answered.
    pub(super) fn end_poll(&self) {
        self.outbox().await_events(false);
        self.make_use_of_room();
    }

    /// Hands over what waits in the mailbox.
    pub(super) fn flush(&self) {
        if let Some(session) = self.session() {
            session.flush();
        }
    }

    /// The session of `/`, if that is entered.
    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_session(&self, session: Option<Arc<Session>>) -> Option<Arc<Session>> {
        let mut place = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut place, session)
    }

    /// Enters `/`: a fresh session, or the one that `auth` continues. Whether it was entered.
    pub(super) fn enter(self: &Arc<Self>, auth: &str) -> bool {
        let session = match self.open(auth) {
            Ok(session) => Arc::new(session),
            Err((code, message)) => {
                let mut out = Vec::from(&br#"4{"message":"#[..]);
                write_string(&mut out, &message);
                out.extend_from_slice(br#","data":"#);
                write_error(&mut out, code, &message);
                out.push(b'}');
                self.push(native::text(out));
                return false;
            }
        };
        let (id, token, resumed) = (session.id(), session.token(), session.resumed());
        self.push(Str::from(format!(
            r#"0{{"sid":"{id}","token":"{token}","resumed":{resumed}}}"#
        )));
        self.push(native::ours(native::WELCOME, |out| {
            hub::wire::write_welcome(out, id, token, resumed);
        }));
        self.set_session(Some(Arc::clone(&session)));
        session.set_outlet(Arc::clone(self) as Arc<dyn Outlet>);
        let socket = app::Socket::new(self, session);
        self.terms.app.connected(&socket);
        true
    }

    fn open(&self, auth: &str) -> Result<Session, (&'static str, String)> {
        let refused = |refused: Refused| (refused.code(), refused.to_string());
        let auth: Auth = match auth {
            "" => Auth {
                token: None,
                received: None,
            },
            auth => serde_json::from_str(auth).map_err(|error| ("malformed", error.to_string()))?,
        };
        match auth {
            Auth { token: None, .. } => self.door.open().map_err(refused),
            Auth {
                token: Some(token),
                received: Some(received),
            } => match self.door.resume(&token, received) {
                // What can't be continued begins anew, and the answer says so.
                Err(Refused::UnknownToken | Refused::Gone) => self.door.open().map_err(refused),
                resumed => resumed.map_err(refused),
            },
            Auth { received: None, .. } => Err((
                "malformed",
                "a token resumes with `received`, the count of messages received".to_owned(),
            )),
        }
    }

    /// Leaves `/`: the session ends for good.
    pub(super) fn leave(self: &Arc<Self>) {
        let Some(session) = self.set_session(None) else {
            return;
        };
        self.is_leaving.store(true, Relaxed);
        // A session that has ended since needs no end.
        let _ = self.door.close(&session.token().to_string());
        self.is_leaving.store(false, Relaxed);
        let socket = app::Socket::new(self, session);
        self.terms.app.disconnected(&socket);
    }

    /// The connection is gone: what came is dealt with, and the session may be resumed.
    pub(super) fn vanish(self: &Arc<Self>) {
        self.has_ended.store(true, Relaxed);
        // Nobody can be told what is wrong with it.
        let _ = self.intake().settle(self);
        if let Some(session) = self.set_session(None) {
            let socket = app::Socket::new(self, session);
            self.terms.app.disconnected(&socket);
        }
        self.taken.notify_waiters();
    }

    /// The client can't be reached any more: what is for it from now on waits for a resume.
    pub(super) fn lose(&self) {
        self.has_ended.store(true, Relaxed);
        self.outbox().end();
    }

    /// Ends the connection at once.
    pub(super) fn close(&self, reason: DisconnectReason) {
        self.lose();
        if let Some(socket) = self.socket.upgrade() {
            // The engine spawns a task, and this may be the end of the runtime, where there is none around.
            let _entered = self.runtime.enter();
            socket.close(reason);
        }
        self.taken.notify_waiters();
        self.cut_later();
    }

    /// A WebSocket that was to take over from polling has ended before it did. The engine answers polls with noops from then on, so this is
    /// the end.
    pub(super) fn give_up_upgrade(&self) {
        if let Some(socket) = self.socket.upgrade()
            && socket.transport_type() == TransportType::Polling
        {
            self.close(DisconnectReason::TransportError);
        }
    }

    /// Tells the client why, and that each namespace is left, then ends the connection when it has taken that or its time is over. What this
    /// does is done in a task: the hub calls it while it is locked.
    pub(super) fn end(&self, why: Refused) {
        if self.has_ended.swap(true, Relaxed) {
            return;
        }
        fence(SeqCst);
        let Some(socket) = self.socket.upgrade() else {
            return;
        };
        self.runtime.spawn(async move {
            if let Some(connection) = socket.data.get() {
                connection.say_goodbye(&socket, why).await;
            }
        });
    }

    async fn say_goodbye(&self, socket: &EngineSocket, why: Refused) {
        let mut last = Vec::new();
        if self.session().is_some() {
            let (code, reason) = (why.code(), why.to_string());
            last.push(native::error(native::GOODBYE, code, &reason));
            last.push(Str::from("1"));
        }
        if self.intake().is_in_echo() {
            last.push(Str::from("1/echo,"));
        }
        let is_polling = socket.transport_type() == TransportType::Polling;
        if is_polling && !self.has_wire() && last.len() > 1 {
            // A poll that waits is answered with one packet and is perhaps the last, so all is one: what separates packets in a poll's answer
            // stands between them. Not while it becomes a WebSocket, which would carry that as it is.
            let joined: Vec<&str> = last.iter().map(|text| &**text).collect();
            last = vec![Str::from(joined.join("\u{1e}4"))];
        }
        self.outbox().push_last(socket, last);
        let patience = if why == Refused::Draining {
            DRAIN_TIMEOUT
        } else {
            CLOSE_TIMEOUT
        };
        let all_taken = async {
            loop {
                let taken = self.taken.notified();
                // A WebSocket that has just taken over may not have begun to write, and never does once it is closed.
                let is_out = self.outbox().waiting() == 0 && is_taken(socket);
                if is_out || self.is_closed() {
                    return;
                }
                taken.await;
            }
        };
        // One that doesn't take it in time isn't waited for.
        let _ = timeout(patience, all_taken).await;
        self.close(DisconnectReason::ClosingServer);
    }

    /// Cuts a WebSocket whose client doesn't take what is left.
    fn cut_later(&self) {
        if let Some(wire) = self.wire() {
            let wire = Arc::clone(wire);
            self.runtime.spawn(async move {
                tokio::time::sleep(CLOSE_TIMEOUT).await;
                wire.cut();
            });
        }
    }

    /// Whether the engine is done with it.
    pub(super) fn is_closed(&self) -> bool {
        self.socket
            .upgrade()
            .is_none_or(|socket| socket.is_closed())
    }

    /// It is in a namespace, or in none from now on.
    pub(super) fn set_inside(&self, is_inside: bool) {
        let since = if is_inside {
            u64::MAX
        } else {
            self.terms.clock.load(Relaxed)
        };
        self.outside_since.store(since, Relaxed);
    }

    fn intake(&self) -> MutexGuard<'_, Intake> {
        // Nothing between two changes of it panics.
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet for Connection {
    fn deliver(&self, mailbox: &mut Mailbox) {
        if let Some(socket) = self.socket.upgrade() {
            self.outbox()
                .deliver(&socket, mailbox, !self.terms.batching);
        }
    }

    fn closed(&self, why: Closing) {
        if self.is_leaving.load(Relaxed) {
            return;
        }
        self.end(match why {
            Closing::Superseded => Refused::Superseded,
            Closing::Overflow => Refused::Gone,
            Closing::Draining => Refused::Draining,
        });
    }
}
