//! The link's own time, which stands still in a stall.

/// [`measure::now`] less all stalls. What is due in it passes spaced as it would have without a stall, so that a stall adds its length to
/// all that is under way and the bandwidth is never exceeded when it is over.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// All stalls that are over, nanoseconds.
    behind: u64,
    stalled: Option<Stalled>,
}

#[derive(Debug, Clone, Copy)]
struct Stalled {
    /// Where the link's time stands.
    at: u64,
    /// When it goes on, by the machine's.
    until: u64,
}

impl Clock {
    /// Stops for so long from `now` on, nanoseconds; a stall that is under way goes on at least as long.
    pub(crate) fn stall(&mut self, now: u64, duration: u64) {
        let at = self.at(now);
        let until = now.saturating_add(duration);
        let until = self
            .stalled
            .map_or(until, |stalled| stalled.until.max(until));
        self.stalled = Some(Stalled { at, until });
    }

    /// The link's time.
    pub(crate) fn at(&mut self, now: u64) -> u64 {
        if let Some(Stalled { at, until }) = self.stalled {
            if now < until {
                return at;
            }
            self.behind = until - at;
            self.stalled = None;
        }
        now.saturating_sub(self.behind)
    }

    /// When the link's time is `at`, by the machine's.
    pub(crate) fn real(&self, at: u64) -> u64 {
        match self.stalled {
            Some(stalled) => stalled.until.saturating_add(at.saturating_sub(stalled.at)),
            None => at.saturating_add(self.behind),
        }
    }

    /// Whether it stood still when it was last asked.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_no_time_at_all() {
        let mut clock = Clock::default();
        assert_eq!(clock.at(100), 100);
        clock.stall(100, 50);
        assert_eq!((clock.at(100), clock.at(149)), (100, 100));
        assert!(clock.is_stalled());
        assert_eq!((clock.real(100), clock.real(107)), (150, 157));
        assert_eq!(clock.at(150), 100);
        assert!(!clock.is_stalled());
        assert_eq!((clock.at(157), clock.real(107)), (107, 157));
    }

    #[test]
    fn stalls_that_overlap_last_to_the_later_end() {
        let mut clock = Clock::default();
        clock.stall(100, 50);
        clock.stall(120, 100);
        clock.stall(130, 10);
        assert_eq!(
            (clock.at(219), clock.at(220), clock.at(230)),
            (100, 100, 110)
        );
        clock.stall(230, 10);
        assert_eq!(clock.at(245), 115);
    }
}
