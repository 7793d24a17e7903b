//! A thread that notices when the whole process was stopped, after Gil Tene's jHiccup.
//!
//! It sleeps two milliseconds at a time; what it oversleeps, if that reaches the threshold, is a pause that everything else in the process suffered too.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{now, thread_cpu};

/// What is slept at a time.
const NAP: Duration = Duration::from_millis(2);

/// Oversleeping less than this is the scheduler's daily business (a time slice), not a pause.
pub const THRESHOLD: Duration = Duration::from_millis(10);

/// Pauses of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// Pauses of at least [`THRESHOLD`].
    pub count: u64,
    /// All of them together, nanoseconds.
    pub total_ns: u64,
    /// The longest oversleep, below the threshold or not, nanoseconds.
    pub max_ns: u64,
    /// CPU time that looking for them took, nanoseconds.
    pub monitor_cpu_ns: u64,
}

/// Watches this process from [`start`](Self::start) until [`finish`](Self::finish) or drop.
#[derive(Debug)]
pub struct PauseMonitor {
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

/// All times in nanoseconds of [`now`].
#[derive(Debug, Default)]
struct Seen {
    over: AtomicBool,
    /// When the running nap was to end; 0 between two naps.
    awaited: AtomicU64,
    /// CPU time of the watching thread so far, nanoseconds.
    cpu: AtomicU64,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    /// What is seen counts from here on.
    from: u64,
    /// What the CPU time was then, nanoseconds.
    cpu: u64,
    /// When each pause began and ended.
    pauses: Vec<(u64, u64)>,
    /// The longest oversleep that is no pause.
    short: u64,
}

impl PauseMonitor {
    /// Starts the thread; it inherits the caller's CPU affinity.
    ///
    /// # Errors
    /// The thread can't be started.
    pub fn start() -> std::io::Result<Self> {
        let seen = Arc::new(Seen::default());
        let watched = Arc::clone(&seen);
        let thread = Builder::new()
            .name("pause-monitor".into())
            .stack_size(64 << 10)
            .spawn(move || watch(&watched))?;
        Ok(Self {
            seen,
            thread: Some(thread),
        })
    }

    /// Forgets what was before `at`, in nanoseconds of [`now`]: the measured part begins then. It may be said late, as by a process that was stopped when
    /// it was asked to say it; of a pause that had begun by then, the rest counts.
    pub fn reset(&self, at: u64) {
        let mut log = self.seen.log();
        log.from = at;
        log.cpu = self.seen.cpu.load(Ordering::Relaxed);
        log.short = 0;
        log.pauses.retain(|(_, end)| *end > at);
    }

    /// What was seen until `at`, in nanoseconds of [`now`], a pause included that has just ended or lasts (the watching thread may not have had its turn
    /// yet). It may be asked late as well.
    pub fn read(&self, at: u64) -> Pauses {
        let log = self.seen.log();
        let awaited = self.seen.awaited.load(Ordering::Relaxed);
        let running = (awaited > 0)
            .then(|| (awaited, now()))
            .filter(|(begin, end)| is_pause(*begin, *end));
        let mut pauses = Pauses {
            max_ns: log.short,
            monitor_cpu_ns: self.seen.cpu.load(Ordering::Relaxed) - log.cpu,
            ..Pauses::default()
        };
        for (begin, end) in log.pauses.iter().copied().chain(running) {
            let length = end.min(at).saturating_sub(begin.max(log.from));
            pauses.count += u64::from(length > 0);
            pauses.total_ns += length;
            pauses.max_ns = pauses.max_ns.max(length);
        }
        pauses
    }

    /// Ends the thread and says what it saw.
    pub fn finish(self) -> Pauses {
        self.read(u64::MAX)
    }
}

impl Seen {
    fn log(&self) -> MutexGuard<'_, Log> {
        // Nothing between two changes of it panics.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PauseMonitor {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A monitor that panicked has nothing to say that matters here.
            let _ = thread.join();
        }
    }
}

fn watch(seen: &Seen) {
    while !seen.over.load(Ordering::Relaxed) {
        let awaited = now() + NAP.as_nanos() as u64;
        seen.awaited.store(awaited, Ordering::Relaxed);
        std::thread::park_timeout(NAP);
        let mut log = seen.log();
        let woke = now();
        seen.cpu.store(thread_cpu(), Ordering::Relaxed);
        // With the log at hand, so that a reading counts it once.
        seen.awaited.store(0, Ordering::Relaxed);
        if is_pause(awaited, woke) {
            log.pauses.push((awaited, woke));
        } else {
            log.short = log.short.max(woke.saturating_sub(awaited));
        }
    }
}

fn is_pause(begin: u64, end: u64) -> bool {
    end.saturating_sub(begin) >= THRESHOLD.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// A monitor whose thread has no turn: its nap was to end at `awaited`.
    fn stopped(awaited: u64, pauses: &[(u64, u64)]) -> PauseMonitor {
        let seen = Seen {
            awaited: awaited.into(),
            log: Mutex::new(Log {
                pauses: pauses.to_vec(),
                ..Log::default()
            }),
            ..Seen::default()
        };
        PauseMonitor {
            seen: Arc::new(seen),
            thread: None,
        }
    }

    #[test]
    fn a_pause_that_lasts_is_seen() {
        let monitor = stopped(now() - SECOND, &[]);
        let pauses = monitor.read(u64::MAX);
        assert_eq!(pauses.count, 1);
        assert!(pauses.total_ns >= SECOND && pauses.max_ns == pauses.total_ns);
        monitor.reset(now() - SECOND / 2);
        assert!((SECOND / 2..SECOND).contains(&monitor.read(u64::MAX).total_ns));
        assert_eq!(stopped(0, &[]).read(u64::MAX), Pauses::default());
    }

    #[test]
    fn what_is_said_late_is_true_of_the_time_it_names() {
        let monitor = stopped(0, &[(100, 200), (300, 450), (500, 510)]);
        assert_eq!(monitor.read(u64::MAX).total_ns, 260);
        monitor.reset(400);
        let pauses = Pauses {
            count: 2,
            total_ns: 60,
            max_ns: 50,
            monitor_cpu_ns: 0,
        };
        assert_eq!(monitor.read(u64::MAX), pauses);
        let until = |at| monitor.read(at).total_ns;
        assert_eq!(
            (until(505), until(500), until(420), until(390)),
            (55, 50, 20, 0)
        );
    }

    #[test]
    fn ends_promptly_and_reports_something() {
        let monitor = PauseMonitor::start().unwrap();
        while monitor.read(now()).max_ns == 0 {
            std::thread::yield_now();
        }
        let pauses = monitor.finish();
        assert!(pauses.max_ns > 0 && pauses.monitor_cpu_ns > 0);
    }
}
