//! What passes through a relay: its messages, told as they pass, and counts of all, told or not.

use std::sync::{Arc, Mutex, PoisonError};

use dissect::Counts;
use link::relay::Seen;
use tokio::sync::Notify;
use wiretap::{Event, Wiretap};

use super::outbox::Outbox;
use super::places::Places;

/// Most messages of a transport that are told in a second; those beyond are counted.
const MOST_A_SECOND: u32 = 200;

/// Looks at what passes on one lane, on the relay's thread.
#[derive(Debug)]
pub(super) struct Tap {
    wiretap: Wiretap,
    outbox: Arc<Outbox>,
    tally: Arc<Tally>,
    places: Places,
    told: Told,
}

/// How much has been told lately.
#[derive(Debug, Default)]
struct Told {
    second: u64,
    messages: u32,
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

    fn set(&self, counts: Counts) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        self.changed.notify_one();
    }
}

impl Tap {
    pub(super) fn new(outbox: Arc<Outbox>, tally: Arc<Tally>, places: Places) -> Self {
        Self {
            wiretap: Wiretap::new(),
            outbox,
            tally,
            places,
            told: Told::default(),
        }
    }

    /// Takes what the relay has seen.
    pub(super) fn see(&mut self, seen: Seen<'_>) {
        let before = self.wiretap.connections();
        let (outbox, told, transport) = (&self.outbox, &mut self.told, self.tally.transport);
        self.wiretap.see(&seen, |event| {
            told.is_room(&event) && outbox.tell(&event.of(transport))
        });
        let now = self.wiretap.connections();
        if now > before {
            self.places.take();
        }
        self.places.give_back(before.saturating_sub(now));
        self.tally.set(self.wiretap.counts());
    }
}

impl Told {
    /// Whether it may be told, and counts it if so.
    fn is_room(&mut self, event: &Event) -> bool {
        let Event::Message { message, .. } = event else {
            return true;
        };
        let second = message.arrived / 1_000_000_000;
        if second > self.second {
            *self = Self {
                second,
                messages: 0,
            };
        }
        let is_room = self.messages < MOST_A_SECOND;
        self.messages += u32::from(is_room);
        is_room
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // The relay has ended, and its connections with it.
        self.places.give_back(self.wiretap.connections());
    }
}
