//! A server that takes a known time, and one that takes a known time more.
//!
//! What the sockets and the two programs take by themselves is the probe's floor: the same load with no delay at all, in trials between the
//! others. It is shown, and subtracted from every figure.

use std::time::Duration;

use measure::Which;
use measure::latency::Distribution;
use measure::selftest::Row;

use super::lab::{Ask, Halt, Kind, Lab, Seen, ms, us, vouch};
use super::law::{self, Difference};
use super::probe::Behaviour;

const NAME: &str = "delay";

/// The delay, and what is added to it, nanoseconds.
const DELAY: u64 = 10_000_000;
const ADDED: u64 = 500_000;

/// Greatest error of a figure with the delay, percent.
const LIMIT: f64 = 2.0;

/// Greatest error of the added delay, percent.
const ADDED_LIMIT: f64 = 5.0;

/// The same at p99, percent: what waking an idle CPU takes in one case of a hundred differs by some 100 us between a server that answers at once and one that waits.
const TAIL_LIMIT: f64 = 5.0;

/// Of the interval around the added delay: a true value outside it is a wrong alarm once in a thousand self-tests.
const CONFIDENCE: f64 = 0.999;

/// A figure of a trial, nanoseconds.
type Figure = fn(&Distribution) -> f64;

/// The three behaviours, in the order of a trial's figures.
const ARMS: [u64; 3] = [0, DELAY, DELAY + ADDED];

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let trials = lab.either(4, 10);
    let mut measured = Vec::new();
    let mut disturbances = Vec::new();
    for trial in 0..trials {
        let ask = Ask {
            // Independent arrivals: a metronome would meet its own answers again and again.
            kind: Kind::Poisson(1000),
            duration: lab.either(Duration::from_millis(400), Duration::from_secs(1)),
            clients: 8,
            seed: trial,
        };
        let mut figures = [Distribution::default(); 3];
        let mut is_quiet = true;
        let mut order: Vec<usize> = (0..ARMS.len()).collect();
        if trial % 2 == 1 {
            order.reverse();
        }
        for arm in order {
            let run = || lab.probe(Behaviour::Delay(ARMS[arm]), &ask);
            let seen: Seen = lab.quiet(run, |seen| seen)?;
            let response = seen.measurement.latencies.distribution(Which::Response);
            figures[arm] = response.unwrap_or_default();
            is_quiet &= seen.disturbance().is_none();
            disturbances.extend(seen.disturbance());
        }
        // As in a run, a disturbed trial counts for nothing.
        if is_quiet {
            measured.push(figures);
        }
    }
    let rows = judge(&measured);
    let few = 3 * measured.len() < 2 * trials as usize;
    let disturbance = disturbances.first().filter(|_| few).map(|first| {
        format!(
            "{} of {trials} trials were left, the first guard broken: {first}",
            measured.len()
        )
    });
    Ok(rows
        .into_iter()
        .map(|row| vouch(row, disturbance.clone()))
        .collect())
}

/// From the figures of each trial.
fn judge(trials: &[[Distribution; 3]]) -> Vec<Row> {
    let figures: [(&str, Figure); 3] = [
        ("mean", |figures| figures.mean_ns),
        ("p50", |figures| figures.p50_ns as f64),
        ("p99", |figures| figures.p99_ns as f64),
    ];
    let [_, (_, p50), _] = figures;
    let floor = median(trials.iter().map(|[floor, ..]| p50(floor)));
    let mut rows = vec![
        Row::shown(NAME, "floor without delay, p50", us(floor), "us")
            .noted("subtracted from the figures below"),
    ];
    for (name, figure) in figures {
        let above = trials
            .iter()
            .map(|[floor, delayed, _]| figure(delayed) - figure(floor));
        let (truth, what) = (ms(DELAY as f64), format!("constant delay, {name}"));
        let limit = if name == "p99" { TAIL_LIMIT } else { LIMIT };
        rows.push(Row::relative(
            NAME,
            what,
            truth,
            ms(median(above)),
            "ms",
            limit,
        ));
    }
    rows.extend(recovered(trials, p50));
    rows
}

/// The added delay, from the differences of the trials.
fn recovered(trials: &[[Distribution; 3]], figure: Figure) -> [Row; 2] {
    let differences: Vec<f64> = trials
        .iter()
        .map(|[_, without, with]| figure(with) - figure(without))
        .collect();
    let found = Difference::paired(&differences, CONFIDENCE);
    // A histogram tells values of this size apart by so much and no finer.
    let resolution = (DELAY + ADDED) as f64 / 1000.0;
    let wide = Difference {
        low: found.low - resolution,
        high: found.high + resolution,
        ..found
    };
    let (truth, mean) = (us(ADDED as f64), us(found.mean));
    let interval = format!(
        "99.9 % interval {:.1} to {:.1} us over {} trials, the histogram's resolution included",
        us(wide.low),
        us(wide.high),
        trials.len()
    );
    let held = if wide.holds(ADDED as f64) {
        "inside"
    } else {
        "outside"
    };
    [
        Row::relative(
            NAME,
            "added delay, recovered",
            truth,
            mean,
            "us",
            ADDED_LIMIT,
        ),
        Row::words(NAME, "added delay and its interval", "inside", held).noted(interval),
    ]
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    law::quantile(&values, 0.5).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(scale: f64, added: f64) -> Vec<bool> {
        let figures = |trial: u32, delay: f64| {
            let value = 80_000.0 + f64::from(trial) * 300.0 + delay * scale;
            Distribution {
                mean_ns: value,
                p50_ns: value as u64,
                p99_ns: value as u64,
                ..Distribution::default()
            }
        };
        let trials: Vec<_> = (0..6)
            .map(|trial| {
                let jitter = f64::from(trial % 3) * 500.0;
                [
                    figures(trial, 0.0),
                    figures(trial, DELAY as f64),
                    figures(trial, DELAY as f64 + added + jitter),
                ]
            })
            .collect();
        judge(&trials).iter().map(|row| row.passed).collect()
    }

    #[test]
    fn a_wrong_delay_or_a_lost_difference_is_a_miss() {
        assert_eq!(passed(1.0, ADDED as f64), [true; 6]);
        let [_, mean, p50, p99, ..] = passed(1.06, ADDED as f64)[..] else {
            panic!("rows are missing")
        };
        assert_eq!([mean, p50, p99], [false; 3]);
        assert_eq!(passed(1.0, 0.0)[4..], [false, false]);
        assert_eq!(passed(1.0, 2.0 * ADDED as f64)[4..], [false, false]);
        assert!(!judge(&[])[1].passed);
    }
}
