//! Bounds of mailboxes: what can't be kept is told exactly, and the slow delay no one.

use hub::{Limits, SlowConsumer};
use transport::{Audience, Client, Config, Ticket, Transport};

use crate::{Lab, Message, assert_refused};

/// While the session has no connection, its mailbox overflows: the gap counts exactly what went.
pub async fn drop_oldest_counts_what_went<T: Transport>() {
    let lab = Lab::<T>::start_with(&small(SlowConsumer::DropOldest), Config::default());
    let publisher = lab.publisher();
    let mut peer = lab.connect().await;
    let told = publisher.tell(Audience::Others, "count", "0");
    assert_eq!(peer.take(1).await, [told]);
    let (ticket, _) = peer.cut();
    lab.until_unconnected().await;
    let mut expected = vec![Message::Gap(12)];
    for number in 1..=20 {
        let told = publisher.tell(Audience::Others, "count", &number.to_string());
        if number > 12 {
            expected.push(told);
        }
    }
    let mut peer = lab
        .resume(ticket)
        .await
        .expect("the retention window is open");
    assert_eq!(peer.take(9).await, expected);
    assert_eq!(
        peer.client.ticket().received,
        21,
        "a gap counts what it stands for"
    );
    assert_eq!(peer.settled().await, []);
}

/// Of each event name the newest stays, and gaps count the others.
pub async fn conflate_keeps_the_newest_of_each_name<T: Transport>() {
    let lab = Lab::<T>::start_with(&small(SlowConsumer::Conflate), Config::default());
    let publisher = lab.publisher();
    let mut peer = lab.connect().await;
    peer.round_trip().await;
    let (ticket, unread) = peer.cut();
    assert_eq!(unread, []);
    lab.until_unconnected().await;
    publisher.emit(Audience::Others, "rare", "0");
    for number in 1..40 {
        publisher.emit(
            Audience::Others,
            ["x", "y", "z"][number % 3],
            &number.to_string(),
        );
    }
    let mut peer = lab
        .resume(ticket)
        .await
        .expect("the retention window is open");
    let received = peer.settled().await;
    let (mut counted, mut newest) = (0, std::collections::HashMap::new());
    for message in &received {
        match message {
            Message::Gap(missed) => counted += missed,
            Message::Event { event, .. } => {
                assert_eq!(message.number(), counted, "each event stands at its place");
                counted += 1;
                newest.insert(event.as_str(), message.number());
            }
            other => panic!("{other:?} was not sent"),
        }
    }
    assert_eq!(counted, 40);
    assert_eq!(
        newest,
        [("rare", 0), ("x", 39), ("y", 37), ("z", 38)].into()
    );
}

/// A cursor older than what is still kept: the gap tells how much is gone, the rest follows.
pub async fn a_resume_beyond_what_is_kept_gets_a_gap<T: Transport>() {
    let lab = Lab::<T>::start_with(&small(SlowConsumer::Disconnect), Config::default());
    let publisher = lab.publisher();
    let mut peer = lab.connect().await;
    let mut sent = Vec::new();
    for number in 0..30 {
        sent.push(publisher.tell(Audience::Others, "count", &number.to_string()));
        assert_eq!(peer.next().await, sent[number]);
    }
    let (ticket, _) = peer.cut();
    let mut peer = lab
        .resume(Ticket {
            received: 2,
            ..ticket
        })
        .await
        .expect("the session is still there");
    assert!(peer.resumed());
    // Taken first: a mailbox that is full again has no room for a marker.
    let mut received = peer.take(1).await;
    received.extend(peer.settled().await);
    let Some((Message::Gap(missed), rest)) = received.split_first() else {
        panic!("{received:?} begins with no gap")
    };
    // How much was kept depends on how often the transport acknowledges; at least a mailbox full went.
    assert!((20..=28).contains(missed), "{missed}");
    assert_eq!(rest, &sent[2 + *missed as usize..]);
}

/// A session whose mailbox overflows under `disconnect` ends and is told so. Meanwhile all others receive everything in order.
pub async fn disconnect_ends_the_slow_one_alone<T: Transport>() {
    let lab = Lab::<T>::start_with(&roomy(SlowConsumer::Disconnect), Config::default());
    let publisher = lab.publisher();
    let mut slow = lab.connect().await;
    slow.join("flood").await;
    let mut others = lab.connect_many(2).await;
    let bulk = bulk();
    let mut emitted = 0;
    while lab.door().sessions() == 4 {
        assert!(emitted < 2000, "a mailbox of 64 messages takes no end");
        publisher.emit(Audience::Room("flood".into()), "bulk", &bulk);
        let tick = publisher.tell(Audience::Room("ticks".into()), "tick", &emitted.to_string());
        // Whoever isn't slow receives each event while the slow one takes nothing.
        for other in &mut others {
            if emitted == 0 {
                other.join("ticks").await;
            } else {
                assert_eq!(other.next().await, tick);
            }
        }
        emitted += 1;
    }
    assert!(emitted > 64, "the mailbox was not full");
    let (received, error) = slow.end().await;
    assert_refused(&error, 410, 1013);
    assert!(received.len() < emitted);
    for message in received {
        let Message::Event { event, data, .. } = message else {
            panic!("{message:?} came, not an event")
        };
        assert!(event == "bulk" && data == bulk);
    }
    for other in &mut others {
        assert_eq!(other.settled().await, []);
    }
    lab.still_serves().await;
}

/// The same under `drop-oldest`: the slow session goes on with a gap that counts exactly, the others never wait.
pub async fn drop_oldest_lets_the_slow_one_go_on<T: Transport>() {
    let lab = Lab::<T>::start_with(&roomy(SlowConsumer::DropOldest), Config::default());
    let publisher = lab.publisher();
    let mut slow = lab.connect().await;
    slow.join("flood").await;
    let mut other = lab.connect().await;
    let bulk = bulk();
    // More than all socket buffers of a connection hold, so that the mailbox overflows on every transport.
    let count = 300_u64;
    for number in 0..count {
        publisher.emit(Audience::Room("flood".into()), &number.to_string(), &bulk);
        let tick = publisher.tell(
            Audience::Session(other.id().into()),
            "tick",
            &number.to_string(),
        );
        assert_eq!(other.next().await, tick);
    }
    let (mut counted, mut missed_in_all) = (0, 0);
    while counted < count {
        match slow.next().await {
            Message::Gap(missed) => {
                counted += missed;
                missed_in_all += missed;
            }
            Message::Event { event, .. } => {
                assert_eq!(event, counted.to_string(), "each event stands at its place");
                counted += 1;
            }
            other => panic!("{other:?} was not sent"),
        }
    }
    assert_eq!(counted, count);
    assert!(missed_in_all > 0, "nothing overflowed");
    assert_eq!(slow.settled().await, []);
}

/// A mailbox of eight messages.
fn small(slow_consumer: SlowConsumer) -> Limits {
    Limits {
        mailbox_messages: 8,
        slow_consumer,
        ..Limits::default()
    }
}

/// A mailbox of 64 messages of any size.
pub fn roomy(slow_consumer: SlowConsumer) -> Limits {
    Limits {
        mailbox_messages: 64,
        mailbox_bytes: 64 << 20,
        slow_consumer,
        ..Limits::default()
    }
}

/// Data of 64 KiB, of which a few hundred are more than all socket buffers of a connection hold.
pub fn bulk() -> String {
    format!("\"{}\"", "x".repeat(64 << 10))
}
