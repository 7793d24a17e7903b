//! All benches of a demo, and the servers that some of them share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hub::Door;
use serde::Serialize;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::ask::Ask;
use super::cable::Cables;
use super::order::{Hub, Order};
use super::outbox::Outbox;
use super::places::Places;
use super::run::{self, Call};
use super::servers::{self, Place, Servers};
use super::shape::Shape;
use super::watchers::{self, Frames, Seat, Seats};
use crate::Lane;

/// All benches.
#[derive(Debug)]
pub(crate) struct Shelf {
    lanes: Vec<Lane>,
    /// Where relays listen.
    ip: IpAddr,
    /// The origins that servers let in.
    origins: Vec<String>,
    most: usize,
    benches: RefCell<HashMap<String, (Bench, Life)>>,
    /// Benches that are ending or alive; each takes its place until its threads are gone.
    alive: Rc<Cell<usize>>,
    common: RefCell<Option<Common>>,
    /// Connections of all relays.
    room: Places,
    is_closed: Cell<bool>,
}

/// How a bench is reached.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    calls: mpsc::Sender<Call>,
    seats: Arc<Seats>,
    watched: Rc<Cell<u64>>,
}

/// Dropping it ends a bench, whoever watches.
type Life = oneshot::Sender<()>;

/// The servers that benches share.
#[derive(Debug)]
struct Common {
    door: Door,
    places: Vec<Place>,
    /// Dropping it ends them.
    running: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

/// Why there is no bench.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There are as many as there may be.
    Full(usize),
    /// The demo is about to end.
    Closed,
    /// The machine has no port, file or thread left.
    Failed(io::Error),
}

/// What a page needs to know of its bench.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    bench: String,
    hub: Hub,
    transports: Vec<Transport>,
    link: Shape,
}

/// A transport at a bench.
#[derive(Debug, Serialize)]
struct Transport {
    name: &'static str,
    title: &'static str,
    port: u16,
    path: &'static str,
    scheme: &'static str,
    module: String,
}

/// What pages ask for and a bench hasn't taken yet; who asks more waits.
const MOST_CALLS: usize = 64;

/// How long the end of all benches is waited for.
const END: Duration = Duration::from_secs(3);

impl Shelf {
    pub(crate) fn new(lanes: Vec<Lane>, ip: IpAddr, origins: Vec<String>, most: usize) -> Self {
        Self {
            lanes,
            ip,
            origins,
            most,
            benches: RefCell::default(),
            alive: Rc::default(),
            common: RefCell::default(),
            room: Places::new(),
            is_closed: Cell::new(false),
        }
    }

    /// Makes a bench.
    ///
    /// # Errors
    /// [`Refusal`] says why there is none.
    pub(crate) fn make(self: &Rc<Self>, order: &Order) -> Result<Made, Refusal> {
        if self.is_closed.get() {
            return Err(Refusal::Closed);
        }
        if self.alive.get() >= self.most {
            return Err(Refusal::Full(self.most));
        }
        let (own, door, places) = match order.hub {
            Hub::Own => {
                let ports = servers::bind(&self.lanes).map_err(Refusal::Failed)?;
                let places = servers::places(&ports);
                let door = Door::new(&order.limits(), 1).remove(0);
                let config = order.config(self.origins.clone());
                (Some((ports, config)), door, places)
            }
            Hub::Common => {
                let (door, places) = self.common().map_err(Refusal::Failed)?;
                (None, door, places)
            }
        };
        let outbox = Arc::new(Outbox::default());
        let changed = Arc::new(Notify::new());
        let cables = Cables::lay(self.ip, &places, &order.link, &outbox, &changed, &self.room)
            .map_err(Refusal::Failed)?;
        let transports = transports(&places, &cables);
        let (calls, called) = mpsc::channel(MOST_CALLS);
        let seats = Arc::new(Seats::default());
        let (life, over) = oneshot::channel();
        let bench = run::Bench {
            own,
            door,
            places,
            cables,
            shape: order.link,
            outbox,
            changed,
            calls: called,
            over,
            seats: Arc::clone(&seats),
        };
        let id = identity().map_err(Refusal::Failed)?;
        let ended = start("bench", move || bench.live()).map_err(Refusal::Failed)?;
        let watched = Rc::default();
        let handle = Bench {
            calls,
            seats,
            watched,
        };
        self.benches.borrow_mut().insert(id.clone(), (handle, life));
        self.alive.set(self.alive.get() + 1);
        let (benches, key) = (Rc::clone(self), id.clone());
        spawn_local(async move {
            // An error means the same: it has ended.
            let _ = ended.await;
            benches.benches.borrow_mut().remove(&key);
            benches.alive.set(benches.alive.get() - 1);
        });
        Ok(Made {
            bench: id,
            hub: order.hub,
            transports,
            link: order.link,
        })
    }

