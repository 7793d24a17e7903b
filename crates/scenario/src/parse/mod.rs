//! Text to [`Scenario`].
//!
//! The settings of each point of a sweep come out of the same code as those of the file: the swept values are put in place
//! of the fields, and the document is read again. So whatever is checked in a file is checked at each point.

mod expect;
mod faults;
mod find;
mod link;
mod load;
mod population;
mod settings;
mod sweep;
mod values;
mod words;

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use crate::error::ScenarioError;
use crate::fields::{Fields, Source, hint, position};
use crate::unit::{self, Bytes};
use crate::{Kind, Scenario};

/// What the registry offers: a transport and the scenario fields that it executes.
#[derive(Clone, Copy, Debug)]
pub struct ArmInfo<'a> {
    /// The transport's name.
    pub name: &'a str,
    /// Whether it has a server process and connections, which can fail.
    pub network: bool,
    /// The fields of `[client]` and `[server]` that this transport executes beside the ones that every server does.
    pub options: &'a [&'a str],
}

/// Reads and checks a scenario file.
///
/// # Errors
/// [`ScenarioError`] when the file can't be read or isn't a scenario for these arms.
pub fn load(path: &Path, arms: &[ArmInfo<'_>]) -> Result<Scenario, ScenarioError> {
    let unreadable = |reason| ScenarioError::Unreadable {
        path: path.to_path_buf(),
        reason,
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let name = path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|error| {
        let (line, column) = position(error.as_bytes(), error.utf8_error().valid_up_to());
        let message = "this byte is not UTF-8: a scenario is a text file in UTF-8".to_owned();
        ScenarioError::Invalid {
            file: name.clone(),
            line,
            column,
            message,
        }
    })?;
    parse(&text, &name, arms)
}

/// Checks the text of a scenario file; `file_name` is for messages only.
///
/// # Errors
/// [`ScenarioError::Invalid`] with the first thing that is wrong.
pub fn parse(text: &str, file_name: &str, arms: &[ArmInfo<'_>]) -> Result<Scenario, ScenarioError> {
    let source = Source {
        file: file_name,
        text,
    };
    if text.len() as u64 > MOST_BYTES {
        return Err(source.error(
            0,
            format!(
                "this is no scenario: it is larger than {}",
                Bytes(MOST_BYTES as usize)
            ),
        ));
    }
    let document = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        source.error(
            offset,
            format!("this is not TOML: {}", error.message().replace('\n', "; ")),
        )
    })?;
    let root = Fields::root(source, document.get_ref());
    root.only(TOP, SECTIONS)?;
    for (name, known) in SECTIONS.iter().filter(|(name, _)| SETTINGS.contains(name)) {
        if let Some(section) = root.section(name)? {
            section.only(known, SECTIONS)?;
        }
    }
    let whole = Whole::read(&root, arms)?;
    let sweep = sweep::Plan::read(&root, whole.kind)?;
    let mut scenario = match &sweep {
        Some(plan) => plan.base(&root, &|root| whole.scenario(root))?,
        None => whole.scenario(&root)?,
    };
    scenario.sweep = sweep
        .map(|plan| plan.sweep(&root, &|root| whole.scenario(root)))
        .transpose()?;
    scenario.find = find::find(&root, &scenario, |option| whole.executes(option))?;
    scenario.expects = expect::expects(&root, &scenario)?;
    Ok(scenario)
}

/// What holds for the scenario as a whole, whatever is swept.
struct Whole<'a> {
    name: String,
    question: String,
    kind: Kind,
    transports: Vec<String>,
    peers: Vec<String>,
    duration: Duration,
    warm_up: Duration,
    trials: u32,
    seed: u64,
    text: &'a str,
    arms: &'a [ArmInfo<'a>],
}

