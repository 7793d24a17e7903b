//! One case: its server, its generator, its measurement.

use std::cell::RefCell;

use anyhow::Error;
use hub::{Door, Limits, SlowConsumer};
use load::{Hooks, Phase};
use measure::{Guards, Key, Measurement, Outcome};
use scenario::{Case, Scenario};
use transport::{ClientOptions, Target};

use crate::command::progress::Progress;
use crate::command::serve::Request;
use crate::command::server_process::ServerProcess;
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
        _ if entry.info.url.is_none() => run.within().await,
        Place::Elsewhere(url) => {
            run.against(target(&case.scenario, url), None, &mut |_| {})
                .await
        }
        Place::Started(pins) => {
            match ServerProcess::start(&case.transport, &case.scenario, &pins.server) {
                Ok(server) => run.with_process(server).await,
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
        let mut ignore = |_| {};
        tokio::select! {
            measurement = self.against(target, None, &mut ignore) => measurement,
            () = upkeep => Measurement::failed(self.key(), "the hub's upkeep ended"),
        }
    }

    /// A server process of its own, which is asked for its pauses within the measured part.
    async fn with_process(&self, server: ServerProcess) -> Measurement {
        let (target, pid) = (target(&self.case.scenario, server.url()), server.pid());
        let server = RefCell::new(server);
        let mut seen = Phase::Connecting;
        let mut follow = |phase: Phase| {
            match phase {
                Phase::Measuring if seen != phase => {
                    server.borrow_mut().ask(Request::Reset(measure::now()));
                }
                Phase::Draining if seen == Phase::Measuring => {
                    server.borrow_mut().ask(Request::Report(measure::now()));
                }
                _ => {}
            }
            seen = phase;
        };
        let mut measurement = self.against(target, Some(pid), &mut follow).await;
        let mut server = server.into_inner();
        if seen == Phase::Measuring {
            server.ask(Request::Report(measure::now()));
        }
        if matches!(seen, Phase::Measuring | Phase::Draining) {
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
        follow: &mut dyn FnMut(Phase),
    ) -> Measurement {
        let tell = |now: &load::Progress| {
            follow(now.phase);
            self.progress.tell(self.case, now);
        };
        let hooks = Hooks {
            progress: Some(Box::new(tell)),
            server,
            interrupt: Some(self.stop.watch()),
            ..Hooks::default()
        };
        (self.entry.load)(target, self.case, hooks).await
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
