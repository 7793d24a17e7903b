//! Streams that have said nothing for a while.
//!
//! One sweep a worker thread looks after all of its streams: a timer for each would cost an idle stream more memory than all the rest of it here,
//! and would have to be put off with each message.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use slab::Slab;
use tokio::time::{MissedTickBehavior, interval};

/// The streams of a worker thread.
#[derive(Debug)]
pub(crate) struct Quiet {
    period: Duration,
    /// After so many periods of silence a stream has something to say.
    most: u64,
    /// How many periods have passed.
    now: Cell<u64>,
    listed: RefCell<Slab<Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// The period in which it last said something.
    spoke: u64,
    /// Whether it has been silent for too long.
    is_due: bool,
    waker: Option<Waker>,
}

/// A stream's place in the list; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Listed {
    quiet: Rc<Quiet>,
    key: usize,
}

/// A heartbeat is late by at most this share of its interval.
const PERIODS: u32 = 8;
/// After this many streams were woken sockets are read.
const WOKEN: usize = 64;

impl Quiet {
    /// Nobody yet; each stream shall say something once in `interval`.
    pub(crate) fn new(interval: Duration) -> Self {
        let period = (interval / PERIODS).clamp(Duration::from_millis(5), Duration::from_secs(1));
        let most = interval.as_millis() / period.as_millis().max(1);
        Self {
            period,
            most: u64::try_from(most).unwrap_or(u64::MAX).max(1),
            now: Cell::new(0),
            listed: RefCell::default(),
        }
    }

    /// Looks after one more stream from now on.
    pub(crate) fn listen(self: &Rc<Self>) -> Listed {
        let key = self.listed.borrow_mut().insert(Entry {
            spoke: self.now.get(),
            is_due: false,
            waker: None,
        });
        Listed {
            quiet: Rc::clone(self),
            key,
        }
    }

    /// Wakes who has been silent for too long, for ever.
    pub(crate) async fn sweep(&self) {
        let mut ticks = interval(self.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.now.set(self.now.get() + 1);
            let mut from = Some(0);
            while let Some(key) = from {
                from = self.sweep_from(key);
                tokio::task::yield_now().await;
            }
        }
    }

    /// Sweeps the list from `first` on; returns where to go on when that were many already.
    fn sweep_from(&self, first: usize) -> Option<usize> {
        let mut listed = self.listed.borrow_mut();
        let mut woken = 0;
        for key in first..listed.capacity() {
            let Some(entry) = listed.get_mut(key) else {
                continue;
            };
            // One that is due and says nothing can't: its socket is full.
            if entry.is_due || self.now.get() - entry.spoke <= self.most {
                continue;
            }
            entry.is_due = true;
            if let Some(waker) = &entry.waker {
                waker.wake_by_ref();
                woken += 1;
            }
            if woken == WOKEN {
                return Some(key + 1);
            }
        }
        None
    }
}

impl Listed {
    /// The stream says something now.
    pub(crate) fn spoke(&self) {
        if let Some(entry) = self.quiet.listed.borrow_mut().get_mut(self.key) {
            entry.spoke = self.quiet.now.get();
            entry.is_due = false;
        }
    }

    /// Whether the stream should say something; else `waker` is woken when it should.
    pub(crate) fn is_due(&self, waker: &Waker) -> bool {
        let mut listed = self.quiet.listed.borrow_mut();
        let Some(entry) = listed.get_mut(self.key) else {
            return false;
        };
        match &mut entry.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        entry.is_due
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.quiet.listed.borrow_mut().remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(quiet: &Quiet, periods: u64) {
        for _ in 0..periods {
            quiet.now.set(quiet.now.get() + 1);
            quiet.sweep_from(0);
        }
    }

    #[test]
    fn who_says_nothing_is_due_and_who_says_something_is_not() {
        let quiet = Rc::new(Quiet::new(Duration::from_secs(4)));
        assert_eq!(quiet.most, 8);
        let (silent, lively) = (quiet.listen(), quiet.listen());
        pass(&quiet, 8);
        lively.spoke();
        assert!(!silent.is_due(Waker::noop()));
        pass(&quiet, 1);
        assert!(silent.is_due(Waker::noop()) && !lively.is_due(Waker::noop()));
        silent.spoke();
        drop(lively);
        pass(&quiet, 8);
        assert!(!silent.is_due(Waker::noop()));
        pass(&quiet, 1);
        assert!(silent.is_due(Waker::noop()));
    }

    #[test]
    fn any_interval_has_a_period() {
        for ms in [1, 7, 40, 15_000, 3_600_000] {
            let quiet = Quiet::new(Duration::from_millis(ms));
            assert!(
                quiet.most >= 1 && quiet.period >= Duration::from_millis(5),
                "{ms}"
            );
        }
    }
}
