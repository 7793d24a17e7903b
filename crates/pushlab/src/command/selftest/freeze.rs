//! A server that stands still, again and again: the test that tells coordinated omission from the truth.
//!
//! A server that freezes for S every P gives open arrivals P(latency > x) = (S - x) / P. A generator that waits for answers before it sends on, or
//! measures from when it got round to sending, sees one slow request a freeze instead.

use std::time::Duration;

use measure::latency::Distribution;
use measure::selftest::Row;
use measure::statistics::queue::freeze_quantile;
use measure::{Which, now};

use super::freezer::{Freeze, Freezer};
use super::lab::{Around, Ask, DISTURBED, Halt, Kind, Lab, Seen, ms};

const NAME: &str = "freeze";

/// Greatest error at each percentile, percent.
const LIMIT: f64 = 1.0;

/// The freezer may miss its own times by this share of a freeze; what it did in fact is the truth.
const EXACT: f64 = 0.01;

/// How often, how long.
#[derive(Clone, Copy, Debug)]
struct Shape {
    rate: u32,
    stop: Duration,
    every: Duration,
    freezes: u32,
}

/// METHOD's reference: 500/s, 1.5 s, 44 s with 4 freezes.
const FULL: Shape = Shape {
    rate: 500,
    stop: Duration::from_millis(1500),
    every: Duration::from_secs(11),
    freezes: 4,
};

const QUICK: Shape = Shape {
    rate: 1000,
    stop: Duration::from_millis(500),
    every: Duration::from_secs(2),
    freezes: 4,
};

/// The closed loop that shows what it would have said.
const CLOSED: Shape = Shape {
    rate: 0,
    stop: Duration::from_millis(500),
    every: Duration::from_secs(2),
    freezes: 1,
};

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let shape = lab.either(QUICK, FULL);
    let open = || frozen(lab, &shape, Kind::Constant(shape.rate));
    let (seen, froze) = lab.quiet(open, |(seen, _)| seen)?;
    let (closed, _) = frozen(lab, &CLOSED, Kind::Closed)?;
    let response = |seen: &Seen| seen.measurement.latencies.distribution(Which::Response);
    let mut rows = judge(
        &shape,
        response(&seen).unwrap_or_default(),
        seen.measurement.measured_s,
        &froze,
    );
    for row in &mut rows {
        *row = seen.vouch(row.clone());
    }
    let omitted = response(&closed).unwrap_or_default();
    let note = "a closed loop against the same server with the same freezes: coordinated omission would have reported this";
    rows.push(
        Row::shown(
            NAME,
            "p99 of a closed loop",
            ms(omitted.p99_ns as f64),
            "ms",
        )
        .noted(note),
    );
    Ok(rows)
}

/// Loads a real server that freezes, and says when it was frozen in fact.
fn frozen(lab: &Lab<'_>, shape: &Shape, kind: Kind) -> Result<(Seen, Vec<Freeze>), Halt> {
    let ask = Ask {
        kind,
        duration: shape.every * shape.freezes,
        clients: 20,
        seed: 1,
    };
    let server = lab.server(&ask)?;
    let mut freezer = Freezer::new(server.pid(), &lab.pins.server, lab.stop)?;
    let begun = Box::new(|| freezer.begin(shape.schedule(now())));
    let around = Around {
        begun: Some(begun),
        drain: None,
    };
    let seen = lab.real(&server, &ask, around)?;
    let froze = freezer.finish();
    server.stop()?;
    Ok((seen, froze))
}

impl Shape {
    /// Each freeze lies in the middle of its period, so that all are over long before the end.
    fn schedule(&self, begin: u64) -> Vec<Freeze> {
        let (stop, every) = (self.stop.as_nanos() as u64, self.every.as_nanos() as u64);
        // Each meets the metronome of arrivals at another phase, as if they came evenly.
        let phase = if self.rate == 0 {
            0
        } else {
            1_000_000_000 / u64::from(self.rate) / u64::from(self.freezes)
        };
        let freeze = |number: u64| {
            let from = begin + number * (every + phase) + (every - stop) / 2;
            Freeze {
                from,
                to: Some(from + stop),
            }
        };
        (0..u64::from(self.freezes)).map(freeze).collect()
    }
}

