//! The receiving side of a server's connection: frames in, and the close handshake.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hub::Event;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use transport::http::Held;
use transport::push::{self, Connection, Framing, Note, Receiver};

use crate::pulse::{Listed, Pulse};
use transport::websocket::frame::{Opcode, Role, Violation, append, close_payload};
use transport::websocket::reader::{Input, Item, Reader};

/// The sending side of a connection.
pub(crate) type Conn = push::Conn<TextFrames>;

/// A message is an unmasked text frame.
#[derive(Debug)]
pub(crate) enum TextFrames {}

impl Framing for TextFrames {
    fn event(event: &Event) -> &[u8] {
        event.websocket_frame()
    }

    fn append(out: &mut Vec<u8>, text: &[u8]) {
        append(out, Opcode::Text, text);
    }
}

/// What a connection is for.
pub(crate) trait Duty: Unpin + Send + 'static {
    /// Deals with all that `input` holds.
    ///
    /// # Errors
    /// What the connection is to be closed with.
    fn serve(
        &mut self,
        conn: &Arc<Conn>,
        frames: &mut Reader,
        input: Input<'_>,
    ) -> Result<(), Goodbye>;

    /// How many bytes may wait for the socket before nothing more is read.
    const MOST_WAITING: usize;

    /// The socket takes bytes again.
    fn resume(&mut self) {}

    /// The connection closes; nothing may be sent on it any more.
    fn end(self, goodbye: &Goodbye);
}

/// Why a connection is closed, as its close frame tells.
#[derive(Debug)]
pub(crate) struct Goodbye {
    /// The payload of the close frame.
    payload: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// We close; the peer is to answer.
    Ours,
    /// The peer closed, and this is the answer.
    Answer { is_farewell: bool },
    /// The peer can't be understood any more.
    Failed,
}

/// Deals with what a server's connection receives.
#[derive(Debug)]
pub(crate) struct Intake<D> {
    frames: Reader,
    /// Until the close frame was sent.
    duty: Option<D>,
    closing: Option<Box<Closing>>,
    _listed: Listed,
    _held: Held,
}

#[derive(Debug)]
struct Closing {
    kind: Kind,
    is_shut_down: bool,
    deadline: Pin<Box<Sleep>>,
}

/// The reason beside close code 1000 that ends a session for good, as `DELETE /session` does over HTTP.
pub(crate) const FAREWELL: &str = "end";
/// How long a peer is given to take what is left, the close frame at its end, and to answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

impl<D: Duty> Intake<D> {
    /// A connection on `stream`, which has a place in the server's count and is looked after by `pulse`. `begin` makes its duty.
    pub(crate) fn connect(
        stream: TcpStream,
        held: Held,
        pulse: &Arc<Pulse>,
        (limit, batching): (usize, bool),
        begin: impl FnOnce(&Arc<Conn>) -> D,
    ) -> Connection<Self> {
        let (stream, sending) = stream.into_split();
        let conn = Arc::new(Conn::new(sending, batching));
        let listed = pulse.list(&conn);
        let duty = begin(&conn);
        let intake = Self {
            frames: Reader::new(Role::Server, limit),
            duty: Some(duty),
            closing: None,
            _listed: listed,
            _held: held,
        };
        Connection::new(stream, conn, intake)
    }

    /// Sends the close frame and ends the duty.
    fn close(&mut self, conn: &Conn, goodbye: &Goodbye) {
        let Some(duty) = self.duty.take() else {
            return;
        };
        let mut last = Vec::new();
        append(&mut last, Opcode::Close, &goodbye.payload);
        conn.push_last(&last);
        duty.end(goodbye);
        self.closing = Some(Box::new(Closing {
            kind: goodbye.kind,
            is_shut_down: false,
            deadline: Box::pin(sleep(CLOSE_TIMEOUT)),
        }));
    }
}

impl<D: Duty> Receiver for Intake<D> {
    type Framing = TextFrames;

    fn take_in(&mut self, conn: &Arc<Conn>, bytes: &mut [u8]) {
        let input = Input::new(bytes);
        conn.hear();
        if let Some(duty) = &mut self.duty {
            if let Err(goodbye) = duty.serve(conn, &mut self.frames, input) {
                self.close(conn, &goodbye);
            }
        } else if let Some(closing) = &mut self.closing
            && closing.kind == Kind::Ours
        {
            closing.kind = await_answer(&mut self.frames, input);
        }
    }

    fn heed(&mut self, conn: &Conn, note: Note) {
        if self.duty.is_some() {
            self.close(conn, &Goodbye::noted(note));
        }
    }

    fn most_waiting(&self) -> Option<usize> {
        self.duty.is_some().then_some(D::MOST_WAITING)
    }

    fn flushed(&mut self) {
        if let Some(duty) = &mut self.duty {
            duty.resume();
        }
    }

    fn poll_closing(&mut self, conn: &Conn, cx: &mut Context<'_>) -> Poll<()> {
        let Some(closing) = &mut self.closing else {
            return Poll::Pending;
        };
        if closing.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !conn.is_blocked() && closing.kind != Kind::Ours && !closing.is_shut_down {
            conn.shut_down();
            closing.is_shut_down = true;
        }
        match closing.kind {
            // The server is the first to close the TCP connection (RFC 6455 section 7.1.1).
            Kind::Answer { .. } if closing.is_shut_down => Poll::Ready(()),
            // Closing with bytes unread would send a reset, which can overtake the close frame: what comes is thrown away.
            _ => Poll::Pending,
        }
    }
}

impl Goodbye {
    /// We close.
    pub(crate) fn ours(code: u16, reason: &str) -> Self {
        Self {
            payload: close_payload(code, reason),
            kind: Kind::Ours,
        }
    }

    /// The answer to a close frame of the peer: the same code.
    pub(crate) fn answer(close: Option<(u16, String)>) -> Self {
        let payload = match &close {
            Some((code, _)) => code.to_be_bytes().to_vec(),
            None => Vec::new(),
        };
        let is_farewell = close.is_some_and(|(code, reason)| code == 1000 && reason == FAREWELL);
        Self {
            payload,
            kind: Kind::Answer { is_farewell },
        }
    }

    /// Whether the peer has ended its session for good. A close without that wish says nothing about the session: a page that reloads and a
    /// library that is done with a connection close cleanly, too.
    pub(crate) fn is_farewell(&self) -> bool {
        matches!(self.kind, Kind::Answer { is_farewell: true })
    }

    fn noted(note: Note) -> Self {
        let (code, reason) = match note {
            Note::Superseded => (1008, hub::Refused::Superseded.to_string()),
            Note::Overflow => (1013, hub::Refused::Gone.to_string()),
            Note::Draining => (1012, hub::Refused::Draining.to_string()),
            Note::Cut => (1011, String::new()),
        };
        Self::ours(code, &reason)
    }
}

impl From<Violation> for Goodbye {
    fn from(violation: Violation) -> Self {
        Self {
            payload: close_payload(violation.code(), &violation.to_string()),
            kind: Kind::Failed,
        }
    }
}

/// Reads on to the answer to our close frame. The peer may have sent messages before it, which nobody will read.
fn await_answer(frames: &mut Reader, mut input: Input<'_>) -> Kind {
    loop {
        match frames.next(&mut input) {
            Ok(Some(Item::Close(_))) => return Kind::Answer { is_farewell: false },
            Ok(Some(_)) => {}
            Ok(None) => return Kind::Ours,
            Err(_) => return Kind::Failed,
        }
    }
}
