//! Requests in flight, integrated over time: the N of Little's law, measured on its own.
//!
//! The law is exact for any window of time if each request counts only for as long as it was in flight *within* the window (S. Stidham, A last
//! word on L = λW, Operations Research 22, 1974). So both sides are cut at the window's ends, and what straddles them, be it everything
//! that was outstanding when a frozen server was given up, doesn't set them apart.

/// Integrates the number in flight over a window of time. All times: nanoseconds of [`now`](crate::now).
#[derive(Debug, Clone)]
pub struct Flight {
    window: (u64, u64),
    inside: u64,
    since: u64,
    /// In flight x nanoseconds, within the window.
    area: u128,
    /// Those that have left, and how long each had been in flight within the window.
    passed: u64,
    stayed: u128,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            window: (u64::MAX, u64::MAX),
            inside: 0,
            since: u64::MAX,
            area: 0,
            passed: 0,
            stayed: 0,
        }
    }
}

impl Flight {
    /// None in flight, and no window yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The window is `start..end`. To be said before it begins; what is in flight already counts from `start` on.
    pub fn open(&mut self, start: u64, end: u64) {
        self.window = (start, end);
        self.since = start;
    }

    /// The window ends at `at`, if it would end later.
    pub fn close(&mut self, at: u64) {
        self.advance(at);
        self.window.1 = self.window.1.min(at.max(self.window.0));
    }

    /// One was sent at `at`.
    pub fn enter(&mut self, at: u64) {
        self.advance(at);
        self.inside += 1;
    }

    /// One that was sent at `sent` was answered, or given up, at `at`.
    pub fn leave(&mut self, sent: u64, at: u64) {
        self.advance(at);
        self.inside = self.inside.saturating_sub(1);
        let (start, end) = self.window;
        if sent < end && at >= start {
            self.passed += 1;
            self.stayed += u128::from(at.min(end).saturating_sub(sent.max(start)));
        }
    }

    /// How many are in flight.
    pub fn in_flight(&self) -> u64 {
        self.inside
    }

    /// The two sides of the law. To be asked when the window is over and everything has left.
    pub fn finish(&mut self) -> crate::Little {
        let (start, end) = self.window;
        self.advance(end);
        let length = end.saturating_sub(start).max(1) as f64;
        let throughput = self.passed as f64 / length;
        let mean_stay = self.stayed as f64 / self.passed.max(1) as f64;
        crate::Little {
            in_flight_mean: self.area as f64 / length,
            throughput_times_stay: throughput * mean_stay,
        }
    }

    fn advance(&mut self, at: u64) {
        let to = at.clamp(self.window.0, self.window.1);
        if to > self.since {
            self.area += u128::from(self.inside) * u128::from(to - self.since);
            self.since = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One every 100 ns, each of which stays `stay`; all of those still in flight leave at 130 µs.
    fn flown(window: (u64, u64), stay: impl Fn(u64) -> u64) -> crate::Little {
        let mut events = Vec::new();
        for at in (0..120_000_u64).step_by(100) {
            events.push((at, None));
            events.push(((at + stay(at)).min(130_000), Some(at)));
        }
        events.sort_unstable();
        let mut flight = Flight::new();
        let mut window = Some(window);
        for (at, sent) in events {
            if let Some((start, end)) = window.take_if(|(start, _)| at + 500 >= *start) {
                flight.open(start, end);
            }
            match sent {
                None => flight.enter(at),
                Some(sent) => flight.leave(sent, at),
            }
        }
        assert_eq!(flight.in_flight(), 0);
        flight.finish()
    }

    #[test]
    fn both_sides_agree_in_a_steady_state() {
        let law = flown((1_000, 101_000), |_| 450);
        assert!((law.in_flight_mean - 4.5).abs() < 0.1, "{law:?}");
        assert!(law.error() < 1e-9, "{law:?}");
    }

    #[test]
    fn what_straddles_the_ends_does_not_set_them_apart() {
        // Frozen at either end: what is sent then is answered when the freeze is over, or never.
        let frozen = |at: u64| match at {
            0..20_000 => 20_000 - at,
            80_000.. => u64::MAX / 2,
            _ => 450,
        };
        let law = flown((10_000, 100_000), frozen);
        assert!(law.in_flight_mean > 20.0, "{law:?}");
        assert!(law.error() < 1e-9, "{law:?}");
    }

    #[test]
    fn an_answer_that_went_missing_in_the_books_does() {
        let mut flight = Flight::new();
        flight.open(0, 1_000);
        for at in 0..10 {
            flight.enter(at * 100);
            if at != 3 {
                flight.leave(at * 100, at * 100 + 50);
            }
        }
        let law = flight.finish();
        assert!(law.error() > 0.05, "{law:?}");
    }

    #[test]
    fn a_window_may_end_early() {
        let mut flight = Flight::new();
        flight.open(100, 1_000);
        flight.enter(0);
        flight.close(300);
        flight.leave(0, 900);
        let law = flight.finish();
        assert_eq!((law.in_flight_mean, law.throughput_times_stay), (1.0, 1.0));
    }
}
