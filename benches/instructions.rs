//! The hot paths for `cargo xtask instructions`, which counts what they execute: `instructions` names them, a line of JSON each;
//! `instructions NAME TURNS` does one of them so many times.
//!
//! It is a plain program run twice, with few turns and with many: the difference is that of the turns alone, to the instruction, whatever
//! starting up costs. gungraun, the harness for callgrind, was the other choice. It needs a runner that is installed in the very version of
//! its library, and as a bench target it fails in plain `cargo bench` where valgrind or that runner is missing. It holds counts against an
//! earlier run kept in `target`, or against numbers in the code; wanted here is a file in the repository that a command writes.

mod hot;
mod transports;
mod turns;

use anyhow::Context;
use clap::Parser;
use criterion::Throughput;
use serde_json::json;

use hot::PATHS;
use transports::TRANSPORTS;
use turns::Turns;

/// Hot paths, to be counted
#[derive(Parser)]
struct Args {
    /// Which one; all are named without it
    #[arg(requires = "turns")]
    name: Option<String>,
    /// How many times
    turns: Option<u64>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let paths = paths();
    if let (Some(name), Some(turns)) = (args.name, args.turns) {
        let path = paths.iter().find(|path| path.name == name);
        (path.context("no such path")?.ready)()(turns);
        return Ok(());
    }
    for path in paths {
        println!(
            "{}",
            json!({"name": path.name, "warm": path.warm, "elements": path.elements})
        );
    }
    Ok(())
}

struct Path {
    name: String,
    /// Turns after which it is in its steady state.
    warm: u64,
    /// Of what it is counted, in a turn: messages, deliveries, samples.
    elements: u64,
    ready: Box<dyn Fn() -> Turns>,
}

fn paths() -> Vec<Path> {
    let mut paths: Vec<Path> = PATHS
        .iter()
        .map(|path| Path {
            name: format!("{}/{}", path.group, path.name),
            warm: path.warm,
            elements: match path.work {
                Throughput::Elements(count) => count,
                _ => 1,
            },
            ready: Box::new(path.ready),
        })
        .collect();
    // Both ends of a transport, in user mode: what the kernel does isn't counted.
    for transport in TRANSPORTS {
        let path = |name, warm, elements, ready| Path {
            name: format!("{name}/{}", transport.name),
            warm,
            elements,
            ready,
        };
        paths.extend([
            path("echo/64", 200, 1, Box::new(move || (transport.echo)(64))),
            path(
                "broadcast/10",
                100,
                10,
                Box::new(move || (transport.broadcast)(10)),
            ),
            path("connect", 300, 1, Box::new(transport.connect)),
            path(
                "throughput/16",
                2_000,
                1,
                Box::new(move || (transport.throughput)(16)),
            ),
        ]);
    }
    paths
}