impl<'a> Whole<'a> {
    fn read(root: &Fields<'a>, arms: &'a [ArmInfo<'a>]) -> Result<Self, ScenarioError> {
        Ok(Self {
            name: name(root)?,
            question: question(root)?,
            kind: root
                .need("kind", "kind = \"echo\"")?
                .choice(&Kind::ALL.map(|kind| (kind.name(), kind)))?,
            transports: transports(root, arms)?,
            peers: peers(root)?,
            duration: root
                .need("duration", "duration = \"5s\"")?
                .duration(SHORTEST..=LONGEST)?,
            warm_up: root.get("warm-up").map_or(Ok(WARM_UP), |field| {
                field.duration(Duration::ZERO..=LONGEST)
            })?,
            trials: root
                .get("trials")
                .map_or(Ok(TRIALS), |field| field.small(1..=1000))?,
            seed: root
                .get("seed")
                .map_or(Ok(1), |field| field.count(0..=u64::MAX))?,
            text: root.source.text,
            arms,
        })
    }

    /// The scenario with the settings of this document: the file, or the file with values of a sweep.
    fn scenario(&self, root: &Fields<'_>) -> Result<Scenario, ScenarioError> {
        let [load, population, client, server, link, reconnect] =
            SETTINGS.map(|name| root.section(name));
        let (load, population, client, server) = (load?, population?, client?, server?);
        let used = |option: &str| self.executes(option);
        let load = load::load(root, load.as_ref(), self.kind, self.duration)?;
        let population = population::population(root, population.as_ref(), self.kind)?;
        let client = settings::client(client.as_ref(), load.as_ref(), &self.transports, used)?;
        let server = settings::server(server.as_ref(), self.kind, &self.transports, used)?;
        let link = link::link(link?.as_ref(), self.kind)?;
        load::check_fit(root, load.as_ref(), &server)?;
        let arms = self.connections();
        let reconnect = faults::reconnect(root, reconnect?.as_ref(), &client, &arms)?;
        let faults = faults::faults(root, self.duration, link.as_ref(), population, &arms)?;
        Ok(Scenario {
            name: self.name.clone(),
            question: self.question.clone(),
            kind: self.kind,
            transports: self.transports.clone(),
            peers: self.peers.clone(),
            duration: self.duration,
            warm_up: self.warm_up,
            trials: self.trials,
            seed: self.seed,
            load,
            population,
            client,
            server,
            link,
            reconnect,
            faults,
            sweep: None,
            find: None,
            expects: Vec::new(),
            quick: false,
            text: self.text.to_owned(),
        })
    }

    /// What the arms are to faults and to those who come back from them.
    fn connections(&self) -> faults::Arms<'_> {
        faults::Arms {
            without_network: self.own().find(|arm| !arm.network).map(|arm| arm.name),
            any_network: self.own().any(|arm| arm.network),
            holds: self.executes("hold"),
            polls: self.executes("poll-interval"),
        }
    }

    /// Whether any arm of the scenario executes this option.
    fn executes(&self, option: &str) -> bool {
        self.own().any(|arm| arm.options.contains(&option))
    }

    /// The arms of the scenario.
    fn own(&self) -> impl Iterator<Item = &ArmInfo<'a>> {
        let is_own = |arm: &&ArmInfo<'_>| self.transports.iter().any(|name| name == arm.name);
        self.arms.iter().filter(is_own)
    }
}

fn name(root: &Fields<'_>) -> Result<String, ScenarioError> {
    let field = root.need("name", "name = \"my-experiment\"")?;
    let name = field.text("\"my-experiment\"")?;
    if is_plain(name) {
        return Ok(name.to_owned());
    }
    let shown = unit::shown(name);
    Err(field.wrong(format!(
        "\"{shown}\" can't be part of a folder's name: 1 to {MOST_NAME} lower-case letters, digits and hyphens (not first or last) are right"
    )))
}

