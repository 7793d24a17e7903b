//! The rows of the HTTP table, over real sockets, and what a held poll owes.

use std::time::{Duration, Instant};

use conformance::lab::until;
use conformance::raw::{Answer, Connection, ask, open_session};
use conformance::{Lab, run};
use hub::Limits;
use long_poll::LongPoll;
use transport::{Audience, Client, Config, Protocol, Target};

/// A session by hand.
struct Hand {
    lab: Lab<LongPoll>,
    token: String,
}

impl Hand {
    async fn with(config: Config) -> Self {
        let lab = Lab::<LongPoll>::start_with(&Limits::default(), config);
        let token = open_session(lab.address()).await;
        Self { lab, token }
    }

    fn request(&self, method: &str, target: &str, body: &str) -> String {
        let (host, token, length) = (self.lab.address(), &self.token, body.len());
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {length}\r\n")
        };
        format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{length}\r\n{body}"
        )
    }

    async fn ask(&self, method: &str, target: &str, body: &str) -> Answer {
        ask(
            self.lab.address(),
            self.request(method, target, body).as_bytes(),
        )
        .await
        .unwrap()
    }

    /// A connection with a poll that has arrived in the hub.
    async fn park(&self, target: &str) -> Connection {
        let mut connection = Connection::open(self.lab.address()).await;
        connection
            .send(self.request("GET", target, "").as_bytes())
            .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        connection
    }

    fn emit(&self, number: u32) {
        self.lab
            .publisher()
            .emit(Audience::Everyone, "tick", &number.to_string());
    }
}

fn numbers(answer: &Answer) -> (Vec<u32>, u64) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (events, next) = answer.body.rsplit_once(r#"],"next":"#).unwrap();
    let events = events
        .split(r#""data":"#)
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap().parse().unwrap());
    (
        events.collect(),
        next.trim_end_matches('}').parse().unwrap(),
    )
}

