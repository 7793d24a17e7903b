//! The sending side of a server's connection, shared by its task, the hub and the pulse.
//!
//! A message goes straight from the hub into the socket, in the thread that published it: waking the connection's task for it
//! would cost more than the write. Only when the socket is full does the task come in, to wait until it isn't.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use hub::wire::write_gap;
use hub::{Closing, Delivery, Mailbox, Outlet};
use socket2::SockRef;
use tokio::net::tcp::OwnedWriteHalf;

use crate::frame::{self, Opcode};

/// The sending side of a connection.
#[derive(Debug)]
pub(crate) struct Conn {
    stream: OwnedWriteHalf,
    /// Whether everything that is there goes out in one write.
    batching: bool,
    /// What others told the connection's task, bits of [`Note`].
    notes: AtomicU8,
    /// Whether bytes have come since the pulse looked last.
    heard: AtomicBool,
    /// Whether there is a rest, readable without the lock.
    blocked: AtomicBool,
    out: Mutex<Out>,
    #[cfg(test)]
    writes: std::sync::atomic::AtomicUsize,
}

/// What a connection's task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Note {
    /// Its session was taken over.
    Superseded = 1,
    /// Its session's mailbox overflowed.
    Overflow = 2,
    /// The server is draining.
    Draining = 4,
    /// The connection is of no use any more: dead, broken, or out of time.
    Cut = 8,
}

#[derive(Debug, Default)]
struct Out {
    /// What the socket didn't take, from `sent` on. Whole frames but for the first.
    rest: Vec<u8>,
    sent: usize,
    /// After a close frame nothing is sent.
    is_over: bool,
    waker: Option<Waker>,
}

/// A write gathers frames until it has this many bytes.
const GATHER: usize = 64 << 10;
/// A frame of this size is written from where it is instead of being gathered.
const LARGE: usize = 16 << 10;
/// A scratch buffer larger than this is given back.
const KEPT: usize = 2 * GATHER;

