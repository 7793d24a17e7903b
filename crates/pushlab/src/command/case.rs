//! One case: its server, the network before it, its generator, its measurement.

use std::cell::RefCell;
use std::mem;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Error, anyhow};
use hub::{Door, Limits, SlowConsumer};
use load::{Hooks, Phase, Samples, Strike, Targets};
use measure::{Guards, Key, Measurement, Outcome};
use scenario::{Case, Cut, Scenario, What};
use tokio::sync::oneshot;
use transport::{ClientOptions, Target};

use crate::command::faults::{Faults, FaultyLink, Server};
use crate::command::link::Request as LinkRequest;
use crate::command::network::{self, Network};
use crate::command::prediction;
use crate::command::progress::Progress;
use crate::command::serve::Request;
use crate::command::server_process::{Launch, ServerProcess};
use crate::command::tapped::Tap;
use crate::cpus::Pins;
use crate::peers::{Guests, PeerArm};
use crate::registry::{self, Entry, Wire};
use crate::stop::Stop;

/// Where the server of a case is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Started for the case, pinned apart from the generator. Some of the arms are of these guests.
    Started(Pins, Guests),
    /// The same of the lab's own, and what passes between it and the generator is looked at.
    Watched(Pins, Tap),
    /// Running already, at this URL.
    Elsewhere(String),
}

impl Place {
    /// The guest that an arm is of, if it is of one.
    fn peer(&self, arm: &str) -> Option<&PeerArm> {
        match self {
            Self::Started(_, guests) => guests.arm(arm),
            Self::Watched(..) | Self::Elsewhere(_) => None,
        }
    }
}

/// Measures a case. A failure is a measurement too, and says why.
pub(crate) async fn measure(
    case: &Case,
    place: &Place,
    stop: &Stop,
    progress: &Progress,
) -> Measurement {
    let peer = place.peer(&case.transport);
    let own = || registry::find(&case.transport).map(Entry::wire);
    let wire = peer.map(|arm| arm.route.wire).or_else(own);
    let Some(wire) = wire.or_else(|| registry::wire(&case.transport)) else {
        return Measurement::failed(
            load::key(case, None),
            format!("there is no transport {}", case.transport),
        );
    };
    let run = Run {
        case,
        wire,
        peer,
        stop,
        progress,
    };
    let measured = match place {
        _ if wire.info.url.is_none() => run.within().await,
        Place::Elsewhere(url) => run.elsewhere(url).await,
        Place::Started(pins, _) => run.started(pins, None).await,
        Place::Watched(pins, tap) => run.started(pins, Some(tap)).await,
    };
    match measured {
        Ok(measurement) => Measurement {
            prediction: prediction::of(&case.scenario, &wire.info),
            ..measurement
        },
        Err(error) => Measurement::failed(run.key(), format!("{error:#}")),
    }
}

struct Run<'a> {
    case: &'a Case,
    wire: Wire,
    peer: Option<&'a PeerArm>,
    stop: &'a Stop,
    progress: &'a Progress,
}

