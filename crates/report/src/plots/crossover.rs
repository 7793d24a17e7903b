//! Where the better arm changes: a map of who is lowest, and by how much.
//!
//! Of a sweep over one axis the rows are the figures; over two axes each figure has a map of its own, with an axis on either side, and so has
//! each pair of transports.

use std::collections::BTreeMap;

use measure::summary::{Arm, Finding};

use super::sweep::{Lane, lanes};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{kind, name};
use crate::run::Run;
use crate::text::{capital, setting};

/// The figures of which the lowest is best. Throughput is given by the load, so it is no contest here.
const METRICS: [&str; 4] = [
    "latency_p50_ns",
    "latency_p99_ns",
    "server_cpu_us_per_message",
    "ip_bytes_per_message",
];

/// Lead from which a cell is as dark as it gets.
const FAR: f64 = 8.0;

pub(super) fn charts(run: &Run) -> Vec<Chart> {
    let lanes = lanes(run);
    match lanes.as_slice() {
        [] => Vec::new(),
        [lane] => one_axis(run, lane).into_iter().collect(),
        many => {
            let all = METRICS
                .iter()
                .filter_map(|metric| two_axes(run, many, metric, None));
            let pairs = PAIRED.iter().flat_map(|metric| {
                let pairs = pairs(run).into_iter();
                pairs.filter_map(|pair| two_axes(run, many, metric, Some(pair)))
            });
            all.chain(pairs).collect()
        }
    }
}

/// The figures of which each pair of transports has a map.
const PAIRED: [&str; 2] = ["latency_p50_ns", "latency_p99_ns"];

/// Two arms.
type Pair<'a> = (&'a str, &'a str);

/// Every pair of arms, but the floor; none if there is only one, for then the map of all is the map of the pair.
fn pairs(run: &Run) -> Vec<Pair<'_>> {
    let mut names: Vec<&str> = Vec::new();
    for arm in &run.summary().arms {
        if !run.is_floor(arm) && !names.contains(&arm.arm.as_str()) {
            names.push(&arm.arm);
        }
    }
    if names.len() < 3 {
        return Vec::new();
    }
    let with_later = |(index, &one)| names[index + 1..].iter().map(move |&other| (one, other));
    names.iter().enumerate().flat_map(with_later).collect()
}

fn one_axis(run: &Run, lane: &Lane) -> Option<Chart> {
    let rows: Vec<&str> = METRICS
        .into_iter()
        .filter(|metric| {
            lane.points
                .iter()
                .any(|(_, point)| lead(run, *point, metric, None).is_some())
        })
        .collect();
    let cells = rows.iter().enumerate().flat_map(|(row, metric)| {
        lane.points
            .iter()
            .enumerate()
            .filter_map(move |(column, (value, point))| {
                let at = format!("{}, {}", setting(&lane.column, *value), name(metric));
                Some(((column, row), at, lead(run, *point, metric, None)?))
            })
    });
    let layers = map(cells);
    let axis = measure::summary::axis_name(&lane.column);
    (!layers.is_empty()).then(|| Chart {
        kind: "crossover",
        name: "crossover".to_owned(),
        title: format!("Which transport is lowest, by {axis}"),
        caption: CAPTION.to_owned(),
        point: None,
        x: Axis::slots(
            axis,
            lane.points
                .iter()
                .map(|(value, _)| setting(&lane.column, *value)),
        ),
        y: Axis::slots("", rows.iter().map(|metric| name(metric))).downwards(),
        layers,
    })
}

fn two_axes(run: &Run, lanes: &[Lane], metric: &str, pair: Option<Pair<'_>>) -> Option<Chart> {
    // Lanes may lack points that others have.
    let mut values: Vec<f64> = lanes
        .iter()
        .flat_map(|lane| lane.points.iter().map(|(value, _)| *value))
        .collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let cells = lanes.iter().enumerate().flat_map(|(row, lane)| {
        let values = &values;
        lane.points.iter().filter_map(move |(value, point)| {
            let column = values
                .iter()
                .position(|other| other.total_cmp(value).is_eq())?;
            let at = format!("{}, {}", setting(&lane.column, *value), lane.within);
            Some(((column, row), at, lead(run, *point, metric, pair)?))
        })
    });
    let layers = map(cells);
    let column = &lanes.first()?.column;
    let axis = measure::summary::axis_name(column);
    (!layers.is_empty()).then(|| Chart {
        kind: "crossover",
        name: match pair {
            None => format!("crossover-{metric}"),
            Some((one, other)) => format!("crossover-{metric}-{one}-{other}"),
        },
        title: match pair {
            None => format!("Which transport has the lowest {}", name(metric)),
            Some((one, other)) => format!("{}: {one} or {other}", capital(&name(metric))),
        },
        caption: CAPTION.to_owned(),
        point: None,
        x: Axis::slots(axis, values.iter().map(|value| setting(column, *value))),
        y: Axis::slots("", lanes.iter().map(|lane| lane.within.clone())).downwards(),
        layers,
    })
}

