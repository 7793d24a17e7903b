//! Socket.IO: requests, packets, attachments, upgrades.

use conformance::raw::{self, Answer, BINARY, Connection, TEXT, ask, frame};
use conformance::{Dice, Lab, Peer, seed};
use hub::Limits;
use socket_io::{Both, SocketIo};
use transport::{Client, Config, Protocol};

use crate::commands;
use crate::http::strain::mutate;

const MAX_MESSAGE: usize = 1 << 16;
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A server under attack, and a client that must not notice.
struct Siege {
    lab: Lab<SocketIo<Both>>,
    bystander: Peer<<SocketIo<Both> as Protocol>::Client>,
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

    /// A WebSocket in `/` and `/echo`, both welcomes read.
    async fn open(&self) -> Connection {
        let mut connection = Connection::upgrade(self.lab.address(), WEBSOCKET, "").await;
        let both = [frame(TEXT, b"40"), frame(TEXT, b"40/echo,")].concat();
        connection.send(&both).await;
        while !connection.text().await.starts_with("40/echo,") {}
        connection
    }

    /// A polling session's id.
    async fn poll(&self) -> String {
        let answer = self.request("GET", POLLING, b"").await;
        answer
            .field("sid")
            .expect("a handshake has an id")
            .to_owned()
    }

    async fn request(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let address = self.lab.address();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        ask(address, &request).await.expect("an answer")
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

/// Texts that are no command, as arguments of each: refused, and the connection lives; and as packets, which ends it.
#[test]
fn bad_commands_and_packets() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let mut connection = siege.open().await;
        for (what, text) in commands::bad() {
            let text = String::from_utf8_lossy(&text).into_owned();
            if text.len() + 100 > MAX_MESSAGE {
                continue;
            }
            for packet in [
                // Whatever it is, it is no room, no emission and no op.
                format!(r#"42["pushlab:join",["{}"]]"#, text.escape_default()),
                format!(r#"42["pushlab:emit",{{"to":"{}"}}]"#, text.len()),
                format!(r#"42["pushlab:{}",1]"#, what.replace('"', "")),
            ] {
                if serde_json::from_str::<serde_json::Value>(&packet[2..]).is_err() {
                    continue;
                }
                connection.send(&frame(TEXT, packet.as_bytes())).await;
                loop {
                    let told = connection.text().await;
                    if told != "2" {
                        assert!(
                            told.starts_with(r#"42["pushlab:error",{"op":"error","#),
                            "{what}: {told}"
                        );
                        break;
                    }
                }
            }
            let mut other = siege.open().await;
            other
                .send(&frame(TEXT, format!("4{text}").as_bytes()))
                .await;
            other.until_closed().await;
            siege.bystander_is_well(what).await;
        }
        for (what, text) in commands::no_utf8() {
            let mut other = siege.open().await;
            other.send(&frame(TEXT, &[b"42", &text[..]].concat())).await;
            other.until_closed().await;
            let sid = siege.poll().await;
            let target = format!("{POLLING}&sid={sid}");
            let answer = siege
                .request("POST", &target, &[b"42", &text[..]].concat())
                .await;
            assert_eq!(answer.status, 400, "{what}");
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}

/// Bodies that are no payload: 400, and the session is gone.
#[test]
fn bad_payloads() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        for body in [
            &b"abc"[..],
            b"\x1e",
            b"40\x1e\x1e40",
            b"b!!!",
            b"bAQIDBA=",
            b"4\xFF",
            b"0{}",
        ] {
            let what = String::from_utf8_lossy(body).into_owned();
            let target = format!("{POLLING}&sid={}", siege.poll().await);
            let answer = siege.request("POST", &target, body).await;
            assert_eq!(answer.status, 400, "{what}");
            siege.bystander_is_well(&what).await;
        }
        siege.end().await;
    });
}

/// More attachments than a message may have bytes, and ones that never come.
#[test]
fn attachments_are_bounded() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let mut connection = siege.open().await;
        let holders = r#"{"_placeholder":true,"num":0}"#;
        let packet = format!(r#"453-/echo,["b",{holders},{holders},{holders}]"#);
        connection.send(&frame(TEXT, packet.as_bytes())).await;
        for _ in 0..2 {
            connection
                .send(&frame(BINARY, &vec![7; MAX_MESSAGE - 100]))
                .await;
        }
        connection.until_closed().await;
        let waiting: Vec<Connection> = {
            let mut waiting = Vec::new();
            for _ in 0..20 {
                let mut connection = siege.open().await;
                connection.send(&frame(TEXT, packet.as_bytes())).await;
                waiting.push(connection);
            }
            waiting
        };
        siege.bystander_is_well("attachments that never come").await;
        drop(waiting);
        siege.end().await;
    });
}

/// A client that asks or echoes without end and reads nothing: nothing more is read from it.
#[test]
fn never_reading() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let large = "x".repeat(30_000);
        for text in [
            format!(r#"421["pushlab:request","{large}"]"#),
            format!(r#"42/echo,["x","{large}"]"#),
            r#"42["pushlab:nothing",1]"#.to_owned(),
        ] {
            let connection = siege.open().await;
            let piece = frame(TEXT, text.as_bytes()).repeat(4.max(100_000 / text.len()));
            crate::flood(connection, piece, async || {
                siege.bystander_is_well("a flood").await;
            })
            .await;
        }
        siege.end().await;
    });
}