impl Run<'_> {
    fn key(&self) -> Key {
        load::key(self.case, Some(&self.wire.info))
    }

    /// The transport without a network: the hub lives in this process.
    async fn within(&self) -> Result<Measurement, Error> {
        let scenario = &self.case.scenario;
        if !scenario.faults.is_empty() {
            return Err(anyhow!(
                "there is no server process and no connection that could fail"
            ));
        }
        let door = Door::new(&limits(scenario), 1).pop();
        let door = door.ok_or_else(|| anyhow!("the hub has no door"))?;
        let target = Target {
            door: Some(door.clone()),
            ..target(scenario, "")
        };
        let upkeep = door.run();
        let mut ignore = |_: &load::Progress| {};
        tokio::select! {
            measurement = self.against(target.into(), None, None, &mut ignore) => Ok(measurement),
            () = upkeep => Err(anyhow!("the hub's upkeep ended")),
        }
    }

    /// A server that runs already.
    async fn elsewhere(&self, url: &str) -> Result<Measurement, Error> {
        let Case { scenario, seed, .. } = self.case;
        if !scenario.faults.is_empty() {
            return Err(anyhow!(
                "faults befall a server that is started for the case; use `pushlab run`"
            ));
        }
        if network::packets(scenario).is_some() {
            return Err(anyhow!(
                "a link of packets has its own network, where this server isn't; use `pushlab run`, or a relay"
            ));
        }
        let network = Network::Loopback.lead_to(url, scenario, &[], *seed, None)?;
        let targets = network.targets(target(scenario, url));
        let network = RefCell::new(network);
        let mut borders = Borders::new(|border| network.borrow_mut().ask(border.into()));
        let mut follow = |now: &load::Progress| {
            borders.enter(now.phase);
        };
        let mut measurement = self.against(targets, None, None, &mut follow).await;
        borders.end();
        finish(&mut measurement, network.into_inner());
        measurement.judge(&Guards::default());
        Ok(measurement)
    }

    /// A server process of its own, which is asked for its pauses within the measured part, and which the scenario's faults befall.
    async fn started(&self, pins: &Pins, tap: Option<&Tap>) -> Result<Measurement, Error> {
        let Case { scenario, seed, .. } = self.case;
        let network = Network::prepare(scenario, &pins.server, *seed)?;
        let launch = Launch {
            transport: &self.case.transport,
            peer: self.peer,
            scenario,
            cpus: &pins.server,
            listen: network.listen(),
        };
        let server = {
            let _there = network.server_end()?;
            ServerProcess::start(launch)?
        };
        let network = network.lead_to(server.url(), scenario, &pins.server, *seed, tap)?;
        let (targets, pid) = (
            network.targets(target(scenario, server.url())),
            server.pid(),
        );
        let there = network.client_end()?;
        let (server, network): (Server, _) = (RefCell::new(Some(server)), RefCell::new(network));
        let faults = self.faults(&server, launch, &network)?;
        let mut borders = Borders::new(|border| {
            network.borrow_mut().ask(border.into());
            if let Some(server) = &mut *server.borrow_mut() {
                server.ask(border.into());
            }
        });
        let (begins, beginning) = oneshot::channel();
        let mut begins = Some(begins);
        let mut follow = |now: &load::Progress| {
            if borders.enter(now.phase) {
                // The faults may be over, or it is not theirs to know any more.
                let _ = begins.take().map(|begins| begins.send(now.began));
            }
        };
        let (mut measurement, carried_out) = {
            let measuring = self.against(targets, Some(pid), Some(faults.strikes()), &mut follow);
            let failing = async {
                match beginning.await {
                    Ok(began) => faults.carry_out(began).await,
                    Err(_never_began) => Ok(()),
                }
            };
            until_measured(measuring, failing).await
        };
        let was_measured = borders.end();
        drop(there);
        let replaced = faults.replaces_server();
        drop(faults);
        if let Err(error) = carried_out {
            blame(&mut measurement, &error);
        }
        finish(&mut measurement, network.into_inner());
        // None if it was killed, and the case ended before it was to be started again.
        if let Some(mut server) = server.into_inner() {
            // Of two processes, what the second one says would be half the truth.
            if was_measured && !replaced {
                take_pauses(&mut measurement, &mut server);
            }
            if let Err(error) = server.stop() {
                blame(&mut measurement, &error);
            }
        }
        measurement.judge(&Guards::default());
        Ok(measurement)
    }

    /// The scenario's faults, of this server and this network.
    fn faults<'a>(
        &'a self,
        server: &'a Server,
        launch: Launch<'a>,
        network: &'a RefCell<Network>,
    ) -> Result<Faults<'a>, Error> {
        let link: Option<&dyn FaultyLink> = match &*network.borrow() {
            Network::Loopback => None,
            Network::Relay(..) | Network::Tapped(..) | Network::Packets(_) => Some(network),
        };
        let scenario = &self.case.scenario;
        if network::packets(scenario).is_some() {
            let why = scenario.faults.iter().find_map(|fault| match fault.what {
                What::KillServer => Some("a server behind a link of packets isn't started again"),
                What::CutLink(Cut::MidMessage) => {
                    Some("a link of packets sees no messages to cut in the middle")
                }
                _ => None,
            });
            if let Some(why) = why {
                return Err(anyhow!("{why}: write backend = \"relay\""));
            }
        }
        Faults::new(scenario, server, launch, link)
    }

    async fn against(
        &self,
        targets: Targets,
        server: Option<u32>,
        faults: Option<Samples<Strike>>,
        follow: &mut dyn FnMut(&load::Progress),
    ) -> Measurement {
        let tell = |now: &load::Progress| {
            follow(now);
            self.progress.tell(self.case, now);
        };
        let hooks = Hooks {
            progress: Some(Box::new(tell)),
            server,
            interrupt: Some(self.stop.watch()),
            faults,
            drain: drain(&self.case.scenario),
            ..Hooks::default()
        };
        (self.wire.load)(targets, self.case, hooks).await
    }
}

/// An end of the measured part, at a time of [`measure::now`].
#[derive(Clone, Copy, Debug)]
enum Border {
    Begins(u64),
    Ended(u64),
}

