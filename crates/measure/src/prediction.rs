//! What a model says of a case, to stand beside what was measured.

use serde::{Deserialize, Serialize};

/// What a model says of a case; none where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Which model: `push`, `poll`, `long-poll`, `long-poll-unbatched`, `request`.
    pub model: String,
    /// Mean of the latency that answers the scenario's question, nanoseconds.
    pub mean_ns: Option<f64>,
    /// Its median, nanoseconds.
    pub p50_ns: Option<f64>,
    /// Its 99th percentile, nanoseconds.
    pub p99_ns: Option<f64>,
    /// HTTP requests that ask for events, for each of them.
    pub requests_per_message: Option<f64>,
    /// The share of them that bring nothing.
    pub useless_request_share: Option<f64>,
}
