//! What a link between generator and server did, as it measured itself.

use serde::{Deserialize, Serialize};

use crate::latency::Distribution;

/// What a link did to each direction within the measured part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkReport {
    /// From the clients to the server.
    pub up: Impairment,
    /// From the server to the clients.
    pub down: Impairment,
}

/// What a link did to one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Impairment {
    /// What was passed on: packets, or pieces of byte streams as they were read.
    pub units: u64,
    /// Their bytes; of packets with the headers of IP and TCP.
    pub bytes: u64,
    /// From a unit's arrival at the link until it was passed on, waiting for bandwidth included.
    pub delay: Option<Distribution>,
    /// Packets that were lost on purpose.
    pub lost: u64,
    /// Packets that found the queue full.
    pub dropped: u64,
    /// Packets that were let past others.
    pub reordered: u64,
    /// Packets that were sent twice.
    pub duplicated: u64,
    /// Bits a second while something waited for the bandwidth; none where nothing ever did.
    pub busy_bit_per_s: Option<f64>,
    /// The most that waited for the bandwidth at once, bytes.
    pub queue_max_bytes: u64,
}

impl Impairment {
    /// The share of packets that came and were lost on purpose; none where nothing came.
    pub fn loss_share(&self) -> Option<f64> {
        let came = self.units.saturating_sub(self.duplicated) + self.lost + self.dropped;
        (came > 0).then(|| self.lost as f64 / came as f64)
    }
}
