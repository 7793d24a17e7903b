//! The hot paths: code that runs for every message, each by itself, without a wire.
//!
//! criterion times them (`benches/parts.rs`), `cargo xtask instructions` counts their instructions.
//!
//! - [`hub`]: fan-out, encoding, parsing;
//! - [`framing`]: WebSocket frames, read and written;
//! - [`generator`]: what an answer and a receipt cost to take down, and what an arrival costs the pacer;
//! - [`http`]: a request on a client's HTTP connection.

mod framing;
mod generator;
mod http;
mod hub;

use std::time::Instant;

use criterion::Throughput;

use crate::turns::Turns;

/// A hot path.
pub(crate) struct HotPath {
    /// criterion's group.
    pub(crate) group: &'static str,
    /// Its name within the group.
    pub(crate) name: &'static str,
    /// What a turn comes to: so many messages, deliveries or samples, or one message of so many bytes.
    pub(crate) work: Throughput,
    /// After so many turns queues and tables have grown as far as they do.
    pub(crate) warm: u64,
    /// Readies it.
    pub(crate) ready: fn() -> Turns,
}

/// All of them; those of a group stand together.
pub(crate) const PATHS: &[HotPath] = &[
    HotPath {
        group: "hub/fan-out",
        name: "1000",
        work: Throughput::Elements(1_000),
        warm: 100,
        ready: || hub::fan_out(1_000),
    },
    HotPath {
        group: "hub/fan-out",
        name: "10000",
        work: Throughput::Elements(10_000),
        warm: 70,
        ready: || hub::fan_out(10_000),
    },
    HotPath {
        group: "event",
        name: "encode",
        work: Throughput::Elements(1),
        warm: 10_000,
        ready: hub::encode,
    },
    HotPath {
        group: "command/parse",
        name: "emit",
        work: Throughput::Bytes(hub::EMIT.len() as u64),
        warm: 10_000,
        ready: || hub::parse(hub::EMIT),
    },
    HotPath {
        group: "command/parse",
        name: "request",
        work: Throughput::Bytes(hub::REQUEST.len() as u64),
        warm: 10_000,
        ready: || hub::parse(hub::REQUEST),
    },
    HotPath {
        group: "frame/read",
        name: "64",
        work: Throughput::Bytes(64),
        warm: 10_000,
        ready: || framing::read(64),
    },
    HotPath {
        group: "frame/read",
        name: "16384",
        work: Throughput::Bytes(16_384),
        warm: 1_000,
        ready: || framing::read(16_384),
    },
    HotPath {
        group: "frame/write",
        name: "64",
        work: Throughput::Bytes(64),
        warm: 10_000,
        ready: || framing::write(64),
    },
    HotPath {
        group: "frame/write",
        name: "16384",
        work: Throughput::Bytes(16_384),
        warm: 1_000,
        ready: || framing::write(16_384),
    },
    HotPath {
        group: "recorder",
        name: "answer",
        work: Throughput::Elements(1),
        warm: 10_000,
        ready: generator::record,
    },
    HotPath {
        group: "oracle/receive",
        name: "in-order",
        work: Throughput::Elements(1),
        warm: 10_000,
        ready: || generator::receive(false),
    },
    HotPath {
        group: "oracle/receive",
        name: "some-late",
        work: Throughput::Elements(1),
        warm: 10_000,
        ready: || generator::receive(true),
    },
    HotPath {
        group: "pacer",
        name: "arrival",
        work: Throughput::Elements(1),
        // Few, so that under callgrind no second passes, whose end is work of its own.
        warm: 1_000,
        ready: generator::hand_out,
    },
    HotPath {
        group: "http-line",
        name: "request",
        work: Throughput::Elements(1),
        warm: 500,
        ready: http::request,
    },
];

/// `step`, so many times in a row.
fn timed(mut step: impl FnMut() + 'static) -> Turns {
    Box::new(move |turns| {
        let started = Instant::now();
        for _ in 0..turns {
            step();
        }
        started.elapsed()
    })
}
