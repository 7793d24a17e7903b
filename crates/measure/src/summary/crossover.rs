//! Where along an axis the better of two arms changes.

use serde::{Deserialize, Serialize};

use super::arm::{Arm, SEED};
use super::metrics::METRICS;
use super::{Point, axis_name};
use crate::statistics::{self, Side};

/// Where the lower of two arms changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crossover {
    /// The metric.
    pub metric: String,
    /// The axis, by its column in `runs.csv`.
    pub axis: String,
    /// The values of the other axes, as in a point's label; empty without any.
    pub within: String,
    /// The arm that is lower before it.
    pub lower_before: String,
    /// The arm that is lower beyond it.
    pub lower_after: String,
    /// Where they cross.
    pub at: f64,
    /// Lower end of its 95 % interval; null if fewer than half of the bootstrap samples cross like this.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// The share of bootstrap samples that cross just so often and in the same directions, 0 to 1.
    pub support: f64,
}

/// Every crossover of two arms, along each axis with the others held, for each metric that is compared.
pub(super) fn find(points: &[Point], arms: &[Arm]) -> Vec<Crossover> {
    let columns: Vec<&String> = points
        .first()
        .map(|point| point.axes.keys().collect())
        .unwrap_or_default();
    let names = names(arms);
    let mut found = Vec::new();
    for axis in columns {
        for line in lines(points, axis) {
            for metric in METRICS.iter().filter(|metric| metric.compared) {
                for (index, a) in names.iter().enumerate() {
                    for b in &names[index + 1..] {
                        found.extend(along(axis, &line, &metric.name, (a, b), points, arms));
                    }
                }
            }
        }
    }
    found
}

/// Points that differ in one axis alone, by their places, in its order.
struct Line {
    within: String,
    places: Vec<usize>,
}

fn lines(points: &[Point], axis: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (place, point) in points.iter().enumerate() {
        let prefix = format!("{}=", axis_name(axis));
        let others = point
            .label
            .split(' ')
            .filter(|part| !part.starts_with(&prefix));
        let within = others.collect::<Vec<_>>().join(" ");
        match lines.iter_mut().find(|line| line.within == within) {
            Some(line) => line.places.push(place),
            None => lines.push(Line {
                within,
                places: vec![place],
            }),
        }
    }
    for line in &mut lines {
        let value = |place: &usize| points[*place].axes.get(axis).copied().unwrap_or(0.0);
        line.places.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    lines
}

fn along(
    axis: &str,
    line: &Line,
    metric: &str,
    (a, b): (&str, &str),
    points: &[Point],
    arms: &[Arm],
) -> Vec<Crossover> {
    // A point at which either arm isn't ranked says nothing; the line goes on beyond it.
    let usable: Vec<(f64, Vec<f64>, Vec<f64>)> = line
        .places
        .iter()
        .filter_map(|&place| {
            let values = |name: &str| {
                let is_it = |arm: &&Arm| arm.point == place && arm.arm == name && arm.ranked;
                Some(arms.iter().find(is_it)?.metrics.get(metric)?.known())
            };
            Some((*points[place].axes.get(axis)?, values(a)?, values(b)?))
        })
        .collect();
    let trials: Vec<statistics::Point<'_>> = usable
        .iter()
        .map(|(x, a, b)| statistics::Point { x: *x, a, b })
        .collect();
    let Some(statistics::Crossover::Crossings { crossings, support }) =
        statistics::crossover(&trials, SEED)
    else {
        return Vec::new();
    };
    let name = |side: Side| match side {
        Side::A => a.to_owned(),
        Side::B => b.to_owned(),
    };
    crossings
        .iter()
        .map(|crossing| Crossover {
            metric: metric.to_owned(),
            axis: axis.to_owned(),
            within: line.within.clone(),
            lower_before: name(crossing.lower_below),
            lower_after: name(crossing.lower_below.other()),
            at: crossing.at,
            low: crossing.interval.map(|interval| interval.low),
            high: crossing.interval.map(|interval| interval.high),
            support,
        })
        .collect()
}

fn names(arms: &[Arm]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for arm in arms {
        if !names.contains(&arm.arm.as_str()) {
            names.push(&arm.arm);
        }
    }
    names
}
