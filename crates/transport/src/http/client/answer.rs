//! Messages in the bodies of answers.

use std::borrow::Cow;

use hub::wire::{CommandsAnswer, EventsAnswer, Incoming};

use crate::ClientError;

/// Hands each reply of the answer to `POST /commands` over; the bytes of `data` in them.
pub(super) fn replies(
    body: &[u8],
    each: &mut impl FnMut(Incoming<'_>),
) -> Result<u64, ClientError> {
    if let Some(payload) = single_reply(body, each) {
        return Ok(payload);
    }
    let answer: CommandsAnswer<'_> =
        serde_json::from_slice(body).map_err(|error| not_one(&error))?;
    Ok(answer
        .replies
        .into_iter()
        .map(|reply| hand(reply, each))
        .sum())
}

/// What an answer to `GET /events` came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    /// By how much the cursor moves.
    pub(super) counted: u64,
    /// The cursor to ask with next.
    pub(super) next: u64,
    /// Bytes of `data`.
    pub(super) payload: u64,
}

/// Hands each message of the answer to `GET /events` over.
pub(super) fn events(
    body: &[u8],
    each: &mut impl FnMut(Incoming<'_>),
) -> Result<Received, ClientError> {
    let answer: EventsAnswer<'_> = serde_json::from_slice(body).map_err(|error| not_one(&error))?;
    let mut received = Received {
        counted: 0,
        next: answer.next,
        payload: 0,
    };
    for message in answer.events {
        received.counted += message.counts();
        received.payload += hand(message, each);
    }
    Ok(received)
}

/// The error message in the body of a refusal: its code and text.
pub(super) fn refusal(body: &[u8]) -> (Cow<'_, str>, Cow<'_, str>) {
    match Incoming::parse(body) {
        Ok(Incoming::Error { code, message }) => (code, message),
        _ => (
            "unknown".into(),
            String::from_utf8_lossy(&body[..body.len().min(200)]),
        ),
    }
}

/// The answer to one request as this lab's server writes it, which needs no JSON parser: `{"replies":[{"op":"reply","id":N,"data":…}]}`.
fn single_reply(body: &[u8], each: &mut impl FnMut(Incoming<'_>)) -> Option<u64> {
    const BEGIN: &[u8] = br#"{"replies":[{"op":"reply","id":"#;
    const DATA: &[u8] = br#","data":"#;
    const END: &[u8] = b"}]}";
    let rest = body.strip_prefix(BEGIN)?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let id = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let data = rest[digits..].strip_prefix(DATA)?.strip_suffix(END)?;
    // Only a plain string is sure to end where the message does: no quote, so no second message within.
    let inner = data.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner
        .iter()
        .any(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20)
    {
        return None;
    }
    let data = std::str::from_utf8(data).ok()?;
    each(Incoming::Reply { id, data });
    Some(data.len() as u64)
}

fn hand(message: Incoming<'_>, each: &mut impl FnMut(Incoming<'_>)) -> u64 {
    let payload = match &message {
        Incoming::Event { data, .. } | Incoming::Reply { data, .. } => data.len() as u64,
        _ => 0,
    };
    each(message);
    payload
}

fn not_one(error: &serde_json::Error) -> ClientError {
    ClientError::Protocol(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &str) -> Vec<(u64, String)> {
        let mut got = Vec::new();
        replies(body.as_bytes(), &mut |reply| match reply {
            Incoming::Reply { id, data } => got.push((id, data.to_owned())),
            other => panic!("{other:?}"),
        })
        .unwrap();
        got
    }

    #[test]
    fn replies_are_read_the_short_way_and_the_long_way() {
        let one = |data: &str| {
            ids(&format!(
                r#"{{"replies":[{{"op":"reply","id":7,"data":{data}}}]}}"#
            ))
        };
        for data in [
            r#""plain""#,
            r#""q\"uote""#,
            "null",
            r#"{"a":"b"}"#,
            r#""""#,
        ] {
            assert_eq!(one(data), [(7, data.to_owned())]);
        }
        let two =
            r#"{"replies":[{"op":"reply","id":1,"data":"a"},{"op":"reply","id":2,"data":"b"}]}"#;
        assert_eq!(
            ids(two),
            [(1, r#""a""#.to_owned()), (2, r#""b""#.to_owned())]
        );
        assert_eq!(ids(r#"{"replies":[]}"#), []);
        assert!(replies(b"{}", &mut |_| {}).is_err());
    }

    #[test]
    fn events_move_the_cursor_by_what_they_count() {
        let body =
            br#"{"events":[{"op":"gap","missed":3},{"op":"reply","id":1,"data":"ab"}],"next":9}"#;
        let received = events(body, &mut |_| {}).unwrap();
        assert_eq!(
            received,
            Received {
                counted: 4,
                next: 9,
                payload: 4
            }
        );
    }
}
