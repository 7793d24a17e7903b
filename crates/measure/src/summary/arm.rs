//! One arm at one point: its trials and its metrics.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use serde::{Deserialize, Serialize};

use super::metrics::METRICS;
use super::{Depth, Kept};
use crate::measurement::Outcome;
pub use crate::statistics::LEAST_TRIALS;
use crate::statistics::{Interval, TrialHistograms, median, median_interval};
use crate::verdict::Verdict;

/// Seeds every bootstrap, so that a summary made again from the same rows is the same.
pub(super) const SEED: u64 = 0x7075_7368_6c61_6221;

/// What one arm showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The transport's name.
    pub arm: String,
    /// Its place in the summary's `points`.
    pub point: usize,
    /// Whether it may be compared: no trial failed or was interrupted, and at least 3 (all, if fewer were asked for) and
    /// more than half of them are valid; and beside servers that others wrote, nothing was lost or came twice. The metrics are then of its valid trials, else of all that were completed.
    pub ranked: bool,
    /// Every attempt at every trial, in order.
    pub trials: Vec<Trial>,
    /// Each metric that has values, by name; the unit is in the name.
    pub metrics: BTreeMap<String, Spread>,
}

/// What an arm has to fulfil to be ranked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How many trials were asked for.
    pub(super) trials: u32,
    /// Whether it has to deliver every message once. Of the lab's own servers a loss is told beside their figures; a server of which nothing is known
    /// could win by dropping what it is too slow for.
    pub(super) is_held_to_delivery: bool,
}

/// How one attempt at a trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The trial, from 1.
    pub trial: u32,
    /// The attempt, from 1: an invalid trial is measured again.
    pub attempt: u32,
    /// Whether its figures are in the metrics.
    pub counted: bool,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Whether it may be believed.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// All errors of it.
    pub errors: u64,
    /// `kind=count; …`
    pub errors_by_kind: String,
}

/// A metric over the trials that count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median over the trials.
    pub median: f64,
    /// Lower end of its 95 % interval; null with fewer than 3 trials.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Percentiles of the headline latency: the same percentile of all trials' histograms merged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub merged: Option<f64>,
    /// Lower end of its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub merged_low: Option<f64>,
    /// Upper end of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub merged_high: Option<f64>,
    /// Trial by trial; null where there is none.
    pub values: Vec<Option<f64>>,
}

/// The percentiles that are read from merged histograms.
const MERGED: [(&str, f64); 5] = [
    ("latency_p50_ns", 0.5),
    ("latency_p90_ns", 0.9),
    ("latency_p95_ns", 0.95),
    ("latency_p99_ns", 0.99),
    ("latency_p999_ns", 0.999),
];

impl Arm {
    /// The metric's median over the trials.
    pub fn median(&self, metric: &str) -> Option<f64> {
        self.metrics.get(metric).map(|spread| spread.median)
    }

    /// How many trials are valid, in one of their attempts.
    pub fn valid(&self) -> usize {
        let valid = |trial: &&Trial| trial.verdict.is_valid();
        self.trials.iter().filter(valid).count()
    }

    /// How many trials there are.
    pub fn tried(&self) -> usize {
        let first = |trial: &&Trial| trial.attempt == 1;
        self.trials.iter().filter(first).count()
    }

    /// Of the arm `name` at one point; `cases` are those of the point.
    pub(super) fn of(
        name: &str,
        point: usize,
        cases: &[&Kept],
        terms: Terms,
        depth: Depth,
    ) -> Self {
        let mut own: Vec<&Kept> = cases
            .iter()
            .copied()
            .filter(|case| case.row.key.arm == name)
            .collect();
        own.sort_by_key(|case| (case.row.key.trial, case.row.key.attempt));
        let last = last_attempts(&own);
        let valid = last.iter().filter(|case| case.verdict.is_valid()).count();
        let completed = |case: &&&Kept| case.row.outcome == Outcome::Completed;
        let enough = LEAST_TRIALS.min(terms.trials as usize).max(1);
        let delivers =
            !terms.is_held_to_delivery || last.iter().all(|case| case.row.is_delivered());
        let ranked = last.iter().all(|case| completed(&case))
            && valid >= enough
            && 2 * valid > last.len()
            && delivers;
        let counts = |case: &Kept| {
            case.row.outcome == Outcome::Completed && (!ranked || case.verdict.is_valid())
        };
        let trials = own.iter().map(|case| Trial {
            trial: case.row.key.trial,
            attempt: case.row.key.attempt,
            counted: counts(case) && last.iter().any(|other| std::ptr::eq(*other, *case)),
            outcome: case.row.outcome.clone(),
            verdict: case.verdict.clone(),
            errors: case.row.errors,
            errors_by_kind: case.row.errors_by_kind.clone(),
        });
        let metrics = METRICS.iter().filter_map(|metric| {
            let value = |case: &&Kept| counts(case).then(|| metric.of(&case.row)).flatten();
            let spread = Spread::of(last.iter().map(value).collect(), depth)?;
            Some((metric.name.clone(), spread))
        });
        let mut metrics: BTreeMap<String, Spread> = metrics.collect();
        if depth == Depth::Whole {
            let counted: Vec<&Kept> = last.iter().copied().filter(|case| counts(case)).collect();
            merge(&mut metrics, &counted);
        }
        Self {
            arm: name.to_owned(),
            point,
            ranked,
            trials: trials.collect(),
            metrics,
        }
    }
}

impl Spread {
    /// None without a value.
    fn of(values: Vec<Option<f64>>, depth: Depth) -> Option<Self> {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let interval = (depth == Depth::Whole)
            .then(|| median_interval(&known, SEED))
            .flatten();
        Some(Self {
            median: median(&known)?,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            min: known.iter().copied().min_by(f64::total_cmp)?,
            max: known.iter().copied().max_by(f64::total_cmp)?,
            values,
            ..Self::default()
        })
    }

    /// The values that there are.
    pub fn known(&self) -> Vec<f64> {
        self.values.iter().flatten().copied().collect()
    }

    /// The interval of the median; none with too few trials.
    pub fn interval(&self) -> Option<Interval> {
        Some(Interval {
            low: self.low?,
            high: self.high?,
        })
    }
}

/// Of each trial the attempt that counts: the valid one if there is one, else the last.
fn last_attempts<'a>(sorted: &[&'a Kept]) -> Vec<&'a Kept> {
    let mut last: Vec<&Kept> = Vec::new();
    for case in sorted {
        match last.last_mut() {
            Some(known) if known.row.key.trial == case.row.key.trial => {
                if !known.verdict.is_valid() {
                    *known = case;
                }
            }
            _ => last.push(case),
        }
    }
    last
}

/// Adds the percentiles of all trials together.
fn merge(metrics: &mut BTreeMap<String, Spread>, cases: &[&Kept]) {
    let decode = |case: &&Kept| -> Option<Histogram<u64>> {
        Deserializer::new()
            .deserialize(&mut case.headline.as_slice())
            .ok()
    };
    let histograms: Vec<Histogram<u64>> = cases.iter().filter_map(decode).collect();
    if histograms.is_empty() {
        return;
    }
    let merged = TrialHistograms::new(&histograms.iter().collect::<Vec<_>>());
    for (metric, quantile) in MERGED {
        let Some(spread) = metrics.get_mut(metric) else {
            continue;
        };
        spread.merged = merged.quantile(quantile).map(|value| value as f64);
        let interval = merged.quantile_interval(quantile, SEED);
        spread.merged_low = interval.map(|interval| interval.low);
        spread.merged_high = interval.map(|interval| interval.high);
    }
}
