//! The network between: what its relay does to bytes on real sockets, against what it was asked.
//!
//! Both ends are this thread's, which does nothing but send, read and look at the clock, so that its own waking up is no part of a delay. The relay
//! is a process of its own on the server's CPU, as in a run. Nothing is subtracted: two passes through loopback are within the limits.

use std::time::Duration;

use measure::selftest::Row;
use scenario::{JitterLaw, Path};

use super::lab::{Halt, Lab, ms, us};
use super::law;
use super::waits::{self, Judged, STILL};
use super::wire::{DOWN, UP, Wire, flood, travel};

const NAME: &str = "link";

/// What a delay may be off: so much, and a share of itself. Nanoseconds.
const OFF: f64 = 100_000.0;
const OFF_SHARE: f64 = 0.01;
/// What a message may take where there is no delay. The relay looks out for what is due soon, but for what passes at once it has to be woken, and
/// so has the reader: that is the machine's time. Nanoseconds.
const OFF_WOKEN: f64 = 200_000.0;

/// Delays to hold, nanoseconds.
const DELAYS: [u64; 3] = [0, 5_000_000, 50_000_000];

/// Mean and standard deviation of a delay with jitter, nanoseconds.
const MEAN: u64 = 20_000_000;
const DEVIATION: u64 = 2_000_000;

/// Messages of a fifth of a second, which count together or not at all.
const BLOCK: usize = 400;

/// Bandwidths to hold, bits a second: up, down.
const BANDWIDTHS: [f64; 2] = [10e6, 100e6];

/// Greatest error of a bandwidth, percent.
const BANDWIDTH_LIMIT: f64 = 2.0;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let mut rows = Vec::new();
    for delay in DELAYS {
        rows.extend(waits::quiet(lab, || delays(lab, delay))?);
    }
    for law in [JitterLaw::Normal, JitterLaw::Exponential] {
        rows.extend(waits::quiet(lab, || jitter(lab, law))?);
    }
    rows.extend(waits::quiet(lab, || bandwidths(lab))?);
    Ok(rows)
}

/// Small messages through a constant delay, each way.
///
/// The median is compared: it says what the relay does, and the tail how long the machine takes to wake a CPU, which a row shows. That time has its good and
/// its bad seconds, and is never negative: of a few blocks, the quickest is nearest to the relay's own.
fn delays(lab: &Lab<'_>, delay: u64) -> Result<Judged, Halt> {
    let path = Path {
        delay: Duration::from_nanos(delay),
        ..Path::CLEAR
    };
    let mut wire = Wire::new(lab, path, path)?;
    let pairs = wire.pairs(1)?;
    let off = if delay == 0 { OFF_WOKEN } else { OFF };
    let limit = |off| us(off + OFF_SHARE * delay as f64);
    let (blocks, count) = lab.either((3, 20), (8, 50));
    let mut rows = Vec::new();
    let mut medians = [0.0; 2];
    wire.forget();
    for (way, name) in [(UP, "up"), (DOWN, "down")] {
        let mut seen = Vec::new();
        let mut quickest = f64::INFINITY;
        for _ in 0..blocks {
            let block = sorted(travel(lab, &pairs, way, count, 4_000_000)?);
            quickest = quickest.min(quantile(&block, 0.5));
            seen.extend(block);
        }
        let seen = sorted(seen);
        medians[way] = quantile(&seen, 0.5);
        let what = format!("{} ms {name}, p50 of {count} messages", ms(delay as f64));
        let row = Row::absolute(NAME, what, us(delay as f64), us(quickest), "us", limit(off));
        rows.push(row.noted(format!(
            "{:.0} us and 1 %; the quickest of {blocks} blocks, of all together p50 is {:.0} us more and p99 {:.0} us",
            us(off),
            us(medians[way] - quickest),
            us(quantile(&seen, 0.99) - quickest)
        )));
    }
    let (told, disturbance) = wire.end()?;
    for (way, name, told) in [(UP, "up", told.up), (DOWN, "down", told.down)] {
        let own = told.delay.map_or(f64::NAN, |delay| delay.p50_ns as f64);
        let what = format!("{} ms {name}, as the link itself tells", ms(delay as f64));
        // Until it is woken, it doesn't know of a message.
        let limit = limit(OFF_WOKEN);
        rows.push(Row::absolute(
            NAME,
            what,
            us(medians[way]),
            us(own),
            "us",
            limit,
        ));
    }
    Ok((rows, disturbance))
}

