//! What a session has yet to receive, and what it may ask for again.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::{Event, Limits, SlowConsumer};

/// A session's messages by cursor, bounded.
///
/// The cursor is a *count*: the n-th message ever put here has sequence n - 1, and a session that has received n messages
/// (a gap counts those it stands for) has cursor n. Messages stay after they were taken, until the session acknowledges
/// them or room is needed: nothing is deleted because it was *sent*.
///
/// ```text
///          front                             back
///            | handed over, kept | not taken  |
/// sequences  a … cursor - 1        cursor … pushed - 1      (holes where a policy dropped messages)
/// ```
#[derive(Debug, Default)]
pub struct Mailbox {
    entries: VecDeque<Entry>,
    /// How many entries at the front were handed over.
    taken: usize,
    /// Bytes of JSON in `entries`.
    bytes: usize,
    /// How many messages were handed over, those in gaps included.
    cursor: u64,
    /// How many messages were ever put here.
    pushed: u64,
    /// The highest cursor the session has told.
    acknowledged: u64,
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    event: Arc<Event>,
}

/// What a mailbox hands over.
#[derive(Debug, Clone, Copy)]
pub enum Delivery<'a> {
    /// This many messages are gone.
    Gap(u64),
    /// A message.
    Event(&'a Arc<Event>),
}

impl Delivery<'_> {
    /// How far it moves the cursor.
    pub fn counts(self) -> u64 {
        match self {
            Self::Gap(missed) => missed,
            Self::Event(_) => 1,
        }
    }
}

/// A cursor beyond what was handed over: no honest client has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cursor {received} is beyond the {sent} messages that were sent")]
pub struct BeyondSent {
    /// The cursor that was told.
    pub received: u64,
    /// How many messages were handed over.
    pub sent: u64,
}

/// The mailbox is full of messages that nobody took, and the policy is to disconnect.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// An emptied queue keeps at most room for this many messages.
const KEPT_CAPACITY: usize = 64;

impl Mailbox {
    /// Puts a message in, and makes room for it as `limits` say.
    pub(crate) fn push(&mut self, event: &Arc<Event>, limits: &Limits) -> Result<(), Overflow> {
        self.bytes += event.json().len();
        self.entries.push_back(Entry {
            sequence: self.pushed,
            event: Arc::clone(event),
        });
        self.pushed += 1;
        while self.entries.len() > limits.mailbox_messages || self.bytes > limits.mailbox_bytes {
            if self.taken > 0 {
                self.drop_front();
                continue;
            }
            match limits.slow_consumer {
                SlowConsumer::Disconnect => return Err(Overflow),
                SlowConsumer::DropOldest => self.drop_front(),
                SlowConsumer::Conflate => self.conflate(limits),
            }
        }
        Ok(())
    }

    /// Hands over at most `most` deliveries, in order; returns how many.
    pub fn take(&mut self, most: usize, mut each: impl FnMut(Delivery<'_>)) -> usize {
        let mut handed = 0;
        while handed < most && self.cursor < self.pushed {
            handed += 1;
            let next = self
                .entries
                .get(self.taken)
                .map_or(self.pushed, |entry| entry.sequence);
            if next > self.cursor {
                each(Delivery::Gap(next - self.cursor));
                self.cursor = next;
                continue;
            }
            // `next` is below `pushed` here, so the entry exists.
            if let Some(entry) = self.entries.get(self.taken) {
                each(Delivery::Event(&entry.event));
            }
            self.taken += 1;
            self.cursor += 1;
        }
        handed
    }

    /// Whether there is something to take.
    pub fn has_unsent(&self) -> bool {
        self.cursor < self.pushed
    }

    /// How many messages were handed over, those in gaps included.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Messages kept, handed over or not.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of JSON kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The session tells that it has received `received` messages: those need not be kept, and what was handed over after them is handed
    /// over again. `None` repeats what the session told last.
    pub(crate) fn rewind(&mut self, received: Option<u64>) -> Result<(), BeyondSent> {
        let received = received.unwrap_or(self.acknowledged);
        if received > self.cursor {
            return Err(BeyondSent {
                received,
                sent: self.cursor,
            });
        }
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.sequence < received)
        {
            self.drop_front();
        }
        if self.entries.is_empty() && self.entries.capacity() > KEPT_CAPACITY {
            self.entries = VecDeque::new();
        }
        self.acknowledged = self.acknowledged.max(received);
        self.cursor = received;
        self.taken = 0;
        Ok(())
    }

    /// Everything that was ever put here counts as received, whether it was handed over or not.
    pub(crate) fn forget(&mut self) {
        self.entries = VecDeque::new();
        (self.taken, self.bytes) = (0, 0);
        (self.cursor, self.acknowledged) = (self.pushed, self.pushed);
    }

