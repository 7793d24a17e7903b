//! What the checks have in common: the CPUs, the generator, and how a case is run for its raw samples.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, anyhow};
use load::{Hooks, Phase, Targets};
use measure::selftest::Row;
use measure::{Guards, Measurement, Outcome, Stamp, Verdict};
use scenario::{ArmInfo, Case, Scenario};
use tokio::runtime;
use transport::Target;

use super::probe::{Behaviour, Probe, ProbeServer};
use super::progress::Progress;
use super::waits::{Task, Waits};
use crate::command::server_process::{ANY, Launch, ServerProcess};
use crate::cpus::Pins;
use crate::registry::{self, Local};
use crate::stop::Stop;

/// The transport that is measured where a real one is: the fastest, so that the lab itself shows most.
const REAL: &str = "websocket";

/// How long answers may still come after the last send, unless a check says otherwise.
const DRAIN: Duration = Duration::from_secs(2);

/// How often a case is run at most until the machine is quiet enough to believe it.
const ATTEMPTS: usize = 3;

/// Who measures, where, and until when.
pub(super) struct Lab<'a> {
    pub(super) pins: Pins,
    pub(super) quick: bool,
    pub(super) stop: &'a Stop,
    pub(super) progress: &'a Progress,
    /// How long cases may still be repeated, all together.
    pub(super) spare: Cell<Duration>,
}

/// What the note of a row says that fails for the machine's sake.
pub(super) const DISTURBED: &str = "machine not quiet";

/// Why a check has no rows.
#[derive(Debug)]
pub(super) enum Halt {
    Interrupted,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What a check asks of the generator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    pub(super) duration: Duration,
    pub(super) clients: u32,
    pub(super) seed: u64,
}

/// When is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Equal gaps, so many a second.
    Constant(u32),
    /// Exponential gaps, so many a second on average.
    Poisson(u32),
    /// Each client when its last request was answered.
    Closed,
}

/// A case with every single sample.
pub(super) struct Seen {
    pub(super) measurement: Measurement,
    /// In the order in which they were completed.
    pub(super) stamps: Vec<Stamp>,
    /// Intended and sent, in the order in which they were sent.
    pub(super) sends: Vec<(u64, u64)>,
    /// How much of the measured time the generator or the probe waited for its CPU, whichever waited longer, percent. Only of a probe.
    pub(super) waited: f64,
}

/// What a check may do while the generator runs.
#[derive(Default)]
pub(super) struct Around<'a> {
    /// Called once, when the measured part has begun.
    pub(super) begun: Option<Box<dyn FnMut() + 'a>>,
    pub(super) drain: Option<Duration>,
}

impl Lab<'_> {
    /// The shorter one for a quick self-test.
    pub(super) fn either<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A real server in a process of its own.
    pub(super) fn server(&self, ask: &Ask) -> Result<ServerProcess, Halt> {
        let case = ask.case(REAL)?;
        let server = ServerProcess::start(Launch {
            peer: None,
            transport: REAL,
            scenario: &case.scenario,
            cpus: &self.pins.server,
            listen: ANY,
        })?;
        Ok(server)
    }

    /// Loads a real server.
    pub(super) fn real(
        &self,
        server: &ServerProcess,
        ask: &Ask,
        around: Around<'_>,
    ) -> Result<Seen, Halt> {
        let entry = registry::find(REAL).context("the real transport is gone")?;
        let target = Target::new(server.url());
        self.run(ask, &ask.case(REAL)?, target.into(), entry.load, around)
    }

    /// Loads a probe of its own.
    pub(super) fn probe(&self, behaviour: Behaviour, ask: &Ask) -> Result<Seen, Halt> {
        let server = ProbeServer::start(behaviour, &self.pins.server)?;
        let target = Target::new(server.url());
        let waits = Cell::new(None);
        let around = Around {
            begun: Some(Box::new(|| {
                server.forget_pauses();
                waits.set(Some(Waits::begin([
                    ("generator", Task::this_thread()),
                    ("probe", server.task()),
                ])));
            })),
            drain: None,
        };
        let load = |targets: Targets, case, hooks| -> Local<'_, Measurement> {
            Box::pin(load::run::<Probe>(targets, case, hooks))
        };
        let mut seen = self.run(ask, &ask.case("probe")?, target.into(), load, around)?;
        seen.waited = waits.take().map_or(0.0, |waits| waits.most().1);
        seen.measurement.server_pauses = Some(server.pauses());
        seen.measurement.judge(&Guards::default());
        Ok(seen)
    }

    /// Runs a case again while guards say that the machine disturbed it and there is time. A figure that is merely wrong is never
    /// measured again.
    pub(super) fn quiet<T>(
        &self,
        run: impl FnMut() -> Result<T, Halt>,
        seen: impl Fn(&T) -> &Seen,
    ) -> Result<T, Halt> {
        self.quiet_by(run, |result| seen(result).disturbance())
    }

    /// The same for what is no run of the generator's, and says itself what disturbed it.
    pub(super) fn quiet_by<T>(
        &self,
        mut run: impl FnMut() -> Result<T, Halt>,
        disturbance: impl Fn(&T) -> Option<String>,
    ) -> Result<T, Halt> {
        let mut attempt = 1;
        loop {
            let began = Instant::now();
            let result = run()?;
            let disturbed = disturbance(&result);
            let left = self.spare.get().checked_sub(began.elapsed());
            match (disturbed, left) {
                (Some(what), Some(left)) if attempt < ATTEMPTS => {
                    self.progress
                        .say(&format!("the machine was not quiet ({what}): once more"));
                    self.spare.set(left);
                    attempt += 1;
                }
                _ => return Ok(result),
            }
        }
    }

    fn run<'c>(
        &'c self,
        ask: &Ask,
        case: &'c Case,
        targets: Targets,
        load: impl FnOnce(Targets, &'c Case, Hooks<'c>) -> Local<'c, Measurement>,
        around: Around<'c>,
    ) -> Result<Seen, Halt> {
        if self.stop.is_asked() {
            return Err(Halt::Interrupted);
        }
        let (stamps, sends) = (
            Rc::<RefCell<Vec<Stamp>>>::default(),
            Rc::<RefCell<Vec<(u64, u64)>>>::default(),
        );
        // No memory is asked for while it is measured.
        let room = ask.sends() + ask.sends() / 2;
        stamps.borrow_mut().reserve(room);
        sends.borrow_mut().reserve(room);
        let mut begun = around.begun;
        let tell = move |now: &load::Progress| {
            if now.phase == Phase::Measuring
                && let Some(mut begun) = begun.take()
            {
                begun();
            }
            self.progress.tell(now);
        };
        let hooks = Hooks {
            progress: Some(Box::new(tell)),
            interrupt: Some(self.stop.watch()),
            drain: around.drain.unwrap_or(DRAIN),
            stamps: Some(Rc::clone(&stamps)),
            sends: Some(Rc::clone(&sends)),
            ..Hooks::default()
        };
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(runtime::LocalOptions::default())
            .context("can't start an event loop")?;
        let measurement = runtime.block_on(load(targets, case, hooks));
        match &measurement.outcome {
            Outcome::Completed => {}
            Outcome::Interrupted => return Err(Halt::Interrupted),
            Outcome::Failed { reason } => return Err(anyhow!("{reason}").into()),
        }
        Ok(Seen {
            measurement,
            stamps: stamps.take(),
            sends: sends.take(),
            waited: 0.0,
        })
    }
}

