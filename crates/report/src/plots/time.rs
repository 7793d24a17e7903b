//! Latency second by second: whether it grows, and whether a single moment made the tail.

use super::{arms_at, at_label, at_point, latency_title, name_of};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{Kind, count, duration};
use crate::run::Run;

pub(super) fn chart(run: &Run, point: usize) -> Option<Chart> {
    let label = run.label(point);
    let mut layers = Vec::new();
    for (_, arm) in arms_at(run, point) {
        for trial in arm.trials.iter().filter(|trial| trial.counted) {
            let seconds = run.folder.intervals.iter().filter(|second| {
                second.arm == arm.arm
                    && second.point == label
                    && second.trial == trial.trial
                    && second.attempt == trial.attempt
            });
            let points: Vec<Point> = seconds
                .filter_map(|second| {
                    let (p50, p99) = (second.p50_ns?, second.p99_ns?);
                    let middle = second.start_s + second.duration_s / 2.0;
                    let at = format!("trial {}, {:.1} s", trial.trial, middle);
                    let value = format!(
                        "p99 {}, median {}, {} samples",
                        duration(p99 as f64),
                        duration(p50 as f64),
                        count(second.count as f64)
                    );
                    Some(Point::new(middle, p99.max(1) as f64).says(at, value))
                })
                .collect();
            if points.is_empty() {
                continue;
            }
            layers.push(Layer::new(&arm.arm, Mark::Thread, points.clone()).named(name_of(arm)));
            let silent = points.iter().map(|point| Point::new(point.x, point.y));
            layers.push(Layer::new(&arm.arm, Mark::Dot, silent.collect()).named(name_of(arm)));
        }
    }
    let all = || layers.iter().flat_map(|layer| &layer.points);
    all().next()?;
    Some(Chart {
        kind: "time",
        name: at_point("time", run, point),
        title: format!("Tail latency over time{}", at_label(run, point)),
        caption: "The 99th percentile of each second, a line a trial. A line that climbs is a queue that grows; a single high point is one bad moment."
            .to_owned(),
        point: (run.summary().points.len() > 1).then_some(point),
        x: Axis::linear("seconds since the measured part began", Kind::Count, all().map(|at| at.x)),
        y: Axis::log(&format!("p99 of the {}", latency_title(run)), Kind::Nanoseconds, all().map(|at| at.y)),
        layers,
    })
}
