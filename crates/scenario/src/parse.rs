//! Text to [`Scenario`].

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use crate::error::ScenarioError;
use crate::fields::{Fields, Source, hint, position};
use crate::unit::{self, Bytes};
use crate::{
    Arrivals, ClientSettings, Connection, Kind, Load, Pace, PollPacing, Population, Scenario,
    ServerSettings, SlowConsumer,
};

/// What the registry offers: a transport and the scenario fields that it executes.
#[derive(Clone, Copy, Debug)]
pub struct ArmInfo<'a> {
    /// The transport's name.
    pub name: &'a str,
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
    let [load, population, client, server] =
        ["load", "population", "client", "server"].map(|name| root.section(name));
    let (load, population, client, server) = (load?, population?, client?, server?);
    for (section, known) in [
        (&load, LOAD),
        (&population, POPULATION),
        (&client, CLIENT),
        (&server, SERVER),
    ] {
        section
            .as_ref()
            .map_or(Ok(()), |section| section.only(known, SECTIONS))?;
    }

    let name = name(&root)?;
    let question = question(&root)?;
    let kind = root
        .need("kind", "kind = \"echo\"")?
        .choice(&Kind::ALL.map(|kind| (kind.name(), kind)))?;
    let transports = transports(&root, arms)?;
    let duration = root
        .need("duration", "duration = \"5s\"")?
        .duration(SHORTEST..=LONGEST)?;
    let warm_up = root.get("warm-up").map_or(Ok(WARM_UP), |field| {
        field.duration(Duration::ZERO..=LONGEST)
    })?;
    let trials = root
        .get("trials")
        .map_or(Ok(TRIALS), |field| field.small(1..=1000))?;
    let seed = root
        .get("seed")
        .map_or(Ok(1), |field| field.count(0..=u64::MAX))?;
    let load = self::load_section(&root, load.as_ref(), kind, duration)?;
    let population = self::population(&root, population.as_ref(), kind)?;
    let used = |option: &str| {
        arms.iter().any(|arm| {
            transports.iter().any(|name| name == arm.name) && arm.options.contains(&option)
        })
    };
    let client = self::client(client.as_ref(), &transports, used)?;
    let server = self::server(server.as_ref(), kind, &transports, used)?;
    check_fit(&root, load.as_ref(), &server)?;
    Ok(Scenario {
        name,
        question,
        kind,
        transports,
        duration,
        warm_up,
        trials,
        seed,
        load,
        population,
        client,
        server,
        quick: false,
        text: text.to_owned(),
    })
}

