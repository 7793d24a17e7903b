//! Stops a process and lets it go on, on an absolute schedule.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use measure::now;
use rustix::process::{Pid, Signal, kill_process};

use crate::cpus;
use crate::stop::Stop;

/// The longest sleep: Ctrl-C and the end are heard at least so often.
const NAP: u64 = 20_000_000;

/// It wakes this much early and spins, nanoseconds.
const SPIN: u64 = 200_000;

/// One freeze, in nanoseconds of [`now`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Freeze {
    pub(super) from: u64,
    /// None: until the freezer is dropped.
    pub(super) to: Option<u64>,
}

/// A thread that freezes a process. However it ends, by being dropped, by Ctrl-C or by a panic, the process is left running; whoever kills
/// this process kills the frozen one with it, since the server dies with its parent and SIGKILL reaches a stopped process too.
#[derive(Debug)]
pub(super) struct Freezer {
    schedule: Option<Sender<Vec<Freeze>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Freeze>>>,
}

impl Freezer {
    /// Makes ready to freeze process `pid`, on that process's own CPUs, where it can't be running when it is stopped.
    ///
    /// # Errors
    /// There is no such process, no thread is to be had, or a CPU may not be used.
    pub(super) fn new(pid: u32, cpus: &[u32], stop: &Stop) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no process id"))?;
        let (schedule, scheduled) = channel::<Vec<Freeze>>();
        let over = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            pid,
            over: Arc::clone(&over),
            stop: stop.clone(),
        };
        let (pinned, is_pinned) = channel();
        let cpus = cpus.to_vec();
        let thread = thread::Builder::new()
            .name("freezer".into())
            .spawn(move || {
                let pins = if cpus.is_empty() {
                    Ok(())
                } else {
                    cpus::pin(&cpus)
                };
                // Whoever started it waits for this.
                let _ = pinned.send(pins);
                // No schedule: it was dropped before it was told to begin.
                scheduled
                    .recv()
                    .map_or_else(|_| Vec::new(), |freezes| worker.run(&freezes))
            })?;
        let freezer = Self {
            schedule: Some(schedule),
            over,
            thread: Some(thread),
        };
        is_pinned.recv().map_err(io::Error::other)??;
        Ok(freezer)
    }

    /// Begins with these freezes, in order of time; more than once has no effect.
    pub(super) fn begin(&mut self, freezes: Vec<Freeze>) {
        if let Some(schedule) = self.schedule.take() {
            // The thread waits for it.
            let _ = schedule.send(freezes);
        }
    }

    /// Ends, and says when the process was frozen in fact.
    pub(super) fn finish(mut self) -> Vec<Freeze> {
        self.end()
    }

    fn end(&mut self) -> Vec<Freeze> {
        self.schedule = None;
        self.over.store(true, Ordering::Relaxed);
        let frozen = self.thread.take().map(JoinHandle::join);
        // A thread that panicked has let the process go on before.
        frozen.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.end();
    }
}

struct Worker {
    pid: Pid,
    over: Arc<AtomicBool>,
    stop: Stop,
}

impl Worker {
    fn run(&self, freezes: &[Freeze]) -> Vec<Freeze> {
        let mut frozen = Vec::with_capacity(freezes.len());
        for freeze in freezes {
            if !self.sleep_until(freeze.from) {
                break;
            }
            let stopped = Stopped::new(self.pid);
            let from = now();
            let went_on = self.sleep_until(freeze.to.unwrap_or(u64::MAX));
            drop(stopped);
            frozen.push(Freeze {
                from,
                to: Some(now()),
            });
            if !went_on {
                break;
            }
        }
        frozen
    }

    /// False if it is over before that.
    fn sleep_until(&self, at: u64) -> bool {
        loop {
            let left = at.saturating_sub(now());
            if left == 0 {
                return true;
            }
            if self.over.load(Ordering::Relaxed) || self.stop.is_asked() {
                return false;
            }
            if left > SPIN {
                thread::sleep(Duration::from_nanos((left - SPIN).min(NAP)));
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

/// A stopped process, which goes on when this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn new(pid: Pid) -> Self {
        // It fails only if the process has ended, which whoever measures it notices.
        let _ = kill_process(pid, Signal::STOP);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}
