//! The result folder, written so that an interrupted run can be read.
//!
//! The folder is made first, and only if it isn't there: two runs never mix. Its first file is a manifest that says
//! `running`; after each case all tables are written anew, each to a temporary name that is then renamed. So at any
//! moment the folder holds whole files, and a run that was killed is one whose manifest never got past `running`.
//! Such a run can be gone on with: [`FolderWriter::resume`].
//!
//! | module | holds |
//! | --- | --- |
//! | `writer` | [`FolderWriter`]: a folder that is being written |
//! | `log` | `latency.hlog`, written and read |
//! | `verify` | [`Folder::verify`]: whether the files say the same |
//! | `histograms` | [`Histograms`]: what the log holds |
//! | `hold` | the mark of a folder that is being written: a lock, and room for last words on a full disk |

mod histograms;
mod hold;
mod log;
mod verify;
mod writer;

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use histograms::Histograms;
pub use writer::FolderWriter;

use crate::manifest::{Manifest, SCHEMA_VERSION, Status};
use crate::rows::{self, IntervalRow, RunRow};
use crate::summary::Summary;

const MANIFEST: &str = "manifest.json";
const SCENARIO: &str = "scenario.toml";
const RUNS: &str = "runs.csv";
const INTERVALS: &str = "intervals.csv";
const LOG: &str = "latency.hlog";
const SUMMARY: &str = "summary.json";

/// Why a result folder can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is a folder of that name already.
    #[error("{} exists already; a run never writes into the folder of another", .0.display())]
    Exists(PathBuf),
    /// Another process writes into the folder.
    #[error("{} is being written by another pushlab; wait until that run has ended", .0.display())]
    Busy(PathBuf),
    /// There is nothing to go on with.
    #[error("{} is complete: no case is left to be measured", .0.display())]
    Complete(PathBuf),
    /// The disk is full, or may not be written to, or …
    #[error("can't write {}: {cause}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The file is missing or may not be read.
    #[error("can't read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The file is not what it should be.
    #[error("{}:{line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A resumed run would mix what can't be compared.
    #[error("{} was begun elsewhere: {difference}; a run can only go on where it began", path.display())]
    Elsewhere {
        /// The folder.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// Some other folder.
    #[error("{} is no result folder: it has no manifest.json", .0.display())]
    NoResult(PathBuf),
    /// The folder was written by a later version.
    #[error("{} was written by a newer pushlab (schema {found}, this one reads {SCHEMA_VERSION}): update pushlab", path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The folder was written by an earlier version, whose figures meant something else.
    #[error(
        "{} was measured with schema {found}, which this pushlab no longer reads (it reads {SCHEMA_VERSION}): \
         measure it again with `pushlab run {}`, or use the pushlab of {commit}",
        path.display(),
        path.join(SCENARIO).display()
    )]
    Older {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The commit of the pushlab that wrote it, in words.
        commit: String,
    },
}

/// A result folder as it is read.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// The machine, the build, the command.
    pub manifest: Manifest,
    /// The scenario as run, to the letter.
    pub scenario: String,
    /// One row a case.
    pub runs: Vec<RunRow>,
    /// One row a second and case.
    pub intervals: Vec<IntervalRow>,
    /// What it showed.
    pub summary: Summary,
}

impl Folder {
    /// Reads the folder at `path`. One whose run was killed says [`Status::Interrupted`].
    ///
    /// # Errors
    /// A file is missing or malformed; the error names the file and the line.
    pub fn read(path: &Path) -> Result<Self, FolderError> {
        let mut manifest = manifest(path)?;
        if manifest.status == Status::Running {
            manifest.status = Status::Interrupted;
        }
        let (runs_path, intervals_path) = (path.join(RUNS), path.join(INTERVALS));
        let summary_path = path.join(SUMMARY);
        let mut summary: Summary = json(&summary_path, &bytes(&summary_path)?)?;
        summary.status = manifest.status;
        Ok(Self {
            path: path.to_owned(),
            scenario: text(&path.join(SCENARIO))?,
            runs: rows::read(&runs_path, &bytes(&runs_path)?)?,
            intervals: rows::read(&intervals_path, &bytes(&intervals_path)?)?,
            manifest,
            summary,
        })
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, FolderError> {
    fs::read(path).map_err(|cause| FolderError::Read {
        path: path.to_owned(),
        cause,
    })
}

fn text(path: &Path) -> Result<String, FolderError> {
    fs::read_to_string(path).map_err(|cause| FolderError::Read {
        path: path.to_owned(),
        cause,
    })
}

/// The manifest of a folder. The version is looked at first, for the rest may have changed with it.
fn manifest(folder: &Path) -> Result<Manifest, FolderError> {
    let path = folder.join(MANIFEST);
    if !path.exists() && folder.is_dir() {
        return Err(FolderError::NoResult(folder.to_owned()));
    }
    let text = bytes(&path)?;
    let value: serde_json::Value = json(&path, &text)?;
    let version = value.get("schema_version");
    let Some(found) = version.and_then(serde_json::Value::as_u64) else {
        return Err(FolderError::Malformed {
            path,
            line: 1,
            reason: "no number `schema_version`: this is no manifest of pushlab".to_owned(),
        });
    };
    let path_of_folder = folder.to_owned();
    match found.cmp(&u64::from(SCHEMA_VERSION)) {
        Ordering::Equal => json(&path, &text),
        Ordering::Greater => Err(FolderError::Newer {
            path: path_of_folder,
            found,
        }),
        Ordering::Less => {
            let commit = value["build"]["git_commit"].as_str();
            Err(FolderError::Older {
                path: path_of_folder,
                found,
                commit: commit.map_or_else(
                    || "that time".to_owned(),
                    |commit| format!("commit {commit}"),
                ),
            })
        }
    }
}

fn json<T: serde::de::DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, FolderError> {
    serde_json::from_slice(text).map_err(|error| FolderError::Malformed {
        path: path.to_owned(),
        line: error.line() as u64,
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
