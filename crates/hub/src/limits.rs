//! Every bound of a hub, each with its default.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What happens to a session that receives more than it takes, when its mailbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowConsumer {
    /// The session ends: a WebSocket is closed with 1013, a poll is answered with 410.
    #[default]
    Disconnect,
    /// The oldest messages go, and a `gap` tells how many.
    DropOldest,
    /// Of each event name only the newest stays, and a `gap` tells how many went. Replies are never superseded.
    Conflate,
}

/// The bounds of a [`Hub`](crate::Hub). What exceeds one is refused or dropped with notice, never silently.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most messages a mailbox keeps, received ones that are kept for a resume included. Default 4,096.
    pub mailbox_messages: usize,
    /// Most bytes a mailbox keeps, counted as the JSON of each message. Default 1 MiB.
    pub mailbox_bytes: usize,
    /// What happens when a mailbox is full of messages nobody took. Default: disconnect.
    pub slow_consumer: SlowConsumer,
    /// The retention window: how long a session without a connection is kept. Default 60 s.
    pub retention: Duration,
    /// Most sessions at once, the ones kept for a resume included. Default 100,000.
    pub max_sessions: usize,
    /// Most rooms a session may be in at once. Default 256.
    pub max_rooms: usize,
    /// Most commands a second that a session may give, with a burst of one second's worth. Default 1,000,000.
    pub max_rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mailbox_messages: 4096,
            mailbox_bytes: 1 << 20,
            slow_consumer: SlowConsumer::default(),
            retention: Duration::from_secs(60),
            max_sessions: 100_000,
            max_rooms: 256,
            max_rate: 1_000_000,
        }
    }
}

impl SlowConsumer {
    /// All policies with the names that command line and scenarios use.
    pub const ALL: [(&'static str, Self); 3] = [
        ("disconnect", Self::Disconnect),
        ("drop-oldest", Self::DropOldest),
        ("conflate", Self::Conflate),
    ];
}

impl fmt::Display for SlowConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL
            .iter()
            .find(|(_, policy)| policy == self)
            .map_or("", |(name, _)| name);
        f.pad(name)
    }
}

impl FromStr for SlowConsumer {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, policy)| *policy)
            .ok_or_else(|| {
                format!("`{text}` is no policy; disconnect, drop-oldest and conflate are")
            })
    }
}
