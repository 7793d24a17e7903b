//! What the scenarios of the claims showed.

use std::collections::BTreeMap;

use measure::statistics::median;
use measure::summary::{Arm, Trial};
use measure::{Folder, RunRow, Verdict};

use super::replay::Replay;

/// The figure of each trial, in the unit of the claim; or why there is none.
pub(super) type Measured = Result<Vec<f64>, String>;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    folders: BTreeMap<String, Result<Folder, String>>,
    /// What the printed headers became.
    pub(super) replay: Option<Replay>,
}

/// An arm at a point of a scenario's sweep.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    scenario: &'static str,
    arm: &'static str,
    /// Its label; empty without a sweep.
    point: &'static str,
}

/// An arm of a scenario without a sweep.
pub(super) const fn at(scenario: &'static str, arm: &'static str) -> At {
    At {
        scenario,
        arm,
        point: "",
    }
}

impl At {
    pub(super) const fn point(self, point: &'static str) -> Self {
        Self { point, ..self }
    }
}

impl Seen {
    /// Takes what a scenario showed, or why it showed nothing.
    pub(super) fn add(&mut self, scenario: &str, folder: Result<Folder, String>) {
        self.folders.insert(scenario.to_owned(), folder);
    }

    /// A metric of `summary.json`, in its own unit.
    pub(super) fn metric(&self, at: At, metric: &str) -> Measured {
        let (_, arm) = self.arm(at)?;
        let spread = arm.metrics.get(metric);
        let spread = spread.ok_or_else(|| format!("{} has no {metric}", at.arm))?;
        Ok(spread.known())
    }

    /// A latency in milliseconds, of an arm that has samples enough to be ranked.
    pub(super) fn ms(&self, at: At, metric: &str) -> Measured {
        let (_, arm) = self.arm(at)?;
        if !arm.ranked {
            let few = arm.trials.iter().find(|trial| !trial.verdict.is_valid());
            let reason = few.map_or_else(String::new, |trial| trial.verdict.reasons());
            return Err(format!("{}: {reason}", at.arm));
        }
        let values = self.metric(at, metric)?;
        Ok(values.into_iter().map(|ns| ns / 1e6).collect())
    }

    /// A figure of each trial's row.
    pub(super) fn rows(&self, at: At, figure: impl Fn(&RunRow) -> Option<f64>) -> Measured {
        let (folder, arm) = self.arm(at)?;
        let counts = |row: &&RunRow| {
            let key = &row.key;
            let is_it = |trial: &Trial| {
                trial.counted && trial.trial == key.trial && trial.attempt == key.attempt
            };
            key.arm == at.arm && key.point == at.point && arm.trials.iter().any(is_it)
        };
        let values = folder.runs.iter().filter(counts).filter_map(figure);
        Ok(values.filter(|value| value.is_finite()).collect())
    }

    /// By how much the median latency of a second grew a second, from the first whole one to the last, milliseconds.
    pub(super) fn growth(&self, at: At) -> Measured {
        let (folder, arm) = self.arm(at)?;
        let of = |trial: &Trial| {
            let own = folder.intervals.iter().filter(|row| {
                row.arm == at.arm
                    && row.point == at.point
                    && row.trial == trial.trial
                    && row.attempt == trial.attempt
                    && row.duration_s >= 1.0
            });
            let seconds: Vec<(f64, f64)> = own
                .filter_map(|row| Some((row.start_s, row.p50_ns? as f64 / 1e6)))
                .collect();
            let (first, last) = (seconds.first()?, seconds.last()?);
            (last.0 > first.0).then(|| (last.1 - first.1) / (last.0 - first.0))
        };
        Ok(arm
            .trials
            .iter()
            .filter(|trial| trial.counted)
            .filter_map(of)
            .collect())
    }

    /// The printed headers on the wire.
    pub(super) fn replayed(&self) -> Result<Replay, String> {
        self.replay.ok_or_else(|| "nothing was replayed".to_owned())
    }

    fn arm(&self, at: At) -> Result<(&Folder, &Arm), String> {
        let folder = match self.folders.get(at.scenario) {
            None => return Err(format!("{} was not run", at.scenario)),
            Some(Err(reason)) => return Err(reason.clone()),
            Some(Ok(folder)) => folder,
        };
        let mut points = folder.summary.points.iter();
        let point = points
            .position(|point| point.label == at.point)
            .ok_or_else(|| format!("{} was not run at {}", at.scenario, at.point))?;
        let arm = folder
            .summary
            .arms_at(point)
            .find(|arm| arm.arm == at.arm)
            .ok_or_else(|| format!("{} has no arm {}", at.scenario, at.arm))?;
        // Counts may be taken from a case that is too short for percentiles, and from no other that isn't valid.
        let is_bad = |trial: &&Trial| {
            matches!(trial.verdict, Verdict::Invalid { .. }) || !trial.outcome.reason().is_empty()
        };
        match arm.trials.iter().rfind(is_bad) {
            Some(trial) if !arm.ranked => Err(format!(
                "too few valid trials of {}: {}{}",
                at.arm,
                trial.verdict.reasons(),
                trial.outcome.reason()
            )),
            _ => Ok((folder, arm)),
        }
    }
}

/// One over the other, trial by trial; where one has fewer trials, by medians.
pub(super) fn ratio(above: Measured, below: Measured) -> Measured {
    pairwise(above, below, |a, b| a / b)
}

/// One less the other.
pub(super) fn difference(one: Measured, other: Measured) -> Measured {
    pairwise(one, other, |a, b| a - b)
}

fn pairwise(one: Measured, other: Measured, combine: fn(f64, f64) -> f64) -> Measured {
    let (one, other) = (one?, other?);
    let combined: Vec<f64> = if one.len() == other.len() {
        let pairs = one.iter().zip(&other);
        pairs.map(|(one, other)| combine(*one, *other)).collect()
    } else {
        let both = median(&one).zip(median(&other));
        both.map(|(one, other)| combine(one, other))
            .into_iter()
            .collect()
    };
    Ok(combined
        .into_iter()
        .filter(|value| value.is_finite())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_run_has_no_figure() {
        let mut seen = Seen::default();
        let of = at("lesson-3", "websocket");
        assert_eq!(
            seen.ms(of, "latency_mean_ns"),
            Err("lesson-3 was not run".into())
        );
        seen.add("lesson-3", Err("it needs root".into()));
        assert_eq!(seen.ms(of, "latency_mean_ns"), Err("it needs root".into()));
    }

    #[test]
    fn trials_are_compared_in_pairs() {
        let pairs = ratio(Ok(vec![2.0, 9.0]), Ok(vec![1.0, 3.0]));
        assert_eq!(pairs, Ok(vec![2.0, 3.0]));
        let medians = difference(Ok(vec![2.0, 9.0, 4.0]), Ok(vec![1.0]));
        assert_eq!(medians, Ok(vec![3.0]));
        assert_eq!(ratio(Ok(vec![1.0]), Ok(vec![0.0])), Ok(Vec::new()));
        assert!(ratio(Err("no".into()), Ok(Vec::new())).is_err());
    }
}
