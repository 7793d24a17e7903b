//! Counts, bytes, and errors apart by kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many, within the measured part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Open loop: arrivals of the schedule. Closed loop: the same as `sent`.
    pub intended: u64,
    /// Of these, handed to the transport before the measured part was over.
    pub sent: u64,
    /// Requests answered, or publishes that reached every receiver, by the time when that happened.
    pub completed: u64,
    /// Events received, each once, by the time when they came. Throughput counts these, or `completed` where there are no events.
    pub delivered: u64,
    /// Sends of the measured part without an answer (or a receiver) when the drain was over.
    pub censored: u64,
    /// The shortest and the longest that a censored one had waited then, nanoseconds.
    pub censored_at_least_ns: Option<(u64, u64)>,
    /// Samples of the warm-up, discarded.
    pub warm_up_discarded: u64,
}

/// What went over the wire within the measured part, all clients together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes of `data` sent.
    pub payload_up_bytes: u64,
    /// Bytes of `data` received.
    pub payload_down_bytes: u64,
    /// Bytes written to the clients' sockets: requests, headers, frames. Without TLS this is what a TLS layer would be given.
    pub wire_up_bytes: u64,
    /// Bytes read from them.
    pub wire_down_bytes: u64,
    /// HTTP requests; a WebSocket's handshake is one.
    pub requests: u64,
    /// Responses that carried nothing.
    pub empty_responses: u64,
    /// TCP connections opened.
    pub connections: u64,
    /// The IP layer; none without a network, or if the kernel doesn't tell.
    pub ip: Option<IpTraffic>,
}

/// What the IP layer made of it, by the kernel's own count of each of the clients' sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpTraffic {
    /// TCP segments sent, those without data included.
    pub segments_up: u64,
    /// TCP segments received.
    pub segments_down: u64,
    /// Of those sent, the ones that were sent again.
    pub retransmits: u64,
    /// Bytes sent, with the headers of IP and TCP and what was sent again.
    pub ip_up_bytes: u64,
    /// Bytes received in the same way.
    pub ip_down_bytes: u64,
}

/// Errors by kind, apart from the latencies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Errors(BTreeMap<String, ErrorCount>);

/// One kind of error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// How often.
    pub count: u64,
    /// What the first one said.
    pub first: String,
}

impl Errors {
    /// Counts one error of `kind`; the message of the first one is kept.
    pub fn add(&mut self, kind: &str, message: impl FnOnce() -> String) {
        if let Some(entry) = self.0.get_mut(kind) {
            entry.count += 1;
        } else {
            self.0.insert(
                kind.to_owned(),
                ErrorCount {
                    count: 1,
                    first: message(),
                },
            );
        }
    }

    /// All errors together.
    pub fn total(&self) -> u64 {
        self.0.values().map(|entry| entry.count).sum()
    }

    /// Each kind with its count and first message.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ErrorCount)> {
        self.0.iter().map(|(kind, entry)| (kind.as_str(), entry))
    }

    /// `lost-connection=3; refused=1`, as in `runs.csv`.
    pub fn brief(&self) -> String {
        let kinds: Vec<String> = self
            .iter()
            .map(|(kind, entry)| format!("{kind}={}", entry.count))
            .collect();
        kinds.join("; ")
    }
}
