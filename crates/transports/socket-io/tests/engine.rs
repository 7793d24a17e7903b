//! Engine.IO v4 by the byte: handshake, polls, WebSocket, upgrade, heartbeat.

mod rig;

use std::time::Duration;

use conformance::raw::{Connection, ask, handshake};
use conformance::{Lab, run};
use hub::Limits;
use rig::{
    POLLING, Polls, WEBSOCKET, end, entered, exchange, lab, next, quick, request, say, websocket,
};
use socket_io::{Polling, SocketIo, WebSocket};
use transport::{Audience, Config};

#[test]
fn the_handshake_has_the_protocols_keys() {
    run(async {
        let lab = lab();
        let keys = r#"","upgrades":["websocket"],"pingInterval":20000,"pingTimeout":20000,"maxPayload":1048576}"#;
        let answer = request(lab.address(), "GET", POLLING, "").await;
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=UTF-8")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(
            answer.body.starts_with(r#"0{"sid":""#) && answer.body.ends_with(keys),
            "{}",
            answer.body
        );
        let mut connection = Connection::upgrade(lab.address(), WEBSOCKET, "").await;
        let open = connection.text().await;
        assert!(
            open.ends_with(&keys.replace(r#""websocket""#, "")),
            "{open}"
        );

        let polling = Lab::<SocketIo<Polling>>::start();
        let answer = request(polling.address(), "GET", POLLING, "").await;
        assert!(answer.body.contains(r#""upgrades":[],"#), "{}", answer.body);
    });
}

#[test]
fn what_is_wrong_with_a_request_is_told_with_the_protocols_codes() {
    run(async {
        let lab = lab();
        let unknown = |transport| {
            format!("/socket.io/?EIO=4&transport={transport}&sid=abcdefghijklmnopqrstuv")
        };
        for (method, target, code) in [
            ("GET", "/socket.io/", 0),
            ("GET", "/socket.io/?EIO=4", 0),
            ("GET", "/socket.io/?EIO=4&transport=abc", 0),
            ("GET", &*unknown("polling"), 1),
            ("POST", &unknown("polling"), 1),
            ("GET", "/socket.io/?EIO=4&transport=polling&sid=x", 1),
            ("POST", POLLING, 2),
            ("GET", WEBSOCKET, 3),
            ("GET", "/socket.io/?transport=polling", 5),
            ("GET", "/socket.io/?EIO=abc&transport=polling", 5),
            ("GET", "/socket.io/?EIO=3&transport=polling", 5),
        ] {
            let answer = request(lab.address(), method, target, "").await;
            let told = format!(r#"{{"code":{code},"#);
            assert!(
                answer.status == 400 && answer.body.starts_with(&told),
                "{target}: {}",
                answer.body
            );
        }
        // Before the 101, not behind it.
        for (target, code) in [
            (unknown("websocket"), 1),
            (WEBSOCKET.replace("EIO=4", "EIO=x"), 5),
        ] {
            let text = handshake(lab.address(), &target, "");
            let answer = ask(lab.address(), text.as_bytes()).await.unwrap();
            assert!(
                answer.status == 400 && answer.body.contains(&format!(r#""code":{code}"#)),
                "{}",
                answer.body
            );
        }
        let answer = request(lab.address(), "PUT", POLLING, "").await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, POST, OPTIONS"))
        );
        for target in ["/", "/socket.io", "/socket.io/x", "/engine.io/"] {
            assert_eq!(
                request(lab.address(), "GET", target, "").await.status,
                404,
                "{target}"
            );
        }
        let answer = request(lab.address(), "POST", "/echo", "any bytes").await;
        assert_eq!((answer.status, &*answer.body), (200, "any bytes"));
        assert_eq!(
            request(lab.address(), "GET", "/healthz", "").await.status,
            200
        );
        lab.still_serves().await;
    });
}

#[test]
fn an_arm_serves_its_own_transports_alone() {
    run(async {
        let polling = Lab::<SocketIo<Polling>>::start();
        let text = handshake(polling.address(), WEBSOCKET, "");
        let answer = ask(polling.address(), text.as_bytes()).await.unwrap();
        assert_eq!(
            (answer.status, &*answer.body),
            (400, r#"{"code":0,"message":"Transport unknown"}"#)
        );
        let websocket = Lab::<SocketIo<WebSocket>>::start();
        let answer = request(websocket.address(), "GET", POLLING, "").await;
        assert_eq!(
            (answer.status, &*answer.body),
            (400, r#"{"code":0,"message":"Transport unknown"}"#)
        );
    });
}

#[test]
fn pages_of_foreign_origins_are_refused_and_allowed_ones_may_read() {
    run(async {
        let config = Config {
            allow_origins: vec!["http://page.example:3000".into()],
            ..Config::default()
        };
        let lab = rig::BothLab::start_with(&Limits::default(), config);
        let from = async |method: &str, target: &str, origin: &str| {
            let server = lab.address();
            let text = format!(
                "{method} {target} HTTP/1.1\r\nhost: {server}\r\norigin: {origin}\r\ncontent-length: 0\r\n\r\n"
            );
            ask(server, text.as_bytes()).await.unwrap()
        };
        let allowed = from("GET", POLLING, "http://page.example:3000").await;
        assert_eq!(
            allowed.header("access-control-allow-origin"),
            Some("http://page.example:3000")
        );
        let target = format!("{POLLING}&sid={}", allowed.field("sid").unwrap());
        for method in ["GET", "POST"] {
            let answer = from(method, &target, "http://page.example:3000").await;
            assert_eq!(answer.status, 200);
            assert_eq!(
                answer.header("access-control-allow-origin"),
                Some("http://page.example:3000")
            );
            assert_eq!(
                from(method, &target, "http://evil.example").await.status,
                403
            );
        }
        for (origin, status) in [
            ("http://page.example:3000", 101),
            ("http://evil.example", 403),
        ] {
            let text = handshake(lab.address(), WEBSOCKET, &format!("origin: {origin}\r\n"));
            let mut connection = Connection::open(lab.address()).await;
            connection.send(text.as_bytes()).await;
            assert_eq!(
                connection.answer().await.unwrap().status,
                status,
                "{origin}"
            );
        }
    });
}

#[test]
fn packets_go_both_ways_over_polls() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        assert_eq!(polls.post("40\u{1e}40/echo,").await, (200, "ok".into()));
        let packets = polls.packets(3).await;
        assert!(packets[0].starts_with(r#"40{"sid":""#));
        assert!(packets[2].starts_with(r#"40/echo,{"sid":""#));
        let body = "42/echo,[\"one\"]\u{1e}451-/echo,[\"b\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==";
        assert_eq!(polls.post(body).await, (200, "ok".into()));
        let expected: Vec<_> = body.split('\u{1e}').collect();
        assert_eq!(polls.packets(3).await, expected);
    });
}

#[test]
fn a_poll_waits_for_something_to_say() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        polls.post("40/echo,").await;
        polls.packets(1).await;
        let mut poll = polls.begin_poll().await;
        polls.post(r#"42/echo,["now"]"#).await;
        assert_eq!(poll.answer().await.unwrap().body, r#"42/echo,["now"]"#);
    });
}

#[test]
fn what_is_no_packet_closes_the_session() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        assert_eq!(polls.post("abc").await.0, 400);
        polls.is_unknown().await;
        for text in ["abc", "0", "5", "", "8"] {
            let mut connection = websocket(lab.address()).await;
            say(&mut connection, text).await;
            assert!(end(&mut connection).await.is_empty(), "{text}");
        }
        lab.still_serves().await;
    });
}

#[test]
fn two_polls_at_once_close_the_session() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        let (mut one, mut other) = (polls.begin_poll().await, polls.begin_poll().await);
        let (one, other) = (one.answer().await.unwrap(), other.answer().await.unwrap());
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        let first = if one.status == 200 { one } else { other };
        assert!(matches!(&*first.body, "1" | ""), "{}", first.body);
        polls.is_unknown().await;
    });
}

#[test]
fn a_poll_given_up_ends_the_session() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        polls.post("40").await;
        polls.packets(2).await;
        drop(polls.begin_poll().await);
        lab.until_unconnected().await;
        polls.is_unknown().await;
    });
}