#[test]
fn commands_are_accepted_and_replies_are_messages() {
    run(async {
        let hand = Hand::with(Config::default()).await;
        let answer = hand
            .ask("POST", "/commands", r#"{"op":"request","id":1,"data":1}"#)
            .await;
        assert_eq!((answer.status, &*answer.body), (202, ""));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let both = r#"[{"op":"request","id":2,"data":2},{"op":"emit","to":"sender","event":"e","data":3}]"#;
        assert_eq!(hand.ask("POST", "/commands", both).await.status, 202);
        assert_eq!(
            numbers(&hand.ask("GET", "/events?after=0", "").await),
            (vec![1, 2, 3], 3)
        );
        assert_eq!(hand.ask("DELETE", "/session", "").await.status, 204);
        assert_eq!(hand.ask("DELETE", "/session", "").await.status, 401);
        assert_eq!(
            hand.ask("GET", "/events", "")
                .await
                .header("www-authenticate"),
            Some("Bearer")
        );
    });
}

#[test]
fn a_poll_is_held_until_an_event_or_its_time_and_the_cursor_acknowledges() {
    run(async {
        let hand = Hand::with(Config::default()).await;
        let begun = Instant::now();
        let answer = hand.ask("GET", "/events?after=0&wait=0.2", "").await;
        assert_eq!((answer.status, &*answer.body), (204, ""));
        assert!(begun.elapsed() >= Duration::from_millis(200));
        assert_eq!(hand.ask("GET", "/events?wait=0", "").await.status, 204);

        let mut poll = hand.park("/events?after=0").await;
        hand.emit(1);
        assert_eq!(numbers(&poll.answer().await.unwrap()), (vec![1], 1));
        hand.emit(2);
        hand.emit(3);
        // Without a newer cursor nothing is forgotten; with it, what was received is.
        assert_eq!(
            numbers(&hand.ask("GET", "/events?after=0", "").await),
            (vec![1, 2, 3], 3)
        );
        assert_eq!(
            numbers(&hand.ask("GET", "/events?after=1", "").await),
            (vec![2, 3], 3)
        );
        assert_eq!(
            numbers(&hand.ask("GET", "/events", "").await),
            (vec![2, 3], 3)
        );
        assert_eq!(
            hand.ask("GET", "/events?after=3&wait=0", "").await.status,
            204
        );
        // The connection of a held poll serves the next one.
        poll.send(hand.request("GET", "/events?after=3&wait=0", "").as_bytes())
            .await;
        assert_eq!(poll.answer().await.unwrap().status, 204);
        let body = hand.request("GET", "/events?after=3&wait=0", "x");
        assert_eq!(
            ask(hand.lab.address(), body.as_bytes())
                .await
                .unwrap()
                .status,
            400
        );
    });
}

/// `after=now`: what came before the poll is forgotten, without a gap; what comes while it is held is the answer.
#[test]
fn a_poll_without_a_cursor_gets_what_comes_while_it_waits() {
    run(async {
        let hand = Hand::with(Config::default()).await;
        hand.emit(1);
        let answer = hand.ask("GET", "/events?after=now&wait=0", "").await;
        assert_eq!((answer.status, &*answer.body), (204, ""));
        let mut poll = hand.park("/events?after=now").await;
        hand.emit(2);
        assert_eq!(numbers(&poll.answer().await.unwrap()), (vec![2], 2));
        hand.emit(3);
        hand.emit(4);
        let mut poll = hand.park("/events?after=now").await;
        hand.emit(5);
        assert_eq!(numbers(&poll.answer().await.unwrap()), (vec![5], 5));
        // It counts as received: a poll with a cursor can't have it back.
        assert_eq!(
            numbers(&hand.ask("GET", "/events?after=0", "").await),
            (vec![5], 5)
        );
        let answer = hand.ask("GET", "/events?after=6", "").await;
        assert_eq!(answer.status, 400);
    });
}

/// What is published while no poll is under way: lost without a cursor, and received with one.
#[test]
fn a_client_without_a_cursor_loses_what_comes_between_two_polls() {
    run(async {
        for cursor in [true, false] {
            let lab = Lab::<LongPoll>::start();
            let publisher = lab.publisher();
            let mut target: Target = lab.target();
            target.options.cursor = cursor;
            let mut peer = lab.try_connect(&target).await.unwrap();
            let emit = |number: u64| {
                publisher.emit(Audience::Others, "count", &number.to_string());
            };
            // Until something has come a poll asks for all there is, so nothing is lost before it.
            emit(0);
            assert_eq!(peer.next().await.number(), 0);
            for round in 1..20 {
                // A peer polls only while it is awaited, and an answer ends its poll: there is none now.
                let (between, while_held) = (round * 1000, round * 1000 + 1);
                emit(between);
                // Again and again, since nobody says when the poll has arrived.
                let ticking = async {
                    for number in while_held.. {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        emit(number);
                    }
                };
                let first = async {
                    loop {
                        // An answer of the last round may have had several.
                        let number = peer.next().await.number();
                        if number >= between {
                            return number;
                        }
                    }
                };
                let first = tokio::select! {
                    biased;
                    first = first => first,
                    () = ticking => unreachable!("it goes on for ever"),
                };
                assert_eq!(first == between, cursor, "{first} came first in {round}");
            }
        }
    });
}

#[test]
fn a_second_poll_ends_the_first() {
    run(async {
        let hand = Hand::with(Config::default()).await;
        let mut first = hand.park("/events?after=0").await;
        let mut second = hand.park("/events?after=0").await;
        let answer = first.answer().await.unwrap();
        assert_eq!(
            (answer.status, answer.field("code")),
            (409, Some("conflict"))
        );
        hand.emit(1);
        assert_eq!(numbers(&second.answer().await.unwrap()), (vec![1], 1));
    });
}

#[test]
fn a_client_that_vanishes_frees_its_place_and_loses_nothing() {
    run(async {
        let hand = Hand::with(Config::default()).await;
        drop(hand.park("/events?after=0").await);
        hand.lab.until_unconnected().await;
        hand.emit(1);
        assert_eq!(
            numbers(&hand.ask("GET", "/events?after=0", "").await),
            (vec![1], 1)
        );
    });
}

#[test]
fn without_batching_an_answer_has_one_message() {
    run(async {
        let hand = Hand::with(Config {
            batching: false,
            ..Config::default()
        })
        .await;
        (1..=3).for_each(|number| hand.emit(number));
        for number in 1..=3 {
            let answer = hand
                .ask("GET", &format!("/events?after={}", number - 1), "")
                .await;
            assert_eq!(numbers(&answer), (vec![number], u64::from(number)));
        }
        assert_eq!(
            hand.ask("GET", "/events?after=3&wait=0", "").await.status,
            204
        );
    });
}

#[test]
fn a_drain_answers_held_polls() {
    run(async {
        let hand = Hand::with(Config::default()).await;
        let mut poll = hand.park("/events?after=0").await;
        hand.lab.drain();
        assert_eq!(poll.answer().await.unwrap().status, 204);
        poll.send(hand.request("GET", "/events?after=0", "").as_bytes())
            .await;
        assert_eq!(poll.answer().await.unwrap().status, 503);
        hand.lab.ended().await;
    });
}

#[test]
fn a_session_is_found_again_by_its_token() {
    run(async {
        let hand = Hand::with(Config::default()).await;
        let again = hand.ask("POST", "/session", "").await;
        assert_eq!(
            (again.status, again.field("token")),
            (200, Some(&*hand.token))
        );
        assert!(again.body.contains(r#""resumed":true"#));
        assert_eq!(hand.ask("DELETE", "/session", "").await.status, 204);
        let fresh = hand.ask("POST", "/session", "").await;
        assert_eq!(fresh.status, 201);
        assert!(fresh.body.contains(r#""resumed":false"#));
    });
}

#[test]
fn a_client_asks_for_its_hold_and_counts_what_it_sends() {
    run(async {
        let lab = Lab::<LongPoll>::start();
        let mut target: Target = lab.target();
        target.options.hold = Duration::from_millis(100);
        let mut peer = lab.try_connect(&target).await.unwrap();
        let opened = peer.client.traffic();
        assert_eq!((opened.requests, opened.connections), (1, 1));
        peer.round_trip().await;
        until("two expired holds", || {
            let waker = std::task::Waker::noop();
            let _ = peer
                .client
                .poll(&mut std::task::Context::from_waker(waker), &mut |_| {});
            peer.client.traffic().empty_responses >= 2
        })
        .await;
        let traffic = peer.client.traffic();
        // POST /session, POST /commands, GET answered by the reply, two empty, one under way.
        assert_eq!(
            (
                traffic.requests,
                traffic.empty_responses,
                traffic.connections
            ),
            (6, 2, 2)
        );
        assert_eq!(traffic.payload_up, traffic.payload_down);
        assert!(
            traffic.payload_up > 0
                && traffic.wire_up > traffic.payload_up
                && traffic.wire_down > traffic.payload_down
        );
        peer.client.close().await.unwrap();
        lab.until_sessions(0).await;
    });
}

#[test]
fn other_urls_are_no_targets() {
    run(async {
        for url in [
            "https://localhost:1",
            "ws://localhost:1",
            "localhost:1",
            "http://",
            "http://localhost:1/path",
            "http://u@localhost:1",
        ] {
            let error = LongPoll::connect(&Target::new(url)).await.unwrap_err();
            assert!(
                matches!(error, transport::ClientError::Target { .. }),
                "{url}: {error}"
            );
        }
    });
}

#[test]
fn a_session_goes_on_where_every_answer_ends_its_connection() {
    run(async {
        let config = Config {
            keep_alive: false,
            ..Config::default()
        };
        let lab = Lab::<LongPoll>::start_with(&Limits::default(), config);
        let mut peer = lab.connect().await;
        peer.join("room").await;
        let publisher = lab.publisher();
        for number in 0..5 {
            let sent = publisher.tell(Audience::Room("room".into()), "tick", &number.to_string());
            assert_eq!(peer.next().await, sent);
            peer.round_trip().await;
        }
    });
}
