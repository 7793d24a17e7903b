//! `summary.json`, the same as `pushlab run --json` prints: what each arm showed, comparisons of the arms, and what was asked of them.
//!
//! The trial is the unit: a figure of an arm is the median of its valid trials' figures, with a 95 % interval that is
//! bootstrapped over these trials. Percentiles of all trials together are read from their merged histograms, never
//! averaged. Two arms are told apart only if the interval of their ratio leaves 1 out; else it says "no difference seen".
//!
//! | module | holds |
//! | --- | --- |
//! | `metrics` | every metric: its name, whether it is compared, where it comes from |
//! | `arm` | one arm at one point: its trials and its metrics |
//! | `comparison` | two arms at one point |
//! | `crossover` | where along an axis the better arm changes |
//! | `search` | what a `find` found |
//! | `expectation` | whether an `[[expect]]` held |

mod arm;
mod comparison;
mod crossover;
mod expectation;
mod metrics;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use scenario::{AXES, Expect};
use serde::{Deserialize, Serialize};

pub use arm::{Arm, LEAST_TRIALS, Spread, Trial};
pub use comparison::{Comparison, Finding};
pub use crossover::Crossover;
pub use expectation::{Expectation, Judgement};
pub use search::{Probe, Search, SearchEnd};

use self::arm::Terms;
use crate::manifest::{Manifest, SCHEMA_VERSION, Status};
use crate::measurement::{Key, Measurement};
use crate::rows::RunRow;
use crate::verdict::Verdict;

/// What a run showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the format.
    pub schema_version: u32,
    /// The result folder's name.
    pub folder: String,
    /// How the run ended.
    pub status: Status,
    /// Whether it was cut short for a quick look.
    pub quick: bool,
    /// The scenario's name.
    pub scenario: String,
    /// Its kind.
    pub kind: String,
    /// Its question.
    pub question: String,
    /// Trials wanted, an arm.
    pub trials: u32,
    /// The seed.
    pub seed: u64,
    /// Which latency `latency_*` is: `response`, `delivery-age` or, for idle, `connect`.
    pub latency: String,
    /// The points of a sweep or search, in ascending order; without one, a single point without axes.
    pub points: Vec<Point>,
    /// Each arm at each point, in the order of the points and then of the scenario.
    pub arms: Vec<Arm>,
    /// Each pair of arms at each point, for each metric that is compared. Empty until the run has ended.
    pub comparisons: Vec<Comparison>,
    /// Where along an axis the better of two arms changes. Empty until the run has ended.
    pub crossovers: Vec<Crossover>,
    /// What the scenario's `find` found, for each arm.
    pub searches: Vec<Search>,
    /// Whether what the scenario expects held. Empty until the run has ended.
    pub expectations: Vec<Expectation>,
}

/// A point of a sweep or search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// As `rate=100/s clients=10`; empty without a sweep.
    pub label: String,
    /// The value of each swept setting, by its column in `runs.csv`.
    pub axes: BTreeMap<String, f64>,
}

/// A case that was run, as far as a summary needs it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Its row.
    pub(crate) row: RunRow,
    /// Its verdict in full.
    pub(crate) verdict: Verdict,
    /// The histogram of its headline latency, encoded in version 2 of HDR's format; empty if there is none.
    pub(crate) headline: Vec<u8>,
}

impl Kept {
    pub(crate) fn of(measurement: &Measurement) -> Self {
        let headline = measurement.latencies.total(measurement.key.headline());
        Self {
            row: RunRow::of(measurement),
            verdict: measurement.verdict.clone(),
            headline: encode(headline),
        }
    }
}

/// How much to work out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Medians and verdicts: while the run goes on.
    Running,
    /// Intervals, comparisons and expectations as well.
    Whole,
}

