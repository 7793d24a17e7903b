//! The sending side of a server's connection, shared by its task, the hub and whoever looks after it.
//!
//! A message goes straight from the hub into the socket, in the thread that published it: waking the connection's task for it
//! would cost more than the write. Only when the socket is full does the task come in, to wait until it isn't.

use std::io;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use hub::wire::{write_error, write_gap};
use hub::{Closing, Delivery, Event, Mailbox, Outlet};
use socket2::SockRef;
use tokio::net::tcp::OwnedWriteHalf;

use crate::buffers::with_gathered;

/// How messages stand on a wire.
pub trait Framing: Send + Sync + 'static {
    /// An event's bytes, the same for all of its receivers.
    fn event(event: &Event) -> &[u8];

    /// Appends a JSON text that is no event: a welcome, a gap, an error.
    fn append(out: &mut Vec<u8>, text: &[u8]);
}

/// The sending side of a connection.
#[derive(Debug)]
pub struct Conn<F> {
    stream: OwnedWriteHalf,
    framing: PhantomData<fn() -> F>,
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
pub enum Note {
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

impl<F: Framing> Conn<F> {
    /// The sending side of a connection; with `batching` everything that is there goes out in one write.
    pub fn new(stream: OwnedWriteHalf, batching: bool) -> Self {
        Self {
            stream,
            framing: PhantomData,
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
    pub fn is_batching(&self) -> bool {
        self.batching
    }

    /// Sends whole frames, behind those that wait already.
    pub fn push(&self, frames: &[u8]) {
        if !frames.is_empty() {
            let mut out = self.out();
            self.write(&mut out, frames);
        }
    }

    /// Sends a JSON text as a message.
    pub fn push_text(&self, text: &[u8]) {
        let mut bytes = Vec::new();
        F::append(&mut bytes, text);
        self.push(&bytes);
    }

    /// Sends an error message.
    pub fn tell(&self, code: &str, message: &str) {
        let mut text = Vec::new();
        write_error(&mut text, code, message);
        self.push_text(&text);
    }

    /// Sends whole frames, and nothing after them.
    pub fn push_last(&self, frames: &[u8]) {
        let mut out = self.out();
        if !frames.is_empty() {
            self.write(&mut out, frames);
        }
        out.is_over = true;
    }

    /// Sends whole frames, unless the socket is full.
    pub fn push_unless_full(&self, frames: &[u8]) {
        let mut out = self.out();
        if out.rest.is_empty() {
            self.write(&mut out, frames);
        }
    }

    /// Waits, with what the socket didn't take, until it takes that; ready when nothing waits.
    ///
    /// # Errors
    /// The connection broke.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Relaxed)
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        let out = self.out();
        out.rest.len() - out.sent
    }

    /// Ends the sending direction of the TCP connection.
    pub fn shut_down(&self) {
        // It fails when the connection is gone, which is as well.
        let _ = SockRef::from(self.stream.as_ref()).shutdown(std::net::Shutdown::Write);
    }

    /// Who is to be woken for notes and when the socket was full.
    pub fn set_waker(&self, waker: &Waker) {
        self.out().waker = Some(waker.clone());
    }

    /// Tells the connection's task something.
    pub fn note(&self, note: Note) {
        self.notes.fetch_or(note as u8, Relaxed);
        if let Some(waker) = &self.out().waker {
            waker.wake_by_ref();
        }
    }

    /// The gravest thing that was noted.
    pub fn noted(&self) -> Option<Note> {
        let notes = self.notes.load(Relaxed);
        if notes == 0 {
            return None;
        }
        [Note::Cut, Note::Overflow, Note::Superseded, Note::Draining]
            .into_iter()
            .find(|&note| notes & note as u8 != 0)
    }

    /// The peer has said something.
    pub fn hear(&self) {
        self.heard.store(true, Relaxed);
    }

    /// Whether the peer has said anything since this was asked last.
    pub fn was_heard(&self) -> bool {
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

impl<F: Framing> Outlet for Conn<F> {
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
                        F::append(gathered, &text);
                    }
                    Delivery::Event(event) if F::event(event).len() < LARGE => {
                        gathered.extend_from_slice(F::event(event));
                    }
                    Delivery::Event(event) => {
                        self.write(&mut out, gathered);
                        gathered.clear();
                        self.write(&mut out, F::event(event));
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

    /// Messages as lines.
    struct Lines;

    impl Framing for Lines {
        fn event(event: &Event) -> &[u8] {
            event.line()
        }

        fn append(out: &mut Vec<u8>, text: &[u8]) {
            out.extend_from_slice(text);
            out.push(b'\n');
        }
    }

    async fn conn(batching: bool) -> (Arc<Conn<Lines>>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (_, stream) = stream.into_split();
        stream.writable().await.unwrap();
        (Arc::new(Conn::new(stream, batching)), peer)
    }

    fn session(conn: &Arc<Conn<Lines>>) -> Session {
        let session = Door::new(&Limits::default(), 1)[0].open().unwrap();
        session.set_outlet(Arc::<Conn<Lines>>::clone(conn));
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
        conn.push_unless_full(b"\n");
        assert_eq!(
            conn.waiting(),
            waiting,
            "neither events nor signs of life pile up"
        );
        conn.push(b"what the connection itself says does");
        assert_eq!(conn.waiting(), waiting + 36);

        let mut read = 0;
        let mut bytes = vec![0; 1 << 20];
        let total = (sent + 10)
            * (data.len() + 1 + br#"{"op":"event","event":"e","from":"","data":}"#.len() + 22)
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
