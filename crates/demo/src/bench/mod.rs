//! A bench: servers of all lanes on one hub, a cable to each that can be looked at and pulled, a source of events, and whoever watches.
//!
//! It has a thread for its servers, source and neighbours, and one for each relay. Pages reach it through sockets alone: clients through the relays,
//! and those who watch by a `WebSocket` of the pages' server, whose tasks speak to the bench's thread through bounded channels. When nobody has
//! watched for [`PATIENCE`], threads and ports are given back.
//!
//! | module | concern |
//! | --- | --- |
//! | `order` | what a page orders: the settings of a bench |
//! | `shape` | the link as pages write it |
//! | `shelf` | all benches, and the servers that some share |
//! | `servers` | servers of all lanes on one hub |
//! | `cable` | a relay in front of each |
//! | `places` | how many connections there may be |
//! | `tap` | what passes there: messages, counts |
//! | `ask` | what those who watch may ask for |
//! | `run` | a bench's thread: it does what is asked |
//! | `source`, `schedule` | events, each when it is due |
//! | `neighbours` | native clients beside those of pages |
//! | `outbox`, `watchers` | what is told, together, to all who watch |

mod ask;
mod cable;
mod neighbours;
mod order;
mod outbox;
mod places;
mod run;
mod schedule;
mod servers;
mod shape;
mod shelf;
mod source;
mod tap;
mod watchers;

pub(crate) use ask::Ask;
pub(crate) use order::Order;
pub(crate) use outbox::one as frame_of;
pub(crate) use run::Failed;
pub(crate) use shelf::{Bench, Refusal, Shelf};
pub(crate) use watchers::{Frames, Seat};

use std::time::Duration;

/// How long a bench lives unwatched: a page that is reloaded finds it again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The room of source and publishes, which clients join to hear them.
pub(crate) const ROOM: &str = "bench";

/// Microseconds of a time in nanoseconds, exact to the nanosecond.
pub(crate) fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}
