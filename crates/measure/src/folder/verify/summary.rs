//! `summary.json` against everything that it was made from.

use scenario::Expect;

use super::{Check, same};
use crate::folder::{FolderError, RUNS, SUMMARY};
use crate::manifest::{Manifest, Status};
use crate::summary::{Depth, Kept, Summary};

impl Check<'_> {
    /// Whether the summary is the one that these rows, headline histograms and expectations give. `headlines` are those of the
    /// cases in the log.
    pub(super) fn summary(
        &self,
        headlines: Vec<Vec<u8>>,
        expects: &[Expect],
    ) -> Result<(), FolderError> {
        let kept = self.kept(headlines)?;
        let told: usize = self.summary.arms.iter().map(|arm| arm.trials.len()).sum();
        if !self.is_closed() && told > kept.len() {
            // A resumed run was killed before it had written its summary anew: this one is of a case more, which is gone.
            return Ok(());
        }
        let status = if self.is_closed() {
            self.manifest.status
        } else {
            self.summary.status
        };
        let depth = if status == Status::Running {
            Depth::Running
        } else {
            Depth::Whole
        };
        let manifest = Manifest {
            status,
            ..self.manifest.clone()
        };
        let right = Summary::of(
            &manifest.folder_name(),
            &manifest,
            &kept,
            &self.summary.searches,
            expects,
            depth,
        );
        let right = serde_json::to_string_pretty(&right)
            .map_err(|error| self.wrong(SUMMARY, 1, error.to_string()))?;
        let own = self.summary_text.strip_suffix('\n').unwrap_or_default();
        match same::difference(own, &right) {
            None => Ok(()),
            Some((line, reason)) => {
                Err(self.wrong(SUMMARY, line, format!("{reason}, {MADE_FROM}")))
            }
        }
    }

    /// The cases that the summary knows.
    fn kept(&self, headlines: Vec<Vec<u8>>) -> Result<Vec<Kept>, FolderError> {
        let mut kept = Vec::new();
        let runs = &self.folder.runs;
        let headlines = headlines
            .into_iter()
            .map(Some)
            .chain(std::iter::repeat(None));
        for ((row, line), headline) in runs.iter().zip(&self.run_lines).zip(headlines) {
            let case = row.key.brief();
            let verdict = self.summary.verdict_of(&row.key);
            let (Some(verdict), Some(headline)) = (verdict, headline) else {
                if !self.is_closed() && kept.len() + 1 == runs.len() {
                    break;
                }
                let reason = format!(
                    "`arms` has no trial of the case {case}, which has a row in runs.csv on line {line}"
                );
                return Err(self.wrong(SUMMARY, 1, reason));
            };
            let reasons = verdict.reasons();
            let pairs = [
                ("verdict", row.verdict.as_str(), verdict.word()),
                (
                    "verdict_reasons",
                    row.verdict_reasons.as_str(),
                    reasons.as_str(),
                ),
            ];
            if let Some((column, own, right)) = pairs.iter().find(|(_, own, right)| own != right) {
                let reason =
                    format!("`{column}` of {case} is `{own}`, but in summary.json it is `{right}`");
                return Err(self.wrong(RUNS, *line, reason));
            }
            kept.push(Kept {
                row: row.clone(),
                verdict: verdict.clone(),
                headline,
            });
        }
        Ok(kept)
    }
}

const MADE_FROM: &str = "made again from manifest.json, scenario.toml, runs.csv and latency.hlog";
