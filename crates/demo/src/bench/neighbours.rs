//! Native clients beside those of pages, as many as are asked for.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;
use tokio::time::sleep;
use transport::{ClientOptions, Target};

use super::ROOM;
use super::ask;
use super::outbox::{Frame, Outbox};
use super::servers::Place;
use crate::lane::{Crowd, Neighbour};

/// Most of all lanes together.
const MOST: usize = 500;

/// How long one waits whose server has refused or cut it, before it comes again.
const PAUSE: Duration = Duration::from_secs(1);

/// All neighbours of a bench. They go when this is dropped.
#[derive(Debug)]
pub(super) struct Neighbours {
    streets: Vec<Street>,
    changed: Arc<Notify>,
}

/// Those of one lane.
#[derive(Debug)]
struct Street {
    place: Place,
    interval: Duration,
    /// Dropping one tells its neighbour to go.
    here: Vec<oneshot::Sender<()>>,
    connected: Rc<Crowd>,
    /// What was told last: how many there are, and how many of them are connected.
    told: (usize, usize),
}

/// How many there are.
#[derive(Serialize)]
#[serde(tag = "op", rename = "neighbours")]
struct Told<'a> {
    transport: &'a str,
    count: usize,
    connected: usize,
    interval_ms: f64,
}

impl Neighbours {
    /// None yet. `changed` is told when some come or go.
    pub(super) fn new(places: &[Place], changed: Arc<Notify>) -> Self {
        let street = |place: &Place| Street {
            place: *place,
            interval: Duration::from_secs(1),
            here: Vec::new(),
            connected: Rc::new(Crowd::new(Arc::clone(&changed))),
            told: (0, 0),
        };
        Self {
            streets: places.iter().map(street).collect(),
            changed,
        }
    }

    /// Lets some come or go, so that there are as many as are asked for.
    ///
    /// # Errors
    /// There is no such transport, or they would be too many.
    pub(super) fn settle(&mut self, asked: &ask::Neighbours) -> Result<(), String> {
        let is_asked = |street: &Street| street.place.lane.info.name == asked.transport;
        let others = self.streets.iter().filter(|street| !is_asked(street));
        let others: usize = others.map(|street| street.here.len()).sum();
        if others + asked.count > MOST {
            return Err(format!(
                "a bench has at most {MOST} neighbours, and {others} of other transports are there"
            ));
        }
        let street = self.streets.iter_mut().find(|street| is_asked(street));
        let street =
            street.ok_or_else(|| format!("there is no transport `{}`", asked.transport))?;
        let interval = Duration::from_secs_f64(asked.interval_ms / 1e3);
        if interval != street.interval {
            street.here.clear();
            street.interval = interval;
        }
        street.here.truncate(asked.count);
        while street.here.len() < asked.count {
            let neighbour = street.welcome();
            street.here.push(neighbour);
        }
        // Even where nothing changes, who asks is answered.
        street.told = (usize::MAX, 0);
        self.changed.notify_one();
        Ok(())
    }

    /// Tells how many there are, where that has changed.
    pub(super) fn tell(&mut self, outbox: &Outbox) {
        for street in &mut self.streets {
            let now = street.count();
            if street.told != now {
                outbox.tell(&street.told_as());
                street.told = now;
            }
        }
    }

    /// All that there are, for one who has just come.
    pub(super) fn show(&self, frame: &mut Frame) {
        for street in self
            .streets
            .iter()
            .filter(|street| street.count() != (0, 0))
        {
            frame.push(&street.told_as());
        }
    }
}

impl Street {
    fn count(&self) -> (usize, usize) {
        (self.here.len(), self.connected.count())
    }

    fn told_as(&self) -> Told<'_> {
        Told {
            transport: self.place.lane.info.name,
            count: self.here.len(),
            connected: self.connected.count(),
            interval_ms: self.interval.as_secs_f64() * 1e3,
        }
    }

    /// Another one, which stays until what is returned is dropped.
    fn welcome(&self) -> oneshot::Sender<()> {
        let (here, mut gone) = oneshot::channel();
        let place = self.place;
        let connected = Rc::clone(&self.connected);
        let (before, after) = place.lane.info.url.unwrap_or_default();
        let url = format!("{before}{}{after}", place.address);
        let options = ClientOptions {
            poll_interval: self.interval,
            ..ClientOptions::default()
        };
        spawn_local(async move {
            loop {
                let (stop, stopped) = oneshot::channel();
                let target = Target {
                    options: options.clone(),
                    ..Target::new(url.clone())
                };
                let living = (place.lane.neighbour)(Neighbour {
                    target,
                    room: ROOM,
                    connected: Rc::clone(&connected),
                    stop: stopped,
                });
                tokio::pin!(living);
                tokio::select! {
                    _ = &mut living => {}
                    _ = &mut gone => {
                        drop(stop);
                        // It says goodbye.
                        let _ = living.await;
                        return;
                    }
                }
                tokio::select! {
                    () = sleep(PAUSE) => {}
                    _ = &mut gone => return,
                }
            }
        });
        here
    }
}
