//! Requests in flight, integrated over time: the N of Little's law, measured on its own.

/// Integrates the number in flight over a window of time. All times: nanoseconds of [`now`](crate::now).
#[derive(Debug, Clone)]
pub struct Flight {
    window: (u64, u64),
    inside: u64,
    since: u64,
    /// In flight x nanoseconds, within the window.
    area: u128,
    /// Left within the window, and how long they had been in flight.
    left: u64,
    stayed: u128,
}

impl Flight {
    /// None in flight; the window is `start..end`.
    pub fn new(start: u64, end: u64) -> Self {
        Self {
            window: (start, end),
            inside: 0,
            since: start,
            area: 0,
            left: 0,
            stayed: 0,
        }
    }

    /// One was sent at `at`.
    pub fn enter(&mut self, at: u64) {
        self.advance(at);
        self.inside += 1;
    }

    /// One that was sent at `sent` was answered at `at`.
    pub fn leave(&mut self, sent: u64, at: u64) {
        self.abandon(at);
        if (self.window.0..self.window.1).contains(&at) {
            self.left += 1;
            self.stayed += u128::from(at.saturating_sub(sent));
        }
    }

    /// One will never be answered.
    pub fn abandon(&mut self, at: u64) {
        self.advance(at);
        self.inside = self.inside.saturating_sub(1);
    }

    /// How many are in flight.
    pub fn in_flight(&self) -> u64 {
        self.inside
    }

    /// Closes the window at `at` (or at its end, if that is earlier) and gives the two sides of the law.
    pub fn finish(&mut self, at: u64) -> crate::Little {
        self.advance(at);
        let length = at.min(self.window.1).saturating_sub(self.window.0).max(1) as f64;
        let throughput = self.left as f64 / length;
        let mean_stay = if self.left == 0 {
            0.0
        } else {
            self.stayed as f64 / self.left as f64
        };
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

    #[test]
    fn both_sides_agree_in_a_steady_state() {
        let mut flight = Flight::new(1_000, 101_000);
        let mut departures = std::collections::VecDeque::new();
        for at in (0..120_000_u64).step_by(100) {
            while departures.front().is_some_and(|sent| sent + 450 <= at) {
                let sent = departures.pop_front().unwrap();
                flight.leave(sent, sent + 450);
            }
            flight.enter(at);
            departures.push_back(at);
        }
        let law = flight.finish(120_000);
        assert!((law.in_flight_mean - 4.5).abs() < 0.1, "{law:?}");
        assert!(law.error() < 0.05, "{law:?}");
    }
}
