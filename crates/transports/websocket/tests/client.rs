//! The native client against the server, and against servers that misbehave.

mod rig;

use std::future::poll_fn;
use std::time::Duration;

use hub::Limits;
use rig::{Rig, run, unmasked, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use transport::{Audience, Client, ClientError, Command, Config, Incoming, Protocol, Target};
use websocket::{WebSocket, WebSocketClient};

/// The messages of one poll, as text.
async fn next(client: &mut WebSocketClient) -> Result<Vec<String>, ClientError> {
    let mut messages = Vec::new();
    let polling = poll_fn(|cx| {
        client.poll(cx, &mut |message: Incoming<'_>| {
            messages.push(format!("{message:?}"));
        })
    });
    within(Duration::from_secs(20), polling).await?;
    assert!(!messages.is_empty());
    Ok(messages)
}

async fn take(client: &mut WebSocketClient, count: usize) -> Vec<String> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.extend(next(client).await.unwrap());
    }
    assert_eq!(messages.len(), count);
    messages
}

fn request(id: u64) -> Command<'static> {
    Command::Request {
        id,
        data: "\"0123456789\"",
    }
}

#[test]
fn requests_are_answered_and_every_byte_is_counted() {
    run(async {
        let rig = Rig::start();
        let mut client = WebSocket::connect(&rig.target()).await.unwrap();
        assert!(!client.welcome().resumed);
        let before = client.traffic();
        assert_eq!(
            (before.requests, before.connections, before.payload_up),
            (1, 1, 0)
        );
        assert!(before.wire_up > 150 && before.wire_down > 150);
        for id in 0..100 {
            client.send(&request(id));
        }
        let replies = take(&mut client, 100).await;
        assert!(replies[99].contains("Reply { id: 99"), "{}", replies[99]);
        let spent = client.traffic() - before;
        assert_eq!((spent.payload_up, spent.payload_down), (1200, 1200));
        // {"op":"request","id":N,"data":"0123456789"} in a frame with a mask, and the reply without.
        assert_eq!(spent.wire_up, 100 * (6 + 42) + 10 + 2 * 90);
        assert_eq!(spent.wire_down, 100 * (2 + 40) + 10 + 2 * 90);
        let ip = spent.ip.unwrap();
        for (bytes, stream, segments) in [
            (ip.bytes_up, spent.wire_up, ip.segments_up),
            (ip.bytes_down, spent.wire_down, ip.segments_down),
        ] {
            let headers = bytes - stream;
            assert!(segments > 0 && headers % segments == 0, "{spent:?}");
            assert!([40, 52].contains(&(headers / segments)), "{spent:?}");
        }
        assert_eq!(client.ticket().received, 100);
        client.close().await.unwrap();
        rig.until_unconnected().await;
        assert_eq!(rig.door.sessions(), 0, "a goodbye ends the session");
    });
}

#[test]
fn a_broadcast_is_the_same_to_every_client() {
    run(async {
        let rig = Rig::start();
        let mut clients = Vec::new();
        for _ in 0..5 {
            clients.push(WebSocket::connect(&rig.target()).await.unwrap());
        }
        for n in 0..3 {
            let data = n.to_string();
            clients[0].send(&Command::Emit {
                to: Audience::Everyone,
                event: "e".into(),
                data: &data,
            });
            let from = clients[0].welcome().session.clone();
            for client in &mut clients {
                let event = format!(
                    "{:?}",
                    Incoming::Event {
                        event: "e".into(),
                        from: from.as_str().into(),
                        data: &data
                    }
                );
                assert_eq!(take(client, 1).await, [event]);
            }
        }
    });
}

#[test]
fn a_cut_client_resumes_where_it_was() {
    run(async {
        let rig = Rig::start();
        let mut client = WebSocket::connect(&rig.target()).await.unwrap();
        client.send(&request(1));
        take(&mut client, 1).await;
        let ticket = client.ticket();
        drop(client);
        rig.until_unconnected().await;
        for n in 0..50 {
            rig.emit(&n.to_string());
        }
        let target = Target {
            resume: Some(ticket.clone()),
            ..rig.target()
        };
        let mut client = WebSocket::connect(&target).await.unwrap();
        assert!(client.welcome().resumed);
        let events = take(&mut client, 50).await;
        assert!(events[0].contains("data: \"0\"") && events[49].contains("data: \"49\""));
        assert_eq!(client.ticket().received, 51);

        // A second one takes it over, and the first is told.
        let target = Target {
            resume: Some(client.ticket()),
            ..rig.target()
        };
        let _newer = WebSocket::connect(&target).await.unwrap();
        let error = next(&mut client).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Closed { code: 1008, .. }),
            "{error}"
        );

        let beyond = transport::Ticket {
            received: 99,
            ..ticket
        };
        let target = Target {
            resume: Some(beyond),
            ..rig.target()
        };
        let error = WebSocket::connect(&target).await.unwrap_err();
        assert!(
            matches!(&error, ClientError::Refused { status: 400, message } if message.contains("beyond")),
            "{error}"
        );
    });
}

