//! How often a rare thing may happen by chance.

/// The smallest k with P(X <= k) >= 0.999 for X binomial of `trials` at probability `p`: how many false claims of an
/// A/A test are still chance.
pub fn upper_bound(trials: u64, p: f64) -> u64 {
    if p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return trials;
    }
    // In logarithms: with many trials the first terms are below what a float can hold.
    let odds = (p / (1.0 - p)).ln();
    let mut term = trials as f64 * (-p).ln_1p();
    let mut below = term.exp();
    let mut k = 0;
    while below < 0.999 && k < trials {
        term += ((trials - k) as f64 / (k + 1) as f64).ln() + odds;
        below += term.exp();
        k += 1;
    }
    k
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::statistics::resample::dice;

    /// By hand: 1 - 2^-10 = 0.99902 is reached at 9 of 10; P(X <= 1) of 2 at 0.1 is 0.99, P(X <= 4) of 20 at 0.01 more
    /// than 0.999.
    #[test]
    fn small_cases() {
        assert_eq!(upper_bound(10, 0.5), 9);
        assert_eq!(upper_bound(2, 0.1), 2);
        assert_eq!(upper_bound(2, 0.01), 1);
        assert_eq!(upper_bound(0, 0.3), 0);
        assert_eq!(upper_bound(5, 0.0), 0);
        assert_eq!(upper_bound(5, 1.0), 5);
    }

    #[test]
    fn many_trials_agree_with_the_normal_law() {
        let normal = 100_000.0 * 0.05 + 3.0902 * (100_000.0_f64 * 0.05 * 0.95).sqrt();
        assert!((upper_bound(100_000, 0.05) as f64 - normal).abs() < 3.0);
    }

    #[test]
    fn is_passed_about_once_in_a_thousand() {
        let mut random = dice(5);
        let bound = upper_bound(40, 0.05);
        let passed = (0..20_000)
            .filter(|_| (0..40).filter(|_| random.random_bool(0.05)).count() as u64 > bound)
            .count();
        assert!(passed <= 36, "{passed} of 20,000 above {bound}");
    }
}
