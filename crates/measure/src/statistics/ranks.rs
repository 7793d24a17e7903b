//! The exact distribution of the Wilcoxon-Mann-Whitney statistic, and the rank at which its interval is cut.

use super::distributions::Z_975;
use super::median::LEAST_TRIALS;

/// Above so many pairs the normal approximation, whose rank is then right to a hundredth, replaces the exact
/// distribution.
const MOST_PAIRS: usize = 2_500;

/// The rank, counted from 0 and interpolated, of the lower end of the 95 % interval among the n m ordered differences
/// of two samples; the upper end has the same rank from above. None if no interval of so few has 95 %.
///
/// The interval from the difference of rank k to that of rank k from above misses the truth with probability 2 P(U <=
/// k) (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 4.3). Between two ranks the probability is
/// interpolated linearly, after Hettmansperger and Sheather, "Confidence intervals based on interpolated order
/// statistics", Statistics & Probability Letters 4, 1986.
pub(super) fn interval_rank(n: usize, m: usize) -> Option<f64> {
    if n.min(m) < LEAST_TRIALS {
        return None;
    }
    if n * m > MOST_PAIRS {
        let pairs = (n * m) as f64;
        let deviation = (pairs * (n + m + 1) as f64 / 12.0).sqrt();
        return Some(pairs / 2.0 - Z_975 * deviation - 0.5);
    }
    let mut previous: Option<f64> = None;
    let mut missed = 0.0;
    for (k, probability) in distribution(n, m).into_iter().enumerate() {
        let before = missed;
        missed += 2.0 * probability;
        if missed > 0.05 {
            return previous.map(|rank| rank + (0.05 - before) / (missed - before));
        }
        previous = Some(k as f64);
    }
    None
}

/// P(U = u) for u = 0 to n m: Mann and Whitney's recursion (Annals of Mathematical Statistics 18, 1947), by which of
/// the samples holds the greatest value.
fn distribution(n: usize, m: usize) -> Vec<f64> {
    // For the n of the round: one distribution for each m so far.
    let mut rows = vec![vec![1.0]; m + 1];
    for i in 1..=n {
        rows[0] = vec![1.0];
        for j in 1..=m {
            let (in_first, in_second) = (i as f64 / (i + j) as f64, j as f64 / (i + j) as f64);
            let mut row = vec![0.0; i * j + 1];
            for (u, probability) in rows[j].iter().enumerate() {
                row[u + j] += in_first * probability;
            }
            for (u, probability) in rows[j - 1].iter().enumerate() {
                row[u] += in_second * probability;
            }
            rows[j] = row;
        }
    }
    rows.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_is_that_of_all_arrangements() {
        let (n, m) = (4, 5);
        let mut counts = vec![0_u32; n * m + 1];
        for arrangement in 0_u32..1 << (n + m) {
            if arrangement.count_ones() as usize == n {
                let mut of_second = 0;
                let mut u = 0;
                for place in 0..n + m {
                    if arrangement >> place & 1 == 1 {
                        u += of_second;
                    } else {
                        of_second += 1;
                    }
                }
                counts[u] += 1;
            }
        }
        let all: u32 = counts.iter().sum();
        for (count, probability) in counts.iter().zip(distribution(n, m)) {
            assert!((f64::from(*count) / f64::from(all) - probability).abs() < 1e-12);
        }
    }

    /// The critical values of U (two-sided, 5 %) that stand in every textbook.
    #[test]
    fn ranks_are_those_of_the_tables() {
        for (n, m, critical) in [
            (4, 4, 0.0),
            (5, 5, 2.0),
            (7, 7, 8.0),
            (10, 10, 23.0),
            (5, 10, 8.0),
            (20, 20, 127.0),
        ] {
            let rank = interval_rank(n, m).unwrap();
            assert!((critical..critical + 1.0).contains(&rank), "{n} {m} {rank}");
        }
        assert_eq!(interval_rank(3, 3), None);
        assert_eq!(interval_rank(3, 4), None);
        assert!(interval_rank(3, 5).is_some());
    }

    #[test]
    fn the_approximation_takes_over_smoothly() {
        let exact = interval_rank(50, 50).unwrap();
        let approximate = interval_rank(50, 51).unwrap();
        // One more value in a sample of 50 adds 50 pairs; of them about 0.025 * 50 and the growth of the middle lie
        // below.
        let before = interval_rank(50, 49).unwrap();
        assert!(((approximate - exact) - (exact - before)).abs() < 0.5);
    }
}