    /// The bench of that name.
    pub(crate) fn find(&self, id: &str) -> Option<Bench> {
        let benches = self.benches.borrow();
        let (bench, _) = benches.get(id)?;
        // One that is about to end takes no more calls.
        (!bench.calls.is_closed()).then(|| bench.clone())
    }

    /// Ends all benches, and waits for their threads; there are none from now on.
    pub(crate) async fn close(&self) {
        self.is_closed.set(true);
        self.benches.borrow_mut().clear();
        let all = async {
            while self.alive.get() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let common = self.common.borrow_mut().take();
            if let Some(Common { running, ended, .. }) = common {
                drop(running);
                let _ = ended.await;
            }
        };
        let _ = timeout(END, all).await;
    }

    /// The servers that benches share, started when the first one asks.
    fn common(&self) -> io::Result<(Door, Vec<Place>)> {
        let mut common = self.common.borrow_mut();
        if let Some(common) = &*common {
            return Ok((common.door.clone(), common.places.clone()));
        }
        let ports = servers::bind(&self.lanes)?;
        let places = servers::places(&ports);
        let door = Door::new(&servers::limits(), 1).remove(0);
        let config = servers::config(self.origins.clone());
        let (running, stopped) = oneshot::channel::<()>();
        let theirs = door.clone();
        let ended = start("common", move || async move {
            let Ok(mut servers) = Servers::start(ports, &theirs, config) else {
                return;
            };
            tokio::select! {
                _ = stopped => {}
                _ = servers.failed() => {}
            }
            servers.end().await;
        })?;
        *common = Some(Common {
            door: door.clone(),
            places: places.clone(),
            running,
            ended,
        });
        Ok((door, places))
    }
}

impl Bench {
    /// A place among those who watch, if there is one.
    pub(crate) fn seat(&self) -> Option<Seat> {
        self.seats.take()
    }

    /// Watches from now on: by what number, and what there is to see. None if the bench has just ended.
    pub(crate) async fn watch(&self) -> Option<(u64, Frames)> {
        let number = self.watched.get();
        self.watched.set(number + 1);
        let (watcher, frames) = watchers::channel();
        let call = Call::Watch(number, watcher);
        self.calls.send(call).await.ok()?;
        Some((number, frames))
    }

    /// Asks for something; false if the bench has ended.
    pub(crate) async fn ask(&self, number: u64, ask: Ask) -> bool {
        self.calls.send(Call::Ask(number, ask)).await.is_ok()
    }
}

fn transports(places: &[Place], cables: &Cables) -> Vec<Transport> {
    let made = |(place, cable): (&Place, &super::cable::Running)| {
        let info = place.lane.info;
        let (before, path) = info.url.unwrap_or_default();
        Transport {
            name: info.name,
            title: info.title,
            port: cable.port,
            path,
            scheme: before.strip_suffix("://").unwrap_or(before),
            module: format!("/modules/{}.js", info.name),
        }
    };
    places.iter().zip(cables.iter()).map(made).collect()
}

/// Runs a future in a thread of its own; ready, with or without a word, when that has ended.
fn start<F: Future<Output = ()>>(
    name: &str,
    future: impl FnOnce() -> F + Send + 'static,
) -> io::Result<oneshot::Receiver<()>> {
    let (end, ended) = oneshot::channel();
    thread::Builder::new().name(name.into()).spawn(move || {
        // Without an event loop there is nothing to do, and its end says so.
        let _ = servers::block_on(future);
        drop(end);
    })?;
    Ok(ended)
}

/// A name that can't be guessed: 128 random bits in hexadecimal.
fn identity() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
