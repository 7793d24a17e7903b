//! The bootstrap's common part: resampling trials, with or without smoothing, and reading percentiles.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use super::distributions::{Z_975, student_975};
use super::median::{Interval, median_of_sorted};

/// Resamples of every bootstrap: the ends of an interval then scatter by 2 % of its length.
pub(super) const RESAMPLES: usize = 2_000;

/// The generator of every bootstrap: small, fast, and the same for a seed on every machine.
pub(super) fn dice(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// Draws medians of resampled trials, maybe with normal noise added to each value.
pub(super) struct ResampledMedian {
    values: Vec<f64>,
    noise: f64,
    drawn: Vec<f64>,
}

impl ResampledMedian {
    /// Of at least one value, without noise.
    pub(super) fn plain(values: Vec<f64>) -> Self {
        Self {
            noise: 0.0,
            drawn: vec![0.0; values.len()],
            values,
        }
    }

    /// Of at least two values, smoothed.
    ///
    /// The median of a few values takes few values when resampled, which makes plain percentiles of it jump (88 %
    /// coverage of 95 at 7 trials). Smoothing is the remedy of Efron (1982) and of Hesterberg, "What Teachers Should
    /// Know About the Bootstrap", The American Statistician 69(4), 2015, who takes s / sqrt(n) as the noise's standard
    /// deviation. Here it is that times n / (n - 1) and times t / z, the 0.975 quantiles of Student and of the normal
    /// distribution: of what was tried in simulation, this comes closest to 95 % from 3 to 10 trials.
    pub(super) fn smoothed(values: Vec<f64>) -> Self {
        let count = values.len() as f64;
        let noise = (variance(&values) / count).sqrt() * count / (count - 1.0);
        Self {
            noise: noise * widening(values.len()),
            ..Self::plain(values)
        }
    }

    /// The median of one resample.
    pub(super) fn draw(&mut self, random: &mut Xoshiro256PlusPlus) -> f64 {
        for one in &mut self.drawn {
            *one = self.values[random.random_range(0..self.values.len())];
        }
        if self.noise > 0.0 {
            for one in &mut self.drawn {
                *one += self.noise * normal(random);
            }
        }
        self.drawn.sort_by(f64::total_cmp);
        median_of_sorted(&self.drawn)
    }
}

/// By how much Student's 95 % interval from so many values is wider than the normal one.
pub(super) fn widening(count: usize) -> f64 {
    student_975(count - 1) / Z_975
}

/// The unbiased variance of at least two values.
pub(super) fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / (count - 1.0)
}

/// A standard normal number.
pub(super) fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(random)
}

/// The middle 95 % of what the resamples gave (at least one).
pub(super) fn percentiles(mut drawn: Vec<f64>) -> Interval {
    drawn.sort_by(f64::total_cmp);
    let rank = 0.025 * (drawn.len() - 1) as f64;
    Interval {
        low: between(&drawn, rank),
        high: between(&drawn, (drawn.len() - 1) as f64 - rank),
    }
}

/// The value at a rank, counted from 0, that may lie between two: linear between them.
pub(super) fn between(sorted: &[f64], rank: f64) -> f64 {
    let below = sorted[rank.floor() as usize];
    let above = sorted[rank.ceil() as usize];
    below + (above - below) * rank.fract()
}
