//! Whether the files of a folder say the same.
//!
//! A folder is read by people, by spreadsheets and by whoever draws a plot from it, long after the run. So before anything is drawn
//! or compared, its files are held against each other, and a file that was cut off or edited is an error that names the line.
//!
//! What one file says and another one repeats, or what follows from it, can't be altered in one place alone:
//!
//! | file | what is checked |
//! | --- | --- |
//! | `manifest.json` | `run.order` against the rows; scenario, arms, trials, seed, axes, start and commit by what the others have of them |
//! | `scenario.toml` | that it is a scenario; name, kind, question, duration; the settings and the point of each row; the expectations |
//! | `runs.csv` | every column that follows from others, every latency by the log, counts by the seconds, all metrics by the summary |
//! | `intervals.csv` | the seconds follow each other; counts by the rows, figures by the log |
//! | `latency.hlog` | every letter: comments and times follow from the tables, each histogram has a checksum |
//! | `summary.json` | every letter: it is made again from the tables and the log. Verdicts, searches and their reasons are its own |
//!
//! Numbers that were made again may differ by a share of 1e-9: another machine's logarithms may. What nothing else repeats can't be
//! checked: the machine in the manifest, comments, transports, warm-up, trials and seed in the scenario, and in `runs.csv` columns such as
//! `retransmits` or the length of the warm-up.
//!
//! A run that was killed leaves files that may be one case apart, for they are written one after the other. A folder that was closed
//! (complete or interrupted) is exact.

mod latencies;
mod same;
mod settings;
mod summary;
mod tables;

use std::path::PathBuf;

use super::histograms::Histograms;
use super::{Folder, FolderError, INTERVALS, LOG, MANIFEST, RUNS, SUMMARY, bytes, json, text};
use crate::manifest::{Manifest, Status};
use crate::rows;
use crate::summary::Summary;

/// A folder that is held against itself.
struct Check<'a> {
    folder: &'a Folder,
    /// As the files have them: reading a folder changes the status of a run that was killed.
    manifest: Manifest,
    summary: Summary,
    summary_text: String,
    log: String,
    /// The line of each row.
    run_lines: Vec<u64>,
    interval_lines: Vec<u64>,
}

impl Folder {
    /// Reads `latency.hlog` and checks that the tables, the log and the summary say the same.
    ///
    /// # Errors
    /// A file was cut off or altered, or belongs to another folder. The error names the file and the line, what stands there and what would be right.
    pub fn verify(&self) -> Result<Histograms, FolderError> {
        let check = Check::read(self)?;
        check.order()?;
        let expects = check.scenario()?;
        let seconds = check.seconds()?;
        let (histograms, headlines) = check.latencies(&seconds)?;
        check.summary(headlines, &expects)?;
        Ok(histograms)
    }
}

impl<'a> Check<'a> {
    fn read(folder: &'a Folder) -> Result<Self, FolderError> {
        let path = |name: &str| folder.path.join(name);
        let manifest_text = text(&path(MANIFEST))?;
        let summary_text = text(&path(SUMMARY))?;
        let (runs, intervals) = (bytes(&path(RUNS))?, bytes(&path(INTERVALS))?);
        let check = Self {
            folder,
            manifest: json(&path(MANIFEST), manifest_text.as_bytes())?,
            summary: json(&path(SUMMARY), summary_text.as_bytes())?,
            summary_text,
            log: text(&path(LOG))?,
            run_lines: rows::lines(&path(RUNS), &runs, &folder.runs)?,
            interval_lines: rows::lines(&path(INTERVALS), &intervals, &folder.intervals)?,
        };
        check.ends(MANIFEST, &manifest_text)?;
        check.ends(SUMMARY, &check.summary_text)?;
        check.ends(LOG, &check.log)?;
        Ok(check)
    }

    /// Whether the run ended as runs do, so that all files hold the same cases.
    fn is_closed(&self) -> bool {
        matches!(self.manifest.status, Status::Complete | Status::Interrupted)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path.join(name)
    }

    fn wrong(&self, name: &str, line: u64, reason: impl Into<String>) -> FolderError {
        FolderError::Malformed {
            path: self.path(name),
            line,
            reason: reason.into(),
        }
    }

    /// Every file ends with a line's end.
    fn ends(&self, name: &str, text: &str) -> Result<(), FolderError> {
        if text.ends_with('\n') {
            return Ok(());
        }
        let line = text.lines().count().max(1) as u64;
        Err(self.wrong(name, line, "this line has no end: the file was cut off"))
    }
}

#[cfg(test)]
mod tests;
