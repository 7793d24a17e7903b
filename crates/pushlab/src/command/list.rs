//! `pushlab list`.

use std::io::Write;

use scenario::{PROFILES, Path, Profile};
use serde::Serialize;

use crate::cli::{ListArgs, What};
use crate::exit::{Exit, Failure};
use crate::registry::TRANSPORTS;
use crate::scenarios::BUILT_IN;

/// Prints the transports, the scenarios, the links, or all of them.
pub(crate) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let wants = |what| args.what.is_none_or(|only| only == what);
    let all = Lists {
        transports: wants(What::Transports).then(transports),
        scenarios: wants(What::Scenarios).then(scenarios).transpose()?,
        links: wants(What::Links).then(links),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Vec<LinkLine>>,
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

#[derive(Serialize)]
struct LinkLine {
    name: &'static str,
    title: &'static str,
    /// Where its numbers come from.
    source: &'static str,
    up: WayLine,
    down: WayLine,
}

/// A direction of a link.
#[derive(Serialize)]
struct WayLine {
    delay_ms: f64,
    /// Standard deviation.
    jitter_ms: f64,
    jitter_law: &'static str,
    /// None: as fast as it goes.
    bandwidth_bit_per_s: Option<f64>,
    queue_bytes: usize,
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

fn links() -> Vec<LinkLine> {
    let way = |path: &Path| WayLine {
        delay_ms: path.delay.as_secs_f64() * 1e3,
        jitter_ms: path.jitter.as_secs_f64() * 1e3,
        jitter_law: path.law.name(),
        bandwidth_bit_per_s: path.bandwidth,
        queue_bytes: path.queue,
    };
    let line = |profile: &Profile| LinkLine {
        name: profile.name,
        title: profile.title,
        source: profile.source,
        up: way(&profile.up),
        down: way(&profile.down),
    };
    PROFILES.iter().map(line).collect()
}

impl LinkLine {
    /// "LTE in town: 85 ms up, 85 ms down; 9 Mbit/s up, 9 Mbit/s down".
    fn text(&self) -> String {
        let rate = |way: &WayLine| match way.bandwidth_bit_per_s {
            Some(rate) if rate < 1e6 => format!("{} kbit/s", rate / 1e3),
            Some(rate) => format!("{} Mbit/s", rate / 1e6),
            None => "no limit".to_owned(),
        };
        format!(
            "{}: {} ms up, {} ms down; {} up, {} down",
            self.title,
            self.up.delay_ms,
            self.down.delay_ms,
            rate(&self.up),
            rate(&self.down)
        )
    }
}

impl Lists {
    /// One list alone is an array, all are an object.
    fn json(&self) -> Result<String, serde_json::Error> {
        let mut text = match (&self.transports, &self.scenarios, &self.links) {
            (Some(list), None, None) => serde_json::to_string_pretty(list)?,
            (None, Some(list), None) => serde_json::to_string_pretty(list)?,
            (None, None, Some(list)) => serde_json::to_string_pretty(list)?,
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
        if let Some(list) = &self.links {
            let lines = list.iter().map(|line| {
                format!(
                    "  {:<18}{}\n  {:<18}{}",
                    line.name,
                    line.text(),
                    "",
                    line.source
                )
            });
            parts.push(section(
                "Links (have one with `pushlab link --profile NAME`)",
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
