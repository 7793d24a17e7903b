//! The hub without a wire: what one event costs for each of its receivers, and what a message costs
//! on its way in and out.

use std::hint::black_box;
use std::time::Instant;

use hub::{Audience, Command, Event, Hub, Key, Limits, SessionId, Token};

use super::timed;
use crate::turns::Turns;

/// One event to everyone, then every session takes it: the time of a delivery, sockets apart.
pub(super) fn fan_out(sessions: u64) -> Turns {
    let (mut hub, keys) = filled(sessions);
    let from = hub.id(keys[0]);
    let (mut ready, mut ended) = (Vec::new(), Vec::new());
    let now = Instant::now();
    timed(move || {
        hub.post(from, &Audience::Everyone, &Event::new("tick", from, DATA));
        hub.settle(&mut ready, &mut ended, now);
        let mut taken = 0;
        for &key in &ready {
            taken += hub.mailbox(key).take(usize::MAX, |delivery| {
                black_box(delivery);
            });
        }
        assert_eq!(taken, keys.len());
    })
}

/// An event becomes bytes, WebSocket frame included: once, whatever the number of receivers.
pub(super) fn encode() -> Turns {
    let from = SessionId::from_bytes([7; 16]);
    timed(move || {
        black_box(Event::new(black_box("tick"), from, black_box(DATA)));
    })
}

/// A client's message becomes a command.
pub(super) fn parse(text: &'static str) -> Turns {
    timed(move || {
        let parsed = Command::parse(black_box(text.as_bytes()));
        assert!(black_box(parsed).is_ok());
    })
}

/// What a client sends to publish, and to ask.
pub(super) const EMIT: &str = concat!(
    r#"{"op":"emit","to":{"room":"blue"},"event":"chat","data":"#,
    r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#
);
pub(super) const REQUEST: &str = concat!(
    r#"{"op":"request","id":7,"data":"#,
    r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#
);

/// 64 bytes.
const DATA: &str = r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#;

/// A hub with so many open sessions. Their mailboxes keep what was taken, as they do for a
/// connection that doesn't acknowledge, but little of it: the benchmark is of the hub, not of memory.
fn filled(sessions: u64) -> (Hub, Vec<Key>) {
    let mut hub = Hub::new(Limits {
        mailbox_messages: 64,
        ..Limits::default()
    });
    let now = Instant::now();
    let keys = (0..sessions)
        .map(|number| {
            let (mut id, mut token) = ([0; 16], [0; 18]);
            id[..8].copy_from_slice(&number.to_le_bytes());
            token[..8].copy_from_slice(&number.to_le_bytes());
            let (id, token) = (SessionId::from_bytes(id), Token::from_bytes(token));
            let key = hub
                .open(id, token, now)
                .expect("fewer sessions than the limit");
            hub.attach(key);
            key
        })
        .collect();
    (hub, keys)
}
