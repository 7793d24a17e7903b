//! `cargo xtask oracle`: whether other load generators, on the same server at the same load, measure
//! what the lab's own measures.
//!
//! One server (`pushlab serve request-response`) is loaded at `POST /echo` with the same body by the
//! lab's generator, by oha and by wrk, each on the same CPU, in turn forwards and backwards. The lab
//! runs as it always does but for the session protocol, which no other tool speaks
//! (`benches/subjects/echo_load.rs`).
//!
//! - [`arm`]: who loads how, and what it says;
//! - [`verdict`]: what is compared with what, and when two agree;
//! - [`table`]: what people read, with the reasons of the differences.

mod arm;
mod table;
mod verdict;

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Instant;

use anyhow::ensure;

use crate::foreign::Foreign;
use crate::lab::Lab;
use arm::{Bench, Mode, Sample};

/// What to measure
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each generator runs in each mode
    #[arg(long, default_value = "5")]
    repeats: NonZeroUsize,
    /// How long it runs each time
    #[arg(long, default_value = "5")]
    seconds: NonZeroU32,
    /// Requests a second in the open loop, all connections together
    #[arg(long, default_value = "500")]
    rate: NonZeroU32,
    /// Connections in the open loop and in the full closed one
    #[arg(long, default_value = "50")]
    connections: NonZeroUsize,
    /// Let idle CPUs sleep, as they do in use: then waking them is in the figures of a generator that
    /// waits, and not in those of one that spins
    #[arg(long)]
    sleeping_cpus: bool,
}

/// Builds, measures, prints, and fails if generators disagree.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let foreign = Foreign::set_up()?;
    let lab = Lab::build()?;
    let connections = args.connections.get();
    let bench = Bench {
        server: lab.serve("request-response", 2 * connections + 64)?,
        seconds: args.seconds.get(),
        lets_sleep: args.sleeping_cpus,
        lab,
        foreign,
    };
    let modes = [
        Mode::Alone,
        Mode::Open {
            connections,
            rate: args.rate.get(),
        },
        Mode::Full { connections },
    ];
    let repeats = args.repeats.get();
    let began = Instant::now();
    let mut disagree = Vec::new();
    let mut alone = Vec::new();
    let mut tables = Vec::new();
    for mode in modes {
        let samples = measure(&bench, mode, repeats)?;
        let lines = verdict::lines(mode, &samples, &alone);
        for line in &lines {
            disagree.extend(line.disagreements().map(|what| format!("{mode}: {what}")));
        }
        if mode == Mode::Alone {
            alone = verdict::costs(mode, &samples);
        }
        tables.push((mode, lines));
    }
    let waited = bench.server.waited()?.as_secs_f64() / began.elapsed().as_secs_f64();
    println!(
        "{}; `POST /echo`, {} B; medians of {repeats} interleaved repeats of {} s; \
         {}; the server was kept waiting for its CPU for {:.1} % of the time.\n",
        bench.lab.setting()?,
        arm::PAYLOAD,
        bench.seconds,
        if args.sleeping_cpus {
            "idle CPUs sleep"
        } else {
            "idle CPUs are kept awake"
        },
        waited * 100.0
    );
    for (mode, lines) in &tables {
        println!("{}", table::table(*mode, lines));
    }
    println!("{}", table::reasons());
    let advice = if waited > BUSY {
        "\nThe machine was busy with something else, which lengthens all tails and not all alike: \
         run it again when it is quiet."
    } else {
        ""
    };
    ensure!(
        disagree.is_empty(),
        "generators disagree:\n  {}{advice}",
        disagree.join("\n  ")
    );
    println!("All agree.");
    Ok(())
}

/// Above this share of the time, something else wanted the server's CPU.
const BUSY: f64 = 0.01;

/// Every arm of a mode, once in each repeat, in turn forwards and backwards.
fn measure(bench: &Bench, mode: Mode, repeats: usize) -> anyhow::Result<Vec<Vec<Sample>>> {
    let arms = mode.arms();
    let mut samples: Vec<Vec<Sample>> = arms.iter().map(|_| Vec::new()).collect();
    let mut order: Vec<usize> = (0..arms.len()).collect();
    for repeat in 1..=repeats {
        for &index in &order {
            let arm = arms[index];
            eprint!("{repeat}/{repeats} {mode}, {arm}: ");
            let sample = bench.measure(mode, arm)?;
            eprintln!("{sample}");
            samples[index].push(sample);
        }
        order.reverse();
    }
    Ok(samples)
}
