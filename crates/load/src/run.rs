//! A case from beginning to end.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;
use measure::usage::{ProcessReading, kernel_memory};
use measure::{
    Distribution, GeneratorUsage, Guards, Key, Measurement, MemoryUsage, Outcome, PauseMonitor,
    Slip, Stamp, Traffic, now,
};
use scenario::{Case, ClientSettings, Pace, Scenario};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use transport::{Client, ClientOptions, Connection, PollPacing, Target, Transport};

use crate::alarm::Alarm;
use crate::arrivals::Arrivals;
use crate::book::{Book, Window};
use crate::gather::{Crowd, gather};
use crate::pacer::Pacer;
use crate::plan::{Plan, Sender};

/// Time between the last join and the first send, nanoseconds: parked polls get parked.
const SETTLE: u64 = 50_000_000;

/// Readings of the measured part are taken so much before it begins, nanoseconds, so that taking them delays no measured send.
const LEAD: u64 = 5_000_000;

/// After the last answer, how long to look for what should not come: duplicates.
const LINGER: Duration = Duration::from_millis(50);

/// How long goodbyes may take, all together.
const GOODBYE: Duration = Duration::from_secs(2);

/// Housekeeping, and a fourth of the time between two reports of progress.
const TICK: Duration = Duration::from_millis(50);

/// Called with the progress of a case.
pub type OnProgress<'a> = Box<dyn FnMut(&Progress) + 'a>;

/// A list that the caller and the run share: filled while it runs, read afterwards.
pub type Samples<T> = Rc<RefCell<Vec<T>>>;

/// What a caller may listen to and say while a case runs.
pub struct Hooks<'a> {
    /// Called about five times a second.
    pub progress: Option<OnProgress<'a>>,
    /// The server's process on this host, to be read from `/proc`.
    pub server: Option<u32>,
    /// Set to true, it ends the case; what was measured so far is kept.
    pub interrupt: Option<watch::Receiver<bool>>,
    /// How long to wait for answers after the last send, at most. Default 2 s.
    pub drain: Duration,
    /// Takes the stamp of each measured request that was answered, or publish that all receivers have: the raw samples beside the histograms.
    pub stamps: Option<Samples<Stamp>>,
    /// Takes each measured send: when it was intended and when it was sent, nanoseconds of [`now`].
    pub sends: Option<Samples<(u64, u64)>>,
}

/// How far a case is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Since the phase began.
    pub elapsed: Duration,
    /// How long the phase will take; none when it can't be said.
    pub expected: Option<Duration>,
    /// Sessions that stand.
    pub connected: u64,
    /// Sessions wanted.
    pub sessions: u64,
    /// Sent within the measured part.
    pub sent: u64,
    /// Requests answered or publishes received by all, within the measured part.
    pub completed: u64,
    /// Events received within the measured part.
    pub delivered: u64,
    /// Errors so far.
    pub errors: u64,
    /// The latency that answers the scenario's question, in the seconds that are over.
    pub latency: Option<Distribution>,
}

/// What a case is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Sessions are opened and join their rooms.
    Connecting,
    /// The load runs and nothing counts yet.
    WarmUp,
    /// The load runs and counts.
    Measuring,
    /// Nothing is sent any more; answers may still come.
    Draining,
}

/// Runs one arm of one trial against `target`, on a `LocalRuntime` of its own with I/O and time: users whose session has ended stay on it
/// as tasks until it is dropped.
///
/// It always gives a measurement: one that failed or was interrupted says so, with what was seen until then. The verdict
/// is by the default [`Guards`].
pub async fn run<T: Transport>(target: Target, case: &Case, hooks: Hooks<'_>) -> Measurement {
    Run::<T>::new(case, hooks).go(target).await
}

/// The key of a case.
pub fn key(case: &Case) -> Key {
    let scenario = &case.scenario;
    Key::new(
        &scenario.name,
        scenario.kind.name(),
        &case.transport,
        case.trial,
        case.seed,
    )
}

/// A scenario's `[client]` as the transports take it.
pub fn client_options(settings: &ClientSettings) -> ClientOptions {
    ClientOptions {
        connection: match settings.connection {
            scenario::Connection::KeepAlive => Connection::KeepAlive,
            scenario::Connection::Fresh => Connection::Fresh,
        },
        poll_interval: settings.poll_interval,
        poll_pacing: match settings.poll_pacing {
            scenario::PollPacing::FixedRate => PollPacing::FixedRate,
            scenario::PollPacing::FixedDelay => PollPacing::FixedDelay,
        },
        hold: settings.hold,
        pool: settings.pool as usize,
        ..ClientOptions::default()
    }
}

