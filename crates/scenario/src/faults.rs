//! What goes wrong on purpose, and what a session does when its connection ends.

use std::time::Duration;

/// How sessions come back whose connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The first attempt waits for a time that is uniform between nothing and this (RFC 6455 section 7.2.3 says 0 to 5 s).
    pub jitter: Duration,
    /// After a failed attempt the next one waits for this; then for twice as long each time. Every such wait is itself uniform between
    /// half and all of it.
    pub backoff: Duration,
    /// The back-off grows no further.
    pub longest_backoff: Duration,
    /// A session that has not heard a byte for so long counts as dead and is replaced; `None`: never.
    pub dead_after: Option<Duration>,
}

/// A fault of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When, after the measured part began.
    pub at: Duration,
    /// Again and again until the end; `None`: once.
    pub every: Option<Duration>,
    /// What goes wrong.
    pub what: What,
    /// For how long; zero for what has no length.
    pub length: Duration,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// SIGKILL; the server is started again on the same port when the fault is over.
    KillServer,
    /// SIGSTOP, and SIGCONT when the fault is over.
    FreezeServer,
    /// Nothing passes through the link while the fault lasts, and nothing is lost.
    StallLink,
    /// Every connection through the link ends.
    CutLink(Cut),
    /// One session that only receives, the last one, stops reading while the fault lasts.
    StopReading,
}

/// How a link fails, all its connections at once.
///
/// Behind a silent end of a relay there is still a kernel, which acknowledges what comes until its buffers are full and answers keep-alives: what
/// a peer can notice is that no answer comes, not that nothing is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both ends of each connection are reset.
    Reset,
    /// Connections stay open and carry nothing any more, in either direction, an end included. New ones work.
    Silence,
    /// The client's end of each connection is reset; the server's stays open and silent.
    HalfOpen,
    /// Of the next bytes for each client, the first half arrives; then both ends are reset.
    MidMessage,
}

impl What {
    /// Every kind of fault, in the order in which it is documented; for a cut, its first way stands for all.
    pub(crate) const ALL: [Self; 5] = [
        Self::KillServer,
        Self::FreezeServer,
        Self::StallLink,
        Self::CutLink(Cut::Reset),
        Self::StopReading,
    ];

    /// The name used in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillServer => "kill-server",
            Self::FreezeServer => "freeze-server",
            Self::StallLink => "stall-link",
            Self::CutLink(_) => "cut-link",
            Self::StopReading => "stop-reading",
        }
    }

    /// Whether it is the link that fails, and not the server.
    pub fn is_of_link(self) -> bool {
        matches!(self, Self::StallLink | Self::CutLink(_))
    }
}

impl Cut {
    /// Every way, in the order in which it is documented.
    pub const ALL: [Self; 4] = [Self::Reset, Self::Silence, Self::HalfOpen, Self::MidMessage];

    /// The name used in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Silence => "silence",
            Self::HalfOpen => "half-open",
            Self::MidMessage => "mid-message",
        }
    }

    /// The cut of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cut| cut.name() == name)
    }
}

impl Fault {
    /// Every time at which it happens and is over within a measured part of `duration`, from its beginning.
    pub fn times(&self, duration: Duration) -> impl Iterator<Item = Duration> + use<> {
        let (at, step, length) = (self.at, self.every, self.length);
        let count = if step.is_some() { u32::MAX } else { 1 };
        (0..count)
            .map_while(move |index| at.checked_add(step.unwrap_or_default().checked_mul(index)?))
            .take_while(move |time| *time < duration && *time + length <= duration)
    }

    /// The same fault on a clock that runs at `factor` of its speed.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self {
            at: self.at.mul_f64(factor),
            every: self.every.map(|every| every.mul_f64(factor)),
            length: self.length.mul_f64(factor),
            ..self
        }
    }
}

impl Reconnect {
    /// The same waits on a clock that runs at `factor` of its speed. No session is called dead sooner than 100 ms: that would be the
    /// machine's doing.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        let least = Duration::from_millis(100);
        let dead_after = |after: Duration| after.mul_f64(factor).max(after.min(least));
        Self {
            jitter: self.jitter.mul_f64(factor),
            backoff: self.backoff.mul_f64(factor),
            longest_backoff: self.longest_backoff.mul_f64(factor),
            dead_after: self.dead_after.map(dead_after),
        }
    }
}

/// All faults of a schedule, one by one, in the order of their times.
pub(crate) fn in_order(faults: &[Fault], duration: Duration) -> Vec<(Duration, Fault)> {
    let each = |fault: &Fault| {
        let fault = *fault;
        fault.times(duration).map(move |time| (time, fault))
    };
    let mut all: Vec<(Duration, Fault)> = faults.iter().flat_map(each).collect();
    all.sort_by_key(|(time, _)| *time);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn fault(at: u64, every: Option<u64>, length: u64) -> Fault {
        Fault {
            at: ms(at),
            every: every.map(ms),
            what: What::KillServer,
            length: ms(length),
        }
    }

    #[test]
    fn a_fault_happens_as_often_as_it_can_be_over_in_time() {
        let times = |fault: Fault| fault.times(ms(1000)).collect::<Vec<_>>();
        assert_eq!(times(fault(300, None, 100)), [ms(300)]);
        assert_eq!(
            times(fault(100, Some(400), 100)),
            [ms(100), ms(500), ms(900)]
        );
        assert_eq!(times(fault(100, Some(400), 101)), [ms(100), ms(500)]);
        assert_eq!(times(fault(1000, None, 0)), []);
        assert_eq!(times(fault(999, None, 0)), [ms(999)]);
    }

    #[test]
    fn schedules_are_merged_by_time() {
        let both = [fault(100, Some(400), 10), fault(300, None, 10)];
        let order: Vec<_> = in_order(&both, ms(1000))
            .iter()
            .map(|(time, _)| *time)
            .collect();
        assert_eq!(order, [ms(100), ms(300), ms(500), ms(900)]);
    }

    #[test]
    fn a_faster_clock_shortens_all_but_the_least_silence() {
        let reconnect = Reconnect {
            jitter: ms(5000),
            backoff: ms(500),
            longest_backoff: ms(10_000),
            dead_after: Some(ms(500)),
        }
        .scaled(0.1);
        assert_eq!((reconnect.jitter, reconnect.backoff), (ms(500), ms(50)));
        assert_eq!(reconnect.dead_after, Some(ms(100)));
        let fault = fault(100, Some(400), 100).scaled(0.1);
        assert_eq!(
            (fault.at, fault.every, fault.length),
            (ms(10), Some(ms(40)), ms(10))
        );
    }
}
