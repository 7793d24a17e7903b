//! WebSocket: the handshake, frames and messages (RFC 6455).

use conformance::raw::{
    self, BINARY, CLOSE, Connection, Frame, KEY, PING, PONG, TEXT, ask, frame, frame_header,
};
use conformance::{Dice, Lab, Peer, seed};
use hub::Limits;
use transport::{Client, Config, Transport};
use websocket::WebSocket;

use crate::commands;
use crate::http::mutate;

const MAX_MESSAGE: usize = 1 << 16;

/// What is wrong; the request with `{host}`, `{key}`, `{token}` and `{upgrade}` (the fields of a right handshake) to fill in; the status.
const HANDSHAKES: &[(&str, &str, u16)] = &[
    (
        "a plain GET",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\n\r\n",
        426,
    ),
    (
        "a plain GET for the echo",
        "GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n",
        426,
    ),
    (
        "POST",
        "POST /ws HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        405,
    ),
    (
        "an unknown path",
        "GET /nothing HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        404,
    ),
    (
        "another protocol",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: irc\r\n\r\n",
        426,
    ),
    (
        "a version of before the standard",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: {key}\r\n\r\n",
        426,
    ),
    (
        "no version",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {key}\r\n\r\n",
        426,
    ),
    (
        "no key",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
        400,
    ),
    (
        "a key of other than 16 bytes",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n\r\n",
        400,
    ),
    (
        "a foreign Origin",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n{upgrade}\r\n",
        403,
    ),
    (
        "an opaque Origin",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: null\r\n{upgrade}\r\n",
        403,
    ),
    (
        "a foreign Origin at the echo",
        "GET /echo HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n{upgrade}\r\n",
        403,
    ),
    ("no Host", "GET /ws HTTP/1.1\r\n{upgrade}\r\n", 400),
    (
        "two Hosts",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "a rebound Host",
        "GET /ws HTTP/1.1\r\nHost: evil.example\r\n{upgrade}\r\n",
        403,
    ),
    (
        "a cursor that is a word",
        "GET /ws?received=all HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "a negative cursor",
        "GET /ws?received=-1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "a cursor beyond what was sent",
        "GET /ws?received=1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "an unknown parameter",
        "GET /ws?since=1 HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n",
        400,
    ),
    ("no request at all", "hello, is anybody there?\r\n\r\n", 400),
];

