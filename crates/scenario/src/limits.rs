//! What a scenario's settings may be: the parser keeps to it, and so does a search that moves one of them.

use std::time::Duration;

/// A second, over all senders: more than any machine sends, little enough that a schedule can be counted.
pub(crate) const MOST_RATE: f64 = 10_000_000.0;
pub(crate) const MOST_BURST: u32 = 1_000_000;
pub(crate) const MOST_DEPTH: u32 = 65_536;
pub(crate) const MOST_CONNECTIONS: u32 = 1_000_000;
pub(crate) const MOST_THREADS: u32 = 1024;
pub(crate) const MOST_POOL: u32 = 256;
pub(crate) const SHORTEST_WAIT: Duration = Duration::from_millis(1);
pub(crate) const LONGEST_POLL_INTERVAL: Duration = Duration::from_secs(3600);
pub(crate) const LONGEST_HOLD: Duration = Duration::from_secs(60);
pub(crate) const MOST_MAILBOX_MESSAGES: usize = 1 << 24;
pub(crate) const LEAST_MAILBOX_BYTES: usize = 1024;
pub(crate) const MOST_MAILBOX_BYTES: usize = 1 << 30;
/// What a message has around its payload: member names, the sender's id, an event's name.
pub(crate) const ENVELOPE: usize = 256;
/// The longest delay of a link, one way.
pub const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// The greatest bandwidth of a link, bits a second.
pub const MOST_BANDWIDTH: f64 = 1e11;
/// The least queue of a link, bytes: a full packet.
pub const LEAST_LINK_QUEUE: usize = 1500;
/// The greatest queue of a link, bytes.
pub const MOST_LINK_QUEUE: usize = 1 << 30;
/// The most round trips before a new connection of a link carries its first byte.
pub const MOST_SET_UP: u32 = 10;
/// Points of a sweep.
pub(crate) const MOST_POINTS: usize = 1000;
