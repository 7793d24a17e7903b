//! The same latencies twice: from when a message was due, and from when it was really sent.

use measure::Which;

use super::percentiles::{line, marked, reach};
use super::{arms_at, at_label, at_point};
use crate::chart::{Axis, Chart, Layer, Mark};
use crate::figure::Kind;
use crate::run::Run;

pub(super) fn chart(run: &Run, point: usize) -> Option<Chart> {
    let mut layers = Vec::new();
    let mut all = Vec::new();
    for (_, arm) in arms_at(run, point) {
        let (Some(response), Some(service)) = (
            run.merged(arm, Which::Response),
            run.merged(arm, Which::Service),
        ) else {
            continue;
        };
        all.push((arm, response, service));
    }
    let most = reach(all.iter().map(|(_, response, _)| response))?;
    let mut values = Vec::new();
    for (arm, response, service) in &all {
        let name = |word: &str| format!("{}, {word}", arm.arm);
        for (samples, mark, word) in [
            (response, Mark::Line, "from the schedule"),
            (service, Mark::Dashed, "from the send"),
        ] {
            let curve = line(samples, most);
            values.extend(curve.iter().map(|at| at.y));
            layers.push(Layer::new(&arm.arm, mark, curve).named(name(word)));
            let dot = if mark == Mark::Line {
                Mark::Dot
            } else {
                Mark::Hollow
            };
            layers.push(Layer::new(&arm.arm, dot, marked(samples)).named(name(word)));
        }
    }
    let until = if run.summary().latency == "delivery-age" {
        " Here a message has arrived when its last receiver has it."
    } else {
        ""
    };
    Some(Chart {
        kind: "correction",
        name: at_point("correction", run, point),
        title: format!(
            "What coordinated omission would have hidden{}",
            at_label(run, point)
        ),
        caption: format!(
            "Solid: from when a message was due. Dashed: from when it was sent, as an uncorrected tool counts; a generator that waits before it sends \
             would show only this. Where the lines lie on each other nothing was hidden: the generator was on time.{until}"
        ),
        point: (run.summary().points.len() > 1).then_some(point),
        x: Axis::nines("share of messages", most),
        y: Axis::log("time until it has arrived", Kind::Nanoseconds, values),
        layers,
    })
}
