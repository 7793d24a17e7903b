//! When publishes are due: drawn from the seed alone, so that the same seed gives the same times.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp1};

use super::ask::{Law, Source};

/// Due times from a source's beginning on, nanoseconds, in order.
#[derive(Debug)]
pub(super) struct Schedule {
    law: Law,
    rate: f64,
    random: StdRng,
    count: u64,
    most: u64,
    /// Seconds since the beginning.
    elapsed: f64,
}

impl Schedule {
    pub(super) fn new(source: &Source) -> Self {
        Self {
            law: source.law,
            rate: source.rate,
            random: StdRng::seed_from_u64(source.seed),
            count: 0,
            most: source.count.unwrap_or(u64::MAX),
            elapsed: 0.0,
        }
    }
}

impl Iterator for Schedule {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.rate <= 0.0 || self.count >= self.most {
            return None;
        }
        self.elapsed = match self.law {
            // From the count, not by adding gaps up: no error accumulates.
            Law::Periodic => self.count as f64 / self.rate,
            Law::Poisson => {
                let gap: f64 = Exp1.sample(&mut self.random);
                self.elapsed + gap / self.rate
            }
        };
        self.count += 1;
        Some((self.elapsed * 1e9) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rate: f64, law: Law, seed: u64, count: u64) -> Vec<u64> {
        let source = Source {
            rate,
            law,
            seed,
            count: Some(count),
            ..Source::default()
        };
        Schedule::new(&source).collect()
    }

    #[test]
    fn the_seed_decides_and_the_rate_holds() {
        assert_eq!(
            times(4.0, Law::Periodic, 1, 4),
            [0, 250_000_000, 500_000_000, 750_000_000]
        );
        assert_eq!(
            times(50.0, Law::Poisson, 3, 100),
            times(50.0, Law::Poisson, 3, 100)
        );
        assert_ne!(
            times(50.0, Law::Poisson, 3, 100),
            times(50.0, Law::Poisson, 4, 100)
        );
        let last = times(50.0, Law::Poisson, 3, 10_000).pop().unwrap() as f64 / 1e9;
        assert!((last - 200.0).abs() < 4.0 * 2.0, "{last}");
        assert!(times(0.0, Law::Periodic, 1, 4).is_empty());
    }
}