impl Summary {
    /// Of the cases that were run.
    pub(crate) fn of(
        folder: &str,
        manifest: &Manifest,
        cases: &[Kept],
        searches: &[Search],
        expects: &[Expect],
        depth: Depth,
    ) -> Self {
        let run = &manifest.run;
        let mut names = run.arms.clone();
        for case in cases {
            if !names.contains(&case.row.key.arm) {
                names.push(case.row.key.arm.clone());
            }
        }
        let points = points(&run.axes, cases);
        let terms = Terms {
            trials: run.trials,
            is_held_to_delivery: !run.peers.is_empty(),
        };
        let arms: Vec<Arm> = points
            .iter()
            .enumerate()
            .flat_map(|(index, point)| {
                let own: Vec<&Kept> = cases
                    .iter()
                    .filter(|case| case.row.key.point == point.label)
                    .collect();
                names
                    .iter()
                    .filter(|name| {
                        // A search visits other points with each arm.
                        searches.is_empty() || own.iter().any(|case| case.row.key.arm == **name)
                    })
                    .map(|name| Arm::of(name, index, &own, terms, depth))
                    .collect::<Vec<_>>()
            })
            .collect();
        let latency = cases.first().map_or("response", |case| {
            if case.row.key.kind == "idle" {
                "connect"
            } else {
                case.row.key.headline().name()
            }
        });
        let is_whole = depth == Depth::Whole;
        let comparisons = if is_whole {
            comparison::compare(&arms)
        } else {
            Vec::new()
        };
        let crossovers = if is_whole && searches.is_empty() {
            crossover::find(&points, &arms)
        } else {
            Vec::new()
        };
        let expectations = if is_whole {
            expectation::judge(expects, &points, &arms)
        } else {
            Vec::new()
        };
        Self {
            schema_version: SCHEMA_VERSION,
            folder: folder.to_owned(),
            status: manifest.status,
            quick: run.quick,
            scenario: run.scenario.clone(),
            kind: run.kind.clone(),
            question: run.question.clone(),
            trials: run.trials,
            seed: run.seed,
            latency: latency.to_owned(),
            points,
            arms,
            comparisons,
            crossovers,
            searches: searches.to_vec(),
            expectations,
        }
    }

    /// Of whole measurements, without a search and without expectations.
    pub fn of_measurements(
        folder: &str,
        manifest: &Manifest,
        measurements: &[Measurement],
    ) -> Self {
        let cases: Vec<Kept> = measurements.iter().map(Kept::of).collect();
        Self::of(folder, manifest, &cases, &[], &[], Depth::Whole)
    }

    /// The arm of that name at the first point.
    pub fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.arm == name)
    }

    /// The verdict of a case; none if the summary doesn't know it.
    pub(crate) fn verdict_of(&self, key: &Key) -> Option<&Verdict> {
        let is_it = |trial: &&Trial| trial.trial == key.trial && trial.attempt == key.attempt;
        let own = self.arms.iter().filter(|arm| {
            let point = self.points.get(arm.point);
            arm.arm == key.arm && point.is_some_and(|point| point.label == key.point)
        });
        let mut trials = own.flat_map(|arm| &arm.trials);
        trials.find(is_it).map(|trial| &trial.verdict)
    }

    /// The comparison of two arms at one point, whichever of them it names first.
    pub fn comparison(
        &self,
        point: usize,
        metric: &str,
        one: &str,
        other: &str,
    ) -> Option<&Comparison> {
        self.comparisons.iter().find(|found| {
            let is_pair = found.a == one && found.b == other || found.a == other && found.b == one;
            is_pair && found.metric == metric && found.point == point
        })
    }

    /// The arms at one point, in the scenario's order.
    pub fn arms_at(&self, point: usize) -> impl Iterator<Item = &Arm> {
        self.arms.iter().filter(move |arm| arm.point == point)
    }
}

/// A metric of one case, by its name.
pub fn figure(row: &RunRow, metric: &str) -> Option<f64> {
    let metric = metrics::METRICS.iter().find(|own| own.name == metric)?;
    metric.of(row)
}

/// The names of the metrics by which arms are compared, in the order in which they are documented.
pub fn compared() -> impl Iterator<Item = &'static str> {
    let compared = metrics::METRICS.iter().filter(|metric| metric.compared);
    compared.map(|metric| metric.name.as_str())
}

/// The names of all metrics.
#[cfg(test)]
pub(crate) fn metrics() -> impl Iterator<Item = &'static str> {
    metrics::METRICS.iter().map(|metric| metric.name.as_str())
}

/// The points that were visited, in ascending order of their axes; one without axes if there is no sweep.
fn points(columns: &[String], cases: &[Kept]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for Kept { row, .. } in cases {
        if points.iter().any(|point| point.label == row.key.point) {
            continue;
        }
        let axes = columns
            .iter()
            .filter_map(|column| Some((column.clone(), row.setting(column)?)));
        points.push(Point {
            label: row.key.point.clone(),
            axes: axes.collect(),
        });
    }
    let rank = |point: &Point| -> Vec<f64> {
        columns
            .iter()
            .filter_map(|column| point.axes.get(column).copied())
            .collect()
    };
    points.sort_by(|a, b| {
        rank(a)
            .iter()
            .zip(&rank(b))
            .map(|(a, b)| a.total_cmp(b))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    if points.is_empty() {
        points.push(Point {
            label: String::new(),
            axes: BTreeMap::new(),
        });
    }
    points
}

/// A histogram as bytes; none if it is empty.
pub(crate) fn encode(histogram: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !histogram.is_empty() {
        // Writing into memory doesn't fail, and a count fits.
        let _ = V2Serializer::new().serialize(histogram, &mut bytes);
    }
    bytes
}

/// The name by which people write the setting of a column.
pub fn axis_name(column: &str) -> &str {
    AXES.iter()
        .find(|axis| axis.column == column)
        .map_or(column, |axis| axis.name)
}
