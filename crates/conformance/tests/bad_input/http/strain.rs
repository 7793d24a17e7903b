//! Too much, too slow, never reading, and bytes at random.

use std::time::Duration;

use conformance::raw::Connection;
use conformance::{Dice, seed};
use transport::{Config, Transport};

use super::Siege;

const MAX_MESSAGE: usize = 1 << 20;

pub(super) async fn too_much<T: Transport>() {
    let mut siege = Siege::<T>::begin(Config::default()).await;
    let head = siege.fill("POST /session HTTP/1.1\r\nHost: {host}\r\n");
    let long_field = format!("{head}X-A: {}\r\n\r\n", "a".repeat(1 << 20));
    let many_fields = format!("{head}{}\r\n", "X-A: a\r\n".repeat(1000));
    let long_target = siege.fill(&format!(
        "GET /{} HTTP/1.1\r\nHost: {{host}}\r\n\r\n",
        "a".repeat(15_000)
    ));
    let endless_target = format!("GET /{}", "a".repeat(1 << 20));
    for (what, request) in [
        ("a long field", long_field),
        ("many fields", many_fields),
        ("a long target", long_target),
        ("an endless target", endless_target),
    ] {
        // Told so, or cut off when the server closed before all was written.
        if let Some(answer) = siege.ask(request.as_bytes()).await {
            assert!(
                matches!(answer.status, 400 | 414 | 431),
                "{what}: {answer:?}"
            );
        }
        siege.bystander_is_well(what).await;
    }
    // A body that doesn't say how long it is, and doesn't end.
    let head = siege.fill("POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut connection = Connection::open(siege.lab.address()).await;
    connection.send(head.as_bytes()).await;
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    for _ in 0..=MAX_MESSAGE / 0x4000 {
        connection.send(chunk.as_bytes()).await;
    }
    let answer = connection
        .answer()
        .await
        .expect("an endless body is answered");
    assert_eq!(
        (answer.status, answer.field("code")),
        (413, Some("too-large")),
        "{answer:?}"
    );
    siege.bystander_is_well("an endless body").await;
    // As large as may be.
    let blank = [&b" ".repeat(MAX_MESSAGE - 2)[..], b"[]"].concat();
    let answer = siege
        .ask(&siege.commands(&blank))
        .await
        .expect("a large body is answered");
    assert!(matches!(answer.status, 200 | 202), "{answer:?}");
    siege.end().await;
}

pub(super) async fn too_slow<T: Transport>() {
    let quick = Duration::from_millis(600);
    let config = Config {
        header_timeout: quick,
        body_timeout: quick,
        idle_timeout: quick,
        ..Config::default()
    };
    let mut siege = Siege::<T>::begin(config).await;
    let head =
        siege.fill("POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n");
    let whole = siege.fill("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (what, begun, statuses) in [
        ("nothing at all", String::new(), &[408][..]),
        ("half a head", head.clone(), &[408]),
        (
            "half a body",
            format!("{head}Content-Length: 10\r\n\r\n["),
            &[408],
        ),
        ("an idle connection", whole, &[200]),
    ] {
        let mut connection = Connection::open(siege.lab.address()).await;
        connection.send(begun.as_bytes()).await;
        if let Some(answer) = connection.answer().await {
            assert!(statuses.contains(&answer.status), "{what}: {answer:?}");
            connection.until_closed().await;
        }
        siege.bystander_is_well(what).await;
    }
    siege.end().await;
}

/// A client that asks and asks and reads no answer.
pub(super) async fn never_reading<T: Transport>() {
    let mut siege = Siege::<T>::begin(Config::default()).await;
    let request = siege
        .fill("POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 65536\r\n\r\n")
        + &"x".repeat(65536);
    let connection = Connection::open(siege.lab.address()).await;
    crate::flood(connection, request.into_bytes(), async || {
        siege.bystander_is_well("a flood").await;
    })
    .await;
    siege.end().await;
}

/// Bytes at random, and good requests with a few bytes changed, doubled or cut out.
pub(super) async fn random_bytes<T: Transport>() {
    // A poll with more bytes behind it is held to its end: while it is, nobody reads whether the client has gone.
    let config = Config {
        hold: Duration::from_millis(50),
        ..Config::default()
    };
    let mut siege = Siege::<T>::begin(config).await;
    let mut dice = Dice::new(seed());
    let good = [
        siege.commands(br#"[{"op":"request","id":7,"data":["x"]},{"op":"leave","room":"a"}]"#),
        siege.fill("GET /events?after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes(),
        siege.fill("POST /echo HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").into_bytes(),
        siege.fill("OPTIONS /commands HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n").into_bytes(),
    ];
    for round in 0..300 {
        let bytes = if round % 4 == 0 {
            let length = dice.below(600) as usize;
            dice.bytes(length)
        } else {
            let chosen = dice.below(good.len() as u64) as usize;
            mutate(&mut dice, &good[chosen])
        };
        let mut connection = Connection::open(siege.lab.address()).await;
        connection.send(&bytes).await;
        connection.finish().await;
        connection.until_closed().await;
        if round % 20 == 0 {
            // Changed by chance, an emit could still be one; there is none among the good ones.
            siege.bystander_is_well("random bytes").await;
        }
    }
    siege.end().await;
}

pub(crate) fn mutate(dice: &mut Dice, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.below(bytes.len() as u64) as usize;
        match dice.below(4) {
            0 => bytes[at] = dice.roll() as u8,
            1 => bytes[at] ^= 1 << dice.below(8),
            2 => {
                let end = bytes.len().min(at + 1 + dice.below(20) as usize);
                bytes.drain(at..end);
            }
            _ => {
                let end = bytes.len().min(at + 1 + dice.below(20) as usize);
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}
