//! What a run showed, for a person: a table at the terminal, a page in the browser, pictures for papers and slides, what changed between two runs.
//!
//! It reads result folders and never touches a live run, so whatever it says can be found again in the files, today or in
//! a year. Of one run it makes no judgement of its own: verdicts, medians, intervals and comparisons are those of `summary.json`; here they only
//! get units, columns, shapes and words. Two runs are compared by the same statistics. An invalid arm is shown struck through with its reason, and no sentence ranks it.
//!
//! | module | holds |
//! | --- | --- |
//! | `run` | [`Run`]: a result folder that has been read and checked |
//! | `text` | the terminal: [`table`], [`sentence`], notes and answers |
//! | `plots` | the charts of a run, one kind a file |
//! | `chart` | a chart as data, and how it becomes SVG and PNG |
//! | `page` | `report.html` and `index.html` |
//! | [`diff`] | what changed between two runs |
//! | `files` | what is written where |
//! | `figure` | durations, bytes and counts with three significant digits |

mod chart;
pub mod diff;
mod figure;
mod files;
mod page;
mod plots;
mod run;
mod text;

pub use chart::PngError;
pub use diff::Diff;
pub use figure::{bytes, count, duration, metric};
pub use files::{DrawError, write_index, write_page, write_plot, write_report};
pub use plots::{CustomError, CustomKind, Wanted};
pub use run::Run;
pub use text::{Look, sentence, table, text};
