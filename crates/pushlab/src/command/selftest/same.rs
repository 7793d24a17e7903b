//! A/A: two arms that are the same must not differ more often than chance allows.
//!
//! Trials of the two arms are interleaved in ABBA blocks, as in a run; each comparison is of two blocks, four trials an arm. It is the comparison
//! that a run's summary makes, and for arms that are the same it claims a difference in 5 % of cases. Because
//! few comparisons say little about 5 %, the trials of each comparison are also dealt anew to the two arms in every way there is: the
//! share of claims then says what the test does with trials as they are here.

use std::time::Duration;

use measure::Which;
use measure::selftest::Row;
use measure::statistics::binomial::upper_bound;
use measure::statistics::{Finding, compare};

use super::lab::{Around, Ask, Halt, Kind, Lab};
use super::law::uniform;

const NAME: &str = "a-a";

/// The share of comparisons that may claim what isn't there.
const ALPHA: f64 = 0.05;

/// Trials of a comparison, both arms.
const TRIALS: usize = 8;

/// The share of claims over all regroupings may be so much above [`ALPHA`]. The regroupings of a comparison share its trials, so that no simple law gives a tighter one.
const REGROUPED: f64 = 0.05;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let ask = |seed| Ask {
        kind: Kind::Constant(2000),
        duration: Duration::from_millis(50),
        clients: 4,
        seed,
    };
    let server = lab.server(&ask(0))?;
    let mut comparisons = Vec::new();
    for number in 0..lab.either(6, 40) {
        let mut trials = [0.0; TRIALS];
        for (trial, p50) in trials.iter_mut().enumerate() {
            let seen = lab.real(&server, &ask(trial as u64), Around::default())?;
            let response = seen.measurement.latencies.total(Which::Response);
            *p50 = response.value_at_quantile(0.5) as f64;
        }
        comparisons.push((trials, blocks(number)));
    }
    server.stop()?;
    Ok(judge(&comparisons))
}

/// Which trials, in their order in time, belong to arm B: two blocks, each ABBA or BAAB by lot. A bit a trial.
fn blocks(number: u64) -> u8 {
    const ABBA: u8 = 0b0110;
    let lot = uniform(number);
    let block = |bit: u32| {
        if lot >> bit & 1 == 0 {
            ABBA
        } else {
            !ABBA & 0b1111
        }
    };
    block(0) | block(1) << 4
}

fn judge(comparisons: &[([f64; TRIALS], u8)]) -> Vec<Row> {
    let count = comparisons.len() as u32;
    let false_ones = comparisons
        .iter()
        .filter(|(trials, arms)| claims(trials, *arms))
        .count();
    let bound = upper_bound(count.into(), ALPHA);
    let deals = (0..=u8::MAX).filter(|deal| deal.count_ones() as usize == TRIALS / 2);
    let deals: Vec<u8> = deals.collect();
    let regrouped: usize = comparisons
        .iter()
        .map(|(trials, _)| deals.iter().filter(|deal| claims(trials, **deal)).count())
        .sum();
    let share = regrouped as f64 / (deals.len() * comparisons.len()) as f64;
    let truth = ALPHA * f64::from(count);
    vec![
        Row::at_most(
            NAME,
            format!("false differences in {count} comparisons"),
            truth,
            false_ones as f64,
            "",
            bound as f64 - truth,
        )
        .noted(format!(
            "at most {bound}: the 99.9 % bound of the binomial distribution at 5 %"
        )),
        Row::at_most(
            NAME,
            "false differences, trials regrouped at random",
            ALPHA * 100.0,
            share * 100.0,
            "%",
            REGROUPED * 100.0,
        )
        .noted(format!(
            "every way to deal the {TRIALS} trials of each comparison to two arms"
        )),
    ]
}

/// Whether the trials of the two arms seem to differ.
fn claims(trials: &[f64; TRIALS], arm_b: u8) -> bool {
    let of = |arm: u8| -> Vec<f64> {
        let (index, trials) = (0..TRIALS, trials.iter());
        index
            .zip(trials)
            .filter(|(index, _)| arm_b >> index & 1 == arm)
            .map(|(_, trial)| *trial)
            .collect()
    };
    compare(&of(0), &of(1)).is_none_or(|contrast| contrast.finding != Finding::NoDifferenceSeen)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trials of arms that differ by `difference`, with a jitter of about 10.
    fn comparisons(difference: f64) -> Vec<([f64; TRIALS], u8)> {
        let comparison = |number: u64| {
            let arms = blocks(number);
            let trials = std::array::from_fn(|trial| {
                let jitter = (0..8_u64)
                    .map(|part| uniform(number * 64 + trial as u64 * 8 + part) % 1000)
                    .sum::<u64>() as f64;
                let is_b = arms >> trial & 1 == 1;
                1000.0 + jitter / 80.0 + if is_b { difference } else { 0.0 }
            });
            (trials, arms)
        };
        (0..40).map(comparison).collect()
    }

    #[test]
    fn arms_that_are_the_same_pass_and_others_do_not() {
        let rows = judge(&comparisons(0.0));
        assert!(rows.iter().all(|row| row.passed), "{rows:?}");
        assert!(!judge(&comparisons(50.0))[0].passed);
    }

    #[test]
    fn every_block_is_balanced() {
        let drawn: Vec<u8> = (0..50).map(blocks).collect();
        assert!(drawn.iter().all(|arms| arms.count_ones() == 4));
        assert!(drawn.iter().any(|arms| *arms != drawn[0]), "by lot");
    }
}