fn name(root: &Fields<'_>) -> Result<String, ScenarioError> {
    let field = root.need("name", "name = \"my-experiment\"")?;
    let name = field.text("\"my-experiment\"")?;
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if plain
        && (1..=MOST_NAME).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
    {
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

fn load_section(
    root: &Fields<'_>,
    section: Option<&Fields<'_>>,
    kind: Kind,
    duration: Duration,
) -> Result<Option<Load>, ScenarioError> {
    if kind == Kind::Idle {
        return match root.get("load") {
            Some(field) => Err(field.useless(
                "in kind = \"idle\" clients connect and send nothing; remove the section",
            )),
            None => Ok(None),
        };
    }
    let Some(section) = section else {
        return Err(root.missing(
            "load",
            "[load] with mode = \"open\", rate = \"500/s\" and payload = \"64 B\"",
        ));
    };
    let is_open = section
        .need("mode", "mode = \"open\"")?
        .choice(&[("open", true), ("closed", false)])?;
    let pace = if is_open {
        if let Some(field) = section.get("depth") {
            return Err(field.useless(
                "with mode = \"open\" messages go out on schedule, however many are outstanding; remove it, or write mode = \"closed\"",
            ));
        }
        let laws = [
            ("poisson", Arrivals::Poisson),
            ("constant", Arrivals::Constant),
        ];
        let arrivals = section
            .get("arrivals")
            .map_or(Ok(Arrivals::Poisson), |field| field.choice(&laws))?;
        let field = section.need("rate", "rate = \"500/s\"")?;
        let rate = field.rate(MOST_RATE)?;
        let sends = rate * duration.as_secs_f64();
        if sends < 1.0 {
            return Err(field.wrong(format!(
                "at this rate only {sends:.2} messages are expected in the measured {}; a higher rate or a longer duration is right",
                unit::Span(duration)
            )));
        }
        Pace::Open { arrivals, rate }
    } else {
        for name in ["rate", "arrivals"] {
            if let Some(field) = section.get(name) {
                return Err(field.useless(
                    "with mode = \"closed\" a sender sends when an answer lets it; remove it, or write mode = \"open\"",
                ));
            }
        }
        Pace::Closed {
            depth: section
                .get("depth")
                .map_or(Ok(1), |field| field.small(1..=MOST_DEPTH))?,
        }
    };
    let payload = section
        .need("payload", "payload = \"64 B\"")?
        .size(Load::PAYLOAD)?;
    Ok(Some(Load { pace, payload }))
}

fn population(
    root: &Fields<'_>,
    section: Option<&Fields<'_>>,
    kind: Kind,
) -> Result<Population, ScenarioError> {
    let (used, example): (&[&str], _) = match kind {
        Kind::Echo | Kind::Chat | Kind::Private | Kind::Idle => (&["clients"], "clients = 50"),
        Kind::Broadcast => (&["subscribers"], "subscribers = 100"),
        Kind::Rooms => (
            &["rooms", "members", "publishers"],
            "rooms = 10 and members = 10",
        ),
    };
    let Some(section) = section else {
        return Err(root.missing("population", &format!("[population] with {example}")));
    };
    if let Some(field) = POPULATION
        .iter()
        .filter(|name| !used.contains(name))
        .find_map(|name| section.get(name))
    {
        let names: Vec<String> = used.iter().map(|name| format!("`{name}`")).collect();
        let (kind, names) = (kind.name(), names.join(", "));
        return Err(field.useless(format!(
            "in kind = \"{kind}\" the population is given by {names}; remove it"
        )));
    }
    let count = |name, example: &str| section.need(name, example)?.small(1..=MOST_CONNECTIONS);
    match kind {
        Kind::Broadcast => {
            let subscribers = section
                .need("subscribers", "subscribers = 100")?
                .small(1..=MOST_CONNECTIONS - 1)?;
            Ok(Population::Broadcast { subscribers })
        }
        Kind::Rooms => {
            let rooms = count("rooms", "rooms = 10")?;
            let members = count("members", "members = 10")?;
            let sessions = u64::from(rooms) * u64::from(members);
            if sessions > u64::from(MOST_CONNECTIONS) {
                let field = section.need("members", "members = 10")?;
                return Err(field.wrong(format!(
                    "{rooms} rooms of {members} members are {sessions} sessions: at most {MOST_CONNECTIONS} are right"
                )));
            }
            let publishers = section.get("publishers").map_or(Ok(1), |field| {
                let publishers = field.small(1..=MOST_CONNECTIONS)?;
                if publishers <= members {
                    return Ok(publishers);
                }
                Err(field.wrong(format!("a room has {members} members, so {publishers} of them can't publish: 1 to {members} are right")))
            })?;
            Ok(Population::Rooms {
                rooms,
                members,
                publishers,
            })
        }
        Kind::Private => {
            let field = section.need("clients", "clients = 50")?;
            let clients = field.small(2..=MOST_CONNECTIONS)?;
            if clients % 2 == 1 {
                let even = clients + 1;
                return Err(field.wrong(format!("private clients write to each other in pairs, and {clients} is odd: {even} is right")));
            }
            Ok(Population::Clients(clients))
        }
        Kind::Echo | Kind::Chat | Kind::Idle => {
            Ok(Population::Clients(count("clients", "clients = 50")?))
        }
    }
}

fn client(
    section: Option<&Fields<'_>>,
    transports: &[String],
    used: impl Fn(&str) -> bool,
) -> Result<ClientSettings, ScenarioError> {
    let mut client = ClientSettings::default();
    let Some(section) = section else {
        return Ok(client);
    };
    unexecuted(section, CLIENT, transports, used)?;
    if let Some(field) = section.get("connection") {
        client.connection = field.choice(&[
            ("keep-alive", Connection::KeepAlive),
            ("fresh", Connection::Fresh),
        ])?;
    }
    if let Some(field) = section.get("poll-interval") {
        client.poll_interval =
            field.duration(Duration::from_millis(1)..=Duration::from_secs(3600))?;
    }
    if let Some(field) = section.get("poll-pacing") {
        client.poll_pacing = field.choice(&[
            ("fixed-rate", PollPacing::FixedRate),
            ("fixed-delay", PollPacing::FixedDelay),
        ])?;
    }
    if let Some(field) = section.get("hold") {
        client.hold = field.duration(Duration::from_millis(1)..=Duration::from_secs(60))?;
    }
    if let Some(field) = section.get("pool") {
        client.pool = field.small(1..=256)?;
    }
    Ok(client)
}

fn server(
    section: Option<&Fields<'_>>,
    kind: Kind,
    transports: &[String],
    used: impl Fn(&str) -> bool,
) -> Result<ServerSettings, ScenarioError> {
    let mut server = ServerSettings::default();
    let Some(section) = section else {
        return Ok(server);
    };
    if kind == Kind::Idle {
        let mailbox = [
            "mailbox-messages",
            "mailbox-bytes",
            "slow-consumer",
            "batching",
        ];
        if let Some(field) = mailbox.iter().find_map(|name| section.get(name)) {
            return Err(field.useless(
                "in kind = \"idle\" nothing is sent, so mailboxes stay empty; remove it",
            ));
        }
    }
    unexecuted(section, &["batching"], transports, used)?;
    if let Some(field) = section.get("threads") {
        server.threads = field.small(1..=1024)?;
    }
    if let Some(field) = section.get("mailbox-messages") {
        server.mailbox_messages = field.count(1..=1 << 24)? as usize;
    }
    if let Some(field) = section.get("mailbox-bytes") {
        server.mailbox_bytes = field.size(1024..=1 << 30)?;
    }
    if let Some(field) = section.get("slow-consumer") {
        let policies = [
            SlowConsumer::Disconnect,
            SlowConsumer::DropOldest,
            SlowConsumer::Conflate,
        ];
        server.slow_consumer = field.choice(&policies.map(|policy| (policy.name(), policy)))?;
    }
    if let Some(field) = section.get("batching") {
        server.batching = field.flag()?;
    }
    Ok(server)
}

/// Refuses the first of `options` that stands in the section but that no arm executes.
fn unexecuted(
    section: &Fields<'_>,
    options: &[&'static str],
    transports: &[String],
    used: impl Fn(&str) -> bool,
) -> Result<(), ScenarioError> {
    match options
        .iter()
        .filter(|option| !used(option))
        .find_map(|option| section.get(option))
    {
        None => Ok(()),
        Some(field) => Err(field.useless(format!(
            "none of this scenario's transports ({}) executes it; remove it",
            transports.join(", ")
        ))),
    }
}

/// A message that no mailbox can hold would only measure overflows.
fn check_fit(
    root: &Fields<'_>,
    load: Option<&Load>,
    server: &ServerSettings,
) -> Result<(), ScenarioError> {
    let Some(load) = load else { return Ok(()) };
    if load.payload + ENVELOPE <= server.mailbox_bytes {
        return Ok(());
    }
    let section = root
        .section("load")?
        .ok_or_else(|| root.missing("load", "[load]"))?;
    Err(section.need("payload", "payload = \"64 B\"")?.wrong(format!(
        "one message of {} doesn't fit into a mailbox of {}: a smaller payload, or a larger `mailbox-bytes` in `[server]`, is right",
        Bytes(load.payload),
        Bytes(server.mailbox_bytes)
    )))
}

const TOP: &[&str] = &[
    "name",
    "question",
    "kind",
    "transports",
    "duration",
    "warm-up",
    "trials",
    "seed",
    "load",
    "population",
    "client",
    "server",
];
const LOAD: &[&str] = &["mode", "arrivals", "rate", "depth", "payload"];
const POPULATION: &[&str] = &["clients", "subscribers", "rooms", "members", "publishers"];
const CLIENT: &[&str] = &["connection", "poll-interval", "poll-pacing", "hold", "pool"];
const SERVER: &[&str] = &[
    "threads",
    "mailbox-messages",
    "mailbox-bytes",
    "slow-consumer",
    "batching",
];
const SECTIONS: &[(&str, &[&str])] = &[
    ("", TOP),
    ("load", LOAD),
    ("population", POPULATION),
    ("client", CLIENT),
    ("server", SERVER),
];

const WARM_UP: Duration = Duration::from_secs(1);
const TRIALS: u32 = 3;
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(3600);
const MOST_BYTES: u64 = 1 << 20;
const MOST_NAME: usize = 64;
const MOST_QUESTION: usize = 300;
const MOST_CONNECTIONS: u32 = 1_000_000;
const MOST_DEPTH: u32 = 65_536;
/// A second, over all senders: more than any machine sends, little enough that a schedule can be counted.
const MOST_RATE: f64 = 10_000_000.0;
/// What a message has around its payload: member names, the sender's id, an event's name.
const ENVELOPE: usize = 256;
