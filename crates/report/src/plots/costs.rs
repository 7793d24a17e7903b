//! What it costs the machine: CPU time a message, memory a connection.

use super::{arms_at, at_label, at_point, with_interval};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{Kind, bytes, duration};
use crate::run::Run;

/// CPU time of the server a message, user mode and kernel apart.
pub(super) fn cpu(run: &Run, point: usize) -> Option<Chart> {
    let stack = Stack {
        kind: "costs",
        title: "Server CPU a message",
        caption: "Darker: the server's own code. Lighter: the kernel on its behalf. The line is the 95 % interval of both together.",
        axis: "CPU time of the server a useful message",
        unit: Kind::Microseconds,
        parts: [
            ("user mode", "server_cpu_user_us_per_message"),
            ("kernel", "server_cpu_system_us_per_message"),
        ],
        total: Some("server_cpu_us_per_message"),
        show: |us| duration(us * 1e3),
    };
    stack.chart(run, point)
}

/// Memory a connection: the server's own, and the kernel's for both ends.
pub(super) fn memory(run: &Run, point: usize) -> Option<Chart> {
    let stack = Stack {
        kind: "memory",
        title: "Memory a connection",
        caption: "Darker: resident memory of the server for each session. Lighter: kernel memory for both ends of its connections, told for 500 sessions and \
                  more, where it can be told at all.",
        axis: "memory a connection",
        unit: Kind::Bytes,
        parts: [
            ("server", "server_bytes_per_connection"),
            ("kernel", "kernel_bytes_per_connection"),
        ],
        total: None,
        show: bytes,
    };
    stack.chart(run, point)
}

/// Two metrics on end, a row an arm.
struct Stack {
    kind: &'static str,
    title: &'static str,
    caption: &'static str,
    axis: &'static str,
    unit: Kind,
    parts: [(&'static str, &'static str); 2],
    total: Option<&'static str>,
    show: fn(f64) -> String,
}

impl Stack {
    fn chart(&self, run: &Run, point: usize) -> Option<Chart> {
        let mut layers = Vec::new();
        let mut names = Vec::new();
        let mut ends = Vec::new();
        for (_, arm) in arms_at(run, point) {
            let row = names.len() as f64;
            let mut from = 0.0;
            let mut blocks = Vec::new();
            for ((what, metric), weight) in self.parts.iter().zip([0.45, 0.22]) {
                let Some(size) = arm.median(metric) else {
                    continue;
                };
                let block = Point::new(from, row - 0.3)
                    .to(from + size, row + 0.3)
                    .weighing(weight)
                    .labelled(*what)
                    .says(*what, (self.show)(size));
                blocks.push(block);
                from += size;
            }
            if blocks.is_empty() {
                continue;
            }
            names.push(arm.arm.clone());
            ends.push(from);
            layers.push(Layer::new(&arm.arm, Mark::Block, blocks));
            let total = self.total.and_then(|metric| arm.metrics.get(metric));
            if let Some((spread, interval)) = total.and_then(|all| Some((all, all.interval()?))) {
                let span = Point::new(interval.low, row).to(interval.high, row);
                ends.push(interval.high);
                layers.push(Layer::new(&arm.arm, Mark::Span, vec![span]));
                let median = Point::new(spread.median, row)
                    .says("both together", with_interval(self.unit, spread));
                layers.push(Layer::new(&arm.arm, Mark::Dot, vec![median]));
            }
        }
        (!names.is_empty()).then(|| Chart {
            kind: self.kind,
            name: at_point(self.kind, run, point),
            title: format!("{}{}", self.title, at_label(run, point)),
            caption: self.caption.to_owned(),
            point: (run.summary().points.len() > 1).then_some(point),
            x: Axis::linear(self.axis, self.unit, ends),
            y: Axis::slots("", names).downwards(),
            layers,
        })
    }
}
