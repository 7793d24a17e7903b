//! The receiving side of a server's connection: its task, from accepting to the end of the TCP connection.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hub::wire::write_error;
use hub::{Door, Refused};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Sleep, sleep};
use transport::buffers::with_scratch;
use transport::push::Note;

use crate::lines::Lines;
use crate::server::{Conn, Place};
use crate::session::Commands;

/// Why a connection is closed.
#[derive(Debug)]
pub(crate) enum Goodbye {
    /// The client has ended its session for good.
    Farewell,
    /// What the last line tells: a code and a message.
    Refused(&'static str, String),
}

/// A server's connection.
pub(crate) struct Connection {
    stream: OwnedReadHalf,
    conn: Arc<Conn>,
    lines: Lines,
    /// Until the last line was sent.
    session: Option<Commands>,
    closing: Option<Box<Closing>>,
    is_known: bool,
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
/// A connection that never runs dry lets others go first after so many reads.
const MOST_READS: usize = 8;

impl Connection {
    /// A connection with a session of its own, or with the reason why there is none. A line has at most `limit` bytes.
    pub(crate) fn new(
        stream: OwnedReadHalf,
        conn: Arc<Conn>,
        door: &Door,
        limit: usize,
        place: Place,
    ) -> Self {
        let opened = door.open();
        let mut this = Self {
            stream,
            conn,
            lines: Lines::new(limit),
            session: None,
            closing: None,
            is_known: false,
            _place: place,
        };
        match opened {
            Ok(session) => {
                this.session = Some(Commands::begin(door.clone(), session, &this.conn));
            }
            Err(refused) => this.close(refused.into()),
        }
        this
    }

    /// Deals with bytes from the peer; those that come after the last line was sent are thrown away.
    fn take_in(&mut self, bytes: &[u8]) {
        if let Some(session) = &mut self.session
            && let Err(goodbye) = session.serve(&self.conn, &mut self.lines, bytes)
        {
            self.close(goodbye);
        }
    }

    /// Sends the last line and lets go of the session.
    fn close(&mut self, goodbye: Goodbye) {
        if self.closing.is_some() {
            return;
        }
        let mut last = Vec::new();
        if let Goodbye::Refused(code, message) = &goodbye {
            write_error(&mut last, code, message);
            last.push(b'\n');
        }
        self.conn.push_last(&last);
        if let (Some(session), Goodbye::Farewell) = (self.session.take(), goodbye) {
            session.end();
        }
        self.closing = Some(Box::new(Closing {
            is_shut_down: false,
            deadline: Box::pin(sleep(CLOSE_TIMEOUT)),
        }));
    }

    /// Does what others have noted; whether the connection ends at once.
    fn heed(&mut self) -> bool {
        let refused = match self.conn.noted() {
            None => return false,
            Some(Note::Cut) => return true,
            Some(Note::Superseded) => Refused::Superseded,
            Some(Note::Overflow) => Refused::Gone,
            Some(Note::Draining) => Refused::Draining,
        };
        self.close(refused.into());
        false
    }

    /// Writes what the socket didn't take before; ready when it has taken all, or enough to go on reading.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.conn.is_blocked() {
            return Poll::Ready(Ok(()));
        }
        match self.conn.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                if let Some(session) = &self.session {
                    session.flush();
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending if self.session.is_some() && self.conn.waiting() > MOST_WAITING => {
                Poll::Pending
            }
            Poll::Pending => Poll::Ready(Ok(())),
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }

    /// Goes on closing; ready when the peer's time for it is over.
    fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(closing) = &mut self.closing else {
            return Poll::Pending;
        };
        if !self.conn.is_blocked() && !closing.is_shut_down {
            self.conn.shut_down();
            closing.is_shut_down = true;
        }
        // Until the peer closes too: closing with bytes unread would send a reset, which can overtake the last line.
        closing.deadline.as_mut().poll(cx)
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if !this.is_known {
            // A task's waker stays the same.
            this.conn.set_waker(cx.waker());
            this.is_known = true;
        }
        for _ in 0..MOST_READS {
            if this.heed() {
                return Poll::Ready(());
            }
            if ready!(this.poll_flush(cx)).is_err() || this.poll_closing(cx).is_ready() {
                return Poll::Ready(());
            }
            let ended = ready!(with_scratch(|scratch| {
                let mut buf = ReadBuf::new(scratch);
                Poll::Ready(
                    match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                        Ok(()) if !buf.filled().is_empty() => {
                            this.take_in(buf.filled());
                            false
                        }
                        // Cut, or closed without a goodbye: the session can be resumed.
                        _ => true,
                    },
                )
            }));
            if ended {
                return Poll::Ready(());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl From<Refused> for Goodbye {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.code(), refused.to_string())
    }
}