impl Ask {
    /// The case, by way of a scenario's text as everywhere else.
    fn case(&self, transport: &str) -> Result<Case, Halt> {
        let mut text = format!(
            "name = \"selftest\"\nquestion = \"Does the lab measure what is true?\"\nkind = \"echo\"\n\
             transports = [\"{transport}\"]\nduration = \"{} ms\"\nwarm-up = \"0s\"\ntrials = 1\nseed = {}\n\
             population.clients = {}\n[load]\npayload = \"64 B\"\n",
            self.duration.as_millis(),
            self.seed,
            self.clients,
        );
        let load = match self.kind {
            Kind::Constant(rate) => {
                format!("mode = \"open\"\narrivals = \"constant\"\nrate = \"{rate}/s\"")
            }
            Kind::Poisson(rate) => {
                format!("mode = \"open\"\narrivals = \"poisson\"\nrate = \"{rate}/s\"")
            }
            Kind::Closed => "mode = \"closed\"\ndepth = 1".to_owned(),
        };
        let _ = writeln!(text, "{load}");
        let arm = ArmInfo {
            name: transport,
            network: true,
            options: &[],
        };
        let scenario: Scenario = scenario::parse(&text, "selftest.toml", &[arm])?;
        let case = scenario.cases().pop();
        Ok(case.context("a scenario without a case")?)
    }

    /// About so many sends.
    fn sends(&self) -> usize {
        let rate = match self.kind {
            Kind::Constant(rate) | Kind::Poisson(rate) => rate,
            Kind::Closed => 100_000,
        };
        (f64::from(rate) * self.duration.as_secs_f64()) as usize
    }
}

impl Seen {
    /// What kept the generator, or the probe, from working properly: the guards that were broken. (The pauses of a server that is stopped
    /// on purpose are not asked for.)
    pub(super) fn disturbance(&self) -> Option<String> {
        self.disturbance_but("")
    }

    /// The same without one guard, which the check breaks on purpose.
    pub(super) fn disturbance_but(&self, guard: &str) -> Option<String> {
        let Verdict::Invalid { breaches } = &self.measurement.verdict else {
            return None;
        };
        let others = breaches.iter().filter(|breach| breach.guard != guard);
        let others: Vec<String> = others.map(ToString::to_string).collect();
        (!others.is_empty()).then(|| others.join("; "))
    }

    /// The row of a figure that was measured while the machine wasn't quiet says so. The truth is known, so one that meets it holds all the same; one
    /// that misses it has a reason.
    pub(super) fn vouch(&self, row: Row) -> Row {
        vouch(row, self.disturbance())
    }
}

/// See [`Seen::vouch`].
pub(super) fn vouch(row: Row, disturbance: Option<String>) -> Row {
    match disturbance {
        Some(what) => row.noted(format!("{DISTURBED}: {what}")),
        _ => row,
    }
}

/// Nanoseconds as milliseconds.
pub(super) fn ms(nanoseconds: f64) -> f64 {
    nanoseconds / 1e6
}

/// Nanoseconds as microseconds.
pub(super) fn us(nanoseconds: f64) -> f64 {
    nanoseconds / 1e3
}
