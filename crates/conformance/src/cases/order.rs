//! Order for each sender, and one order for all.

use std::time::Duration;

use transport::{Audience, Client, ClientOptions, Connection, PollPacing, Target, Transport};

use crate::lab::within;
use crate::{Lab, Message, Peer};

const EACH: u64 = 60;

/// What one sender emits arrives in the order in which it was emitted, however it was batched.
pub async fn a_sender_keeps_its_order<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peers = lab.connect_many(2).await;
    let mut next = 0;
    for batch in [1, 2, 3, 5, 8, 13, 21, 34, 1, 1] {
        for _ in 0..batch {
            let to = if next % 2 == 0 {
                Audience::Everyone
            } else {
                Audience::Others
            };
            peers[0].emit(to, "count", &next.to_string());
            next += 1;
        }
        peers[0].round_trip().await;
    }
    let received: Vec<u64> = peers[1]
        .settled()
        .await
        .iter()
        .map(Message::number)
        .collect();
    assert_eq!(received, (0..next).collect::<Vec<_>>());
    let own: Vec<u64> = peers[0]
        .settled()
        .await
        .iter()
        .map(Message::number)
        .collect();
    assert_eq!(own, (0..next).step_by(2).collect::<Vec<_>>());
}

/// Several sessions talk at the same time: all receive everything, in the same order, and each sender's own order is kept in it.
pub async fn all_see_one_order<T: Transport>() {
    let lab = Lab::<T>::start();
    let peers = lab.connect_many(5).await;
    let talking = peers
        .into_iter()
        .map(|peer| tokio::task::spawn_local(talk(peer, 5)));
    one_order(&collect(talking).await);
}

/// The same over two worker threads' shards of one hub: each has a listener of its own, and clients of both share the rooms.
pub async fn all_see_one_order_across_shards<T: Transport>() {
    let doors = crate::lab::doors(&hub::Limits::default(), 2);
    let labs = [
        Lab::<T>::on(&doors[0], transport::Config::default()),
        Lab::on(&doors[1], transport::Config::default()),
    ];
    let mut talking = Vec::new();
    for number in 0..4 {
        talking.push(labs[number % 2].connect().await);
    }
    let talking = talking
        .into_iter()
        .map(|peer| tokio::task::spawn_local(talk(peer, 4)));
    one_order(&collect(talking).await);
}

/// One message a response or write is slower and nothing else.
pub async fn all_see_one_order_without_batching<T: Transport>() {
    let config = transport::Config {
        batching: false,
        ..transport::Config::default()
    };
    let lab = Lab::<T>::start_with(&hub::Limits::default(), config);
    let talking = lab
        .connect_many(3)
        .await
        .into_iter()
        .map(|peer| tokio::task::spawn_local(talk(peer, 3)));
    one_order(&collect(talking).await);
}

/// Each setting of a client that its transport executes leaves the promises as they are.
pub async fn all_see_one_order_with_any_client_option<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut talking = Vec::new();
    let usual = lab.target().options;
    let ways = [
        ("", usual.clone()),
        (
            "connection",
            ClientOptions {
                connection: Connection::Fresh,
                ..usual.clone()
            },
        ),
        (
            "poll-pacing",
            ClientOptions {
                poll_pacing: PollPacing::FixedDelay,
                ..usual.clone()
            },
        ),
        (
            "poll-interval",
            ClientOptions {
                poll_interval: Duration::from_millis(30),
                ..usual.clone()
            },
        ),
        (
            "hold",
            ClientOptions {
                hold: Duration::from_millis(20),
                ..usual
            },
        ),
    ];
    for (option, options) in ways {
        if option.is_empty() || T::INFO.options.contains(&option) {
            let target = Target {
                options,
                ..lab.target()
            };
            talking.push(
                lab.try_connect(&target)
                    .await
                    .expect("a healthy server takes a client"),
            );
        }
    }
    let count = talking.len() as u64;
    let talking = talking
        .into_iter()
        .map(|peer| tokio::task::spawn_local(talk(peer, count)));
    one_order(&collect(talking).await);
}

/// Emits to everyone, with pauses for answers now and then, until all of `talkers` have been heard to the end.
///
/// Returns what was received.
pub async fn talk<C: Client>(mut peer: Peer<C>, talkers: u64) -> Vec<Message> {
    for number in 0..EACH {
        peer.emit(Audience::Everyone, "talk", &number.to_string());
        if number % 7 == 3 {
            peer.round_trip().await;
        }
    }
    let received = peer.take((talkers * EACH) as usize).await;
    assert_eq!(peer.settled().await, [], "nothing comes twice");
    received
}

/// Checks that all received the same, and of each sender all in order.
pub fn one_order(received: &[Vec<Message>]) {
    for other in &received[1..] {
        assert!(*other == received[0], "two sessions saw different orders");
    }
    let mut next = std::collections::HashMap::new();
    for message in &received[0] {
        let Message::Event { from, .. } = message else {
            panic!("{message:?} came where only events were sent")
        };
        let next = next.entry(from.clone()).or_insert(0);
        assert_eq!(message.number(), *next, "of {from}");
        *next += 1;
    }
    assert_eq!(next.len(), received.len());
    assert!(next.values().all(|&next| next == EACH));
}

async fn collect(
    talking: impl Iterator<Item = tokio::task::JoinHandle<Vec<Message>>>,
) -> Vec<Vec<Message>> {
    let talking: Vec<_> = talking.collect();
    let mut received = Vec::new();
    for talker in talking {
        received.push(
            within("a talker's end", talker)
                .await
                .expect("a talker saw what it had to"),
        );
    }
    received
}
