//! What client and server say in packets: commands, events, answers.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use hub::wire::{write_error, write_string};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use transport::Command;

use crate::packet::{Kind, begin};

/// `42["pushlab:…",…]`, a request with its ack id.
pub(super) fn write_command(out: &mut Vec<u8>, command: &Command<'_>, ack: u64) {
    out.push(b'4');
    let id = matches!(command, Command::Request { .. }).then_some(ack);
    begin(out, Kind::Event, 0, "/", id);
    out.extend_from_slice(b"[\"pushlab:");
    match command {
        Command::Join { room } => {
            out.extend_from_slice(b"join\",");
            write_string(out, room);
        }
        Command::Leave { room } => {
            out.extend_from_slice(b"leave\",");
            write_string(out, room);
        }
        Command::Request { data, .. } => {
            out.extend_from_slice(b"request\",");
            out.extend_from_slice(data.as_bytes());
        }
        Command::Emit { to, event, data } => {
            out.extend_from_slice(b"emit\",{\"to\":");
            to.write(out);
            out.extend_from_slice(b",\"event\":");
            write_string(out, event);
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(data.as_bytes());
            out.push(b'}');
        }
        // Neither is a command here: a resume comes with CONNECT, an end is DISCONNECT.
        Command::Resume { .. } | Command::End => {
            out.extend_from_slice(b"error\",");
            write_error(out, "malformed", "this is no command on Socket.IO");
        }
    }
    out.push(b']');
}

/// `["name",data,"from","escaped name"]`, the last two where they are there.
pub(super) struct Native<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) data: &'a str,
    pub(super) from: Option<Cow<'a, str>>,
    pub(super) escaped: Option<Cow<'a, str>>,
}

/// `[data]`, or `[error,"error"]`.
pub(super) struct Answer<'a> {
    pub(super) data: &'a RawValue,
    pub(super) is_error: bool,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Native<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Native<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event's name, data and sender")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Native<'de>, A::Error> {
                let missing = |place| de::Error::invalid_length(place, &"a name and data");
                let Text(name) = seq.next_element()?.ok_or_else(|| missing(0))?;
                let data: &RawValue = seq.next_element()?.ok_or_else(|| missing(1))?;
                let from = seq.next_element::<Text<'de>>()?.map(|text| text.0);
                let escaped = seq.next_element::<Text<'de>>()?.map(|text| text.0);
                Ok(Native {
                    name,
                    data: data.get(),
                    from,
                    escaped,
                })
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Answer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Answer<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer's data")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Answer<'de>, A::Error> {
                let missing = || de::Error::invalid_length(0, &"data");
                let data = seq.next_element()?.ok_or_else(missing)?;
                let is_error = seq.next_element::<Text<'de>>()?.is_some();
                Ok(Answer { data, is_error })
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

/// An event's payload longer than this isn't kept for comparison.
const KEPT: usize = 64 << 10;

/// The last event that was parsed, and where its parts are.
#[derive(Default)]
struct Last {
    payload: String,
    name: Range<usize>,
    data: Range<usize>,
    from: Range<usize>,
}

thread_local! {
    static LAST: RefCell<Last> = RefCell::default();
}

/// Parses an event and hands it to `take`; `None` if it is none. The clients of a thread all get the same bytes of a broadcast, one after the
/// other: those are parsed once.
pub(super) fn parse_event<T>(payload: &str, take: impl FnOnce(&Native<'_>) -> T) -> Option<T> {
    let known = LAST.with_borrow(|last| {
        let is_known = last.payload == payload && !payload.is_empty();
        is_known.then(|| (last.name.clone(), last.data.clone(), last.from.clone()))
    });
    if let Some((name, data, from)) = known {
        return Some(take(&Native {
            name: Cow::Borrowed(&payload[name]),
            data: &payload[data],
            from: Some(Cow::Borrowed(&payload[from])),
            escaped: None,
        }));
    }
    let event: Native<'_> = serde_json::from_str(payload).ok()?;
    if let Native {
        name: Cow::Borrowed(name),
        data,
        from: Some(Cow::Borrowed(from)),
        escaped: None,
    } = &event
        && payload.len() <= KEPT
    {
        let place = |part: &str| {
            let start = part.as_ptr().addr() - payload.as_ptr().addr();
            start..start + part.len()
        };
        LAST.with_borrow_mut(|last| {
            last.payload.clear();
            last.payload.push_str(payload);
            (last.name, last.data, last.from) = (place(name), place(data), place(from));
        });
    }
    Some(take(&event))
}

/// The HTTP status that says the same as an error's code.
pub(super) fn status(code: &str) -> u16 {
    match code {
        "unauthorized" => 401,
        "origin" => 403,
        "conflict" => 409,
        "gone" => 410,
        "too-large" => 413,
        "limits" => 429,
        "draining" => 503,
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_was_parsed_before_is_the_same_event() {
        let tick = r#"["tick",[1 ,"x"],"abc"]"#;
        let other = r#"["tock",[1 ,"x"],"abc"]"#;
        let escaped = r#"["pushlab:event",1,"abc","connect"]"#;
        let bare = r#"["bare",1]"#;
        for payload in [
            tick, tick, other, tick, escaped, escaped, bare, tick, other, other,
        ] {
            let parts = parse_event(payload, |event| {
                let Native {
                    name,
                    data,
                    from,
                    escaped,
                } = event;
                (
                    name.to_string(),
                    (*data).to_owned(),
                    from.clone().map(Cow::into_owned),
                    escaped.is_some(),
                )
            });
            let fresh: Native<'_> = serde_json::from_str(payload).unwrap();
            let Native {
                name,
                data,
                from,
                escaped,
            } = fresh;
            let expected = (
                name.into_owned(),
                data.to_owned(),
                from.map(Cow::into_owned),
                escaped.is_some(),
            );
            assert_eq!(parts, Some(expected));
        }
        for payload in ["", "[]", "[1,2]", r#"["a"]"#, r#"["a",1,2]"#, "{}"] {
            assert_eq!(parse_event(payload, |_| ()), None, "{payload}");
        }
    }
}
