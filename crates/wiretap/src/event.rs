//! Something that passed, and its JSON.

use dissect::Message;
use link::relay::{Close, Side, Way};
use serde::{Serialize, Serializer};

/// Something that passed through a relay. Times are nanoseconds of the lab's clock (`measure::now`), in JSON microseconds exact to the nanosecond.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Event {
    /// A connection reached it.
    Opened {
        /// Its number, from 1 on.
        connection: u64,
        /// When.
        #[serde(rename = "at_us", serialize_with = "microseconds")]
        at: u64,
    },
    /// A message is whole, or its connection has ended before it was.
    Message {
        /// The connection's number.
        connection: u64,
        /// What it is.
        #[serde(flatten)]
        message: Message,
    },
    /// Bytes will never arrive.
    Lost {
        /// The connection's number.
        connection: u64,
        /// Their direction.
        #[serde(serialize_with = "way_name")]
        way: Way,
        /// When they came to the relay.
        #[serde(rename = "sent_us", serialize_with = "microseconds")]
        sent: u64,
        /// When they were lost.
        #[serde(rename = "at_us", serialize_with = "microseconds")]
        at: u64,
        /// How many.
        bytes: usize,
    },
    /// A connection has ended.
    Closed {
        /// Its number.
        connection: u64,
        /// When.
        #[serde(rename = "at_us", serialize_with = "microseconds")]
        at: u64,
        /// How.
        #[serde(serialize_with = "close_name")]
        how: Close,
        /// Who ended it.
        #[serde(serialize_with = "side_name")]
        by: Side,
    },
}

/// An event and whose it is: what is told of several relays on one line.
#[derive(Debug, Serialize)]
pub struct OfTransport<'a> {
    transport: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}

impl Event {
    /// With the name of the transport that passes through the relay.
    pub fn of<'a>(&'a self, transport: &'a str) -> OfTransport<'a> {
        OfTransport {
            transport,
            event: self,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn microseconds<S: Serializer>(nanoseconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*nanoseconds as f64 / 1e3)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn way_name<S: Serializer>(way: &Way, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(way.name())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn close_name<S: Serializer>(how: &Close, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(how.name())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn side_name<S: Serializer>(by: &Side, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(by.name())
}