#[test]
fn a_token_that_means_nothing_starts_anew() {
    run(async {
        let limits = Limits {
            retention: Duration::ZERO,
            ..Limits::default()
        };
        let rig = Rig::with(&limits, Config::default());
        let mut client = WebSocket::connect(&rig.target()).await.unwrap();
        client.send(&request(1));
        take(&mut client, 1).await;
        let target = Target {
            resume: Some(client.ticket()),
            ..rig.target()
        };
        drop(client);
        rig.until_unconnected().await;
        let client = WebSocket::connect(&target).await.unwrap();
        assert!(!client.welcome().resumed);
        assert_eq!(client.ticket().received, 0);
    });
}

#[test]
fn a_drain_reaches_the_client() {
    run(async {
        let rig = Rig::start();
        let mut client = WebSocket::connect(&rig.target()).await.unwrap();
        rig.drain.start();
        let error = next(&mut client).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Closed { code: 1012, .. }),
            "{error}"
        );
        let error = WebSocket::connect(&rig.target()).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Refused { status: 503, .. }),
            "{error}"
        );
        drop(client);
        rig.serving.await.unwrap().unwrap();
    });
}

#[test]
fn pings_are_answered_by_whoever_polls() {
    run(async {
        let config = Config {
            ping_interval: Duration::from_millis(30),
            ping_timeout: Duration::from_millis(90),
            ..Config::default()
        };
        let rig = Rig::with(&Limits::default(), config);
        let mut client = WebSocket::connect(&rig.target()).await.unwrap();
        let idle = tokio::time::timeout(Duration::from_millis(400), next(&mut client));
        assert!(
            idle.await.is_err(),
            "nothing is handed over, and the connection lives"
        );
        client.send(&request(1));
        take(&mut client, 1).await;
    });
}

#[test]
fn large_messages_go_both_ways() {
    run(async {
        let rig = Rig::with(
            &Limits {
                mailbox_bytes: 8 << 20,
                ..Limits::default()
            },
            Config::default(),
        );
        let mut client = WebSocket::connect(&rig.target()).await.unwrap();
        let data = format!("\"{}\"", "y".repeat(1_000_000));
        for id in 0..3 {
            client.send(&Command::Request { id, data: &data });
        }
        let replies = take(&mut client, 3).await;
        assert!(
            replies
                .iter()
                .all(|reply| reply.contains(&data[1..data.len() - 1]))
        );
    });
}

#[test]
fn a_server_that_is_none_is_told_apart() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::new(format!("ws://{}/ws", listener.local_addr().unwrap()));
        for (answer, expected) in [
            ("SSH-2.0-OpenSSH\r\n", "not an answer"),
            ("HTTP/1.1 200 OK\r\n\r\nhello", "refused with 200: hello"),
            (
                "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnope",
                "refused with 404: nope",
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n",
                "not an answer",
            ),
            ("", "broke"),
        ] {
            let (connected, ()) = tokio::join!(WebSocket::connect(&target), async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
            let error = connected.unwrap_err().to_string();
            assert!(error.contains(expected), "{answer}: {error}");
        }
        drop(listener);
        let error = WebSocket::connect(&target).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    });
}

#[test]
fn frames_that_break_the_rules_end_the_client() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::new(format!("ws://{}/ws", listener.local_addr().unwrap()));
        let welcome = unmasked(
            0x81,
            br#"{"op":"welcome","session":"s","token":"t","resumed":false}"#,
        );
        for (frames, expected) in [
            (rig::frame(0x81, b"{}"), "must not be masked"),
            (unmasked(0x82, b"{}"), "binary"),
            (unmasked(0x81, b"{}"), "missing field"),
            (unmasked(0x81, &[0xFF]), "UTF-8"),
            (unmasked(0x88, &[0x0F, 0xA0, b'x']), "4000: x"),
            (unmasked(0x88, &[]), "1005"),
            (Vec::new(), "1006"),
        ] {
            let serve = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut request).await.unwrap();
                }
                let request = String::from_utf8(request).unwrap();
                assert_eq!(
                    rig::field(&request, "sec-websocket-protocol"),
                    Some("pushlab.v1")
                );
                let accept = derive_accept_key(
                    rig::field(&request, "sec-websocket-key")
                        .unwrap()
                        .as_bytes(),
                );
                let head = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                let mut bytes = head.into_bytes();
                bytes.extend(&welcome);
                bytes.extend(&frames);
                stream.write_all(&bytes).await.unwrap();
                stream.shutdown().await.unwrap();
                // What it answers is read, so that nothing is reset.
                let _ = stream.read_to_end(&mut Vec::new()).await;
            };
            let play = async {
                let mut client = WebSocket::connect(&target).await.unwrap();
                next(&mut client).await.unwrap_err().to_string()
            };
            let (error, ()) = tokio::join!(play, serve);
            assert!(error.contains(expected), "{expected}: {error}");
        }
    });
}