impl Default for Hooks<'_> {
    fn default() -> Self {
        Self {
            progress: None,
            server: None,
            interrupt: None,
            drain: Duration::from_secs(2),
            stamps: None,
            sends: None,
        }
    }
}

struct Run<'a, T: Transport> {
    scenario: &'a Scenario,
    seed: u64,
    hooks: Hooks<'a>,
    book: Rc<RefCell<Book>>,
    pacer: Rc<Pacer<T>>,
    connect: RefCell<Histogram<u64>>,
    standing: Cell<usize>,
    crowd: Crowd<T>,
    measurement: Measurement,
}

/// Why a case ends before its time.
enum Stop {
    Interrupted,
    Failed(String),
}

/// Readings at one end of the measured part.
struct Reading {
    at: u64,
    cpu: u64,
    spin: u64,
    server: Option<ProcessReading>,
    traffic: transport::Traffic,
}

impl<'a, T: Transport> Run<'a, T> {
    fn new(case: &'a Case, hooks: Hooks<'a>) -> Self {
        let scenario = &*case.scenario;
        let plan = Plan::new(scenario);
        let mut measurement = Measurement::new(key(case));
        measurement.connections = plan.clients.len() as u64;
        let mut book = Book::new(plan);
        book.stamps.clone_from(&hooks.stamps);
        book.sends.clone_from(&hooks.sends);
        let book = Rc::new(RefCell::new(book));
        Self {
            scenario,
            seed: case.seed,
            hooks,
            pacer: Rc::new(Pacer::new(Rc::clone(&book))),
            book,
            connect: RefCell::new(measure::latency::histogram()),
            standing: Cell::new(0),
            crowd: Vec::new(),
            measurement,
        }
    }

    async fn go(mut self, target: Target) -> Measurement {
        let stopped = self.stages(&target).await.err();
        self.measurement.outcome = match stopped {
            None => Outcome::Completed,
            Some(Stop::Interrupted) => Outcome::Interrupted,
            Some(Stop::Failed(reason)) => Outcome::Failed { reason },
        };
        self.close_book();
        let goodbye = self.say_goodbye();
        // A server that is gone needs no goodbye, and one that doesn't listen gets no more time.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        self.measurement.judge(&Guards::default());
        self.measurement
    }

    async fn stages(&mut self, target: &Target) -> Result<(), Stop> {
        let alarm = Alarm::new().map_err(|error| failed(&error))?;
        let pauses = PauseMonitor::start().map_err(|error| failed(&error))?;
        let before = self.memory();
        self.stand_up(target).await?;
        let settled = now() + SETTLE;
        self.wait(&alarm, settled, Phase::Connecting).await?;
        let mut after = self.memory();

        let (warm_up, duration) = (
            nanoseconds(self.scenario.warm_up),
            nanoseconds(self.scenario.duration),
        );
        let begin = now() + LEAD;
        let window = Window {
            begin,
            start: begin + warm_up,
            end: begin + warm_up + duration,
        };
        self.measurement.warm_up_s = self.scenario.warm_up.as_secs_f64();
        let pacing = self.begin(window);

        self.wait(&alarm, window.start - LEAD, Phase::WarmUp)
            .await?;
        pauses.reset();
        let first = self.reading();
        self.wait(&alarm, window.start, Phase::WarmUp).await?;
        self.measurement.started = measure::clock::utc();
        let measured = self.wait(&alarm, window.end, Phase::Measuring).await;
        let ended = now().min(window.end);
        let last = self.reading();
        self.measurement.generator_pauses = Some(pauses.finish());
        self.measurement.measured_s = ended.saturating_sub(window.start) as f64 / 1e9;
        self.account(&first, &last);
        self.measurement.little =
            (!self.measurement.is_idle()).then(|| self.book.borrow_mut().flight.finish(ended));
        if self.measurement.is_idle() {
            after = self.memory();
        }
        self.measurement.usage.memory = MemoryUsage {
            connections: self.alive(),
            server_rss_before_bytes: before.0,
            server_rss_after_bytes: after.0,
            kernel_before_bytes: before.1,
            kernel_after_bytes: after.1,
        };
        measured?;
        if let Some(pacing) = pacing {
            match pacing.await {
                Ok(paced) => paced.map_err(|error| failed(&error))?,
                Err(ended) => return Err(Stop::Failed(format!("the pacer ended: {ended}"))),
            }
        }
        self.drain(&alarm).await
    }