/// POSTs without a poll: answers wait until they are too many, then the POST waits.
#[test]
fn never_polling() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let address = siege.lab.address();
        let target = format!("{POLLING}&sid={}", siege.poll().await);
        siege.request("POST", &target, b"40/echo,").await;
        let body = format!(r#"42/echo,["x","{}"]"#, "x".repeat(30_000));
        let post = format!(
            "POST {target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = Connection::open(address).await;
        // Answered until some 256 KiB wait.
        for _ in 0..8 {
            connection.send(post.as_bytes()).await;
            assert_eq!(
                connection.answer().await.map(|answer| answer.status),
                Some(200)
            );
        }
        crate::flood(connection, post.into_bytes(), async || {
            siege.bystander_is_well("POSTs without a poll").await;
        })
        .await;
        siege.end().await;
    });
}

/// Sessions opened and left, upgrades begun and left, in great number.
#[test]
fn begun_and_left() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let address = siege.lab.address();
        for round in 0..100 {
            let sid = siege.poll().await;
            let target = format!("{WEBSOCKET}&sid={sid}");
            let handshake = raw::handshake(address, &target, "");
            let mut connection = Connection::open(address).await;
            connection.send(handshake.as_bytes()).await;
            match round % 4 {
                0 => {}
                1 => drop(connection.answer().await),
                2 => drop(connection.send(&frame(TEXT, b"2probe")).await),
                _ => drop(connection.send(&frame(TEXT, b"5")).await),
            }
        }
        siege.bystander_is_well("upgrades begun and left").await;
        siege.end().await;
    });
}

/// Bytes at random after the handshake, good packets with a few bytes changed, and connections cut anywhere.
#[test]
fn random_bytes() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let address = siege.lab.address();
        let mut dice = Dice::new(seed());
        let good: [&[u8]; 6] = [
            b"40",
            br#"40{"token":"x","received":1}"#,
            br#"421["pushlab:request",["x"]]"#,
            br#"42["pushlab:emit",{"to":"sender","event":"e","data":1}]"#,
            br#"451-/echo,["b",{"_placeholder":true,"num":0}]"#,
            b"41",
        ];
        for round in 0..300 {
            let chosen = good[dice.below(good.len() as u64) as usize];
            let packet = mutate(&mut dice, chosen);
            if round % 2 == 0 {
                let mut bytes = raw::handshake(address, WEBSOCKET, "").into_bytes();
                bytes.extend(frame(TEXT, b"40"));
                bytes.extend(frame(TEXT, &packet));
                let mut connection = Connection::open(address).await;
                connection.send(&bytes).await;
                connection.finish().await;
                connection.until_closed().await;
            } else {
                let target = format!("{POLLING}&sid={}", siege.poll().await);
                let answer = siege
                    .request("POST", &target, &[b"40\x1e", &packet[..]].concat())
                    .await;
                assert!(matches!(answer.status, 200 | 400), "{answer:?}");
            }
            if round % 20 == 0 {
                siege.bystander_is_well("random bytes").await;
            }
        }
        siege.end().await;
    });
}
