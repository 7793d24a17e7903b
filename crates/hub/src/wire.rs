//! The wire protocol `pushlab.v1`: JSON, one object a message.
//!
//! `data` is never interpreted: it travels as the JSON text that the sender wrote. A server parses commands with
//! [`Command::parse`] and writes messages with [`Event`](crate::Event) and the `write_*` functions here; a client does the reverse with
//! [`Command::write`] and [`Incoming::parse`].

use std::borrow::Cow;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::SessionId;
pub(crate) use crate::event::write_reply;
use crate::event::{write_number, write_string};

/// The WebSocket subprotocol's name.
pub const SUBPROTOCOL: &str = "pushlab.v1";
/// Most bytes in the name of a room or an event.
pub const MAX_NAME: usize = 256;
/// Most levels of arrays and objects in `data`.
pub const MAX_DEPTH: usize = 128;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command<'a> {
    /// Enter a room; entering twice is entering once.
    Join {
        /// The room's name.
        room: Cow<'a, str>,
    },
    /// Leave a room; leaving one that one isn't in does nothing.
    Leave {
        /// The room's name.
        room: Cow<'a, str>,
    },
    /// Publish an event.
    Emit {
        /// Who receives it.
        to: Audience<'a>,
        /// The event's name.
        event: Cow<'a, str>,
        /// Any JSON value, as text.
        data: &'a str,
    },
    /// Ask for a reply with the same id and data: the echo.
    Request {
        /// Chosen by the client, returned in the reply.
        id: u64,
        /// Any JSON value, as text.
        data: &'a str,
    },
    /// Continue an earlier session (WebSocket only, as the first command).
    Resume {
        /// The earlier session's token.
        token: Cow<'a, str>,
        /// The cursor: how many counted messages the client has received since its first welcome.
        received: u64,
    },
}

