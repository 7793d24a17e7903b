//! Each figure of each arm, before and after.

use measure::summary::{Arm, Summary, compared};
use measure::{Folder, statistics};
use serde::{Deserialize, Serialize};

/// A metric of an arm at a point, in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The point's label; empty without a sweep.
    pub point: String,
    /// The arm.
    pub arm: String,
    /// The metric, as in `summary.json`; its unit is the ending of its name.
    pub metric: String,
    /// What run `a` has; null if it has no such figure.
    pub a: Option<Side>,
    /// What run `b` has.
    pub b: Option<Side>,
    /// Median of `b` over median of `a`; null where they are not compared.
    pub ratio: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// The smallest ratio above 1 (or its inverse) that trials which scatter like these would show with a probability of 80 %.
    pub least_detectable: Option<f64>,
    /// What may be said.
    pub finding: Finding,
    /// Whether `b` is worse than `a`, for a finding of `lower` or `higher`; false otherwise.
    pub worse: bool,
    /// Why it is not compared; empty otherwise.
    pub reason: String,
}

/// What one run has of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Median over the trials.
    pub median: f64,
    /// Lower end of its 95 % interval; null with fewer than 3 trials.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Trials that have a value.
    pub trials: usize,
    /// Whether the arm is ranked: enough of its trials are valid. A figure of one that isn't is shown struck through.
    pub ranked: bool,
}

/// What may be said of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// `b` is lower: the interval of the ratio lies below 1.
    Lower,
    /// `b` is higher: it lies above 1.
    Higher,
    /// It holds 1.
    NoDifferenceSeen,
    /// Too few valid trials for any 95 % interval: it takes 4 of each, or 3 against 5.
    TooFewTrials,
    /// There is nothing to compare, as `reason` says.
    NotCompared,
}

impl Figure {
    /// Whether anything could be said of it.
    pub fn is_judged(&self) -> bool {
        !matches!(self.finding, Finding::TooFewTrials | Finding::NotCompared)
    }

    /// Whether it changed.
    pub fn is_changed(&self) -> bool {
        matches!(self.finding, Finding::Lower | Finding::Higher)
    }

    /// The 95 % interval of the ratio.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }
}

/// Whether more of it is better: throughput. Of times, costs, bytes and memory, less is.
pub(super) fn more_is_better(metric: &str) -> bool {
    metric == "messages_per_s"
}

/// An arm at a point that both runs have.
pub(super) struct Pair<'a> {
    pub(super) point: &'a str,
    pub(super) a: &'a Arm,
    pub(super) b: &'a Arm,
}

/// All arms that both runs have, in the order of `a`.
pub(super) fn pairs<'a>(a: &'a Folder, b: &'a Folder) -> Vec<Pair<'a>> {
    let pairs = a.summary.arms.iter().filter_map(|arm| {
        let point = &a.summary.points.get(arm.point)?.label;
        let other = find(&b.summary, point, &arm.arm)?;
        (!arm.trials.is_empty() && !other.trials.is_empty()).then_some(Pair {
            point,
            a: arm,
            b: other,
        })
    });
    pairs.collect()
}

/// The arm of that name at the point of that label.
pub(super) fn find<'a>(summary: &'a Summary, point: &str, arm: &str) -> Option<&'a Arm> {
    let is_there = |place: usize| {
        summary
            .points
            .get(place)
            .is_some_and(|own| own.label == point)
    };
    let mut arms = summary.arms.iter();
    arms.find(|own| own.arm == arm && is_there(own.point))
}

/// All figures of these arms.
pub(super) fn all(pairs: &[Pair<'_>]) -> Vec<Figure> {
    let of_pair = |pair: &Pair<'_>| {
        compared()
            .filter_map(|metric| figure(pair, metric))
            .collect::<Vec<_>>()
    };
    pairs.iter().flat_map(of_pair).collect()
}

/// None if neither run has it.
fn figure(pair: &Pair<'_>, metric: &str) -> Option<Figure> {
    let side = |arm: &Arm| {
        arm.metrics.get(metric).map(|spread| Side {
            median: spread.median,
            low: spread.low,
            high: spread.high,
            trials: spread.known().len(),
            ranked: arm.ranked,
        })
    };
    let (a, b) = (side(pair.a), side(pair.b));
    if a.is_none() && b.is_none() {
        return None;
    }
    let mut figure = Figure {
        point: pair.point.to_owned(),
        arm: pair.a.arm.clone(),
        metric: metric.to_owned(),
        a,
        b,
        ratio: None,
        low: None,
        high: None,
        least_detectable: None,
        finding: Finding::NotCompared,
        worse: false,
        reason: String::new(),
    };
    match why_not(a, b) {
        Some(reason) => figure.reason = reason,
        None => compare(&mut figure, pair),
    }
    Some(figure)
}

/// Why two figures can't be compared at all.
fn why_not(a: Option<Side>, b: Option<Side>) -> Option<String> {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (None, _) => return Some("A has no such figure".to_owned()),
        (_, None) => return Some("B has no such figure".to_owned()),
    };
    let runs = match (a.ranked, b.ranked) {
        (true, true) if a.median > 0.0 && b.median > 0.0 => return None,
        (true, true) => return Some("there is no ratio to nothing".to_owned()),
        (false, true) => "A",
        (true, false) => "B",
        (false, false) => "A and B",
    };
    Some(format!("too few valid trials in {runs}"))
}

fn compare(figure: &mut Figure, pair: &Pair<'_>) {
    let values = |arm: &Arm| {
        let spread = arm.metrics.get(&figure.metric);
        spread
            .map(measure::summary::Spread::known)
            .unwrap_or_default()
    };
    let (a, b) = (values(pair.a), values(pair.b));
    figure.ratio = statistics::median(&b)
        .zip(statistics::median(&a))
        .map(|(b, a)| b / a);
    if a.iter().chain(&b).any(|value| *value <= 0.0) {
        "in a trial it is nothing, so there is no ratio".clone_into(&mut figure.reason);
        return;
    }
    let Some(contrast) = statistics::compare(&a, &b) else {
        figure.finding = Finding::TooFewTrials;
        return;
    };
    figure.low = Some(contrast.interval.low);
    figure.high = Some(contrast.interval.high);
    figure.least_detectable = Some(contrast.least_detectable);
    figure.finding = match contrast.finding {
        statistics::Finding::Lower => Finding::Lower,
        statistics::Finding::Higher => Finding::Higher,
        statistics::Finding::NoDifferenceSeen => Finding::NoDifferenceSeen,
    };
    let bad = if more_is_better(&figure.metric) {
        Finding::Lower
    } else {
        Finding::Higher
    };
    figure.worse = figure.finding == bad;
}
