//! A figure against the axis of a sweep: a line an arm, with the band of its interval.

use super::with_interval;
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{duration, kind, name};
use crate::run::Run;
use crate::text::{capital, rows_of, setting};

/// What is drawn against the axis, in the order in which a reader wants it.
const METRICS: [&str; 8] = [
    "latency_p50_ns",
    "latency_p99_ns",
    "messages_per_s",
    "server_cpu_us_per_message",
    "ip_bytes_per_message",
    "requests_per_message",
    "useless_request_share",
    "server_bytes_per_connection",
];

pub(super) fn charts(run: &Run) -> Vec<Chart> {
    let lanes = lanes(run);
    METRICS
        .iter()
        .flat_map(|metric| lanes.iter().filter_map(|lane| chart(run, lane, metric)))
        .collect()
}

/// The points along one axis, the others' values held.
pub(super) struct Lane {
    /// The axis, by its column.
    pub(super) column: String,
    /// The others' values, as `clients=10`; empty if there is one axis.
    pub(super) within: String,
    /// The axis's values in ascending order, each with its place among the run's points.
    pub(super) points: Vec<(f64, usize)>,
}

/// The lanes along the axis with the most values; none without a sweep.
pub(super) fn lanes(run: &Run) -> Vec<Lane> {
    let summary = run.summary();
    if !summary.searches.is_empty() {
        return Vec::new();
    }
    let values = |column: &str| {
        let all = summary
            .points
            .iter()
            .filter_map(|point| point.axes.get(column));
        let mut all: Vec<f64> = all.copied().collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    };
    let columns = &run.folder.manifest.run.axes;
    // The first of those with as many.
    let Some(column) = columns
        .iter()
        .rev()
        .max_by_key(|column| values(column).len())
    else {
        return Vec::new();
    };
    let mut lanes: Vec<Lane> = Vec::new();
    for (index, point) in summary.points.iter().enumerate() {
        let Some(value) = point.axes.get(column) else {
            continue;
        };
        let others = columns.iter().filter(|other| *other != column);
        let within: Vec<String> = others
            .filter_map(|other| {
                let value = setting(other, *point.axes.get(other)?);
                Some(format!("{}={value}", measure::summary::axis_name(other)))
            })
            .collect();
        let within = within.join(" ");
        match lanes.iter_mut().find(|lane| lane.within == within) {
            Some(lane) => lane.points.push((*value, index)),
            None => lanes.push(Lane {
                column: column.clone(),
                within,
                points: vec![(*value, index)],
            }),
        }
    }
    for lane in &mut lanes {
        lane.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lanes.retain(|lane| lane.points.len() > 1);
    lanes
}

fn chart(run: &Run, lane: &Lane, metric: &str) -> Option<Chart> {
    let unit = kind(metric);
    let summary = run.summary();
    let mut arms: Vec<&str> = Vec::new();
    for arm in &summary.arms {
        if !arms.contains(&arm.arm.as_str()) {
            arms.push(&arm.arm);
        }
    }
    let mut layers = Vec::new();
    let mut values = Vec::new();
    for name in arms {
        let (mut band, mut medians, mut dots, mut doubtful) = (vec![], vec![], vec![], vec![]);
        for (x, point) in &lane.points {
            let Some(arm) = summary.arms_at(*point).find(|arm| arm.arm == name) else {
                continue;
            };
            let Some(spread) = arm.metrics.get(metric) else {
                continue;
            };
            values.push(spread.median);
            let dot = Point::new(*x, spread.median)
                .says(setting(&lane.column, *x), with_interval(unit, spread));
            if !arm.ranked {
                doubtful.push(dot);
                continue;
            }
            if let Some(interval) = spread.interval() {
                values.extend([interval.low, interval.high]);
                band.push(Point::new(*x, interval.high).to(*x, interval.low));
            }
            medians.push(Point::new(*x, spread.median));
            dots.push(dot);
        }
        if let Some(model) = predicted(run, lane, name, metric) {
            values.extend(model.points.iter().map(|point| point.y));
            layers.push(model);
        }
        layers.push(Layer::new(name, Mark::Band, band));
        layers.push(Layer::new(name, Mark::Line, medians));
        layers.push(Layer::new(name, Mark::Dot, dots));
        let doubtful = Layer::new(name, Mark::Hollow, doubtful);
        layers.push(doubtful.named(format!("{name} (not valid)")));
    }
    layers.retain(|layer| !layer.points.is_empty());
    if layers.is_empty() || values.iter().all(|value| *value == 0.0) {
        return None;
    }
    let is_wide = spans(&values, 3.0);
    let y = if is_wide {
        Axis::log(&name(metric), unit, values)
    } else {
        Axis::linear(&name(metric), unit, values)
    };
    let axis = measure::summary::axis_name(&lane.column);
    let (within, suffix) = if lane.within.is_empty() {
        (String::new(), String::new())
    } else {
        (
            format!(", {}", lane.within),
            format!("-{}", lane.within.replace([' ', '/'], "_")),
        )
    };
    let xs: Vec<f64> = lane.points.iter().map(|(x, _)| *x).collect();
    let has_model = layers.iter().any(|layer| layer.mark == Mark::Dashed);
    let model = if has_model {
        " Dashed: what the model says of a client that asks on a clock, network and server apart: the age is uniform over one interval."
    } else {
        ""
    };
    Some(Chart {
        kind: "sweep",
        name: format!("sweep-{metric}{suffix}"),
        title: format!("{} against {axis}{within}", capital(&name(metric))),
        caption: format!(
            "The line is the median over the trials, the band its 95 % interval. A hollow mark had too few valid trials and is in no comparison.{model}"
        ),
        point: None,
        x: Axis::at(axis, &xs, |value| setting(&lane.column, value)),
        y,
        layers,
    })
}

/// What the model says of an arm whose clients ask on a clock; none for others, and for other figures.
fn predicted(run: &Run, lane: &Lane, name: &str, metric: &str) -> Option<Layer> {
    let summary = run.summary();
    let quantile = match (summary.latency.as_str(), metric) {
        ("delivery-age", "latency_p50_ns") => 0.5,
        ("delivery-age", "latency_p99_ns") => 0.99,
        _ => return None,
    };
    let points: Vec<Point> = lane
        .points
        .iter()
        .filter_map(|(x, point)| {
            let arm = summary.arms_at(*point).find(|arm| arm.arm == name)?;
            let interval = rows_of(&run.folder, arm)
                .first()?
                .setting("poll_interval_s")?;
            let age = model::poll::age_quantile(quantile, interval, 0.0, 0.0) * 1e9;
            Some(Point::new(*x, age).says(setting(&lane.column, *x), duration(age)))
        })
        .collect();
    (points.len() > 1)
        .then(|| Layer::new(name, Mark::Dashed, points).named(format!("{name}, model")))
}

/// Whether positive values differ by more than that factor, so that a logarithmic axis shows them better.
pub(super) fn spans(values: &[f64], factor: f64) -> bool {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    least > 0.0 && most > least * factor
}
