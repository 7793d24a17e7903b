//! Who is gone, who came back, and how long that took.

use std::collections::VecDeque;

use hdrhistogram::Histogram;
use measure::{Distribution, Recovery};

use crate::hooks::{Samples, Strike};

/// One second, nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// The sessions of a case in which they may go and come back. All times in nanoseconds of [`measure::now`].
pub(crate) struct Recovering {
    /// Faults as they happen; filled by whoever carries them out.
    strikes: Option<Samples<Strike>>,
    sessions: Vec<Own>,
    counts: Recovery,
    /// When the attempts of the last second began.
    recent: VecDeque<u64>,
    reconnect: Histogram<u64>,
    recovery: Histogram<u64>,
}

/// One session.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    /// Whether anything is sent to it.
    hears: bool,
    /// Since when its connection is gone; none if it stands.
    gone: Option<u64>,
    /// When it last stood again; 0 if it always did.
    stood: u64,
    /// Faults that it has been told of.
    strikes: usize,
    /// When it received something after the last of them; 0 if it hasn't yet.
    first: u64,
}

impl Recovering {
    /// `hears` says of each session whether anything is sent to it.
    pub(crate) fn new(hears: impl Iterator<Item = bool>, strikes: Option<Samples<Strike>>) -> Self {
        let own = |hears| Own {
            hears,
            ..Own::default()
        };
        Self {
            strikes,
            sessions: hears.map(own).collect(),
            counts: Recovery::default(),
            recent: VecDeque::new(),
            reconnect: measure::latency::histogram(),
            recovery: measure::latency::histogram(),
        }
    }

    /// Whether a session is gone.
    pub(crate) fn is_gone(&self, client: usize) -> bool {
        self.sessions[client].gone.is_some()
    }

    /// A session learned at `at` that its connection has ended.
    pub(crate) fn broke(&mut self, client: usize, at: u64) {
        self.catch_up(client);
        let last = self.last_strike();
        let own = &mut self.sessions[client];
        own.gone = Some(at);
        // What it read after the fault was still of the connection that the fault has ended.
        if last.is_some_and(|strike| own.stood <= strike.at) {
            own.first = 0;
        }
    }

    /// An attempt to stand again begins.
    pub(crate) fn attempt(&mut self, at: u64) {
        self.counts.reconnect_attempts += 1;
        self.recent.push_back(at);
        while self
            .recent
            .front()
            .is_some_and(|first| at - first >= SECOND)
        {
            self.recent.pop_front();
        }
        let most = &mut self.counts.reconnects_per_s_max;
        *most = (*most).max(self.recent.len() as u64);
    }

    /// A session stands again.
    pub(crate) fn stood(&mut self, client: usize, resumed: bool, at: u64) {
        let own = &mut self.sessions[client];
        if let Some(gone) = own.gone.take() {
            self.reconnect.saturating_record(at.saturating_sub(gone));
        }
        own.stood = at;
        self.counts.reconnects += 1;
        if resumed {
            self.counts.resumed += 1;
        } else {
            self.counts.fresh += 1;
        }
    }

    /// A session received something.
    #[inline]
    pub(crate) fn heard(&mut self, client: usize, at: u64) {
        if self.strikes.is_some() {
            self.heard_after(client, at);
        }
    }

    fn heard_after(&mut self, client: usize, at: u64) {
        self.catch_up(client);
        let Some(strike) = self.last_strike() else {
            return;
        };
        let own = &mut self.sessions[client];
        if own.first == 0 && strike.over.is_some_and(|over| at >= over) {
            own.first = at;
        }
    }

    /// Everything, when the case is over; `unconfirmed` messages were in doubt.
    pub(crate) fn finish(&mut self, unconfirmed: u64) -> Recovery {
        for client in 0..self.sessions.len() {
            self.catch_up(client);
            self.conclude(client);
        }
        Recovery {
            faults: self.struck() as u64,
            unconfirmed,
            reconnect: Distribution::of(&self.reconnect),
            recovery: Distribution::of(&self.recovery),
            ..self.counts
        }
    }

    fn struck(&self) -> usize {
        let strikes = self.strikes.as_ref();
        strikes.map_or(0, |strikes| strikes.borrow().len())
    }

    fn last_strike(&self) -> Option<Strike> {
        self.strikes.as_ref()?.borrow().last().copied()
    }

