//! What the histograms say against every single sample.

use std::time::Duration;

use measure::selftest::Row;
use measure::{Stamp, Which};

use super::lab::{Around, Ask, Halt, Kind, Lab};
use super::law;

const NAME: &str = "histogram";

/// Three significant digits, percent.
const LIMIT: f64 = 0.1;

const QUANTILES: [f64; 6] = [0.5, 0.9, 0.95, 0.99, 0.999, 1.0];

/// One of the three latencies of a request, as a stamp has it.
type Read = fn(&Stamp) -> u64;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let ask = Ask {
        kind: Kind::Poisson(2000),
        duration: lab.either(Duration::from_secs(1), Duration::from_secs(5)),
        clients: 20,
        seed: 20,
    };
    let server = lab.server(&ask)?;
    let seen = lab.real(&server, &ask, Around::default())?;
    server.stop()?;
    let latencies: [(Which, Read); 3] = [
        (Which::Response, Stamp::response),
        (Which::Service, Stamp::service),
        (Which::SendDelay, Stamp::send_delay),
    ];
    let rows = latencies.map(|(which, read)| {
        let histogram = seen.measurement.latencies.total(which);
        let told = QUANTILES.map(|quantile| histogram.value_at_quantile(quantile));
        judge(
            which.name(),
            seen.stamps.iter().map(read).collect(),
            histogram.len(),
            told,
        )
    });
    Ok(rows.concat())
}

/// Compares what the histogram told at [`QUANTILES`] with the raw samples.
fn judge(name: &str, mut raw: Vec<u64>, count: u64, told: [u64; 6]) -> Vec<Row> {
    raw.sort_unstable();
    let pairs = QUANTILES.iter().zip(told).map(|(&quantile, told)| {
        let exact = law::quantile(&raw, quantile).map_or(f64::NAN, |value| value as f64);
        (quantile, exact, told as f64)
    });
    let error = |&(_, exact, told): &(f64, f64, f64)| (told - exact).abs() / exact.max(1.0);
    let worst = pairs.max_by(|a, b| error(a).total_cmp(&error(b)));
    let (quantile, exact, told) = worst.unwrap_or((f64::NAN, f64::NAN, f64::NAN));
    let place = format!(
        "worst of p50, p90, p95, p99, p99.9 and max: p{}",
        quantile * 100.0
    );
    vec![
        Row::absolute(
            NAME,
            format!("samples of {name}"),
            raw.len() as f64,
            count as f64,
            "",
            0.0,
        ),
        Row::relative(
            NAME,
            format!("{name}, against the sorted raw samples"),
            exact / 1e3,
            told / 1e3,
            "us",
            LIMIT,
        )
        .noted(place),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(scale: f64, lost: u64) -> [bool; 2] {
        let raw: Vec<u64> = (1..=5000).rev().map(|number| number * 97).collect();
        let mut histogram = measure::latency::histogram::<u64>();
        for value in &raw {
            histogram.record((*value as f64 * scale) as u64).unwrap();
        }
        let told = QUANTILES.map(|quantile| histogram.value_at_quantile(quantile));
        let rows = judge("response", raw, histogram.len() - lost, told);
        [rows[0].passed, rows[1].passed]
    }

    #[test]
    fn three_digits_pass_and_less_does_not() {
        assert_eq!(passed(1.0, 0), [true, true]);
        assert_eq!(passed(1.01, 0), [true, false]);
        assert_eq!(passed(1.0, 1), [false, true]);
        let nothing = judge("response", Vec::new(), 0, [0; 6]);
        assert!(!nothing[1].passed);
    }
}