fn sorted(mut delays: Vec<f64>) -> Vec<f64> {
    delays.sort_by(f64::total_cmp);
    delays
}

/// Of sorted delays; not a number if there are none.
fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    law::quantile(sorted, quantile).unwrap_or(f64::NAN)
}

/// Mean and standard deviation of delays with jitter. Messages go round over many connections, so that none waits for the one before it.
fn jitter(lab: &Lab<'_>, law: JitterLaw) -> Result<Judged, Halt> {
    let path = Path {
        delay: Duration::from_nanos(MEAN),
        jitter: Duration::from_nanos(DEVIATION),
        law,
        ..Path::CLEAR
    };
    let mut wire = Wire::new(lab, path, path)?;
    let pairs = wire.pairs(64)?;
    let mut seen = Vec::new();
    let mut left_out = 0;
    let blocks = lab.either(3, 20);
    while seen.len() < blocks * BLOCK && left_out < 2 * blocks {
        let waits = wire.waits();
        let block = travel(lab, &pairs, UP, BLOCK, 500_000)?;
        if waits.most().1 < STILL {
            seen.extend(block);
        } else {
            left_out += 1;
        }
    }
    let (_, disturbance) = wire.end()?;
    let [mean, deviation] = judge_jitter(law, &seen);
    let deviation = deviation.noted(format!(
        "{left_out} blocks of {BLOCK} left out, in which link or self-test waited at least {STILL} % of the time for a CPU"
    ));
    Ok((vec![mean, deviation], disturbance))
}

/// The deviation is that of the law which spreads as far from its first to its last decile. Something that takes a CPU for some milliseconds every second
/// hardly moves those; squared distances from the mean it would rule.
fn judge_jitter(law: JitterLaw, seen: &[f64]) -> [Row; 2] {
    let count = seen.len() as f64;
    let mean = seen.iter().sum::<f64>() / count;
    let sorted = sorted(seen.to_vec());
    let [low, high] = [0.1, 0.9].map(|q| quantile(&sorted, q));
    let (spread, error) = deciles(law);
    let deviation = (high - low) / spread;
    // Once in a thousand times.
    let chance = 3.29 * error / spread / count.sqrt();
    let name = law.name();
    let limit = us(OFF + OFF_SHARE * MEAN as f64);
    [
        Row::absolute(
            NAME,
            format!("{name} jitter, mean"),
            us(MEAN as f64),
            us(mean),
            "us",
            limit,
        ),
        Row::relative(
            NAME,
            format!("{name} jitter, standard deviation"),
            us(DEVIATION as f64),
            us(deviation),
            "us",
            100.0 * chance,
        )
        .noted(format!(
            "from p10 to p90; what chance allows {count} draws, once in 1000"
        )),
    ]
}

/// How far a law with the standard deviation 1 spreads from p10 to p90, and the standard error of that of `n` draws times `sqrt(n)`. With the density `f` at
/// the two quantiles it is `sqrt(0.09 / f(p10)^2 + 0.09 / f(p90)^2 - 0.02 / (f(p10) f(p90)))` (Mosteller 1946, quantiles of large samples).
fn deciles(law: JitterLaw) -> (f64, f64) {
    let root = 3_f64.sqrt();
    let (spread, [low, high]) = match law {
        // At 1.28155 deviations from the mean.
        JitterLaw::Normal => (2.0 * 1.281_551_6, [0.175_498_3; 2]),
        // Between -sqrt(3) and sqrt(3).
        JitterLaw::Uniform => (0.8 * 2.0 * root, [0.5 / root; 2]),
        // The density is the share that lies beyond.
        JitterLaw::Exponential => (9_f64.ln(), [0.9, 0.1]),
    };
    let squares = 0.09 / (low * low) + 0.09 / (high * high) - 0.02 / (low * high);
    (spread, squares.sqrt())
}