#[test]
fn either_end_closes() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        polls.post("40").await;
        polls.packets(2).await;
        let mut poll = polls.begin_poll().await;
        assert_eq!(polls.post("1").await, (200, "ok".into()));
        assert!(matches!(&*poll.answer().await.unwrap().body, "6" | ""));
        polls.is_unknown().await;

        let (mut connection, _) = entered(lab.address()).await;
        say(&mut connection, "1").await;
        end(&mut connection).await;
        lab.still_serves().await;
    });
}

#[test]
fn whoever_answers_no_ping_is_dead() {
    run(async {
        let lab = quick(100);
        let polls = Polls::open(lab.address()).await;
        polls.is_unknown().await;
        let mut connection = websocket(lab.address()).await;
        end(&mut connection).await;
        // And whoever does lives on: for ten intervals here.
        let (mut connection, _) = entered(lab.address()).await;
        let mut pings = 0;
        while pings < 10 {
            assert_eq!(connection.text().await, "2");
            say(&mut connection, "3").await;
            pings += 1;
        }
        exchange(&mut connection, r#"420["pushlab:request",1]"#, &["430[1]"]).await;
    });
}

/// The engine can't end a WebSocket while it writes to it, and waits for ever for one that isn't read; nothing of it may stay all the same.
#[test]
fn whoever_reads_nothing_is_cut() {
    run(async {
        let lab = quick(100);
        let publisher = lab.publisher();
        let (connection, _) = entered(lab.address()).await;
        let data = format!("\"{}\"", "x".repeat(100_000));
        // More than the sockets of both ends hold; of the rest the mailbox keeps what it may.
        for _ in 0..200 {
            publisher.emit(Audience::Others, "bulk", &data);
            tokio::task::yield_now().await;
        }
        lab.until_unconnected().await;
        drop(connection);
        lab.still_serves().await;
    });
}

#[test]
fn whoever_enters_no_namespace_in_time_is_closed() {
    run(async {
        let config = Config {
            header_timeout: Duration::from_millis(200),
            ..Config::default()
        };
        let lab = rig::BothLab::start_with(&Limits::default(), config);
        let mut connection = websocket(lab.address()).await;
        assert!(end(&mut connection).await.is_empty());
        let polls = Polls::open(lab.address()).await;
        polls.is_unknown().await;
        // Leaving the last one is being in none.
        let (mut connection, _) = entered(lab.address()).await;
        say(&mut connection, "41").await;
        end(&mut connection).await;
        lab.until_sessions(0).await;
    });
}

#[test]
fn a_session_goes_from_polls_to_a_websocket() {
    run(async {
        let lab = lab();
        let polls = Polls::open(lab.address()).await;
        polls.post("40/echo,").await;
        polls.packets(1).await;
        let mut poll = polls.begin_poll().await;
        let target = format!("{WEBSOCKET}&sid={}", polls.sid);
        let mut connection = Connection::upgrade(lab.address(), &target, "").await;
        exchange(&mut connection, "2probe", &["3probe"]).await;
        assert_eq!(
            poll.answer().await.unwrap().body,
            "6",
            "a poll under way is told to end"
        );
        // What is still said over HTTP is heard, and answered by whichever is there.
        assert_eq!(polls.post(r#"42/echo,["before"]"#).await.0, 200);
        say(&mut connection, "5").await;
        assert_eq!(next(&mut connection).await, r#"42/echo,["before"]"#);
        exchange(
            &mut connection,
            r#"42/echo,["after"]"#,
            &[r#"42/echo,["after"]"#],
        )
        .await;
        for (method, body) in [("GET", ""), ("POST", "3")] {
            let answer = request(lab.address(), method, &polls.target(), body).await;
            assert_eq!(
                (answer.status, &*answer.body),
                (400, r#"{"code":3,"message":"Bad request"}"#)
            );
        }
        let again = handshake(lab.address(), &target, "");
        assert_eq!(
            ask(lab.address(), again.as_bytes()).await.unwrap().status,
            400
        );
        exchange(
            &mut connection,
            r#"42/echo,["still"]"#,
            &[r#"42/echo,["still"]"#],
        )
        .await;
    });
}

#[test]
fn a_body_too_large_is_refused_and_the_session_goes_on() {
    run(async {
        let config = Config {
            max_message: 1000,
            ..Config::default()
        };
        let lab = rig::BothLab::start_with(&Limits::default(), config);
        let polls = Polls::open(lab.address()).await;
        polls.post("40/echo,").await;
        polls.packets(1).await;
        assert_eq!(
            polls
                .post(&format!("42/echo,[\"{}\"]", "x".repeat(1000)))
                .await
                .0,
            413
        );
        polls.post(r#"42/echo,["small"]"#).await;
        assert_eq!(polls.packets(1).await, [r#"42/echo,["small"]"#]);
        let (mut connection, _) = entered(lab.address()).await;
        say(&mut connection, &format!("42[\"{}\"]", "x".repeat(1000))).await;
        end(&mut connection).await;
        lab.still_serves().await;
    });
}
