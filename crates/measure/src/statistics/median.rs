//! The median of the trials and its interval.

use serde::{Deserialize, Serialize};

use super::resample::{RESAMPLES, ResampledMedian, dice, percentiles};

/// Fewest trials that an interval asks for.
pub const LEAST_TRIALS: usize = 3;

/// A 95 % confidence interval, in the unit of what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies inside, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The median; of an even number the mean of the middle two. None without a value.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| median_of_sorted(&sorted))
}

/// The 95 % interval of the median over trials: percentiles of the smoothed bootstrap, where the trial is the unit.
///
/// Positive values are resampled by their logarithms, since what disturbs a trial disturbs it by a factor; others as
/// they are. None for fewer than [`LEAST_TRIALS`] values, or when one of them is not finite.
///
/// Over log-normal, normal, gamma, Laplace, exponential and contaminated noise (one trial in ten 1.5 times), 3 to 10
/// trials, the truth is inside in 93 to 98 of 100 cases (3,000 simulations each). Plain percentiles hold it in 75 with
/// 3 trials, 88 with 4, 94 with 5 and 88 with 7; no interval that ends within the data can hold the median of 5 values
/// more often than in 94.
pub fn median_interval(values: &[f64], seed: u64) -> Option<Interval> {
    if values.len() < LEAST_TRIALS || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let middle = median(values)?;
    let drawn = |values: Vec<f64>| {
        let mut random = dice(seed);
        let mut resampled = ResampledMedian::smoothed(values);
        let drawn = (0..RESAMPLES).map(|_| resampled.draw(&mut random));
        percentiles(drawn.collect())
    };
    let Interval { low, high } = if values.iter().all(|&value| value > 0.0) {
        let Interval { low, high } = drawn(values.iter().map(|value| value.ln()).collect());
        Interval {
            low: low.exp(),
            high: high.exp(),
        }
    } else {
        let Interval { low, high } = drawn(values.to_vec());
        // What can't be negative has no negative median either.
        let floor = if values.iter().all(|&value| value >= 0.0) {
            0.0
        } else {
            f64::NEG_INFINITY
        };
        Interval {
            low: low.max(floor),
            high,
        }
    };
    // Rounding through the logarithm must not put the median of equal values outside.
    Some(Interval {
        low: low.min(middle),
        high: high.max(middle),
    })
}

/// The median of values in order, at least one.
pub(super) fn median_of_sorted(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        f64::midpoint(sorted[half - 1], sorted[half])
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, LogNormal};

    use super::*;
    use crate::statistics::binomial::upper_bound;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn intervals_keep_to_what_is_possible() {
        assert_eq!(median_interval(&[1.0, 2.0], 1), None);
        assert_eq!(median_interval(&[1.0, 2.0, f64::NAN], 1), None);
        let same = median_interval(&[7.1; 5], 1).unwrap();
        assert!(same.contains(7.1) && same.high - same.low < 1e-12);
        let counts = median_interval(&[0.0, 0.0, 0.0, 1.0, 40.0], 1).unwrap();
        assert!(counts.low == 0.0 && counts.high > 0.0);
        let signed = median_interval(&[-1.0, 0.0, 1.0, 2.0, -2.0], 1).unwrap();
        assert!(signed.low < 0.0 && signed.high > 0.0);
    }

    #[test]
    fn the_seed_decides_and_more_trials_narrow() {
        let few = [1.0, 1.1, 0.9, 1.05, 0.97];
        assert_eq!(median_interval(&few, 3), median_interval(&few, 3));
        let many: Vec<f64> = few.iter().cycle().take(40).copied().collect();
        let (few, many) = (median_interval(&few, 3), median_interval(&many, 3));
        let width = |interval: Option<Interval>| interval.map(|all| all.high - all.low).unwrap();
        assert!(width(many) < width(few) / 2.0);
    }

    #[test]
    fn the_true_median_is_inside_as_often_as_said() {
        let mut random = dice(11);
        for count in [3, 5, 10] {
            let law = LogNormal::new(0.0, 0.2).unwrap();
            let outside = (0..100)
                .filter(|&seed| {
                    let trials: Vec<f64> = (0..count).map(|_| law.sample(&mut random)).collect();
                    !median_interval(&trials, seed).unwrap().contains(1.0)
                })
                .count();
            assert!(
                (outside as u64) <= upper_bound(100, 0.06),
                "{outside} of 100 outside with {count} trials"
            );
        }
    }
}
