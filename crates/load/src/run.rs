//! A case from beginning to end.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;
use measure::{Distribution, Guards, Key, Measurement, Outcome, PauseMonitor, Slip, Usage, now};
use scenario::{Case, ClientSettings, Pace, Scenario};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};
use transport::{Client, ClientOptions, Connection, Info, PollPacing, Protocol};

use crate::alarm::Alarm;
use crate::arrivals::Arrivals;
use crate::book::{Book, Window};
use crate::gather::{Crowd, gather};
use crate::hooks::{Hooks, Phase, Progress};
use crate::pacer::Pacer;
use crate::plan::{Plan, Role, Sender};
use crate::readings::{self, CpuReading, MemoryReading};
use crate::recovering::Recovering;
use crate::returning::Returning;
use crate::slow;
use crate::targets::Targets;
use crate::warm_up::{INTERVALS, WarmUp};

/// The least of [`settle`].
const SETTLE: u64 = 50_000_000;

/// CPU time and pauses of the measured part are read so much before it begins, nanoseconds, so that reading delays no measured send.
const LEAD: u64 = 5_000_000;

/// Before that, what went over the wire is read: so long for each session, nanoseconds. Measured: 1,000 to 2,000 for each of its sockets.
const LEAD_OF_SESSION: u64 = 5_000;

/// Tells the seed of the warm-up's schedule from that of the measured part.
const OTHER_SEED: u64 = 0x7761_726d_2d75_7021;

/// Tells the seed of those who come back from both.
const RETURNING_SEED: u64 = 0x6261_636b_2d61_6761;

/// After the last answer, how long to look for what should not come: duplicates.
const LINGER: Duration = Duration::from_millis(50);

/// How long goodbyes may take, all together.
const GOODBYE: Duration = Duration::from_secs(2);

/// Housekeeping, and a fourth of the time between two reports of progress.
const TICK: Duration = Duration::from_millis(50);

/// Runs one arm of one trial against its `targets`, on a `LocalRuntime` of its own with I/O and time: users whose session has ended stay on it
/// as tasks until it is dropped.
///
/// It always gives a measurement: one that failed or was interrupted says so, with what was seen until then. The verdict
/// is by the default [`Guards`].
pub async fn run<T: Protocol>(
    targets: impl Into<Targets>,
    case: &Case,
    hooks: Hooks<'_>,
) -> Measurement {
    Run::<T>::new(case, hooks).go(targets.into()).await
}

/// The key of a case on this transport, if there is one of that name; settings that it doesn't execute are none of the case.
pub fn key(case: &Case, info: Option<&Info>) -> Key {
    let scenario = &*case.scenario;
    let setting = |axis: &scenario::Axis| {
        let is_executed = match axis.section {
            // Without a network there is nothing to put a link into.
            "link" => info.is_some_and(|info| info.url.is_some()),
            _ => !axis.is_option() || info.is_some_and(|info| info.options.contains(&axis.name)),
        };
        is_executed.then(|| axis.of(scenario)).flatten()
    };
    Key {
        scenario: scenario.name.clone(),
        kind: scenario.kind.name().to_owned(),
        arm: case.transport.clone(),
        point: case.point.clone(),
        trial: case.trial,
        attempt: case.attempt,
        seed: case.seed,
        settings: scenario::AXES.iter().map(setting).collect(),
    }
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
        cursor: settings.cursor,
        pool: settings.pool as usize,
        ..ClientOptions::default()
    }
}

struct Run<'a, T: Protocol> {
    scenario: &'a Scenario,
    seed: u64,
    hooks: Hooks<'a>,
    book: Rc<RefCell<Book>>,
    pacer: Rc<Pacer<T>>,
    connect: RefCell<Histogram<u64>>,
    standing: Cell<usize>,
    crowd: Crowd<T>,
    /// The pacer's task.
    pacing: Option<JoinHandle<io::Result<()>>>,
    measurement: Measurement,
}

/// Why a case ends before its time.
enum Stop {
    Interrupted,
    Failed(String),
}

/// A phase on the clock.
#[derive(Debug, Clone, Copy)]
struct Stage {
    phase: Phase,
    began: u64,
    /// Its expected end.
    until: u64,
}

/// What waiting takes.
struct Clock {
    alarm: Alarm,
    ticks: Interval,
    count: u32,
}

