//! The charts of a run, each from its files alone. One kind a file.
//!
//! | module | shows |
//! | --- | --- |
//! | `trials` | what the scenario asks about, trial by trial, with median and interval |
//! | `percentiles` | latency by percentile, each further nine as wide as the one before |
//! | `correction` | the same from the schedule and from the send: what coordinated omission would have hidden |
//! | `distribution` | how latencies are spread |
//! | `time` | latency second by second |
//! | `bytes` | bytes a message at each layer |
//! | `costs` | CPU time a message, memory a connection |
//! | `sweep` | a figure against the axis of a sweep, with its band |
//! | `throughput` | latency against throughput |
//! | `crossover` | which arm is lowest, where, by how much |
//! | `search` | where a promise is kept |

mod bytes;
mod correction;
mod costs;
mod crossover;
mod custom;
mod distribution;
mod percentiles;
mod search;
mod sweep;
mod throughput;
mod time;
mod trials;

use measure::summary::{Arm, Spread};

use crate::chart::Chart;
use crate::figure::{Kind, range};
use crate::run::Run;

pub(crate) use custom::custom;
pub use custom::{CustomError, Kind as CustomKind, Wanted};
pub(crate) use trials::asked;

/// All charts that the run has figures for, in the order in which a reader wants them.
pub(crate) fn all(run: &Run) -> Vec<Chart> {
    let points = 0..run.summary().points.len();
    let mut charts = Vec::new();
    charts.extend(search::charts(run));
    charts.extend(crossover::charts(run));
    charts.extend(sweep::charts(run));
    charts.extend(throughput::chart(run));
    // A search visits each arm's own points: at one of them there is nothing to compare.
    if run.summary().searches.is_empty() {
        let kinds: [fn(&Run, usize) -> Option<Chart>; 8] = [
            trials::chart,
            percentiles::chart,
            distribution::chart,
            time::chart,
            correction::chart,
            bytes::chart,
            costs::cpu,
            costs::memory,
        ];
        for kind in kinds {
            charts.extend(points.clone().filter_map(|point| kind(run, point)));
        }
    }
    charts
}

/// The arms at a point, in the scenario's order, with their place.
fn arms_at(run: &Run, point: usize) -> impl Iterator<Item = (usize, &Arm)> {
    run.summary().arms_at(point).enumerate()
}

/// An arm's name, with a word if its figures may not be ranked.
fn name_of(arm: &Arm) -> String {
    if arm.ranked {
        arm.arm.clone()
    } else {
        format!("{} (not valid)", arm.arm)
    }
}

/// A chart's name at a point: the kind alone without a sweep.
fn at_point(kind: &str, run: &Run, point: usize) -> String {
    let label = run.label(point);
    if label.is_empty() {
        return kind.to_owned();
    }
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() || ".=-".contains(character) {
            character
        } else {
            '_'
        }
    };
    format!("{kind}-{}", label.chars().map(plain).collect::<String>())
}

/// " at rate=100/s"; nothing without a sweep.
fn at_label(run: &Run, point: usize) -> String {
    let label = run.label(point);
    if label.is_empty() {
        String::new()
    } else {
        format!(" at {label}")
    }
}

/// "1.24 ms (95 %: 1.20–1.31 ms)".
fn with_interval(kind: Kind, spread: &Spread) -> String {
    let median = kind.show(spread.median);
    match spread.interval() {
        Some(interval) => format!(
            "{median} (95 %: {})",
            range(kind, interval.low, interval.high)
        ),
        None => median,
    }
}

/// What a latency is called beside an axis.
fn latency_title(run: &Run) -> &'static str {
    match run.summary().latency.as_str() {
        "delivery-age" => "age of an event when received",
        "connect" => "time to connect",
        _ => "response time",
    }
}
