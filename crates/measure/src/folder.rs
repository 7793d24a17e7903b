//! The result folder, written so that an interrupted run can be read.
//!
//! The folder is made first, and only if it isn't there: two runs never mix. Its first file is a manifest that says
//! `running`; after each case all tables are written anew, each to a temporary name that is then renamed. So at any
//! moment the folder holds whole files, and a run that was killed is one whose manifest never got past `running`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use jiff::Timestamp;

use crate::manifest::{Manifest, RunInfo, SCHEMA_VERSION, Status};
use crate::measurement::Measurement;
use crate::rows::{self, IntervalRow, RunRow};
use crate::summary::Summary;
use crate::verdict::Verdict;

const MANIFEST: &str = "manifest.json";
const SCENARIO: &str = "scenario.toml";
const RUNS: &str = "runs.csv";
const INTERVALS: &str = "intervals.csv";
const LOG: &str = "latency.hlog";
const SUMMARY: &str = "summary.json";

/// The unit of the `Interval_Max` column of the log, for people: milliseconds.
const MAX_VALUE_DIVISOR: f64 = 1e6;

/// Why a result folder can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is a folder of that name already.
    #[error("{} exists already; a run never writes into the folder of another", .0.display())]
    Exists(PathBuf),
    /// The disk is full, or may not be written to, or …
    #[error("can't write {}: {source}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is missing or may not be read.
    #[error("can't read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
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
    /// The folder was written by another version.
    #[error("{} has schema version {found}; this pushlab reads version {SCHEMA_VERSION}", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u64,
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

/// A result folder that is being written.
#[derive(Debug)]
pub struct FolderWriter {
    path: PathBuf,
    name: String,
    manifest: Manifest,
    cases: Vec<(RunRow, Verdict)>,
    intervals: Vec<IntervalRow>,
    log: Vec<u8>,
}

impl Folder {
    /// Reads the folder at `path`. One whose run was killed says [`Status::Interrupted`].
    ///
    /// # Errors
    /// A file is missing or malformed; the error names the file and the line.
    pub fn read(path: &Path) -> Result<Self, FolderError> {
        let manifest_path = path.join(MANIFEST);
        let mut manifest: Manifest = json(&manifest_path, &bytes(&manifest_path)?)?;
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

impl FolderWriter {
    /// Makes the folder of a run below `out` (which is made too) and writes what is known before the first case.
    ///
    /// # Errors
    /// The folder exists already, or can't be written.
    pub fn create(out: &Path, run: RunInfo, scenario: &str) -> Result<Self, FolderError> {
        Self::create_as(out, Manifest::new(run), scenario)
    }

    fn create_as(out: &Path, manifest: Manifest, scenario: &str) -> Result<Self, FolderError> {
        let name = manifest.folder_name();
        let path = out.join(&name);
        let writing = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| match source.kind() {
                io::ErrorKind::AlreadyExists => FolderError::Exists(path),
                _ => FolderError::Write { path, source },
            }
        };
        fs::create_dir_all(out).map_err(|source| FolderError::Write {
            path: out.to_owned(),
            source,
        })?;
        fs::create_dir(&path).map_err(writing(&path))?;
        let writer = Self {
            path,
            name,
            manifest,
            cases: Vec::new(),
            intervals: Vec::new(),
            log: Vec::new(),
        };
        writer.put_json(MANIFEST, &writer.manifest)?;
        writer.put(SCENARIO, scenario.as_bytes())?;
        writer.put_tables()?;
        Ok(writer)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one case; all tables hold it when this returns.
    ///
    /// # Errors
    /// The folder can't be written. The case is kept and written with the next one, if that is possible again.
    pub fn add(&mut self, measurement: &Measurement) -> Result<(), FolderError> {
        self.cases
            .push((RunRow::of(measurement), measurement.verdict.clone()));
        self.intervals.extend(IntervalRow::all(measurement));
        self.append_to_log(measurement)
            .map_err(|source| FolderError::Write {
                path: self.path.join(LOG),
                source,
            })?;
        self.put_tables()
    }

    /// What the cases so far show.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.name, &self.manifest, &self.cases)
    }

    /// Closes the folder: how the run ended, and why if it failed.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn finish(
        mut self,
        status: Status,
        reason: Option<String>,
    ) -> Result<Summary, FolderError> {
        self.manifest.status = status;
        self.manifest.reason = reason;
        self.manifest.ended_utc = Some(Timestamp::now());
        self.put_tables()?;
        self.put_json(MANIFEST, &self.manifest)?;
        Ok(self.summary())
    }

