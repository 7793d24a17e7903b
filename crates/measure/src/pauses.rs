//! A thread that notices when the whole process was stopped, after Gil Tene's jHiccup.
//!
//! It sleeps two milliseconds at a time; what it oversleeps, if that reaches the threshold, is a pause that everything else in the process suffered too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::now;

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
}

/// Watches this process from [`start`](Self::start) until [`finish`](Self::finish) or drop.
#[derive(Debug)]
pub struct PauseMonitor {
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Seen {
    over: AtomicBool,
    count: AtomicU64,
    total: AtomicU64,
    max: AtomicU64,
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

    /// Forgets what was seen so far: the measured part begins.
    pub fn reset(&self) {
        for counter in [&self.seen.count, &self.seen.total, &self.seen.max] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// What was seen so far.
    pub fn read(&self) -> Pauses {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Pauses {
            count: load(&self.seen.count),
            total_ns: load(&self.seen.total),
            max_ns: load(&self.seen.max),
        }
    }

    /// Ends the thread and says what it saw.
    pub fn finish(self) -> Pauses {
        self.read()
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
        let before = now();
        std::thread::park_timeout(NAP);
        let over = now()
            .saturating_sub(before)
            .saturating_sub(NAP.as_nanos() as u64);
        seen.max.fetch_max(over, Ordering::Relaxed);
        if over >= THRESHOLD.as_nanos() as u64 {
            seen.count.fetch_add(1, Ordering::Relaxed);
            seen.total.fetch_add(over, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_promptly_and_reports_something() {
        let monitor = PauseMonitor::start().unwrap();
        while monitor.read().max_ns == 0 {
            std::thread::yield_now();
        }
        assert!(monitor.finish().max_ns > 0);
    }
}