/// Tells the ends of the measured part, each once, from the phases of a case.
struct Borders<F> {
    seen: Phase,
    tell: F,
}

impl<F: FnMut(Border)> Borders<F> {
    fn new(tell: F) -> Self {
        Self {
            seen: Phase::Connecting,
            tell,
        }
    }

    /// True if the measured part begins.
    fn enter(&mut self, phase: Phase) -> bool {
        let before = mem::replace(&mut self.seen, phase);
        let begins = phase == Phase::Measuring && before != phase;
        if begins {
            (self.tell)(Border::Begins(measure::now()));
        } else if phase == Phase::Draining && before == Phase::Measuring {
            (self.tell)(Border::Ended(measure::now()));
        }
        begins
    }

    /// The case is over, perhaps before its time. True if anything was measured.
    fn end(mut self) -> bool {
        if self.seen == Phase::Measuring {
            (self.tell)(Border::Ended(measure::now()));
        }
        matches!(self.seen, Phase::Measuring | Phase::Draining)
    }
}

impl From<Border> for Request {
    fn from(border: Border) -> Self {
        match border {
            Border::Begins(at) => Self::Reset(at),
            Border::Ended(at) => Self::Report(at),
        }
    }
}

impl From<Border> for LinkRequest {
    fn from(border: Border) -> Self {
        match border {
            Border::Begins(at) => Self::Reset(at),
            Border::Ended(at) => Self::Report(at),
        }
    }
}

/// Takes what the link has to say, and ends it.
fn finish(measurement: &mut Measurement, mut network: Network) {
    if measurement.measured_s > 0.0 {
        measurement.link = network.report();
    }
    if let Err(error) = network.stop() {
        blame(measurement, &error);
    }
}

/// Takes what the server has to say of its pauses.
fn take_pauses(measurement: &mut Measurement, server: &mut ServerProcess) {
    // Without an answer the server has ended, and `stop` says how.
    measurement.server_pauses = server.pauses().ok();
    // The lab's own watching is no cost of the transport.
    if let (Some(usage), Some(pauses)) = (&mut measurement.usage.server, measurement.server_pauses)
    {
        usage.take_off(pauses.monitor_cpu_ns);
    }
}

/// The measurement, and how far `failing` came beside it: an error that it ended with, if it did.
async fn until_measured(
    measuring: impl Future<Output = Measurement>,
    failing: impl Future<Output = Result<(), Error>>,
) -> (Measurement, Result<(), Error>) {
    let (mut measuring, mut failing) = (pin!(measuring), pin!(failing));
    tokio::select! {
        biased;
        measurement = &mut measuring => (measurement, Ok(())),
        failed = &mut failing => (measuring.await, failed),
    }
}

/// What comes of a case when something that it needed has failed.
fn blame(measurement: &mut Measurement, error: &Error) {
    measurement.outcome = match mem::take(&mut measurement.outcome) {
        Outcome::Completed => Outcome::Failed {
            reason: format!("{error:#}"),
        },
        Outcome::Interrupted => Outcome::Interrupted,
        Outcome::Failed { reason } => Outcome::Failed {
            reason: format!("{reason}; {error:#}"),
        },
    };
}

/// How long answers may take after the last send. What a link loses is sent again after time-outs that double, up to several seconds.
fn drain(scenario: &Scenario) -> Duration {
    let usual = Hooks::default().drain;
    match &scenario.link {
        Some(link) if link.up.harms_packets() || link.down.harms_packets() => 10 * usual,
        Some(link) => usual + 2 * link.round_trip(),
        None => usual,
    }
}

fn target(scenario: &Scenario, url: &str) -> Target {
    let options = load::client_options(&scenario.client);
    // A response may hold several messages, each with its envelope.
    let payload = scenario.load.map_or(0, |load| load.payload);
    let max_message = options
        .max_message
        .max(4 * (payload + 1024))
        .max(2 * scenario.server.mailbox_bytes);
    Target {
        options: ClientOptions {
            max_message,
            ..options
        },
        ..Target::new(url)
    }
}

fn limits(scenario: &Scenario) -> Limits {
    let server = &scenario.server;
    let defaults = Limits::default();
    Limits {
        mailbox_messages: server.mailbox_messages,
        mailbox_bytes: server.mailbox_bytes,
        slow_consumer: match server.slow_consumer {
            scenario::SlowConsumer::Disconnect => SlowConsumer::Disconnect,
            scenario::SlowConsumer::DropOldest => SlowConsumer::DropOldest,
            scenario::SlowConsumer::Conflate => SlowConsumer::Conflate,
        },
        max_sessions: defaults
            .max_sessions
            .max(scenario.population.connections() as usize),
        ..defaults
    }
}
