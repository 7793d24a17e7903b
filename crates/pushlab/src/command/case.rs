//! One case: its server, its generator, its measurement.

use std::cell::RefCell;
use std::pin::pin;

use anyhow::Error;
use hub::{Door, Limits, SlowConsumer};
use load::{Hooks, Phase, Samples, Strike};
use measure::{Guards, Key, Measurement, Outcome};
use scenario::{Case, Scenario};
use tokio::sync::oneshot;
use transport::{ClientOptions, Target};

use crate::command::faults::{Faults, Server};
use crate::command::progress::Progress;
use crate::command::serve::Request;
use crate::command::server_process::{Launch, ServerProcess};
use crate::cpus::Pins;
use crate::registry::{self, Entry};
use crate::stop::Stop;

/// Where the server of a case is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Started for the case, pinned apart from the generator.
    Started(Pins),
    /// Running already, at this URL.
    Elsewhere(String),
}

/// Measures a case. A failure is a measurement too, and says why.
pub(crate) async fn measure(
    case: &Case,
    place: &Place,
    stop: &Stop,
    progress: &Progress,
) -> Measurement {
    let Some(entry) = registry::find(&case.transport) else {
        return Measurement::failed(
            load::key(case, &[]),
            format!("there is no transport {}", case.transport),
        );
    };
    let run = Run {
        case,
        entry,
        stop,
        progress,
    };
    match place {
        _ if entry.info.url.is_none() => match case.scenario.faults[..] {
            [] => run.within().await,
            _ => Measurement::failed(
                run.key(),
                "there is no server process and no connection that could fail",
            ),
        },
        Place::Elsewhere(url) => match case.scenario.faults[..] {
            [] => {
                let target = target(&case.scenario, url);
                run.against(target, None, None, &mut |_| {}).await
            }
            _ => Measurement::failed(
                run.key(),
                "faults befall a server that is started for the case; use `pushlab run`",
            ),
        },
        Place::Started(pins) => {
            let launch = Launch {
                transport: &case.transport,
                scenario: &case.scenario,
                cpus: &pins.server,
            };
            match ServerProcess::start(launch) {
                Ok(server) => run.with_process(server, launch).await,
                Err(error) => Measurement::failed(run.key(), format!("{error:#}")),
            }
        }
    }
}

struct Run<'a> {
    case: &'a Case,
    entry: &'static Entry,
    stop: &'a Stop,
    progress: &'a Progress,
}

impl Run<'_> {
    fn key(&self) -> Key {
        load::key(self.case, self.entry.info.options)
    }

    /// The transport without a network: the hub lives in this process.
    async fn within(&self) -> Measurement {
        let scenario = &self.case.scenario;
        let Some(door) = Door::new(&limits(scenario), 1).pop() else {
            return Measurement::failed(self.key(), "the hub has no door");
        };
        let target = Target {
            door: Some(door.clone()),
            ..target(scenario, "")
        };
        let upkeep = door.run();
        let mut ignore = |_: &load::Progress| {};
        tokio::select! {
            measurement = self.against(target, None, None, &mut ignore) => measurement,
            () = upkeep => Measurement::failed(self.key(), "the hub's upkeep ended"),
        }
    }

    /// A server process of its own, which is asked for its pauses within the measured part, and which the scenario's faults befall.
    async fn with_process(&self, server: ServerProcess, launch: Launch<'_>) -> Measurement {
        let (target, pid) = (target(&self.case.scenario, server.url()), server.pid());
        let server: Server = RefCell::new(Some(server));
        let faults = match Faults::new(&self.case.scenario, &server, launch, None) {
            Ok(faults) => faults,
            Err(error) => return Measurement::failed(self.key(), format!("{error:#}")),
        };
        let ask = |request| {
            if let Some(server) = &mut *server.borrow_mut() {
                server.ask(request);
            }
        };
        let mut seen = Phase::Connecting;
        let (begins, beginning) = oneshot::channel();
        let mut begins = Some(begins);
        let mut follow = |now: &load::Progress| {
            match now.phase {
                Phase::Measuring if seen != now.phase => {
                    ask(Request::Reset(measure::now()));
                    // The faults may be over, or it is not theirs to know any more.
                    let _ = begins.take().map(|begins| begins.send(now.began));
                }
                Phase::Draining if seen == Phase::Measuring => {
                    ask(Request::Report(measure::now()));
                }
                _ => {}
            }
            seen = now.phase;
        };
        let (mut measurement, carried_out) = {
            let measuring = self.against(target, Some(pid), Some(faults.strikes()), &mut follow);
            let failing = async {
                match beginning.await {
                    Ok(began) => faults.carry_out(began).await,
                    Err(_never_began) => Ok(()),
                }
            };
            until_measured(measuring, failing).await
        };
        if seen == Phase::Measuring {
            ask(Request::Report(measure::now()));
        }
        let replaced = faults.replaces_server();
        if let Err(error) = carried_out {
            measurement.outcome = blame(measurement.outcome, &error);
        }
        let Some(mut server) = server.take() else {
            // Killed, and the case ended before it was to be started again.
            measurement.judge(&Guards::default());
            return measurement;
        };
        // Of two processes, what the second one says would be half the truth.
        if matches!(seen, Phase::Measuring | Phase::Draining) && !replaced {
            // Without an answer the server has ended, and `stop` says how.
            measurement.server_pauses = server.pauses().ok();
            // The lab's own watching is no cost of the transport.
            if let (Some(usage), Some(pauses)) =
                (&mut measurement.usage.server, measurement.server_pauses)
            {
                usage.take_off(pauses.monitor_cpu_ns);
            }
        }
        if let Err(error) = server.stop() {
            measurement.outcome = blame(measurement.outcome, &error);
        }
        measurement.judge(&Guards::default());
        measurement
    }

    async fn against(
        &self,
        target: Target,
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
            ..Hooks::default()
        };
        (self.entry.load)(target, self.case, hooks).await
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

/// What came of a case whose server ended badly.
fn blame(outcome: Outcome, error: &Error) -> Outcome {
    match outcome {
        Outcome::Completed => Outcome::Failed {
            reason: format!("{error:#}"),
        },
        Outcome::Interrupted => Outcome::Interrupted,
        Outcome::Failed { reason } => Outcome::Failed {
            reason: format!("{reason}; {error:#}"),
        },
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
