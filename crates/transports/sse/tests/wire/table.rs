//! The rows of the HTTP table, over real sockets, and a stream by the byte.

use std::time::Duration;

use crate::rig::{Hand, Stream};
use conformance::raw::{Connection, ask};
use conformance::run;
use hub::{Limits, SlowConsumer};
use transport::{Audience, Config};

#[test]
fn commands_are_accepted_and_replies_are_messages() {
    run(async {
        let hand = Hand::new().await;
        let answer = hand
            .ask(
                "POST",
                "/commands",
                "",
                r#"{"op":"request","id":1,"data":1}"#,
            )
            .await;
        assert_eq!((answer.status, &*answer.body), (202, ""));
        let both = r#"[{"op":"request","id":2,"data":2},{"op":"emit","to":"sender","event":"e","data":3}]"#;
        assert_eq!(hand.ask("POST", "/commands", "", both).await.status, 202);
        let mut stream = hand.stream("/events", "").await;
        for expected in [(0, None), (1, Some(1)), (2, Some(2)), (3, Some(3))] {
            assert_eq!(stream.number().await, expected);
        }
        assert_eq!(hand.ask("DELETE", "/session", "", "").await.status, 204);
        assert_eq!(hand.ask("DELETE", "/session", "", "").await.status, 401);
    });
}

#[test]
fn a_stream_is_these_bytes() {
    run(async {
        let hand = Hand::new().await;
        let mut stream = Stream::open(&hand.lab, &hand.request("GET", "/events", "", "")).await;
        let first = stream.connection.chunk().await.unwrap();
        let rest = first.strip_prefix("retry: ").unwrap();
        let (retry, rest) = rest.split_once('\n').unwrap();
        assert!(
            (2000..=4000).contains(&retry.parse::<u32>().unwrap()),
            "{first:?}"
        );
        assert_eq!(rest, "id: 0\n\n");
        let publisher = hand.lab.publisher();
        let from = publisher.id();
        // A line end between tokens would end the field, a blank line the event.
        for (sent, told) in [
            ("\"a\"", "\"a\""),
            ("[1,\n\n2,\r\r3,\r\n4]", "[1,  2,  3,  4]"),
        ] {
            publisher.emit(Audience::Others, "e", sent);
            let chunk = stream.connection.chunk().await.unwrap();
            let (id, rest) = chunk.split_once('\n').unwrap();
            assert_eq!(id, if sent == told { "id: 1" } else { "id: 2" });
            assert_eq!(
                rest,
                format!(
                    "data: {{\"op\":\"event\",\"event\":\"e\",\"from\":\"{from}\",\"data\":{told}}}\n\n"
                )
            );
        }
    });
}

#[test]
fn who_knows_no_chunks_is_told_until_the_connection_ends() {
    run(async {
        let hand = Hand::new().await;
        hand.emit(1);
        let request = hand
            .request("GET", "/events", "", "")
            .replace("HTTP/1.1", "HTTP/1.0");
        let mut connection = Connection::open(hand.lab.address()).await;
        connection.send(request.as_bytes()).await;
        let answer = connection.answer().await.unwrap();
        assert_eq!(
            (answer.status, answer.header("transfer-encoding")),
            (200, None)
        );
        for start in ["retry: ", "id: 0", "id: 1", "data: {"] {
            let line = connection.line().await.unwrap();
            assert!(line.starts_with(start), "{line}");
        }
        assert_eq!(hand.ask("DELETE", "/session", "", "").await.status, 204);
        assert!(connection.line().await.unwrap().contains("unauthorized"));
        assert_eq!(connection.line().await, None);
    });
}

#[test]
fn all_that_waits_is_one_chunk_or_each_its_own() {
    run(async {
        for batching in [true, false] {
            let config = Config {
                batching,
                ..Config::default()
            };
            let hand = Hand::with(&Limits::default(), config).await;
            (1..=3).for_each(|number| hand.emit(number));
            let mut stream = Stream::open(&hand.lab, &hand.request("GET", "/events", "", "")).await;
            let mut chunks = vec![stream.connection.chunk().await.unwrap()];
            while chunks.concat().matches("data: ").count() < 3 {
                chunks.push(stream.connection.chunk().await.unwrap());
            }
            let each: Vec<usize> = chunks
                .iter()
                .map(|chunk| chunk.matches("data: ").count())
                .collect();
            assert_eq!(each, if batching { vec![3] } else { vec![1, 1, 1] });
        }
    });
}

