//! What a run showed, for a person: a table to read at a glance and one sentence.
//!
//! It reads result folders and never touches a live run, so whatever it says can be found again in the files, today or in
//! a year. It makes no judgement of its own: verdicts, medians, intervals and comparisons are those of `summary.json`; here they only
//! get units, columns and words. An invalid arm is shown struck through with its reason below, and the sentence never
//! ranks it.
//!
//! | module | holds |
//! | --- | --- |
//! | `table` | [`table`]: an arm a row, with its intervals and the notes below it |
//! | `notes` | what a number alone would hide: guards that were broken, errors, faults |
//! | `sentence` | [`sentence`]: what the run shows, in one sentence |
//! | `answers` | what was asked for by name: crossovers, searches, expectations |
//! | [`diff`] | what changed between two runs |
//! | `figure` | durations, bytes and counts with three significant digits |

mod answers;
pub mod diff;
mod figure;
mod notes;
mod sentence;
mod table;

pub use diff::Diff;
pub use figure::{bytes, count, duration, metric};
pub use sentence::sentence;
pub use table::{Look, table};

/// Heading, table, notes, sentence and answers of a result folder.
pub fn text(folder: &measure::Folder, look: Look) -> String {
    let summary = &folder.summary;
    let quick = if summary.quick {
        " (quick: a look, not a result to keep)"
    } else {
        ""
    };
    let heading = format!("{}: {}{quick}", summary.scenario, summary.question);
    let mut parts = vec![heading];
    if summary.searches.is_empty() {
        parts.push(table(folder, look));
        parts.push(sentence(folder));
    }
    parts.extend(answers::all(summary));
    parts.join("\n") + "\n"
}
