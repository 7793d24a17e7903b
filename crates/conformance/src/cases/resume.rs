//! What a token and a cursor continue.

use std::time::Duration;

use hub::Limits;
use transport::{Audience, Client, Config, Ticket, Transport};

use crate::lab::within;
use crate::{Lab, Message, assert_refused};

/// A resumed session keeps id, rooms and messages; nothing that came is sent again, all else is.
pub async fn keeps_id_rooms_and_messages<T: Transport>() {
    let lab = Lab::<T>::start();
    let publisher = lab.publisher();
    let mut peer = lab.connect().await;
    assert!(!peer.resumed());
    peer.join("blue").await;
    let id = peer.id();
    let before = publisher.tell(Audience::Room("blue".into()), "before", "1");
    assert_eq!(peer.settled().await, [before]);
    let (ticket, unread) = peer.cut();
    assert_eq!(unread, []);
    let between = publisher.tell(Audience::Room("blue".into()), "between", "2");
    let mut peer = lab
        .resume(ticket)
        .await
        .expect("the retention window is open");
    assert!(peer.resumed());
    assert_eq!(peer.id(), id);
    let after = publisher.tell(Audience::Room("blue".into()), "after", "3");
    assert_eq!(peer.settled().await, [between, after]);
}

/// Pushed replies are counted messages: one that was on its way when the connection went comes after the resume. Where replies aren't pushed, it
/// doesn't, and the cursor does not count it.
pub async fn brings_replies_that_were_under_way<T: Transport>() {
    if !T::INFO.capabilities.pushed_replies {
        return replies_end_with_their_connection::<T>().await;
    }
    let lab = Lab::<T>::start();
    let mut peer = lab.connect().await;
    peer.request(1, "\"first\"");
    assert_eq!(
        peer.next().await,
        Message::Reply {
            id: 1,
            data: "\"first\"".into()
        }
    );
    // The cursor of before: as if the reply had been lost on its way.
    let received = peer.client.ticket().received - 1;
    let (ticket, _) = peer.cut();
    let mut peer = lab
        .resume(Ticket { received, ..ticket })
        .await
        .expect("the retention window is open");
    assert_eq!(
        peer.settled().await,
        [Message::Reply {
            id: 1,
            data: "\"first\"".into()
        }]
    );
}

async fn replies_end_with_their_connection<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peer = lab.connect().await;
    peer.round_trip().await;
    assert_eq!(peer.client.ticket().received, 0, "a reply counts nothing");
    peer.request(1, "\"under way\"");
    let (ticket, _) = peer.cut();
    let mut peer = lab
        .resume(ticket)
        .await
        .expect("the retention window is open");
    assert!(peer.resumed());
    assert_eq!(peer.settled().await, []);
}

/// After the retention window the token gives a fresh session, and says so.
pub async fn after_the_window_gives_a_fresh_session<T: Transport>() {
    let limits = Limits {
        retention: Duration::from_secs(1),
        ..Limits::default()
    };
    let lab = Lab::<T>::start_with(&limits, Config::default());
    let mut peer = lab.connect().await;
    peer.join("blue").await;
    let id = peer.id();
    let (ticket, _) = peer.cut();
    lab.until_sessions(0).await;
    let publisher = lab.publisher();
    publisher.emit(Audience::Everyone, "missed", "1");
    let mut peer = lab
        .resume(ticket)
        .await
        .expect("a fresh session is opened instead");
    assert!(!peer.resumed());
    assert_ne!(peer.id(), id);
    publisher.emit(Audience::Room("blue".into()), "no member any more", "2");
    let told = publisher.tell(Audience::Everyone, "fresh", "3");
    assert_eq!(peer.settled().await, [told]);
}

/// A token nobody was given opens a fresh session too: it gives no right to another's.
pub async fn with_a_foreign_token_gives_a_fresh_session<T: Transport>() {
    let lab = Lab::<T>::start();
    let other = lab.connect().await;
    for token in [
        hub::Token::from_bytes([9; 18]).to_string(),
        "garbage".into(),
        other.id(),
    ] {
        let peer = lab
            .resume(Ticket { token, received: 0 })
            .await
            .expect("a fresh session is opened instead");
        assert!(!peer.resumed());
        assert_ne!(peer.id(), other.id());
    }
}

