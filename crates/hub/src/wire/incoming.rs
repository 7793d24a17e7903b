//! What a server says, as a client reads it.

use std::borrow::Cow;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{some_raw, some_text};

/// What a server tells a client, as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming<'a> {
    /// The session is open. Not counted by the cursor.
    Welcome {
        /// The public id.
        session: Cow<'a, str>,
        /// The secret token.
        token: Cow<'a, str>,
        /// Whether an earlier session continues.
        resumed: bool,
    },
    /// An event addressed to this session. Counts one.
    Event {
        /// The event's name.
        event: Cow<'a, str>,
        /// The sender's public id.
        from: Cow<'a, str>,
        /// Any JSON value, as text.
        data: &'a str,
    },
    /// The answer to a request. Counts one where it is pushed, nothing inside the answer to `POST /commands`.
    Reply {
        /// The request's id.
        id: u64,
        /// The request's data.
        data: &'a str,
    },
    /// Messages that could not be kept. Counts `missed`.
    Gap {
        /// How many are gone.
        missed: u64,
    },
    /// A command was refused. Not counted.
    Error {
        /// A short name of the kind of error.
        code: Cow<'a, str>,
        /// What is wrong and what would be right.
        message: Cow<'a, str>,
    },
}

impl<'a> Incoming<'a> {
    /// Parses one message of a server.
    ///
    /// # Errors
    /// What is wrong with the text, as the JSON parser says.
    pub fn parse(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// How far this message moves the cursor.
    pub fn counts(&self) -> u64 {
        match self {
            Self::Event { .. } | Self::Reply { .. } => 1,
            Self::Gap { missed } => *missed,
            Self::Welcome { .. } | Self::Error { .. } => 0,
        }
    }
}

/// The answer to `GET /events`, as a client reads it.
#[derive(Debug, Deserialize)]
pub struct EventsAnswer<'a> {
    /// What arrived, in order.
    #[serde(borrow)]
    pub events: Vec<Incoming<'a>>,
    /// The cursor to ask with next.
    pub next: u64,
}

/// The answer to `POST /commands` of a request-response server, as a client reads it.
#[derive(Debug, Deserialize)]
pub struct CommandsAnswer<'a> {
    /// The replies to the requests among the commands, in order.
    #[serde(borrow)]
    pub replies: Vec<Incoming<'a>>,
}

/// The answer to `POST /session`, and the first message of a WebSocket, as a client keeps it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Welcome {
    /// The public id.
    pub session: String,
    /// The secret token.
    pub token: String,
    /// Whether an earlier session continues.
    pub resumed: bool,
}

/// A server's message before its fields are matched with its `op`.
#[derive(Deserialize)]
struct FlatIncoming<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    session: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    token: Option<Cow<'a, str>>,
    resumed: Option<bool>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    from: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_raw")]
    data: Option<&'a RawValue>,
    id: Option<u64>,
    missed: Option<u64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    code: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    message: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Incoming<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FlatIncoming::deserialize(deserializer)?
            .try_into()
            .map_err(de::Error::custom)
    }
}

impl<'a> TryFrom<FlatIncoming<'a>> for Incoming<'a> {
    type Error = String;

    fn try_from(flat: FlatIncoming<'a>) -> Result<Self, String> {
        fn need<T>(op: &str, field: &str, value: Option<T>) -> Result<T, String> {
            value.ok_or_else(|| format!("a message with op `{op}` came without `{field}`"))
        }
        let op = &*flat.op;
        Ok(match op {
            "welcome" => Incoming::Welcome {
                session: need(op, "session", flat.session)?,
                token: need(op, "token", flat.token)?,
                resumed: need(op, "resumed", flat.resumed)?,
            },
            "event" => Incoming::Event {
                event: need(op, "event", flat.event)?,
                from: need(op, "from", flat.from)?,
                data: need(op, "data", flat.data)?.get(),
            },
            "reply" => Incoming::Reply {
                id: need(op, "id", flat.id)?,
                data: need(op, "data", flat.data)?.get(),
            },
            "gap" => Incoming::Gap {
                missed: need(op, "missed", flat.missed)?,
            },
            "error" => Incoming::Error {
                code: need(op, "code", flat.code)?,
                message: need(op, "message", flat.message)?,
            },
            other => return Err(format!("a message with an unknown op `{other}` came")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{write_error, write_gap, write_welcome};

    #[test]
    fn a_client_reads_what_a_server_writes() {
        let (id, token) = (
            crate::SessionId::from_bytes([1; 16]),
            crate::Token::from_bytes([2; 18]),
        );
        let mut text = Vec::new();
        write_welcome(&mut text, id, token, true);
        assert!(matches!(
            Incoming::parse(&text).unwrap(),
            Incoming::Welcome { resumed: true, .. }
        ));
        text.clear();
        write_gap(&mut text, 12);
        assert_eq!(
            Incoming::parse(&text).unwrap(),
            Incoming::Gap { missed: 12 }
        );
        text.clear();
        write_error(&mut text, "too-large", "a \"big\" one");
        assert_eq!(
            Incoming::parse(&text).unwrap(),
            Incoming::Error {
                code: "too-large".into(),
                message: "a \"big\" one".into()
            }
        );
        let event = crate::Event::new("tick", id, "[null]");
        let answer = format!(
            r#"{{"events":[{},{{"op":"gap","missed":2}}],"next":3}}"#,
            String::from_utf8_lossy(event.json())
        );
        let answer: EventsAnswer = serde_json::from_str(&answer).unwrap();
        assert_eq!(
            answer.events.iter().map(Incoming::counts).sum::<u64>(),
            answer.next
        );
    }
}
