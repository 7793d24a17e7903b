//! Servers of all lanes on one hub, on the calling thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hub::{Door, Limits};
use tokio::task::JoinSet;
use tokio::time::timeout;
use transport::{Common, Config, DrainHandle, Server, listener};

use crate::Lane;

/// A lane with the port that its server listens on, on loopback alone: pages come through a relay.
#[derive(Debug)]
pub(super) struct Port {
    lane: Lane,
    listener: TcpListener,
    address: SocketAddr,
}

/// Where a lane's server is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) lane: Lane,
    pub(super) address: SocketAddr,
}

/// A free port for each lane.
///
/// # Errors
/// The machine has none left.
pub(super) fn bind(lanes: &[Lane]) -> io::Result<Vec<Port>> {
    let bind = |lane: &Lane| {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = listener::bind(any, 1)?.remove(0);
        let address = listener.local_addr()?;
        Ok(Port {
            lane: *lane,
            listener,
            address,
        })
    };
    lanes.iter().map(bind).collect()
}

/// Where they are.
pub(super) fn places(ports: &[Port]) -> Vec<Place> {
    let place = |port: &Port| Place {
        lane: port.lane,
        address: port.address,
    };
    ports.iter().map(place).collect()
}

/// Running servers, which end with this; see [`end`](Self::end).
#[derive(Debug)]
pub(super) struct Servers {
    serving: JoinSet<io::Result<()>>,
    drain: DrainHandle,
}

impl Servers {
    /// Serves the hub behind `door` on each port, and looks after it.
    ///
    /// # Errors
    /// A listener can't be had on this event loop.
    pub(super) fn start(ports: Vec<Port>, door: &Door, config: Config) -> io::Result<Self> {
        let upkeep = door.clone();
        let mut serving = JoinSet::new();
        serving.spawn_local(async move {
            upkeep.run().await;
            Ok(())
        });
        let (drain, drained) = DrainHandle::new();
        let config = Arc::new(config);
        for port in ports {
            let server = Server {
                listener: tokio::net::TcpListener::from_std(port.listener)?,
                door: door.clone(),
                config: Arc::clone(&config),
                drain: drained.clone(),
                connections: Arc::default(),
                common: Common::default(),
            };
            serving.spawn_local((port.lane.serve)(server));
        }
        Ok(Self { serving, drain })
    }

    /// Ready when one of them has failed.
    pub(super) async fn failed(&mut self) -> io::Error {
        loop {
            match self.serving.join_next().await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return error,
                Some(Err(error)) => return io::Error::other(error),
                None => std::future::pending().await,
            }
        }
    }

    /// Drains them, and gives them a moment.
    pub(super) async fn end(mut self) {
        self.drain.start();
        // The hub's upkeep never ends by itself.
        let all =
            async { while self.serving.len() > 1 && self.serving.join_next().await.is_some() {} };
        let _ = timeout(2 * DRAIN_GRACE, all).await;
        self.serving.shutdown().await;
    }
}

const DRAIN_GRACE: Duration = Duration::from_millis(300);

/// The bounds of a hub.
pub(super) fn limits() -> Limits {
    Limits {
        max_sessions: 4_000,
        max_rate: 10_000,
        ..Limits::default()
    }
}

/// The settings of servers that let in pages of these origins.
pub(super) fn config(allow_origins: Vec<String>) -> Config {
    Config {
        allow_origins,
        max_connections: 2_000,
        drain_notice: Duration::ZERO,
        drain_grace: DRAIN_GRACE,
        ..Config::default()
    }
}

/// Runs a future to its end on an event loop of the calling thread.
///
/// # Errors
/// There is no event loop to be had.
pub(super) fn block_on<F: Future>(future: impl FnOnce() -> F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())?;
    Ok(runtime.block_on(async { future().await }))
}
