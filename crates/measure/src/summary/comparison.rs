//! Two arms at one point.

use serde::{Deserialize, Serialize};

use super::arm::{Arm, LEAST_TRIALS};
use super::metrics::METRICS;
use crate::statistics;

/// One metric of two arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The metric.
    pub metric: String,
    /// Their place in the summary's `points`.
    pub point: usize,
    /// One arm.
    pub a: String,
    /// The other.
    pub b: String,
    /// Median of `b` over median of `a`.
    pub ratio: f64,
    /// Lower end of its 95 % interval; null with too few trials.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// The smallest ratio above 1 (or its inverse) that trials which scatter like these would show with a probability of 80 %.
    pub least_detectable: Option<f64>,
    /// What may be said.
    pub finding: Finding,
}

/// What may be said about two arms.
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
}

/// Every pair of arms that are ranked, point by point.
pub(super) fn compare(arms: &[Arm]) -> Vec<Comparison> {
    let compared: Vec<&str> = METRICS
        .iter()
        .filter(|metric| metric.compared)
        .map(|metric| metric.name.as_str())
        .collect();
    let mut comparisons = Vec::new();
    for (index, a) in arms.iter().enumerate() {
        let others = arms[index + 1..].iter();
        for b in others.filter(|b| a.point == b.point && a.ranked && b.ranked) {
            comparisons.extend(compared.iter().filter_map(|metric| one(metric, a, b)));
        }
    }
    comparisons
}

fn one(metric: &str, a: &Arm, b: &Arm) -> Option<Comparison> {
    let (of_a, of_b) = (a.metrics.get(metric)?, b.metrics.get(metric)?);
    let (values_a, values_b) = (of_a.known(), of_b.known());
    let enough = values_a.len().min(values_b.len()) >= LEAST_TRIALS;
    let contrast = enough
        .then(|| statistics::compare(&values_a, &values_b))
        .flatten();
    let ratio = of_b.median / of_a.median;
    ratio.is_finite().then(|| Comparison {
        metric: metric.to_owned(),
        point: a.point,
        a: a.arm.clone(),
        b: b.arm.clone(),
        ratio,
        low: contrast.map(|contrast| contrast.interval.low),
        high: contrast.map(|contrast| contrast.interval.high),
        least_detectable: contrast.map(|contrast| contrast.least_detectable),
        finding: contrast.map_or(Finding::TooFewTrials, |contrast| match contrast.finding {
            statistics::Finding::Lower => Finding::Lower,
            statistics::Finding::Higher => Finding::Higher,
            statistics::Finding::NoDifferenceSeen => Finding::NoDifferenceSeen,
        }),
    })
}