thread_local! {
    /// Where the frames of a write are gathered.
    static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lends the thread's buffer for frames to `fill`, empty. A use within a use gets another one.
pub(crate) fn with_gathered<T>(fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut gathered = GATHERED.take();
    gathered.clear();
    let result = fill(&mut gathered);
    if gathered.capacity() <= KEPT {
        GATHERED.set(gathered);
    }
    result
}

impl Conn {
    pub(crate) fn new(stream: OwnedWriteHalf, batching: bool) -> Self {
        Self {
            stream,
            batching,
            notes: AtomicU8::new(0),
            heard: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            out: Mutex::default(),
            #[cfg(test)]
            writes: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// Whether everything that is there goes out in one write.
    pub(crate) fn is_batching(&self) -> bool {
        self.batching
    }

    /// Sends whole frames, behind those that wait already.
    pub(crate) fn push(&self, frames: &[u8]) {
        if !frames.is_empty() {
            let mut out = self.out();
            self.write(&mut out, frames);
        }
    }

    /// Sends a text message.
    pub(crate) fn push_text(&self, text: &[u8]) {
        let mut bytes = Vec::new();
        frame::append(&mut bytes, Opcode::Text, text);
        self.push(&bytes);
    }

    /// Sends a close frame, and nothing after it.
    pub(crate) fn push_close(&self, payload: &[u8]) {
        let mut bytes = Vec::new();
        frame::append(&mut bytes, Opcode::Close, payload);
        let mut out = self.out();
        self.write(&mut out, &bytes);
        out.is_over = true;
    }

    /// Sends a ping, unless the socket is full.
    pub(crate) fn ping(&self) {
        let mut out = self.out();
        if out.rest.is_empty() {
            self.write(&mut out, &[0x80 | Opcode::Ping as u8, 0]);
        }
    }

    /// Waits, with what the socket didn't take, until it takes that; ready when nothing waits.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.is_blocked() {
            ready!(self.stream.as_ref().poll_write_ready(cx))?;
            let mut out = self.out();
            match self.stream.try_write(&out.rest[out.sent..]) {
                Ok(written) => out.sent += written,
                Err(error) if is_full(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            if out.sent == out.rest.len() {
                (out.rest, out.sent) = (Vec::new(), 0);
                self.blocked.store(false, Relaxed);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the socket was full and bytes wait.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(Relaxed)
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        let out = self.out();
        out.rest.len() - out.sent
    }

    /// Ends the sending direction of the TCP connection.
    pub(crate) fn shut_down(&self) {
        // It fails when the connection is gone, which is as well.
        let _ = SockRef::from(self.stream.as_ref()).shutdown(std::net::Shutdown::Write);
    }

    /// Who is to be woken for notes and when the socket was full.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        self.out().waker = Some(waker.clone());
    }

    /// Tells the connection's task something.
    pub(crate) fn note(&self, note: Note) {
        self.notes.fetch_or(note as u8, Relaxed);
        if let Some(waker) = &self.out().waker {
            waker.wake_by_ref();
        }
    }

    /// The gravest thing that was noted.
    pub(crate) fn noted(&self) -> Option<Note> {
        let notes = self.notes.load(Relaxed);
        if notes == 0 {
            return None;
        }
        [Note::Cut, Note::Overflow, Note::Superseded, Note::Draining]
            .into_iter()
            .find(|&note| notes & note as u8 != 0)
    }

    /// The peer has said something.
    pub(crate) fn hear(&self) {
        self.heard.store(true, Relaxed);
    }

    /// Whether the peer has said anything since this was asked last.
    pub(crate) fn was_heard(&self) -> bool {
        self.heard.swap(false, Relaxed)
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        // Nothing between two changes of it panics.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whole frames as far as the socket takes them and keeps the rest.
    fn write(&self, out: &mut Out, frames: &[u8]) {
        if out.is_over {
            return;
        }
        let mut written = 0;
        if out.rest.is_empty() {
            #[cfg(test)]
            self.writes.fetch_add(1, Relaxed);
            match self.stream.try_write(frames) {
                Ok(taken) if taken == frames.len() => return,
                Ok(taken) => written = taken,
                Err(error) if is_full(&error) => {}
                Err(_) => {
                    // The reading side is told the same, but not if it isn't reading.
                    out.is_over = true;
                    self.notes.fetch_or(Note::Cut as u8, Relaxed);
                }
            }
            if let Some(waker) = &out.waker {
                waker.wake_by_ref();
            }
            if out.is_over {
                return;
            }
            self.blocked.store(true, Relaxed);
        }
        out.rest.extend_from_slice(&frames[written..]);
    }
}

impl Outlet for Conn {
    fn deliver(&self, mailbox: &mut Mailbox) {
        let mut out = self.out();
        if !out.rest.is_empty() || out.is_over {
            return;
        }
        with_gathered(|gathered| {
            while out.rest.is_empty() && !out.is_over {
                let taken = mailbox.take(1, |delivery| match delivery {
                    Delivery::Gap(missed) => {
                        let mut text = Vec::new();
                        write_gap(&mut text, missed);
                        frame::append(gathered, Opcode::Text, &text);
                    }
                    Delivery::Event(event) if event.websocket_frame().len() < LARGE => {
                        gathered.extend_from_slice(event.websocket_frame());
                    }
                    Delivery::Event(event) => {
                        self.write(&mut out, gathered);
                        gathered.clear();
                        self.write(&mut out, event.websocket_frame());
                    }
                });
                if taken == 0 {
                    break;
                }
                if gathered.len() >= GATHER || !self.batching {
                    self.write(&mut out, gathered);
                    gathered.clear();
                }
            }
            if !gathered.is_empty() {
                self.write(&mut out, gathered);
            }
        });
    }

    fn closed(&self, why: Closing) {
        self.note(match why {
            Closing::Superseded => Note::Superseded,
            Closing::Overflow => Note::Overflow,
            Closing::Draining => Note::Draining,
        });
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hub::{Audience, Command, Door, Limits, Session};
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn conn(batching: bool) -> (Arc<Conn>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (_, stream) = stream.into_split();
        stream.writable().await.unwrap();
        (Arc::new(Conn::new(stream, batching)), peer)
    }

    fn session(conn: &Arc<Conn>) -> Session {
        let session = Door::new(&Limits::default(), 1)[0].open().unwrap();
        session.set_outlet(Arc::<Conn>::clone(conn));
        session
    }

    fn emit(session: &Session, count: usize, data: &str) {
        let command = Command::Emit {
            to: Audience::Sender,
            event: "e".into(),
            data,
        };
        session.apply(&vec![command; count]).unwrap();
    }

    #[tokio::test]
    async fn all_that_waits_goes_out_in_one_write_unless_batching_is_off() {
        for (batching, writes) in [(true, 1), (false, 50)] {
            let (conn, _peer) = conn(batching).await;
            emit(&session(&conn), 50, "1");
            assert_eq!(conn.writes.load(Relaxed), writes);
        }
    }

    #[tokio::test]
    async fn a_large_event_is_written_from_where_it_is_and_in_its_place() {
        let (conn, mut peer) = conn(true).await;
        let session = session(&conn);
        let large = format!("\"{}\"", "x".repeat(LARGE));
        let command = |data| Command::Emit {
            to: Audience::Sender,
            event: "e".into(),
            data,
        };
        session
            .apply(&[command("1"), command(&large), command("2"), command("3")])
            .unwrap();
        assert_eq!(conn.writes.load(Relaxed), 3);
        drop((session, conn));
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let at = |data: &str| text.find(&format!("\"data\":{data}}}")).unwrap();
        assert!(at("1") < at(&large) && at(&large) < at("2") && at("2") < at("3"));
    }

    #[tokio::test]
    async fn when_the_socket_is_full_messages_stay_in_the_mailbox() {
        let (conn, mut peer) = conn(true).await;
        let session = session(&conn);
        let data = format!("\"{}\"", "x".repeat(10_000));
        let mut sent = 0;
        while !conn.is_blocked() {
            emit(&session, 1, &data);
            sent += 1;
        }
        let waiting = conn.waiting();
        assert!(waiting > 0 && waiting <= GATHER + LARGE);
        emit(&session, 10, &data);
        conn.ping();
        assert_eq!(conn.waiting(), waiting, "neither events nor pings pile up");
        conn.push(b"what the connection itself says does");
        assert_eq!(conn.waiting(), waiting + 36);

        let mut read = 0;
        let mut bytes = vec![0; 1 << 20];
        let total = (sent + 10)
            * (data.len() + 4 + br#"{"op":"event","event":"e","from":"","data":}"#.len() + 22)
            + 36;
        while read < total {
            tokio::select! {
                flushed = std::future::poll_fn(|cx| conn.poll_flush(cx)), if conn.is_blocked() => {
                    flushed.unwrap();
                    session.flush();
                }
                size = peer.read(&mut bytes) => read += size.unwrap(),
            }
        }
        assert_eq!((read, conn.waiting()), (total, 0));
    }
}
