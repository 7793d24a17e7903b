//! `pushlab list`.

use std::io::Write;

use serde::Serialize;

use crate::cli::{ListArgs, What};
use crate::exit::{Exit, Failure};
use crate::registry::TRANSPORTS;
use crate::scenarios::BUILT_IN;

/// Prints the transports, the scenarios, or both.
pub(crate) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let all = Lists {
        transports: (args.what != Some(What::Scenarios)).then(transports),
        scenarios: (args.what != Some(What::Transports))
            .then(scenarios)
            .transpose()?,
    };
    let text = if args.json { all.json()? } else { all.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}

#[derive(Serialize)]
struct Lists {
    #[serde(skip_serializing_if = "Option::is_none")]
    transports: Option<Vec<TransportLine>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scenarios: Option<Vec<ScenarioLine>>,
}

#[derive(Serialize)]
struct TransportLine {
    name: &'static str,
    title: &'static str,
    /// Whether `pushlab serve` can serve it: the one without a network lives in the generator.
    served: bool,
    /// The scenario fields that it executes beside the ones that every server does.
    options: &'static [&'static str],
}

#[derive(Serialize)]
struct ScenarioLine {
    name: &'static str,
    kind: &'static str,
    question: String,
    transports: Vec<String>,
}

fn transports() -> Vec<TransportLine> {
    let line = |entry: &crate::registry::Entry| TransportLine {
        name: entry.info.name,
        title: entry.info.title,
        served: entry.info.url.is_some(),
        options: entry.info.options,
    };
    TRANSPORTS.iter().map(line).collect()
}

fn scenarios() -> Result<Vec<ScenarioLine>, Failure> {
    let line = |built_in: &crate::scenarios::BuiltIn| {
        let scenario = built_in.parse()?;
        let (kind, question) = (scenario.kind.name(), scenario.question);
        Ok(ScenarioLine {
            name: built_in.name,
            kind,
            question,
            transports: scenario.transports,
        })
    };
    BUILT_IN.iter().map(line).collect()
}

impl Lists {
    /// One list alone is an array, both are an object.
    fn json(&self) -> Result<String, serde_json::Error> {
        let mut text = match (&self.transports, &self.scenarios) {
            (Some(list), None) => serde_json::to_string_pretty(list)?,
            (None, Some(list)) => serde_json::to_string_pretty(list)?,
            _ => serde_json::to_string_pretty(self)?,
        };
        text.push('\n');
        Ok(text)
    }

    fn text(&self) -> String {
        let mut parts = Vec::new();
        if let Some(list) = &self.transports {
            let lines = list
                .iter()
                .map(|line| format!("  {:<18}{}", line.name, line.title));
            parts.push(section("Transports", lines));
        }
        if let Some(list) = &self.scenarios {
            let lines = list
                .iter()
                .map(|line| format!("  {:<18}{} ({})", line.name, line.question, line.kind));
            parts.push(section(
                "Scenarios (run one with `pushlab run NAME`)",
                lines,
            ));
        }
        parts.join("\n")
    }
}

fn section(heading: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    format!("{heading}:\n{}\n", lines.join("\n"))
}
