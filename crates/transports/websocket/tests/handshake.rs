//! Who becomes a WebSocket, and how the others are told.

mod rig;

use rig::{HANDSHAKE, Peer, Rig, TEXT, field, frame, run, status};
use transport::Config;

#[test]
fn a_handshake_is_accepted_as_rfc_6455_says() {
    run(async {
        let rig = Rig::start();
        for path in ["/ws", "/echo"] {
            let peer = Peer::dial(rig.address, path, "", None).await;
            let accept = field(&peer.head, "sec-websocket-accept");
            assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
            assert_eq!(field(&peer.head, "upgrade"), Some("websocket"));
            assert_eq!(field(&peer.head, "sec-websocket-protocol"), None);
        }
    });
}

#[test]
fn the_subprotocol_is_agreed_on_when_it_is_offered_and_extensions_are_declined() {
    run(async {
        let rig = Rig::start();
        for offer in [
            "pushlab.v1",
            "soap, pushlab.v1",
            "soap\r\nsec-websocket-protocol: pushlab.v1",
        ] {
            let offer = format!(
                "sec-websocket-protocol: {offer}\r\nsec-websocket-extensions: permessage-deflate\r\n"
            );
            let (peer, _) = rig.ws_at("/ws", &offer).await;
            assert_eq!(
                field(&peer.head, "sec-websocket-protocol"),
                Some("pushlab.v1")
            );
            assert_eq!(field(&peer.head, "sec-websocket-extensions"), None);
        }
        let (peer, _) = rig.ws_at("/ws", "sec-websocket-protocol: soap\r\n").await;
        assert_eq!(field(&peer.head, "sec-websocket-protocol"), None);
    });
}

#[test]
fn what_is_no_handshake_is_refused() {
    run(async {
        let rig = Rig::start();
        let with = |from: &str, to: &str| HANDSHAKE.replace(from, to);
        let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        for (fields, expected) in [
            ("host: localhost\r\n".to_owned(), 426),
            (with("upgrade: websocket\r\n", ""), 426),
            (with("upgrade: websocket", "upgrade: h2c"), 426),
            (with("keep-alive, Upgrade", "keep-alive"), 426),
            (with("version: 13", "version: 8"), 426),
            (with("version: 13", "version: 13, 8"), 426),
            (with("sec-websocket-version: 13\r\n", ""), 426),
            (with(key, ""), 400),
            (with(key, &key.repeat(2)), 400),
            (with("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400),
            (
                with("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ"),
                400,
            ),
            (
                with("dGhlIHNhbXBsZSBub25jZQ==", "!!!!IHNhbXBsZSBub25jZQ=="),
                400,
            ),
            (format!("{HANDSHAKE}content-length: 1\r\n"), 400),
            (format!("{HANDSHAKE}origin: http://evil.example\r\n"), 403),
            (
                HANDSHAKE.replace("host: localhost", "host: evil.example"),
                403,
            ),
            (HANDSHAKE.replace("host: localhost\r\n", ""), 400),
        ] {
            for path in ["/ws", "/echo"] {
                let answer = rig
                    .ask(&format!("GET {path} HTTP/1.1\r\n{fields}\r\n"))
                    .await;
                assert_eq!(status(&answer), expected, "{fields}\n{answer}");
                assert!(answer.contains(r#"{"op":"error","code":""#), "{answer}");
                if expected == 426 {
                    assert_eq!(field(&answer, "sec-websocket-version"), Some("13"));
                    assert_eq!(field(&answer, "upgrade"), Some("websocket"));
                }
            }
        }
        assert_eq!(
            rig.door.sessions(),
            0,
            "a refused handshake opens no session"
        );
    });
}

#[test]
fn other_paths_methods_and_versions_of_http_are_refused() {
    run(async {
        let rig = Rig::start();
        for (line, expected) in [
            ("GET / HTTP/1.1", 404),
            ("GET /ws/ HTTP/1.1", 404),
            ("POST /ws HTTP/1.1", 405),
            ("GET /ws HTTP/1.0", 426),
            ("GET /healthz HTTP/1.1", 200),
        ] {
            let answer = rig.ask(&format!("{line}\r\n{HANDSHAKE}\r\n")).await;
            assert_eq!(status(&answer), expected, "{line}\n{answer}");
        }
    });
}

#[test]
fn a_resume_is_judged_before_the_upgrade() {
    run(async {
        let rig = Rig::start();
        let (_peer, welcome) = rig.ws().await;
        let bearer = format!(
            "authorization: Bearer {}\r\n",
            welcome["token"].as_str().unwrap()
        );
        let good = bearer.as_str();
        for (query, fields, expected) in [
            ("?received=0", "", 401),
            ("", good, 400),
            ("?received=", good, 400),
            ("?received=-1", good, 400),
            ("?received=+1", good, 400),
            ("?received=99999999999999999999", good, 400),
            ("?received=0&received=0", good, 400),
            ("?after=0", good, 400),
            ("?", good, 400),
            ("?received=1", good, 400),
        ] {
            let answer = rig
                .ask(&format!(
                    "GET /ws{query} HTTP/1.1\r\n{HANDSHAKE}{fields}\r\n"
                ))
                .await;
            assert_eq!(status(&answer), expected, "{query}\n{answer}");
        }
        let answer = rig
            .ask(&format!("GET /echo?x=1 HTTP/1.1\r\n{HANDSHAKE}\r\n"))
            .await;
        assert_eq!(status(&answer), 400);
        assert_eq!(rig.door.sessions(), 1);
    });
}

#[test]
fn an_allowed_origin_may_connect() {
    run(async {
        let config = Config {
            allow_origins: vec!["http://page.example".into()],
            ..Config::default()
        };
        let rig = Rig::with(&hub::Limits::default(), config);
        for origin in ["http://page.example", "http://localhost"] {
            rig.ws_at("/ws", &format!("origin: {origin}\r\n")).await;
        }
    });
}

#[test]
fn frames_may_come_right_behind_the_handshake() {
    run(async {
        let rig = Rig::start();
        let mut request = format!("GET /echo HTTP/1.1\r\n{HANDSHAKE}\r\n").into_bytes();
        request.extend(frame(0x81, b"early"));
        request.extend(&frame(0x81, b"later")[..5]);
        let mut stream = tokio::net::TcpStream::connect(rig.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &request)
            .await
            .unwrap();
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                break at;
            }
            tokio::io::AsyncReadExt::read_buf(&mut stream, &mut bytes)
                .await
                .unwrap();
        };
        let mut peer = Peer {
            stream,
            head: String::new(),
            bytes: bytes.split_off(end + 4),
        };
        assert_eq!(peer.receive().await, Some((0x80 | TEXT, b"early".to_vec())));
        peer.write(&frame(0x81, b"later")[5..]).await;
        assert_eq!(peer.receive().await, Some((0x80 | TEXT, b"later".to_vec())));
    });
}

#[test]
fn one_connection_too_many_is_told_so() {
    run(async {
        let config = Config {
            max_connections: 1,
            ..Config::default()
        };
        let rig = Rig::with(&hub::Limits::default(), config);
        let peer = rig.echo().await;
        let answer = rig
            .ask(&format!("GET /echo HTTP/1.1\r\n{HANDSHAKE}\r\n"))
            .await;
        assert_eq!(status(&answer), 429);
        drop(peer);
        rig.until_unconnected().await;
        rig.echo().await;
    });
}
