//! When messages were sent in fact, against the law of the schedule.

use std::time::Duration;

use measure::Slip;
use measure::selftest::Row;
use measure::statistics::kolmogorov_smirnov;

use super::lab::{Around, Ask, Halt, Kind, Lab, Seen, us};
use super::law;

const NAME: &str = "send-times";

/// The greatest 99th percentile of the slip, microseconds.
const SLIP_LIMIT: f64 = 100.0;

/// The distance that samples of a fully known law exceed in 1 % of cases, times the root of their number (Kolmogorov's limit law).
const KOLMOGOROV_1_PERCENT: f64 = 1.6276;

/// A second: so few that two messages seldom come within the time that it takes to send one, which the law knows nothing of.
const POISSON: u32 = 250;
const METRONOME: u32 = 10_000;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let poisson = Ask {
        kind: Kind::Poisson(POISSON),
        duration: lab.either(Duration::from_secs(2), Duration::from_secs(10)),
        clients: 20,
        seed: 30,
    };
    let metronome = Ask {
        kind: Kind::Constant(METRONOME),
        duration: lab.either(Duration::from_secs(2), Duration::from_secs(5)),
        clients: 50,
        seed: 31,
    };
    let server = lab.server(&metronome)?;
    let run = |ask: &Ask| {
        lab.quiet(
            || lab.real(&server, ask, Around::default()),
            |seen: &Seen| seen,
        )
    };
    let (random, even) = (run(&poisson)?, run(&metronome)?);
    server.stop()?;
    let mut rows = vec![random.vouch(judge_poisson(&random.sends))];
    let expected = f64::from(METRONOME) * metronome.duration.as_secs_f64();
    let slip = even.measurement.slip.unwrap_or_default();
    let judged = judge_metronome(&even.sends, expected, slip);
    rows.extend(judged.into_iter().map(|row| match row.unit.as_str() {
        // A count is right or wrong on any machine.
        "" => row,
        _ => even.vouch(row),
    }));
    Ok(rows)
}

fn judge_poisson(sends: &[(u64, u64)]) -> Row {
    let gaps: Vec<f64> = sends
        .windows(2)
        .map(|pair| (pair[1].1 - pair[0].1) as f64 / 1e9)
        .collect();
    let count = gaps.len();
    let law = |gap: f64| 1.0 - (-gap * f64::from(POISSON)).exp();
    let fit = kolmogorov_smirnov(&gaps, law);
    let row = Row::absolute(
        NAME,
        "Poisson: distance of the gaps from the exponential law",
        0.0,
        fit.map_or(f64::NAN, |fit| fit.statistic),
        "",
        KOLMOGOROV_1_PERCENT / (count as f64).sqrt(),
    );
    let p = fit.map_or(0.0, |fit| fit.p);
    row.noted(format!(
        "Kolmogorov and Smirnov at 1 %, {count} gaps between sends, p = {p:.2}"
    ))
}

fn judge_metronome(sends: &[(u64, u64)], expected: f64, slip: Slip) -> Vec<Row> {
    let mut sends = sends.to_vec();
    sends.sort_unstable();
    let first = sends.first().map_or(0, |(intended, _)| *intended);
    let mut late: Vec<f64> = sends
        .iter()
        .enumerate()
        .map(|(number, (_, sent))| {
            let since = (sent - first) as f64;
            (since - number as f64 * 1e9 / f64::from(METRONOME)).abs()
        })
        .collect();
    late.sort_by(f64::total_cmp);
    let late = law::quantile(&late, 0.99).unwrap_or(f64::NAN);
    let rate = format!("{METRONOME} a second");
    vec![
        Row::absolute(
            NAME,
            format!("{rate}: sends"),
            expected,
            sends.len() as f64,
            "",
            0.0,
        ),
        Row::at_most(
            NAME,
            format!("{rate}: off the metronome, p99"),
            0.0,
            us(late),
            "us",
            SLIP_LIMIT,
        ),
        Row::shown(
            NAME,
            format!("{rate}: slip, p50"),
            us(slip.p50_ns as f64),
            "us",
        ),
        Row::at_most(
            NAME,
            format!("{rate}: slip, p99"),
            0.0,
            us(slip.p99_ns as f64),
            "us",
            SLIP_LIMIT,
        ),
        Row::shown(
            NAME,
            format!("{rate}: slip, max"),
            us(slip.max_ns as f64),
            "us",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::selftest::law::Service;

    /// Sends at the times of a Poisson process whose gaps are at least `least` nanoseconds.
    fn poisson(least: u64) -> Vec<(u64, u64)> {
        let gap = Service::Exponential(1_000_000_000 / u64::from(POISSON), 4);
        let mut at = 0;
        (0..4000)
            .map(|number| {
                at += gap.of(number).max(least);
                (at, at)
            })
            .collect()
    }

    #[test]
    fn bunched_sends_are_no_poisson_process() {
        assert!(judge_poisson(&poisson(0)).passed);
        assert!(!judge_poisson(&poisson(400_000)).passed);
        assert!(!judge_poisson(&[]).passed);
    }

    #[test]
    fn late_or_missing_sends_are_a_miss() {
        let sends = |late: u64| -> Vec<(u64, u64)> {
            (0..1000)
                .map(|number| {
                    let at = 7 + number * 100_000;
                    (at, at + if number % 20 == 0 { late } else { 1000 })
                })
                .collect()
        };
        let slip = |p99_us: u64| Slip {
            p50_ns: 100,
            p99_ns: p99_us * 1000,
            max_ns: p99_us * 2000,
        };
        let passed = |late, expected, p99| -> Vec<bool> {
            judge_metronome(&sends(late), expected, slip(p99))
                .iter()
                .map(|row| row.passed)
                .collect()
        };
        assert_eq!(passed(5000, 1000.0, 20), [true; 5]);
        assert_eq!(passed(200_000, 1000.0, 20), [true, false, true, true, true]);
        assert_eq!(passed(5000, 1001.0, 120), [false, true, true, false, true]);
    }
}
