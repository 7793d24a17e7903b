//! The repository's chores, as a program: `cargo xtask test`, `cargo xtask speed`, `cargo xtask oracle`,
//! `cargo xtask instructions`.
//!
//! A program and not a shell script, so that it runs on a machine that has Rust and nothing else,
//! is checked by the same compiler and lints as the rest, and can end what it started.
//!
//! - [`mod@test`]: everything that must pass before a change is accepted, step by step;
//! - [`speed`]: how fast the lab is, as ratios to the yardsticks of `benches/`;
//! - [`instructions`]: how many instructions the hot paths execute, against a baseline;
//! - [`oracle`]: whether other load generators measure what the lab measures;
//! - [`lab`]: the lab in release mode, a server and a client CPU;
//! - [`foreign`]: oha and wrk;
//! - [`awake`]: CPUs that don't sleep;
//! - [`setup`]: installs what is missing;
//! - [`children`]: child processes that never outlive the task.

mod awake;
mod children;
mod foreign;
mod instructions;
mod lab;
mod oracle;
mod setup;
mod speed;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// The repository's chores
#[derive(Parser)]
#[command(bin_name = "cargo xtask", arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up what is missing and run everything that must pass: format, lints, tests, docs
    Test,
    /// Measure the servers and the load generator against the yardsticks of benches/
    Speed(speed::Args),
    /// Measure the same server with oha and wrk, and see whether the percentiles agree
    Oracle(oracle::Args),
    /// Count the instructions of the hot paths with callgrind, and see whether they have become more
    Instructions(instructions::Args),
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> anyhow::Result<()> {
    std::env::set_current_dir(root()?)?;
    children::end_on_signals()?;
    match task {
        Task::Test => test::run(),
        Task::Speed(args) => speed::run(args),
        Task::Oracle(args) => oracle::run(args),
        Task::Instructions(args) => instructions::run(args),
    }
}

/// The workspace's root folder.
fn root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here
        .ancestors()
        .nth(2)
        .context("a crate two folders down")?;
    Ok(root.to_path_buf())
}
