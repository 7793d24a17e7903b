//! `[client]` and `[server]`: how the two ends are set up.

use crate::error::ScenarioError;
use crate::fields::Fields;
use crate::limits::{
    LEAST_MAILBOX_BYTES, LONGEST_HOLD, LONGEST_POLL_INTERVAL, MOST_MAILBOX_BYTES,
    MOST_MAILBOX_MESSAGES, MOST_POOL, MOST_THREADS, SHORTEST_WAIT,
};
use crate::{
    ClientSettings, Connection, Kind, Load, Pace, PollPacing, ServerSettings, SlowConsumer,
};

pub(super) const CLIENT_FIELDS: &[&str] = &[
    "connection",
    "poll-interval",
    "poll-pacing",
    "hold",
    "cursor",
    "pool",
];
pub(super) const SERVER_FIELDS: &[&str] = &[
    "threads",
    "mailbox-messages",
    "mailbox-bytes",
    "slow-consumer",
    "batching",
];

pub(super) fn client(
    section: Option<&Fields<'_>>,
    load: Option<&Load>,
    transports: &[String],
    used: impl Fn(&str) -> bool,
) -> Result<ClientSettings, ScenarioError> {
    let mut client = ClientSettings::default();
    let Some(section) = section else {
        return Ok(client);
    };
    unexecuted(section, CLIENT_FIELDS, transports, used)?;
    if let Some(field) = section.get("connection") {
        client.connection = field.choice(&[
            ("keep-alive", Connection::KeepAlive),
            ("fresh", Connection::Fresh),
        ])?;
    }
    if let Some(field) = section.get("poll-interval") {
        client.poll_interval = field.duration(SHORTEST_WAIT..=LONGEST_POLL_INTERVAL)?;
    }
    if let Some(field) = section.get("poll-pacing") {
        client.poll_pacing = field.choice(&[
            ("fixed-rate", PollPacing::FixedRate),
            ("fixed-delay", PollPacing::FixedDelay),
        ])?;
    }
    if let Some(field) = section.get("hold") {
        client.hold = field.duration(SHORTEST_WAIT..=LONGEST_HOLD)?;
    }
    if let Some(field) = section.get("cursor") {
        client.cursor = field.flag()?;
        match load.map(|load| load.pace) {
            None => {
                return Err(field
                    .useless("in kind = \"idle\" nothing is sent that could be lost; remove it"));
            }
            Some(Pace::Closed { .. }) if !client.cursor => {
                return Err(field.wrong(
                    "without a cursor messages are lost, and mode = \"closed\" waits for each of them for ever: choose mode = \"open\"",
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(field) = section.get("pool") {
        client.pool = field.small(1..=MOST_POOL)?;
    }
    Ok(client)
}

pub(super) fn server(
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
        server.threads = field.small(1..=MOST_THREADS)?;
    }
    if let Some(field) = section.get("mailbox-messages") {
        server.mailbox_messages = field.count(1..=MOST_MAILBOX_MESSAGES as u64)? as usize;
    }
    if let Some(field) = section.get("mailbox-bytes") {
        server.mailbox_bytes = field.size(LEAST_MAILBOX_BYTES..=MOST_MAILBOX_BYTES)?;
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
