//! Bytes a message at each layer.

use super::{arms_at, at_label, at_point};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{Kind, bytes};
use crate::run::Run;

pub(super) fn chart(run: &Run, point: usize) -> Option<Chart> {
    let mut rows = Vec::new();
    for (_, arm) in arms_at(run, point) {
        let of = |metric: &str| arm.median(&format!("{metric}_bytes_per_message"));
        if let (Some(payload), Some(wire)) = (of("payload"), of("wire")) {
            let ip = of("ip").map_or(0.0, |ip| (ip - wire).max(0.0));
            // A median of sums is not the sum of medians to the last byte: the wire is what was measured.
            let payload = payload.min(wire);
            rows.push((
                arm,
                [
                    ("payload", payload),
                    ("headers, frames", wire - payload),
                    ("TCP, IP", ip),
                ],
            ));
        }
    }
    let layers = rows.iter().enumerate().map(|(row, (arm, parts))| {
        let mut from = 0.0;
        let points = parts
            .iter()
            .zip([0.45, 0.28, 0.14])
            .map(|((what, size), weight)| {
                let start = from;
                from += size;
                Point::new(start, row as f64 - 0.3)
                    .to(from, row as f64 + 0.3)
                    .weighing(weight)
                    .labelled(*what)
                    .says(*what, format!("{} a message", bytes(*size)))
            });
        Layer::new(&arm.arm, Mark::Block, points.collect())
    });
    let layers: Vec<Layer> = layers.collect();
    let totals = rows
        .iter()
        .map(|(_, parts)| parts.iter().map(|(_, size)| size).sum());
    let x = Axis::linear(
        "bytes a useful message, both directions",
        Kind::Bytes,
        totals.collect::<Vec<f64>>(),
    );
    let y = Axis::slots("", rows.iter().map(|(arm, _)| arm.arm.clone())).downwards();
    (!rows.is_empty()).then(|| Chart {
        kind: "bytes",
        name: at_point("bytes", run, point),
        title: format!("Bytes a message, layer by layer{}", at_label(run, point)),
        caption: "From dark to light: the payload itself; what HTTP headers and WebSocket frames add; what TCP and IP add, from the kernel's count of \
                  segments. There is no TLS here."
            .to_owned(),
        point: (run.summary().points.len() > 1).then_some(point),
        x,
        y,
        layers,
    })
}
