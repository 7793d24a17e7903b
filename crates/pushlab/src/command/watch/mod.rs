//! `pushlab watch`: one case at the terminal, message by message.
//!
//! It is measured as in every run, by the same generator against a server process of its own; only the link is a relay within this process, so
//! that what passes can be taken apart.
//!
//! | module | concern |
//! | --- | --- |
//! | `readable` | a scenario that a person can follow |
//! | `observer` | what passes the relay, on its way to the printer, and totals |
//! | `printer` | prints them as they come |
//! | `diagram` | a line a message, for people |
//! | `lines` | a line a message, as JSON |
//! | `summary` | the totals at the end |

mod diagram;
mod lines;
mod observer;
mod printer;
mod readable;
mod summary;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use measure::Outcome;
use scenario::Case;
use tokio::runtime;

use crate::cli::WatchArgs;
use crate::command::case::{self, Place};
use crate::command::experiment::is_styled;
use crate::command::progress::Progress;
use crate::command::tapped::Tap;
use crate::cpus::{self, Pins};
use crate::exit::{Exit, Failure};
use crate::process;
use crate::registry;
use crate::scenarios;
use crate::stop::Stop;
use diagram::{Diagram, Style};
use lines::Lines;
use observer::Observer;
use printer::Printer;
use readable::Readable;

/// Runs a case and shows what passes.
pub(crate) fn watch(args: &WatchArgs) -> Result<Exit, Failure> {
    let name = &args.transport;
    let Some(entry) = registry::find(name).filter(|entry| entry.info.url.is_some()) else {
        return Err(Failure::Usage(anyhow!(
            "{name} has no network, so nothing passes that could be watched; any other transport has one (`pushlab list transports`)"
        )));
    };
    let scenario = scenarios::find(&args.scenario).map_err(Failure::usage)?;
    let Readable { scenario, says } =
        readable::make(args, scenario, &entry.info).map_err(Failure::Usage)?;
    process::raise_file_limit();
    let stop = Stop::listen().context("can't listen for signals")?;
    let pins = Pins::new(&cpus::allowed(), scenario.server.threads);
    let case = Case {
        seed: scenario.seed,
        scenario: Arc::new(scenario),
        transport: name.clone(),
        point: String::new(),
        trial: 1,
        attempt: 1,
    };
    let printer = if args.json {
        for line in &says {
            eprintln!("{line}");
        }
        Printer::Lines(Lines::new(name))
    } else {
        let style = Style {
            ascii: args.ascii || !is_utf8(),
            colours: is_styled(),
        };
        Printer::Diagram(Diagram::new(style))
    };
    let (observer, events) = Observer::new();
    let printing = {
        let (stop, says) = (stop.clone(), if args.json { Vec::new() } else { says });
        thread::Builder::new()
            .name("printer".into())
            .spawn(move || {
                let result = printer.print(&says, &events, io::stdout());
                if result.is_err() {
                    // Nobody reads any more.
                    stop.ask();
                }
                result
            })
            .context("can't start the printer's thread")?
    };
    let tap = {
        let observer = Arc::clone(&observer);
        Tap::new(move |seen| observer.see(&seen))
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(runtime::LocalOptions::default())
        .context("can't start an event loop")?;
    let place = Place::Watched(pins, tap);
    let progress = Progress::silent();
    let measurement = runtime.block_on(case::measure(&case, &place, &stop, &progress));
    let totals = observer.finish();
    let shown = printing
        .join()
        .map_err(|_| anyhow!("the printer's thread panicked"))?;
    let text = if args.json {
        lines::totals(name, &totals, &measurement)?
    } else {
        summary::of(&totals, &measurement, &case.scenario)
    };
    let said = shown.and_then(|()| io::stdout().write_all(text.as_bytes()));
    match said {
        Ok(()) => {}
        // As `pushlab watch … | head` ends.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Fine),
        Err(error) => return Err(Failure::from(error)),
    }
    match measurement.outcome {
        Outcome::Completed => Ok(Exit::Fine),
        Outcome::Interrupted => Ok(Exit::Interrupted),
        Outcome::Failed { reason } => Err(Failure::Lab(anyhow!(reason))),
    }
}

/// Whether the terminal, or whoever reads, takes UTF-8 (POSIX, section 8.2: the first of these that is set says).
fn is_utf8() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