const CAPTION: &str = "Each cell has the colour of the transport with the lowest figure, and says how many times as much the next one takes; the darker, the \
                       further ahead. Where two can't be told apart at a confidence of 95 % the cell is pale and says \u{2248}. The floor without a network takes no part.";

/// Who is lowest at a point.
struct Lead {
    arm: String,
    /// How many times as much the next one takes.
    times: f64,
    /// Whether the trials tell the two apart.
    is_sure: bool,
    says: String,
}

/// None unless two arms (of the pair) have a figure that may be ranked.
fn lead(run: &Run, point: usize, metric: &str, pair: Option<Pair<'_>>) -> Option<Lead> {
    let summary = run.summary();
    let figure = |arm: &'_ Arm| arm.median(metric).filter(|median| *median > 0.0);
    let takes_part =
        |arm: &&Arm| pair.is_none_or(|(one, other)| arm.arm == one || arm.arm == other);
    let mut rivals: Vec<(&Arm, f64)> = summary
        .arms_at(point)
        .filter(|arm| arm.ranked && !run.is_floor(arm))
        .filter(takes_part)
        .filter_map(|arm| Some((arm, figure(arm)?)))
        .collect();
    rivals.sort_by(|a, b| a.1.total_cmp(&b.1));
    let [(first, low), (second, next), ..] = rivals.as_slice() else {
        return None;
    };
    let comparison = summary.comparison(point, metric, &first.arm, &second.arm);
    let is_sure =
        comparison.is_some_and(|one| matches!(one.finding, Finding::Lower | Finding::Higher));
    let all: Vec<String> = rivals
        .iter()
        .map(|(arm, median)| format!("{} {}", arm.arm, kind(metric).show(*median)))
        .collect();
    let how_sure = match comparison.and_then(|one| one.low.zip(one.high)) {
        _ if !is_sure => " (the first two can't be told apart)".to_owned(),
        Some((low, high)) => {
            // The ratio may stand the other way round.
            let (low, high) = if low < 1.0 {
                (1.0 / high, 1.0 / low)
            } else {
                (low, high)
            };
            format!(" (95 %: {low:.2} to {high:.2} times)")
        }
        None => String::new(),
    };
    Some(Lead {
        arm: first.arm.clone(),
        times: next / low,
        is_sure,
        says: format!("{}{how_sure}", all.join(", ")),
    })
}

/// Cells by arm; each at its column and row.
fn map(cells: impl Iterator<Item = ((usize, usize), String, Lead)>) -> Vec<Layer> {
    let mut arms: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for ((column, row), at, lead) in cells {
        let (x, y) = (column as f64, row as f64);
        let weight = if lead.is_sure {
            0.16 + 0.29 * (lead.times.ln() / FAR.ln()).clamp(0.0, 1.0)
        } else {
            0.07
        };
        let label = match lead.times {
            _ if !lead.is_sure => "\u{2248}".to_owned(),
            times if times >= 9.95 => format!("{times:.0}\u{d7}"),
            times if times >= 1.095 => format!("{times:.1}\u{d7}"),
            times => format!("{times:.2}\u{d7}"),
        };
        let point = Point::new(x - 0.48, y - 0.46)
            .to(x + 0.48, y + 0.46)
            .weighing(weight)
            .labelled(label)
            .says(at, capital(&lead.says));
        arms.entry(lead.arm).or_default().push(point);
    }
    arms.into_iter()
        .map(|(arm, points)| Layer::new(&arm, Mark::Block, points))
        .collect()
}
