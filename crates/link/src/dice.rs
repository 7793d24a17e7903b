//! Draws delays and harm from their laws: the same for the same seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, StandardNormal};
use scenario::{JitterLaw, Path};

/// The randomness of one direction. Delays and harm are drawn apart, so that losses don't change the delays.
#[derive(Debug)]
pub struct Dice {
    path: Path,
    delays: StdRng,
    harm: StdRng,
}

impl Dice {
    /// The same draws for the same path and seed.
    pub fn new(path: &Path, seed: u64) -> Self {
        let mut seeds = StdRng::seed_from_u64(seed);
        Self {
            path: *path,
            delays: StdRng::from_rng(&mut seeds),
            harm: StdRng::from_rng(&mut seeds),
        }
    }

    /// A one-way delay, nanoseconds.
    ///
    /// It is never negative and its mean is always the path's. Its standard deviation is the path's jitter as long as the law has the room: a normal
    /// delay is drawn again where it is outside of 0 to twice the mean, and a uniform one has at most that range; so both scatter less than was asked
    /// for a jitter of more than a third (normal) or 1/sqrt(3) (uniform) of the delay.
    pub fn delay(&mut self) -> u64 {
        let mean = self.path.delay.as_nanos() as f64;
        let jitter = (self.path.jitter.as_nanos() as f64).min(mean);
        if jitter == 0.0 {
            return mean as u64;
        }
        let delay = match self.path.law {
            JitterLaw::Normal => loop {
                let scatter: f64 = StandardNormal.sample(&mut self.delays);
                let delay = mean + jitter * scatter;
                if (0.0..=2.0 * mean).contains(&delay) {
                    break delay;
                }
            },
            JitterLaw::Uniform => {
                let reach = (3.0_f64.sqrt() * jitter).min(mean);
                self.delays.random_range(mean - reach..=mean + reach)
            }
            JitterLaw::Exponential => {
                let tail: f64 = Exp1.sample(&mut self.delays);
                mean - jitter + jitter * tail
            }
        };
        delay.round() as u64
    }

    /// Whether the next packet is lost.
    pub fn loses(&mut self) -> bool {
        hits(&mut self.harm, self.path.loss)
    }

    /// Whether the next packet is let past others.
    pub fn reorders(&mut self) -> bool {
        hits(&mut self.harm, self.path.reorder)
    }

    /// Whether the next packet is sent twice.
    pub fn duplicates(&mut self) -> bool {
        hits(&mut self.harm, self.path.duplicate)
    }
}

/// One Bernoulli draw. None where it could only go one way, so that a harm that isn't asked for changes no other.
fn hits(random: &mut StdRng, share: f64) -> bool {
    share > 0.0 && random.random::<f64>() < share
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DRAWS: usize = 100_000;

    fn dice(delay_us: u64, jitter_us: u64, law: JitterLaw) -> Dice {
        let path = Path {
            delay: Duration::from_micros(delay_us),
            jitter: Duration::from_micros(jitter_us),
            law,
            ..Path::CLEAR
        };
        Dice::new(&path, 7)
    }

    /// Mean, standard deviation and least, microseconds.
    fn figures(mut dice: Dice) -> (f64, f64, f64) {
        let draws: Vec<f64> = (0..DRAWS).map(|_| dice.delay() as f64 / 1e3).collect();
        let mean = draws.iter().sum::<f64>() / DRAWS as f64;
        let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
        let least = draws.iter().copied().fold(f64::INFINITY, f64::min);
        (mean, (squares / (DRAWS - 1) as f64).sqrt(), least)
    }

    fn assert_near(found: f64, wanted: f64, share: f64, what: &str) {
        let error = (found / wanted - 1.0).abs();
        assert!(error < share, "{what}: {found} instead of {wanted}");
    }

    #[test]
    fn every_law_has_the_mean_and_the_deviation_that_were_asked() {
        for law in [
            JitterLaw::Normal,
            JitterLaw::Uniform,
            JitterLaw::Exponential,
        ] {
            let (mean, deviation, _) = figures(dice(50_000, 5_000, law));
            // The mean of so many draws has a standard error of 16 us, their deviation one of 0.5 % at most.
            assert_near(mean, 50_000.0, 0.002, law.name());
            assert_near(deviation, 5_000.0, 0.02, law.name());
        }
    }

    #[test]
    fn the_mean_holds_and_nothing_is_negative_when_jitter_is_all_of_the_delay() {
        for law in [JitterLaw::Normal, JitterLaw::Uniform] {
            let (mean, deviation, least) = figures(dice(1_000, 1_000, law));
            assert_near(mean, 1_000.0, 0.01, law.name());
            // Less room, less scatter: 0.540 for a Gauss cut at one deviation (its variance is 1 - 2 phi(1)/(2 Phi(1) - 1)), 1/sqrt(3) for the uniform.
            let left = match law {
                JitterLaw::Normal => 539.6,
                _ => 577.4,
            };
            assert_near(deviation, left, 0.02, law.name());
            assert!(least >= 0.0);
        }
        let (mean, deviation, _) = figures(dice(1_000, 1_000, JitterLaw::Exponential));
        assert_near(mean, 1_000.0, 0.02, "mean");
        assert_near(deviation, 1_000.0, 0.02, "deviation");
    }

    #[test]
    fn an_exponential_delay_has_a_floor() {
        let (_, _, least) = figures(dice(85_000, 40_000, JitterLaw::Exponential));
        assert!((45_000.0..45_100.0).contains(&least), "{least}");
    }

    #[test]
    fn without_jitter_a_delay_is_what_it_is() {
        let mut dice = dice(5_000, 0, JitterLaw::Normal);
        assert!((0..10).all(|_| dice.delay() == 5_000_000));
    }

    #[test]
    fn the_seed_decides_and_losses_change_no_delay() {
        let path = Path {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(4),
            loss: 0.25,
            duplicate: 0.01,
            ..Path::CLEAR
        };
        let draws = |seed, harm: bool| {
            let mut dice = Dice::new(&path, seed);
            let mut one = || {
                let _ = harm && dice.loses();
                dice.delay()
            };
            (0..20).map(|_| one()).collect::<Vec<_>>()
        };
        assert_eq!(draws(1, false), draws(1, true));
        assert_ne!(draws(1, false), draws(2, false));
    }

    #[test]
    fn harm_comes_as_often_as_was_asked() {
        let path = Path {
            loss: 0.02,
            reorder: 0.0,
            duplicate: 1.0,
            ..Path::CLEAR
        };
        let mut dice = Dice::new(&path, 3);
        let lost = (0..DRAWS).filter(|_| dice.loses()).count() as f64;
        // Six standard errors of a binomial share.
        let error = 6.0 * (0.02 * 0.98 / DRAWS as f64).sqrt();
        assert!((lost / DRAWS as f64 - 0.02).abs() < error, "{lost}");
        assert!((0..DRAWS).all(|_| !dice.reorders() && dice.duplicates()));
    }
}
