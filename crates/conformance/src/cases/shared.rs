//! Between transports: one hub behind two servers.

use hub::Limits;
use transport::{Audience, Config, Door, Transport};

use crate::{Lab, Message, Peer};

/// A client of `A` emits to a room, to everyone and to a session; a client of `B` receives it as if it came from its own kind.
pub async fn one_emits_the_other_receives<A: Transport, B: Transport>() {
    let door = crate::lab::door(&Limits::default());
    let (from, to) = (
        Lab::<A>::on(&door, Config::default()),
        Lab::<B>::on(&door, Config::default()),
    );
    let (mut sender, mut receiver) = (from.connect().await, to.connect().await);
    let mut outsider = to.connect().await;
    receiver.join("blue").await;
    sender.join("blue").await;
    let data = r#"{"any":["JSON",1e400]}"#;
    let room = sender.tell(Audience::Room("blue".into()), "room", data);
    let room_others = sender.tell(Audience::RoomOthers("blue".into()), "room-others", data);
    let everyone = sender.tell(Audience::Everyone, "everyone", data);
    let others = sender.tell(Audience::Others, "others", data);
    sender.emit(Audience::Sender, "sender", data);
    let session = sender.tell(Audience::Session(receiver.id().into()), "session", data);
    sender.round_trip().await;
    let expected = [
        room.clone(),
        room_others,
        everyone.clone(),
        others.clone(),
        session,
    ];
    assert_eq!(receiver.settled().await, expected);
    assert_eq!(outsider.settled().await, [everyone.clone(), others]);
    let own = sender.settled().await;
    assert_eq!(own.len(), 3);
    assert_eq!(own[..2], [room, everyone]);
    // And back: the answer finds the sender by the `from` that came along.
    let Message::Event { from: id, .. } = &expected[0] else {
        panic!("{:?} is no event", expected[0])
    };
    let answer = receiver.tell(Audience::Session(id.into()), "answer", "1");
    receiver.round_trip().await;
    assert_eq!(sender.settled().await, [answer]);
}

/// A client that changes its transport takes its session along: a cursor and a token mean the same on every wire.
pub async fn a_session_moves_from_one_to_the_other<A: Transport, B: Transport>() {
    let door = crate::lab::door(&Limits::default());
    let (from, to) = (
        Lab::<A>::on(&door, Config::default()),
        Lab::<B>::on(&door, Config::default()),
    );
    let publisher = from.publisher();
    let mut peer = from.connect().await;
    peer.join("blue").await;
    let one = publisher.tell(Audience::Room("blue".into()), "count", "1");
    assert_eq!(peer.settled().await, [one]);
    let id = peer.id();
    let (ticket, _) = peer.cut();
    let two = publisher.tell(Audience::Room("blue".into()), "count", "2");
    let mut peer = to
        .resume(ticket)
        .await
        .expect("the retention window is open");
    assert!(peer.resumed());
    assert_eq!(peer.id(), id);
    let three = publisher.tell(Audience::Room("blue".into()), "count", "3");
    assert_eq!(peer.settled().await, [two, three]);
}

/// A client of `T` on a hub that clients of other transports share talks and listens; see [`one_order`](super::order::one_order).
///
/// The server lives as long as the hub's owner; `ready` holds everybody back until all are connected.
pub async fn member<T: Transport>(
    door: Door,
    members: u64,
    ready: std::rc::Rc<tokio::sync::Barrier>,
) -> Vec<Message> {
    let lab = Lab::<T>::on(&door, Config::default());
    let peer: Peer<T::Client> = lab.connect().await;
    ready.wait().await;
    let received = super::order::talk(peer, members).await;
    // A server ends with its lab, so the labs end together.
    ready.wait().await;
    received
}

/// The members' futures, run together: all of them saw one order.
pub async fn one_order_among<F: Future<Output = Vec<Message>> + 'static>(members: Vec<F>) {
    let tasks: Vec<_> = members.into_iter().map(tokio::task::spawn_local).collect();
    let mut received = Vec::new();
    for task in tasks {
        received.push(
            crate::lab::within("a member's end", task)
                .await
                .expect("a member saw what it had to"),
        );
    }
    super::order::one_order(&received);
}
