//! What the scenario asks about, trial by trial: how sure the median is.

use super::{arms_at, at_label, at_point, name_of, with_interval};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{kind, name};
use crate::run::Run;

pub(super) fn chart(run: &Run, point: usize) -> Option<Chart> {
    let metric = asked(run);
    let unit = kind(metric);
    let mut layers = Vec::new();
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (_, arm) in arms_at(run, point) {
        let Some(spread) = arm.metrics.get(metric) else {
            continue;
        };
        let row = names.len() as f64;
        names.push(arm.arm.clone());
        values.extend(spread.known());
        if let Some(interval) = spread.interval().filter(|_| arm.ranked) {
            let span = Point::new(interval.low, row).to(interval.high, row);
            layers.push(Layer::new(&arm.arm, Mark::Span, vec![span]));
            values.extend([interval.low, interval.high]);
        }
        let single = |(index, value): (usize, &Option<f64>)| {
            let value = (*value)?;
            // Side by side enough to be told apart, and the same each time.
            let y = row + 0.16 + 0.06 * (index % 3) as f64;
            Some(Point::new(value, y).says(format!("trial {}", index + 1), unit.show(value)))
        };
        let singles = spread.values.iter().enumerate().filter_map(single);
        layers.push(Layer::new(&arm.arm, Mark::Hollow, singles.collect()).named(name_of(arm)));
        let median = Point::new(spread.median, row).says("median", with_interval(unit, spread));
        layers.push(Layer::new(&arm.arm, Mark::Dot, vec![median]).named(name_of(arm)));
    }
    if names.is_empty() {
        return None;
    }
    Some(Chart {
        kind: "trials",
        name: at_point("trials", run, point),
        title: format!("How sure is the {}{}?", name(metric), at_label(run, point)),
        caption: "Full: the median over the trials, with its 95 % interval. Hollow: each trial by itself. The trial is the unit of all statistics here."
            .to_owned(),
        point: (run.summary().points.len() > 1).then_some(point),
        x: Axis::log(&name(metric), unit, values),
        y: Axis::slots("", names).downwards(),
        layers,
    })
}

/// The metric that answers the scenario's question.
pub(crate) fn asked(run: &Run) -> &'static str {
    match run.summary().latency.as_str() {
        "connect" => "server_bytes_per_connection",
        _ => "latency_p50_ns",
    }
}
