//! Totals over messages.

use serde::Serialize;

use crate::{Kind, Message, Way};

/// What passed, altogether. Its JSON has the same names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests, preflights among them.
    pub requests: u64,
    /// Requests of a browser whether it may.
    pub preflights: u64,
    /// Requests that brought nothing: counted when their responses are here.
    pub useless: u64,
    /// Messages of any kind to the server: requests, frames.
    pub messages_up: u64,
    /// Messages of any kind to clients: responses, events, comments, frames.
    pub messages_down: u64,
    /// Bytes to the server that something was said in.
    pub payload_up: u64,
    /// Bytes to clients that something was said in.
    pub payload_down: u64,
    /// All other bytes to the server.
    pub overhead_up: u64,
    /// All other bytes to clients.
    pub overhead_down: u64,
    /// Connections that there are.
    pub open: u64,
    /// Connections that there have been.
    pub opened: u64,
    /// Messages that are counted here and were not shown.
    pub skipped: u64,
}

impl Counts {
    /// A message has passed.
    pub fn take(&mut self, message: &Message) {
        if message.kind == Kind::Request {
            self.requests += 1;
            self.preflights += u64::from(message.preflight);
        }
        self.useless += u64::from(message.useless);
        let (messages, payload, overhead) = match message.way {
            Way::Up => (
                &mut self.messages_up,
                &mut self.payload_up,
                &mut self.overhead_up,
            ),
            Way::Down => (
                &mut self.messages_down,
                &mut self.payload_down,
                &mut self.overhead_down,
            ),
        };
        *messages += 1;
        *payload += message.payload;
        *overhead += message.overhead;
    }

    /// A connection was opened.
    pub fn open(&mut self) {
        self.open += 1;
        self.opened += 1;
    }

    /// A connection has ended.
    pub fn close(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// A message that was counted isn't shown.
    pub fn skip(&mut self) {
        self.skipped += 1;
    }
}