/// What a server must answer to frames.
#[derive(Debug, Clone, Copy)]
enum Then {
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
fn frames() -> Vec<(&'static str, Vec<u8>, Then)> {
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

/// A server under attack, and a client that must not notice.
struct Siege {
    lab: Lab<WebSocket>,
    bystander: Peer<<WebSocket as Transport>::Client>,
}

impl Siege {
    async fn begin() -> Self {
        let config = Config {
            max_message: MAX_MESSAGE,
            ..Config::default()
        };
        let lab = Lab::start_with(&Limits::default(), config);
        let mut bystander = lab.connect().await;
        bystander.round_trip().await;
        Self { lab, bystander }
    }

    /// A WebSocket whose welcome has been read.
    async fn open(&self) -> Connection {
        let mut connection = Connection::upgrade(self.lab.address(), "/ws", "").await;
        let welcome = connection.text().await;
        assert_eq!(
            raw::string_field(&welcome, "op"),
            Some("welcome"),
            "{welcome}"
        );
        connection
    }

    async fn bystander_is_well(&mut self, what: &str) {
        assert_eq!(self.bystander.settled().await, [], "after {what}");
    }

    async fn end(self) {
        self.bystander
            .client
            .close()
            .await
            .expect("a healthy server says goodbye");
        self.lab.still_serves().await;
    }
}

/// A request is still answered; what came before its reply.
async fn answers(connection: &mut Connection, what: &str) -> Vec<String> {
    connection
        .send(&frame(TEXT, br#"{"op":"request","id":99,"data":"alive"}"#))
        .await;
    let mut before = Vec::new();
    loop {
        let text = connection.text().await;
        if text == r#"{"op":"reply","id":99,"data":"alive"}"# {
            return before;
        }
        assert!(before.len() < 100, "after {what}: {before:?}");
        before.push(text);
    }
}

/// The server closes with one of these codes, and TCP ends; a client that answers the close frame is not required.
async fn closes(connection: &mut Connection, codes: &[u16], what: &str) {
    loop {
        let frame = connection
            .frame()
            .await
            .unwrap_or_else(|| panic!("{what} ended without a close frame"));
        if frame.first == CLOSE {
            let code = frame
                .close_code()
                .unwrap_or_else(|| panic!("{what} was closed without a code"));
            assert!(
                codes.contains(&code),
                "{what} was closed with {code} {}",
                frame.reason()
            );
            break;
        }
    }
    connection
        .send(&frame(CLOSE, &1000_u16.to_be_bytes()))
        .await;
    assert_eq!(
        connection.frame().await,
        None,
        "after a close frame nothing comes"
    );
}

#[test]
fn bad_handshakes() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let address = siege.lab.address();
        let welcome = Connection::upgrade(address, "/ws", "").await.text().await;
        let token = raw::string_field(&welcome, "token")
            .expect("a welcome has a token")
            .to_owned();
        let upgrade = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        );
        for &(what, request, status) in HANDSHAKES {
            let request = request.replace("{upgrade}", &upgrade).replace("{key}", KEY);
            let request = request
                .replace("{host}", &address.to_string())
                .replace("{token}", &token);
            let answer = ask(address, request.as_bytes())
                .await
                .unwrap_or_else(|| panic!("{what} was not answered"));
            assert_eq!(answer.status, status, "{what}: {answer:?}");
            if status == 426 {
                assert_eq!(
                    answer.header("upgrade"),
                    Some("websocket"),
                    "{what}: {answer:?}"
                );
                assert_eq!(
                    answer.header("sec-websocket-version"),
                    Some("13"),
                    "{what}: {answer:?}"
                );
            }
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}

#[test]
fn odd_handshakes() {
    conformance::run(async {
        let siege = Siege::begin().await;
        let address = siege.lab.address();
        for (offered, chosen) in [
            ("", None),
            ("Sec-WebSocket-Protocol: pushlab.v1\r\n", Some("pushlab.v1")),
            (
                "Sec-WebSocket-Protocol: chat, pushlab.v1\r\n",
                Some("pushlab.v1"),
            ),
            (
                "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: pushlab.v1\r\n",
                Some("pushlab.v1"),
            ),
            ("Sec-WebSocket-Protocol: chat\r\n", None),
            ("Sec-WebSocket-Extensions: permessage-deflate\r\n", None),
        ] {
            let mut connection = Connection::open(address).await;
            connection
                .send(raw::handshake(address, "/ws", offered).as_bytes())
                .await;
            let answer = connection.answer().await.expect("a handshake is answered");
            assert_eq!(answer.status, 101, "{offered}: {answer:?}");
            assert_eq!(
                answer.header("sec-websocket-protocol"),
                chosen,
                "{offered}: {answer:?}"
            );
            assert_eq!(
                answer.header("sec-websocket-extensions"),
                None,
                "{offered}: {answer:?}"
            );
        }
        // `Connection` is a list, and field names and values have no case (RFC 9110).
        let listed = format!(
            "GET /ws HTTP/1.1\r\nhost: {address}\r\nconnection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\norigin: http://{address}\r\n\r\n"
        );
        let answer = ask(address, listed.as_bytes())
            .await
            .expect("a handshake is answered");
        assert_eq!(answer.status, 101, "{answer:?}");
        // A token of nobody gives a fresh session.
        let nobodys = format!(
            "Authorization: Bearer {}\r\n",
            hub::Token::from_bytes([1; 18])
        );
        let welcome = Connection::upgrade(address, "/ws?received=5", &nobodys)
            .await
            .text()
            .await;
        assert!(welcome.contains(r#""resumed":false"#), "{welcome}");
        siege.end().await;
    });
}

#[test]
fn bad_frames() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        for (what, bytes, then) in frames() {
            let mut connection = siege.open().await;
            connection.send(&bytes).await;
            match then {
                Closes(codes) => closes(&mut connection, codes, what).await,
                Tells(code) => {
                    let told = answers(&mut connection, what).await;
                    let last = told.last().unwrap_or_else(|| panic!("{what} was not told"));
                    assert_eq!(
                        raw::string_field(last, "op"),
                        Some("error"),
                        "{what}: {told:?}"
                    );
                    assert_eq!(
                        raw::string_field(last, "code"),
                        Some(code),
                        "{what}: {told:?}"
                    );
                }
                GoesOn => assert_eq!(answers(&mut connection, what).await, [""; 0], "{what}"),
            }
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}

#[test]
fn bad_commands() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let mut connection = siege.open().await;
        for (what, text) in commands::bad()
            .into_iter()
            .filter(|(_, text)| text.len() <= MAX_MESSAGE)
        {
            connection.send(&frame(TEXT, &text)).await;
            let told = answers(&mut connection, what).await;
            assert_eq!(told.len(), 1, "{what}: {told:?}");
            assert_eq!(
                raw::string_field(&told[0], "code"),
                Some("malformed"),
                "{what}: {told:?}"
            );
            siege.bystander_is_well(what).await;
        }
        for (what, text) in commands::odd() {
            connection.send(&frame(TEXT, text.as_bytes())).await;
            assert_eq!(answers(&mut connection, what).await, [""; 0], "{what}");
            siege.bystander_is_well(what).await;
        }
        for (what, text) in commands::no_utf8() {
            let mut connection = siege.open().await;
            connection.send(&frame(TEXT, &text)).await;
            closes(&mut connection, &[1007], what).await;
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}

/// What looks odd and is right: fragments, control frames between them, closes with and without a code.
#[test]
fn odd_frames() {
    conformance::run(async {
        let siege = Siege::begin().await;
        let mut connection = siege.open().await;
        let text = r#"{"op":"request","id":1,"data":"é日🦀"}"#.as_bytes();
        let mut bytes = frame(0x01, b"");
        for piece in text.chunks(1) {
            bytes.extend(frame(0x00, piece));
            bytes.extend(frame(PING, piece));
        }
        bytes.extend(frame(0x80, b""));
        connection.send(&bytes).await;
        let (mut pongs, mut reply) = (Vec::new(), None);
        while pongs.len() < text.len() || reply.is_none() {
            match connection.frame().await {
                Some(Frame {
                    first: PONG,
                    payload,
                }) => pongs.extend(payload),
                Some(Frame {
                    first: TEXT,
                    payload,
                }) => reply = Some(payload),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(pongs, text, "each ping has its pong, in order");
        assert_eq!(
            reply.as_deref(),
            Some(r#"{"op":"reply","id":1,"data":"é日🦀"}"#.as_bytes())
        );
        // The close handshake: the code comes back, and the server closes TCP (RFC 6455 section 7.1.1).
        for (payload, codes) in [
            (&[][..], &[None, Some(1000)][..]),
            (&1000_u16.to_be_bytes(), &[Some(1000)]),
            (&1001_u16.to_be_bytes(), &[Some(1000), Some(1001)]),
            (&4999_u16.to_be_bytes(), &[Some(1000), Some(4999)]),
        ] {
            let mut connection = siege.open().await;
            connection.send(&frame(CLOSE, payload)).await;
            let closed = connection.frame().await.expect("a close frame is answered");
            assert_eq!(closed.first, CLOSE);
            assert!(
                codes.contains(&closed.close_code()),
                "{payload:?}: {closed:?}"
            );
            assert_eq!(connection.frame().await, None);
        }
        // The echo endpoint takes binary messages too, and gives everything back to the letter.
        let mut connection = Connection::upgrade(siege.lab.address(), "/echo", "").await;
        for (first, payload) in [
            (TEXT, "é".as_bytes().to_vec()),
            (BINARY, vec![0, 255, 128]),
            (BINARY, vec![7; MAX_MESSAGE]),
            (TEXT, vec![]),
        ] {
            connection.send(&frame(first, &payload)).await;
            assert_eq!(connection.frame().await, Some(Frame { first, payload }));
        }
        siege.end().await;
    });
}

/// A client that asks, pings or echoes without end and reads nothing.
#[test]
fn never_reading() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let request = format!(
            r#"{{"op":"request","id":1,"data":"{}"}}"#,
            "x".repeat(30_000)
        );
        for (path, piece) in [
            ("/ws", frame(TEXT, request.as_bytes()).repeat(4)),
            ("/ws", frame(TEXT, b"no command").repeat(1000)),
            ("/ws", frame(PING, &[7; 125]).repeat(1000)),
            ("/echo", frame(PING, &[7; 125]).repeat(1000)),
            ("/echo", frame(BINARY, &vec![7; 50_000]).repeat(2)),
        ] {
            let connection = Connection::upgrade(siege.lab.address(), path, "").await;
            crate::flood(connection, piece, async || {
                siege.bystander_is_well("a flood").await;
            })
            .await;
        }
        siege.end().await;
    });
}

/// As a browser resumes, which can't set header fields: by a first command, answered by a second welcome.
#[test]
fn resuming_by_command() {
    conformance::run(async {
        let siege = Siege::begin().await;
        let publisher = siege.lab.publisher();
        let mut connection = Connection::upgrade(siege.lab.address(), "/ws", "").await;
        let welcome = connection.text().await;
        let (id, token) = (
            raw::string_field(&welcome, "session"),
            raw::string_field(&welcome, "token"),
        );
        let (id, token) = (
            id.expect("a welcome has an id"),
            token.expect("a welcome has a token"),
        );
        let emit =
            |data: &str| publisher.emit(transport::Audience::Session(id.into()), "count", data);
        let event = |data: u32| {
            format!(
                r#"{{"op":"event","event":"count","from":"{}","data":{data}}}"#,
                publisher.id()
            )
        };
        emit("1");
        emit("2");
        assert_eq!(
            [connection.text().await, connection.text().await],
            [event(1), event(2)]
        );
        drop(connection);
        emit("3");
        let sessions = siege.lab.door().sessions();
        // A cursor that nobody can have is malformed, and the connection goes on with its own session.
        let resume = |received: u32| {
            frame(
                TEXT,
                format!(r#"{{"op":"resume","token":"{token}","received":{received}}}"#).as_bytes(),
            )
        };
        let mut connection = siege.open().await;
        connection.send(&resume(9)).await;
        let told = answers(&mut connection, "a cursor beyond what was sent").await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            raw::string_field(&told[0], "code"),
            Some("malformed"),
            "{told:?}"
        );
        connection
            .send(&frame(CLOSE, &1000_u16.to_be_bytes()))
            .await;
        connection.until_closed().await;
        siege.lab.until_sessions(sessions).await;
        // The true cursor: one of the two messages had not been looked at.
        let mut connection = siege.open().await;
        connection.send(&resume(1)).await;
        let welcome = connection.text().await;
        assert_eq!(
            raw::string_field(&welcome, "session"),
            Some(id),
            "{welcome}"
        );
        assert!(welcome.contains(r#""resumed":true"#), "{welcome}");
        assert_eq!(
            [connection.text().await, connection.text().await],
            [event(2), event(3)]
        );
        emit("4");
        assert_eq!(connection.text().await, event(4));
        assert_eq!(
            siege.lab.door().sessions(),
            sessions,
            "the session that the connection began with is gone"
        );
        // Somebody's token that is nobody's: a fresh session, and it is said.
        let nobodys = hub::Token::from_bytes([1; 18]);
        let mut connection = siege.open().await;
        connection
            .send(&frame(
                TEXT,
                format!(r#"{{"op":"resume","token":"{nobodys}","received":0}}"#).as_bytes(),
            ))
            .await;
        let welcome = connection.text().await;
        assert!(welcome.contains(r#""resumed":false"#), "{welcome}");
        siege.end().await;
    });
}

/// Bytes at random after the handshake, good frames with a few bytes changed, and connections cut anywhere.
#[test]
fn random_bytes() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let address = siege.lab.address();
        let mut dice = Dice::new(seed());
        let good = [
            frame(TEXT, br#"{"op":"request","id":7,"data":["x"]}"#),
            [
                frame(0x01, br#"{"op":"request","id":7,"#),
                frame(PING, b"p"),
                frame(0x80, br#""data":["x"]}"#),
            ]
            .concat(),
            frame(CLOSE, &[0x03, 0xE8, b'o', b'k']),
            frame(BINARY, &[0; 200]),
        ];
        for round in 0..300 {
            let path = if dice.below(3) == 0 { "/echo" } else { "/ws" };
            let mut bytes = raw::handshake(address, path, "").into_bytes();
            match round % 4 {
                0 => {
                    let length = dice.below(600) as usize;
                    bytes.extend(dice.bytes(length));
                }
                1 => bytes = mutate(&mut dice, &bytes),
                _ => {
                    let chosen = dice.below(good.len() as u64) as usize;
                    bytes.extend(mutate(&mut dice, &good[chosen]));
                }
            }
            let mut connection = Connection::open(address).await;
            connection.send(&bytes).await;
            connection.finish().await;
            connection.until_closed().await;
            if round % 20 == 0 {
                siege.bystander_is_well("random bytes").await;
            }
        }
        siege.end().await;
    });
}
