//! What came of the claims, for people and for programs.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use super::claim::{Claim, Figure, Judged, Verdict};

/// All claims that were asked for, with what came of them.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    claims: Vec<Line>,
}

/// A figure.
#[derive(Debug, Serialize)]
struct Line {
    id: &'static str,
    title: &'static str,
    /// Of what.
    figure: &'static str,
    /// Who published it; null for a lesson.
    source: Option<&'static str>,
    /// `read`, `abstract` or `unverified`; null for a lesson.
    mark: Option<&'static str>,
    published: Option<f64>,
    predicted: Option<f64>,
    measured: Option<f64>,
    unit: &'static str,
    /// 95 % interval over the trials.
    low: Option<f64>,
    high: Option<f64>,
    verdict: &'static str,
    /// By how much, or why.
    reason: String,
    #[serde(skip)]
    said: Option<Verdict>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { claims: Vec::new() }
    }

    /// Adds a figure and what came of it.
    pub(super) fn add(&mut self, claim: &Claim, figure: &Figure, judged: Judged) {
        let (low, high) = judged.interval.unzip();
        self.claims.push(Line {
            figure: figure.what,
            published: figure.published,
            predicted: figure.predicted,
            measured: judged.measured,
            unit: figure.unit,
            low,
            high,
            verdict: judged.verdict.word(),
            reason: judged.reason,
            said: Some(judged.verdict),
            ..Line::of(claim)
        });
    }

    /// Adds a claim that can't be put to the test.
    pub(super) fn add_open(&mut self, claim: &Claim, reason: &str) {
        self.claims.push(Line {
            reason: reason.to_owned(),
            ..Line::of(claim)
        });
    }

    /// How many figures have that verdict.
    pub(super) fn count(&self, verdict: Verdict) -> usize {
        let lines = self.claims.iter();
        lines.filter(|line| line.said == Some(verdict)).count()
    }

    /// As `--json` prints it.
    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// For a terminal: each claim's heading, and its figures below it.
    pub(super) fn text(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(HEADS);
        let figures = self.claims.iter().filter(|line| line.said.is_some());
        for line in figures {
            table.add_row(line.cells());
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if index == 0 { 4 } else { 0 }, 2));
            if (1..=3).contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        // No cell has a line end, so each row is a line.
        let mut rows = table.lines().map(|line| line.trim_end().to_owned());
        let mut lines: Vec<String> = rows.next().into_iter().collect();
        let mut last = "";
        for line in &self.claims {
            if line.id != last {
                let open = if line.said.is_none() {
                    format!(" \u{2013} {}", line.verdict())
                } else {
                    String::new()
                };
                lines.push(format!("{}  {}{open}", line.id, line.heading()));
                last = line.id;
            }
            if line.said.is_some() {
                lines.extend(rows.next());
            }
        }
        format!("{}\n\n{}\n", lines.join("\n"), self.sentence())
    }

    /// The same as Markdown.
    pub(super) fn markdown(&self) -> String {
        let rule = " --- |".repeat(HEADS.len());
        let mut text = format!("| {} |\n|{rule}\n", HEADS.join(" | "));
        let mut last = "";
        for line in &self.claims {
            if line.id != last {
                let verdict = if line.said.is_none() {
                    line.verdict()
                } else {
                    String::new()
                };
                let heading = line.heading();
                // A String takes whatever is written.
                let _ = writeln!(text, "| **{}: {heading}** | | | | {verdict} |", line.id);
                last = line.id;
            }
            if line.said.is_some() {
                let _ = writeln!(text, "| {} |", line.cells().join(" | "));
            }
        }
        text
    }

    /// What it comes to.
    fn sentence(&self) -> String {
        let of = |verdict| self.count(verdict);
        let open = self
            .claims
            .iter()
            .filter(|line| line.said.is_none())
            .count();
        format!(
            "{} figures reproduced, {} differ for a reason, {} not reproduced, {} shown, {} not measured; {open} claims open.",
            of(Verdict::Reproduced),
            of(Verdict::Differs),
            of(Verdict::NotReproduced),
            of(Verdict::Shown),
            of(Verdict::NotMeasured)
        )
    }
}

const HEADS: [&str; 5] = ["", "published", "predicted", "measured", "verdict"];

impl Line {
    /// Of a claim, nothing measured.
    fn of(claim: &Claim) -> Self {
        Self {
            id: claim.id,
            title: claim.title,
            figure: "",
            source: claim.source.map(|(source, _)| source),
            mark: claim.source.map(|(_, mark)| mark.word()),
            published: None,
            predicted: None,
            measured: None,
            unit: "",
            low: None,
            high: None,
            verdict: Verdict::Open.word(),
            reason: String::new(),
            said: None,
        }
    }

    fn heading(&self) -> String {
        match (self.source, self.mark) {
            (Some(source), Some(mark)) => format!("{} ({source}; {mark})", self.title),
            _ => self.title.to_owned(),
        }
    }

    /// Under [`HEADS`].
    fn cells(&self) -> [String; HEADS.len()] {
        let with = |value: Option<f64>| value.map(|value| self.show(value)).unwrap_or_default();
        let interval = match (self.low, self.high) {
            (Some(low), Some(high)) if low < high => {
                format!(" ({}\u{2013}{})", number(low), number(high))
            }
            _ => String::new(),
        };
        let known = match self.mark {
            Some("unverified") if self.published.is_some() => " (unverified)",
            _ => "",
        };
        [
            self.figure.to_owned(),
            format!("{}{known}", with(self.published)),
            with(self.predicted),
            format!("{}{interval}", with(self.measured)),
            self.verdict(),
        ]
    }

    fn verdict(&self) -> String {
        match self.reason.as_str() {
            "" => self.verdict.to_owned(),
            reason if self.said == Some(Verdict::Differs) => format!("{} {reason}", self.verdict),
            reason => format!("{}: {reason}", self.verdict),
        }
    }

    fn show(&self, value: f64) -> String {
        match self.unit {
            "" => number(value),
            "x" => format!("{} : 1", number(value)),
            unit => format!("{} {unit}", number(value)),
        }
    }
}

/// Three significant digits, and all of a greater whole.
fn number(value: f64) -> String {
    let size = value.abs();
    let digits = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.123, 2.0, 50.04, 435.5, 69_680_000.0].map(number);
        assert_eq!(shown, ["0", "0.12", "2", "50", "436", "69680000"]);
    }
}
