//! What faults did to the sessions, and how they came back.

use serde::{Deserialize, Serialize};

use crate::latency::Distribution;

/// What faults did to the sessions of a case, and how they came back. Everything is of the whole case, warm-up and drain included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Faults that struck.
    pub faults: u64,
    /// Sessions that stood again, each time that they did: `resumed` and `fresh` together.
    pub reconnects: u64,
    /// Attempts to stand again that began.
    pub reconnect_attempts: u64,
    /// Sessions that went on where they had been.
    pub resumed: u64,
    /// Sessions that the server had forgotten, so that new ones took their place.
    pub fresh: u64,
    /// Messages that their publisher had handed to a connection which then broke, and that no receiver ever got. Whether the server
    /// had them can't be known, so they are not among those expected.
    pub unconfirmed: u64,
    /// How often a session that hears others had not heard any of them again before the next fault, or the end.
    pub unrecovered: u64,
    /// Most attempts that began within any one second.
    pub reconnects_per_s_max: u64,
    /// From when a client knew that its connection had ended until its session stood again.
    pub reconnect: Option<Distribution>,
    /// From the instant of a fault to the first message that a session received after it, on a new connection if its own had ended.
    pub recovery: Option<Distribution>,
}

impl Recovery {
    /// Whether sessions may have been gone for a while by no fault of the generator.
    pub fn is_disturbed(&self) -> bool {
        self.faults > 0 || self.reconnect_attempts > 0
    }
}
