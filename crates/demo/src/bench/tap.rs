//! What passes through a relay: its messages, told as they pass, and counts of all, told or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use dissect::{Conversation, Counts, Message};
use link::relay::{Seen, Way};
use serde::Serialize;
use tokio::sync::Notify;

use super::microseconds;
use super::outbox::Outbox;
use super::places::Places;

/// Most messages of a transport that are told in a second; those beyond are counted.
const MOST_A_SECOND: u32 = 200;

/// Looks at what passes on one lane, on the relay's thread.
#[derive(Debug)]
pub(super) struct Tap {
    transport: &'static str,
    outbox: Arc<Outbox>,
    tally: Arc<Tally>,
    places: Places,
    conversations: HashMap<u64, Conversation>,
    /// What a piece of bytes completes; kept for its memory.
    messages: Vec<Message>,
    /// The second that is counted, and the messages told in it.
    told: (u64, u32),
}

/// Counts that the tap makes and the bench's thread reads.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) transport: &'static str,
    counts: Mutex<Counts>,
    changed: Arc<Notify>,
}

impl Tally {
    pub(super) fn new(transport: &'static str, changed: Arc<Notify>) -> Self {
        Self {
            transport,
            counts: Mutex::default(),
            changed,
        }
    }

    /// As they are now.
    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }
}

/// What is told of a connection.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Told<'a> {
    Opened {
        transport: &'a str,
        connection: u64,
        at_us: f64,
    },
    Closed {
        transport: &'a str,
        connection: u64,
        at_us: f64,
        how: &'a str,
        by: &'a str,
    },
    Message {
        transport: &'a str,
        connection: u64,
        #[serde(flatten)]
        message: &'a Message,
    },
    Lost {
        transport: &'a str,
        connection: u64,
        way: &'a str,
        sent_us: f64,
        at_us: f64,
    },
}

impl Tap {
    pub(super) fn new(outbox: Arc<Outbox>, tally: Arc<Tally>, places: Places) -> Self {
        Self {
            transport: tally.transport,
            outbox,
            tally,
            places,
            conversations: HashMap::new(),
            messages: Vec::new(),
            told: (0, 0),
        }
    }

    /// Takes what the relay has seen.
    pub(super) fn see(&mut self, seen: Seen<'_>) {
        let transport = self.transport;
        match seen {
            Seen::Opened { connection, at } => {
                self.places.take();
                self.conversations.insert(connection, Conversation::new());
                self.tally.change(Counts::open);
                self.outbox.tell(&Told::Opened {
                    transport,
                    connection,
                    at_us: microseconds(at),
                });
            }
            Seen::Passed {
                connection,
                way,
                arrived,
                passed,
                bytes,
            } => {
                let way = match way {
                    Way::Up => dissect::Way::Up,
                    Way::Down => dissect::Way::Down,
                };
                if let Some(conversation) = self.conversations.get_mut(&connection) {
                    conversation.feed(way, arrived, passed, bytes, &mut self.messages);
                }
                self.tell_messages(connection, passed);
            }
            Seen::Lost {
                connection,
                way,
                arrived,
                at,
                ..
            } => {
                self.outbox.tell(&Told::Lost {
                    transport,
                    connection,
                    way: way.name(),
                    sent_us: microseconds(arrived),
                    at_us: microseconds(at),
                });
            }
            Seen::Closed {
                connection,
                at,
                how,
                by,
            } => {
                if let Some(mut conversation) = self.conversations.remove(&connection) {
                    self.places.give_back(1);
                    conversation.end(&mut self.messages);
                }
                self.tell_messages(connection, at);
                self.tally.change(Counts::close);
                self.outbox.tell(&Told::Closed {
                    transport,
                    connection,
                    at_us: microseconds(at),
                    how: how.name(),
                    by: by.name(),
                });
            }
        }
    }

    /// Counts the messages that are there, and tells those for which there is room.
    fn tell_messages(&mut self, connection: u64, now: u64) {
        if self.messages.is_empty() {
            return;
        }
        let second = now / 1_000_000_000;
        if self.told.0 != second {
            self.told = (second, 0);
        }
        let mut skipped = 0;
        for message in &self.messages {
            let told = self.told.1 < MOST_A_SECOND
                && self.outbox.tell(&Told::Message {
                    transport: self.transport,
                    connection,
                    message,
                });
            if told {
                self.told.1 += 1;
            } else {
                skipped += 1;
            }
        }
        let messages = &self.messages;
        self.tally.change(|counts| {
            for message in messages {
                counts.take(message);
            }
            (0..skipped).for_each(|_| counts.skip());
        });
        self.messages.clear();
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // The relay has ended, and its connections with it.
        self.places.give_back(self.conversations.len());
    }
}
