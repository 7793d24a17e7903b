//! A worker thread: its own event loop, its own shard of the hub, its own listener for each transport.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use anyhow::{Context, Error, anyhow};
use hub::Door;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_local};
use transport::{Common, Config, Drain, Server};

use super::address::Bound;
use crate::cpus;
use crate::registry::Entry;

/// All that a worker thread needs.
pub(super) struct Worker {
    pub(super) door: Door,
    pub(super) shares: Vec<Share>,
    /// Where it is pinned to.
    pub(super) cpu: Option<u32>,
    pub(super) config: Arc<Config>,
    pub(super) drain: Drain,
    /// Told as soon as it serves.
    pub(super) ready: oneshot::Sender<()>,
}

/// One thread's share of one server.
pub(super) struct Share {
    entry: &'static Entry,
    address: SocketAddr,
    listener: TcpListener,
    connections: Arc<AtomicUsize>,
    common: Common,
}

impl Share {
    /// The share of worker `index`.
    pub(super) fn of(bound: &Bound, index: usize) -> Result<Self, Error> {
        let listener = bound.listeners[index]
            .try_clone()
            .context("can't hand a listener to its thread")?;
        let connections = Arc::clone(&bound.connections);
        Ok(Self {
            entry: bound.entry,
            address: bound.address,
            listener,
            connections,
            common: bound.common.clone(),
        })
    }
}

impl Worker {
    /// Serves until the drain is over, or a server fails.
    pub(super) fn run(self) -> Result<(), Error> {
        if let Some(cpu) = self.cpu {
            cpus::pin(&[cpu]).with_context(|| format!("can't pin a worker thread to CPU {cpu}"))?;
        }
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(runtime::LocalOptions::default())
            .context("can't start an event loop")?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<(), Error> {
        let upkeep = self.door.clone();
        let upkeep = spawn_local(async move { upkeep.run().await });
        let mut servers = JoinSet::new();
        for share in self.shares {
            let listener = tokio::net::TcpListener::from_std(share.listener)
                .context("can't listen on an event loop")?;
            let server = Server {
                listener,
                door: self.door.clone(),
                config: Arc::clone(&self.config),
                drain: self.drain.clone(),
                connections: share.connections,
                common: share.common,
            };
            let (entry, address) = (share.entry, share.address);
            servers.spawn_local(async move {
                let result = (entry.serve)(server).await;
                result.with_context(|| format!("{} on {address} failed", entry.info.name))
            });
        }
        // Whoever waits for it has gone only if the process ends anyway.
        let _ = self.ready.send(());
        while let Some(ended) = servers.join_next().await {
            ended.map_err(|error| anyhow!("a server ended badly: {error}"))??;
        }
        upkeep.abort();
        Ok(())
    }
}
