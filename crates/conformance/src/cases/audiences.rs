//! Who receives what, and from whom.

use transport::{Audience, Transport};

use crate::{Lab, Message, Peer};

/// Of four sessions, the first two are in the room (the sender is the first) or only the second (the sender stands outside): each audience
/// reaches exactly whom DESIGN.md's table says, and `from` is the sender's public id.
pub async fn reach_exactly_whom_they_name<T: Transport>() {
    let lab = Lab::<T>::start();
    for sender_is_member in [true, false] {
        let mut peers = lab.connect_many(4).await;
        if sender_is_member {
            peers[0].join("blue").await;
        }
        peers[1].join("blue").await;
        peers[3].join("green").await;
        let third = peers[2].id();
        let inside: &[usize] = if sender_is_member { &[0, 1] } else { &[1] };
        let table: [(Audience<'_>, &[usize]); 6] = [
            (Audience::Everyone, &[0, 1, 2, 3]),
            (Audience::Others, &[1, 2, 3]),
            (Audience::Sender, &[0]),
            (Audience::Room("blue".into()), inside),
            (Audience::RoomOthers("blue".into()), &[1]),
            (Audience::Session(third.into()), &[2]),
        ];
        let mut expected = vec![Vec::new(); peers.len()];
        for (number, (audience, receivers)) in table.into_iter().enumerate() {
            let told = peers[0].tell(audience, &format!("event-{number}"), &number.to_string());
            for &receiver in receivers {
                expected[receiver].push(told.clone());
            }
        }
        peers[0].round_trip().await;
        for (peer, expected) in peers.iter_mut().zip(expected) {
            assert_eq!(
                peer.settled().await,
                expected,
                "the sender is a member: {sender_is_member}"
            );
        }
        for peer in peers {
            transport::Client::close(peer.client)
                .await
                .expect("a healthy server says goodbye");
        }
    }
}

/// A private message to oneself arrives, and an id gives no right to receive for another.
pub async fn sessions_can_be_addressed_by_id<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peers = lab.connect_many(3).await;
    let ids: Vec<String> = peers.iter().map(Peer::id).collect();
    let mut expected = vec![Vec::new(); peers.len()];
    for sender in &mut peers {
        for (receiver, id) in ids.iter().enumerate() {
            let told = sender.tell(
                Audience::Session(id.into()),
                "private",
                &receiver.to_string(),
            );
            expected[receiver].push(told);
        }
        sender.round_trip().await;
    }
    for (peer, expected) in peers.iter_mut().zip(expected) {
        assert_eq!(peer.settled().await, expected);
    }
}

/// Names of events, rooms and senders survive quotes, escapes and any script; so do names of the greatest length.
pub async fn names_are_any_text<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peers = lab.connect_many(2).await;
    let longest = "n".repeat(hub::wire::MAX_NAME);
    let names = [
        "\"quoted\"",
        "back\\slash",
        "line\nbreak\u{0}",
        "日本語 🦀",
        "{\"room\":\"x\"}",
        " ",
        &longest,
    ];
    let mut expected: Vec<Message> = Vec::new();
    for name in names {
        peers[1].join(name).await;
        expected.push(peers[0].tell(Audience::RoomOthers(name.into()), name, "null"));
        peers[0].round_trip().await;
        peers[1].leave(name).await;
        peers[0].emit(Audience::RoomOthers(name.into()), name, "null");
        peers[0].round_trip().await;
    }
    assert_eq!(peers[1].settled().await, expected);
    assert_eq!(peers[0].settled().await, []);
}
