//! Whether samples follow a law that is fully known beforehand: Kolmogorov-Smirnov and Anderson-Darling.
//!
//! Kolmogorov and Smirnov look at the greatest gap between the samples and the law, wherever it is; Anderson and
//! Darling weigh the tails, where a late timer shows. Neither holds for a law whose parameters were fitted to the same
//! samples.

/// What a test of fit says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// The test's statistic: D, the greatest distance between the distribution functions, or A².
    pub statistic: f64,
    /// The probability of a statistic at least as great if the samples do follow the law.
    pub p: f64,
}

/// The 5 % critical value of A², for any number of samples from about 5 on (Stephens, "EDF Statistics for Goodness of
/// Fit and Some Comparisons", Journal of the American Statistical Association 69, 1974).
pub const ANDERSON_DARLING_5_PERCENT: f64 = 2.492;

/// The distance D of Kolmogorov and Smirnov and its p-value: Kolmogorov's limit law with Stephens' (1974, as above)
/// correction for few samples, `(sqrt n + 0.12 + 0.11 / sqrt n) D`, right to a few thousandths from 5 samples on. None
/// without a sample.
pub fn kolmogorov_smirnov(samples: &[f64], cdf: impl Fn(f64) -> f64) -> Option<Fit> {
    let levels = levels(samples, cdf)?;
    let count = levels.len() as f64;
    let statistic = levels
        .iter()
        .enumerate()
        .map(|(place, level)| {
            let (before, after) = (place as f64 / count, (place + 1) as f64 / count);
            (level - before).max(after - level)
        })
        .fold(0.0, f64::max);
    let root = count.sqrt();
    let p = kolmogorov_above((root + 0.12 + 0.11 / root) * statistic);
    Some(Fit { statistic, p })
}

/// A² of Anderson and Darling and its p-value. None without a sample.
///
/// The p-value is that of Marsaglia and Marsaglia, "Evaluating the Anderson-Darling Distribution", Journal of
/// Statistical Software 9(2), 2004: the limit law and a correction for few samples, right to about the fourth digit
/// from 8 samples on. A sample that the law excludes counts as one in its utmost tail.
pub fn anderson_darling(samples: &[f64], cdf: impl Fn(f64) -> f64) -> Option<Fit> {
    let levels = levels(samples, cdf)?;
    let count = levels.len() as f64;
    let sum: f64 = levels
        .iter()
        .zip(levels.iter().rev())
        .enumerate()
        .map(|(place, (low, high))| {
            let low = low.max(f64::MIN_POSITIVE);
            let above = (1.0 - high).max(f64::MIN_POSITIVE);
            (2 * place + 1) as f64 * (low.ln() + above.ln())
        })
        .sum();
    let statistic = -count - sum / count;
    let below = anderson_darling_limit(statistic);
    let p = 1.0 - below - anderson_darling_correction(count, below);
    Some(Fit {
        statistic,
        p: p.clamp(0.0, 1.0),
    })
}

/// The law's distribution function at each sample, in order.
fn levels(samples: &[f64], cdf: impl Fn(f64) -> f64) -> Option<Vec<f64>> {
    let mut levels: Vec<f64> = samples.iter().map(|&sample| cdf(sample)).collect();
    levels.sort_by(f64::total_cmp);
    (!levels.is_empty()).then_some(levels)
}

/// P(K > x) of Kolmogorov's limit law.
fn kolmogorov_above(x: f64) -> f64 {
    // Below this it differs from 1 by less than 1e-14, and the series doesn't end.
    if x < 0.19 {
        return 1.0;
    }
    let terms = (1..=100).map(|k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    });
    terms.sum::<f64>().clamp(0.0, 1.0)
}

/// `c[0] + c[1] x + c[2] x² …`
fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// P(A² < z) of infinitely many samples (`adinf` of the paper).
fn anderson_darling_limit(z: f64) -> f64 {
    const LOW: [f64; 6] = [
        2.00012,
        0.247_105,
        -0.064_982_1,
        0.034_796_2,
        -0.011_672,
        0.001_686_91,
    ];
    const HIGH: [f64; 6] = [
        1.0776,
        -2.30695,
        0.43424,
        -0.082_433,
        0.008_056,
        -0.000_314_6,
    ];
    if z <= 0.0 {
        0.0
    } else if z < 2.0 {
        (-1.233_714_1 / z).exp() / z.sqrt() * polynomial(z, &LOW)
    } else {
        (-polynomial(z, &HIGH).exp()).exp()
    }
}

