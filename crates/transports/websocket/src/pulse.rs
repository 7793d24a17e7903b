//! Pings, and the end of peers that don't answer them.
//!
//! One sweep a worker thread looks after all of its connections: a timer for each would cost an idle connection more memory than all
//! the rest of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::time::{MissedTickBehavior, interval};
use transport::Config;
use transport::push::Note;

use transport::websocket::frame::PING;

use crate::connection::Conn;

/// The connections of a worker thread.
#[derive(Debug)]
pub(crate) struct Pulse {
    ping_interval: Duration,
    ping_timeout: Duration,
    listed: Mutex<Slab<Entry>>,
}

/// A connection's place in the list; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Listed {
    pulse: Arc<Pulse>,
    key: usize,
}

#[derive(Debug)]
struct Entry {
    conn: Arc<Conn>,
    /// When the next ping is due.
    next: Instant,
    /// Since when a ping has met with silence.
    unanswered: Option<Instant>,
}

/// After this many pings sockets are read.
const PINGS: usize = 64;

impl Pulse {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            listed: Mutex::default(),
        }
    }

    /// Looks after `conn` from now on.
    pub(crate) fn list(self: &Arc<Self>, conn: &Arc<Conn>) -> Listed {
        let entry = Entry {
            conn: Arc::clone(conn),
            next: Instant::now() + self.ping_interval,
            unanswered: None,
        };
        let key = self.listed().insert(entry);
        Listed {
            pulse: Arc::clone(self),
            key,
        }
    }

    /// Tells all connections something.
    pub(crate) fn note_all(&self, note: Note) {
        for (_, entry) in &*self.listed() {
            entry.conn.note(note);
        }
    }

    /// Pings, and cuts peers that stay silent; for ever.
    pub(crate) async fn beat(&self) {
        let period = self.ping_interval.min(self.ping_timeout) / 8;
        let mut ticks = interval(period.clamp(Duration::from_millis(10), Duration::from_secs(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut from = Some(0);
            while let Some(key) = from {
                from = self.sweep(key, Instant::now());
                tokio::task::yield_now().await;
            }
        }
    }

    /// Sweeps the list from `first` on; returns where to go on when that were many pings already.
    fn sweep(&self, first: usize, now: Instant) -> Option<usize> {
        let mut listed = self.listed();
        let mut pings = 0;
        for key in first..listed.capacity() {
            let Some(entry) = listed.get_mut(key) else {
                continue;
            };
            if entry.conn.was_heard() {
                entry.unanswered = None;
            }
            if entry
                .unanswered
                .is_some_and(|since| now - since >= self.ping_timeout)
            {
                entry.conn.note(Note::Cut);
            } else if entry.next <= now {
                entry.conn.push_unless_full(&PING);
                entry.unanswered.get_or_insert(now);
                entry.next = now + self.ping_interval;
                pings += 1;
                if pings == PINGS {
                    return Some(key + 1);
                }
            }
        }
        None
    }

    fn listed(&self) -> MutexGuard<'_, Slab<Entry>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.pulse.listed().remove(self.key);
    }
}
