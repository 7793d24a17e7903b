//! The hub's messages as native Socket.IO events: `["<name>",<data>,"<sender's id>"]`, and what this server itself tells, under names that begin
//! with `pushlab:`.

use engineioxide::Str;
use hub::Event;
use hub::wire::{write_error, write_gap};

use crate::packet::is_reserved;

/// What names of this server's own events and commands begin with.
pub(crate) const OURS: &str = "pushlab:";
/// Messages that could not be kept: `{"op":"gap","missed":N}`.
pub(crate) const GAP: &str = "pushlab:gap";
/// A command was refused that asked for no answer: `{"op":"error",…}`.
pub(crate) const ERROR: &str = "pushlab:error";
/// Why the server disconnects, right before it does: `{"op":"error",…}`.
pub(crate) const GOODBYE: &str = "pushlab:disconnect";
/// The session behind this connection: `{"op":"welcome",…}`.
pub(crate) const WELCOME: &str = "pushlab:welcome";
/// An event whose name no Socket.IO event may have: its data, its sender, its name.
pub(crate) const ESCAPED: &str = "pushlab:event";

/// The packet of a hub's event, encoded once for all of its receivers.
pub(crate) fn packet(event: &Event) -> Option<Str> {
    event.formed(encode).cloned().flatten()
}

/// `2["name",data,"from"]`; `None` for a reply, which is no event.
fn encode(event: &Event) -> Option<Str> {
    let parts = event.parts()?;
    let mut out = Vec::with_capacity(event.json().len());
    out.extend_from_slice(b"2[");
    let is_escaped = needs_escape(parts.event);
    if is_escaped {
        out.push(b'"');
        out.extend_from_slice(ESCAPED.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(parts.event);
    }
    out.push(b',');
    out.extend_from_slice(parts.data);
    out.extend_from_slice(b",\"");
    out.extend_from_slice(parts.from);
    out.push(b'"');
    if is_escaped {
        out.push(b',');
        out.extend_from_slice(parts.event);
    }
    out.push(b']');
    Some(text(out))
}

/// Whether an event may not go by its own name (a JSON string): the official parsers refuse some, and what begins with `pushlab:` is the server's word.
fn needs_escape(name: &[u8]) -> bool {
    match name.get(1) {
        Some(b'c' | b'd' | b'n' | b'r' | b'p' | b'\\') => {}
        _ => return false,
    }
    serde_json::from_slice::<String>(name)
        .is_ok_and(|name| is_reserved(&name) || name.starts_with(OURS))
}

/// `2["pushlab:gap",{"op":"gap","missed":N}]`.
pub(crate) fn gap(missed: u64) -> Str {
    ours(GAP, |out| write_gap(out, missed))
}

/// An event of this server's own with an error in it.
pub(crate) fn error(name: &str, code: &str, message: &str) -> Str {
    ours(name, |out| write_error(out, code, message))
}

/// An event of this server's own.
pub(crate) fn ours(name: &str, write: impl FnOnce(&mut Vec<u8>)) -> Str {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"2[\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\",");
    write(&mut out);
    out.push(b']');
    text(out)
}

/// What was put together from texts.
pub(crate) fn text(bytes: Vec<u8>) -> Str {
    Str::from(String::from_utf8(bytes).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use hub::SessionId;

    use super::*;

    #[test]
    fn an_event_is_name_data_and_sender() {
        let from = SessionId::from_bytes([7; 16]);
        let of =
            |name: &str, data: &str| packet(&Event::new(name, from, data)).unwrap().to_string();
        assert_eq!(
            of("chat", "[1 , 1e400]"),
            format!(r#"2["chat",[1 , 1e400],"{from}"]"#)
        );
        assert_eq!(of("a\"b", "null"), format!(r#"2["a\"b",null,"{from}"]"#));
        for name in ["connect", "disconnect", "newListener", "pushlab:gap"] {
            assert_eq!(
                of(name, "1"),
                format!(r#"2["pushlab:event",1,"{from}","{name}"]"#)
            );
        }
        assert_eq!(
            of("connected", "1"),
            format!(r#"2["connected",1,"{from}"]"#)
        );
        assert!(packet(&Event::reply(1, "2")).is_none());
    }

    #[test]
    fn all_receivers_share_one_encoding() {
        let event = Event::new("chat", SessionId::from_bytes([7; 16]), "1");
        let (one, other) = (packet(&event).unwrap(), packet(&event).unwrap());
        assert_eq!(one.as_bytes().as_ptr(), other.as_bytes().as_ptr());
    }

    #[test]
    fn what_the_server_tells_is_named() {
        assert_eq!(
            gap(7).to_string(),
            r#"2["pushlab:gap",{"op":"gap","missed":7}]"#
        );
        assert_eq!(
            error(ERROR, "limits", "no").to_string(),
            r#"2["pushlab:error",{"op":"error","code":"limits","message":"no"}]"#
        );
    }
}
