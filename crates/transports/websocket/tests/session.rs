//! The lab's protocol over a WebSocket: welcome, commands, resume, takeover, slow consumers, drain.

mod rig;

use std::time::Duration;

use hub::{Limits, SlowConsumer};
use rig::{BINARY, CLOSE, FIN, PING, PONG, Peer, Rig, TEXT, emit, frame, run, status};
use serde_json::{Value, json};
use transport::Config;

fn token(welcome: &Value) -> &str {
    welcome["token"].as_str().unwrap()
}

async fn resume(rig: &Rig, welcome: &Value, received: u64) -> (Peer, Value) {
    let fields = format!("authorization: Bearer {}\r\n", token(welcome));
    rig.ws_at(&format!("/ws?received={received}"), &fields)
        .await
}

fn resume_command(welcome: &Value, received: u64) -> String {
    json!({"op": "resume", "token": token(welcome), "received": received}).to_string()
}

#[test]
fn commands_are_carried_out_and_those_of_one_read_together() {
    run(async {
        let rig = Rig::start();
        let ((mut one, welcome), (mut two, _)) = (rig.ws().await, rig.ws().await);
        assert_eq!(welcome["resumed"], false);
        let mut batch = frame(FIN | TEXT, br#"{"op":"join","room":"blue"}"#);
        for id in 0..100 {
            batch.extend(frame(
                FIN | TEXT,
                format!(r#"{{"op":"request","id":{id},"data":[{id}]}}"#).as_bytes(),
            ));
        }
        batch.extend(frame(
            FIN | TEXT,
            br#"{"op":"emit","to":"everyone","event":"e","data":{"a":null}}"#,
        ));
        one.write(&batch).await;
        for id in 0..100 {
            assert_eq!(
                one.json().await,
                json!({"op": "reply", "id": id, "data": [id]})
            );
        }
        let event =
            json!({"op": "event", "event": "e", "from": welcome["session"], "data": {"a": null}});
        assert_eq!(one.json().await, event);
        assert_eq!(two.json().await, event);
        two.command(r#"{"op":"emit","to":{"room":"blue"},"event":"r","data":1}"#)
            .await;
        assert_eq!(one.json().await["event"], "r");
    });
}

#[test]
fn a_malformed_command_is_told_in_its_place_and_the_session_goes_on() {
    run(async {
        let rig = Rig::start();
        let (mut peer, _) = rig.ws().await;
        let mut bytes = Vec::new();
        for text in [
            r#"{"op":"request","id":1,"data":1}"#,
            r#"{"op":"fly"}"#,
            "",
            r#"{"op":"request","id":2,"data":2}"#,
            r#"[{"op":"request","id":3,"data":3}]"#,
            r#"{"op":"request","id":4,"data":4}"#,
        ] {
            bytes.extend(frame(FIN | TEXT, text.as_bytes()));
        }
        // A large one in pieces.
        let large = format!(
            r#"{{"op":"request","id":5,"data":"{}"}}"#,
            "x".repeat(300_000)
        );
        bytes.extend(frame(TEXT, &large.as_bytes()[..100_000]));
        bytes.extend(frame(FIN | PING, b"between"));
        bytes.extend(frame(FIN, &large.as_bytes()[100_000..]));
        peer.write(&bytes).await;
        for expected in [Some(1), None, None, Some(2), None, Some(4), Some(5)] {
            let message = peer.json().await;
            match expected {
                Some(id) => assert_eq!(message["id"], id),
                None => assert_eq!(message["code"], "malformed"),
            }
        }
    });
}

#[test]
fn a_binary_message_closes() {
    run(async {
        let rig = Rig::start();
        let (mut peer, _) = rig.ws().await;
        peer.command(r#"{"op":"request","id":1,"data":1}"#).await;
        peer.send(BINARY, b"{}").await;
        assert_eq!(peer.json().await["id"], 1);
        assert_eq!(peer.closed().await.0, 1003);
        peer.send(CLOSE, &1003_u16.to_be_bytes()).await;
        peer.ended().await;
    });
}

#[test]
fn what_was_missed_comes_after_a_resume_once_and_in_order() {
    run(async {
        let rig = Rig::start();
        let (mut peer, welcome) = rig.ws().await;
        let publisher = rig.door.open().unwrap();
        emit(&publisher, "1");
        emit(&publisher, "2");
        assert_eq!(peer.json().await["data"], 1);
        drop(peer);
        rig.until_unconnected().await;
        emit(&publisher, "3");
        // It had read the first one only.
        let (mut peer, again) = resume(&rig, &welcome, 1).await;
        assert_eq!(again["resumed"], true);
        assert_eq!(
            (&again["session"], &again["token"]),
            (&welcome["session"], &welcome["token"])
        );
        emit(&publisher, "4");
        for data in 2..=4 {
            assert_eq!(peer.json().await["data"], data);
        }
        peer.command(r#"{"op":"request","id":9,"data":0}"#).await;
        assert_eq!(peer.json().await["id"], 9);
    });
}

#[test]
fn a_page_resumes_by_its_first_command() {
    run(async {
        let rig = Rig::start();
        let (mut peer, welcome) = rig.ws().await;
        let publisher = rig.door.open().unwrap();
        emit(&publisher, "1");
        peer.json().await;
        drop(peer);
        rig.until_unconnected().await;
        emit(&publisher, "2");
        let (mut peer, fresh) = rig.ws().await;
        assert_ne!(fresh["session"], welcome["session"]);
        peer.command(&resume_command(&welcome, 1)).await;
        let again = peer.json().await;
        assert_eq!(
            (&again["session"], &again["resumed"]),
            (&welcome["session"], &json!(true))
        );
        assert_eq!(peer.json().await["data"], 2);
        emit(&publisher, "3");
        assert_eq!(peer.json().await["data"], 3);
        assert_eq!(
            rig.door.sessions(),
            2,
            "the session of the first welcome is gone"
        );
        peer.command(&resume_command(&welcome, 3)).await;
        assert_eq!(
            peer.json().await["code"],
            "malformed",
            "only the first command resumes"
        );
        emit(&publisher, "4");
        assert_eq!(peer.json().await["data"], 4);
    });
}

#[test]
fn a_first_resume_that_is_impossible_is_told_and_an_old_one_starts_anew() {
    run(async {
        let rig = Rig::start();
        let (_other, welcome) = rig.ws().await;
        let (mut peer, mine) = rig.ws().await;
        peer.command(&resume_command(&welcome, 7)).await;
        assert_eq!(
            peer.json().await["code"],
            "malformed",
            "beyond what was sent"
        );
        peer.command(r#"{"op":"request","id":1,"data":0}"#).await;
        assert_eq!(peer.json().await["id"], 1);

        let (mut peer, own) = rig.ws().await;
        peer.command(&resume_command(&own, 0)).await;
        assert_eq!(peer.json().await["code"], "malformed", "its own token");

        let (mut peer, first) = rig.ws().await;
        let sessions = rig.door.sessions();
        let unknown = json!({"token": "A".repeat(24)});
        peer.command(&resume_command(&unknown, 3)).await;
        let second = peer.json().await;
        assert_eq!(
            (&second["op"], &second["resumed"]),
            (&json!("welcome"), &json!(false))
        );
        assert_ne!(second["session"], first["session"]);
        assert_eq!(rig.door.sessions(), sessions);
        rig.emit("5");
        assert_eq!(peer.json().await["data"], 5);

        let (_peer, anew) = resume(&rig, &unknown, 3).await;
        assert_eq!(anew["resumed"], false);
        assert_ne!(anew["session"], mine["session"]);
    });
}

#[test]
fn a_takeover_closes_the_older_connection() {
    run(async {
        let rig = Rig::start();
        let (mut old, welcome) = rig.ws().await;
        let (mut new, _) = resume(&rig, &welcome, 0).await;
        let (code, reason) = old.closed().await;
        assert_eq!(code, 1008, "{reason}");
        old.send(CLOSE, &1008_u16.to_be_bytes()).await;
        old.ended().await;
        new.command(r#"{"op":"request","id":1,"data":0}"#).await;
        assert_eq!(new.json().await["id"], 1);

        let (mut page, _) = rig.ws().await;
        page.command(&resume_command(&welcome, 1)).await;
        assert_eq!(page.json().await["resumed"], true);
        assert_eq!(new.closed().await.0, 1008);
    });
}

#[test]
fn a_farewell_ends_the_session_and_anything_else_leaves_it_to_be_resumed() {
    run(async {
        let rig = Rig::start();
        for (payload, stays) in [
            (&b"\x03\xE8end"[..], false),
            (&[], true),
            (&[3, 0xE8], true),
            (&[3, 0xE9], true),
            (&[3, 0xEA, b'x'], true),
        ] {
            let (mut peer, welcome) = rig.ws().await;
            peer.send(CLOSE, payload).await;
            peer.closed().await;
            peer.ended().await;
            let (_peer, again) = resume(&rig, &welcome, 0).await;
            assert_eq!(again["resumed"], stays, "{payload:?}");
        }
    });
}

#[test]
fn a_slow_consumer_is_closed_while_others_receive_everything() {
    run(async {
        let limits = Limits {
            mailbox_messages: 256,
            mailbox_bytes: 8 << 20,
            ..Limits::default()
        };
        let rig = Rig::with(&limits, Config::default());
        let mut slow = Peer::dial(rig.address, "/ws", "", Some(4096)).await;
        let welcome = slow.json().await;
        let (mut quick, _) = rig.ws().await;
        let publisher = rig.door.open().unwrap();
        let data = format!("\"{}\"", "x".repeat(8000));
        let mut sessions = rig.door.sessions();
        let mut sent = 0;
        // The kernel's buffers fill first.
        while sessions == rig.door.sessions() {
            emit(&publisher, &data);
            sent += 1;
            assert!(sent < 100_000);
            quick.json().await;
            sessions = sessions.max(rig.door.sessions());
        }
        assert_eq!(slow.closed().await.0, 1013);
        slow.send(CLOSE, &1013_u16.to_be_bytes()).await;
        slow.ended().await;
        let (_peer, anew) = resume(&rig, &welcome, 0).await;
        assert_eq!(anew["resumed"], false);
        emit(&publisher, "\"after\"");
        assert_eq!(quick.json().await["data"], "after");
    });
}

#[test]
fn a_slow_consumer_under_drop_oldest_gets_a_gap_and_the_newest() {
    run(async {
        let limits = Limits {
            mailbox_messages: 64,
            slow_consumer: SlowConsumer::DropOldest,
            ..Limits::default()
        };
        let rig = Rig::with(&limits, Config::default());
        let mut slow = Peer::dial(rig.address, "/ws", "", Some(4096)).await;
        slow.json().await;
        let publisher = rig.door.open().unwrap();
        let filler = "x".repeat(4000);
        let count: u64 = 4000;
        for n in 0..count {
            emit(&publisher, &format!("[{n},\"{filler}\"]"));
        }
        let (mut next, mut missed) = (0, 0);
        while next < count {
            let message = slow.json().await;
            if let Some(gap) = message["missed"].as_u64() {
                missed += gap;
                next += gap;
            } else {
                assert_eq!(message["data"][0], next);
                next += 1;
            }
        }
        assert!(missed > 0, "the buffers were larger than thought");
        slow.command(r#"{"op":"request","id":1,"data":0}"#).await;
        assert_eq!(slow.json().await["id"], 1);
    });
}

#[test]
fn too_many_commands_close_and_too_many_rooms_do_not() {
    run(async {
        let limits = Limits {
            max_rate: 20,
            max_rooms: 2,
            ..Limits::default()
        };
        let rig = Rig::with(&limits, Config::default());
        let (mut peer, _) = rig.ws().await;
        for room in ["a", "b", "c"] {
            peer.command(&json!({"op": "join", "room": room}).to_string())
                .await;
        }
        assert_eq!(peer.json().await["code"], "limits");
        peer.command(r#"{"op":"request","id":1,"data":0}"#).await;
        assert_eq!(peer.json().await["id"], 1);
        let burst: Vec<u8> = (0..40)
            .flat_map(|_| frame(FIN | TEXT, br#"{"op":"join","room":"a"}"#))
            .collect();
        peer.write(&burst).await;
        assert_eq!(peer.json().await["code"], "limits");
        assert_eq!(peer.closed().await.0, 1008);
    });
}

#[test]
fn a_drain_tells_everyone_and_ends() {
    run(async {
        let rig = Rig::with(
            &Limits::default(),
            Config {
                drain_notice: Duration::from_millis(200),
                ..Config::default()
            },
        );
        let ((mut ws, _), mut echo) = (rig.ws().await, rig.echo().await);
        let (mut mute, _) = rig.ws().await;
        rig.drain.start();
        for peer in [&mut ws, &mut echo] {
            assert_eq!(peer.closed().await.0, 1012);
            peer.send(CLOSE, &1012_u16.to_be_bytes()).await;
            peer.ended().await;
        }
        let answer = rig
            .ask(&format!("GET /ws HTTP/1.1\r\n{}\r\n", rig::HANDSHAKE))
            .await;
        assert_eq!(status(&answer), 503);
        // One that never answers the close frame can't hold up the end.
        assert_eq!(mute.closed().await.0, 1012);
        rig::within(Duration::from_secs(10), rig.serving)
            .await
            .unwrap()
            .unwrap();
        mute.ended().await;
    });
}

#[test]
fn a_dead_peers_session_can_be_resumed() {
    run(async {
        let config = Config {
            ping_interval: Duration::from_millis(40),
            ping_timeout: Duration::from_millis(60),
            ..Config::default()
        };
        let rig = Rig::with(&Limits::default(), config);
        let (dead, welcome) = rig.ws().await;
        rig.until_unconnected().await;
        rig.emit("1");
        let (mut peer, again) = resume(&rig, &welcome, 0).await;
        assert_eq!(again["resumed"], true);
        assert_eq!(peer.json().await["data"], 1);
        drop(dead);
    });
}

#[test]
fn pings_are_answered_while_events_flow() {
    run(async {
        let rig = Rig::start();
        let (mut peer, _) = rig.ws().await;
        let publisher = rig.door.open().unwrap();
        for n in 0..20_u8 {
            emit(&publisher, &n.to_string());
            peer.send(PING, &[n]).await;
        }
        let (mut events, mut pongs) = (0, 0);
        while events < 20 || pongs < 20 {
            match peer.receive().await.unwrap() {
                (first, payload) if first == FIN | PONG => {
                    assert_eq!(payload, [pongs]);
                    pongs += 1;
                }
                (first, _) => {
                    assert_eq!(first, FIN | TEXT);
                    events += 1;
                }
            }
        }
    });
}
