//! Streams that last: quiet ones, ones that nobody reads, ones whose client is gone.

use std::time::Duration;

use crate::rig::{Hand, Stream};
use conformance::cases::slow::{bulk, roomy};
use conformance::lab::until;
use conformance::raw::Connection;
use conformance::run;
use hub::{Limits, SlowConsumer};
use transport::{Audience, Config};

fn quick() -> Config {
    let quick = Duration::from_millis(200);
    Config {
        header_timeout: quick,
        body_timeout: quick,
        idle_timeout: quick,
        ..Config::default()
    }
}

#[test]
fn a_quiet_stream_is_late_for_nothing() {
    run(async {
        let hand = Hand::with(&Limits::default(), quick()).await;
        let mut stream = hand.stream("/events", "").await;
        assert_eq!(stream.number().await, (0, None));
        for _ in 0..4 {
            // Each is idle for too long, one behind the other.
            let mut idle = Connection::open(hand.lab.address()).await;
            idle.until_closed().await;
        }
        hand.emit(1);
        assert_eq!(stream.number().await, (1, Some(1)));
        assert_eq!(hand.lab.connections(), 1);
    });
}

#[test]
fn an_overflow_is_the_last_that_is_said() {
    run(async {
        let hand = Hand::with(&roomy(SlowConsumer::Disconnect), Config::default()).await;
        let stream = hand.stream("/events", "").await;
        let publisher = hand.lab.publisher();
        let mut emitted = 0;
        while hand.lab.door().sessions() == 2 {
            assert!(emitted < 2000, "a mailbox of 64 messages takes no end");
            publisher.emit(Audience::Others, "bulk", &bulk());
            emitted += 1;
            tokio::task::yield_now().await;
        }
        assert!(emitted > 64, "the mailbox was not full");
        // What had been taken from it before comes, then why it ends.
        let (code, before, _) = stream.end().await;
        assert_eq!(code, "gone");
        assert!(before < emitted, "{before} of {emitted}");
        let back = hand.ask("GET", "/events", "Last-Event-ID: 0\r\n", "").await;
        assert_eq!(back.status, 204);
    });
}

#[test]
fn who_stops_reading_costs_a_mailbox_and_goes() {
    run(async {
        let hand = Hand::with(&roomy(SlowConsumer::DropOldest), quick()).await;
        let mut stream = hand.stream("/events", "").await;
        assert_eq!(stream.number().await, (0, None));
        let publisher = hand.lab.publisher();
        let mut emitted = 0;
        until("the end of a connection that takes nothing", || {
            // At most so much that what the sockets hold is far exceeded, and the mailbox too.
            if emitted < 400 {
                publisher.emit(Audience::Others, &emitted.to_string(), &bulk());
                emitted += 1;
            }
            hand.lab.connections() == 0
        })
        .await;
        drop(stream);
        // The session waits, as for any client that is cut; what its mailbox had no room for is a gap.
        let mut stream = hand.stream("/events", "Last-Event-ID: 0\r\n").await;
        assert_eq!(stream.number().await, (0, None));
        let (id, gap) = stream.event().await.unwrap();
        let missed = emitted - 64;
        assert_eq!(
            (id, gap),
            (Some(missed), format!(r#"{{"op":"gap","missed":{missed}}}"#))
        );
        for id in missed + 1..=emitted {
            assert_eq!(stream.event().await.unwrap().0, Some(id));
        }
    });
}

#[test]
fn a_drain_waits_for_nobody_who_never_reads() {
    run(async {
        let config = Config {
            drain_notice: Duration::ZERO,
            drain_grace: Duration::from_millis(300),
            ..Config::default()
        };
        let hand = Hand::with(&roomy(SlowConsumer::DropOldest), config).await;
        let mut stream = hand.stream("/events", "").await;
        assert_eq!(stream.number().await, (0, None));
        let publisher = hand.lab.publisher();
        for _ in 0..400 {
            publisher.emit(Audience::Others, "bulk", &bulk());
            tokio::task::yield_now().await;
        }
        hand.lab.drain();
        hand.lab.ended().await;
        drop(stream);
    });
}

#[test]
fn who_reads_slowly_stays() {
    run(async {
        let config = Config {
            body_timeout: Duration::from_secs(2),
            ..Config::default()
        };
        let hand = Hand::with(&roomy(SlowConsumer::DropOldest), config).await;
        let mut stream = hand.stream("/events", "").await;
        let publisher = hand.lab.publisher();
        // Full at the beginning, and a little is taken again and again for longer than a stall may take.
        for number in 0..300_u64 {
            publisher.emit(Audience::Others, &number.to_string(), &bulk());
        }
        let begun = std::time::Instant::now();
        let mut id = None;
        while begun.elapsed() < Duration::from_secs(4) {
            let (next, _) = stream.event().await.expect("the stream goes on");
            assert!(next > id || id.is_none());
            id = next;
            if id == Some(300) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        hand.emit(1);
        while id < Some(301) {
            id = stream.event().await.expect("the stream goes on").0;
        }
    });
}

#[test]
fn a_client_that_vanishes_frees_its_place_and_loses_nothing() {
    run(async {
        let hand = Hand::new().await;
        drop(hand.stream("/events", "").await);
        hand.lab.until_unconnected().await;
        hand.emit(1);
        // With a next request sent too early, which nobody reads meanwhile; and by the end of its side alone.
        for early in ["", "GET /healthz HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r\n"] {
            for half in [true, false] {
                let request = hand.request("GET", "/events?after=0", "", "") + early;
                let mut stream = Stream::open(&hand.lab, &request).await;
                assert!(stream.line().await.starts_with("retry: "));
                assert_eq!(stream.number().await, (0, None));
                assert_eq!(stream.number().await, (1, Some(1)));
                if half {
                    stream.connection.finish().await;
                    hand.lab.until_unconnected().await;
                }
            }
            hand.lab.until_unconnected().await;
        }
    });
}
