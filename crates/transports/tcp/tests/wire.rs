//! What the conformance suite doesn't ask of a wire: its bytes, its last words, and peers that are gone without a word.

use std::time::Duration;

use conformance::raw::Connection;
use conformance::{Lab, Message, run};
use hub::{Command, Limits};
use tcp::Tcp;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use transport::{Audience, Client, ClientError, Config, Protocol, Target};

#[test]
fn the_wire_is_commands_and_messages_and_a_byte_for_each_line() {
    run(async {
        let lab = Lab::<Tcp>::start();
        let mut peer = lab.connect().await;
        let before = peer.client.traffic();
        let data = "\"0123456789\"";
        for id in 10..20 {
            peer.request(id, data);
        }
        for id in 10..20 {
            let data = data.into();
            assert_eq!(peer.next().await, Message::Reply { id, data });
        }
        let traffic = peer.client.traffic() - before;
        let request = format!("{{\"op\":\"request\",\"id\":10,\"data\":{data}}}\n");
        let reply = format!("{{\"op\":\"reply\",\"id\":10,\"data\":{data}}}\n");
        assert_eq!(traffic.wire_up, 10 * request.len() as u64);
        assert_eq!(traffic.wire_down, 10 * reply.len() as u64);
        assert_eq!(traffic.payload_up, 10 * data.len() as u64);
        assert_eq!(traffic.payload_down, traffic.payload_up);
        assert_eq!((traffic.requests, traffic.connections), (0, 0));
        assert_eq!(peer.client.traffic().connections, 1);
    });
}

/// An error that the server may go on after is a message; when it doesn't go on, it is also why.
#[test]
fn an_error_before_the_end_is_its_reason() {
    run(async {
        let limits = Limits {
            max_rate: 1,
            ..Limits::default()
        };
        let lab = Lab::<Tcp>::start_with(&limits, Config::default());
        let mut peer = lab.connect().await;
        for _ in 0..2 {
            peer.client.send(&Command::Join { room: "a".into() });
        }
        let (received, error) = peer.end().await;
        assert_eq!(received, [Message::Error("limits".into())]);
        assert!(
            matches!(error, ClientError::Refused { status: 429, .. }),
            "{error}"
        );
    });
}

/// A server that says something else, or nothing, is an error and neither a panic nor a wait without end.
#[test]
fn strange_servers() {
    run(async {
        for (says, expected) in [
            ("", "closed the connection"),
            (
                "HTTP/1.1 400 Bad Request\r\n\r\n",
                "not an answer of this protocol",
            ),
            ("{\"op\":\"gap\",\"missed\":1}\n", "in place of a welcome"),
            ("{\"op\":\"welcome\"", "closed the connection"),
            (
                "{\"op\":\"error\",\"code\":\"limits\",\"message\":\"full\"}\n",
                "429: full",
            ),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = Target::new(format!("tcp://{}", listener.local_addr().unwrap()));
            let server = tokio::task::spawn_local(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(says.as_bytes()).await.unwrap();
            });
            let error = Tcp::connect(&target).await.map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(expected), "{says}: {error}");
            server.await.unwrap();
        }
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::new(format!("tcp://{}", nobody.local_addr().unwrap()));
        drop(nobody);
        let error = Tcp::connect(&target).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    });
}

/// A peer that takes nothing while something waits for it is cut by TCP; one that is only quiet stays. The session can be resumed.
#[test]
fn a_peer_that_takes_nothing_is_cut_and_a_quiet_one_is_not() {
    run(async {
        let config = Config {
            ping_interval: Duration::from_secs(1),
            ping_timeout: Duration::from_secs(1),
            ..Config::default()
        };
        let limits = Limits {
            mailbox_bytes: 64 << 20,
            ..Limits::default()
        };
        let lab = Lab::<Tcp>::start_with(&limits, config);
        let publisher = lab.publisher();
        let mut quiet = lab.connect().await;
        let mut deaf = lab.connect().await;
        deaf.join("deaf").await;
        let ticket = deaf.client.ticket();
        let data = format!("\"{}\"", "x".repeat(16 << 20));
        publisher.emit(Audience::Room("deaf".into()), "large", &data);
        conformance::lab::until("the cut", || lab.connections() == 1).await;
        let target = Target {
            resume: Some(ticket),
            ..lab.target()
        };
        let resumed = lab.try_connect(&target).await.unwrap();
        assert!(resumed.resumed());
        quiet.round_trip().await;
        drop(deaf);
    });
}

/// A connection that doesn't go when it is told of a drain is cut when the grace is over.
#[test]
fn a_drain_cuts_what_does_not_close() {
    run(async {
        let config = Config {
            drain_notice: Duration::ZERO,
            drain_grace: Duration::from_millis(100),
            ..Config::default()
        };
        let lab = Lab::<Tcp>::start_with(&Limits::default(), config);
        let mut stream = Connection::open(lab.address()).await;
        assert!(stream.line().await.unwrap().contains("welcome"));
        lab.drain();
        assert!(stream.line().await.unwrap().contains("draining"));
        assert_eq!(stream.line().await, None);
        // It stays open on our side, and the server ends nevertheless.
        lab.ended().await;
        drop(stream);
    });
}

/// A connection over the limit is told so, whether it says something first or not.
#[test]
fn one_connection_too_many_is_told() {
    run(async {
        let config = Config {
            max_connections: 1,
            ..Config::default()
        };
        let lab = Lab::<Tcp>::start_with(&Limits::default(), config);
        let mut first = Connection::open(lab.address()).await;
        assert!(first.line().await.unwrap().contains("welcome"));
        for says in ["", "{\"op\":\"join\",\"room\":\"a\"}\n"] {
            let mut second = Connection::open(lab.address()).await;
            second.send(says.as_bytes()).await;
            let refusal = second.line().await.unwrap();
            assert!(refusal.contains("too many connections"), "{refusal}");
            assert_eq!(second.line().await, None);
        }
        drop(TcpStream::connect(lab.address()).await.unwrap());
        drop(first);
        lab.until_unconnected().await;
        lab.still_serves().await;
    });
}
