//! The engine, which all worker threads of a server share, its connections, and the sweep over them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use engineioxide::config::EngineIoConfig;
use engineioxide::handler::EngineIoHandler;
use engineioxide::service::EngineIoService;
use engineioxide::socket::Sid;
use engineioxide::{DisconnectReason, Str};
use hub::{Door, Refused};
use tokio::time::{MissedTickBehavior, interval};
use transport::Config;

use super::connection::{Connection, Terms};
use super::entrance::PATH;
use super::outbox::CAPACITY;
use super::wire::Wire;
use super::{EngineSocket, Slot};
use crate::Wires;
use crate::app::App;

/// What all worker threads of a server share: polls of a session come in on any of them.
pub(super) struct Engine {
    pub(super) service: EngineIoService<Clients>,
    pub(super) clients: Arc<Clients>,
    pub(super) config: Arc<Config>,
    pub(super) wires: Wires,
    pub(super) clock: Arc<AtomicU64>,
    start: Instant,
    /// When the connections were looked through last, so that one thread does it.
    swept: AtomicU64,
}

/// The engine's connections, by its ids. Those are the credentials of polls, so they are told to nobody.
#[derive(Debug)]
pub(super) struct Clients {
    terms: Arc<Terms>,
    live: Mutex<HashMap<Sid, Arc<Connection>>>,
}

/// What a request leaves with the socket that it opens.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) door: Door,
    pub(super) wire: Option<Arc<Wire>>,
}

impl Engine {
    pub(super) fn new(config: &Arc<Config>, wires: Wires, app: Arc<dyn App>) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let terms = Arc::new(Terms {
            max_message: config.max_message,
            batching: config.batching,
            app,
            clock: Arc::clone(&clock),
        });
        let clients = Arc::new(Clients {
            terms,
            live: Mutex::default(),
        });
        let settings = EngineIoConfig::builder()
            .req_path(PATH.trim_end_matches('/'))
            .ping_interval(config.ping_interval)
            .ping_timeout(config.ping_timeout)
            .upgrade_timeout(config.header_timeout)
            .max_buffer_size(CAPACITY)
            .max_payload(config.max_message as u64)
            .ws_max_message_size(config.max_message)
            .ws_max_frame_size(config.max_message)
            .build();
        Self {
            service: EngineIoService::with_config(Arc::clone(&clients), settings),
            clients,
            config: Arc::clone(config),
            wires,
            clock,
            start: Instant::now(),
            swept: AtomicU64::new(0),
        }
    }

    /// Ends late connections, for ever: those that enter no namespace in the time that a request's head has, and those over a WebSocket of which the engine has
    /// nothing heard for longer than it waits, but can't end while it writes to them.
    pub(super) async fn sweep(&self) {
        let Config {
            ping_interval,
            ping_timeout,
            header_timeout,
            ..
        } = *self.config;
        let shortest = ping_interval.min(ping_timeout).min(header_timeout);
        let period = (shortest / 8).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let millis = |time: Duration| time.as_millis() as u64;
        let most_quiet = millis(ping_interval + ping_timeout + 5 * period);
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = millis(self.start.elapsed());
            self.clock.store(now, Relaxed);
            let swept = self.swept.load(Relaxed);
            let is_due = now >= swept + millis(period) / 2;
            // Another thread may be doing it.
            let is_ours = || {
                let exchanged = self.swept.compare_exchange(swept, now, Relaxed, Relaxed);
                exchanged.is_ok()
            };
            if !is_due || !is_ours() {
                continue;
            }
            for connection in self.clients.all() {
                let outside = connection.outside_since.load(Relaxed);
                if now.saturating_sub(outside) > millis(header_timeout) {
                    connection.close(DisconnectReason::TransportClose);
                }
                if let Some(wire) = connection.wire()
                    && now.saturating_sub(wire.heard()) > most_quiet
                {
                    wire.cut();
                }
            }
        }
    }
}

impl Clients {
    fn live(&self) -> MutexGuard<'_, HashMap<Sid, Arc<Connection>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, sid: Sid) -> Option<Arc<Connection>> {
        self.live().get(&sid).cloned()
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        self.live().values().cloned().collect()
    }

    /// Says goodbye to all. Those with a session hear it from the hub as well.
    pub(super) fn drain(&self) {
        for connection in self.all() {
            connection.end(Refused::Draining);
        }
    }
}

impl EngineIoHandler for Clients {
    type Data = Slot;

    fn on_connect(self: Arc<Self>, socket: Arc<EngineSocket>) {
        let Some(opened) = socket.req_parts.extensions.get::<Opened>() else {
            // Every request that reaches the engine has it.
            return;
        };
        let connection = Connection::new(&self.terms, &socket, opened.door.clone());
        if let Some(wire) = &opened.wire {
            // It is new, so it is neither ending nor another's.
            let _ = connection.set_wire(wire);
        }
        // The engine tells of each socket once.
        let _ = socket.data.0.set(Arc::clone(&connection));
        self.live().insert(socket.id, connection);
    }

    fn on_disconnect(&self, socket: Arc<EngineSocket>, _: DisconnectReason) {
        let connection = self.live().remove(&socket.id);
        if let Some(connection) = connection {
            connection.vanish();
        }
    }

    fn on_message(self: &Arc<Self>, text: Str, socket: Arc<EngineSocket>) {
        if let Some(connection) = socket.data.get() {
            connection.receive_text(text);
        }
    }

    fn on_binary(self: &Arc<Self>, bytes: Bytes, socket: Arc<EngineSocket>) {
        if let Some(connection) = socket.data.get() {
            connection.receive_binary(bytes);
        }
    }
}
