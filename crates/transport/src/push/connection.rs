//! The receiving side of a server's connection: its task, to the end of the TCP connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;

use super::{Conn, Framing, Note};
use crate::buffers::with_scratch;

/// What a transport does with what a connection receives.
pub trait Receiver: Unpin {
    /// How messages stand on its wire.
    type Framing: Framing;

    /// Deals with bytes from the peer.
    fn take_in(&mut self, conn: &Arc<Conn<Self::Framing>>, bytes: &mut [u8]);

    /// Begins to close for what others have noted, unless it is closing. Never told [`Note::Cut`].
    fn heed(&mut self, conn: &Conn<Self::Framing>, note: Note);

    /// How many bytes may wait for the socket before nothing more is read. `None` while closing: then it is read whatever waits.
    fn most_waiting(&self) -> Option<usize>;

    /// The socket takes bytes again.
    fn flushed(&mut self);

    /// Goes on closing; ready when the connection has ended or its time is over, pending while it isn't closing.
    fn poll_closing(&mut self, conn: &Conn<Self::Framing>, cx: &mut Context<'_>) -> Poll<()>;
}

/// A server's connection, as the task that it is.
#[derive(Debug)]
pub struct Connection<R: Receiver> {
    stream: OwnedReadHalf,
    conn: Arc<Conn<R::Framing>>,
    /// Whether `conn` has the task's waker.
    is_known: bool,
    receiver: R,
}

/// A connection that never runs dry lets others go first after so many reads.
const MOST_READS: usize = 8;

impl<R: Receiver> Connection<R> {
    /// The connection whose sending side is `conn`.
    pub fn new(stream: OwnedReadHalf, conn: Arc<Conn<R::Framing>>, receiver: R) -> Self {
        Self {
            stream,
            conn,
            is_known: false,
            receiver,
        }
    }

    /// Tells the connection what was noted for it from outside.
    pub fn note(&self, note: Note) {
        self.conn.note(note);
    }

    /// Deals with bytes that came from the peer before there was a connection to read them.
    pub fn take_in(&mut self, bytes: &mut [u8]) {
        self.receiver.take_in(&self.conn, bytes);
    }

    /// Does what others have noted; whether the connection ends at once.
    fn heed(&mut self) -> bool {
        match self.conn.noted() {
            None => {}
            Some(Note::Cut) => return true,
            Some(note) => self.receiver.heed(&self.conn, note),
        }
        false
    }

    /// Writes what the socket didn't take before; ready when it has taken all, or enough to go on reading.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.conn.is_blocked() {
            return Poll::Ready(Ok(()));
        }
        let polled = self.conn.poll_flush(cx);
        match polled {
            Poll::Ready(Ok(())) => self.receiver.flushed(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let most = self.receiver.most_waiting();
                if most.is_none_or(|most| self.conn.waiting() <= most) {
                    return Poll::Ready(Ok(()));
                }
            }
        }
        polled
    }
}

impl<R: Receiver> Future for Connection<R> {
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
            if ready!(this.poll_flush(cx)).is_err()
                || this.receiver.poll_closing(&this.conn, cx).is_ready()
            {
                return Poll::Ready(());
            }
            let ended = ready!(with_scratch(|scratch| {
                let mut buf = ReadBuf::new(scratch);
                Poll::Ready(
                    match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                        Ok(()) if !buf.filled().is_empty() => {
                            this.receiver.take_in(&this.conn, buf.filled_mut());
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
