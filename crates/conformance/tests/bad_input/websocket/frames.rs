//! The table of bad frames.

use conformance::raw::{BINARY, CLOSE, PING, PONG, TEXT, frame, frame_header};

use super::MAX_MESSAGE;

/// What a server must answer to frames.
#[derive(Debug, Clone, Copy)]
pub(super) enum Then {
    /// A close frame with one of these codes, and the end of TCP.
    Closes(&'static [u16]),
    /// An error message with this code; the connection lives on.
    Tells(&'static str),
    /// Nothing at all; the connection lives on.
    GoesOn,
}

use Then::{Closes, GoesOn, Tells};

const PROTOCOL: Then = Closes(&[1002]);

/// What is wrong, the bytes a client sends after its welcome, and what must follow.
pub(super) fn frames() -> Vec<(&'static str, Vec<u8>, Then)> {
    let request = br#"{"op":"request","id":1,"data":null}"#;
    let unmasked = [
        &frame_header(TEXT, request.len() as u64, false)[..],
        request,
    ]
    .concat();
    let header = |first, length| [&frame_header(first, length, true)[..], &[0; 4]].concat();
    let close =
        |code: u16, reason: &[u8]| frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat());
    let large = vec![b' '; MAX_MESSAGE + 1];
    let half = vec![b' '; MAX_MESSAGE / 2 + 1];
    vec![
        ("an unmasked frame", unmasked, PROTOCOL),
        ("a binary message", frame(BINARY, request), Closes(&[1003])),
        ("RSV1", frame(0xC1, request), PROTOCOL),
        ("RSV2", frame(0xA1, request), PROTOCOL),
        ("RSV3", frame(0x91, request), PROTOCOL),
        ("a reserved data opcode", frame(0x83, request), PROTOCOL),
        ("a reserved control opcode", frame(0x8B, b""), PROTOCOL),
        ("a fragmented ping", frame(0x09, b""), PROTOCOL),
        ("a fragmented close", frame(0x08, b""), PROTOCOL),
        ("a ping of 126 bytes", frame(PING, &[b'x'; 126]), PROTOCOL),
        ("a close of 126 bytes", close(1000, &[b'x'; 124]), PROTOCOL),
        ("a continuation of nothing", frame(0x80, request), PROTOCOL),
        (
            "a new message amid fragments",
            [frame(0x01, b"{"), frame(TEXT, request)].concat(),
            PROTOCOL,
        ),
        ("a close of one byte", frame(CLOSE, b"x"), PROTOCOL),
        ("a close with a code never sent", close(1005, b""), PROTOCOL),
        (
            "a close with the code of a lost connection",
            close(1006, b""),
            PROTOCOL,
        ),
        ("a close with the code of TLS", close(1015, b""), PROTOCOL),
        ("a close with a code of no range", close(999, b""), PROTOCOL),
        ("a close with a reserved code", close(2999, b""), PROTOCOL),
        ("a close with a code too high", close(5000, b""), PROTOCOL),
        (
            "a close whose reason is no UTF-8",
            close(1000, b"\xFF"),
            Closes(&[1007]),
        ),
        ("a frame too large", frame(TEXT, &large), Closes(&[1009])),
        (
            "a frame announced too large",
            header(TEXT, MAX_MESSAGE as u64 + 1),
            Closes(&[1009]),
        ),
        (
            "a frame announced as large as can be",
            header(TEXT, u64::MAX >> 1),
            Closes(&[1009]),
        ),
        (
            "a frame length with its top bit set",
            header(TEXT, u64::MAX),
            Closes(&[1002, 1009]),
        ),
        (
            "a message too large in fragments",
            [frame(0x01, &half), frame(0x80, &half)].concat(),
            Closes(&[1009]),
        ),
        (
            "a message in 20,000 empty fragments and one that isn't",
            [
                frame(0x01, b""),
                frame(0x00, b"").repeat(20_000),
                frame(0x80, br#"{"op":"leave","room":"a"}"#),
            ]
            .concat(),
            GoesOn,
        ),
        (
            "invalid UTF-8 across fragments",
            [frame(0x01, b"\"\xE2\x82"), frame(0x80, b"\x28\"")].concat(),
            Closes(&[1007]),
        ),
        (
            "a resume after other commands",
            [
                frame(TEXT, request),
                frame(TEXT, br#"{"op":"resume","token":"x","received":0}"#),
            ]
            .concat(),
            Tells("malformed"),
        ),
        ("a pong nobody asked for", frame(PONG, b"hello"), GoesOn),
        ("an empty message", frame(TEXT, b""), Tells("malformed")),
        (
            "an array of commands",
            frame(TEXT, br#"[{"op":"leave","room":"a"}]"#),
            Tells("malformed"),
        ),
    ]
}
