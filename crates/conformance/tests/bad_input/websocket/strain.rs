//! Never reading, and bytes at random.

use conformance::raw::{self, BINARY, CLOSE, Connection, PING, TEXT, frame};
use conformance::{Dice, seed};

use super::Siege;
use crate::http::strain::mutate;

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
