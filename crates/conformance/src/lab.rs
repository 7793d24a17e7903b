//! A transport's server on loopback, and clients of it.

use std::future::Future;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, io};

use hub::{Command, Limits, Session};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, LocalSet};
use transport::{
    Client, ClientError, ClientOptions, Common, Config, Door, DrainHandle, Server, Target, Ticket,
    Transport, listener,
};

use crate::{Message, Peer};

/// How long anything that must happen may take before the test fails. It is no part of any promise: a busy machine is slow, a wedged
/// server is for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of `T` on a port of its own.
#[derive(Debug)]
pub struct Lab<T> {
    door: Door,
    url: String,
    address: SocketAddr,
    drain: DrainHandle,
    connections: Arc<AtomicUsize>,
    serving: JoinHandle<io::Result<()>>,
    transport: PhantomData<fn() -> T>,
}

impl<T: Transport> Lab<T> {
    /// A server with default limits, on a hub of its own.
    pub fn start() -> Self {
        Self::start_with(&Limits::default(), Config::default())
    }

    /// A server with these limits, on a hub of its own.
    pub fn start_with(limits: &Limits, config: Config) -> Self {
        Self::on(&door(limits), config)
    }

    /// A server with a hub that others may share.
    pub fn on(door: &Door, config: Config) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = listener::bind(any, 1)
            .expect("loopback has a free port")
            .remove(0);
        let listener = TcpListener::from_std(listener).expect("the listener is non-blocking");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (drain, drained) = DrainHandle::new();
        let connections = Arc::new(AtomicUsize::new(0));
        let server = Server {
            listener,
            door: door.clone(),
            config: Arc::new(config),
            drain: drained,
            connections: Arc::clone(&connections),
            common: Common::default(),
        };
        Self {
            door: door.clone(),
            url: url::<T>(address),
            address,
            drain,
            connections,
            serving: tokio::task::spawn_local(T::serve(server)),
            transport: PhantomData,
        }
    }

    /// Where clients of this server connect to.
    pub fn target(&self) -> Target {
        self.target_at(self.address)
    }

    /// The same by way of `address`, a proxy's.
    pub fn target_at(&self, address: SocketAddr) -> Target {
        Target {
            url: url::<T>(address),
            door: Some(self.door.clone()),
            options: options(),
            ..Target::new(self.url.clone())
        }
    }

    /// The server's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client with a fresh session.
    pub async fn connect(&self) -> Peer<T::Client> {
        self.try_connect(&self.target())
            .await
            .expect("a healthy server takes a client")
    }

    /// `count` clients.
    pub async fn connect_many(&self, count: usize) -> Vec<Peer<T::Client>> {
        let mut peers = Vec::with_capacity(count);
        for _ in 0..count {
            peers.push(self.connect().await);
        }
        peers
    }

    /// A client that continues the session of `ticket`.
    ///
    /// # Errors
    /// As [`Protocol::connect`](transport::Protocol::connect).
    pub async fn resume(&self, ticket: Ticket) -> Result<Peer<T::Client>, ClientError> {
        self.try_connect(&Target {
            resume: Some(ticket),
            ..self.target()
        })
        .await
    }

    /// A client of `target`.
    ///
    /// # Errors
    /// As [`Protocol::connect`](transport::Protocol::connect).
    pub async fn try_connect(&self, target: &Target) -> Result<Peer<T::Client>, ClientError> {
        within("a connection or its refusal", T::connect(target))
            .await
            .map(Peer::new)
    }

    /// A publisher without a wire: what it emits has been carried out when [`Publisher::emit`] returns.
    pub fn publisher(&self) -> Publisher {
        Publisher(self.door.open().expect("the hub takes a publisher"))
    }

    /// The hub.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Waits until the hub has `count` sessions.
    pub async fn until_sessions(&self, count: usize) {
        until(&format!("{count} sessions"), || {
            self.door.sessions() == count
        })
        .await;
    }

    /// Connections that the server has open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Waits until the server has noticed that its last connection is gone.
    pub async fn until_unconnected(&self) {
        until("the end of all connections", || self.connections() == 0).await;
    }

    /// Tells the server to drain.
    pub fn drain(&self) {
        self.drain.start();
    }

    /// Waits for the server's end.
    pub async fn ended(self) {
        let served = within("the server's end", self.serving)
            .await
            .expect("a server doesn't panic");
        served.expect("a drained server ends well");
    }

    /// Proves that the server still serves: a newcomer's request is answered and its event arrives.
    pub async fn still_serves(&self) {
        let mut peer = self.connect().await;
        peer.round_trip().await;
        assert_eq!(
            peer.settled().await,
            [],
            "a newcomer receives nothing but its own"
        );
        peer.client
            .close()
            .await
            .expect("a healthy server says goodbye");
    }
}

/// A session without a wire that emits.
#[derive(Debug)]
pub struct Publisher(Session);

impl Publisher {
    /// Its public id.
    pub fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// Emits; the event is in all mailboxes of its audience when this returns.
    pub fn emit(&self, to: transport::Audience<'_>, event: &str, data: &str) {
        let command = Command::Emit {
            to,
            event: event.into(),
            data,
        };
        self.0
            .apply(&[command])
            .expect("the hub takes a publisher's event");
    }

    /// [`emit`](Self::emit), and the event as receivers see it.
    pub fn tell(&self, to: transport::Audience<'_>, event: &str, data: &str) -> Message {
        self.emit(to, event, data);
        Message::Event {
            event: event.into(),
            from: self.id(),
            data: data.into(),
        }
    }
}

/// Runs a test body as a worker thread runs: one thread, one `LocalSet`.
///
/// # Panics
/// The body panicked, or nothing came of it in a minute.
pub fn run<F: Future>(body: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be had");
    LocalSet::new().block_on(&runtime, within_time("the test's end", 2 * PATIENCE, body))
}

/// A hub of one shard, with its upkeep running.
pub fn door(limits: &Limits) -> Door {
    doors(limits, 1).remove(0)
}

/// The doors of a hub of several shards, with their upkeep running.
pub fn doors(limits: &Limits, shards: usize) -> Vec<Door> {
    let doors = Door::new(limits, shards);
    for door in &doors {
        let door = door.clone();
        tokio::task::spawn_local(async move { door.run().await });
    }
    doors
}

/// Awaits what must happen.
///
/// # Panics
/// It didn't happen in good time.
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    within_time(what, PATIENCE, future).await
}

async fn within_time<F: Future>(what: &str, patience: Duration, future: F) -> F::Output {
    let awaited = tokio::time::timeout(patience, future).await;
    awaited.unwrap_or_else(|_| panic!("waited {patience:?} in vain for {what}"))
}

/// Waits until `condition` holds, for things that nobody announces.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within(what, wait).await;
}

fn url<T: Transport>(address: SocketAddr) -> String {
    T::INFO.url.map_or_else(String::new, |(before, after)| {
        format!("{before}{address}{after}")
    })
}

/// Short polls are quick, so that the suite is.
fn options() -> ClientOptions {
    ClientOptions {
        poll_interval: Duration::from_millis(2),
        ..ClientOptions::default()
    }
}

/// The seed of everything random here: `CONFORMANCE_SEED`, or 1.
pub fn seed() -> u64 {
    env::var("CONFORMANCE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1)
}
