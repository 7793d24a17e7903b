//! Limits: what exceeds one is refused with a clear word, and no one else notices.

use hub::Limits;
use transport::{Audience, Client, ClientError, Config, Transport};

use crate::{Lab, Message, Peer, assert_refused};

/// A message of exactly the most bytes passes; one byte more is refused as too large.
pub async fn a_message_too_large_is_refused<T: Transport>() {
    if T::INFO.url.is_none() {
        return;
    }
    let max_message = 4096;
    let lab = Lab::<T>::start_with(
        &Limits::default(),
        Config {
            max_message,
            ..Config::default()
        },
    );
    let mut other = lab.connect().await;
    let mut peer = lab.connect().await;
    let frame = r#"{"op":"request","id":1,"data":""}"#.len();
    let fitting = format!("\"{}\"", "x".repeat(max_message - frame));
    peer.request(1, &fitting);
    assert_eq!(
        peer.next().await,
        Message::Reply {
            id: 1,
            data: fitting.clone()
        }
    );
    let large = format!("\"{}x\"", "x".repeat(max_message - frame));
    peer.request(1, &large);
    refusal(&mut peer, "too-large", 413, 1009).await;
    other.round_trip().await;
    lab.still_serves().await;
}

/// One room more than a session may be in is refused; the session lives on in the others.
pub async fn one_room_too_many_is_refused<T: Transport>() {
    let lab = Lab::<T>::start_with(
        &Limits {
            max_rooms: 3,
            ..Limits::default()
        },
        Config::default(),
    );
    let mut peer = lab.connect().await;
    for room in ["a", "b", "c", "a"] {
        peer.join(room).await;
    }
    peer.client.send(&hub::Command::Join { room: "d".into() });
    assert_eq!(peer.next().await, Message::Error("limits".into()));
    let told = peer.tell(Audience::Room("a".into()), "still", "1");
    peer.emit(Audience::Room("d".into()), "never joined", "2");
    assert_eq!(peer.settled().await, [told]);
    peer.leave("b").await;
    peer.join("d").await;
    let told = peer.tell(Audience::Room("d".into()), "joined", "3");
    assert_eq!(peer.settled().await, [told]);
}

/// A session that gives more commands than it may is refused; others aren't.
pub async fn a_session_too_fast_is_refused<T: Transport>() {
    let lab = Lab::<T>::start_with(
        &Limits {
            max_rate: 50,
            ..Limits::default()
        },
        Config::default(),
    );
    let mut other = lab.connect().await;
    let mut peer = lab.connect().await;
    for number in 0..500 {
        peer.emit(Audience::Others, "flood", &number.to_string());
    }
    refusal(&mut peer, "limits", 429, 1008).await;
    let received = other.settled().await;
    assert!(
        received.len() < 200,
        "{} of 500 passed a limit of 50 a second",
        received.len()
    );
    let numbers: Vec<u64> = received.iter().map(Message::number).collect();
    assert!(numbers.is_sorted());
}

/// As many connections as there may be; the next is refused with 429, and has a place once another has gone.
pub async fn one_connection_too_many_is_refused<T: Transport>() {
    if T::INFO.url.is_none() {
        return;
    }
    let lab = Lab::<T>::start_with(
        &Limits::default(),
        Config {
            max_connections: 6,
            ..Config::default()
        },
    );
    let mut peers = Vec::new();
    let error = loop {
        match lab.try_connect(&lab.target()).await {
            Ok(mut peer) => match peer.try_round_trip().await {
                Ok(()) => peers.push(peer),
                Err(error) => break error,
            },
            Err(error) => break error,
        }
        assert!(
            peers.len() <= 6,
            "{} clients have a connection each of 6",
            peers.len()
        );
    };
    assert!(
        matches!(error, ClientError::Refused { status: 429, .. }),
        "{error}"
    );
    assert!(!peers.is_empty());
    // Those within the limit don't notice.
    for peer in &mut peers {
        peer.round_trip().await;
    }
    drop(peers);
    lab.until_unconnected().await;
    lab.still_serves().await;
}

/// As many sessions as there may be; the next is refused, and has a place once another has ended.
pub async fn one_session_too_many_is_refused<T: Transport>() {
    let lab = Lab::<T>::start_with(
        &Limits {
            max_sessions: 2,
            ..Limits::default()
        },
        Config::default(),
    );
    let mut peers = lab.connect_many(2).await;
    let refused = lab.try_connect(&lab.target()).await.map(|_| ());
    assert_refused(&refused.expect_err("two sessions are the most"), 429, 1013);
    for peer in &mut peers {
        peer.round_trip().await;
    }
    let gone = peers.remove(0);
    gone.client
        .close()
        .await
        .expect("a healthy server says goodbye");
    lab.until_sessions(1).await;
    lab.still_serves().await;
}

/// The refusal of a command: a message with its code, or the end with its status.
async fn refusal<C: Client>(peer: &mut Peer<C>, code: &str, status: u16, close: u16) {
    loop {
        match peer.try_next().await {
            Ok(Message::Error(told)) => {
                assert_eq!(told, code);
                return;
            }
            Ok(_) => {}
            Err(error) => {
                assert_refused(&error, status, close);
                return;
            }
        }
    }
}
