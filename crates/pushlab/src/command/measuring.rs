//! The cases of a scenario, measured one after the other.
//!
//! Each goes into the result folder before the next begins. A case that turned out invalid is measured again: the guards
//! look at the generator and at the machine, never at the figures, so that nothing is chosen by its result. Every attempt
//! leaves a row.

use std::collections::HashSet;

use anyhow::Context;
use measure::{FolderWriter, Outcome, RunRow, Status, Verdict};
use scenario::{Case, Scenario};
use tokio::runtime;

use crate::command::case::{self, Place};
use crate::command::progress::Progress;
use crate::exit::{Exit, Failure};
use crate::stop::Stop;

/// What measuring needs, and how it goes.
pub(crate) struct Measuring<'a> {
    pub(crate) place: &'a dyn Fn(&Scenario) -> Place,
    pub(crate) stop: &'a Stop,
    pub(crate) retries: u32,
    pub(crate) folder: &'a mut FolderWriter,
    pub(crate) progress: Progress,
    pub(crate) went: Went,
}

/// How the cases went.
#[derive(Debug)]
pub(crate) struct Went {
    pub(crate) status: Status,
    failed: bool,
    invalid: bool,
}

/// What came of one case.
pub(crate) struct Measured {
    pub(crate) row: RunRow,
    pub(crate) verdict: Verdict,
}

impl Measuring<'_> {
    /// Measures all cases. Those of a trial that were invalid are repeated when the trial is over, so that a noise which
    /// lasts a while doesn't meet them again.
    pub(crate) fn all(&mut self, cases: &[Case]) -> Result<(), Failure> {
        // An arm that was invalid in every attempt at a trial is so by itself, until one of its later trials is valid at once.
        let mut hopeless = HashSet::new();
        for trial in cases.chunk_by(|a, b| a.trial == b.trial) {
            let mut round = trial.to_vec();
            while !round.is_empty() {
                let mut again = Vec::new();
                for case in &round {
                    let Some(measured) = self.case(case)? else {
                        return Ok(());
                    };
                    let arm = (case.transport.clone(), case.point.clone());
                    if !matches!(measured.verdict, Verdict::Invalid { .. }) {
                        hopeless.remove(&arm);
                        continue;
                    }
                    if case.attempt > self.retries || hopeless.contains(&arm) {
                        hopeless.insert(arm);
                        self.went.invalid = true;
                    } else {
                        again.push(Case {
                            attempt: case.attempt + 1,
                            ..case.clone()
                        });
                    }
                }
                self.progress.expect_more(again.len());
                round = again;
            }
        }
        Ok(())
    }

    /// Measures one case, or recalls it if the folder has it already; none once the user has stopped the run.
    pub(crate) fn case(&mut self, case: &Case) -> Result<Option<Measured>, Failure> {
        if let Some((row, verdict)) = self.folder.recall(&load::key(case, None)) {
            let (row, verdict) = (row.clone(), verdict.clone());
            self.progress.skip();
            return Ok(Some(self.went.note(Measured { row, verdict })));
        }
        if self.stop.is_asked() {
            self.went.status = Status::Interrupted;
            return Ok(None);
        }
        self.progress.begin(case);
        // One event loop a case: whatever a case leaves on it ends with it.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(runtime::LocalOptions::default())
            .context("can't start an event loop")?;
        let place = (self.place)(&case.scenario);
        let measurement = runtime.block_on(case::measure(case, &place, self.stop, &self.progress));
        self.progress.end(&measurement);
        self.folder.add(&measurement)?;
        let measured = self.went.note(Measured {
            row: RunRow::of(&measurement),
            verdict: measurement.verdict,
        });
        Ok((measured.row.outcome != Outcome::Interrupted).then_some(measured))
    }
}

impl Went {
    /// Nothing was measured yet.
    pub(crate) fn new() -> Self {
        Self {
            status: Status::Complete,
            failed: false,
            invalid: false,
        }
    }

    /// The exit code that this asks for, expectations apart.
    pub(crate) fn exit(&self, strict: bool) -> Exit {
        match self {
            Self {
                status: Status::Interrupted,
                ..
            } => Exit::Interrupted,
            Self { failed: true, .. } => Exit::CaseFailed,
            Self { invalid: true, .. } if strict => Exit::CaseInvalid,
            _ => Exit::Fine,
        }
    }

    /// In a search a case may fail: that is how it finds a limit.
    pub(crate) fn forgive_failures(&mut self) {
        self.failed = false;
    }

    fn note(&mut self, measured: Measured) -> Measured {
        match measured.row.outcome {
            Outcome::Completed => {}
            Outcome::Interrupted => self.status = Status::Interrupted,
            Outcome::Failed { .. } => self.failed = true,
        }
        measured
    }
}
