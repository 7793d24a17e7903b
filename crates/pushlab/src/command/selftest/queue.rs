//! Queues whose answers are known twice: on average from a formula, and exactly from the sample path.
//!
//! One client sends at Poisson times to one server with a FIFO queue. The formula holds for endless runs, so a run's distance from it is limited
//! by chance; Lindley's recursion over the very schedule and the very services says what this run must show, and allows next to nothing.

use std::time::Duration;

use measure::selftest::Row;
use measure::{Little, Which};

use super::lab::{Ask, Halt, Kind, Lab, Seen, ms, us};
use super::law::{self, Service};
use super::probe::Behaviour;

const NAME: &str = "queue";

/// Mean service, nanoseconds, and arrivals a second: the server is busy for half of the time. The service is long beside what a virtual
/// processor that slept takes to wake (0.3 ms one time in twenty, up to 2.8 ms): that is the machine's delay and not the lab's.
const SERVICE: u64 = 10_000_000;
const RATE: u32 = 50;

/// Greatest error against the sample path, percent.
const PATH_LIMIT: f64 = 2.0;

/// Greatest difference between the two sides of Little's law, percent.
const LITTLE_LIMIT: f64 = 5.0;

/// Simulated runs from which the sampling error is taken.
const RUNS: u64 = 1000;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let ask = |seed| Ask {
        kind: Kind::Poisson(RATE),
        duration: lab.either(Duration::from_secs(8), Duration::from_secs(25)),
        clients: 1,
        seed,
    };
    let floor_ask = Ask {
        duration: lab.either(Duration::from_secs(1), Duration::from_secs(3)),
        ..ask(10)
    };
    let floor = lab.quiet(
        || lab.probe(Behaviour::Delay(SERVICE), &floor_ask),
        |seen: &Seen| seen,
    )?;
    // Of answers that come as late as those of the queue: they meet a generator that has gone idle, which those without a delay don't.
    // The mean, for every figure: a small delay that varies shifts the percentiles of a broad distribution by its mean too.
    let floor = floor.measurement.latencies.total(Which::Response).mean() - SERVICE as f64;
    let mut rows = vec![
        Row::shown(NAME, "floor of a known delay, mean", us(floor), "us")
            .noted("subtracted from the figures below"),
    ];
    let queues = [
        ("M/D/1", Service::Constant(SERVICE), 11),
        ("M/M/1", Service::Exponential(SERVICE, 0x006d_2f6d_2f31), 12),
    ];
    for (name, service, seed) in queues {
        let ask = ask(seed);
        let seen = lab.quiet(
            || lab.probe(Behaviour::Queue(service), &ask),
            |seen: &Seen| seen,
        )?;
        let arrivals: Vec<u64> = seen.sends.iter().map(|(intended, _)| *intended).collect();
        let response = seen.measurement.latencies.total(Which::Response);
        let measured = Figures {
            mean: response.mean(),
            p90: response.value_at_quantile(0.9) as f64,
            p99: response.value_at_quantile(0.99) as f64,
        };
        let judged = judge(
            name,
            service,
            &arrivals,
            measured.above(floor),
            seen.measurement.little,
        );
        rows.extend(judged.into_iter().map(|row| seen.vouch(row)));
    }
    Ok(rows)
}

/// Response times, nanoseconds. The median is none of them: in M/D/1 it lies at the edge of the half that doesn't wait, where a delay of
/// microseconds moves it by hundreds.
#[derive(Clone, Copy, Debug)]
struct Figures {
    mean: f64,
    p90: f64,
    p99: f64,
}

impl Figures {
    fn above(self, floor: f64) -> Self {
        Self {
            mean: self.mean - floor,
            p90: self.p90 - floor,
            p99: self.p99 - floor,
        }
    }

    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let quantile = |quantile| law::quantile(&values, quantile).map_or(f64::NAN, |v| v as f64);
        Self {
            mean: values.iter().sum::<u64>() as f64 / values.len() as f64,
            p90: quantile(0.9),
            p99: quantile(0.99),
        }
    }
}

fn judge(
    name: &str,
    service: Service,
    arrivals: &[u64],
    measured: Figures,
    little: Option<Little>,
) -> Vec<Row> {
    let path = Figures::of(law::path(arrivals, service));
    let rate = f64::from(RATE);
    let mut rows: Vec<Row> = [
        ("mean", path.mean, measured.mean),
        ("p90", path.p90, measured.p90),
        ("p99", path.p99, measured.p99),
    ]
    .map(|(figure, truth, measured)| {
        let what = format!("{name}, {figure}, against the sample path");
        Row::relative(NAME, what, ms(truth), ms(measured), "ms", PATH_LIMIT)
    })
    .into();
    let formula = service.mean_response(rate);
    let chance = service.sampling_error(rate, arrivals.len() as u64, RUNS);
    rows.push(
        Row::relative(
            NAME,
            format!("{name}, mean, against the formula"),
            ms(formula),
            ms(measured.mean),
            "ms",
            chance / formula * 100.0,
        )
        .noted(format!(
            "limit: what chance allows {} arrivals in 99.9 % of {RUNS} simulated runs",
            arrivals.len()
        )),
    );
    let little = little.unwrap_or(Little {
        in_flight_mean: f64::NAN,
        throughput_times_stay: f64::NAN,
    });
    rows.push(Row::relative(
        NAME,
        format!("{name}, Little's law: in flight against X R"),
        little.throughput_times_stay,
        little.in_flight_mean,
        "",
        LITTLE_LIMIT,
    ));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(scale: f64, in_flight: f64) -> Vec<bool> {
        let arrivals: Vec<u64> = (0..3000)
            .map(|number| number * 20_000_000 + law::uniform(number) % 35_000_000)
            .collect();
        let mut arrivals = arrivals;
        arrivals.sort_unstable();
        let service = Service::Exponential(SERVICE, 3);
        let path = Figures::of(law::path(&arrivals, service));
        let measured = Figures {
            mean: path.mean * scale,
            p90: path.p90 * scale,
            p99: path.p99 * scale,
        };
        let little = Little {
            in_flight_mean: in_flight,
            throughput_times_stay: 1.0,
        };
        judge("M/M/1", service, &arrivals, measured, Some(little))
            .iter()
            .map(|row| row.passed)
            .collect()
    }

    #[test]
    fn a_wrong_sample_is_a_miss() {
        let right = passed(1.0, 1.01);
        assert_eq!(
            (right[0], right[1], right[2], right[4]),
            (true, true, true, true)
        );
        let wrong = passed(1.03, 1.1);
        assert_eq!(
            (wrong[0], wrong[1], wrong[2], wrong[4]),
            (false, false, false, false)
        );
        assert!(!passed(3.0, 1.0)[3], "three times the formula is no chance");
        let nothing = Figures {
            mean: f64::NAN,
            p90: f64::NAN,
            p99: f64::NAN,
        };
        let rows = judge("M/D/1", Service::Constant(SERVICE), &[], nothing, None);
        assert!(rows.iter().all(|row| !row.passed));
    }
}
