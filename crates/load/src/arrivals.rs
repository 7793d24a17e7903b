//! The schedule of an open loop: when to send, and who.
//!
//! It is drawn from the seed alone, one arrival at a time, so that a day's schedule takes no memory and the same seed
//! gives every arm of a trial the same one. Poisson arrivals are given to senders at random, which makes each sender's
//! own arrivals Poisson; constant ones and those of bursts go round.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1};
use scenario::Arrivals as Law;

/// One send that is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When, in nanoseconds of [`measure::now`].
    pub(crate) due: u64,
    /// Which sender.
    pub(crate) sender: usize,
}

/// Arrivals from a beginning to an end, in order.
#[derive(Debug)]
pub(crate) struct Arrivals {
    law: Law,
    rate: f64,
    senders: usize,
    begin: u64,
    end: u64,
    random: StdRng,
    /// Arrivals so far.
    count: u64,
    /// Seconds since the beginning.
    elapsed: f64,
}

impl Arrivals {
    /// At `rate` a second, all `senders` together, in `begin..end`.
    pub(crate) fn new(
        law: Law,
        rate: f64,
        senders: usize,
        (begin, end): (u64, u64),
        seed: u64,
    ) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self {
            law,
            rate,
            senders,
            begin,
            end,
            random,
            count: 0,
            elapsed: 0.0,
        }
    }

    /// From `end` on there are none.
    pub(crate) fn end_at(&mut self, end: u64) {
        self.end = end;
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        if self.senders == 0 {
            return None;
        }
        let (elapsed, sender) = match self.law {
            // From the count, not by adding gaps up: no error accumulates.
            Law::Constant => (
                self.count as f64 / self.rate,
                (self.count % self.senders as u64) as usize,
            ),
            // All of a group are due with its first.
            Law::Bursts { size } => {
                let size = u64::from(size.max(1));
                (
                    (self.count / size * size) as f64 / self.rate,
                    (self.count % self.senders as u64) as usize,
                )
            }
            Law::Poisson => {
                let gap: f64 = Exp1.sample(&mut self.random);
                (
                    self.elapsed + gap / self.rate,
                    self.random.random_range(0..self.senders),
                )
            }
        };
        self.elapsed = elapsed;
        self.count += 1;
        let due = self.begin + (elapsed * 1e9) as u64;
        (due < self.end).then_some(Arrival { due, sender })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn arrivals(law: Law, rate: f64, seed: u64) -> Vec<Arrival> {
        Arrivals::new(law, rate, 7, (SECOND, 101 * SECOND), seed).collect()
    }

    #[test]
    fn constant_is_a_metronome_that_goes_round() {
        let all = arrivals(Law::Constant, 300.0, 1);
        assert_eq!(all.len(), 30_000);
        for (index, arrival) in all.iter().enumerate() {
            let exact = SECOND as f64 + index as f64 * 1e9 / 300.0;
            assert!((arrival.due as f64 - exact).abs() < 2.0);
            assert_eq!(arrival.sender, index % 7);
        }
    }

    #[test]
    fn bursts_come_in_groups_at_the_same_mean_rate() {
        let all = arrivals(Law::Bursts { size: 20 }, 300.0, 1);
        assert_eq!(all.len(), 30_000);
        for (index, arrival) in all.iter().enumerate() {
            let group = index / 20;
            let exact = SECOND as f64 + group as f64 * 20.0 * 1e9 / 300.0;
            assert!((arrival.due as f64 - exact).abs() < 2.0);
            assert_eq!(arrival.sender, index % 7);
        }
        assert!(all.is_sorted_by_key(|arrival| arrival.due));
    }

    /// Kolmogorov and Smirnov: the gaps are exponential, at a significance that a fixed seed passes or fails for good.
    #[test]
    fn poisson_has_exponential_gaps() {
        let rate = 1000.0;
        let all = arrivals(Law::Poisson, rate, 42);
        assert!((all.len() as f64 - 100_000.0).abs() < 4.0 * 100_000.0_f64.sqrt());
        let mut gaps: Vec<f64> = all
            .windows(2)
            .map(|pair| (pair[1].due - pair[0].due) as f64 / 1e9)
            .collect();
        gaps.sort_by(f64::total_cmp);
        let count = gaps.len() as f64;
        let distance = gaps
            .iter()
            .enumerate()
            .map(|(index, gap)| {
                let law = 1.0 - (-gap * rate).exp();
                (law - index as f64 / count)
                    .abs()
                    .max((law - (index as f64 + 1.0) / count).abs())
            })
            .fold(0.0, f64::max);
        assert!(distance < 1.63 / count.sqrt(), "distance {distance}");
    }

    #[test]
    fn the_seed_decides_and_nobody_is_left_out() {
        assert_eq!(
            arrivals(Law::Poisson, 50.0, 3),
            arrivals(Law::Poisson, 50.0, 3)
        );
        assert_ne!(
            arrivals(Law::Poisson, 50.0, 3),
            arrivals(Law::Poisson, 50.0, 4)
        );
        let all = arrivals(Law::Poisson, 50.0, 3);
        assert!(all.is_sorted_by_key(|arrival| arrival.due));
        assert!((0..7).all(|sender| all.iter().any(|arrival| arrival.sender == sender)));
    }
}
