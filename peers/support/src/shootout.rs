//! The protocol of websocket-shootout: `{"type":"echo"|"broadcast","payload":…}`.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What to do with a message.
#[derive(Debug)]
pub enum Message<'a> {
    /// Send it back to its sender as it came.
    Echo,
    /// Send it to everyone as it came, then the [`result`] with this payload to its sender.
    Broadcast(&'a RawValue),
}

/// Reads a message; the payload stays as it was written.
///
/// # Errors
/// If it isn't of the protocol. Servers close such a connection.
pub fn read(text: &str) -> serde_json::Result<Message<'_>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Echo,
        Broadcast,
    }
    #[derive(Deserialize)]
    struct Envelope<'a> {
        r#type: Kind,
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    let envelope: Envelope = serde_json::from_str(text)?;
    Ok(match envelope.r#type {
        Kind::Echo => Message::Echo,
        Kind::Broadcast => Message::Broadcast(envelope.payload),
    })
}

/// What the sender of a broadcast is told: its payload, and how many connections it was sent to.
#[must_use]
pub fn result(payload: &RawValue, listen_count: usize) -> String {
    let payload = payload.get();
    format!(r#"{{"type":"broadcastResult","payload":{payload},"listenCount":{listen_count}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_keeps_its_payload_to_the_letter() {
        let text = r#"{"payload": {"b":1.0, "a":[ ]},"type":"broadcast"}"#;
        let Ok(Message::Broadcast(payload)) = read(text) else {
            panic!("a broadcast");
        };
        assert_eq!(
            result(payload, 3),
            r#"{"type":"broadcastResult","payload":{"b":1.0, "a":[ ]},"listenCount":3}"#
        );
    }

    #[test]
    fn what_is_of_another_protocol_is_an_error() {
        assert!(matches!(
            read(r#"{"type":"echo","payload":1}"#),
            Ok(Message::Echo)
        ));
        for wrong in [
            "",
            "1",
            r#"{"type":"other","payload":1}"#,
            r#"{"type":"echo"}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
