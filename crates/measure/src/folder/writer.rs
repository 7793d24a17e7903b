//! A result folder that is being written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use scenario::Expect;

use super::hold::Hold;
use super::{Folder, FolderError, INTERVALS, LOG, MANIFEST, RUNS, SCENARIO, SUMMARY, log, text};
use crate::manifest::{Manifest, RunInfo, Status};
use crate::measurement::{Key, Measurement, Outcome};
use crate::replace::replace;
use crate::rows::{self, IntervalRow, RunRow};
use crate::selftest::SelfTest;
use crate::summary::{Depth, Kept, Search, Summary, encode};
use crate::verdict::Verdict;

/// A result folder that is being written.
#[derive(Debug)]
pub struct FolderWriter {
    path: PathBuf,
    name: String,
    manifest: Manifest,
    cases: Vec<Kept>,
    intervals: Vec<IntervalRow>,
    log: Vec<u8>,
    searches: Vec<Search>,
    expects: Vec<Expect>,
    hold: Hold,
}

impl FolderWriter {
    /// Makes the folder of a run below `out` (which is made too) and writes what is known before the first case.
    ///
    /// # Errors
    /// The folder exists already, or can't be written.
    pub fn create(out: &Path, run: RunInfo, scenario: &str) -> Result<Self, FolderError> {
        Self::create_as(out, Manifest::new(run), scenario)
    }

    pub(super) fn create_as(
        out: &Path,
        manifest: Manifest,
        scenario: &str,
    ) -> Result<Self, FolderError> {
        let name = manifest.folder_name();
        let path = out.join(&name);
        let writing = |path: &Path| {
            let path = path.to_owned();
            move |cause: io::Error| match cause.kind() {
                io::ErrorKind::AlreadyExists => FolderError::Exists(path),
                _ => FolderError::Write { path, cause },
            }
        };
        fs::create_dir_all(out).map_err(|cause| FolderError::Write {
            path: out.to_owned(),
            cause,
        })?;
        fs::create_dir(&path).map_err(writing(&path))?;
        let first_words = || {
            let writer = Self {
                hold: Hold::on(&path)?,
                path: path.clone(),
                name: name.clone(),
                manifest,
                cases: Vec::new(),
                intervals: Vec::new(),
                log: Vec::new(),
                searches: Vec::new(),
                expects: Vec::new(),
            };
            writer.put_json(MANIFEST, &writer.manifest)?;
            writer.put(SCENARIO, scenario.as_bytes())?;
            writer.put_tables(Depth::Running)?;
            Ok(writer)
        };
        first_words().inspect_err(|_| {
            // Nothing was measured: a folder without a word in it would only be in the way.
            let _ = fs::remove_dir_all(&path);
        })
    }

    /// Goes on with a run that was interrupted, killed or failed: all that its tables hold is kept.
    ///
    /// # Errors
    /// It is complete, or being written, was begun on another machine or by another build, or its files are not what they should be.
    pub fn resume(path: &Path) -> Result<Self, FolderError> {
        let Folder {
            mut manifest,
            runs,
            intervals,
            summary,
            ..
        } = Folder::read(path)?;
        if manifest.status == Status::Complete {
            return Err(FolderError::Complete(path.to_owned()));
        }
        if let Some(difference) = manifest.difference_from_here() {
            return Err(FolderError::Elsewhere {
                path: path.to_owned(),
                difference,
            });
        }
        let hold = Hold::on(path)?;
        let log_path = path.join(LOG);
        let log_text = text(&log_path)?;
        let mut writer = Self {
            path: path.to_owned(),
            name: summary.folder.clone(),
            cases: Vec::new(),
            intervals: Vec::new(),
            log: Vec::new(),
            searches: Vec::new(),
            expects: Vec::new(),
            hold,
            manifest: manifest.clone(),
        };
        // What was cut off is measured again.
        for row in runs
            .into_iter()
            .filter(|row| row.outcome != Outcome::Interrupted)
        {
            // The tables are written one after the other. A case that the last of them doesn't know yet is measured again.
            let known = summary.verdict_of(&row.key).cloned();
            let Some((verdict, lines)) = known.zip(log::lines_of(&log_text, &row.key)) else {
                continue;
            };
            let headline = log::merged(lines, &row.key, row.key.headline()).map_err(|reason| {
                FolderError::Malformed {
                    path: log_path.clone(),
                    line: 1 + log_text[..log_text.find(lines).unwrap_or(0)]
                        .lines()
                        .count() as u64,
                    reason,
                }
            })?;
            writer.log.extend_from_slice(lines.as_bytes());
            let own = intervals.iter().filter(|interval| {
                interval.arm == row.key.arm
                    && interval.point == row.key.point
                    && interval.trial == row.key.trial
                    && interval.attempt == row.key.attempt
            });
            writer.intervals.extend(own.cloned());
            writer.cases.push(Kept {
                headline: headline.map_or_else(Vec::new, |histogram| encode(&histogram)),
                row,
                verdict,
            });
        }
        manifest.status = Status::Running;
        manifest.reason = None;
        manifest.ended_utc = None;
        manifest.resumed_utc.push(Timestamp::now());
        // Of a run that was killed the manifest knows no order, of another it has what was cut off as well.
        manifest.run.order = writer.rows().map(|row| row.key.brief()).collect();
        writer.manifest = manifest;
        writer.put_json(MANIFEST, &writer.manifest)?;
        writer.put_tables(Depth::Running)?;
        Ok(writer)
    }

