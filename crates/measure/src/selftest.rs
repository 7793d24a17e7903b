//! `selftest.json`: what the lab said when it last measured known truths, kept beside results.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::manifest::{Build, Machine, SCHEMA_VERSION};
use crate::replace::replace;

/// The record's name below the folder of results.
pub const FILE: &str = "selftest.json";

/// One self-test of the lab on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Version of the file, that of all result files.
    pub schema_version: u32,
    /// Start (UTC).
    pub started_utc: Timestamp,
    /// End (UTC).
    pub ended_utc: Timestamp,
    /// Whether it was the short form.
    pub quick: bool,
    /// Whether all checks ran; some were picked otherwise.
    pub complete: bool,
    /// Whether every row holds.
    pub passed: bool,
    /// The sources' git commit; none where it can't be told.
    pub commit: Option<String>,
    /// CPU model of the machine.
    pub cpu_model: Option<String>,
    /// Release of its kernel.
    pub kernel: String,
    /// What was compared, in order.
    pub rows: Vec<Row>,
}

/// One figure that the lab measured, beside what it should have measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The check's name.
    pub check: String,
    /// The figure.
    pub what: String,
    /// What is true, from a formula or from how the case was made. None for a figure that is only shown.
    pub truth: Option<Value>,
    /// What the lab measured.
    pub measured: Value,
    /// Unit of `truth` and `measured`; empty for words.
    pub unit: String,
    /// By how much they differ, in `error_unit`. None for words, and for a figure that is only shown.
    pub error: Option<f64>,
    /// The greatest error that passes.
    pub limit: Option<f64>,
    /// Unit of `error` and `limit`: `%` of the truth, or that of the figure.
    pub error_unit: String,
    /// Whether it holds. A figure that is only shown always does.
    pub passed: bool,
    /// What a reader should know.
    pub note: String,
}

/// A figure or a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A figure.
    Number(f64),
    /// A word, such as a verdict.
    Word(String),
}

impl SelfTest {
    /// A self-test of this machine and build that began at `started_utc` and ends now.
    pub fn new(started_utc: Timestamp, quick: bool, complete: bool, rows: Vec<Row>) -> Self {
        let (cpu_model, kernel) = identity();
        Self {
            schema_version: SCHEMA_VERSION,
            started_utc,
            ended_utc: Timestamp::now(),
            quick,
            complete,
            passed: rows.iter().all(|row| row.passed),
            commit: Build::gather().git_commit,
            cpu_model,
            kernel,
            rows,
        }
    }

    /// The last self-test recorded below `out`, if there is one, it ran all checks, and it is of this machine: the same CPU model and kernel release.
    pub fn last(out: &Path) -> Option<Self> {
        let bytes = fs::read(out.join(FILE)).ok()?;
        let record: Self = serde_json::from_slice(&bytes).ok()?;
        let (cpu_model, kernel) = identity();
        let same = record.cpu_model == cpu_model && record.kernel == kernel;
        (record.schema_version == SCHEMA_VERSION && record.complete && same).then_some(record)
    }

    /// As it stands in the file.
    ///
    /// # Errors
    /// None that a record of this crate can have.
    pub fn json(&self) -> io::Result<String> {
        let mut text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        text.push('\n');
        Ok(text)
    }

    /// Records it below `out`, which is made if it isn't there; an earlier record is replaced at once or not at all.
    ///
    /// # Errors
    /// The folder can't be made or written.
    pub fn write(&self, out: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(out)?;
        let path = out.join(FILE);
        replace(&path, self.json()?.as_bytes())?;
        Ok(path)
    }
}

impl Row {
    /// The error is a share of the truth, in percent.
    pub fn relative(
        check: &str,
        what: impl Into<String>,
        truth: f64,
        measured: f64,
        unit: &str,
        limit_percent: f64,
    ) -> Self {
        let error = (measured - truth).abs() / truth.abs() * 100.0;
        Self::compared(
            check,
            what,
            (truth, measured, unit),
            error,
            limit_percent,
            "%",
        )
    }

    /// The error is the difference itself, in the unit of the figure.
    pub fn absolute(
        check: &str,
        what: impl Into<String>,
        truth: f64,
        measured: f64,
        unit: &str,
        limit: f64,
    ) -> Self {
        let error = (measured - truth).abs();
        Self::compared(check, what, (truth, measured, unit), error, limit, unit)
    }

    /// Only what is above the truth is an error, in the unit of the figure.
    pub fn at_most(
        check: &str,
        what: impl Into<String>,
        truth: f64,
        measured: f64,
        unit: &str,
        limit: f64,
    ) -> Self {
        // A measured value that is not a number stays one, and fails.
        let error = if measured < truth {
            0.0
        } else {
            measured - truth
        };
        Self::compared(check, what, (truth, measured, unit), error, limit, unit)
    }

    /// Two words that should be the same.
    pub fn words(check: &str, what: impl Into<String>, truth: &str, measured: &str) -> Self {
        Self {
            truth: Some(Value::Word(truth.to_owned())),
            passed: truth == measured,
            ..Self::bare(check, what, Value::Word(measured.to_owned()), "")
        }
    }

