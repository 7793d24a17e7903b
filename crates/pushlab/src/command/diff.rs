//! `pushlab diff`: what changed between two runs.

use std::io::{self, Write};
use std::path::Path;

use anyhow::anyhow;
use measure::Folder;
use report::{Diff, Look};

use crate::cli::{DiffArgs, Format};
use crate::command::experiment::is_styled;
use crate::exit::{Exit, Failure};

/// Compares two result folders, and fails if something got worse by more than was allowed.
pub(crate) fn diff(args: &DiffArgs) -> Result<Exit, Failure> {
    let diff = Diff::of(&read(&args.a)?, &read(&args.b)?);
    if let (Some(difference), false) = (&diff.scenario_difference, args.anyway) {
        return Err(Failure::Usage(anyhow!(
            "the runs are of different scenarios: {difference}; --anyway compares them all the same"
        )));
    }
    let text = match args.format {
        Format::Text => diff.text(Look {
            styled: is_styled(),
        }),
        Format::Markdown => diff.markdown(),
        Format::Json => serde_json::to_string_pretty(&diff)? + "\n",
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(args
        .fail_over
        .map_or(Exit::Fine, |share| judge(&diff, share)))
}

/// A folder whose files say the same.
fn read(path: &Path) -> Result<Folder, Failure> {
    // The error's text has its cause already; as a chain it would be told twice.
    let wrong = |error: measure::FolderError| Failure::Usage(anyhow!("{error}"));
    let folder = Folder::read(path).map_err(wrong)?;
    folder.verify().map_err(wrong)?;
    Ok(folder)
}

/// Names on standard error what is worse than allowed.
fn judge(diff: &Diff, share: f64) -> Exit {
    let mut worse = diff.worse_than(share);
    let unjudged = diff.figures.iter().filter(|one| !one.is_judged()).count();
    if diff.is_blind() {
        worse.push("no figure could be judged, so nothing was shown to be as it was".to_owned());
    } else if unjudged > 0 {
        let all = diff.figures.len();
        eprintln!("pushlab: note: {unjudged} of {all} figures could not be judged");
    }
    for line in &worse {
        eprintln!("pushlab: {line}");
    }
    if worse.is_empty() {
        Exit::Fine
    } else {
        Exit::ExpectationFailed
    }
}
