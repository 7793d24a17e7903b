//! Latency against throughput: how far an arm goes, and what it costs to go there.

use super::sweep::{lanes, spans};
use super::{latency_title, with_interval};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::Kind;
use crate::run::Run;
use crate::text::setting;

/// Of a sweep along which throughput changes; one chart, of its first lane.
pub(super) fn chart(run: &Run) -> Option<Chart> {
    let lane = lanes(run).into_iter().next()?;
    let summary = run.summary();
    let mut layers: Vec<Layer> = Vec::new();
    let mut xs = Vec::new();
    let mut ys = Vec::new();
    for name in &run.folder.manifest.run.arms {
        let points: Vec<Point> = lane
            .points
            .iter()
            .filter_map(|(value, point)| {
                let arm = summary
                    .arms_at(*point)
                    .find(|arm| arm.arm == *name && arm.ranked)?;
                let (rate, tail) = (
                    arm.median("messages_per_s")?,
                    arm.metrics.get("latency_p99_ns")?,
                );
                let at = format!(
                    "{}, {}",
                    setting(&lane.column, *value),
                    Kind::PerSecond.show(rate)
                );
                let value = format!("p99 {}", with_interval(Kind::Nanoseconds, tail));
                Some(Point::new(rate, tail.median).says(at, value))
            })
            .collect();
        xs.extend(points.iter().map(|point| point.x));
        ys.extend(points.iter().map(|point| point.y));
        let silent = points.iter().map(|point| Point::new(point.x, point.y));
        layers.push(Layer::new(name, Mark::Line, silent.collect()));
        layers.push(Layer::new(name, Mark::Dot, points));
    }
    layers.retain(|layer| !layer.points.is_empty());
    // Along an axis that leaves throughput as it is, this would be a column of dots.
    (spans(&xs, 1.5) && !layers.is_empty()).then(|| Chart {
        kind: "throughput",
        name: "throughput".to_owned(),
        title: "Tail latency against throughput".to_owned(),
        caption: format!(
            "Each mark is a point of the sweep over {}, in its order along the line. Further right is more work done, further down is sooner.",
            measure::summary::axis_name(&lane.column)
        ),
        point: None,
        x: Axis::log("useful messages a second", Kind::PerSecond, xs),
        y: Axis::log(&format!("p99 of the {}", latency_title(run)), Kind::Nanoseconds, ys),
        layers,
    })
}