    /// Tells a session of faults that are new to it; what came of the one before is then settled.
    fn catch_up(&mut self, client: usize) {
        let struck = self.struck();
        while self.sessions[client].strikes < struck {
            self.conclude(client);
            let own = &mut self.sessions[client];
            own.strikes += 1;
            own.first = 0;
        }
    }

    /// Takes down how a session came out of the last fault that it was told of.
    fn conclude(&mut self, client: usize) {
        let own = self.sessions[client];
        let Some(last) = own.strikes.checked_sub(1).filter(|_| own.hears) else {
            return;
        };
        let strikes = self.strikes.as_ref();
        let Some(strike) = strikes.and_then(|strikes| strikes.borrow().get(last).copied()) else {
            return;
        };
        if strike.whom.is_some_and(|whom| whom != client) {
            return;
        }
        if own.first > 0 {
            let took = own.first.saturating_sub(strike.at);
            self.recovery.saturating_record(took);
        } else {
            self.counts.unrecovered += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strike(at: u64, over: u64) -> Strike {
        Strike {
            at,
            over: Some(over),
            whom: None,
        }
    }

    fn three() -> (Recovering, Samples<Strike>) {
        let strikes = Samples::default();
        let hears = [true, true, false].into_iter();
        (Recovering::new(hears, Some(strikes.clone())), strikes)
    }

    #[test]
    fn the_first_message_after_a_fault_counts_from_its_instant() {
        let (mut recovering, strikes) = three();
        recovering.heard(0, 50);
        strikes.borrow_mut().push(strike(100, 200));
        // During a freeze, what the kernel had already is read.
        recovering.heard(0, 150);
        recovering.heard(0, 260);
        recovering.heard(0, 270);
        let recovery = recovering.finish(0);
        assert_eq!(recovery.recovery.unwrap().max_ns, 160);
        // Session 1 heard nothing, and nothing is sent to session 2.
        assert_eq!((recovery.faults, recovery.unrecovered), (1, 1));
        assert_eq!(recovery.recovery.unwrap().count, 1);
    }

    #[test]
    fn what_the_old_connection_still_gave_is_no_recovery() {
        let (mut recovering, strikes) = three();
        strikes.borrow_mut().push(strike(100, 100));
        recovering.heard(0, 105);
        recovering.broke(0, 110);
        assert!(recovering.is_gone(0));
        recovering.attempt(120);
        recovering.stood(0, true, 130);
        recovering.heard(0, 140);
        // An end later on is another matter.
        recovering.broke(0, 500);
        recovering.heard(1, 700);
        let recovery = recovering.finish(3);
        assert_eq!(recovery.reconnect.unwrap().max_ns, 20);
        let figures = recovery.recovery.unwrap();
        assert_eq!((figures.min_ns, figures.max_ns), (40, 600));
        assert_eq!((recovery.resumed, recovery.fresh), (1, 0));
        assert_eq!((recovery.unrecovered, recovery.unconfirmed), (0, 3));
    }

    #[test]
    fn each_fault_is_recovered_from_by_itself() {
        let (mut recovering, strikes) = three();
        strikes.borrow_mut().push(strike(100, 100));
        recovering.heard(0, 120);
        strikes.borrow_mut().push(strike(200, 200));
        strikes.borrow_mut().push(strike(300, 300));
        recovering.heard(0, 350);
        let recovery = recovering.finish(0);
        // Session 0 missed the second one, session 1 all of them.
        assert_eq!((recovery.faults, recovery.unrecovered), (3, 1 + 3));
        assert_eq!(recovery.recovery.unwrap().count, 2);
    }

    #[test]
    fn a_fault_of_one_session_is_recovered_from_by_that_one() {
        let (mut recovering, strikes) = three();
        strikes.borrow_mut().push(Strike {
            whom: Some(1),
            ..strike(100, 300)
        });
        recovering.heard(0, 110);
        recovering.heard(1, 350);
        let recovery = recovering.finish(0);
        assert_eq!(recovery.unrecovered, 0);
        let figures = recovery.recovery.unwrap();
        assert_eq!((figures.count, figures.max_ns), (1, 250));
    }

    #[test]
    fn attempts_are_counted_in_any_one_second() {
        let (mut recovering, _) = three();
        for at in [0, 10, 20, SECOND + 5, SECOND + 15, 3 * SECOND] {
            recovering.attempt(at);
        }
        let recovery = recovering.finish(0);
        assert_eq!(
            (recovery.reconnect_attempts, recovery.reconnects_per_s_max),
            (6, 3)
        );
    }
}
