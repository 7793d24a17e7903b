//! The receiving side of a server's connection: lines in, and how it closes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hub::wire::write_error;
use hub::{Door, Refused};
use tokio::time::{Sleep, sleep};
use transport::push::{Commands, Note, Receiver};

use crate::lines::{LineFraming, Lines};
use crate::server::{Conn, Place};
use crate::session::serve;

/// Why a connection is closed.
#[derive(Debug)]
pub(crate) enum Goodbye {
    /// The client has ended its session for good.
    Farewell,
    /// What the last line tells: a code and a message.
    Refused(&'static str, String),
}

/// Deals with what a server's connection receives.
pub(crate) struct Intake {
    lines: Lines,
    /// Until the last line was sent.
    session: Option<Commands>,
    closing: Option<Box<Closing>>,
    _place: Place,
}

struct Closing {
    is_shut_down: bool,
    deadline: Pin<Box<Sleep>>,
}

/// How long a peer is given to take what is left, the last line at its end, and to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Events wait in the mailbox, so what waits beside them is errors and the rest of a large event: with more than this nothing is read.
const MOST_WAITING: usize = 256 << 10;

impl Intake {
    /// For a connection with a session of its own, or with the reason why there is none. A line has at most `limit` bytes.
    pub(crate) fn new(conn: &Arc<Conn>, door: &Door, limit: usize, place: Place) -> Self {
        let opened = door.open();
        let mut this = Self {
            lines: Lines::new(limit),
            session: None,
            closing: None,
            _place: place,
        };
        match opened {
            Ok(session) => this.session = Some(Commands::begin(door.clone(), session, conn)),
            Err(refused) => this.close(conn, refused.into()),
        }
        this
    }

    /// Sends the last line and lets go of the session.
    fn close(&mut self, conn: &Conn, goodbye: Goodbye) {
        if self.closing.is_some() {
            return;
        }
        let mut last = Vec::new();
        if let Goodbye::Refused(code, message) = &goodbye {
            write_error(&mut last, code, message);
            last.push(b'\n');
        }
        conn.push_last(&last);
        if let (Some(session), Goodbye::Farewell) = (self.session.take(), goodbye) {
            session.end();
        }
        self.closing = Some(Box::new(Closing {
            is_shut_down: false,
            deadline: Box::pin(sleep(CLOSE_TIMEOUT)),
        }));
    }
}

impl Receiver for Intake {
    type Framing = LineFraming;

    /// What comes after the last line was sent is thrown away.
    fn take_in(&mut self, conn: &Arc<Conn>, bytes: &mut [u8]) {
        if let Some(session) = &mut self.session
            && let Err(goodbye) = serve(session, conn, &mut self.lines, bytes)
        {
            self.close(conn, goodbye);
        }
    }

    fn heed(&mut self, conn: &Conn, note: Note) {
        let refused = match note {
            Note::Cut => return,
            Note::Superseded => Refused::Superseded,
            Note::Overflow => Refused::Gone,
            Note::Draining => Refused::Draining,
        };
        self.close(conn, refused.into());
    }

    fn most_waiting(&self) -> Option<usize> {
        self.session.is_some().then_some(MOST_WAITING)
    }

    fn flushed(&mut self) {
        if let Some(session) = &self.session {
            session.flush();
        }
    }

    fn poll_closing(&mut self, conn: &Conn, cx: &mut Context<'_>) -> Poll<()> {
        let Some(closing) = &mut self.closing else {
            return Poll::Pending;
        };
        if !conn.is_blocked() && !closing.is_shut_down {
            conn.shut_down();
            closing.is_shut_down = true;
        }
        // Until the peer closes too: closing with bytes unread would send a reset, which can overtake the last line.
        closing.deadline.as_mut().poll(cx)
    }
}

impl From<Refused> for Goodbye {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.code(), refused.to_string())
    }
}
