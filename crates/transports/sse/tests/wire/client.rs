//! The native client: what it counts, and what it makes of streams that no server of the lab sends.

use std::cell::Cell;
use std::fmt::Write;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use conformance::lab::within;
use conformance::{Lab, Message, Peer, run};
use hub::Limits;
use sse::Sse;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use transport::{Audience, Client, ClientError, Config, Incoming, Protocol, Target};

#[test]
fn a_client_counts_what_it_sends_and_heartbeats_are_no_messages() {
    run(async {
        let config = Config {
            sse_heartbeat: Duration::from_millis(40),
            ..Config::default()
        };
        let lab = Lab::<Sse>::start_with(&Limits::default(), config);
        let mut peer = lab.connect().await;
        let opened = peer.client.traffic();
        assert_eq!((opened.requests, opened.connections), (1, 1));
        peer.round_trip().await;
        let before = peer.client.traffic();
        assert_eq!((before.requests, before.connections), (3, 2));
        assert_eq!(before.payload_up, before.payload_down);
        assert!(before.payload_up > 0 && before.wire_up > before.payload_up);
        let mut messages = 0;
        // Comments come and are counted as bytes; no message is handed over.
        within("some heartbeats", async {
            while peer.client.traffic().wire_down < before.wire_down + 20 {
                let client = &mut peer.client;
                let polled = poll_fn(|cx| client.poll(cx, &mut |_: Incoming<'_>| messages += 1));
                let waited = tokio::time::timeout(Duration::from_millis(20), polled).await;
                assert!(waited.is_err(), "{waited:?}");
            }
        })
        .await;
        assert_eq!(messages, 0);
        let after = peer.client.traffic();
        assert_eq!((after.requests, after.empty_responses), (3, 0));
        assert_eq!(peer.client.ticket().received, 1);
        peer.client.close().await.unwrap();
        lab.until_sessions(0).await;
    });
}

#[test]
fn a_large_event_and_many_small_ones_arrive() {
    run(async {
        let lab = Lab::<Sse>::start_with(
            &Limits {
                mailbox_bytes: 8 << 20,
                ..Limits::default()
            },
            Config::default(),
        );
        let publisher = lab.publisher();
        let mut peer = lab.connect().await;
        let large = publisher.tell(
            Audience::Others,
            "large",
            &format!("\"{}\"", "x".repeat(1 << 20)),
        );
        let mut sent = vec![large];
        for number in 0..2000 {
            sent.push(publisher.tell(Audience::Others, "small", &number.to_string()));
        }
        assert!(peer.take(sent.len()).await == sent);
    });
}

/// A server of one session whose answer to `GET /events` is `stream`, and what becomes of the client.
async fn told(stream: String) -> (Vec<Message>, ClientError) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let server = tokio::task::spawn_local(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let head = head(&mut connection).await;
            if head.starts_with("POST /session ") {
                let welcome = r#"{"op":"welcome","session":"s","token":"t","resumed":false}"#;
                let length = welcome.len();
                let answer = format!(
                    "HTTP/1.1 201 Created\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{welcome}"
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
            } else {
                assert!(head.starts_with("GET /events HTTP/1.1\r\n"), "{head}");
                assert!(head.contains("authorization: Bearer t\r\n"), "{head}");
                assert!(!head.contains("last-event-id"), "{head}");
                count.set(count.get() + 1);
                // A client that has had enough closes first.
                let _ = connection.write_all(stream.as_bytes()).await;
            }
        }
    });
    let client = Sse::connect(&Target::new(url)).await.unwrap();
    let told = Peer::new(client).end().await;
    assert_eq!(asked.get(), 1, "a stream that has begun is asked for once");
    server.abort();
    told
}

async fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// An answer whose body comes in these chunks, and goes on.
fn stream(chunks: &[&str]) -> String {
    let mut stream =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_owned();
    for chunk in chunks {
        let _ = write!(stream, "{:x}\r\n{chunk}\r\n", chunk.len());
    }
    stream
}

/// The error that an answer comes to after so many messages.
fn comes_to(answer: &str, messages: usize, is_right: impl Fn(&ClientError) -> bool) {
    let (received, error) = run(told(answer.to_owned()));
    assert_eq!(received.len(), messages, "{answer:?}: {received:?}");
    assert!(is_right(&error), "{answer:?}: {error:?}");
}

/// The end of a body.
const END: &str = "";
const ONE: &str = "id: 1\ndata: {\"op\":\"gap\",\"missed\":1}\n\n";

#[test]
fn a_stream_that_ends_or_breaks_is_an_error_after_what_came() {
    let closed = |error: &ClientError| matches!(error, ClientError::Closed { code: 1006, .. });
    let broken = |error: &ClientError| matches!(error, ClientError::Broken(_));
    comes_to(&stream(&[END]), 0, closed);
    comes_to(&stream(&[]), 0, broken);
    comes_to(&stream(&[ONE, END]), 1, closed);
    // The second event is cut, and so none.
    comes_to(&stream(&[ONE, &ONE[..ONE.len() - 1]]), 1, broken);
    comes_to(&stream(&[ONE, &ONE[..ONE.len() - 1], END]), 1, closed);
    // Until the connection's end, as of a server of HTTP/1.0.
    let old = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\nid: 0\n\n: c\n\n";
    comes_to(&format!("{old}{ONE}"), 1, closed);
}

#[test]
fn what_the_server_says_last_is_why_it_ends() {
    let refused = |status: u16| move |error: &ClientError| matches!(error, ClientError::Refused { status: told, .. } if *told == status);
    let gone = "data: {\"op\":\"error\",\"code\":\"gone\",\"message\":\"slow\"}\n\n";
    comes_to(&stream(&[ONE, gone, END]), 1, refused(410));
    comes_to("HTTP/1.1 204 No Content\r\n\r\n", 0, refused(410));
    let full = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    comes_to(full, 0, refused(503));
}

#[test]
fn what_is_no_stream_of_a_server_of_the_lab_is_told() {
    let protocol = |error: &ClientError| matches!(error, ClientError::Protocol(_));
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\n\n";
    comes_to(whole, 0, protocol);
    // An id that is not the cursor, at the beginning and behind a message.
    comes_to(&stream(&["id: 1\n\n"]), 0, protocol);
    comes_to(&stream(&[&ONE.replace("id: 1", "id: 2")]), 1, protocol);
    comes_to(&stream(&["data: {}\n\n"]), 0, protocol);
    comes_to(&(stream(&[]) + "zz\r\n"), 0, protocol);
    // A line without end is not kept without end.
    comes_to(&stream(&[&"x".repeat(20 << 20)]), 0, protocol);
}