#[test]
fn the_retry_is_what_was_asked_for_and_no_two_are_the_same() {
    run(async {
        let config = Config {
            sse_retry: Duration::from_secs(600),
            ..Config::default()
        };
        let hand = Hand::with(&Limits::default(), config).await;
        let mut retries = Vec::new();
        for _ in 0..4 {
            let request = hand.request("GET", "/events", "", "");
            let line = Stream::open(&hand.lab, &request).await.line().await;
            let retry: u32 = line.strip_prefix("retry: ").unwrap().parse().unwrap();
            assert!((600_000..=1_200_000).contains(&retry), "{line}");
            retries.push(retry);
        }
        retries.dedup();
        assert!(retries.len() > 1, "{retries:?}");
    });
}

#[test]
fn a_stream_goes_on_where_it_is_asked_to() {
    run(async {
        let hand = Hand::new().await;
        (1..=3).for_each(|number| hand.emit(number));
        let mut stream = hand.stream("/events", "").await;
        for expected in [(0, None), (1, Some(1)), (2, Some(2)), (3, Some(3))] {
            assert_eq!(stream.number().await, expected);
        }
        for (target, fields, from) in [
            // Nothing was told yet.
            ("/events", "", 0),
            ("/events?after=1", "", 1),
            // From what was told last.
            ("/events", "", 1),
            ("/events", "Last-Event-ID: 1\r\n", 1),
            ("/events?after=1", "Last-Event-ID: 2\r\n", 2),
            ("/events?after=now", "Last-Event-ID: 2\r\n", 400),
            ("/events", "Last-Event-ID: 4\r\n", 400),
            ("/events?after=4", "", 400),
            ("/events", "", 2),
        ] {
            if from == 400 {
                assert_eq!(hand.ask("GET", target, fields, "").await.status, 400);
                continue;
            }
            let mut stream = hand.stream(target, fields).await;
            assert_eq!(stream.number().await, (from, None), "{target} {fields}");
            for number in from + 1..=3 {
                assert_eq!(stream.number().await, (number, Some(number)));
            }
        }
        // By the token in the query, as a browser asks.
        let request = format!(
            "GET /events?after=2&token={} HTTP/1.1\r\nHost: {}\r\n\r\n",
            hand.token,
            hand.lab.address()
        );
        let mut stream = Stream::open(&hand.lab, &request).await;
        assert!(stream.line().await.starts_with("retry: "));
        assert_eq!(stream.number().await, (2, None));
        assert_eq!(stream.number().await, (3, Some(3)));
    });
}

