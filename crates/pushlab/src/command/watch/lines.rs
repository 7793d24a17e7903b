//! What passes as lines of JSON.

use dissect::Counts;
use measure::Measurement;
use serde::Serialize;
use wiretap::Event;

use super::observer::Totals;

/// A line a message, of this transport.
pub(super) struct Lines {
    transport: String,
}

/// A line at the end. Times are microseconds.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
enum Line<'a> {
    Counts {
        transport: &'a str,
        #[serde(flatten)]
        counts: &'a Counts,
    },
    /// What the generator says: how many events or requests, and how long until they were received or answered.
    Ages {
        transport: &'a str,
        sent: u64,
        delivered: u64,
        completed: u64,
        p50_us: Option<f64>,
        p99_us: Option<f64>,
        errors: u64,
    },
}

impl Lines {
    pub(super) fn new(transport: &str) -> Self {
        Self {
            transport: transport.to_owned(),
        }
    }

    /// The line of an event.
    ///
    /// # Errors
    /// It is no JSON, which can't be.
    pub(super) fn line(&self, event: &Event) -> serde_json::Result<String> {
        serde_json::to_string(&event.of(&self.transport))
    }
}

/// The last lines.
///
/// # Errors
/// They are no JSON, which can't be.
pub(super) fn totals(
    transport: &str,
    totals: &Totals,
    measurement: &Measurement,
) -> serde_json::Result<String> {
    let counts = &totals.counts;
    let age = measurement
        .latencies
        .distribution(measurement.key.headline());
    let counted = &measurement.counts;
    let ages = Line::Ages {
        transport,
        sent: counted.sent,
        delivered: counted.delivered,
        completed: counted.completed,
        p50_us: age.map(|age| us(age.p50_ns)),
        p99_us: age.map(|age| us(age.p99_ns)),
        errors: measurement.errors.total(),
    };
    let counts = serde_json::to_string(&Line::Counts { transport, counts })?;
    Ok(format!("{counts}\n{}\n", serde_json::to_string(&ages)?))
}

fn us(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}