    /// Connects everyone, while progress is told and an interrupt heard.
    async fn stand_up(&mut self, target: &Target) -> Result<(), Stop> {
        let began = now();
        let (book, interrupt) = (Rc::clone(&self.book), self.hooks.interrupt.clone());
        let (connect, standing) = (&self.connect, &self.standing);
        let gathering = gather::<T>(target, &book, &self.pacer, connect, standing);
        tokio::pin!(gathering);
        let interrupted = interrupted(interrupt);
        tokio::pin!(interrupted);
        let sessions = self.measurement.connections;
        let mut ticks = tokio::time::interval(4 * TICK);
        let gathered = loop {
            tokio::select! {
                gathered = &mut gathering => break gathered,
                () = &mut interrupted => return Err(Stop::Interrupted),
                _ = ticks.tick() => {
                    if let Some(progress) = &mut self.hooks.progress {
                        let connected = standing.get() as u64;
                        let now = Progress::connecting(began, connected, sessions, &book.borrow());
                        progress(&now);
                    }
                }
            }
        };
        self.crowd = gathered.map_err(Stop::Failed)?;
        Ok(())
    }

    /// Starts the load: the pacer's task in an open loop, the users themselves in a closed one.
    fn begin(&mut self, window: Window) -> Option<tokio::task::JoinHandle<io::Result<()>>> {
        let Some(load) = self.scenario.load else {
            self.book.borrow_mut().begin(window, None);
            return None;
        };
        match load.pace {
            Pace::Closed { depth } => {
                self.measurement.depth = Some(depth);
                self.book.borrow_mut().begin(window, Some(depth));
                None
            }
            Pace::Open { arrivals, rate } => {
                self.measurement.intended_per_s = Some(rate);
                self.book.borrow_mut().begin(window, None);
                let senders: Vec<_> = {
                    let plan = &self.book.borrow().plan;
                    let user = |sender: &Sender| self.crowd[sender.client].clone();
                    plan.senders.iter().map(user).collect()
                };
                let span = (window.begin, window.end);
                let arrivals = Arrivals::new(arrivals, rate, senders.len(), span, self.seed);
                self.pacer.begin(arrivals, senders);
                Some(tokio::task::spawn_local(Rc::clone(&self.pacer).pace()))
            }
        }
    }

    /// Waits until `until`, keeps house, tells progress; ends early if the case can't go on or is interrupted.
    async fn wait(&mut self, alarm: &Alarm, until: u64, phase: Phase) -> Result<(), Stop> {
        let began = now();
        let changed = Rc::clone(&self.book.borrow().changed);
        let interrupted = interrupted(self.hooks.interrupt.clone());
        tokio::pin!(interrupted);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let alarm = alarm.until(until);
        tokio::pin!(alarm);
        let mut count = 0_u32;
        loop {
            if let Some(reason) = self.book.borrow().fatal.clone() {
                return Err(Stop::Failed(reason));
            }
            tokio::select! {
                rung = &mut alarm => return rung.map_err(|error| failed(&error)),
                () = changed.notified() => {
                    if phase == Phase::Draining && self.book.borrow().pending() == 0 {
                        return Ok(());
                    }
                }
                () = &mut interrupted => return Err(Stop::Interrupted),
                _ = ticks.tick() => {
                    self.book.borrow_mut().recorder.tidy();
                    if count.is_multiple_of(4) {
                        self.tell(phase, began, until);
                    }
                    count += 1;
                }
            }
        }
    }

    /// Waits for what is still to come, bounded; then a moment longer for what should not come.
    async fn drain(&mut self, alarm: &Alarm) -> Result<(), Stop> {
        if self.book.borrow().pending() > 0 {
            let until = now() + nanoseconds(self.hooks.drain);
            self.wait(alarm, until, Phase::Draining).await?;
        }
        if self.book.borrow().plan.has_events() {
            tokio::time::sleep(LINGER).await;
        }
        Ok(())
    }