    /// A figure that is only shown.
    pub fn shown(check: &str, what: impl Into<String>, measured: f64, unit: &str) -> Self {
        Self::bare(check, what, Value::of(measured), unit)
    }

    /// Something that this machine or this user can't measure, which is no miss.
    pub fn skipped(check: &str, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            note: why.into(),
            ..Self::bare(check, what, Value::Word("not run".into()), "")
        }
    }

    /// Something that could not be measured.
    pub fn failed(check: &str, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            passed: false,
            note: why.into(),
            ..Self::bare(check, what, Value::of(f64::NAN), "")
        }
    }

    /// The same with a note.
    pub fn noted(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        if self.note.is_empty() {
            self.note = note;
        } else if !note.is_empty() {
            self.note = format!("{}; {note}", self.note);
        }
        self
    }

    fn compared(
        check: &str,
        what: impl Into<String>,
        (truth, measured, unit): (f64, f64, &str),
        error: f64,
        limit: f64,
        error_unit: &str,
    ) -> Self {
        Self {
            truth: Some(Value::of(truth)),
            error: error.is_finite().then_some(error),
            limit: limit.is_finite().then_some(limit),
            error_unit: error_unit.to_owned(),
            // What is not a number holds nothing.
            passed: error <= limit && limit.is_finite(),
            ..Self::bare(check, what, Value::of(measured), unit)
        }
    }

    fn bare(check: &str, what: impl Into<String>, measured: Value, unit: &str) -> Self {
        Self {
            check: check.to_owned(),
            what: what.into(),
            truth: None,
            measured,
            unit: unit.to_owned(),
            error: None,
            limit: None,
            error_unit: String::new(),
            passed: true,
            note: String::new(),
        }
    }
}

impl Value {
    /// A figure; a word in its place if it is none, for JSON has no such number.
    fn of(figure: f64) -> Self {
        if figure.is_finite() {
            Self::Number(figure)
        } else {
            Self::Word("nothing".into())
        }
    }
}

/// What makes two records comparable: CPU model and kernel release.
fn identity() -> (Option<String>, String) {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy().into_owned();
    (Machine::gather().cpu_model, release)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rows: Vec<Row>) -> SelfTest {
        SelfTest::new(Timestamp::now(), true, true, rows)
    }

    #[test]
    fn an_error_above_its_limit_is_a_miss() {
        let relative = |measured| Row::relative("c", "w", 100.0, measured, "ms", 1.0);
        assert!(relative(100.9).passed && relative(99.1).passed);
        assert!(!relative(101.1).passed && !relative(98.9).passed);
        assert!(!relative(f64::NAN).passed && !relative(f64::INFINITY).passed);
        assert!(!Row::relative("c", "w", 0.0, 0.0, "ms", 1.0).passed);
        assert!(!Row::absolute("c", "w", 5.0, 8.0, "ms", 2.0).passed);
        assert!(Row::at_most("c", "w", 5.0, 1.0, "ms", 2.0).passed);
        assert!(!Row::at_most("c", "w", 5.0, 7.1, "ms", 2.0).passed);
        assert!(!Row::at_most("c", "w", 5.0, f64::NAN, "ms", 2.0).passed);
        assert!(!Row::relative("c", "w", 1.0, 1.0, "ms", f64::NAN).passed);
        assert!(!Row::words("c", "w", "invalid", "valid").passed);
        assert!(Row::shown("c", "w", 1.0, "ms").passed);
        assert!(!Row::failed("c", "w", "why").passed);
        assert!(Row::skipped("c", "w", "why").passed);
        assert!(record(vec![relative(100.0)]).passed);
        assert!(!record(vec![relative(100.0), relative(102.0)]).passed);
    }

    #[test]
    fn a_record_is_read_as_it_was_written_on_this_machine_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new");
        assert_eq!(SelfTest::last(&out), None);
        let rows = vec![
            Row::relative("c", "w", 1.5, f64::NAN, "ms", 1.0).noted("a"),
            Row::words("c", "w", "invalid", "valid")
                .noted("a")
                .noted("b"),
        ];
        assert_eq!(rows[1].note, "a; b");
        let record = record(rows);
        assert_eq!(record.write(&out).unwrap(), out.join(FILE));
        assert_eq!(SelfTest::last(&out), Some(record.clone()));

        for other in [
            SelfTest {
                cpu_model: Some("another".into()),
                ..record.clone()
            },
            SelfTest {
                kernel: "another".into(),
                ..record.clone()
            },
            SelfTest {
                complete: false,
                ..record.clone()
            },
            SelfTest {
                schema_version: SCHEMA_VERSION + 1,
                ..record
            },
        ] {
            other.write(&out).unwrap();
            assert_eq!(SelfTest::last(&out), None);
        }
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "nothing else stays");
        fs::write(out.join(FILE), "{").unwrap();
        assert_eq!(SelfTest::last(&out), None);
    }

    #[test]
    fn a_place_that_takes_nothing_is_an_error() {
        assert!(record(Vec::new()).write(Path::new("/proc/none")).is_err());
    }
}
