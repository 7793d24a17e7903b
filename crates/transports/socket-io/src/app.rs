//! Socket.IO's own operations, for applications: connection, events with acks, rooms, and whom an event is sent to.
//!
//! An application sits beside the lab's commands (`pushlab:…`) in the namespace `/` and has every other event name to itself. Whatever it emits goes
//! through the hub, so clients of every transport hear it, and each event has a sender: the socket that an operation is called on, or for
//! [`Io`] the server itself.
//!
//! | Socket.IO | here |
//! | --- | --- |
//! | `io.on("connection", socket => …)` | [`App::connected`] |
//! | `socket.on(name, (…args, ack) => …)` | [`App::event`] |
//! | `io.emit(name, data)` | [`Io::emit`] |
//! | `io.to(room).emit(name, data)` | [`Io::to`] |
//! | `socket.emit(name, data)` | [`Socket::emit`] |
//! | `socket.broadcast.emit(name, data)` | [`Socket::broadcast`] |
//! | `socket.broadcast.to(room).emit(name, data)` | [`Socket::broadcast_to`] |
//! | `socket.broadcast.to(id).emit(name, data)` | [`Socket::broadcast_to_id`] |
//! | `socket.join(room)`, `socket.leave(room)` | [`Socket::join`], [`Socket::leave`] |

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hub::{Audience, Closing, Command, Door, Mailbox, Outlet, Refused, Session, SessionId};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::native;
use crate::packet::{Kind, begin};
use crate::server::connection::Connection;

/// What an application does when something happens. Hooks are called on a worker thread, one at a time for each connection, and must not block.
pub trait App: Debug + Send + Sync + 'static {
    /// A client has entered the namespace `/`.
    fn connected(&self, socket: &Socket<'_>) {
        let _ = socket;
    }

    /// A client has sent an event that isn't one of the lab's own.
    fn event(&self, socket: &Socket<'_>, event: &Event<'_>) {
        let _ = (socket, event);
    }

    /// A client has left the namespace, or its connection has ended; in the latter case the session may yet be resumed.
    fn disconnected(&self, socket: &Socket<'_>) {
        let _ = socket;
    }
}

/// The application of a server that has none: it ignores what isn't the lab's own.
#[derive(Debug)]
pub struct NoApp;

impl App for NoApp {}

/// Why something could not be emitted.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The data can't be written as JSON, or a name has not 1 to 256 bytes.
    #[error("{0}")]
    Malformed(String),
    /// The hub refuses.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A client's socket, in a hook.
#[derive(Debug)]
pub struct Socket<'a> {
    connection: &'a Arc<Connection>,
    session: Arc<Session>,
}

impl<'a> Socket<'a> {
    pub(crate) fn new(connection: &'a Arc<Connection>, session: Arc<Session>) -> Self {
        Self {
            connection,
            session,
        }
    }

    /// Its public id: what the client has as `socket.id`, and what events of it come with.
    pub fn id(&self) -> SessionId {
        self.session.id()
    }

    /// `socket.emit`: to this client alone.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn emit(&self, event: &str, data: &impl Serialize) -> Result<(), EmitError> {
        emit(&self.session, Audience::Sender, event, data)
    }

    /// `socket.broadcast.emit`: to everyone but this client.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn broadcast(&self, event: &str, data: &impl Serialize) -> Result<(), EmitError> {
        emit(&self.session, Audience::Others, event, data)
    }

    /// `socket.broadcast.to(room).emit`: to everyone in the room but this client.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn broadcast_to(
        &self,
        room: &str,
        event: &str,
        data: &impl Serialize,
    ) -> Result<(), EmitError> {
        emit(
            &self.session,
            Audience::RoomOthers(room.into()),
            event,
            data,
        )
    }

    /// `socket.broadcast.to(id).emit`: a private message from this client.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn broadcast_to_id(
        &self,
        id: SessionId,
        event: &str,
        data: &impl Serialize,
    ) -> Result<(), EmitError> {
        let to = Audience::Session(id.to_string().into());
        emit(&self.session, to, event, data)
    }

    /// Enters a room; entering twice is entering once.
    ///
    /// # Errors
    /// [`EmitError`]: it is in too many rooms already.
    pub fn join(&self, room: &str) -> Result<(), EmitError> {
        check(room)?;
        let room = room.into();
        Ok(self.session.apply(&[Command::Join { room }])?)
    }

    /// Leaves a room.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn leave(&self, room: &str) -> Result<(), EmitError> {
        check(room)?;
        let room = room.into();
        Ok(self.session.apply(&[Command::Leave { room }])?)
    }

    /// Answers an event that asked for an answer; one that didn't gets none.
    ///
    /// # Errors
    /// [`EmitError::Malformed`].
    pub fn answer(&self, event: &Event<'_>, data: &impl Serialize) -> Result<(), EmitError> {
        let data = json(data)?;
        if let Some(id) = event.answer {
            let mut out = Vec::with_capacity(data.len() + 24);
            begin(&mut out, Kind::Ack, 0, "/", Some(id));
            out.push(b'[');
            out.extend_from_slice(data.as_bytes());
            out.push(b']');
            self.connection.push(native::text(out));
        }
        Ok(())
    }
}

