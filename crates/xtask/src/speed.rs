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

use anyhow::ensure;

use crate::foreign::Foreign;
use crate::lab::Lab;
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
            println!("{:<20}{}", row.name, row.title);
        }
        ensure!(args.list, "no row is called {}", args.only.join(" or "));
        return Ok(());
    }
    let lab = Lab::build()?;
    let foreign = chosen.iter().any(|row| row.needs_foreign());
    let bench = Bench {
        lab,
        seconds: if args.quick { 1 } else { 2 },
        foreign: foreign.then(Foreign::set_up).transpose()?,
    };
    // What the generator wrote the last time.
    let _ = fs::remove_dir_all(bench.folder());
    let repeats = args
        .repeats
        .map_or(if args.quick { 3 } else { 7 }, NonZeroUsize::get);
    let figures = measure(&bench, &chosen, repeats)?;
    println!(
        "{}; medians of {repeats} interleaved repeats of {} s.\n",
        bench.lab.setting()?,
        bench.seconds
    );
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

fn print_table(rows: &[&Row], figures: &Figures) {
    println!("| figure | measured | yardstick | ratio | land | aim | reached? |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        let values = |subject| figures[&subject].as_deref().ok();
        println!("{}", row.line(values));
    }
    println!();
    for row in rows {
        if let Some(note) = row.note(figures[&row.subject].as_deref().ok()) {
            println!("{}: {note}", row.name);
        }
        if let Err(error) = &figures[&row.subject] {
            println!("{} failed: {error}", row.name);
        }
    }
}
