//! What a caller may listen to and say while a case runs.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use measure::{Distribution, Stamp, now};
use tokio::sync::watch;

use crate::book::Book;

/// Called with the progress of a case.
pub type OnProgress<'a> = Box<dyn FnMut(&Progress) + 'a>;

/// A list that the caller and the run share: filled while it runs, read afterwards.
pub type Samples<T> = Rc<RefCell<Vec<T>>>;

/// What a caller may listen to and say while a case runs.
pub struct Hooks<'a> {
    /// Called at the beginning of each phase and about five times a second. That of [`Phase::Measuring`] is told a few milliseconds before it begins, when the
    /// generator's own readings are taken; that of [`Phase::Draining`] at once when the measured part is over, whatever is left to drain.
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
    /// Faults as the caller carries them out, in order of time: each is added at the instant at which it strikes, and told to be over when it is.
    pub faults: Option<Samples<Strike>>,
}

/// A fault that struck. Times in nanoseconds of [`now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    /// Its instant.
    pub at: u64,
    /// Since when sessions can recover from it: the server accepts again, the link passes again, the connections were cut. None: not yet.
    pub over: Option<u64>,
    /// The one session that it befalls, by its number; none: all of them.
    pub whom: Option<usize>,
}

/// How far a case is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// When the phase began, or begins, nanoseconds of [`now`].
    pub began: u64,
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

impl Default for Hooks<'_> {
    fn default() -> Self {
        Self {
            progress: None,
            server: None,
            interrupt: None,
            drain: Duration::from_secs(2),
            stamps: None,
            sends: None,
            faults: None,
        }
    }
}

impl Progress {
    pub(crate) fn connecting(began: u64, connected: u64, sessions: u64, book: &Book) -> Self {
        Self {
            phase: Phase::Connecting,
            began,
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
