//! What passes the relay, as messages and totals.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dissect::{Conversation, Counts, Message};
use link::relay::{Close, Seen, Side, Way};

/// Events that wait for the printer. If it is slower than what passes, the rest is counted and not shown.
const WAITING: usize = 4096;

/// Something to show. Times are nanoseconds of [`measure::now`].
#[derive(Debug)]
pub(super) enum Event {
    Opened {
        connection: u64,
        at: u64,
    },
    Message {
        connection: u64,
        message: Message,
    },
    Lost {
        connection: u64,
        way: Way,
        sent: u64,
        at: u64,
        bytes: usize,
    },
    Closed {
        connection: u64,
        at: u64,
        how: Close,
        by: Side,
    },
}

/// What was seen altogether.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) counts: Counts,
    /// Most connections at once.
    pub(super) most_open: u64,
    /// Bytes that never arrived.
    pub(super) lost: u64,
}

/// Looks on, on the relay's thread.
#[derive(Debug)]
pub(super) struct Observer(Mutex<Observed>);

#[derive(Debug)]
struct Observed {
    conversations: HashMap<u64, Conversation>,
    totals: Totals,
    /// Messages of one look, kept for the next.
    messages: Vec<Message>,
    /// None once it is over.
    events: Option<SyncSender<Event>>,
}

impl Observer {
    /// An observer, and what it has to show.
    pub(super) fn new() -> (Arc<Self>, Receiver<Event>) {
        let (sender, events) = sync_channel(WAITING);
        let observed = Observed {
            conversations: HashMap::new(),
            totals: Totals::default(),
            messages: Vec::new(),
            events: Some(sender),
        };
        (Arc::new(Self(Mutex::new(observed))), events)
    }

    pub(super) fn see(&self, seen: &Seen<'_>) {
        self.lock().see(seen);
    }

    /// Nothing more is to come: connections that are still there have said all that they will.
    pub(super) fn finish(&self) -> Totals {
        let observed = &mut *self.lock();
        for (connection, mut conversation) in std::mem::take(&mut observed.conversations) {
            conversation.end(&mut observed.messages);
            observed.show(connection);
        }
        observed.events = None;
        observed.totals
    }

    fn lock(&self) -> MutexGuard<'_, Observed> {
        // A message half counted is no reason to count no more.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observed {
    fn see(&mut self, seen: &Seen<'_>) {
        match *seen {
            Seen::Opened { connection, at } => {
                let totals = &mut self.totals;
                totals.counts.open();
                totals.most_open = totals.most_open.max(totals.counts.open);
                self.conversations.insert(connection, Conversation::new());
                self.tell(Event::Opened { connection, at });
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
                    self.show(connection);
                }
            }
            Seen::Lost {
                connection,
                way,
                arrived: sent,
                at,
                bytes,
            } => {
                self.totals.lost += bytes.len() as u64;
                let bytes = bytes.len();
                self.tell(Event::Lost {
                    connection,
                    way,
                    sent,
                    at,
                    bytes,
                });
            }
            Seen::Closed {
                connection,
                at,
                how,
                by,
            } => {
                self.totals.counts.close();
                if let Some(mut conversation) = self.conversations.remove(&connection) {
                    conversation.end(&mut self.messages);
                    self.show(connection);
                }
                self.tell(Event::Closed {
                    connection,
                    at,
                    how,
                    by,
                });
            }
        }
    }

    fn show(&mut self, connection: u64) {
        let mut messages = std::mem::take(&mut self.messages);
        for message in messages.drain(..) {
            self.totals.counts.take(&message);
            self.tell(Event::Message {
                connection,
                message,
            });
        }
        self.messages = messages;
    }

    fn tell(&mut self, event: Event) {
        let is_told = match &self.events {
            Some(events) => events.try_send(event).is_ok(),
            None => false,
        };
        if !is_told {
            self.totals.counts.skip();
        }
    }
}
