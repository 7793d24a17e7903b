//! How latencies are spread: one ridge an arm.

use hdrhistogram::Histogram;

use super::{arms_at, at_label, at_point, latency_title, name_of};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{Kind, duration};
use crate::run::Run;

/// Steps of equal ratio from the least to the greatest latency.
const BINS: usize = 96;

/// Height of a ridge, and of its ground below the middle of its row.
const HEIGHT: f64 = 0.78;
const GROUND: f64 = 0.4;

pub(super) fn chart(run: &Run, point: usize) -> Option<Chart> {
    let which = run.headline()?;
    let mut rows = Vec::new();
    for (_, arm) in arms_at(run, point) {
        if let Some(samples) = run.merged(arm, which) {
            rows.push((arm, samples));
        }
    }
    let least = rows.iter().map(|(_, samples)| samples.min()).min()?.max(1) as f64;
    // One straggler in ten thousand must not press all others against the wall: percentiles show it.
    let most = rows
        .iter()
        .map(|(_, samples)| samples.value_at_quantile(0.9995))
        .max()? as f64;
    let x = Axis::log(latency_title(run), Kind::Nanoseconds, [least, most]);
    let mut layers = Vec::new();
    for (index, (arm, samples)) in rows.iter().enumerate() {
        let ground = index as f64 + GROUND;
        let ridge = ridge(samples, x.low, x.high, ground);
        layers.push(Layer::new(&arm.arm, Mark::Ridge, ridge).named(name_of(arm)));
        let marks = [
            (0.05, "5 %"),
            (0.25, "25 %"),
            (0.5, "median"),
            (0.75, "75 %"),
            (0.95, "95 %"),
            (0.99, "99 %"),
        ];
        let marks = marks.iter().map(|(quantile, text)| {
            let value = samples.value_at_quantile(*quantile) as f64;
            Point::new(value.clamp(x.low, x.high), ground).says(*text, duration(value))
        });
        layers.push(Layer::new(&arm.arm, Mark::Dot, marks.collect()).named(name_of(arm)));
    }
    Some(Chart {
        kind: "distribution",
        name: at_point("distribution", run, point),
        title: format!("How latencies are spread{}", at_label(run, point)),
        caption: "The higher the ridge, the more messages took that long; all valid trials together, each ridge to its own height. The marks are the 5, 25, \
                  50, 75, 95 and 99 % points."
            .to_owned(),
        point: (run.summary().points.len() > 1).then_some(point),
        y: Axis::slots("", rows.iter().map(|(arm, _)| arm.arm.clone())).downwards(),
        x,
        layers,
    })
}

/// The density of the latencies' logarithms, smoothed a little, on its ground.
fn ridge(samples: &Histogram<u64>, low: f64, high: f64, ground: f64) -> Vec<Point> {
    let (first, last) = (low.ln(), high.ln());
    let width = (last - first) / BINS as f64;
    let mut counts = [0.0; BINS];
    for value in samples.iter_recorded() {
        let place = ((value.value_iterated_to().max(1) as f64).ln() - first) / width;
        if (0.0..BINS as f64).contains(&place) {
            counts[place as usize] += value.count_since_last_iteration() as f64;
        }
    }
    let at = |index: usize| counts.get(index).copied().unwrap_or(0.0);
    let smooth: Vec<f64> = (0..BINS)
        .map(|index| {
            let before = index.checked_sub(1).map_or(0.0, at);
            0.25 * before + 0.5 * at(index) + 0.25 * at(index + 1)
        })
        .collect();
    let top = smooth.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let points = smooth.iter().enumerate().map(|(index, density)| {
        let x = (first + (index as f64 + 0.5) * width).exp();
        Point::new(x, ground - HEIGHT * density / top).to(x, ground)
    });
    points.collect()
}
