//! Socket.IO's packets, revision 5 of its protocol: `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]`.
//!
//! Source: the protocol's document, <https://github.com/socketio/socket.io-protocol>, and where that is silent what its reference parser accepts.

use serde_json::value::RawValue;

/// What separates packets in the body of a poll or a POST (Engine.IO v4).
pub(crate) const SEPARATOR: u8 = 0x1E;
/// Most binary attachments of a packet; the reference parser's limit.
pub(crate) const MAX_ATTACHMENTS: usize = 10;

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Enters a namespace, or says that it was entered.
    Connect,
    /// Leaves a namespace.
    Disconnect,
    /// An event.
    Event,
    /// The answer to an event that asked for one.
    Ack,
    /// A namespace can't be entered.
    ConnectError,
    /// An event with binary attachments, which follow.
    BinaryEvent,
    /// An answer with binary attachments, which follow.
    BinaryAck,
}

/// A packet, borrowed from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) kind: Kind,
    /// How many binary messages follow and belong to it.
    pub(crate) attachments: usize,
    /// `/`, or another that begins so.
    pub(crate) namespace: &'a str,
    /// An event's: the answer that is asked for. An answer's: the event that asked.
    pub(crate) id: Option<u64>,
    /// JSON, or nothing.
    pub(crate) payload: &'a str,
}

/// Why a text is no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("unknown packet type")]
    Kind,
    #[error("a binary packet tells how many attachments follow, {MAX_ATTACHMENTS} at most")]
    Attachments,
    #[error("an ack id is a number")]
    Id,
    #[error("the payload doesn't fit the packet's type")]
    Payload,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Connect,
        Self::Disconnect,
        Self::Event,
        Self::Ack,
        Self::ConnectError,
        Self::BinaryEvent,
        Self::BinaryAck,
    ];

    fn of(digit: u8) -> Option<Self> {
        Self::ALL
            .get(usize::from(digit.checked_sub(b'0')?))
            .copied()
    }

    fn digit(self) -> u8 {
        b'0' + self as u8
    }

    fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

impl<'a> Packet<'a> {
    /// Parses a packet; its payload is held against its type only as far as that needs no JSON parser.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let kind = text
            .bytes()
            .next()
            .and_then(Kind::of)
            .ok_or(Malformed::Kind)?;
        let mut rest = &text[1..];
        let mut attachments = 0;
        if kind.is_binary() {
            let (count, behind) = rest.split_once('-').ok_or(Malformed::Attachments)?;
            attachments = number(count)
                .and_then(|count| usize::try_from(count).ok())
                .filter(|&count| count <= MAX_ATTACHMENTS)
                .ok_or(Malformed::Attachments)?;
            rest = behind;
        }
        let mut namespace = "/";
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (id, payload) = rest.split_at(digits);
        let id = match id {
            "" => None,
            id => Some(number(id).ok_or(Malformed::Id)?),
        };
        let first = payload.bytes().next();
        let fits = match kind {
            Kind::Connect => matches!(first, None | Some(b'{')),
            Kind::Disconnect => first.is_none(),
            Kind::ConnectError => matches!(first, Some(b'{' | b'"')),
            _ => first == Some(b'['),
        };
        if !fits {
            return Err(Malformed::Payload);
        }
        Ok(Self {
            kind,
            attachments,
            namespace,
            id,
            payload,
        })
    }

    /// The elements of an event's or answer's payload.
    pub(crate) fn arguments(&self) -> Result<Vec<&'a RawValue>, Malformed> {
        serde_json::from_str(self.payload).map_err(|_| Malformed::Payload)
    }
}

/// Appends the beginning of a packet, up to its payload.
pub(crate) fn begin(
    out: &mut Vec<u8>,
    kind: Kind,
    attachments: usize,
    namespace: &str,
    id: Option<u64>,
) {
    let mut digits = itoa::Buffer::new();
    out.push(kind.digit());
    if kind.is_binary() {
        out.extend_from_slice(digits.format(attachments).as_bytes());
        out.push(b'-');
    }
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    if let Some(id) = id {
        out.extend_from_slice(digits.format(id).as_bytes());
    }
}

