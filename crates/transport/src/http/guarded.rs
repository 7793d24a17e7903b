//! The accepted stream below hyper: it knows in which phase its connection is, closes so that a last answer arrives, and gives the TCP
//! stream back after an upgrade.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::Config;
use crate::server::Permit;

/// What hyper reads from and writes to; the type to downcast an upgraded connection to (see [`upgraded`]).
pub type Io = TokioIo<Guarded>;

/// The parts of an upgraded connection: the TCP stream, what was read of it beyond the request, and the connection's place, to be held as
/// long as the stream. `None` for a connection that isn't one of [`serve`](super::serve)'s.
pub fn upgraded(upgraded: Upgraded) -> Option<(TcpStream, Bytes, Held)> {
    let parts = upgraded.downcast::<Io>().ok()?;
    let Guarded { stream, held, .. } = parts.io.into_inner();
    Some((stream, parts.read_buf, held))
}

/// A connection's place among the server's: dropping it gives the place back, and [`serve`](super::serve) waits for it while draining.
#[derive(Debug)]
pub struct Held {
    _permit: Permit,
    open: Arc<Open>,
}

/// Connections of one worker thread that are still open, upgraded ones included.
#[derive(Debug, Default)]
pub(super) struct Open {
    count: AtomicUsize,
    none: Notify,
}

/// What a connection is doing, for the time-outs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Between requests.
    Idle,
    /// A request's head is coming in; also a new connection.
    Head,
    /// A request's body is coming in.
    Body,
    /// The same, and it took too long: the handler is given up.
    BodyLate,
    /// The handler has it all. A held poll is here, and never late.
    Busy,
    /// The answer is going out, and hyper has yet to take the rest of its body.
    Sending,
    /// The answer is a stream, all that was said has gone out, and it may say nothing more for as long as it likes.
    Streaming,
    /// The same, but the client's socket is full.
    Stalled,
    /// The answer, or the end of it, is going out.
    Responding,
    /// All is said; what the client still sends is thrown away, so that the answer isn't lost in a reset.
    Lingering,
}

/// What the sweep tells a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    None,
    /// Finish the request under way, if any, and close.
    Finish,
    /// The phase took too long.
    Late,
    /// End at once.
    Cut,
}

/// What a connection's stream, its handler's future and the sweep share. Only one thread ever touches it; the atomics are there since hyper
/// asks that a stream that may be upgraded can be sent, and cost no more than cells.
#[derive(Debug)]
pub(super) struct Watch {
    phase: AtomicU8,
    order: AtomicU8,
    /// Whether the client may still be sending when we close.
    linger: AtomicBool,
    /// When the phase began, by `clock`.
    since: AtomicU64,
    clock: Arc<AtomicU64>,
    waker: Mutex<Option<Waker>>,
}

/// How long a connection is given to read its last answer.
const LINGER: Duration = Duration::from_secs(1);

impl Watch {
    /// A new connection, by a clock of milliseconds that the sweep sets.
    pub(super) fn new(clock: Arc<AtomicU64>) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Head as u8),
            order: AtomicU8::new(Order::None as u8),
            linger: AtomicBool::new(false),
            since: AtomicU64::new(clock.load(Relaxed)),
            clock,
            waker: Mutex::new(None),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        const ALL: [Phase; 10] = [
            Phase::Idle,
            Phase::Head,
            Phase::Body,
            Phase::BodyLate,
            Phase::Busy,
            Phase::Sending,
            Phase::Streaming,
            Phase::Stalled,
            Phase::Responding,
            Phase::Lingering,
        ];
        ALL[self.phase.load(Relaxed) as usize]
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) == phase as u8
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.since.store(self.clock.load(Relaxed), Relaxed);
    }

    /// The client may still be sending what nobody will read.
    pub(super) fn linger(&self) {
        self.linger.store(true, Relaxed);
    }

    pub(super) fn set_waker(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    pub(super) fn give(&self, order: Order) {
        self.order.store(order as u8, Relaxed);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }

    /// The order given since the last call.
    pub(super) fn take_order(&self) -> Order {
        if self.order.load(Relaxed) == Order::None as u8 {
            return Order::None;
        }
        match self.order.swap(Order::None as u8, Relaxed) {
            order if order == Order::Finish as u8 => Order::Finish,
            order if order == Order::Late as u8 => Order::Late,
            _ => Order::Cut,
        }
    }

    /// Ends the phase if it has taken too long at `now`; `slack` is by how much the clock may have been late when it began.
    pub(super) fn sweep(&self, now: u64, slack: u64, config: &Config) {
        let phase = self.phase();
        let most = match phase {
            Phase::Idle => config.idle_timeout,
            Phase::Head => config.header_timeout,
            Phase::Body | Phase::Sending | Phase::Stalled | Phase::Responding => {
                config.body_timeout
            }
            Phase::Lingering => LINGER,
            Phase::BodyLate | Phase::Busy | Phase::Streaming => return,
        };
        if now.saturating_sub(self.since.load(Relaxed)) > most.as_millis() as u64 + slack {
            if phase == Phase::Body {
                self.enter(Phase::BodyLate);
            }
            self.give(Order::Late);
        }
    }
}

