//! Latency by percentile: the tail is as wide as the body.

use hdrhistogram::Histogram;

use super::{arms_at, at_label, at_point, latency_title, name_of};
use crate::chart::{Axis, Chart, Layer, Mark, Point, Scale};
use crate::figure::{Kind, count, duration};
use crate::run::Run;

/// Quantiles that are marked.
const MARKED: [(f64, &str); 8] = [
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.95, "95 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
    (0.99999, "99.999 %"),
    (0.999_999, "99.9999 %"),
];

/// Points of a line in each nine.
const STEPS: u32 = 24;

pub(super) fn chart(run: &Run, point: usize) -> Option<Chart> {
    let which = run.headline()?;
    let mut curves = Vec::new();
    for (_, arm) in arms_at(run, point) {
        if let Some(samples) = run.merged(arm, which) {
            curves.push((arm, samples));
        }
    }
    let most = reach(curves.iter().map(|(_, samples)| samples))?;
    let latencies = curves.iter().flat_map(|(_, samples)| line(samples, most));
    let y = Axis::log(
        latency_title(run),
        Kind::Nanoseconds,
        latencies.map(|at| at.y),
    );
    let mut layers = Vec::new();
    for (arm, samples) in &curves {
        let mark = if arm.ranked { Mark::Line } else { Mark::Thread };
        layers.push(Layer::new(&arm.arm, mark, line(samples, most)).named(name_of(arm)));
        layers.push(Layer::new(&arm.arm, Mark::Dot, marked(samples)).named(name_of(arm)));
    }
    Some(Chart {
        kind: "percentiles",
        name: at_point("percentiles", run, point),
        title: format!("Latency by percentile{}", at_label(run, point)),
        caption: "That share of all messages took at most so long; all valid trials together. Each further nine is as wide as the one before it, and \
                  the line ends where one message in all is left."
            .to_owned(),
        point: (run.summary().points.len() > 1).then_some(point),
        x: Axis::nines("share of messages", most),
        y,
        layers,
    })
}

/// How far out the most numerous samples reach: one less than all of them. None without a sample.
pub(super) fn reach<'a>(all: impl Iterator<Item = &'a Histogram<u64>>) -> Option<f64> {
    let most = all.map(Histogram::len).max()?;
    Some(1.0 - 1.0 / (most.max(2)) as f64)
}

/// The curve of some samples, as far as they reach.
pub(super) fn line(samples: &Histogram<u64>, most: f64) -> Vec<Point> {
    let own = 1.0 - 1.0 / samples.len().max(2) as f64;
    let end = Scale::Nines.place(own.min(most));
    let last = (end * f64::from(STEPS)).floor() as u32;
    let places = (0..=last).map(|step| f64::from(step) / f64::from(STEPS));
    let mut points: Vec<Point> = Vec::new();
    for place in places.chain([end]) {
        let quantile = 1.0 - 10_f64.powf(-place);
        let value = samples.value_at_quantile(quantile).max(1) as f64;
        // Where three points have one value, the middle one says nothing.
        if let [.., before, last] = points.as_mut_slice()
            && before.y.total_cmp(&value).is_eq()
            && last.y.total_cmp(&value).is_eq()
        {
            last.x = quantile;
            continue;
        }
        points.push(Point::new(quantile, value));
    }
    if own <= most {
        points.push(Point::new(own, samples.max().max(1) as f64));
    }
    points
}

/// The percentiles that people quote, and what they are.
pub(super) fn marked(samples: &Histogram<u64>) -> Vec<Point> {
    let total = samples.len();
    let is_known = |quantile: f64| (1.0 - quantile) * total as f64 >= 1.0;
    let mut points: Vec<Point> = MARKED
        .iter()
        .filter(|(quantile, _)| is_known(*quantile))
        .map(|(quantile, text)| {
            let value = samples.value_at_quantile(*quantile) as f64;
            Point::new(*quantile, value.max(1.0)).says(*text, duration(value))
        })
        .collect();
    let greatest = samples.max() as f64;
    let end = 1.0 - 1.0 / total.max(2) as f64;
    points.push(Point::new(end, greatest.max(1.0)).says(
        format!("greatest of {}", count(total as f64)),
        duration(greatest),
    ));
    points
}
