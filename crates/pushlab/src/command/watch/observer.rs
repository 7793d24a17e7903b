//! What passes the relay, on its way to the printer, and totals.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dissect::Counts;
use link::relay::Seen;
use wiretap::{Event, Wiretap};

/// Events that wait for the printer. If it is slower than what passes, the rest is counted and not shown.
const WAITING: usize = 4096;

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
    wiretap: Wiretap,
    most_open: u64,
    lost: u64,
    /// None once it is over.
    events: Option<SyncSender<Event>>,
}

impl Observer {
    /// An observer, and what it has to show.
    pub(super) fn new() -> (Arc<Self>, Receiver<Event>) {
        let (sender, events) = sync_channel(WAITING);
        let observed = Observed {
            wiretap: Wiretap::new(),
            most_open: 0,
            lost: 0,
            events: Some(sender),
        };
        (Arc::new(Self(Mutex::new(observed))), events)
    }

    pub(super) fn see(&self, seen: &Seen<'_>) {
        let observed = &mut *self.lock();
        if let Seen::Lost { bytes, .. } = seen {
            observed.lost += bytes.len() as u64;
        }
        let events = &observed.events;
        observed
            .wiretap
            .see(seen, |event| show(events.as_ref(), event));
        observed.most_open = observed.most_open.max(observed.wiretap.counts().open);
    }

    /// Nothing more is to come.
    pub(super) fn finish(&self) -> Totals {
        let observed = &mut *self.lock();
        let events = observed.events.take();
        observed.wiretap.end(|event| show(events.as_ref(), event));
        Totals {
            counts: observed.wiretap.counts(),
            most_open: observed.most_open,
            lost: observed.lost,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Observed> {
        // A message half counted is no reason to count no more.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the printer takes it.
fn show(events: Option<&SyncSender<Event>>, event: Event) -> bool {
    events.is_some_and(|events| events.try_send(event).is_ok())
}
