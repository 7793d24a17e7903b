//! Whether a series still rises or falls: the test of Mann and Kendall, which ends the warm-up.

/// The test's outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Pairs in which the later value is greater, less those in which it is smaller.
    pub s: i64,
    /// `s` as a standard normal score; positive where the series rises.
    pub z: f64,
}

impl Trend {
    /// Whether no trend is seen: |z| below 1.645, two-sided 10 %. The higher of the usual levels, since a trend that is
    /// overlooked spoils a measurement and one that is imagined costs a second of warm-up. `s` is a whole number, so
    /// with 10 values a steady series is mistaken in 7.2 % of cases.
    pub fn is_steady(&self) -> bool {
        self.z.abs() < 1.645
    }
}

/// Mann (Econometrica 13, 1945) and Kendall (Rank Correlation Methods, 1975): whether the values have a monotone trend
/// in their order, with Kendall's correction of the variance for ties and his continuity correction. The normal
/// approximation holds from about 8 values; fewer than 3 never show a trend.
pub fn mann_kendall(values: &[f64]) -> Trend {
    let mut s: i64 = 0;
    for (place, earlier) in values.iter().enumerate() {
        for later in &values[place + 1..] {
            s += match later.partial_cmp(earlier) {
                Some(std::cmp::Ordering::Greater) => 1,
                Some(std::cmp::Ordering::Less) => -1,
                _ => 0,
            };
        }
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let spread = |count: usize| {
        let count = count as f64;
        count * (count - 1.0) * (2.0 * count + 5.0)
    };
    let ties: f64 = sorted
        .chunk_by(|one, next| one.total_cmp(next).is_eq())
        .map(|tied| spread(tied.len()))
        .sum();
    let variance = (spread(values.len()) - ties) / 18.0;
    let z = if variance > 0.0 {
        (s - s.signum()) as f64 / variance.sqrt()
    } else {
        0.0
    };
    Trend { s, z }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::statistics::resample::dice;

    /// Worked by hand: variance 10 * 9 * 25 / 18 = 125 without ties.
    #[test]
    fn known_scores() {
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        let trend = mann_kendall(&rising);
        assert_eq!(trend.s, 45);
        assert!((trend.z - 44.0 / 125.0_f64.sqrt()).abs() < 1e-12);
        assert!(!trend.is_steady());

        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert_eq!(mann_kendall(&falling).s, -45);
        assert!((mann_kendall(&falling).z + trend.z).abs() < 1e-12);

        // Ties of 2 and 3: (5 * 4 * 15 - 2 * 9 - 6 * 11) / 18 = 12.
        let tied = mann_kendall(&[1.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!(tied.s, 6);
        assert!((tied.z - 5.0 / 12.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_show_a_trend_is_steady() {
        for values in [&[][..], &[1.0], &[1.0, 2.0], &[4.0; 10]] {
            assert!(mann_kendall(values).is_steady());
        }
    }

    #[test]
    fn steady_series_are_rarely_mistaken() {
        let mut random = dice(3);
        let mut mistaken = 0;
        for _ in 0..2_000 {
            let values: Vec<f64> = (0..10).map(|_| random.random()).collect();
            mistaken += u32::from(!mann_kendall(&values).is_steady());
        }
        // P(|S| >= 21) = 0.072 for n = 10 in Kendall's tables, three standard deviations on either side.
        assert!((109..=179).contains(&mistaken), "{mistaken} of 2,000");
    }

    #[test]
    fn a_slow_warm_up_is_seen() {
        let mut random = dice(4);
        let mut seen = 0;
        for _ in 0..200 {
            let values: Vec<f64> = (0..10)
                .map(|second| 100.0 - 2.0 * f64::from(second) + 5.0 * random.random::<f64>())
                .collect();
            seen += u32::from(!mann_kendall(&values).is_steady());
        }
        assert!(seen >= 198, "{seen} of 200");
    }
}