/// A cursor beyond what was sent is malformed, and does the session no harm.
pub async fn with_a_cursor_beyond_what_was_sent_is_refused<T: Transport>() {
    let lab = Lab::<T>::start();
    let publisher = lab.publisher();
    let mut peer = lab.connect().await;
    let told = publisher.tell(Audience::Others, "one", "1");
    assert_eq!(peer.take(1).await, [told]);
    let (ticket, _) = peer.cut();
    for received in [ticket.received + 1, u64::MAX] {
        let error = match lab
            .resume(Ticket {
                received,
                ..ticket.clone()
            })
            .await
        {
            Err(error) => error,
            // Over HTTP it is the first poll that tells the cursor.
            Ok(mut peer) => {
                let (received, error) = peer.end().await;
                assert_eq!(received, []);
                error
            }
        };
        assert_refused(&error, 400, 1008);
    }
    let told = publisher.tell(Audience::Others, "two", "2");
    let mut peer = lab
        .resume(ticket)
        .await
        .expect("the session is still there");
    assert!(peer.resumed());
    assert_eq!(peer.settled().await, [told]);
}

/// Two clients of one session: the newer has it, the older ends and learns why; nothing is lost or doubled.
pub async fn takes_over_from_an_open_connection<T: Transport>() {
    if !T::INFO.capabilities.pushes {
        return both_may_ask::<T>().await;
    }
    let lab = Lab::<T>::start();
    let publisher = lab.publisher();
    let mut older = lab.connect().await;
    let one = publisher.tell(Audience::Others, "one", "1");
    assert_eq!(older.settled().await, [one]);
    let ticket = older.client.ticket();
    let mut newer = lab
        .resume(ticket)
        .await
        .expect("a session may be taken over");
    assert!(newer.resumed());
    // Both wait for messages; the newer one's connection or poll comes second, since a local task begins when this one waits.
    let older = tokio::task::spawn_local(async move { older.end().await });
    tokio::task::yield_now().await;
    let newer = tokio::task::spawn_local(async move { (newer.next().await, newer) });
    let (unread, error) = within("the older client's end", older)
        .await
        .expect("the older client ends");
    assert_eq!(unread, []);
    assert_refused(&error, 409, 1008);
    let two = publisher.tell(Audience::Others, "two", "2");
    let (next, mut newer) = within("the newer client's message", newer)
        .await
        .expect("the newer client goes on");
    assert_eq!(next, two);
    assert_eq!(newer.settled().await, []);
}

/// Requests that are answered at once are never under way when another one comes, so nobody is ended: whoever asks gets what is there.
async fn both_may_ask<T: Transport>() {
    let lab = Lab::<T>::start();
    let publisher = lab.publisher();
    let mut older = lab.connect().await;
    older.round_trip().await;
    let mut newer = lab
        .resume(older.client.ticket())
        .await
        .expect("a session may be taken over");
    assert!(newer.resumed());
    let one = publisher.tell(Audience::Others, "one", "1");
    assert_eq!(newer.settled().await, [one]);
    older.round_trip().await;
}

/// On another worker thread's listener than the one that opened the session.
pub async fn works_on_any_worker<T: Transport>() {
    let doors = crate::lab::doors(&Limits::default(), 2);
    let first = Lab::<T>::on(&doors[0], Config::default());
    let second = Lab::<T>::on(&doors[1], Config::default());
    let publisher = second.publisher();
    let mut peer = first.connect().await;
    peer.join("blue").await;
    let (ticket, _) = peer.cut();
    let told = publisher.tell(Audience::Room("blue".into()), "between", "1");
    let mut peer = second
        .resume(ticket)
        .await
        .expect("the retention window is open");
    assert!(peer.resumed());
    assert_eq!(peer.settled().await, [told]);
    let (ticket, _) = peer.cut();
    let told = publisher.tell(Audience::Room("blue".into()), "back", "2");
    let mut peer = first
        .resume(ticket)
        .await
        .expect("the retention window is open");
    assert_eq!(peer.settled().await, [told]);
}