#[test]
fn a_gap_moves_the_id() {
    run(async {
        let limits = Limits {
            mailbox_messages: 2,
            slow_consumer: SlowConsumer::DropOldest,
            ..Limits::default()
        };
        let hand = Hand::with(&limits, Config::default()).await;
        (1..=5).for_each(|number| hand.emit(number));
        let mut stream = hand.stream("/events", "").await;
        assert_eq!(stream.number().await, (0, None));
        let gap = (Some(3), r#"{"op":"gap","missed":3}"#.to_owned());
        assert_eq!(stream.event().await, Some(gap));
        assert_eq!(stream.number().await, (4, Some(4)));
        assert_eq!(stream.number().await, (5, Some(5)));
    });
}

#[test]
fn silence_is_broken_by_comments() {
    run(async {
        let config = Config {
            sse_heartbeat: Duration::from_millis(60),
            ..Config::default()
        };
        let hand = Hand::with(&Limits::default(), config).await;
        let mut stream = hand.stream("/events", "").await;
        assert_eq!(stream.number().await, (0, None));
        for number in 1..=3 {
            assert_eq!(stream.connection.chunk().await.as_deref(), Some(":\n\n"));
            hand.emit(number);
            assert_eq!(
                stream.number().await,
                (u64::from(number), Some(u64::from(number)))
            );
        }
    });
}

#[test]
fn who_comes_back_for_a_session_that_is_over_is_told_so_for_good() {
    run(async {
        // Ended by its client.
        let hand = Hand::new().await;
        hand.emit(1);
        let mut stream = hand.stream("/events", "").await;
        assert_eq!(stream.number().await, (0, None));
        assert_eq!(stream.number().await, (1, Some(1)));
        assert_eq!(hand.ask("DELETE", "/session", "", "").await.status, 204);
        let (code, before, _) = stream.end().await;
        assert_eq!((&*code, before), ("unauthorized", 0));
        over(&hand, 401).await;

        // Expired.
        let limits = Limits {
            retention: Duration::from_millis(100),
            ..Limits::default()
        };
        let hand = Hand::with(&limits, Config::default()).await;
        drop(hand.stream("/events", "").await);
        hand.lab.until_sessions(0).await;
        over(&hand, 401).await;

        // Overflowed while nobody was there.
        let limits = Limits {
            mailbox_messages: 2,
            ..Limits::default()
        };
        let hand = Hand::with(&limits, Config::default()).await;
        (1..=3).for_each(|number| hand.emit(number));
        over(&hand, 410).await;
    });
}

/// The session is over: 204 for who comes back, else `status`.
async fn over(hand: &Hand, status: u16) {
    for target in ["/events", "/events?after=0"] {
        let back = hand.ask("GET", target, "Last-Event-ID: 1\r\n", "").await;
        assert_eq!((back.status, &*back.body), (204, ""), "{back:?}");
        assert_eq!(back.header("cache-control"), Some("no-store"));
        assert_eq!(hand.ask("GET", target, "", "").await.status, status);
    }
}

#[test]
fn a_second_stream_ends_the_first_whose_connection_goes_on() {
    run(async {
        let hand = Hand::new().await;
        let first = hand.stream("/events", "").await;
        let mut second = hand.stream("/events", "").await;
        let (code, _, mut connection) = first.end().await;
        assert_eq!(code, "conflict");
        hand.emit(1);
        assert_eq!(second.number().await, (0, None));
        assert_eq!(second.number().await, (1, Some(1)));
        // Kept alive, for a stream that takes over in turn.
        let request = hand.request("GET", "/events?after=1", "", "");
        connection.send(request.as_bytes()).await;
        assert_eq!(connection.answer().await.unwrap().status, 200);
        assert!(connection.chunk().await.unwrap().ends_with("id: 1\n\n"));
        assert_eq!(second.end().await.0, "conflict");
    });
}

#[test]
fn a_drain_says_what_waits_and_then_why() {
    run(async {
        let config = Config {
            drain_notice: Duration::from_secs(2),
            ..Config::default()
        };
        let hand = Hand::with(&Limits::default(), config).await;
        let stream = hand.stream("/events", "").await;
        hand.emit(1);
        hand.lab.drain();
        let (code, before, mut connection) = stream.end().await;
        assert_eq!((&*code, before), ("draining", 1));
        connection
            .send(hand.request("GET", "/events", "", "").as_bytes())
            .await;
        assert_eq!(connection.answer().await.unwrap().status, 503);
        hand.lab.ended().await;
    });
}

#[test]
fn pages_of_allowed_origins_may_listen() {
    run(async {
        let config = Config {
            allow_origins: vec!["http://page.example:3000".into()],
            ..Config::default()
        };
        let hand = Hand::with(&Limits::default(), config).await;
        let request = hand.request("GET", "/events", "Origin: http://page.example:3000\r\n", "");
        let mut connection = Connection::open(hand.lab.address()).await;
        connection.send(request.as_bytes()).await;
        let answer = connection.answer().await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("http://page.example:3000")
        );
        assert_eq!(answer.header("vary"), Some("origin"));
        let foreign = hand
            .ask("GET", "/events", "Origin: http://evil.example\r\n", "")
            .await;
        assert_eq!(
            (foreign.status, foreign.field("code")),
            (403, Some("origin"))
        );
        assert_eq!(foreign.header("access-control-allow-origin"), None);
        let preflight = format!(
            "OPTIONS /events HTTP/1.1\r\nHost: {}\r\nOrigin: http://page.example:3000\r\nAccess-Control-Request-Method: GET\r\n\
             Access-Control-Request-Headers: last-event-id\r\n\r\n",
            hand.lab.address()
        );
        let answer = ask(hand.lab.address(), preflight.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 204);
        let fields = answer.header("access-control-allow-headers").unwrap();
        assert!(fields.contains("last-event-id"), "{fields}");
    });
}
