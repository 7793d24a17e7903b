//! `pushlab selftest`: the lab measures known truths, through the very code that measures transports, and says by how much it is wrong.
//!
//! | module | concern |
//! | --- | --- |
//! | `freeze`, `delay`, `queue`, `histogram`, `same`, `sends`, `end`, `starved`, `link`, `packets` | the checks, each with its truth and its limits |
//! | `law` | formulas, sample paths and tests |
//! | `probe` | a transport whose server takes exactly as long as it is told |
//! | `freezer` | stops a process and lets it go on, on a schedule |
//! | `lab` | runs a case for its raw samples |
//! | `wire`, `waits` | a link with both ends in this thread, and whether the CPUs were theirs |
//! | `progress`, `table` | what is said meanwhile, and at the end |

mod delay;
mod end;
mod freeze;
mod freezer;
mod histogram;
mod lab;
mod law;
mod link;
mod packets;
mod probe;
mod progress;
mod queue;
mod same;
mod sends;
mod starved;
mod table;
mod waits;
mod wire;

use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use measure::SelfTest;
use measure::selftest::Row;

use crate::cli::SelfTestArgs;
use crate::cpus::{self, Pins};
use crate::exit::{Exit, Failure};
use crate::process;
use crate::stop::Stop;
use lab::{Halt, Lab};
use progress::Progress;

/// A truth, and how the lab measures it.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// In a line, what is compared with what.
    pub(crate) asks: &'static str,
    run: fn(&Lab<'_>) -> Result<Vec<Row>, Halt>,
}

/// All checks, in the order in which they run.
pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "freeze",
        asks: "a server that stands still: the percentiles against the law",
        run: freeze::run,
    },
    Check {
        name: "delay",
        asks: "a server with a constant delay, and one with a little more",
        run: delay::run,
    },
    Check {
        name: "queue",
        asks: "M/D/1 and M/M/1 against sample path and formula; Little's law",
        run: queue::run,
    },
    Check {
        name: "histogram",
        asks: "the histograms against the sorted raw samples",
        run: histogram::run,
    },
    Check {
        name: "a-a",
        asks: "two arms that are the same differ no more often than chance",
        run: same::run,
    },
    Check {
        name: "send-times",
        asks: "when is sent, against the schedule's law; the slip at 10,000 a second",
        run: sends::run,
    },
    Check {
        name: "end-in-freeze",
        asks: "a run that ends while its server stands still: nothing vanishes",
        run: end::run,
    },
    Check {
        name: "starved",
        asks: "a generator without its CPU is refused",
        run: starved::run,
    },
    Check {
        name: "link",
        asks: "a network between: delay, jitter and bandwidth as they were asked",
        run: link::run,
    },
    Check {
        name: "packet-link",
        asks: "a network of packets: delay, loss and bandwidth as they were asked",
        run: packets::run,
    },
];

/// Where the record goes when nothing else is said.
const RESULTS: &str = "results";

/// How long cases may be repeated, all together, so that the whole keeps within a minute, or five.
const QUICK: Duration = Duration::from_secs(10);
const FULL: Duration = Duration::from_secs(60);

/// Runs the checks, prints what they showed, and records it.
pub(crate) fn selftest(args: &SelfTestArgs) -> Result<Exit, Failure> {
    let out = args.out.as_deref();
    if let Some(out) = out
        && out.exists()
        && !out.is_dir()
    {
        let shown = out.display();
        return Err(Failure::Usage(anyhow!(
            "--out {shown} exists and is no folder; the record needs a folder, old or new"
        )));
    }
    process::raise_file_limit();
    let stop = Stop::listen().context("can't listen for signals")?;
    let allowed = cpus::allowed();
    let pins = Pins::new(&allowed, 1);
    if pins.generator.is_empty() {
        eprintln!("pushlab: one CPU only: server and generator share it, so expect misses");
    } else {
        cpus::pin(&pins.generator).context("can't pin the generator")?;
    }
    let checks: Vec<&Check> = CHECKS
        .iter()
        .filter(|check| args.only.is_empty() || args.only.iter().any(|name| name == check.name))
        .collect();
    let (started, complete) = (measure::clock::utc(), checks.len() == CHECKS.len());
    let Some(rows) = run(&checks, pins, args.quick, &stop) else {
        return Ok(Exit::Interrupted);
    };
    // Whatever follows measures nothing.
    if !allowed.is_empty() {
        cpus::pin(&allowed).context("can't unpin the generator")?;
    }
    let record = SelfTest::new(started, args.quick, complete, rows);
    let text = if args.json {
        record.json()?
    } else {
        format!("\n{}", table::text(&record))
    };
    // A reader that has closed the pipe has seen what it wanted; the exit code stands.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let recorded = keep(&record, out);
    Ok(if record.passed && recorded {
        Exit::Fine
    } else {
        Exit::Missed
    })
}

/// The rows of all checks; none if the user stopped it.
fn run(checks: &[&Check], pins: Pins, quick: bool, stop: &Stop) -> Option<Vec<Row>> {
    let progress = Progress::new(checks.len());
    let lab = Lab {
        pins,
        quick,
        stop,
        progress: &progress,
        spare: Cell::new(if quick { QUICK } else { FULL }),
    };
    let mut rows = Vec::new();
    for check in checks {
        progress.begin(check.name, check.asks);
        let found = match (check.run)(&lab) {
            Ok(found) => found,
            Err(Halt::Interrupted) => {
                progress.finish();
                return None;
            }
            Err(Halt::Failed(_)) if stop.is_asked() => {
                progress.finish();
                return None;
            }
            Err(Halt::Failed(error)) => {
                vec![Row::failed(check.name, check.asks, format!("{error:#}"))]
            }
        };
        let missed = found.iter().filter(|row| !row.passed).count();
        progress.end(&match missed {
            0 => "ok".to_owned(),
            missed => format!("{missed} MISS"),
        });
        rows.extend(found);
    }
    progress.finish();
    Some(rows)
}

/// Records it: all checks in the folder of results, a part of them only where the user said. False if it could not be written.
fn keep(record: &SelfTest, out: Option<&Path>) -> bool {
    let out = match out {
        Some(out) => out,
        None if record.complete => Path::new(RESULTS),
        None => return true,
    };
    match record.write(out) {
        Ok(path) => {
            eprintln!("recorded: {}", path.display());
            true
        }
        Err(error) => {
            let path = out.join(measure::selftest::FILE);
            eprintln!(
                "pushlab: warning: the self-test is not recorded: can't write {}: {error}",
                path.display()
            );
            false
        }
    }
}
