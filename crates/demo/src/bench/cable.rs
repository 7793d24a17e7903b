//! A relay in front of each server of a bench.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use link::{Handle, Relay, relay};
use tokio::sync::Notify;

use super::outbox::Outbox;
use super::places::Places;
use super::servers::Place;
use super::shape::Shape;
use super::tap::{Tally, Tap};

/// All relays of a bench. Dropping it pulls them out: their ports and threads are given back.
#[derive(Debug)]
pub(super) struct Cables {
    relays: Vec<Running>,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) transport: &'static str,
    /// Where pages connect to.
    pub(super) port: u16,
    pub(super) handle: Handle,
    pub(super) tally: Arc<Tally>,
    thread: Option<JoinHandle<()>>,
}

impl Cables {
    /// A relay on a free port of `ip` to each of `places`, shaped so. `changed` is told when counts have changed; connections
    /// take a place in `room`.
    ///
    /// # Errors
    /// The machine has no port, file or thread left.
    pub(super) fn lay(
        ip: IpAddr,
        places: &[Place],
        shape: &Shape,
        outbox: &Arc<Outbox>,
        changed: &Arc<Notify>,
        room: &Places,
    ) -> io::Result<Self> {
        let mut cables = Self { relays: Vec::new() };
        for place in places {
            let listener = TcpListener::bind(SocketAddr::new(ip, 0))?;
            let port = listener.local_addr()?.port();
            let (relay, handle) = Relay::new(
                &shape.link(),
                listener,
                place.address,
                shape.seed,
                relay::SPIN,
            )?;
            let transport = place.lane.info.name;
            let tally = Arc::new(Tally::new(transport, Arc::clone(changed)));
            let mut tap = Tap::new(Arc::clone(outbox), Arc::clone(&tally), room.clone());
            let room = room.clone();
            let relay = relay
                .with_tap(move |seen| tap.see(seen))
                .with_room(move |connections| room.is_room(connections));
            let errors = Arc::clone(outbox);
            let thread = thread::Builder::new()
                .name(format!("to-{transport}"))
                .stack_size(256 << 10)
                .spawn(move || {
                    if let Err(error) = relay.run() {
                        let message = format!("the link to {transport} has ended: {error}");
                        errors.tell(&super::run::Failed::new(&message));
                    }
                })?;
            cables.relays.push(Running {
                transport,
                port,
                handle,
                tally,
                thread: Some(thread),
            });
        }
        Ok(cables)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Running> {
        self.relays.iter()
    }
}

impl Drop for Cables {
    fn drop(&mut self) {
        for relay in &self.relays {
            relay.handle.stop();
        }
        for relay in &mut self.relays {
            // One that has panicked has ended as well.
            let _ = relay.thread.take().map(JoinHandle::join);
        }
    }
}