/// An accepted TCP stream with its place and its watch.
#[derive(Debug)]
pub struct Guarded {
    stream: TcpStream,
    watch: Arc<Watch>,
    is_shut: bool,
    held: Held,
}

impl Guarded {
    pub(super) fn new(
        stream: TcpStream,
        permit: Permit,
        open: &Arc<Open>,
        watch: Arc<Watch>,
    ) -> Self {
        open.count.fetch_add(1, Relaxed);
        Self {
            stream,
            watch,
            is_shut: false,
            held: Held {
                _permit: permit,
                open: Arc::clone(open),
            },
        }
    }

    /// Tells a client that its request's head took too long; hyper can't.
    pub(super) fn say_late(&self) {
        self.say(&refusal(
            "408 Request Timeout",
            "timeout",
            "the request's head took too long",
        ));
    }

    /// Tells a client that it speaks no HTTP/1.1, where hyper says nothing (to HTTP/2).
    pub(super) fn say_no_http(&self) {
        self.say(&refusal("400 Bad Request", "malformed", NO_HTTP));
    }

    fn say(&self, text: &str) {
        // The connection ends either way.
        let _ = self.stream.try_write(text.as_bytes());
    }

    /// Whether hyper writes on its own account: it answers bad heads without asking anyone, and with an empty body.
    fn is_unasked(&self) -> bool {
        matches!(self.watch.phase(), Phase::Idle | Phase::Head)
    }

    /// Writes the JSON form of hyper's own answer `given`.
    fn poll_write_unasked(&mut self, cx: &mut Context<'_>, given: &[u8]) -> Poll<io::Result<()>> {
        let text = match given.get(9..12) {
            Some(b"414") => refusal(
                "414 URI Too Long",
                "too-large",
                "the request's target is too long",
            ),
            Some(b"431") => refusal(
                "431 Request Header Fields Too Large",
                "too-large",
                "the request's head is too large",
            ),
            _ => refusal("400 Bad Request", "malformed", NO_HTTP),
        };
        self.watch.linger();
        Pin::new(&mut self.stream)
            .poll_write(cx, text.as_bytes())
            .map_ok(drop)
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ended => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before && self.watch.is(Phase::Idle) {
            self.watch.enter(Phase::Head);
        }
        polled
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_unasked() {
            return self.poll_write_unasked(cx, buf).map_ok(|()| buf.len());
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.progress(buf.len(), &polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_unasked() {
            let head = bufs
                .iter()
                .find(|buf| !buf.is_empty())
                .map_or(&[][..], |buf| buf);
            return self
                .poll_write_unasked(cx, head)
                .map_ok(|()| bufs.iter().map(|buf| buf.len()).sum());
        }
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.progress(usize::MAX, &polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when its own buffer is empty: the answer is out. A TCP stream itself has nothing to flush.
        match self.watch.phase() {
            Phase::Responding => self.watch.enter(Phase::Idle),
            Phase::Stalled => {
                self.watch.enter(Phase::Streaming);
                // The stream's source was not asked meanwhile.
                self.watch.wake();
            }
            Phase::Streaming if self.has_left(cx) => {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.is_shut = true;
            if !self.watch.linger.load(Relaxed) {
                return Poll::Ready(Ok(()));
            }
            self.watch.enter(Phase::Lingering);
        }
        self.poll_linger(cx)
    }
}

impl Guarded {
    /// An answer too large for one write is given new time whenever the client takes some of it; a stream has as long as it likes, unless the
    /// client takes nothing.
    fn progress(&self, asked: usize, polled: &Poll<io::Result<usize>>) {
        let phase = self.watch.phase();
        match (phase, polled) {
            (Phase::Streaming, Poll::Pending) => self.watch.enter(Phase::Stalled),
            (Phase::Sending | Phase::Stalled, Poll::Ready(Ok(_))) => self.watch.enter(phase),
            (Phase::Responding, Poll::Ready(Ok(written))) if *written < asked => {
                self.watch.enter(phase);
            }
            _ => {}
        }
    }

    /// Whether the client of a stream has ended its side. hyper looks for that by reading, but no longer where something of the client's waits
    /// to be read already: a next request, sent too early. Without news of the socket this costs no system call.
    fn has_left(&self, cx: &mut Context<'_>) -> bool {
        let mut byte = [0];
        matches!(
            self.stream.poll_peek(cx, &mut ReadBuf::new(&mut byte)),
            Poll::Ready(Ok(0) | Err(_))
        )
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.open.count.fetch_sub(1, Relaxed) == 1 {
            self.open.none.notify_waiters();
        }
    }
}

impl Open {
    /// Waits until no connection is open.
    pub(super) async fn none(&self) {
        loop {
            let notified = self.none.notified();
            if self.count.load(Relaxed) == 0 {
                return;
            }
            notified.await;
        }
    }
}

const NO_HTTP: &str = "this is no HTTP/1.1 request";

fn refusal(status: &str, code: &str, message: &str) -> String {
    let mut body = Vec::new();
    hub::wire::write_error(&mut body, code, message);
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
        body.len(),
        String::from_utf8_lossy(&body),
    )
}