/// What `count` samples add to it (`errfix` of the paper).
fn anderson_darling_correction(count: f64, limit: f64) -> f64 {
    const TAIL: [f64; 6] = [
        -130.2137, 745.2337, -1705.091, 1950.646, -1116.360, 255.7844,
    ];
    const MIDDLE: [f64; 6] = [-0.000_226_33, 6.54034, -14.6538, 14.458, -8.259, 1.91864];
    let bend = 0.01265 + 0.1757 / count;
    if limit > 0.8 {
        polynomial(limit, &TAIL) / count
    } else if limit < bend {
        let t = limit / bend;
        let shape = t.sqrt() * (1.0 - t) * (49.0 * t - 102.0);
        shape * (0.0037 / (count * count) + 0.00078 / count + 0.00006) / count
    } else {
        let shape = polynomial((limit - bend) / (0.8 - bend), &MIDDLE);
        shape * (0.04213 + 0.01365 / count) / count
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::statistics::binomial::upper_bound;
    use crate::statistics::resample::dice;

    fn uniform(x: f64) -> f64 {
        x.clamp(0.0, 1.0)
    }

    #[test]
    fn statistics_of_a_few_samples() {
        let fit = kolmogorov_smirnov(&[0.9, 0.1, 0.4], uniform).unwrap();
        assert!((fit.statistic - (2.0 / 3.0 - 0.4)).abs() < 1e-12);
        // -1 - ln(0.5) - ln(0.5)
        let fit = anderson_darling(&[0.5], uniform).unwrap();
        assert!((fit.statistic - 0.386_294_361_119_890_6).abs() < 1e-12);
        assert_eq!(kolmogorov_smirnov(&[], uniform), None);
        assert_eq!(anderson_darling(&[], uniform), None);
    }

    #[test]
    fn limits_are_those_of_the_tables() {
        for (x, p) in [(1.224, 0.10), (1.358, 0.05), (1.628, 0.01)] {
            assert!((kolmogorov_above(x) - p).abs() < 2e-4, "{x}");
        }
        assert!((kolmogorov_above(0.190_001) - 1.0).abs() < 1e-12);
        assert!(kolmogorov_above(8.0) < 1e-50);
        for (z, p) in [
            (1.933, 0.10),
            (ANDERSON_DARLING_5_PERCENT, 0.05),
            (3.857, 0.01),
        ] {
            assert!((1.0 - anderson_darling_limit(z) - p).abs() < 3e-4, "{z}");
        }
    }

    #[test]
    fn samples_outside_the_law_are_refused() {
        let samples = [0.1, 0.3, 0.5, 0.7, 1.5, 0.9, 0.2, 0.6];
        let fit = anderson_darling(&samples, uniform).unwrap();
        assert!(fit.statistic.is_finite() && fit.p < 1e-3);
    }

    /// If the law is right, p is uniform; if the samples are late by a little, it is small.
    #[test]
    fn p_values_are_what_they_say() {
        let mut random = dice(8);
        for count in [8, 20, 200] {
            let mut below = [[0_u64; 2]; 2];
            for _ in 0..1_000 {
                let samples: Vec<f64> = (0..count).map(|_| random.random()).collect();
                let of = [
                    kolmogorov_smirnov(&samples, uniform).unwrap().p,
                    anderson_darling(&samples, uniform).unwrap().p,
                ];
                for (below, p) in below.iter_mut().zip(of) {
                    below[0] += u64::from(p < 0.05);
                    below[1] += u64::from(p < 0.5);
                }
            }
            for [rare, half] in below {
                assert!(rare <= upper_bound(1_000, 0.05) && rare >= 29, "{rare}");
                assert!((440..=560).contains(&half), "{half}");
            }
        }
        let late: Vec<f64> = (0..2_000).map(|_| random.random::<f64>() + 0.05).collect();
        assert!(kolmogorov_smirnov(&late, uniform).unwrap().p < 0.01);
        assert!(anderson_darling(&late, uniform).unwrap().p < 0.01);
    }
}