fn question(root: &Fields<'_>) -> Result<String, ScenarioError> {
    let field = root.need("question", "question = \"How long does a reply take?\"")?;
    let question = field.text("\"How long does a reply take?\"")?.trim();
    if !question.is_empty()
        && question.chars().count() <= MOST_QUESTION
        && !question.contains(char::is_control)
    {
        return Ok(question.to_owned());
    }
    Err(field.wrong(format!("one line of 1 to {MOST_QUESTION} characters is right, as in question = \"How long does a reply take?\"")))
}

fn transports(root: &Fields<'_>, arms: &[ArmInfo<'_>]) -> Result<Vec<String>, ScenarioError> {
    let known: Vec<&str> = arms.iter().map(|arm| arm.name).collect();
    let Some(field) = root.get("transports") else {
        return Ok(known.into_iter().map(str::to_owned).collect());
    };
    let mut transports: Vec<String> = Vec::new();
    for (offset, name) in field.texts("[\"long-poll\", \"websocket\"]")? {
        if !known.contains(&name) {
            let shown = unit::shown(name);
            return Err(field.wrong_at(
                offset,
                format!("\"{shown}\" is unknown: {}", hint(name, &known, '"')),
            ));
        }
        if transports.iter().any(|other| other == name) {
            return Err(field.wrong_at(
                offset,
                format!("\"{name}\" is listed twice: name each transport once"),
            ));
        }
        transports.push(name.to_owned());
    }
    if transports.is_empty() {
        return Err(field.wrong(
            "the list is empty: name at least one transport, or leave the field out to compare all",
        ));
    }
    Ok(transports)
}

/// The names alone: which peers there are is known where they are.
fn peers(root: &Fields<'_>) -> Result<Vec<String>, ScenarioError> {
    let Some(field) = root.get("peers") else {
        return Ok(Vec::new());
    };
    let mut peers: Vec<String> = Vec::new();
    for (offset, name) in field.texts("[\"ws\", \"nchan\"]")? {
        if !is_plain(name) {
            let shown = unit::shown(name);
            return Err(field.wrong_at(
                offset,
                format!("\"{shown}\" is no name of a peer: that of its folder below peers/ is right, 1 to {MOST_NAME} lower-case letters, digits and hyphens"),
            ));
        }
        if peers.iter().any(|other| other == name) {
            return Err(field.wrong_at(
                offset,
                format!("\"{name}\" is listed twice: name each peer once"),
            ));
        }
        peers.push(name.to_owned());
    }
    if peers.is_empty() {
        return Err(field.wrong(
            "the list is empty: name at least one peer, or leave the field out to compare none",
        ));
    }
    Ok(peers)
}

/// Whether a name can be that of a folder, or part of it.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(plain)
        && (1..=MOST_NAME).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// The sections that hold settings.
const SETTINGS: [&str; 6] = [
    "load",
    "population",
    "client",
    "server",
    "link",
    "reconnect",
];
const TOP: &[&str] = &[
    "name",
    "question",
    "kind",
    "transports",
    "peers",
    "duration",
    "warm-up",
    "trials",
    "seed",
    "find",
    "load",
    "population",
    "client",
    "server",
    "link",
    "reconnect",
    "fault",
    "sweep",
    "expect",
];
/// Every section with its fields, to say where a misplaced one belongs. Those of a sweep are the axes beside these.
const SECTIONS: &[(&str, &[&str])] = &[
    ("", TOP),
    ("load", load::FIELDS),
    ("population", population::FIELDS),
    ("client", settings::CLIENT_FIELDS),
    ("server", settings::SERVER_FIELDS),
    ("link", link::FIELDS),
    ("reconnect", faults::RECONNECT_FIELDS),
    ("sweep", sweep::FIELDS),
    ("[fault]", faults::FAULT_FIELDS),
    ("[expect]", expect::FIELDS),
];

/// Of the warm-up, which ends sooner as soon as it is steady.
const WARM_UP: Duration = Duration::from_secs(2);
const TRIALS: u32 = 5;
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(3600);
const MOST_BYTES: u64 = 1 << 20;
const MOST_NAME: usize = 64;
const MOST_QUESTION: usize = 300;
