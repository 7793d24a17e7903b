//! `scenario.toml` against the manifest and the settings of each row.

use scenario::{AXES, ArmInfo, Expect, Scenario, ScenarioError};

use super::Check;
use crate::folder::{FolderError, MANIFEST, RUNS, SCENARIO};
use crate::measurement::Outcome;
use crate::rows::RunRow;

impl Check<'_> {
    /// What the scenario expects of the arms that were run, if it is the scenario of these rows.
    pub(super) fn scenario(&self) -> Result<Vec<Expect>, FolderError> {
        let scenario = self.parsed()?;
        let run = &self.manifest.run;
        let scenario = match run.link.as_deref().map(scenario::profile) {
            None => scenario,
            Some(Some(profile)) => scenario.with_link(profile),
            Some(None) => {
                let reason = "`run.link` is the name of no link";
                return Err(self.wrong(MANIFEST, 1, reason));
            }
        };
        let pairs = [
            ("name", scenario.name.as_str(), run.scenario.as_str()),
            ("kind", scenario.kind.name(), run.kind.as_str()),
            (
                "question",
                scenario.question.as_str(),
                run.question.as_str(),
            ),
        ];
        if let Some((field, own, right)) = pairs.iter().find(|(_, own, right)| own != right) {
            let line = self.line_of(field);
            let reason = format!("`{field}` is \"{own}\", but in manifest.json it is \"{right}\"");
            return Err(self.wrong(SCENARIO, line, reason));
        }
        let whole = scenario.clone();
        let duration = if run.quick { whole.quick() } else { whole }.duration;
        for (row, line) in self.folder.runs.iter().zip(&self.run_lines) {
            let problem = settings_problem(&scenario, row)
                .or_else(|| length_problem(duration.as_secs_f64(), row));
            if let Some(problem) = problem {
                let reason = format!("{problem} by scenario.toml and `run` in manifest.json");
                return Err(self.wrong(RUNS, *line, reason));
            }
        }
        Ok(scenario.with_transports(&run.arms).expects)
    }

    fn parsed(&self) -> Result<Scenario, FolderError> {
        let text = &self.folder.scenario;
        // Which transports there were then, and what they execute, isn't known here: whatever the text names may be one.
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let mut words: Vec<&str> = text
            .lines()
            .map(without_comment)
            .flat_map(|line| line.split(|letter| !is_part(letter)))
            .filter(|word| !word.is_empty())
            .collect();
        words.sort_unstable();
        words.dedup();
        let arm = |name| ArmInfo {
            name,
            network: true,
            options: &words,
        };
        let arms: Vec<ArmInfo<'_>> = words.iter().copied().map(arm).collect();
        scenario::parse(text, SCENARIO, &arms).map_err(|error| match error {
            ScenarioError::Invalid { line, message, .. } => {
                self.wrong(SCENARIO, line as u64, message)
            }
            ScenarioError::Unreadable { reason, .. } => self.wrong(SCENARIO, 1, reason.to_string()),
        })
    }

    fn line_of(&self, field: &str) -> u64 {
        let is_it = |line: &str| line.trim_start().starts_with(field);
        let index = self.folder.scenario.lines().position(is_it);
        index.map_or(1, |index| index as u64 + 1)
    }
}

/// A line of TOML up to its comment: the first `#` that is in no text.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let comment = line.char_indices().find(|&(_, letter)| {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
        quote.is_none() && letter == '#'
    });
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Whether a case that ran to its end was measured for so long.
fn length_problem(duration_s: f64, row: &RunRow) -> Option<String> {
    let is_right = row.outcome != Outcome::Completed || (row.measured_s - duration_s).abs() < 1e-9;
    (!is_right).then(|| {
        let own = row.measured_s;
        format!("`measured_s` is {own}; {duration_s} would be right")
    })
}

/// Which setting of a row isn't the scenario's.
fn settings_problem(scenario: &Scenario, row: &RunRow) -> Option<String> {
    let pairs = [
        (
            "scenario",
            row.key.scenario.as_str(),
            scenario.name.as_str(),
        ),
        ("kind", row.key.kind.as_str(), scenario.kind.name()),
    ];
    if let Some((column, own, right)) = pairs.iter().find(|(_, own, right)| own != right) {
        return Some(format!("`{column}` is `{own}`; `{right}` would be right"));
    }
    let label = &row.key.point;
    let here = match (&scenario.sweep, &scenario.find) {
        (Some(sweep), _) => {
            let point = sweep.points.iter().find(|point| point.label == *label);
            let Some(point) = point else {
                return Some(format!(
                    "`point` is `{label}`, which is none of the sweep's points"
                ));
            };
            &point.scenario
        }
        (None, None) if !label.is_empty() => {
            return Some(format!("`point` is `{label}`; nothing would be right"));
        }
        _ => scenario,
    };
    let searched = scenario.find.as_ref().map(|find| find.axis.column);
    AXES.iter().zip(&row.key.settings).find_map(|(axis, own)| {
        // An option that the arm doesn't execute is empty.
        let (own, right) = (own.as_ref()?, axis.of(here));
        let is_right = Some(axis.column) == searched || right.as_ref() == Some(own);
        let right = right.map_or_else(|| "nothing".to_owned(), |right| right.to_string());
        (!is_right).then(|| format!("`{}` is {own}; {right} would be right", axis.column))
    })
}

#[cfg(test)]
mod tests {
    use super::without_comment;

    #[test]
    fn a_comment_ends_a_line_and_a_text_holds_what_it_likes() {
        for (line, kept) in [
            ("hold = '1s' # not \"hold\"", "hold = '1s' "),
            (
                "question = \"what's a # for?\"",
                "question = \"what's a # for?\"",
            ),
            ("# hold", ""),
        ] {
            assert_eq!(without_comment(line), kept);
        }
    }
}