/// Compares the percentiles of a window of `seconds` with the law.
fn judge(shape: &Shape, measured: Distribution, seconds: f64, froze: &[Freeze]) -> Vec<Row> {
    let stop = ms(shape.stop.as_nanos() as f64);
    let times = froze
        .iter()
        .map(|freeze| ms((freeze.to.unwrap_or(freeze.from) - freeze.from) as f64));
    let mean = times.sum::<f64>() / froze.len() as f64;
    let off = !((mean / stop - 1.0).abs() < EXACT && froze.len() == shape.freezes as usize);
    let note = format!("frozen {} times, for {mean:.2} ms on average", froze.len());
    [
        ("p90", 0.9, measured.p90_ns),
        ("p95", 0.95, measured.p95_ns),
        ("p99", 0.99, measured.p99_ns),
        ("p99.9", 0.999, measured.p999_ns),
    ]
    .map(|(name, quantile, measured)| {
        let truth = freeze_quantile(quantile, mean, seconds * 1e3 / froze.len() as f64);
        let row = Row::relative(NAME, name, truth, ms(measured as f64), "ms", LIMIT);
        if off {
            let row = Row {
                passed: false,
                ..row
            };
            row.noted(format!("{DISTURBED}: {note} instead of {stop} ms"))
        } else {
            row.noted(note.clone())
        }
    })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentiles(change: f64) -> Distribution {
        let ns = |ms: f64| (ms * change * 1e6) as u64;
        Distribution {
            p90_ns: ns(400.0),
            p95_ns: ns(950.0),
            p99_ns: ns(1390.0),
            p999_ns: ns(1489.0),
            ..Distribution::default()
        }
    }

    fn passed(measured: Distribution, froze: &[Freeze]) -> Vec<bool> {
        judge(&FULL, measured, 44.0, froze)
            .iter()
            .map(|row| row.passed)
            .collect()
    }

    #[test]
    fn the_law_passes_and_an_omission_does_not() {
        let exact = FULL.schedule(0);
        assert_eq!(passed(percentiles(1.0), &exact), [true; 4]);
        assert_eq!(passed(percentiles(1.02), &exact), [false; 4]);
        assert_eq!(passed(percentiles(0.98), &exact), [false; 4]);
        let omitted = Distribution {
            p99_ns: 3_000_000,
            ..percentiles(1.0)
        };
        assert_eq!(passed(omitted, &exact), [true, true, false, true]);
        assert_eq!(passed(Distribution::default(), &exact), [false; 4]);
    }

    #[test]
    fn a_freezer_that_missed_its_times_proves_nothing() {
        let exact = FULL.schedule(0);
        assert_eq!(passed(percentiles(1.0), &exact[1..]), [false; 4]);
        assert_eq!(passed(percentiles(1.0), &[]), [false; 4]);
        let long: Vec<Freeze> = exact
            .iter()
            .map(|freeze| Freeze {
                to: freeze.to.map(|to| to + 20_000_000),
                ..*freeze
            })
            .collect();
        assert_eq!(passed(percentiles(1.0), &long), [false; 4]);
    }

    #[test]
    fn all_freezes_lie_inside_the_window() {
        for shape in [FULL, QUICK, CLOSED] {
            let end = (shape.every * shape.freezes).as_nanos() as u64;
            let schedule = shape.schedule(0);
            assert_eq!(schedule.len(), shape.freezes as usize);
            assert!(
                schedule
                    .windows(2)
                    .all(|pair| pair[0].to < Some(pair[1].from))
            );
            let last = schedule.last().and_then(|freeze| freeze.to).unwrap();
            assert!(last + shape.stop.as_nanos() as u64 <= end);
        }
    }
}
