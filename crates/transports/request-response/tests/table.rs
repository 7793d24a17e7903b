//! The rows of the HTTP table, over real sockets, and the client's settings.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use conformance::raw::{Answer, ask};
use conformance::{Lab, run};
use request_response::RequestResponse;
use transport::{Client, Command, Connection, Incoming, PollPacing, Target, Traffic};

async fn by_hand(
    lab: &Lab<RequestResponse>,
    token: &str,
    method: &str,
    target: &str,
    body: &str,
) -> Answer {
    let (host, length) = (lab.address(), body.len());
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    ask(lab.address(), request.as_bytes()).await.unwrap()
}

#[test]
fn every_row_of_the_table() {
    run(async {
        let lab = Lab::<RequestResponse>::start();
        let answer = by_hand(&lab, "", "POST", "/session", "").await;
        assert_eq!((answer.status, answer.field("op")), (201, Some("welcome")));
        let token = answer.field("token").unwrap().to_owned();
        let session = answer.field("session").unwrap().to_owned();

        let request = r#"{"op":"request","id":7,"data":{"a": [1, null]}}"#;
        let answer = by_hand(&lab, &token, "POST", "/commands", request).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (
                200,
                r#"{"replies":[{"op":"reply","id":7,"data":{"a": [1, null]}}]}"#
            )
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let several = r#" [{"op":"request","id":1,"data":1},{"op":"join","room":"r"},{"op":"request","id":2,"data":"}"}]"#;
        let answer = by_hand(&lab, &token, "POST", "/commands", several).await;
        assert_eq!(
            answer.body,
            r#"{"replies":[{"op":"reply","id":1,"data":1},{"op":"reply","id":2,"data":"}"}]}"#
        );
        let answer = by_hand(
            &lab,
            &token,
            "POST",
            "/commands",
            r#"{"op":"leave","room":"r"}"#,
        )
        .await;
        assert_eq!((answer.status, &*answer.body), (200, r#"{"replies":[]}"#));
        for other in [
            r#"{"op":"resume","token":"x","received":0}"#,
            r#"[{"op":"join","room":"r"},{"op":"end"}]"#,
        ] {
            let answer = by_hand(&lab, &token, "POST", "/commands", other).await;
            assert_eq!(answer.status, 400, "{other}");
        }

        let answer = by_hand(&lab, &token, "GET", "/events?after=0", "").await;
        assert_eq!((answer.status, &*answer.body), (204, ""));
        let emit = r#"[{"op":"emit","to":"everyone","event":"e","data":1},{"op":"emit","to":"sender","event":"f","data":2}]"#;
        assert_eq!(
            by_hand(&lab, &token, "POST", "/commands", emit)
                .await
                .status,
            200
        );
        let answer = by_hand(&lab, &token, "GET", "/events?after=0", "").await;
        let event = |name, data| {
            format!(r#"{{"op":"event","event":"{name}","from":"{session}","data":{data}}}"#)
        };
        assert_eq!(
            (answer.status, answer.body),
            (
                200,
                format!(
                    r#"{{"events":[{},{}],"next":2}}"#,
                    event("e", 1),
                    event("f", 2)
                )
            )
        );
        assert_eq!(
            by_hand(&lab, &token, "GET", "/events?after=2", "")
                .await
                .status,
            204
        );
        // There is no hold here, so nothing could ever come from now on.
        let from_now = by_hand(&lab, &token, "GET", "/events?after=now", "").await;
        assert_eq!(
            (from_now.status, from_now.field("code")),
            (400, Some("malformed"))
        );
        assert_eq!(
            by_hand(&lab, &token, "GET", "/events?after=2&wait=1", "")
                .await
                .status,
            400
        );

        assert_eq!(
            by_hand(&lab, &token, "DELETE", "/session", "").await.status,
            204
        );
        let answer = by_hand(&lab, &token, "GET", "/events", "").await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer"))
        );
        let answer = by_hand(&lab, "", "POST", "/echo", "any [ thing").await;
        assert_eq!((answer.status, &*answer.body), (200, "any [ thing"));
    });
}

/// How many polls a client makes in `time`, and what else went over the wire.
async fn polls(lab: &Lab<RequestResponse>, target: &Target, time: Duration) -> Traffic {
    let mut peer = lab.try_connect(target).await.unwrap();
    let before = peer.client.traffic();
    let polling = poll_fn(|cx| {
        while peer.client.poll(cx, &mut |_| {}).is_ready() {}
        Poll::<()>::Pending
    });
    let _ = tokio::time::timeout(time, polling).await;
    peer.client.traffic() - before
}

#[test]
fn polls_come_at_their_interval_without_drift_or_not_at_all() {
    run(async {
        let lab = Lab::<RequestResponse>::start();
        let mut target = lab.target();
        target.options.poll_interval = Duration::from_millis(10);
        // A busy machine may be late, and then skips; more polls than intervals there can't be.
        for (pacing, least) in [(PollPacing::FixedRate, 20), (PollPacing::FixedDelay, 10)] {
            target.options.poll_pacing = pacing;
            let traffic = polls(&lab, &target, Duration::from_millis(505)).await;
            assert!(
                (least..=51).contains(&traffic.requests),
                "{pacing:?}: {traffic:?}"
            );
            assert!(
                traffic.requests - traffic.empty_responses <= 1,
                "{traffic:?}"
            );
            assert_eq!(
                traffic.connections, 1,
                "polls have a connection of their own, and keep it"
            );
        }
        target.options.polls = false;
        // The last acknowledgement may come a little later.
        let quiet = Traffic {
            ip: None,
            ..polls(&lab, &target, Duration::from_millis(100)).await
        };
        assert_eq!(quiet, Traffic::default());
        // Without a poll a reply still comes.
        let mut peer = lab.try_connect(&target).await.unwrap();
        peer.round_trip().await;
    });
}

#[test]
fn a_fresh_connection_for_each_request_is_one() {
    run(async {
        let lab = Lab::<RequestResponse>::start();
        let mut target = lab.target();
        target.options.connection = Connection::Fresh;
        target.options.polls = false;
        let mut peer = lab.try_connect(&target).await.unwrap();
        for _ in 0..10 {
            peer.round_trip().await;
        }
        let traffic = peer.client.traffic();
        assert_eq!((traffic.requests, traffic.connections), (11, 11));
        // Of a closed connection too: SYN, the acknowledgement of the answer to it, the request; SYN-ACK and the answer.
        let ip = traffic.ip.unwrap();
        assert!(
            ip.segments_up >= 33 && ip.segments_down >= 22,
            "{traffic:?}"
        );
        assert!(ip.bytes_up >= traffic.wire_up + 33 * 40, "{traffic:?}");
        assert!(ip.bytes_down >= traffic.wire_down + 22 * 40, "{traffic:?}");
        peer.client.close().await.unwrap();
        lab.until_unconnected().await;
    });
}

#[test]
fn commands_queued_meanwhile_share_a_request_and_a_pool_shares_them_out() {
    run(async {
        let lab = Lab::<RequestResponse>::start();
        let mut target = lab.target();
        target.options.polls = false;
        for (pool, requests) in [(1, 2), (3, 4)] {
            target.options.pool = pool;
            let mut peer = lab.try_connect(&target).await.unwrap();
            let before = peer.client.traffic();
            let mut replies = Vec::new();
            for id in 0..100 {
                peer.client.send(&Command::Request {
                    id,
                    data: "\"12345\"",
                });
                // The first goes out at once, the others wait for a line.
                let polled = poll_fn(|cx| {
                    Poll::Ready(
                        peer.client
                            .poll(cx, &mut |reply| note(&mut replies, &reply)),
                    )
                })
                .await;
                assert!(!matches!(polled, Poll::Ready(Err(_))));
            }
            while replies.len() < 100 {
                poll_fn(|cx| {
                    peer.client
                        .poll(cx, &mut |reply| note(&mut replies, &reply))
                })
                .await
                .unwrap();
            }
            if pool == 1 {
                assert_eq!(
                    replies,
                    (0..100).collect::<Vec<u64>>(),
                    "one line keeps the order"
                );
            }
            replies.sort_unstable();
            assert_eq!(replies, (0..100).collect::<Vec<u64>>());
            let traffic = peer.client.traffic() - before;
            assert_eq!((traffic.payload_up, traffic.payload_down), (700, 700));
            assert!(
                traffic.requests >= requests && traffic.requests < 50,
                "pool {pool}: {traffic:?}"
            );
            assert_eq!(traffic.connections, pool as u64 - 1);
        }
    });
}

fn note(replies: &mut Vec<u64>, message: &Incoming<'_>) {
    match message {
        Incoming::Reply { id, .. } => replies.push(*id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_than_fits_a_request_goes_in_several() {
    run(async {
        let lab = Lab::<RequestResponse>::start();
        let mut peer = lab.connect().await;
        let data = format!("\"{}\"", "x".repeat(100_000));
        for id in 0..30 {
            peer.client.send(&Command::Request { id, data: &data });
        }
        let mut replies = Vec::new();
        while replies.len() < 30 {
            poll_fn(|cx| {
                peer.client
                    .poll(cx, &mut |reply| note(&mut replies, &reply))
            })
            .await
            .unwrap();
        }
        assert_eq!(replies, (0..30).collect::<Vec<u64>>());
    });
}

#[test]
fn a_connection_closed_while_idle_is_opened_again() {
    run(async {
        let quick = Duration::from_millis(100);
        let config = transport::Config {
            idle_timeout: quick,
            ..transport::Config::default()
        };
        let lab = Lab::<RequestResponse>::start_with(&hub::Limits::default(), config);
        let mut target = lab.target();
        target.options.polls = false;
        let mut peer = lab.try_connect(&target).await.unwrap();
        peer.round_trip().await;
        lab.until_unconnected().await;
        peer.round_trip().await;
        assert_eq!(peer.client.traffic().connections, 2);
        peer.client.close().await.unwrap();
        lab.until_sessions(0).await;
    });
}
