//! A bench's thread: it does what is asked, and tells what is.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dissect::Counts;
use hub::Door;
use link::Handle;
use serde::Serialize;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use transport::Config;

use super::PATIENCE;
use super::ask::{self, Ask};
use super::cable::Cables;
use super::neighbours::Neighbours;
use super::outbox::{Frame, Outbox, one};
use super::servers::{Place, Port, Servers};
use super::shape::Shape;
use super::source::{Publisher, Source, Told as SourceTold};
use super::watchers::{Seats, Watcher};

/// What reaches a bench's thread.
#[derive(Debug)]
pub(super) enum Call {
    /// Somebody watches from now on, and has this number.
    Watch(u64, Watcher),
    /// One who watches asks for something.
    Ask(u64, Ask),
}

/// All that a bench's thread needs.
pub(super) struct Bench {
    /// Its own servers, still to be started; none where they are the demo's.
    pub(super) own: Option<(Vec<Port>, Config)>,
    pub(super) door: Door,
    pub(super) places: Vec<Place>,
    pub(super) cables: Cables,
    pub(super) shape: Shape,
    pub(super) outbox: Arc<Outbox>,
    /// Told when counts have changed.
    pub(super) changed: Arc<Notify>,
    pub(super) calls: mpsc::Receiver<Call>,
    /// Ready when the demo ends.
    pub(super) over: oneshot::Receiver<()>,
    pub(super) seats: Arc<Seats>,
}

/// Told when something went wrong, or can't be done.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename = "error")]
pub(crate) struct Failed<'a> {
    message: &'a str,
}

impl<'a> Failed<'a> {
    pub(crate) fn new(message: &'a str) -> Self {
        Self { message }
    }
}

/// The link as it is.
#[derive(Serialize)]
#[serde(tag = "op", rename = "link")]
struct LinkTold<'a> {
    #[serde(flatten)]
    shape: &'a Shape,
    plugged: bool,
}

/// Totals of a transport.
#[derive(Serialize)]
#[serde(tag = "op", rename = "counts")]
struct CountsTold<'a> {
    transport: &'a str,
    #[serde(flatten)]
    counts: &'a Counts,
}

/// How often counts are told while they change.
const COUNTS: Duration = Duration::from_millis(100);

impl Bench {
    /// Lives until nobody has watched for a while, or its other ends are gone.
    pub(super) async fn live(mut self) {
        let servers = match self.own.take() {
            None => None,
            Some((ports, config)) => match Servers::start(ports, &self.door, config) {
                Ok(servers) => Some(servers),
                Err(error) => {
                    let message = format!("the servers can't be started: {error}");
                    self.outbox.tell(&Failed::new(&message));
                    None
                }
            },
        };
        match Publisher::new(&self.door, Arc::clone(&self.outbox)) {
            Ok(publisher) => self.work(servers, Rc::new(publisher)).await,
            Err(refused) => {
                let message = format!("the hub takes no source: {refused}");
                self.outbox.tell(&Failed::new(&message));
            }
        }
    }

    async fn work(self, mut servers: Option<Servers>, publisher: Rc<Publisher>) {
        let seats = Arc::clone(&self.seats);
        let outbox = Arc::clone(&self.outbox);
        let changed = Arc::clone(&self.changed);
        let (mut calls, mut over) = (self.calls, self.over);
        let mut desk = Desk {
            counts: vec![Counts::default(); self.cables.iter().count()],
            neighbours: Neighbours::new(&self.places, self.changed),
            cables: self.cables,
            shape: self.shape,
            plugged: true,
            outbox: self.outbox,
            publisher,
            source: None,
            watchers: Vec::new(),
        };
        let deserted = deserted(&seats);
        tokio::pin!(deserted);
        // Kept from turn to turn: what waits for its time would else begin to wait anew.
        let mut counts = std::pin::pin!(next_counts(&changed));
        let mut frame = std::pin::pin!(outbox.frame());
        loop {
            tokio::select! {
                () = &mut deserted => break,
                _ = &mut over => break,
                call = calls.recv() => match call {
                    Some(call) => desk.take(call),
                    None => break,
                },
                told = &mut frame => {
                    desk.hand(&told.into());
                    frame.set(outbox.frame());
                }
                () = &mut counts => {
                    desk.tell_counts();
                    counts.set(next_counts(&changed));
                }
                error = failed(&mut servers) => {
                    let message = format!("a server has failed: {error}");
                    outbox.tell(&Failed::new(&message));
                }
            }
        }
        // Nobody can come any more; who waits to be let in finds that out.
        drop(calls);
        drop(desk);
        if let Some(servers) = servers {
            servers.end().await;
        }
    }
}

/// When nobody has watched for a while.
async fn deserted(seats: &Seats) {
    loop {
        if seats.taken() > 0 {
            seats.changed().await;
        } else if timeout(PATIENCE, seats.changed()).await.is_err() && seats.taken() == 0 {
            return;
        }
    }
}

