//! The TCP stream of a WebSocket below the engine: where batches of messages end, where there is room again, and who is cut off.
//!
//! The engine hands each message on by itself and says nothing when it has written some. Both show here: it reads again when it has dealt
//! with all that came, and it flushes when it has taken what waited.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use transport::http::Held;

use super::connection::Connection;

/// What a WebSocket's stream and its connection know of each other.
#[derive(Debug)]
pub(super) struct Wire {
    connection: OnceLock<Weak<Connection>>,
    is_cut: AtomicBool,
    /// When something was read last, in milliseconds of the server's clock.
    heard: AtomicU64,
    clock: Arc<AtomicU64>,
    wakers: Mutex<Wakers>,
}

#[derive(Debug, Default)]
struct Wakers {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wire {
    pub(super) fn new(clock: &Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self {
            connection: OnceLock::new(),
            is_cut: AtomicBool::new(false),
            heard: AtomicU64::new(clock.load(Relaxed)),
            clock: Arc::clone(clock),
            wakers: Mutex::default(),
        })
    }

    /// Belongs to `connection` from now on.
    pub(super) fn connect(&self, connection: &Arc<Connection>) {
        // A wire has one connection; a second is never made.
        let _ = self.connection.set(Arc::downgrade(connection));
    }

    /// It was never more than a handshake.
    pub(super) fn give_up(&self) {
        if let Some(connection) = self.connection() {
            connection.give_up_upgrade();
        }
    }

    /// Since when nothing was heard, by the server's clock.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Relaxed)
    }

    /// Ends the TCP connection, whatever still waits for it.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Relaxed);
        let mut wakers = self.wakers();
        for waker in [wakers.reader.take(), wakers.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }

    /// Reads go on.
    pub(super) fn wake_reader(&self) {
        let waker = self.wakers().reader.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn connection(&self) -> Option<Arc<Connection>> {
        self.connection.get()?.upgrade()
    }

    fn check(&self) -> io::Result<()> {
        if self.is_cut.load(Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(known) if known.will_wake(cx.waker()) => {}
        _ => *slot = Some(cx.waker().clone()),
    }
}

/// The stream that the engine is given.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    /// What was read behind the handshake.
    early: Bytes,
    wire: Arc<Wire>,
    /// Whether this is to be the upgrade of a polling session, and isn't yet.
    is_upgrade: bool,
    _held: Held,
}

impl Stream {
    pub(super) fn new(
        (tcp, early, held): (TcpStream, Bytes, Held),
        wire: Arc<Wire>,
        is_upgrade: bool,
    ) -> Self {
        Self {
            tcp,
            early,
            wire,
            is_upgrade,
            _held: held,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(connection) = self.wire.connection() {
            if self.is_upgrade {
                connection.give_up_upgrade();
            }
            connection.lose();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.wire.check()?;
        remember(&mut this.wire.wakers().reader, cx);
        if let Some(connection) = this.wire.connection() {
            // All that came before has been handed on.
            connection.settle();
            if this.is_upgrade && connection.is_websocket() {
                // It has taken over from the polls, and what waited for one goes on.
                this.is_upgrade = false;
                connection.flush();
            }
            if connection.is_clogged() {
                return Poll::Pending;
            }
        }
        if !this.early.is_empty() {
            let length = this.early.len().min(buf.remaining());
            buf.put_slice(&this.early[..length]);
            this.early.advance(length);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.tcp).poll_read(cx, buf);
        let length = buf.filled().len() - before;
        if polled.is_ready()
            && length == 0
            && let Some(connection) = this.wire.connection()
        {
            connection.lose();
        }
        if length > 0 {
            this.wire
                .heard
                .store(this.wire.clock.load(Relaxed), Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.wire.check()?;
        let polled = Pin::new(&mut this.tcp).poll_write(cx, buf);
        if polled.is_pending() {
            remember(&mut this.wire.wakers().writer, cx);
            // Between the check and now it may have been cut.
            this.wire.check()?;
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP stream itself has nothing to flush.
        self.wire.check()?;
        if let Some(connection) = self.wire.connection() {
            connection.make_use_of_room();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