    fn drop_front(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.event.json().len();
            self.taken = self.taken.saturating_sub(1);
        }
    }

    /// Keeps the newest of each event name. One pass costs as much as the mailbox is long, so it also makes room for the next eighth:
    /// where names are many, the oldest go.
    fn conflate(&mut self, limits: &Limits) {
        let mut newer: HashSet<Vec<u8>> = HashSet::new();
        let mut kept = VecDeque::with_capacity(self.entries.len());
        while let Some(entry) = self.entries.pop_back() {
            let superseded = entry
                .event
                .name()
                .is_some_and(|name| !newer.insert(name.to_vec()));
            if superseded {
                self.bytes -= entry.event.json().len();
            } else {
                kept.push_front(entry);
            }
        }
        self.entries = kept;
        let (messages, bytes) = (limits.mailbox_messages, limits.mailbox_bytes);
        while self.entries.len() > messages - messages / 8 || self.bytes > bytes - bytes / 8 {
            self.drop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionId;

    fn event(name: &str, n: u64) -> Arc<Event> {
        Event::new(name, SessionId::from_bytes([0; 16]), &n.to_string())
    }

    fn limits(messages: usize, slow_consumer: SlowConsumer) -> Limits {
        Limits {
            mailbox_messages: messages,
            slow_consumer,
            ..Limits::default()
        }
    }

    /// What a client sees: the numbers in `data`, and gaps as negative numbers.
    fn taken(mailbox: &mut Mailbox, most: usize) -> Vec<i64> {
        let mut seen = Vec::new();
        mailbox.take(most, |delivery| {
            seen.push(match delivery {
                Delivery::Gap(missed) => -i64::try_from(missed).unwrap(),
                Delivery::Event(event) => serde_json::from_slice::<serde_json::Value>(event.json())
                    .unwrap()["data"]
                    .as_i64()
                    .unwrap(),
            });
        });
        seen
    }

    #[test]
    fn nothing_is_deleted_because_it_was_sent() {
        let (mut mailbox, limits) = (Mailbox::default(), limits(8, SlowConsumer::Disconnect));
        for n in 0..4 {
            mailbox.push(&event("e", n), &limits).unwrap();
        }
        assert_eq!(taken(&mut mailbox, 3), [0, 1, 2]);
        mailbox.rewind(Some(1)).unwrap();
        assert_eq!(taken(&mut mailbox, 99), [1, 2, 3]);
        mailbox.rewind(None).unwrap();
        assert_eq!(taken(&mut mailbox, 99), [1, 2, 3]);
        mailbox.rewind(Some(4)).unwrap();
        assert!(mailbox.is_empty() && mailbox.bytes() == 0 && !mailbox.has_unsent());
        assert_eq!(
            mailbox.rewind(Some(5)),
            Err(BeyondSent {
                received: 5,
                sent: 4
            })
        );
    }

    #[test]
    fn what_is_forgotten_counts_as_received() {
        let (mut mailbox, limits) = (Mailbox::default(), limits(8, SlowConsumer::Disconnect));
        for n in 0..4 {
            mailbox.push(&event("e", n), &limits).unwrap();
        }
        assert_eq!(taken(&mut mailbox, 2), [0, 1]);
        mailbox.forget();
        assert!(mailbox.is_empty() && mailbox.bytes() == 0 && !mailbox.has_unsent());
        mailbox.push(&event("e", 4), &limits).unwrap();
        assert_eq!(taken(&mut mailbox, 99), [4], "without a gap");
        assert_eq!(mailbox.cursor(), 5);
        mailbox.rewind(None).unwrap();
        assert_eq!(taken(&mut mailbox, 99), [4]);
    }

    #[test]
    fn room_is_made_from_what_was_sent_first() {
        let (mut mailbox, limits) = (Mailbox::default(), limits(4, SlowConsumer::Disconnect));
        for n in 0..4 {
            mailbox.push(&event("e", n), &limits).unwrap();
        }
        assert_eq!(taken(&mut mailbox, 2), [0, 1]);
        mailbox.push(&event("e", 4), &limits).unwrap();
        mailbox.push(&event("e", 5), &limits).unwrap();
        assert_eq!(mailbox.push(&event("e", 6), &limits), Err(Overflow));

        let mut mailbox = Mailbox::default();
        for n in 0..9 {
            mailbox.push(&event("e", n), &limits).unwrap();
            taken(&mut mailbox, 1);
        }
        mailbox.rewind(Some(2)).unwrap();
        assert_eq!(taken(&mut mailbox, 99), [-3, 5, 6, 7, 8]);
    }

    #[test]
    fn drop_oldest_and_conflate_tell_what_is_gone() {
        let dropping = limits(3, SlowConsumer::DropOldest);
        let mut mailbox = Mailbox::default();
        for n in 0..5 {
            mailbox.push(&event("e", n), &dropping).unwrap();
        }
        assert_eq!(taken(&mut mailbox, 99), [-2, 2, 3, 4]);
        assert_eq!(mailbox.cursor(), 5);

        let conflating = limits(4, SlowConsumer::Conflate);
        let mut mailbox = Mailbox::default();
        for n in 0..5 {
            mailbox
                .push(
                    &event(if n % 2 == 0 { "even" } else { "odd" }, n),
                    &conflating,
                )
                .unwrap();
        }
        assert_eq!(taken(&mut mailbox, 99), [-3, 3, 4]);
        for n in 5..11 {
            mailbox
                .push(&event(&n.to_string(), n), &conflating)
                .unwrap();
        }
        assert_eq!(taken(&mut mailbox, 99), [-2, 7, 8, 9, 10]);
    }

    #[test]
    fn the_bound_in_bytes_holds_too() {
        let size = event("e", 0).json().len();
        let limits = Limits {
            mailbox_bytes: 3 * size,
            slow_consumer: SlowConsumer::DropOldest,
            ..Limits::default()
        };
        let mut mailbox = Mailbox::default();
        for n in 0..9 {
            mailbox.push(&event("e", n), &limits).unwrap();
            assert!(mailbox.bytes() <= limits.mailbox_bytes);
        }
        assert_eq!(taken(&mut mailbox, 99), [-6, 6, 7, 8]);
        let huge = Event::reply(1, &format!("\"{}\"", "x".repeat(4 * size)));
        mailbox.push(&huge, &limits).unwrap();
        assert_eq!(
            taken(&mut mailbox, 99),
            [-1],
            "a message that never fits is a gap"
        );
    }
}