/// As many bytes as go, one way after the other.
fn bandwidths(lab: &Lab<'_>) -> Result<Judged, Halt> {
    let [up, down] = BANDWIDTHS.map(|bandwidth| Path {
        bandwidth: Some(bandwidth),
        ..Path::CLEAR
    });
    let mut wire = Wire::new(lab, up, down)?;
    let pairs = wire.pairs(1)?;
    wire.forget();
    let seconds = lab.either(600_000_000, 4_000_000_000);
    let rates = [
        flood(lab, &pairs, UP, seconds)?,
        flood(lab, &pairs, DOWN, seconds)?,
    ];
    let (told, disturbance) = wire.end()?;
    let told = [told.up, told.down].map(|way| way.busy_bit_per_s.unwrap_or(f64::NAN));
    let mut rows = Vec::new();
    for ((truth, rate), told) in BANDWIDTHS.into_iter().zip(rates).zip(told) {
        let shown = truth / 1e6;
        for (what, measured) in [
            (format!("{shown} Mbit/s, bytes as they arrive"), rate),
            (format!("{shown} Mbit/s, as the link itself tells"), told),
        ] {
            let (truth, measured) = (truth / 1e6, measured / 1e6);
            rows.push(Row::relative(
                NAME,
                what,
                truth,
                measured,
                "Mbit/s",
                BANDWIDTH_LIMIT,
            ));
        }
    }
    Ok((rows, disturbance))
}

#[cfg(test)]
mod tests {
    use link::Dice;

    use super::*;

    /// Delays drawn with another mean and deviation than the true ones, while a machine stands still for 7 ms each second.
    fn judged(law: JitterLaw, mean: u64, deviation: u64) -> [bool; 2] {
        let path = Path {
            delay: Duration::from_nanos(mean),
            jitter: Duration::from_nanos(deviation),
            law,
            ..Path::CLEAR
        };
        let mut dice = Dice::new(&path, 11);
        let seen: Vec<f64> = (0..2_000)
            .map(|number| {
                // A message each half a millisecond.
                let held_up = 7_000_000_u64.saturating_sub(number % 2_000 * 500_000);
                (dice.delay() + held_up) as f64
            })
            .collect();
        let rows = judge_jitter(law, &seen);
        [rows[0].passed, rows[1].passed]
    }

    #[test]
    fn a_wrong_mean_or_deviation_is_a_miss() {
        for law in [
            JitterLaw::Normal,
            JitterLaw::Uniform,
            JitterLaw::Exponential,
        ] {
            assert_eq!(judged(law, MEAN, DEVIATION), [true, true], "{law:?}");
            assert_eq!(
                judged(law, MEAN + 600_000, DEVIATION),
                [false, true],
                "{law:?}"
            );
            assert_eq!(
                judged(law, MEAN, DEVIATION * 5 / 4),
                [true, false],
                "{law:?}"
            );
        }
    }

    /// The limits are what chance does: of many samples of draws, the deviation is off by as much as the formula says.
    #[test]
    fn the_standard_error_is_that_of_the_draws() {
        for law in [
            JitterLaw::Normal,
            JitterLaw::Uniform,
            JitterLaw::Exponential,
        ] {
            let path = Path {
                delay: Duration::from_nanos(MEAN),
                jitter: Duration::from_nanos(DEVIATION),
                law,
                ..Path::CLEAR
            };
            let mut dice = Dice::new(&path, 5);
            let (spread, error) = deciles(law);
            let mut off = Vec::new();
            for _ in 0..400 {
                let seen = sorted((0..1_000).map(|_| dice.delay() as f64).collect());
                let [low, high] = [0.1, 0.9].map(|q| quantile(&seen, q));
                off.push((high - low) / DEVIATION as f64 - spread);
            }
            let mean_square = off.iter().map(|off| off * off).sum::<f64>() / 400.0;
            let found = (mean_square * 1_000.0).sqrt();
            assert!(
                (found / error - 1.0).abs() < 0.12,
                "{law:?}: {found} {error}"
            );
        }
    }
}
