//! A run at the terminal: a table to read at a glance, notes, one sentence, and the answers to what was asked by name.
//!
//! | module | holds |
//! | --- | --- |
//! | `table` | [`table`]: an arm a row, with its intervals and the notes below it |
//! | `notes` | what a number alone would hide: guards that were broken, errors, faults |
//! | `sentence` | [`sentence`]: what the run shows, in one sentence |
//! | `answers` | what was asked for by name: crossovers, searches, expectations |

mod answers;
mod notes;
mod sentence;
mod table;

pub(crate) use answers::{crossovers, expectations, setting};
pub(crate) use notes::notes;
pub(crate) use sentence::is_floor;
pub use sentence::sentence;
pub use table::{Look, table};
pub(crate) use table::{rows_of, verdict};

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

/// The answer in a sentence or, of a search, what it found for each arm.
pub(crate) fn answer(folder: &measure::Folder) -> String {
    let found = answers::found_together(&folder.summary.searches);
    if found.is_empty() {
        capital(&sentence(folder))
    } else {
        capital(&found.join("; ")) + "."
    }
}

/// The same text with a capital letter in front.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