impl<'a, T: Protocol> Run<'a, T> {
    fn new(case: &'a Case, mut hooks: Hooks<'a>) -> Self {
        let scenario = &*case.scenario;
        let plan = Plan::new(scenario);
        let mut measurement = Measurement::new(key(case, Some(&T::INFO)));
        measurement.connections = plan.clients.len() as u64;
        let mut book = Book::new(plan);
        let is_echo = scenario.kind == scenario::Kind::Echo;
        book.stamps.clone_from(&hooks.stamps);
        book.sends.clone_from(&hooks.sends);
        book.is_ordered = scenario.client.pool == 1;
        if scenario.reconnect.is_some() || !scenario.faults.is_empty() {
            hooks.faults.get_or_insert_default();
            let hears = |role: &Role| role.hears.1 > 0 || role.sender.is_some_and(|_| is_echo);
            let hears: Vec<bool> = book.plan.clients.iter().map(hears).collect();
            let recovering = Recovering::new(hears.into_iter(), hooks.faults.clone());
            book.recovering = Some(recovering);
        }
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
            pacing: None,
            measurement,
        }
    }

    async fn go(mut self, targets: Targets) -> Measurement {
        let stopped = self.stages(&targets).await.err();
        self.measurement.outcome = match stopped {
            None => Outcome::Completed,
            Some(Stop::Interrupted) => Outcome::Interrupted,
            Some(Stop::Failed(reason)) => Outcome::Failed { reason },
        };
        // Of a case that ended early, what was due and not sent is intended as well.
        if let Some(pacing) = self.pacing.take() {
            pacing.abort();
            self.pacer.give_up(now());
        }
        self.close_book();
        let goodbye = self.say_goodbye();
        // A server that is gone needs no goodbye, and one that doesn't listen gets no more time.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        self.measurement.judge(&Guards::default());
        self.measurement
    }

    async fn stages(&mut self, targets: &Targets) -> Result<(), Stop> {
        let mut clock = Clock::new().map_err(|error| failed(&error))?;
        let pauses = PauseMonitor::start().map_err(|error| failed(&error))?;
        let before = MemoryReading::take(self.hooks.server);
        self.stand_up(targets).await?;
        let stage = Stage::new(Phase::Connecting, now(), settle(self.scenario));
        self.wait(&mut clock, stage, stage.until).await?;
        let mut after = MemoryReading::take(self.hooks.server);

        let begin = now() + self.lead();
        let start = self.warm_up(&mut clock, begin).await?;
        let stage = Stage::new(Phase::Measuring, start, nanoseconds(self.scenario.duration));
        let sent_before = readings::traffic(&self.crowd).await;
        let warm_up = Stage::new(Phase::WarmUp, begin, start - begin);
        self.wait(&mut clock, warm_up, start - LEAD).await?;
        pauses.reset(now());
        let first = self.cpu()?;
        self.enter(&mut clock, stage);
        self.wait(&mut clock, stage, start).await?;
        self.measurement.started = measure::clock::utc();
        let measured = self.wait(&mut clock, stage, stage.until).await;
        let ended = now().min(stage.until);
        let last = self.cpu()?;
        self.measurement.generator_pauses = Some(pauses.read(now()));
        self.measurement.measured_s = ended.saturating_sub(start) as f64 / 1e9;
        self.book.borrow_mut().flight.close(ended);
        let stage = Stage::new(Phase::Draining, now(), nanoseconds(self.hooks.drain));
        self.enter(&mut clock, stage);
        let sent = readings::traffic(&self.crowd).await - sent_before;
        self.measurement.traffic = readings::kept(&sent);
        if self.measurement.is_idle() {
            after = MemoryReading::take(self.hooks.server);
        }
        let (server, generator) = last.since(&first);
        self.measurement.usage = Usage {
            server,
            generator,
            memory: after.since(before, self.alive()),
        };
        measured?;
        self.send_the_rest(&mut clock, stage).await?;
        self.drain(&mut clock, stage).await
    }

    /// Gives a generator that is late the time of a drain to send what was due, no more.
    async fn send_the_rest(&mut self, clock: &mut Clock, stage: Stage) -> Result<(), Stop> {
        let Some(mut pacing) = self.pacing.take() else {
            return Ok(());
        };
        tokio::select! {
            paced = &mut pacing => match paced {
                Ok(paced) => paced.map_err(|error| failed(&error)),
                Err(ended) => Err(Stop::Failed(format!("the pacer ended: {ended}"))),
            },
            waited = self.wait(clock, stage, stage.until) => {
                pacing.abort();
                self.pacer.give_up(now());
                waited
            }
        }
    }

    /// Connects everyone, while progress is told and an interrupt heard.
    async fn stand_up(&mut self, targets: &Targets) -> Result<(), Stop> {
        let began = now();
        let (book, interrupt) = (Rc::clone(&self.book), self.hooks.interrupt.clone());
        let (connect, standing) = (&self.connect, &self.standing);
        let returning = self.scenario.reconnect.map(|rules| {
            let seed = self.seed ^ RETURNING_SEED;
            Rc::new(Returning::<T>::new(targets, rules, seed, &book))
        });
        let gathering = gather::<T>(
            targets,
            &book,
            &self.pacer,
            returning.clone(),
            connect,
            standing,
        );
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
        if let Some(returning) = returning {
            returning.set_crowd(&self.crowd);
            tokio::task::spawn_local(returning.watch());
        }
        Ok(())
    }

    /// Time between the decision that the measured part begins and its beginning, nanoseconds.
    fn lead(&self) -> u64 {
        LEAD + self.measurement.connections * LEAD_OF_SESSION
    }

    /// Runs the load from `begin` on until its latency is steady, or for the time that the scenario allows; then says when the measured part
    /// begins, which follows without a gap. Idle sessions have no latency and stay quiet all the time.
    async fn warm_up(&mut self, clock: &mut Clock, begin: u64) -> Result<u64, Stop> {
        let most = nanoseconds(self.scenario.warm_up);
        if most == 0 {
            self.measure_from(begin);
            self.begin_load();
            return Ok(begin);
        }
        self.book.borrow_mut().warm_up = Some(WarmUp::new());
        let open_end = Window {
            start: begin,
            end: u64::MAX,
        };
        self.follow(self.seed ^ OTHER_SEED, open_end);
        self.begin_load();
        let stage = Stage::new(Phase::WarmUp, begin, most);
        self.enter(clock, stage);
        let interval = most.saturating_sub(self.lead()) / INTERVALS;
        for number in 1..=INTERVALS {
            let waited = self.wait(clock, stage, begin + number * interval).await;
            self.measurement.warm_up_s = now().saturating_sub(begin) as f64 / 1e9;
            waited?;
            let warm_up = &mut self.book.borrow_mut().warm_up;
            if warm_up.as_mut().is_some_and(WarmUp::turn) {
                break;
            }
        }
        let warm_up = self.book.borrow_mut().warm_up.take();
        self.measurement.warm_up_steady = warm_up.and_then(|warm_up| warm_up.is_steady());
        let start = now() + self.lead();
        self.measurement.warm_up_s = (start - begin) as f64 / 1e9;
        self.measure_from(start);
        Ok(start)
    }

    /// Lets the measured part begin at `start`, with a schedule that depends on the seed alone.
    fn measure_from(&mut self, start: u64) {
        let window = Window {
            start,
            end: start + nanoseconds(self.scenario.duration),
        };
        self.book.borrow_mut().measure(window);
        self.slow_one_down(window.start);
        self.follow(self.seed, window);
    }

    /// Lets the last session stop reading when the scenario says so.
    fn slow_one_down(&self, began: u64) {
        let pauses = slow::pauses(self.scenario);
        let last = self.crowd.last().cloned().flatten();
        if let (Some(user), Some(strikes), false) = (last, &self.hooks.faults, pauses.is_empty()) {
            let strikes = Rc::clone(strikes);
            tokio::task::spawn_local(slow::stop_reading(user, pauses, began, strikes));
        }
    }

    /// Starts the load: the pacer's task in an open loop, the users themselves in a closed one.
    fn begin_load(&mut self) {
        match self.scenario.load.map(|load| load.pace) {
            None => {}
            Some(Pace::Closed { depth }) => {
                self.measurement.depth = Some(depth);
                self.book.borrow_mut().begin_loop(depth);
            }
            Some(Pace::Open { rate, .. }) => {
                self.measurement.intended_per_s = Some(rate);
                let senders = {
                    let plan = &self.book.borrow().plan;
                    let user = |sender: &Sender| self.crowd[sender.client].clone();
                    plan.senders.iter().map(user).collect()
                };
                self.pacer.set_senders(senders);
                self.pacing = Some(tokio::task::spawn_local(Rc::clone(&self.pacer).pace()));
            }
        }
    }

    /// In an open loop, the schedule from `seed` applies within `window`.
    fn follow(&self, seed: u64, window: Window) {
        if let Some(Pace::Open { arrivals, rate }) = self.scenario.load.map(|load| load.pace) {
            let senders = self.book.borrow().plan.senders.len();
            let span = (window.start, window.end);
            let arrivals = Arrivals::new(arrivals, rate, senders, span, seed);
            self.pacer.follow(window.start, arrivals);
        }
    }

    /// A phase begins.
    fn enter(&mut self, clock: &mut Clock, stage: Stage) {
        clock.count = 1;
        self.tell(stage);
    }

    /// Waits until `until`, keeps house, tells progress; ends early if the case can't go on or is interrupted.
    async fn wait(&mut self, clock: &mut Clock, stage: Stage, until: u64) -> Result<(), Stop> {
        let changed = Rc::clone(&self.book.borrow().changed);
        let interrupted = interrupted(self.hooks.interrupt.clone());
        tokio::pin!(interrupted);
        let Clock {
            alarm,
            ticks,
            count,
        } = clock;
        let alarm = alarm.until(until);
        tokio::pin!(alarm);
        loop {
            if let Some(reason) = self.book.borrow().fatal.clone() {
                return Err(Stop::Failed(reason));
            }
            tokio::select! {
                rung = &mut alarm => return rung.map_err(|error| failed(&error)),
                () = changed.notified() => {
                    if stage.phase == Phase::Draining && self.book.borrow().pending() == 0 {
                        return Ok(());
                    }
                }
                () = &mut interrupted => return Err(Stop::Interrupted),
                _ = ticks.tick() => {
                    self.book.borrow_mut().recorder.tidy();
                    if count.is_multiple_of(4) {
                        self.tell(stage);
                    }
                    *count += 1;
                }
            }
        }
    }

    /// Waits for what is still to come, bounded; then a moment longer for what should not come.
    async fn drain(&mut self, clock: &mut Clock, stage: Stage) -> Result<(), Stop> {
        self.book.borrow_mut().is_draining = true;
        if self.book.borrow().pending() > 0 {
            let until = now() + nanoseconds(self.hooks.drain);
            self.wait(clock, stage, until).await?;
        }
        if self.book.borrow().plan.has_events() {
            tokio::time::sleep(LINGER).await;
        }
        Ok(())
    }

    fn tell(&mut self, stage: Stage) {
        let Some(progress) = &mut self.hooks.progress else {
            return;
        };
        let book = &mut *self.book.borrow_mut();
        let measurement = &self.measurement;
        progress(&Progress {
            phase: stage.phase,
            began: stage.began,
            elapsed: Duration::from_nanos(now().saturating_sub(stage.began)),
            expected: Some(Duration::from_nanos(
                stage.until.saturating_sub(stage.began),
            )),
            connected: self.standing.get() as u64 - book.gone.min(self.standing.get() as u64),
            sessions: measurement.connections,
            sent: book.counts.sent,
            completed: book.counts.completed,
            delivered: book.counts.delivered,
            errors: book.errors.total(),
            latency: book.recorder.so_far(measurement.key.headline()),
        });
    }

    fn cpu(&self) -> Result<CpuReading, Stop> {
        CpuReading::take(self.book.borrow().spin_ns, self.hooks.server).map_err(Stop::Failed)
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
        book.is_over = true;
        let measurement = &mut self.measurement;
        if book.window.start < at {
            book.censor(at);
            measurement.little = (!measurement.is_idle()).then(|| book.flight.finish());
        }
        let recorder = std::mem::replace(&mut book.recorder, measure::Recorder::new(u64::MAX / 2));
        measurement.latencies = recorder.finish(at);
        measurement.counts = book.counts;
        measurement.counts.warm_up_discarded = measurement.latencies.warm_up_discarded;
        (measurement.delivery, measurement.recovery) = book.balance();
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

impl Stage {
    fn new(phase: Phase, began: u64, length: u64) -> Self {
        Self {
            phase,
            began,
            until: began + length,
        }
    }
}

impl Clock {
    fn new() -> io::Result<Self> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            alarm: Alarm::new()?,
            ticks,
            count: 0,
        })
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

/// Time between the last join and the first send, nanoseconds: parked polls get parked, over a link of this scenario too.
fn settle(scenario: &Scenario) -> u64 {
    let link = scenario.link.as_ref();
    // A poll's own connection is set up, and then the poll is on its way; twice, for jitter and waiting.
    let far = link.map_or(Duration::ZERO, |link| {
        2 * (link.set_up + 1) * link.round_trip()
    });
    SETTLE + nanoseconds(far)
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

fn failed(error: &io::Error) -> Stop {
    Stop::Failed(format!("the generator can't keep time: {error}"))
}

#[cfg(test)]
mod tests;
