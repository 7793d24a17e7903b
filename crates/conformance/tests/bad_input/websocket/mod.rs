//! WebSocket: the handshake, frames and messages (RFC 6455).

mod frames;
mod handshakes;
mod strain;

use conformance::raw::{self, BINARY, CLOSE, Connection, Frame, KEY, PING, PONG, TEXT, ask, frame};
use conformance::{Lab, Peer};
use hub::Limits;
use transport::{Client, Config, Protocol};
use websocket::WebSocket;

use crate::commands;
use frames::Then::{Closes, GoesOn, Tells};
use frames::frames;
use handshakes::HANDSHAKES;

const MAX_MESSAGE: usize = 1 << 16;

/// A server under attack, and a client that must not notice.
struct Siege {
    lab: Lab<WebSocket>,
    bystander: Peer<<WebSocket as Protocol>::Client>,
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
        // A clean close says nothing about the session: a page that reloads closes, too.
        connection
            .send(&frame(CLOSE, &1000_u16.to_be_bytes()))
            .await;
        connection.until_closed().await;
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
        connection.send(&frame(CLOSE, b"\x03\xE8end")).await;
        connection.until_closed().await;
        // With this reason the session is over as well, as after `DELETE /session`.
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