    /// What the lab's last self-test showed.
    pub fn tell_self_test(&mut self, last: Option<SelfTest>) {
        self.manifest.self_test = last;
    }

    /// What the summary is to judge at the end.
    pub fn expect(&mut self, expects: Vec<Expect>) {
        self.expects = expects;
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The rows so far.
    pub fn rows(&self) -> impl Iterator<Item = &RunRow> {
        self.cases.iter().map(|case| &case.row)
    }

    /// What was measured of a case before, if it was.
    pub fn recall(&self, key: &Key) -> Option<(&RunRow, &Verdict)> {
        let is_it =
            |case: &&Kept| case.row.key.is_same_case(key) && case.row.key.attempt == key.attempt;
        let case = self.cases.iter().find(is_it)?;
        Some((&case.row, &case.verdict))
    }

    /// Adds one case; all tables hold it when this returns.
    ///
    /// # Errors
    /// The folder can't be written. The case is kept and written with the next one, if that is possible again.
    pub fn add(&mut self, measurement: &Measurement) -> Result<(), FolderError> {
        self.cases.push(Kept::of(measurement));
        self.manifest.run.order.push(measurement.key.brief());
        self.intervals.extend(IntervalRow::all(measurement));
        let lines = log::lines(measurement, self.manifest.started_utc).map_err(|cause| {
            FolderError::Write {
                path: self.path.join(LOG),
                cause,
            }
        })?;
        self.log.extend(lines);
        self.put_tables(Depth::Running)
    }

    /// Adds what a search found for one arm.
    pub fn found(&mut self, search: Search) {
        self.searches.push(search);
    }

    /// What the cases so far show.
    pub fn summary(&self) -> Summary {
        self.summarise(Depth::Whole)
    }

    /// Closes the folder: how the run ended, and why if it failed.
    ///
    /// # Errors
    /// The folder can't be written; the manifest says so, if at least that can.
    pub fn finish(
        mut self,
        status: Status,
        reason: Option<String>,
    ) -> Result<Summary, FolderError> {
        self.manifest.status = status;
        self.manifest.reason = reason;
        self.manifest.ended_utc = Some(Timestamp::now());
        let summary = self.summarise(Depth::Whole);
        let tables = self
            .put_rows()
            .and_then(|()| self.put_json(SUMMARY, &summary));
        if let Err(error) = &tables {
            self.hold.spend();
            self.manifest.status = Status::Failed;
            let reason = self.manifest.reason.take().unwrap_or(error.to_string());
            self.manifest.reason = Some(reason);
        }
        self.put_json(MANIFEST, &self.manifest)?;
        tables.map(|()| summary)
    }

    fn summarise(&self, depth: Depth) -> Summary {
        Summary::of(
            &self.name,
            &self.manifest,
            &self.cases,
            &self.searches,
            &self.expects,
            depth,
        )
    }

    fn put_tables(&self, depth: Depth) -> Result<(), FolderError> {
        self.put_rows()?;
        self.put_json(SUMMARY, &self.summarise(depth))
    }

    fn put_rows(&self) -> Result<(), FolderError> {
        let runs: Vec<RunRow> = self.rows().cloned().collect();
        self.put(RUNS, &self.table(RUNS, &runs)?)?;
        self.put(INTERVALS, &self.table(INTERVALS, &self.intervals)?)?;
        let mut text =
            log::heading(self.manifest.started_utc).map_err(|cause| FolderError::Write {
                path: self.path.join(LOG),
                cause,
            })?;
        text.extend_from_slice(&self.log);
        self.put(LOG, &text)
    }

    fn table<R: rows::Row + Clone>(&self, name: &str, rows: &[R]) -> Result<Vec<u8>, FolderError> {
        rows::write(rows).map_err(|error| FolderError::Write {
            path: self.path.join(name),
            cause: io::Error::other(error),
        })
    }

    fn put_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| FolderError::Write {
            path,
            cause: io::Error::other(error),
        })?;
        bytes.push(b'\n');
        self.put(name, &bytes)
    }

    /// A reader sees the old file or the new one, never a part.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        replace(&path, bytes).map_err(|cause| FolderError::Write {
            path: path.clone(),
            cause,
        })
    }
}
