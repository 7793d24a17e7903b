//! What a client asks for: parsed by a server, written by a client.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::value::RawValue;

use super::{MAX_DEPTH, MAX_NAME, some_raw, some_text, write_number, write_string};

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
    /// Continue an earlier session (WebSocket and TCP only, as the first command).
    Resume {
        /// The earlier session's token.
        token: Cow<'a, str>,
        /// The cursor: how many counted messages the client has received since its first welcome.
        received: u64,
    },
    /// End the session for good (TCP only; a WebSocket has close frames for it, HTTP `DELETE /session`).
    End,
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

    /// The command `op` from its one argument, on wires that name the op themselves: a room's name (`join`, `leave`), `{to,event,data}` (`emit`), or
    /// any value, which is the request's data (`request`, with the `id` that the wire gives it).
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong with it.
    pub fn of(op: &str, argument: &'a str, id: u64) -> Result<Self, Malformed> {
        let room = || {
            let room: Name<'a> = serde_json::from_str(argument)?;
            named("room", room.0)
        };
        Ok(match op {
            "join" => Self::Join { room: room()? },
            "leave" => Self::Leave { room: room()? },
            "emit" => {
                let Emission { to, event, data } = serde_json::from_str(argument)?;
                emit(to.0, event.0, data.get())?
            }
            "request" if too_deep(argument) => return Err(Malformed::Depth),
            "request" => Self::Request { id, data: argument },
            other => return Err(Malformed::Op(other.chars().take(32).collect())),
        })
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
            Self::End => out.extend_from_slice(br#"{"op":"end""#),
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

    /// Appends the audience's JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
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

/// What `emit` takes, on wires that name the op themselves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Emission<'a> {
    #[serde(borrow)]
    to: FlatAudience<'a>,
    #[serde(borrow)]
    event: Name<'a>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// A name that is borrowed unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

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
            "end" => "end",
            other => return Err(Malformed::Op(other.chars().take(32).collect())),
        };
        let takes: &[&str] = match op {
            "join" | "leave" => &["room"],
            "emit" => &["to", "event", "data"],
            "request" => &["id", "data"],
            "resume" => &["token", "received"],
            _ => &[],
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
        if op == "request" && too_deep(data) {
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
                emit(to, event, data)?
            }
            "request" => Command::Request {
                id: self.id.unwrap_or_default(),
                data,
            },
            "resume" => Command::Resume {
                token: self.token.unwrap_or_default(),
                received: self.received.unwrap_or_default(),
            },
            _ => Command::End,
        })
    }
}

fn emit<'a>(
    to: Audience<'a>,
    event: Cow<'a, str>,
    data: &'a str,
) -> Result<Command<'a>, Malformed> {
    if too_deep(data) {
        return Err(Malformed::Depth);
    }
    if let Audience::Room(name) | Audience::RoomOthers(name) | Audience::Session(name) = &to {
        named("to", Cow::Borrowed(name))?;
    }
    let event = named("event", event)?;
    Ok(Command::Emit { to, event, data })
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
                Command::End,
            ] {
                let mut text = Vec::new();
                command.write(&mut text);
                assert_eq!(Command::parse(&text).unwrap(), command);
            }
        }
    }

    #[test]
    fn a_wire_that_names_the_op_gives_its_argument() {
        let of = |op, argument| Command::of(op, argument, 7).map_err(|error| error.to_string());
        let room = || Cow::Borrowed("a\n");
        assert_eq!(of("join", r#""a\n""#), Ok(Command::Join { room: room() }));
        assert_eq!(of("leave", r#""a\n""#), Ok(Command::Leave { room: room() }));
        assert_eq!(
            of("request", "1e400"),
            Ok(Command::Request {
                id: 7,
                data: "1e400"
            })
        );
        assert_eq!(
            of("emit", r#"{"data": null ,"to":{"room":"a\n"},"event":"e"}"#),
            Ok(Command::Emit {
                to: Audience::Room(room()),
                event: "e".into(),
                data: "null"
            })
        );
        for (op, argument, reason) in [
            ("join", "7", "invalid type"),
            ("join", r#""""#, "1 to 256 bytes"),
            (
                "emit",
                r#"{"to":"sender","event":"e"}"#,
                "missing field `data`",
            ),
            (
                "emit",
                r#"{"to":"sender","event":"","data":1}"#,
                "1 to 256 bytes",
            ),
            (
                "emit",
                r#"{"to":"sender","event":"e","data":1,"x":1}"#,
                "unknown field",
            ),
            (
                "emit",
                r#"{"to":{"room":""},"event":"e","data":1}"#,
                "1 to 256 bytes",
            ),
            ("resume", "{}", "unknown op"),
        ] {
            let error = of(op, argument).unwrap_err();
            assert!(error.contains(reason), "{op} {argument}: {error}");
        }
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert!(of("request", &deep).is_err());
        assert!(
            of(
                "emit",
                &format!(r#"{{"to":"sender","event":"e","data":{deep}}}"#)
            )
            .is_err()
        );
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
            (r#"{"op":"end","data":1}"#, "`end` takes no field `data`"),
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
}
