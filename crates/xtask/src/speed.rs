//! `cargo xtask speed`: how fast the lab is, as ratios to the yardsticks of `benches/`.
//!
//! Server and client are pinned to a CPU each. What counts is messages per CPU second of the side
//! that is measured, read from the scheduler's own count, because that survives a noisy
//! neighbour. Yardstick and subject take turns (forwards, then backwards), each in a fresh
//! process. A figure is the median over the repeats, and a ratio the median of the repeats' ratios.
//!
//! - [`rows`]: the figures, what must be reached (*land*) and what should be (*aim*);
//! - [`subject`]: how each subject is measured.

mod rows;
mod subject;

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::children::{self, Running};
use rows::{ROWS, Row};
use subject::{Bench, Subject};

/// What to measure
#[derive(clap::Args)]
pub(crate) struct Args {
    /// 3 repeats of 1 s instead of 7 of 2 s: indicative only
    #[arg(long)]
    quick: bool,
    /// Repeats instead of 7 (or 3)
    #[arg(long)]
    repeats: Option<NonZeroUsize>,
    /// Only the row of this name, or the rows whose names contain it; may be given more than once
    #[arg(long, value_name = "ROW")]
    only: Vec<String>,
    /// Name the rows and end
    #[arg(long)]
    list: bool,
}

/// Builds, measures and prints a markdown table.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let chosen: Vec<&Row> = ROWS.iter().filter(|row| args.takes(row)).collect();
    if args.list || chosen.is_empty() {
        for row in ROWS {
            println!("{:<18}{}", row.name, row.title);
        }
        ensure!(args.list, "no row is called {}", args.only.join(" or "));
        return Ok(());
    }
    let cpus = children::cpus()?;
    let [server_cpu, .., client_cpu] = cpus[..] else {
        bail!("server and client need a CPU each, and there is only one");
    };
    let binaries = build()?;
    let bench = Bench {
        server_cpu,
        client_cpu,
        seconds: if args.quick { 1.0 } else { 2.0 },
        pushlab: binaries.join("pushlab"),
        yardsticks: binaries.join("examples"),
    };
    let repeats = args
        .repeats
        .map_or(if args.quick { 3 } else { 7 }, NonZeroUsize::get);
    let figures = measure(&bench, &chosen, repeats)?;
    print_setting(&bench, repeats)?;
    print_table(&chosen, &figures);
    Ok(())
}

impl Args {
    fn takes(&self, row: &Row) -> bool {
        let names = |part: &String| {
            let whole = ROWS.iter().any(|row| row.name == part);
            row.name == part || !whole && row.name.contains(part)
        };
        self.only.is_empty() || self.only.iter().any(names)
    }
}

/// What came of each subject: the figures, one a repeat, or why there is none.
type Figures = HashMap<Subject, Result<Vec<f64>, String>>;

/// Builds everything once; the answer is the folder of the binaries.
fn build() -> anyhow::Result<PathBuf> {
    eprintln!("building");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet", "--bins", "--examples"]);
    cargo.args(["--package", "pushlab", "--package", "benches"]);
    ensure!(children::run(&mut cargo)?.success(), "the build failed");
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: serde_json::Value =
        serde_json::from_str(&Running::start(&mut cargo, None)?.output()?)?;
    let target = metadata["target_directory"].as_str();
    let binaries = Path::new(target.context("no target folder")?).join("release");
    // What the generator wrote the last time.
    let _ = fs::remove_dir_all(binaries.join("speed"));
    Ok(binaries)
}

/// Measures every subject and yardstick of the rows, interleaved: all once in each repeat, in turn
/// forwards and backwards. A subject that fails is not tried again, and does not stop the others.
fn measure(bench: &Bench, rows: &[&Row], repeats: usize) -> anyhow::Result<Figures> {
    let mut subjects: Vec<Subject> = Vec::new();
    for row in rows {
        for subject in row
            .yardstick
            .map(|(subject, _)| subject)
            .into_iter()
            .chain([row.subject])
        {
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
    }
    let mut figures = Figures::new();
    for repeat in 1..=repeats {
        for &subject in &subjects {
            let all = figures.entry(subject).or_insert(Ok(Vec::new()));
            let Ok(values) = all else { continue };
            eprint!("{repeat}/{repeats} {subject}: ");
            match bench.measure(subject) {
                Ok(value) => {
                    eprintln!("{}", rows::with_unit(subject, value));
                    values.push(value);
                }
                Err(error) => {
                    eprintln!("failed: {error:#}");
                    *all = Err(format!("{error:#}"));
                }
            }
        }
        subjects.reverse();
    }
    ensure!(
        figures.values().any(Result::is_ok),
        "nothing could be measured"
    );
    Ok(figures)
}

fn print_setting(bench: &Bench, repeats: usize) -> anyhow::Result<()> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            Some(
                line.strip_prefix("model name")?
                    .split_once(": ")?
                    .1
                    .to_owned(),
            )
        })
        .unwrap_or_default();
    let said = |program: &str, arguments: &[&str]| -> anyhow::Result<String> {
        let mut command = Command::new(program);
        let said = Running::start(command.args(arguments), None)?.output()?;
        Ok(said.trim().to_owned())
    };
    println!(
        "{}; {model}; Linux {}; {}; commit {}; load average {}; server on CPU {}, client on CPU {}; \
         medians of {repeats} interleaved repeats of {} s.\n",
        said("date", &["-u", "+%F %R UTC"])?,
        read("/proc/sys/kernel/osrelease").trim(),
        said("rustc", &["--version"])?,
        said("git", &["describe", "--always", "--dirty"]).unwrap_or("none".to_owned()),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
        bench.server_cpu,
        bench.client_cpu,
        bench.seconds,
    );
    Ok(())
}

fn print_table(rows: &[&Row], figures: &Figures) {
    println!("| figure | measured | yardstick | ratio | land | aim | reached? |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        let values = |subject| figures[&subject].as_deref().ok();
        println!("{}", row.line(values));
    }
    println!();
    for row in rows {
        if let Err(error) = &figures[&row.subject] {
            println!("{} failed: {error}", row.name);
        }
    }
}