async fn next_counts(changed: &Notify) {
    changed.notified().await;
    sleep(COUNTS).await;
}

async fn failed(servers: &mut Option<Servers>) -> std::io::Error {
    match servers {
        Some(servers) => servers.failed().await,
        None => std::future::pending().await,
    }
}

/// What a bench has, and who watches it.
struct Desk {
    cables: Cables,
    /// As they were told last, a transport each.
    counts: Vec<Counts>,
    shape: Shape,
    plugged: bool,
    outbox: Arc<Outbox>,
    publisher: Rc<Publisher>,
    source: Option<Running>,
    neighbours: Neighbours,
    watchers: Vec<(u64, Watcher)>,
}

/// A source, and whether it has come to its end.
struct Running {
    asked: ask::Source,
    ended: Rc<Cell<bool>>,
    _task: Source,
}

impl Desk {
    fn take(&mut self, call: Call) {
        match call {
            Call::Watch(number, mut watcher) => {
                if let Some(frame) = self.all_there_is() {
                    watcher.hand(&frame.into());
                }
                self.watchers.push((number, watcher));
            }
            Call::Ask(from, ask) => {
                if let Err(message) = self.obey(ask) {
                    let frame: Utf8Bytes = one(&Failed::new(&message)).into();
                    let asker = self.watchers.iter_mut().find(|(number, _)| *number == from);
                    if let Some((_, asker)) = asker {
                        asker.hand(&frame);
                    }
                }
            }
        }
    }

    /// A frame for everyone.
    fn hand(&mut self, frame: &Utf8Bytes) {
        self.watchers.retain_mut(|(_, watcher)| watcher.hand(frame));
    }

    fn obey(&mut self, ask: Ask) -> Result<(), String> {
        match ask {
            // Answered where it is read.
            Ask::Clock(_) => {}
            Ask::Link(shape) => {
                let link = shape.link();
                self.on_cables(|handle| handle.shape(&link, shape.seed))?;
                self.shape = shape;
                self.outbox.tell(&self.link());
            }
            Ask::Cable(plugged) => {
                self.on_cables(|handle| {
                    if plugged {
                        handle.plug()
                    } else {
                        handle.unplug()
                    }
                })?;
                self.plugged = plugged;
                self.outbox.tell(&self.link());
            }
            Ask::Cut(how, None) => self.on_cables(|handle| handle.cut(how))?,
            Ask::Cut(how, Some(transport)) => {
                let cable = self
                    .cables
                    .iter()
                    .find(|cable| cable.transport == transport);
                let cable = cable.ok_or_else(|| format!("there is no transport `{transport}`"))?;
                cable.handle.cut(how).map_err(|error| error.to_string())?;
            }
            Ask::Stall(ms) => {
                self.on_cables(|handle| handle.stall(Duration::from_millis(ms)))?;
            }
            Ask::Source(asked) => {
                // One at a time.
                self.source = None;
                self.outbox.tell(&SourceTold::new(&asked));
                if asked.rate > 0.0 {
                    let ended = Rc::new(Cell::new(false));
                    let task = Source::start(asked, Rc::clone(&self.publisher), Rc::clone(&ended));
                    self.source = Some(Running {
                        asked,
                        ended,
                        _task: task,
                    });
                }
            }
            Ask::Publish(event, data) => self
                .publisher
                .publish(&event, &data.to_string())
                .map_err(|refused| refused.to_string())?,
            Ask::Neighbours(asked) => self.neighbours.settle(&asked)?,
        }
        Ok(())
    }

    fn on_cables(&self, act: impl Fn(&Handle) -> std::io::Result<()>) -> Result<(), String> {
        for cable in self.cables.iter() {
            act(&cable.handle).map_err(|error| format!("{}: {error}", cable.transport))?;
        }
        Ok(())
    }

    fn link(&self) -> LinkTold<'_> {
        LinkTold {
            shape: &self.shape,
            plugged: self.plugged,
        }
    }

    fn tell_counts(&mut self) {
        for (cable, told) in self.cables.iter().zip(&mut self.counts) {
            let counts = cable.tally.counts();
            if counts != *told {
                *told = counts;
                self.outbox.tell(&CountsTold {
                    transport: cable.transport,
                    counts: &counts,
                });
            }
        }
        self.neighbours.tell(&self.outbox);
    }

    /// What one who has just come needs to know.
    fn all_there_is(&self) -> Option<String> {
        let mut frame = Frame::default();
        frame.push(&self.link());
        if let Some(source) = self.source.as_ref().filter(|source| !source.ended.get()) {
            frame.push(&SourceTold::new(&source.asked));
        }
        for cable in self.cables.iter() {
            let counts = cable.tally.counts();
            if counts != Counts::default() {
                frame.push(&CountsTold {
                    transport: cable.transport,
                    counts: &counts,
                });
            }
        }
        self.neighbours.show(&mut frame);
        frame.finish()
    }
}