/// Who receives an event: the six forms of Socket.IO's emit cheat-sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience<'a> {
    /// Every session, the sender too (`io.emit`).
    Everyone,
    /// Every session but the sender (`socket.broadcast.emit`).
    Others,
    /// The sender and no one else (`socket.emit`).
    Sender,
    /// Everyone in the room, the sender too if it is in it (`io.to(room).emit`).
    Room(Cow<'a, str>),
    /// Everyone in the room but the sender (`socket.to(room).emit`).
    RoomOthers(Cow<'a, str>),
    /// That one session (`socket.to(id).emit`), by its public id.
    Session(Cow<'a, str>),
}

/// Why a text is no command.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not JSON, an unknown or missing field, a wrong type.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// An `op` that doesn't exist.
    #[error("unknown op `{0}`; join, leave, emit and request are known")]
    Op(String),
    /// A field that this `op` doesn't take.
    #[error("`{op}` takes no field `{field}`")]
    Useless {
        /// The command's op.
        op: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field that this `op` needs.
    #[error("`{op}` needs the field `{field}`")]
    Missing {
        /// The command's op.
        op: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A name over [`MAX_NAME`] bytes or an empty one.
    #[error("`{0}` must have 1 to 256 bytes")]
    Name(&'static str),
    /// `data` nested deeper than [`MAX_DEPTH`].
    #[error("`data` is nested deeper than 128 levels")]
    Depth,
}

impl<'a> Command<'a> {
    /// Parses one command.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong with it.
    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        serde_json::from_slice::<Flat>(text)?.into_command()
    }

    /// Parses one command or an array of them, as `POST /commands` takes, and hands each to `each` in order.
    /// Nothing is handed over unless all are well-formed.
    ///
    /// # Errors
    /// [`Malformed`] of the first command that is.
    pub fn parse_many(text: &'a [u8]) -> Result<Vec<Self>, Malformed> {
        if text.trim_ascii_start().first() == Some(&b'[') {
            serde_json::from_slice::<Vec<Flat>>(text)?
                .into_iter()
                .map(Flat::into_command)
                .collect()
        } else {
            Ok(vec![Self::parse(text)?])
        }
    }

    /// Appends the command's JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Join { room } => {
                out.extend_from_slice(br#"{"op":"join","room":"#);
                write_string(out, room);
            }
            Self::Leave { room } => {
                out.extend_from_slice(br#"{"op":"leave","room":"#);
                write_string(out, room);
            }
            Self::Emit { to, event, data } => {
                out.extend_from_slice(br#"{"op":"emit","to":"#);
                to.write(out);
                out.extend_from_slice(br#","event":"#);
                write_string(out, event);
                out.extend_from_slice(br#","data":"#);
                out.extend_from_slice(data.as_bytes());
            }
            Self::Request { id, data } => {
                out.extend_from_slice(br#"{"op":"request","id":"#);
                write_number(out, *id);
                out.extend_from_slice(br#","data":"#);
                out.extend_from_slice(data.as_bytes());
            }
            Self::Resume { token, received } => {
                out.extend_from_slice(br#"{"op":"resume","token":"#);
                write_string(out, token);
                out.extend_from_slice(br#","received":"#);
                write_number(out, *received);
            }
        }
        out.push(b'}');
    }
}

impl Audience<'_> {
    /// The same audience with names of its own.
    pub fn into_owned(self) -> Audience<'static> {
        let own = |name: Cow<'_, str>| Cow::Owned(name.into_owned());
        match self {
            Self::Everyone => Audience::Everyone,
            Self::Others => Audience::Others,
            Self::Sender => Audience::Sender,
            Self::Room(room) => Audience::Room(own(room)),
            Self::RoomOthers(room) => Audience::RoomOthers(own(room)),
            Self::Session(id) => Audience::Session(own(id)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (key, name) = match self {
            Self::Everyone => return out.extend_from_slice(br#""everyone""#),
            Self::Others => return out.extend_from_slice(br#""others""#),
            Self::Sender => return out.extend_from_slice(br#""sender""#),
            Self::Room(name) => ("room", name),
            Self::RoomOthers(name) => ("room-others", name),
            Self::Session(name) => ("session", name),
        };
        out.push(b'{');
        write_string(out, key);
        out.push(b':');
        write_string(out, name);
        out.push(b'}');
    }
}

/// `{"op":"welcome",…}` at the end of `out`.
pub fn write_welcome(out: &mut Vec<u8>, session: SessionId, token: crate::Token, resumed: bool) {
    out.extend_from_slice(
        format!(
            r#"{{"op":"welcome","session":"{session}","token":"{token}","resumed":{resumed}}}"#
        )
        .as_bytes(),
    );
}

/// `{"op":"gap","missed":…}` at the end of `out`.
pub fn write_gap(out: &mut Vec<u8>, missed: u64) {
    out.extend_from_slice(br#"{"op":"gap","missed":"#);
    write_number(out, missed);
    out.push(b'}');
}

/// `{"op":"error","code":…,"message":…}` at the end of `out`.
pub fn write_error(out: &mut Vec<u8>, code: &str, message: &str) {
    out.extend_from_slice(br#"{"op":"error","code":"#);
    write_string(out, code);
    out.extend_from_slice(br#","message":"#);
    write_string(out, message);
    out.push(b'}');
}

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

/// A command before its fields are matched with its `op`. One flat struct parses several times faster than an internally tagged enum, which
/// buffers, and it lets `data` borrow its text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    to: Option<FlatAudience<'a>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_raw")]
    data: Option<&'a RawValue>,
    id: Option<u64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    token: Option<Cow<'a, str>>,
    received: Option<u64>,
}

/// `"everyone"` or `{"room":"blue"}`.
struct FlatAudience<'a>(Audience<'a>);

impl<'a> Flat<'a> {
    fn into_command(self) -> Result<Command<'a>, Malformed> {
        let op = match &*self.op {
            "join" => "join",
            "leave" => "leave",
            "emit" => "emit",
            "request" => "request",
            "resume" => "resume",
            other => return Err(Malformed::Op(other.chars().take(32).collect())),
        };
        let takes: &[&str] = match op {
            "join" | "leave" => &["room"],
            "emit" => &["to", "event", "data"],
            "request" => &["id", "data"],
            _ => &["token", "received"],
        };
        let given = [
            ("room", self.room.is_some()),
            ("to", self.to.is_some()),
            ("event", self.event.is_some()),
            ("data", self.data.is_some()),
            ("id", self.id.is_some()),
            ("token", self.token.is_some()),
            ("received", self.received.is_some()),
        ];
        for (field, present) in given {
            if present && !takes.contains(&field) {
                return Err(Malformed::Useless { op, field });
            }
            if !present && takes.contains(&field) {
                return Err(Malformed::Missing { op, field });
            }
        }
        // Past this point each field that `op` takes is there; the fallbacks can't be reached.
        let room = self.room.unwrap_or_default();
        let event = self.event.unwrap_or_default();
        let data = self.data.map_or("null", RawValue::get);
        if too_deep(data) {
            return Err(Malformed::Depth);
        }
        Ok(match op {
            "join" => Command::Join {
                room: named("room", room)?,
            },
            "leave" => Command::Leave {
                room: named("room", room)?,
            },
            "emit" => {
                let to = self.to.map_or(Audience::Sender, |to| to.0);
                if let Audience::Room(name) | Audience::RoomOthers(name) | Audience::Session(name) =
                    &to
                {
                    named("to", Cow::Borrowed(name))?;
                }
                Command::Emit {
                    to,
                    event: named("event", event)?,
                    data,
                }
            }
            "request" => Command::Request {
                id: self.id.unwrap_or_default(),
                data,
            },
            _ => Command::Resume {
                token: self.token.unwrap_or_default(),
                received: self.received.unwrap_or_default(),
            },
        })
    }
}

fn named<'a>(field: &'static str, name: Cow<'a, str>) -> Result<Cow<'a, str>, Malformed> {
    if (1..=MAX_NAME).contains(&name.len()) {
        Ok(name)
    } else {
        Err(Malformed::Name(field))
    }
}

/// Whether arrays and objects in `data` nest deeper than [`MAX_DEPTH`], so that no receiver's recursive parser is harmed.
fn too_deep(data: &str) -> bool {
    // Counting openers vectorises and rules out nearly every message without looking at strings.
    let openers = data
        .bytes()
        .filter(|byte| matches!(byte, b'[' | b'{'))
        .count();
    if openers <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in data.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    false
}

/// `Option` would read `null` as absent; here it is a value like any other.
fn some_raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// `Option<Cow>` would always copy; this borrows a string without escapes.
fn some_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Text::deserialize(deserializer).map(|text| Some(text.0))
}

impl<'de: 'a, 'a> Deserialize<'de> for FlatAudience<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = FlatAudience<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"everyone\", \"others\", \"sender\", {\"room\":…}, {\"room-others\":…} or {\"session\":…}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "everyone" => Ok(FlatAudience(Audience::Everyone)),
                    "others" => Ok(FlatAudience(Audience::Others)),
                    "sender" => Ok(FlatAudience(Audience::Sender)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                #[derive(Deserialize)]
                #[serde(rename_all = "kebab-case")]
                enum Kind {
                    Room,
                    RoomOthers,
                    Session,
                }
                #[derive(Deserialize)]
                struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

                let Some((kind, Text(name))) = map.next_entry::<Kind, Text<'de>>()? else {
                    return Err(de::Error::invalid_length(0, &self));
                };
                if map.next_key::<de::IgnoredAny>()?.is_some() {
                    return Err(de::Error::invalid_length(2, &self));
                }
                Ok(FlatAudience(match kind {
                    Kind::Room => Audience::Room(name),
                    Kind::RoomOthers => Audience::RoomOthers(name),
                    Kind::Session => Audience::Session(name),
                }))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Command<'_>, String> {
        Command::parse(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_survive_the_wire() {
        let names = ["blue", "a \"quoted\" \\ name\n", "é…😀"];
        for name in names {
            let name = || Cow::Borrowed(name);
            for command in [
                Command::Join { room: name() },
                Command::Leave { room: name() },
                Command::Emit {
                    to: Audience::Everyone,
                    event: name(),
                    data: "null",
                },
                Command::Emit {
                    to: Audience::Others,
                    event: name(),
                    data: "[1, 2 ,{}]",
                },
                Command::Emit {
                    to: Audience::Sender,
                    event: name(),
                    data: "1e999",
                },
                Command::Emit {
                    to: Audience::Room(name()),
                    event: name(),
                    data: "\"x\"",
                },
                Command::Emit {
                    to: Audience::RoomOthers(name()),
                    event: name(),
                    data: "false",
                },
                Command::Emit {
                    to: Audience::Session(name()),
                    event: name(),
                    data: "{\"op\":1}",
                },
                Command::Request {
                    id: u64::MAX,
                    data: "123456789012345678901234567890",
                },
                Command::Resume {
                    token: name(),
                    received: 3,
                },
            ] {
                let mut text = Vec::new();
                command.write(&mut text);
                assert_eq!(Command::parse(&text).unwrap(), command);
            }
        }
    }

    #[test]
    fn bad_commands_are_refused_with_a_reason() {
        for (text, reason) in [
            ("", "EOF"),
            ("[]", "invalid length"),
            (r#"["join","a",null,"e",1,1,"t",1]"#, "takes no field"),
            ("{", "EOF"),
            ("{}", "missing field `op`"),
            (r#"{"op":"dance"}"#, "unknown op `dance`"),
            (r#"{"op":7}"#, "invalid type"),
            (r#"{"op":"join"}"#, "`join` needs the field `room`"),
            (r#"{"op":"join","room":7}"#, "invalid type"),
            (r#"{"op":"join","room":null}"#, "invalid type"),
            (r#"{"op":"join","room":""}"#, "1 to 256 bytes"),
            (r#"{"op":"join","room":"a","room":"b"}"#, "duplicate field"),
            (
                r#"{"op":"join","room":"a","colour":1}"#,
                "unknown field `colour`",
            ),
            (
                r#"{"op":"join","room":"a","data":1}"#,
                "`join` takes no field `data`",
            ),
            (r#"{"op":"request","id":-1,"data":1}"#, "invalid value"),
            (r#"{"op":"request","id":1.5,"data":1}"#, "invalid type"),
            (
                r#"{"op":"request","id":18446744073709551616,"data":1}"#,
                "invalid",
            ),
            (r#"{"op":"request","id":1}"#, "needs the field `data`"),
            (
                r#"{"op":"emit","to":"nobody","event":"e","data":1}"#,
                "expected \"everyone\"",
            ),
            (
                r#"{"op":"emit","to":{},"event":"e","data":1}"#,
                "expected \"everyone\"",
            ),
            (
                r#"{"op":"emit","to":{"room":"a","session":"b"},"event":"e","data":1}"#,
                "expected \"everyone\"",
            ),
            (
                r#"{"op":"emit","to":{"house":"a"},"event":"e","data":1}"#,
                "unknown variant `house`",
            ),
            (
                r#"{"op":"emit","to":null,"event":"e","data":1}"#,
                "needs the field `to`",
            ),
            (r#"{"op":"request","id":1,"data":1} x"#, "trailing"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(parse(&format!(r#"{{"op":"join","room":"{}"}}"#, "a".repeat(257))).is_err());
    }

    #[test]
    fn data_may_be_null_and_deep_but_not_too_deep() {
        assert_eq!(
            parse(r#"{"op":"request","id":1,"data":null}"#),
            Ok(Command::Request {
                id: 1,
                data: "null"
            })
        );
        let nested = |depth: usize| {
            format!(
                r#"{{"op":"request","id":1,"data":{}{}}}"#,
                "[".repeat(depth),
                "]".repeat(depth)
            )
        };
        assert!(parse(&nested(128)).is_ok());
        assert_eq!(parse(&nested(129)), Err(Malformed::Depth.to_string()));
        assert!(parse(&nested(100_000)).is_err());
        let text = format!(
            r#"{{"op":"request","id":1,"data":"{}\"{}"}}"#,
            "[".repeat(200),
            "{".repeat(200)
        );
        assert!(parse(&text).is_ok(), "brackets in strings don't nest");
        let wide = format!(
            r#"{{"op":"request","id":1,"data":[{}0]}}"#,
            "[],".repeat(200)
        );
        assert!(
            parse(&wide).is_ok(),
            "brackets beside each other don't nest"
        );
    }

    #[test]
    fn an_array_is_taken_whole_or_not_at_all() {
        let good = br#" [{"op":"join","room":"a"},{"op":"leave","room":"a"}]"#;
        assert_eq!(Command::parse_many(good).unwrap().len(), 2);
        assert!(Command::parse_many(br#"[{"op":"join","room":"a"},{"op":"fly"}]"#).is_err());
        assert!(Command::parse_many(b"[]").unwrap().is_empty());
    }

    #[test]
    fn a_client_reads_what_a_server_writes() {
        let (id, token) = (
            SessionId::from_bytes([1; 16]),
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
