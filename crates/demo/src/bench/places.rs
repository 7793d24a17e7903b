//! How many connections may go through relays at once: the process has so many files, and no page may take those of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Resource, getrlimit};

/// Most connections of a relay: more than a browser opens to a host (255).
const MOST: usize = 300;

/// Files that a connection takes: both ends of the relay, and the server's.
const FILES: u64 = 3;

/// Files that everything else may take.
const OTHERS: u64 = 1_000;

/// The connections of all relays of a demo.
#[derive(Debug, Clone)]
pub(super) struct Places {
    taken: Arc<AtomicUsize>,
    most: usize,
}

impl Places {
    /// As many as the limit of open files allows.
    pub(super) fn new() -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = (files.saturating_sub(OTHERS) / FILES).max(64);
        Self {
            taken: Arc::default(),
            most: usize::try_from(most).unwrap_or(usize::MAX),
        }
    }

    /// Whether a relay that has so many connections may take another one.
    pub(super) fn is_room(&self, connections: usize) -> bool {
        connections < MOST && self.taken.load(Ordering::Relaxed) < self.most
    }

    /// A connection has been opened.
    pub(super) fn take(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// So many have ended.
    pub(super) fn give_back(&self, count: usize) {
        self.taken.fetch_sub(count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_relays_share_the_files() {
        let places = Places {
            taken: Arc::default(),
            most: 2,
        };
        assert!(places.is_room(0) && !places.is_room(MOST));
        places.take();
        places.clone().take();
        assert!(!places.is_room(0));
        places.give_back(2);
        assert!(places.is_room(0));
    }
}
