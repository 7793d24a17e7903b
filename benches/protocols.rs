//! The transports side by side, over real loopback sockets: a group a question, a function a transport, so that criterion's own report
//! (`target/criterion/report/index.html`) compares them.
//!
//! What is timed is described in `transports/loops.rs`. A server is started when its function runs: what a filter leaves out costs nothing.

mod timing;
mod transports;
mod turns;

use criterion::{Criterion, Throughput, criterion_group};

use transports::TRANSPORTS;

criterion_group! {
    name = protocols;
    config = timing::config();
    targets = echo, broadcast, connect, throughput
}

fn main() {
    protocols();
    timing::finish(BEYOND);
}

/// What criterion can't show.
const BEYOND: &str = "Means of closed loops are what criterion shows. What it can't show: tails (p99, p99.9), and latency under \
a schedule that doesn't wait for answers. See `pushlab run`: cargo run --release -- run echo broadcast";

/// Turns before the time runs: connections are warm, buffers have grown.
const WARM: u64 = 50;

/// A round trip, by the bytes of its data, which are counted there and back.
fn echo(criterion: &mut Criterion) {
    for payload in [64, 1024, 16_384] {
        let mut group = criterion.benchmark_group(format!("echo/{payload}"));
        group.throughput(Throughput::ElementsAndBytes {
            elements: 1,
            bytes: 2 * payload as u64,
        });
        for transport in TRANSPORTS {
            timing::measure(&mut group, transport.name, WARM, || {
                (transport.echo)(payload)
            });
        }
        group.finish();
    }
}

/// A publish until all have it, by the number of subscribers; an element is a delivery.
fn broadcast(criterion: &mut Criterion) {
    for subscribers in [10, 100] {
        let mut group = criterion.benchmark_group(format!("broadcast/{subscribers}"));
        group.throughput(Throughput::Elements(subscribers));
        for transport in TRANSPORTS {
            timing::measure(&mut group, transport.name, WARM, || {
                (transport.broadcast)(subscribers)
            });
        }
        group.finish();
    }
}

/// A session until its welcome is there.
fn connect(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("connect");
    group.throughput(Throughput::Elements(1));
    for transport in TRANSPORTS {
        timing::measure(&mut group, transport.name, WARM, transport.connect);
    }
    group.finish();
}

/// Replies a second on one session, by the requests under way at once.
fn throughput(criterion: &mut Criterion) {
    for depth in [1, 16, 64] {
        let mut group = criterion.benchmark_group(format!("throughput/{depth}"));
        group.throughput(Throughput::Elements(1));
        for transport in TRANSPORTS {
            timing::measure(&mut group, transport.name, WARM * depth, || {
                (transport.throughput)(depth)
            });
        }
        group.finish();
    }
}
