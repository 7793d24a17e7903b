//! The quantiles of the normal distribution and of Student's t that the other files need.

use std::f64::consts::FRAC_2_PI;

/// The standard normal quantile at 0.975.
pub(super) const Z_975: f64 = 1.959_963_984_540_054;

/// The standard normal quantile at 0.8.
pub(super) const Z_800: f64 = 0.841_621_233_572_914_3;

/// The 0.975 quantile of Student's t with `freedom` (at least 1) degrees of freedom, by bisection.
pub(super) fn student_975(freedom: usize) -> f64 {
    let (mut low, mut high) = (Z_975, 13.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if student_within(middle, freedom) < 0.95 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// P(|T| < t) of Student's t: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
fn student_within(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    let (mut term, mut sum) = (if odd { cosine } else { 1.0 }, 0.0);
    let mut power = usize::from(odd);
    while power + 2 <= freedom {
        sum += term;
        power += 2;
        term *= cosine * cosine * (power - 1) as f64 / power as f64;
    }
    if odd {
        FRAC_2_PI * (angle + sine * sum)
    } else {
        sine * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        for (freedom, quantile) in [
            (1, 12.706_204_736),
            (2, 4.302_652_730),
            (3, 3.182_446_305),
            (4, 2.776_445_105),
            (9, 2.262_157_163),
            (30, 2.042_272_456),
            (1000, 1.962_339_081),
        ] {
            assert!(
                (student_975(freedom) - quantile).abs() < 1e-8,
                "{freedom}: {}",
                student_975(freedom)
            );
        }
    }
}
