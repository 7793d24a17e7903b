//! The wire protocol `pushlab.v1`: JSON, one object a message.
//!
//! `data` is never interpreted: it travels as the JSON text that the sender wrote. A server parses commands with
//! [`Command::parse`] and writes messages with [`Event`](crate::Event) and the `write_*` functions here; a client does the reverse with
//! [`Command::write`] and [`Incoming::parse`].

mod command;
mod incoming;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

pub use command::{Audience, Command, Malformed};
pub use incoming::{CommandsAnswer, EventsAnswer, Incoming, Welcome};

use crate::SessionId;
use crate::event::write_number;
pub use crate::event::{write_reply, write_string};

/// The WebSocket subprotocol's name.
pub const SUBPROTOCOL: &str = "pushlab.v1";
/// Most bytes in the name of a room or an event.
pub const MAX_NAME: usize = 256;
/// Most levels of arrays and objects in `data`.
pub const MAX_DEPTH: usize = 128;

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

/// Makes a JSON text one line: line feeds and carriage returns can only stand between its tokens (within strings they are escaped), where a space
/// says the same.
pub fn join_lines(json: &mut [u8]) {
    for byte in json {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
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