/// Names that no event may have: the official parsers take a packet with one for malformed and close.
pub(crate) fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "connect"
            | "connect_error"
            | "disconnect"
            | "disconnecting"
            | "newListener"
            | "removeListener"
    )
}

/// Digits alone; `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(
        kind: Kind,
        attachments: usize,
        namespace: &'static str,
        id: Option<u64>,
        payload: &'static str,
    ) -> Packet<'static> {
        Packet {
            kind,
            attachments,
            namespace,
            id,
            payload,
        }
    }

    #[test]
    fn packets_survive_the_wire() {
        for (text, expected) in [
            ("0", packet(Kind::Connect, 0, "/", None, "")),
            (
                r#"0{"token":"x"}"#,
                packet(Kind::Connect, 0, "/", None, r#"{"token":"x"}"#),
            ),
            ("0/admin,", packet(Kind::Connect, 0, "/admin", None, "")),
            ("0/admin,{}", packet(Kind::Connect, 0, "/admin", None, "{}")),
            ("1/admin,", packet(Kind::Disconnect, 0, "/admin", None, "")),
            (
                r#"2["foo"]"#,
                packet(Kind::Event, 0, "/", None, r#"["foo"]"#),
            ),
            (
                r#"2/admin,12["foo"]"#,
                packet(Kind::Event, 0, "/admin", Some(12), r#"["foo"]"#),
            ),
            ("312[]", packet(Kind::Ack, 0, "/", Some(12), "[]")),
            (
                r#"4{"message":"no"}"#,
                packet(Kind::ConnectError, 0, "/", None, r#"{"message":"no"}"#),
            ),
            (
                r#"51-["baz",{"_placeholder":true,"num":0}]"#,
                packet(
                    Kind::BinaryEvent,
                    1,
                    "/",
                    None,
                    r#"["baz",{"_placeholder":true,"num":0}]"#,
                ),
            ),
            (
                r#"61-/admin,15[{"_placeholder":true,"num":0}]"#,
                packet(
                    Kind::BinaryAck,
                    1,
                    "/admin",
                    Some(15),
                    r#"[{"_placeholder":true,"num":0}]"#,
                ),
            ),
        ] {
            assert_eq!(Packet::parse(text), Ok(expected), "{text}");
            let mut written = Vec::new();
            let Packet {
                kind,
                attachments,
                namespace,
                id,
                payload,
            } = expected;
            begin(&mut written, kind, attachments, namespace, id);
            written.extend_from_slice(payload.as_bytes());
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
        // A namespace without the comma behind it, as a client may write it where nothing follows.
        assert_eq!(
            Packet::parse("0/admin"),
            Ok(packet(Kind::Connect, 0, "/admin", None, ""))
        );
    }

    #[test]
    fn other_texts_are_no_packets() {
        for (text, why) in [
            ("", Malformed::Kind),
            ("abc", Malformed::Kind),
            ("7", Malformed::Kind),
            ("é", Malformed::Kind),
            ("2", Malformed::Payload),
            ("2{}", Malformed::Payload),
            (r#"2abc["message"]"#, Malformed::Payload),
            (r#"2"message""#, Malformed::Payload),
            ("0[]", Malformed::Payload),
            ("1{}", Malformed::Payload),
            ("4", Malformed::Payload),
            (r#"299999999999999999999["x"]"#, Malformed::Id),
            (r#"5["x"]"#, Malformed::Attachments),
            (r#"5-["x"]"#, Malformed::Attachments),
            (r#"5x-["x"]"#, Malformed::Attachments),
            (r#"5-1-["x"]"#, Malformed::Attachments),
            (r#"511-["x"]"#, Malformed::Attachments),
        ] {
            assert_eq!(Packet::parse(text), Err(why), "{text}");
        }
        let bad = Packet::parse(r#"2["x""#).unwrap();
        assert_eq!(bad.arguments().unwrap_err(), Malformed::Payload);
    }
}
