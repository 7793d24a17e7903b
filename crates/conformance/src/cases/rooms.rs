//! Membership.

use transport::{Audience, Client, Transport};

use crate::Lab;

/// Joining twice is joining once; leaving once is leaving; leaving what one isn't in does nothing.
pub async fn joining_twice_is_joining_once<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peer = lab.connect().await;
    let publisher = lab.publisher();
    let room = || Audience::Room("blue".into());
    peer.leave("blue").await;
    peer.join("blue").await;
    peer.join("blue").await;
    let once = publisher.tell(room(), "once", "1");
    peer.join("green").await;
    peer.leave("red").await;
    let twice = publisher.tell(room(), "twice", "2");
    peer.leave("blue").await;
    publisher.emit(room(), "left", "3");
    peer.join("blue").await;
    let again = publisher.tell(room(), "again", "4");
    assert_eq!(peer.settled().await, [once, twice, again]);
}

/// Rooms and sessions that don't exist reach no one, and that is no error.
pub async fn what_does_not_exist_reaches_no_one<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peers = lab.connect_many(2).await;
    let nobody = hub::SessionId::from_bytes([7; 16]).to_string();
    let left = {
        let gone = lab.connect().await;
        let id = gone.id();
        gone.client
            .close()
            .await
            .expect("a healthy server says goodbye");
        id
    };
    for audience in [
        Audience::Room("nowhere".into()),
        Audience::RoomOthers("nowhere".into()),
        Audience::Session(nobody.into()),
        Audience::Session("no id at all".into()),
        Audience::Session(left.into()),
    ] {
        peers[0].emit(audience, "lost", "1");
    }
    peers[0].round_trip().await;
    for peer in &mut peers {
        assert_eq!(peer.settled().await, []);
    }
}

/// Commands are carried out in the order in which they were given, those of one write or request too.
pub async fn membership_changes_in_order<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peer = lab.connect().await;
    let mut expected = Vec::new();
    for round in 0..10 {
        let room = || Audience::Room("blue".into());
        peer.emit(room(), "before", &round.to_string());
        peer.client.send(&hub::Command::Join {
            room: "blue".into(),
        });
        expected.push(peer.tell(room(), "within", &round.to_string()));
        peer.client.send(&hub::Command::Leave {
            room: "blue".into(),
        });
        peer.emit(room(), "after", &round.to_string());
    }
    peer.round_trip().await;
    assert_eq!(peer.settled().await, expected);
}

/// A session that says goodbye is in no room any more.
pub async fn goodbye_leaves_all_rooms<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut leaving = lab.connect().await;
    let mut staying = lab.connect().await;
    leaving.join("blue").await;
    staying.join("blue").await;
    leaving
        .client
        .close()
        .await
        .expect("a healthy server says goodbye");
    lab.until_sessions(1).await;
    let told = staying.tell(Audience::Room("blue".into()), "still", "1");
    assert_eq!(staying.settled().await, [told]);
}
