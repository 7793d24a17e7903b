//! What passes as lines of JSON.

use dissect::{Counts, Message};
use measure::Measurement;
use serde::Serialize;

use super::observer::{Event, Totals};

/// A line a message, of this transport.
pub(super) struct Lines {
    transport: String,
}

/// A line. Times are microseconds of the lab's clock.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
enum Line<'a> {
    Opened {
        transport: &'a str,
        connection: u64,
        at_us: f64,
    },
    Message {
        transport: &'a str,
        connection: u64,
        #[serde(flatten)]
        message: &'a Message,
    },
    Lost {
        transport: &'a str,
        connection: u64,
        way: &'static str,
        sent_us: f64,
        at_us: f64,
        bytes: usize,
    },
    Closed {
        transport: &'a str,
        connection: u64,
        at_us: f64,
        how: &'static str,
        by: &'static str,
    },
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
        let transport = self.transport.as_str();
        serde_json::to_string(&match event {
            &Event::Opened { connection, at } => Line::Opened {
                transport,
                connection,
                at_us: us(at),
            },
            Event::Message {
                connection,
                message,
            } => Line::Message {
                transport,
                connection: *connection,
                message,
            },
            &Event::Lost {
                connection,
                way,
                sent,
                at,
                bytes,
            } => Line::Lost {
                transport,
                connection,
                way: way.name(),
                sent_us: us(sent),
                at_us: us(at),
                bytes,
            },
            &Event::Closed {
                connection,
                at,
                how,
                by,
            } => Line::Closed {
                transport,
                connection,
                at_us: us(at),
                how: how.name(),
                by: by.name(),
            },
        })
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
