//! What a server is given to serve with.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hub::Door;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// One worker thread's share of a server.
#[derive(Debug)]
pub struct Server {
    /// Where connections come in; each worker thread has its own listener on the shared address.
    pub listener: TcpListener,
    /// The way into the hub; its home shard is this thread's.
    pub door: Door,
    /// The server's settings, shared by all threads.
    pub config: Arc<Config>,
    /// Tells when to stop.
    pub drain: Drain,
    /// Connections open in all threads of this server.
    pub connections: Arc<AtomicUsize>,
    /// What all threads of this server share beside that.
    pub common: Common,
}

/// A place for what the worker threads of one server share and only its transport knows: whoever comes first makes it.
#[derive(Debug, Clone, Default)]
pub struct Common(Arc<OnceLock<Arc<dyn Any + Send + Sync>>>);

impl Common {
    /// What is shared, which `make` makes if nobody has yet. `None` if something of another type is there.
    pub fn get_or_make<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> T,
    ) -> Option<Arc<T>> {
        let shared = self.0.get_or_init(|| Arc::new(make()));
        Arc::clone(shared).downcast().ok()
    }
}

/// The settings of a server that are no business of the hub. Each has a flag of `pushlab serve`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Origins (`http://host:port`) that pages may come from beside the server's own. Default: none.
    pub allow_origins: Vec<String>,
    /// Most bytes of a message, a line, a frame or a request body. Default 1 MiB.
    pub max_message: usize,
    /// Most connections at once; one more is told so (429 over HTTP) and closed. Default 16,000.
    pub max_connections: usize,
    /// How long a request's head may take to arrive, from its first byte (and a first request from the connection's start). Default 10 s.
    pub header_timeout: Duration,
    /// How long a request's body may take. Default 30 s.
    pub body_timeout: Duration,
    /// How long a kept-alive connection may be idle between requests. Default 75 s.
    pub idle_timeout: Duration,
    /// How long a poll is held when the client doesn't say. Default 25 s, most 60 s.
    pub hold: Duration,
    /// How often a WebSocket is pinged; after how much silence bare TCP's keep-alive probes begin. Default 20 s.
    pub ping_interval: Duration,
    /// How long a peer may be silent after a ping before it counts as dead; with the interval, how long one of bare TCP or of an event stream may
    /// confirm nothing. Default 20 s.
    pub ping_timeout: Duration,
    /// How long a browser waits before it opens a broken event stream anew. Each stream is told up to twice as much, at random, so that those of a
    /// restarted server don't come back at once. Default 2 s.
    pub sse_retry: Duration,
    /// After how much silence an event stream is sent a comment, so that nobody on the way takes it for dead. Default 15 s.
    pub sse_heartbeat: Duration,
    /// How long, after a drain begins, connections stay open to be told 503. Default 500 ms.
    pub drain_notice: Duration,
    /// How long a drain waits for requests and close handshakes under way. Default 5 s.
    pub drain_grace: Duration,
    /// Whether all that is queued for a client goes out together. `false` sends one message a response or write, so that the effect of
    /// batching can be measured. Default true.
    pub batching: bool,
    /// Whether a connection serves one HTTP request after the other. `false` ends each with its first answer, which says so (`Connection: close`),
    /// as before HTTP/1.1, so that the effect of keeping connections can be measured. An upgrade or an event stream keeps its connection. Default true.
    pub keep_alive: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow_origins: Vec::new(),
            max_message: 1 << 20,
            max_connections: 16_000,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            hold: Duration::from_secs(25),
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(20),
            sse_retry: Duration::from_secs(2),
            sse_heartbeat: Duration::from_secs(15),
            drain_notice: Duration::from_millis(500),
            drain_grace: Duration::from_secs(5),
            batching: true,
            keep_alive: true,
        }
    }
}

/// The sending end of a [`Drain`]. Dropping it starts the drain too: whoever could have asked for one is gone.
#[derive(Debug)]
pub struct DrainHandle(watch::Sender<bool>);

/// Tells a server when to stop taking work.
#[derive(Debug, Clone)]
pub struct Drain(watch::Receiver<bool>);

impl DrainHandle {
    /// A handle and what it signals.
    pub fn new() -> (Self, Drain) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Drain(receiver))
    }

    /// Starts the drain; a second call changes nothing.
    pub fn start(&self) {
        self.0.send_replace(true);
    }
}

impl Drain {
    /// Whether the drain has started.
    pub fn is_started(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits for the drain to start.
    pub async fn started(&self) {
        let mut receiver = self.0.clone();
        // An error means that the handle is gone, which starts the drain as well.
        let _ = receiver.wait_for(|started| *started).await;
    }
}

/// A connection within the limit; dropping it gives the place back.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Permit {
    /// A place, if fewer than `most` are taken.
    pub(crate) fn take(connections: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let taken = connections.fetch_add(1, Ordering::Relaxed);
        let permit = Self(Arc::clone(connections));
        (taken < most).then_some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
