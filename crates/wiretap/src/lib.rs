//! What passes through a relay, as messages: `link` says which bytes passed, `dissect` what they mean.
//!
//! | module | concern |
//! | --- | --- |
//! | [`event`] | something that passed, and its JSON |

pub mod event;

use std::collections::HashMap;

use dissect::{Conversation, Counts, Message, Way};
use link::relay::{self, Seen};

pub use event::Event;

/// Takes apart what passes through one relay: a conversation a connection, and totals.
#[derive(Debug, Default)]
pub struct Wiretap {
    conversations: HashMap<u64, Conversation>,
    counts: Counts,
    /// What a piece of bytes completes; kept for its memory.
    messages: Vec<Message>,
}

impl Wiretap {
    /// Of a relay that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the relay has seen, in its order, and tells what that means; the bytes of an unfinished message mean nothing yet. `tell` says whether it is
    /// shown: a message that isn't counts as skipped.
    pub fn see(&mut self, seen: &Seen<'_>, mut tell: impl FnMut(Event) -> bool) {
        match *seen {
            Seen::Opened { connection, at } => {
                self.conversations.insert(connection, Conversation::new());
                self.counts.open();
                tell(Event::Opened { connection, at });
            }
            Seen::Passed {
                connection,
                way,
                arrived,
                passed,
                bytes,
            } => {
                let way = match way {
                    relay::Way::Up => Way::Up,
                    relay::Way::Down => Way::Down,
                };
                if let Some(conversation) = self.conversations.get_mut(&connection) {
                    conversation.feed(way, arrived, passed, bytes, &mut self.messages);
                    self.tell_messages(connection, tell);
                }
            }
            Seen::Lost {
                connection,
                way,
                arrived,
                at,
                bytes,
            } => {
                tell(Event::Lost {
                    connection,
                    way,
                    sent: arrived,
                    at,
                    bytes: bytes.len(),
                });
            }
            Seen::Closed {
                connection,
                at,
                how,
                by,
            } => {
                if let Some(mut conversation) = self.conversations.remove(&connection) {
                    conversation.end(&mut self.messages);
                    self.tell_messages(connection, &mut tell);
                }
                self.counts.close();
                tell(Event::Closed {
                    connection,
                    at,
                    how,
                    by,
                });
            }
        }
    }

    /// Nothing more is to come: connections that are still there have said all that they will.
    pub fn end(&mut self, mut tell: impl FnMut(Event) -> bool) {
        for (connection, mut conversation) in std::mem::take(&mut self.conversations) {
            conversation.end(&mut self.messages);
            self.tell_messages(connection, &mut tell);
        }
    }

    /// Totals of all messages, shown or not.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.conversations.len()
    }

    fn tell_messages(&mut self, connection: u64, mut tell: impl FnMut(Event) -> bool) {
        for message in self.messages.drain(..) {
            self.counts.take(&message);
            let is_shown = tell(Event::Message {
                connection,
                message,
            });
            if !is_shown {
                self.counts.skip();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use link::relay::{Close, Side};
    use serde_json::{Value, json};

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

    fn passed(way: relay::Way, arrived: u64, bytes: &[u8]) -> Seen<'_> {
        Seen::Passed {
            connection: 7,
            way,
            arrived,
            passed: arrived + 500,
            bytes,
        }
    }

    /// A request in two pieces and its answer, the start of another one that is lost in part, and the end of the connection.
    fn all() -> [Seen<'static>; 6] {
        [
            Seen::Opened {
                connection: 7,
                at: 1_000,
            },
            passed(relay::Way::Up, 2_000, &REQUEST[..5]),
            passed(relay::Way::Up, 3_000, &REQUEST[5..]),
            passed(relay::Way::Down, 4_000, ANSWER),
            Seen::Lost {
                connection: 7,
                way: relay::Way::Up,
                arrived: 5_000,
                at: 6_500,
                bytes: &REQUEST[..4],
            },
            Seen::Closed {
                connection: 7,
                at: 7_000,
                how: Close::Reset,
                by: Side::Link,
            },
        ]
    }

    fn told(seen: &[Seen<'_>]) -> (Wiretap, Vec<Value>) {
        let (mut wiretap, mut lines) = (Wiretap::new(), Vec::new());
        for seen in seen {
            wiretap.see(seen, |event| {
                lines.push(serde_json::to_value(event.of("long-poll")).unwrap());
                true
            });
        }
        (wiretap, lines)
    }

    #[test]
    fn what_passes_is_told_in_order() {
        let (wiretap, lines) = told(&all());
        let ops: Vec<&Value> = lines.iter().map(|line| &line["op"]).collect();
        assert_eq!(ops, ["opened", "message", "message", "lost", "closed"]);
        assert_eq!(
            lines[0],
            json!({"transport": "long-poll", "op": "opened", "connection": 7, "at_us": 1.0})
        );
        let request = &lines[1];
        assert_eq!(request["title"], "GET /");
        assert_eq!(
            [
                &request["connection"],
                &request["sent_us"],
                &request["arrived_us"]
            ],
            [&json!(7), &json!(2.0), &json!(3.5)]
        );
        assert_eq!(lines[2]["status"], 204);
        assert_eq!(
            lines[3],
            json!({"transport": "long-poll", "op": "lost", "connection": 7, "way": "up", "sent_us": 5.0, "at_us": 6.5, "bytes": 4})
        );
        assert_eq!(
            lines[4],
            json!({"transport": "long-poll", "op": "closed", "connection": 7, "at_us": 7.0, "how": "reset", "by": "link"})
        );
        let counts = wiretap.counts();
        assert_eq!([counts.requests, counts.messages_down], [1, 1]);
        assert_eq!([counts.open, counts.opened, counts.skipped], [0, 1, 0]);
        assert_eq!(wiretap.connections(), 0);
    }

    #[test]
    fn what_is_not_shown_is_counted_all_the_same() {
        let mut wiretap = Wiretap::new();
        for seen in &all() {
            wiretap.see(seen, |_| false);
        }
        let counts = wiretap.counts();
        assert_eq!([counts.messages_up, counts.messages_down], [1, 1]);
        // The messages, not that there was a connection.
        assert_eq!(counts.skipped, 2);
    }

    #[test]
    fn what_is_under_way_at_the_end_is_told() {
        let (mut wiretap, _) = told(&all()[..2]);
        assert_eq!(wiretap.connections(), 1);
        let mut bytes = Vec::new();
        wiretap.end(|event| {
            if let Event::Message { message, .. } = event {
                bytes.push(message.payload + message.overhead);
            }
            true
        });
        assert_eq!(bytes, [5]);
        assert_eq!(wiretap.connections(), 0);
        let counts = wiretap.counts();
        assert_eq!(counts.payload_up + counts.overhead_up, 5);
    }

    #[test]
    fn a_connection_that_was_never_opened_says_nothing() {
        let (wiretap, lines) = told(&[passed(relay::Way::Up, 1, REQUEST)]);
        assert!(lines.is_empty());
        assert_eq!(wiretap.counts(), Counts::default());
    }
}
