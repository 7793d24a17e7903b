//! One connection.

use crate::{Kind, Message, Part, Role, Way};

/// What two sides of one connection say to each other.
#[derive(Debug, Default)]
pub struct Conversation {}

impl Conversation {
    /// A connection that was just opened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes of one direction, in order: `sent` and `arrived` are when, nanoseconds. Messages that they complete are added to `messages`.
    pub fn feed(
        &mut self,
        way: Way,
        sent: u64,
        arrived: u64,
        bytes: &[u8],
        messages: &mut Vec<Message>,
    ) {
        messages.push(Message {
            exchange: 0,
            way,
            sent,
            arrived,
            kind: Kind::Other,
            title: format!("{} B", bytes.len()),
            status: None,
            payload: bytes.len() as u64,
            overhead: 0,
            useless: false,
            preflight: false,
            continues: false,
            frame: None,
            parts: vec![Part {
                role: Role::Payload,
                text: Some(String::from_utf8_lossy(bytes).into_owned()),
                hex: None,
            }],
            cut: false,
        });
    }

    /// The connection has ended: what was under way is all that there will be of it.
    pub fn end(&mut self, _messages: &mut Vec<Message>) {}
}