/// An event that a client has sent.
#[derive(Debug)]
pub struct Event<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its arguments, each as the JSON that the client wrote. Binary ones are placeholders: `{"_placeholder":true,"num":N}`.
    pub arguments: &'a [&'a RawValue],
    /// What the placeholders stand for.
    pub attachments: &'a [Bytes],
    answer: Option<u64>,
}

impl<'a> Event<'a> {
    pub(crate) fn new(
        name: &'a str,
        arguments: &'a [&'a RawValue],
        attachments: &'a [Bytes],
        answer: Option<u64>,
    ) -> Self {
        Self {
            name,
            arguments,
            attachments,
            answer,
        }
    }

    /// Whether the client waits for [`Socket::answer`].
    pub fn wants_answer(&self) -> bool {
        self.answer.is_some()
    }
}

/// The server's own voice: `io` in Socket.IO. It is a session of the hub that hears nothing, opened when it first speaks.
#[derive(Debug)]
pub struct Io {
    door: Door,
    session: OnceLock<Arc<Session>>,
}

impl Io {
    /// The voice of a server whose hub `door` leads to.
    pub fn new(door: Door) -> Self {
        Self {
            door,
            session: OnceLock::new(),
        }
    }

    /// `io.emit`: to everyone.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn emit(&self, event: &str, data: &impl Serialize) -> Result<(), EmitError> {
        emit(self.session()?, Audience::Others, event, data)
    }

    /// `io.to(room).emit`: to everyone in the room.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn to(&self, room: &str, event: &str, data: &impl Serialize) -> Result<(), EmitError> {
        emit(self.session()?, Audience::Room(room.into()), event, data)
    }

    fn session(&self) -> Result<&Arc<Session>, EmitError> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let session = self.door.open()?;
        session.set_outlet(Arc::new(Deaf));
        Ok(self.session.get_or_init(|| Arc::new(session)))
    }
}

/// Where events go that reach the server's own session.
#[derive(Debug)]
struct Deaf;

impl Outlet for Deaf {
    fn deliver(&self, mailbox: &mut Mailbox) {
        mailbox.take(usize::MAX, |_| {});
    }

    fn closed(&self, _: Closing) {}
}

fn emit(
    session: &Session,
    to: Audience<'_>,
    event: &str,
    data: &impl Serialize,
) -> Result<(), EmitError> {
    check(event)?;
    if let Audience::Room(name) | Audience::RoomOthers(name) = &to {
        check(name)?;
    }
    let data = json(data)?;
    let command = Command::Emit {
        to,
        event: event.into(),
        data: &data,
    };
    Ok(session.apply(&[command])?)
}

fn check(name: &str) -> Result<(), EmitError> {
    if (1..=hub::wire::MAX_NAME).contains(&name.len()) {
        Ok(())
    } else {
        Err(EmitError::Malformed("a name has 1 to 256 bytes".to_owned()))
    }
}

fn json(data: &impl Serialize) -> Result<String, EmitError> {
    serde_json::to_string(data).map_err(|error| EmitError::Malformed(error.to_string()))
}