    fn tell(&mut self, phase: Phase, began: u64, until: u64) {
        let Some(progress) = &mut self.hooks.progress else {
            return;
        };
        let book = self.book.borrow();
        let measurement = &self.measurement;
        progress(&Progress {
            phase,
            elapsed: Duration::from_nanos(now() - began),
            expected: Some(Duration::from_nanos(until.saturating_sub(began))),
            connected: self.standing.get() as u64 - book.gone.min(self.standing.get() as u64),
            sessions: measurement.connections,
            sent: book.counts.sent,
            completed: book.counts.completed,
            delivered: book.counts.delivered,
            errors: book.errors.total(),
            latency: book.recorder.so_far(measurement.key.headline()),
        });
    }

    /// What the server and the kernel use, bytes.
    fn memory(&self) -> (Option<u64>, Option<u64>) {
        let server = self
            .hooks
            .server
            .and_then(|pid| ProcessReading::of(pid).ok());
        (server.map(|reading| reading.rss_bytes), kernel_memory())
    }

    fn reading(&self) -> Reading {
        let traffic = self
            .crowd
            .iter()
            .flatten()
            .map(|user| user.borrow().traffic());
        Reading {
            at: now(),
            cpu: measure::clock::thread_cpu(),
            spin: self.book.borrow().spin_ns,
            server: self
                .hooks
                .server
                .and_then(|pid| ProcessReading::of(pid).ok()),
            traffic: traffic.fold(transport::Traffic::default(), |sum, one| sum + one),
        }
    }

    fn account(&mut self, first: &Reading, last: &Reading) {
        let usage = &mut self.measurement.usage;
        usage.server = last
            .server
            .zip(first.server)
            .map(|(last, first)| last.since(&first));
        usage.generator = GeneratorUsage {
            cpu_ns: last.cpu - first.cpu,
            spin_ns: last.spin - first.spin,
            wall_ns: last.at - first.at,
        };
        let traffic = last.traffic - first.traffic;
        self.measurement.traffic = Traffic {
            payload_up_bytes: traffic.payload_up,
            payload_down_bytes: traffic.payload_down,
            wire_up_bytes: traffic.wire_up,
            wire_down_bytes: traffic.wire_down,
            requests: traffic.requests,
            empty_responses: traffic.empty_responses,
            connections: traffic.connections,
        };
    }

    fn alive(&self) -> u64 {
        self.crowd
            .iter()
            .flatten()
            .filter(|user| user.borrow().is_alive())
            .count() as u64
    }

    /// Takes from the book what it holds, whatever the outcome.
    fn close_book(&mut self) {
        let at = now();
        let alive = self.alive();
        let book = &mut *self.book.borrow_mut();
        let measurement = &mut self.measurement;
        if book.window.start < at {
            book.censor(at);
        }
        let recorder = std::mem::replace(&mut book.recorder, measure::Recorder::new(u64::MAX / 2));
        measurement.latencies = recorder.finish(at);
        measurement.counts = book.counts;
        measurement.counts.warm_up_discarded = measurement.latencies.warm_up_discarded;
        measurement.delivery = book.delivery();
        measurement.errors = std::mem::take(&mut book.errors);
        measurement.connections_alive = alive;
        measurement.connect = Distribution::of(&self.connect.borrow());
        measurement.slip = measurement.intended_per_s.map(|_| Slip {
            p50_ns: book.slip.value_at_quantile(0.5),
            p99_ns: book.slip.value_at_quantile(0.99),
            max_ns: book.slip.max(),
        });
    }

    async fn say_goodbye(&self) {
        let mut leaving = tokio::task::JoinSet::new();
        for user in self.crowd.iter().flatten() {
            let Some(client) = user.borrow_mut().leave() else {
                continue;
            };
            leaving.spawn_local(client.close());
        }
        // Whether it was heard is not part of the measurement.
        while leaving.join_next().await.is_some() {}
    }
}

impl Progress {
    fn connecting(began: u64, connected: u64, sessions: u64, book: &Book) -> Self {
        Self {
            phase: Phase::Connecting,
            elapsed: Duration::from_nanos(now() - began),
            expected: None,
            connected,
            sessions,
            sent: 0,
            completed: 0,
            delivered: 0,
            errors: book.errors.total(),
            latency: None,
        }
    }
}

/// Resolves when the caller wants the case to end; never if it can't say so.
async fn interrupted(interrupt: Option<watch::Receiver<bool>>) {
    if let Some(mut interrupt) = interrupt
        && interrupt.wait_for(|stop| *stop).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

fn failed(error: &io::Error) -> Stop {
    Stop::Failed(format!("the generator can't keep time: {error}"))
}

#[cfg(test)]
mod tests;
