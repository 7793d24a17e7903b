//! Whether a series goes up or down: the test of Mann and Kendall.

/// What the test of Mann and Kendall says of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Trend {
    /// Pairs of which the later value is greater, less those of which it is smaller.
    pub(crate) s: i64,
    /// The same in standard deviations of a series without a trend, corrected for continuity.
    pub(crate) z: f64,
}

/// The greatest `|z|` of a series without a trend at a significance of 10 %, two-sided.
const STEADY: f64 = 1.645;

impl Trend {
    /// Whether no trend is seen, two-sided, at a significance of 10 %.
    pub(crate) fn is_steady(&self) -> bool {
        self.z.abs() < STEADY
    }
}

/// H. B. Mann, Nonparametric tests against trend, Econometrica 13 (1945); the variance with ties after M. G. Kendall, Rank Correlation Methods.
pub(crate) fn mann_kendall(values: &[f64]) -> Trend {
    let n = values.len();
    let mut s = 0;
    for (index, early) in values.iter().enumerate() {
        for late in &values[index + 1..] {
            s += i64::from(late > early) - i64::from(late < early);
        }
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let weight = |count: usize| (count * count.saturating_sub(1) * (2 * count + 5)) as f64;
    let ties: f64 = sorted
        .chunk_by(|one, other| one.total_cmp(other).is_eq())
        .map(|tied| weight(tied.len()))
        .sum();
    let deviation = ((weight(n) - ties) / 18.0).sqrt();
    let z = if s == 0 || deviation == 0.0 {
        0.0
    } else {
        (s - s.signum()) as f64 / deviation
    };
    Trend { s, z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_seen_and_none_is_not() {
        let up: Vec<f64> = (0..10).map(f64::from).collect();
        let trend = mann_kendall(&up);
        // 45 pairs; the variance is 10 x 9 x 25 / 18.
        assert_eq!(trend.s, 45);
        assert!((trend.z - 44.0 / 125.0_f64.sqrt()).abs() < 1e-12);
        assert!(!trend.is_steady());
        let down: Vec<f64> = up.iter().rev().copied().collect();
        assert_eq!(
            (mann_kendall(&down).s, mann_kendall(&down).z),
            (-45, -trend.z)
        );
        assert!(mann_kendall(&[5.0, 3.0, 6.0, 4.0, 5.5, 3.5, 4.5, 6.5, 4.2, 5.2]).is_steady());
        assert!(mann_kendall(&[7.0; 10]).z.abs() < f64::EPSILON);
        assert!(mann_kendall(&[]).is_steady());
    }

    #[test]
    fn ties_make_the_variance_smaller() {
        // Kendall's formula by hand: (5 x 4 x 15 - 2 x 1 x 9) / 18.
        let trend = mann_kendall(&[1.0, 2.0, 2.0, 3.0, 4.0]);
        assert_eq!(trend.s, 9);
        assert!((trend.z - 8.0 / ((300.0 - 18.0) / 18.0_f64).sqrt()).abs() < 1e-12);
    }
}
