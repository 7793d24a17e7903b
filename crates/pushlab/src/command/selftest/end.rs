//! A run that ends while its server stands still: what never came must not vanish.

use std::time::Duration;

use measure::selftest::Row;
use measure::statistics::queue::freeze_quantile;
use measure::{Counts, Which, now};

use super::freezer::{Freeze, Freezer};
use super::lab::{Around, Ask, Halt, Kind, Lab, ms, vouch};

const NAME: &str = "end-in-freeze";

/// Greatest difference between the censored and the arrivals of the freeze, and between the recorded p99 and the law's, percent.
const LIMIT: f64 = 1.0;

const RATE: u32 = 1000;
const DRAIN: Duration = Duration::from_millis(400);

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let ask = Ask {
        kind: Kind::Constant(RATE),
        duration: lab.either(Duration::from_secs(2), Duration::from_secs(4)),
        clients: 10,
        seed: 2,
    };
    let server = lab.server(&ask)?;
    let mut freezer = Freezer::new(server.pid(), &lab.pins.server, lab.stop)?;
    let half = ask.duration.as_nanos() as u64 / 2;
    let begun = Box::new(|| {
        freezer.begin(vec![Freeze {
            from: now() + half,
            to: None,
        }]);
    });
    let around = Around {
        begun: Some(begun),
        drain: Some(DRAIN),
    };
    let seen = lab.real(&server, &ask, around)?;
    let froze = freezer.finish();
    server.stop()?;
    let from = froze.first().map_or(u64::MAX, |freeze| freeze.from);
    let start = seen.sends.first().map_or(0, |(intended, _)| *intended);
    let response = seen.measurement.latencies.total(Which::Response);
    // Requests that are never answered stay in flight and have no time of stay.
    let disturbance = seen.disturbance_but("littles-law");
    let rows = judge(&Ended {
        counts: seen.measurement.counts,
        arrivals: seen.sends.iter().filter(|(_, sent)| *sent >= from).count() as u64,
        window: ms(ask.duration.as_nanos() as f64),
        rest: ms((start + ask.duration.as_nanos() as u64).saturating_sub(from) as f64),
        p99: ms(response.value_at_quantile(0.99) as f64),
    });
    let vouched = rows.into_iter().map(|row| match row.unit.as_str() {
        // A count is right or wrong on any machine.
        "" => row,
        _ => vouch(row, disturbance.clone()),
    });
    Ok(vouched.collect())
}

/// What came of the run. Times in milliseconds.
struct Ended {
    counts: Counts,
    /// Requests that were sent after the server had stopped.
    arrivals: u64,
    window: f64,
    /// From the freeze to the end of the window.
    rest: f64,
    p99: f64,
}

fn judge(ended: &Ended) -> Vec<Row> {
    let counts = &ended.counts;
    let (drain, censored) = (ms(DRAIN.as_nanos() as f64), counts.censored as f64);
    // Whoever came in the freeze has waited for the rest of it and the drain when the run gives up.
    let law = freeze_quantile(0.99, drain + ended.rest, ended.window);
    vec![
        Row::absolute(
            NAME,
            "completed and censored, of all intended",
            counts.intended as f64,
            counts.completed as f64 + censored,
            "",
            0.0,
        ),
        Row::relative(
            NAME,
            "censored, of those sent in the freeze",
            ended.arrivals as f64,
            censored,
            "",
            LIMIT,
        ),
        Row::relative(NAME, "p99, at least so long", law, ended.p99, "ms", LIMIT),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(change: impl FnOnce(&mut Ended)) -> Vec<bool> {
        let mut ended = Ended {
            counts: Counts {
                intended: 2000,
                sent: 2000,
                completed: 1000,
                censored: 1000,
                ..Counts::default()
            },
            arrivals: 1000,
            window: 2000.0,
            rest: 1000.0,
            p99: 1380.0,
        };
        change(&mut ended);
        judge(&ended).iter().map(|row| row.passed).collect()
    }

    #[test]
    fn nothing_may_vanish() {
        assert_eq!(passed(|_| {}), [true, true, true]);
        assert_eq!(passed(|e| e.counts.completed = 999), [false, true, true]);
        assert_eq!(passed(|e| e.counts.censored = 900), [false, false, true]);
        assert_eq!(passed(|e| e.p99 = 3.0), [true, true, false]);
        assert_eq!(passed(|e| e.arrivals = 0), [true, false, true]);
    }
}
