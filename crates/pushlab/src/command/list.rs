//! `pushlab list`.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets};
use scenario::{Kind, PROFILES, Path, Profile};
use serde::Serialize;
use transport::AUDIENCES;

use crate::cli::{ListArgs, What};
use crate::exit::{Exit, Failure};
use crate::registry::{self, TRANSPORTS, Wire};
use crate::scenarios::BUILT_IN;

/// Prints the transports, the scenarios, the links, or all of them.
pub(crate) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let wants = |what| args.what.is_none_or(|only| only == what);
    let all = Lists {
        transports: wants(What::Transports).then(transports),
        protocols: wants(What::Protocols).then(protocols),
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
    protocols: Option<Vec<ProtocolLine>>,
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
    capabilities: CapabilitiesLine,
}

#[derive(Serialize)]
struct ProtocolLine {
    name: &'static str,
    title: &'static str,
    /// What its servers' URLs look like.
    url: String,
    capabilities: CapabilitiesLine,
}

/// What a wire can do.
#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of a table, and any combination is possible"
)]
struct CapabilitiesLine {
    /// The kinds of traffic that it carries.
    kinds: Vec<&'static str>,
    audiences: &'static [&'static str],
    /// Whether a session goes on after its connection was cut.
    resume: bool,
    requests: bool,
    /// Whether the server says something whenever there is something.
    pushes: bool,
    /// Whether replies survive a cut.
    pushed_replies: bool,
    /// Whether data arrives to the letter, line feeds between its tokens included.
    to_the_letter: bool,
    /// Where it departs from what its protocol says.
    departures: &'static [&'static str],
}

#[derive(Serialize)]
struct ScenarioLine {
    name: &'static str,
    kind: &'static str,
    question: String,
    transports: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    peers: Vec<String>,
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
        capabilities: CapabilitiesLine::of(&entry.wire()),
    };
    TRANSPORTS.iter().map(line).collect()
}

fn protocols() -> Vec<ProtocolLine> {
    let line = |wire: Wire| ProtocolLine {
        name: wire.info.name,
        title: wire.info.title,
        url: wire.example("HOST:PORT"),
        capabilities: CapabilitiesLine::of(&wire),
    };
    registry::wires().map(line).collect()
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
            peers: scenario.peers,
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
        let Self {
            transports,
            protocols,
            scenarios,
            links,
        } = self;
        let mut text = match (transports, protocols, scenarios, links) {
            (Some(list), None, None, None) => serde_json::to_string_pretty(list)?,
            (None, Some(list), None, None) => serde_json::to_string_pretty(list)?,
            (None, None, Some(list), None) => serde_json::to_string_pretty(list)?,
            (None, None, None, Some(list)) => serde_json::to_string_pretty(list)?,
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
                .map(|line| format!("  {:<21}{}", line.name, line.title));
            let table = list.iter().map(|line| (line.name, &line.capabilities));
            parts.push(section("Transports", lines) + "\n" + &capabilities(table));
        }
        if let Some(list) = &self.protocols {
            let lines = list.iter().map(|line| {
                format!(
                    "  {:<21}{}\n  {:<21}{}",
                    line.name, line.title, "", line.url
                )
            });
            // Those of the transports stand above, where both are listed.
            let shown = list
                .iter()
                .filter(|line| self.transports.is_none() || registry::find(line.name).is_none());
            let table = shown.map(|line| (line.name, &line.capabilities));
            let heading = "Protocols (load a server with `pushlab load --protocol NAME`)";
            parts.push(section(heading, lines) + "\n" + &capabilities(table));
        }
        if let Some(list) = &self.scenarios {
            let lines = list
                .iter()
                .map(|line| format!("  {:<21}{} ({})", line.name, line.question, line.kind));
            parts.push(section(
                "Scenarios (run one with `pushlab run NAME`)",
                lines,
            ));
        }
        if let Some(list) = &self.links {
            let lines = list.iter().map(|line| {
                format!(
                    "  {:<21}{}\n  {:<21}{}",
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

impl CapabilitiesLine {
    fn of(wire: &Wire) -> Self {
        let can = &wire.info.capabilities;
        Self {
            kinds: wire.kinds().into_iter().map(Kind::name).collect(),
            audiences: can.audiences,
            resume: can.resume,
            requests: can.requests,
            pushes: can.pushes,
            pushed_replies: can.pushed_replies,
            to_the_letter: can.to_the_letter,
            departures: can.departures,
        }
    }
}

/// The table of what each wire can, with its departures as notes below.
fn capabilities<'a>(wires: impl Iterator<Item = (&'a str, &'a CapabilitiesLine)>) -> String {
    let yes = |can: bool| if can { "yes" } else { "no" };
    let all = |own: usize, all: usize, names: &[&str]| match own {
        0 => "none".to_owned(),
        _ if own == all => "all".to_owned(),
        _ => names.join(", "),
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.force_no_tty();
    table.set_header([
        "can:",
        "kinds",
        "audiences",
        "resume",
        "server speaks first",
        "replies survive a cut",
        "to the letter",
    ]);
    // A departure that several wires share stands there once.
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, can) in wires {
        table.add_row([
            name.to_owned(),
            all(can.kinds.len(), Kind::ALL.len(), &can.kinds),
            all(can.audiences.len(), AUDIENCES.len(), can.audiences),
            yes(can.resume).to_owned(),
            yes(can.pushes).to_owned(),
            yes(can.requests && can.pushed_replies).to_owned(),
            yes(can.to_the_letter).to_owned(),
        ]);
        for departure in can.departures {
            match notes.iter_mut().find(|(known, _)| known == departure) {
                Some((_, names)) => names.push(name),
                None => notes.push((departure, vec![name])),
            }
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines();
    let mut lines: Vec<String> = lines.map(|line| format!("  {}", line.trim_end())).collect();
    let mut told: &[&str] = &[];
    for (departure, names) in &notes {
        if names != told {
            lines.push(format!("\n  {}:", names.join(", ")));
            told = names;
        }
        lines.push(format!("  - {departure}"));
    }
    lines.join("\n") + "\n"
}

fn section(heading: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    format!("{heading}:\n{}\n", lines.join("\n"))
}
