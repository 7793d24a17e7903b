//! Which peers there are.

use std::io::{self, Write};

use scenario::Kind;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::peers::{Arm, Peer, Shelf, State};

/// Prints them all; a description that is wrong is told when the others have been.
pub(super) fn list(shelf: &Shelf, json: bool) -> Result<Exit, Failure> {
    let (mut lines, mut wrong) = (Vec::new(), None);
    for name in shelf.names()? {
        match shelf.peer(&name) {
            Ok(peer) => lines.push(Line::of(&peer)),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    let text = if json {
        serde_json::to_string_pretty(&lines)? + "\n"
    } else {
        let texts: Vec<String> = lines.iter().map(Line::text).collect();
        format!(
            "Peers (measure one with `pushlab run SCENARIO --peer NAME`):\n{}\n",
            texts.join("\n")
        )
    };
    io::stdout().write_all(text.as_bytes())?;
    wrong.map_or(Ok(Exit::Fine), Err)
}

#[derive(Serialize)]
struct Line {
    name: String,
    title: String,
    package: String,
    registry: &'static str,
    version: String,
    language: String,
    note: Option<String>,
    installed: bool,
    /// Why it can't be started as it is; null if it can.
    obstacle: Option<String>,
    /// What the installed program says of its version, where it is asked.
    installed_version: Option<String>,
    arms: Vec<ArmLine>,
}

#[derive(Serialize)]
struct ArmLine {
    name: String,
    /// Each kind of traffic that it carries, and by which protocol.
    kinds: Vec<KindLine>,
}

#[derive(Serialize)]
struct KindLine {
    kind: &'static str,
    protocol: &'static str,
}

impl Line {
    fn of(peer: &Peer) -> Self {
        let installed = peer.state() == State::Installed;
        Self {
            name: peer.name.clone(),
            title: peer.title.clone(),
            package: peer.package.clone(),
            registry: peer.registry,
            version: peer.version.clone(),
            language: peer.language.clone(),
            note: peer.note.clone(),
            installed,
            obstacle: peer.obstacle(),
            // A program that doesn't tell is told of where it is run.
            installed_version: installed
                .then(|| peer.installed_version().ok().flatten())
                .flatten(),
            arms: peer.arms.iter().map(ArmLine::of).collect(),
        }
    }

    /// Some lines: what it is, its wires, and how to have it.
    fn text(&self) -> String {
        let Self {
            name,
            title,
            package,
            registry,
            version,
            language,
            ..
        } = self;
        let told = self.installed_version.as_ref();
        let told = told.map_or(String::new(), |told| format!(", {told}"));
        let mut lines = vec![format!(
            "  {name:<18}{title} ({language}; {package} {version}, {registry}{told})"
        )];
        lines.extend(self.arms.iter().map(ArmLine::text));
        lines.extend(self.note.iter().map(|note| format!("note: {note}")));
        lines.push(match &self.obstacle {
            None => "installed".to_owned(),
            Some(obstacle) => format!("{obstacle}; `pushlab peers setup {name}`"),
        });
        lines.join(&format!("\n{:<20}", ""))
    }
}

impl ArmLine {
    fn of(arm: &Arm) -> Self {
        let kinds = arm.routes.iter().map(|(kind, route)| KindLine {
            kind: Kind::name(*kind),
            protocol: route.wire.info.name,
        });
        Self {
            name: arm.name.clone(),
            kinds: kinds.collect(),
        }
    }

    fn text(&self) -> String {
        let kinds = self.kinds.iter();
        let kinds: Vec<String> = kinds
            .map(|KindLine { kind, protocol }| format!("{kind} by {protocol}"))
            .collect();
        format!("arm {}: {}", self.name, kinds.join(", "))
    }
}
