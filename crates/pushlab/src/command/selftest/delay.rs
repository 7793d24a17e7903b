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
use super::waits::STILL;

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

/// The three behaviours, in the order of a trial's runs.
const ARMS: [u64; 3] = [0, DELAY, DELAY + ADDED];

/// What a run with one of them showed.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    response: Distribution,
    /// Whether generator and server had their CPUs. Another program that takes one for 5 ms holds up every hundredth answer of half a second: that p99
    /// would be the program's.
    is_still: bool,
}

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    // Short ones: what something else does once a second is then in some, and not in all.
    let trials = lab.either(6, 24);
    let mut measured = Vec::new();
    let mut disturbances = Vec::new();
    for trial in 0..trials {
        let ask = Ask {
            // Independent arrivals: a metronome would meet its own answers again and again.
            kind: Kind::Poisson(1000),
            duration: Duration::from_millis(lab.either(250, 400)),
            clients: 8,
            seed: trial,
        };
        let mut runs = [Run::default(); 3];
        let mut is_quiet = true;
        let mut order: Vec<usize> = (0..ARMS.len()).collect();
        if trial % 2 == 1 {
            order.reverse();
        }
        for arm in order {
            let run = || lab.probe(Behaviour::Delay(ARMS[arm]), &ask);
            let seen: Seen = lab.quiet(run, |seen| seen)?;
            let response = seen.measurement.latencies.distribution(Which::Response);
            runs[arm] = Run {
                response: response.unwrap_or_default(),
                is_still: seen.waited < STILL,
            };
            is_quiet &= seen.disturbance().is_none();
            disturbances.extend(seen.disturbance());
        }
        // As in a run, a disturbed trial counts for nothing.
        if is_quiet {
            measured.push(runs);
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

/// From the runs of each trial.
fn judge(trials: &[[Run; 3]]) -> Vec<Row> {
    let mean: Figure = |response| response.mean_ns;
    let p50: Figure = |response| response.p50_ns as f64;
    let floor = median(trials.iter().map(|[floor, ..]| p50(&floor.response)));
    let mut rows = vec![
        Row::shown(NAME, "floor without delay, p50", us(floor), "us")
            .noted("subtracted from the figures below"),
    ];
    for (name, figure) in [("mean", mean), ("p50", p50)] {
        let above = trials
            .iter()
            .map(|[floor, delayed, _]| figure(&delayed.response) - figure(&floor.response));
        rows.push(constant(name, median(above), LIMIT));
    }
    rows.push(tail(trials));
    rows.extend(recovered(trials, p50));
    rows
}

/// p99 of the delay, of the runs in which no one was held up: a floor and a delay that stood still together are rare where something runs every second, so
/// each of the two has its own median.
fn tail(trials: &[[Run; 3]]) -> Row {
    let [floors, delayed] = [0, 1].map(|arm| -> Vec<f64> {
        let still = trials
            .iter()
            .map(|runs| runs[arm])
            .filter(|run| run.is_still);
        still.map(|run| run.response.p99_ns as f64).collect()
    });
    let note = format!(
        "of the {} of {} runs in which server and generator waited for their CPUs less than {STILL} % of the time",
        floors.len() + delayed.len(),
        2 * trials.len(),
    );
    let above = median(delayed.into_iter()) - median(floors.into_iter());
    constant("p99", above, TAIL_LIMIT).noted(note)
}

/// What was measured of the delay, nanoseconds, and the greatest error in percent.
fn constant(name: &str, measured: f64, limit: f64) -> Row {
    let what = format!("constant delay, {name}");
    Row::relative(NAME, what, ms(DELAY as f64), ms(measured), "ms", limit)
}

/// The added delay, from the differences of the trials.
fn recovered(trials: &[[Run; 3]], figure: Figure) -> [Row; 2] {
    let differences: Vec<f64> = trials
        .iter()
        .map(|[_, without, with]| figure(&with.response) - figure(&without.response))
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

    /// A run whose answers all take so long, and whose slowest hundredth takes `tail` more.
    fn run(value: f64, tail: f64) -> Run {
        Run {
            response: Distribution {
                mean_ns: value,
                p50_ns: value as u64,
                p99_ns: (value + tail) as u64,
                ..Distribution::default()
            },
            is_still: tail == 0.0,
        }
    }

    /// Trials with the delays so many times as long, and with another added one; in some something holds up the server.
    fn passed(scale: f64, added: f64) -> Vec<bool> {
        let trials: Vec<_> = (0..6)
            .map(|trial| {
                let floor = 80_000.0 + f64::from(trial) * 300.0;
                let jitter = f64::from(trial % 3) * 500.0;
                let delayed = floor + DELAY as f64 * scale;
                let held_up = if trial < 4 { 3e6 } else { 0.0 };
                [
                    run(floor, 0.0),
                    run(delayed, held_up),
                    run(delayed + added + jitter, held_up),
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
    }

    #[test]
    fn nothing_measured_is_a_miss() {
        assert!(!judge(&[])[1].passed);
        let held_up = [
            run(80_000.0, 0.0),
            run(10_080_000.0, 1.0),
            run(10_580_000.0, 1.0),
        ];
        let rows = judge(&[held_up]);
        assert!(rows[1].passed && !rows[3].passed, "{rows:?}");
    }
}