    fn put_tables(&self) -> Result<(), FolderError> {
        let runs: Vec<RunRow> = self.cases.iter().map(|(row, _)| row.clone()).collect();
        self.put(RUNS, &self.table(RUNS, &runs)?)?;
        self.put(INTERVALS, &self.table(INTERVALS, &self.intervals)?)?;
        self.put(LOG, &self.log_with_heading()?)?;
        self.put_json(SUMMARY, &self.summary())
    }

    fn table<R: rows::Row + Clone>(&self, name: &str, rows: &[R]) -> Result<Vec<u8>, FolderError> {
        rows::write(rows).map_err(|error| FolderError::Write {
            path: self.path.join(name),
            source: io::Error::other(error),
        })
    }

    fn put_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| FolderError::Write {
            path,
            source: io::Error::other(error),
        })?;
        bytes.push(b'\n');
        self.put(name, &bytes)
    }

    /// A reader sees the old file or the new one, never a part.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let write = || {
            let mut file = tempfile::Builder::new()
                .prefix(".")
                .suffix(".tmp")
                .permissions(permissions())
                .tempfile_in(&self.path)?;
            file.write_all(bytes)?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| FolderError::Write {
            path: path.clone(),
            source,
        })
    }

    fn log_with_heading(&self) -> Result<Vec<u8>, FolderError> {
        let started =
            SystemTime::try_from(self.manifest.started_utc).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut log = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment("[Unit: 1 ns; Interval_Max in ms]")
            .with_start_time(started)
            .with_base_time(started)
            .with_max_value_divisor(MAX_VALUE_DIVISOR)
            .begin_log_with(&mut log, &mut serializer)
            .map_err(|source| FolderError::Write {
                path: self.path.join(LOG),
                source,
            })?;
        log.extend_from_slice(&self.log);
        Ok(log)
    }

    fn append_to_log(&mut self, measurement: &Measurement) -> io::Result<()> {
        let offset = measurement
            .started
            .duration_since(self.manifest.started_utc);
        let offset = Duration::try_from(offset).unwrap_or_default();
        let key = &measurement.key;
        let mut serializer = V2DeflateSerializer::new();
        // Its headings stand in `log_with_heading`; this one only knows the same divisor, whose comment it would repeat.
        let mut part = Vec::new();
        let mut writer = IntervalLogWriterBuilder::new()
            .with_max_value_divisor(MAX_VALUE_DIVISOR)
            .begin_log_with(&mut part, &mut serializer)?;
        writer.write_comment(&format!(
            "{} trial {} seed {}",
            key.arm, key.trial, key.seed
        ))?;
        for interval in &measurement.latencies.intervals {
            for which in interval.kinds() {
                let Some(histogram) = interval.histogram(which) else {
                    continue;
                };
                let tag = format!("{}.{}", key.arm, which.name());
                let start = offset + Duration::from_nanos(interval.start_ns);
                writer
                    .write_histogram(
                        &histogram,
                        start,
                        Duration::from_nanos(interval.duration_ns),
                        Tag::new(&tag),
                    )
                    .map_err(|error| io::Error::other(format!("{error:?}")))?;
            }
        }
        self.log.append(&mut part);
        Ok(())
    }
}

/// A temporary file is private; a result is as readable as the umask lets it be.
fn permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o666)
}

fn bytes(path: &Path) -> Result<Vec<u8>, FolderError> {
    fs::read(path).map_err(|source| FolderError::Read {
        path: path.to_owned(),
        source,
    })
}

fn text(path: &Path) -> Result<String, FolderError> {
    fs::read_to_string(path).map_err(|source| FolderError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file of this schema version; the version is looked at first, for the rest may have changed with it.
fn json<T: serde::de::DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, FolderError> {
    let malformed = |error: serde_json::Error| FolderError::Malformed {
        path: path.to_owned(),
        line: error.line() as u64,
        reason: error.to_string(),
    };
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(malformed)?;
    if let Some(found) = value
        .get("schema_version")
        .and_then(serde_json::Value::as_u64)
        && found != u64::from(SCHEMA_VERSION)
    {
        return Err(FolderError::Version {
            path: path.to_owned(),
            found,
        });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

#[cfg(test)]
mod tests;
