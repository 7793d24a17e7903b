//! `cargo xtask instructions`: how many instructions the hot paths execute, held against what they executed before.
//!
//! A count is the same on a busy machine and on a quiet one, so a regression of a few percent shows where times scatter by tens. It says
//! nothing of the kernel, of caches and of waiting: criterion and `pushlab run` do.
//!
//! Each path is run twice under callgrind (`benches/instructions.rs`), to its steady state and three times as far. The difference is what
//! its turns execute, and starting up is none of it. The profile of the longer run stays in `target/instructions`, for
//! `callgrind_annotate`.
//!
//! - [`baseline`]: the counts in the repository, and when a new one is too high;
//! - [`callgrind`]: runs and counts.

mod baseline;
mod callgrind;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::children::{self, Running};
use crate::lab::target;
use crate::setup::{self, Need};
use baseline::{Baseline, Verdict};
use callgrind::HotPath;

/// What to count
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the counts into the baseline, benches/instructions.json
    #[arg(long)]
    bless: bool,
    /// Only paths whose names contain this; may be given more than once
    #[arg(long, value_name = "PATH")]
    only: Vec<String>,
}

/// Builds, counts, prints a table, and fails when a count is too high.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    setup::debian(&[Need {
        program: "valgrind",
        package: "valgrind",
    }])?;
    let program = build()?;
    let all = callgrind::paths(&program)?;
    let chosen: Vec<&HotPath> = all.iter().filter(|path| args.takes(path)).collect();
    ensure!(
        !chosen.is_empty(),
        "no path is called {}",
        args.only.join(" or ")
    );
    let folder = target()?.join("instructions");
    fs::create_dir_all(&folder)?;
    let mut counts = BTreeMap::new();
    for (number, path) in chosen.iter().enumerate() {
        eprintln!("{}/{} {}", number + 1, chosen.len(), path.name);
        counts.insert(path.name.clone(), path.count(&program, &folder)?);
    }
    let compiler = compiler()?;
    let before = Baseline::read()?;
    print_table(&before, &counts);
    if args.bless {
        return before
            .blessed(compiler, counts, args.only.is_empty())?
            .write();
    }
    judge(&before, &compiler, &counts)
}

impl Args {
    fn takes(&self, path: &HotPath) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| path.name.contains(part))
    }
}

fn build() -> anyhow::Result<PathBuf> {
    eprintln!("building");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet"]);
    cargo.args(["--package", "benches", "--example", "instructions"]);
    // Else rustix asks the kernel where the vDSO is, and under valgrind it isn't there; libc has been told.
    cargo.args(["--features", "rustix/use-libc-auxv"]);
    ensure!(children::run(&mut cargo)?.success(), "the build failed");
    Ok(target()?.join("release/examples/instructions"))
}

/// The compiler and what it compiles for: another one makes other instructions.
fn compiler() -> anyhow::Result<String> {
    let mut rustc = Command::new("rustc");
    let said = Running::start(rustc.arg("-vV"), None)?.output()?;
    let version = said.lines().next().context("no version of rustc")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(format!("{version} {}", host.context("no host of rustc")?))
}

fn print_table(before: &Baseline, counts: &BTreeMap<String, f64>) {
    println!(
        "{:<32}{:>14}{:>14}{:>10}",
        "path", "instructions", "baseline", "change"
    );
    for (name, count) in counts {
        let (then, change) = match before.instructions.get(name) {
            Some(then) => (
                format!("{then:.1}"),
                format!("{:+.1} %", (count / then - 1.0) * 100.0),
            ),
            None => ("-".to_owned(), "new".to_owned()),
        };
        let mark = match before.verdict(name, *count) {
            Verdict::Higher => "  too high",
            Verdict::Lower => "  lower: --bless keeps it so",
            Verdict::Same | Verdict::New => "",
        };
        println!("{name:<32}{count:>14.1}{then:>14}{change:>10}{mark}");
    }
}

/// Fails when a path executes more than it may; with another compiler than the baseline's it only says so.
fn judge(before: &Baseline, compiler: &str, counts: &BTreeMap<String, f64>) -> anyhow::Result<()> {
    let too_high: Vec<&str> = counts
        .iter()
        .filter(|(name, count)| before.verdict(name, **count) == Verdict::Higher)
        .map(|(name, _)| &**name)
        .collect();
    let other = before.compiler != compiler;
    if other {
        println!(
            "\nThe baseline is of {}, this is {compiler}: no verdict. `cargo xtask instructions --bless` makes a new one.",
            before.compiler
        );
    }
    if !other && !too_high.is_empty() {
        bail!(
            "more instructions than the baseline allows: {}; if that is the price of the change, `cargo xtask instructions --bless` accepts it",
            too_high.join(", ")
        );
    }
    Ok(())
}
