//! The semantics of pushlab, without a wire: sessions, rooms, audiences, mailboxes and cursors.
//!
//! Every transport of the lab serves *this* and nothing else, so that a difference between two transports is a
//! difference of the wire and never of what is promised on it. The crate is cut in two:
//!
//! * the **pure core** ([`Hub`], [`Mailbox`]): a state machine without clock, I/O, threads or randomness. `now`, ids and
//!   tokens are passed in, so that a property test can drive it through years of disconnections in a second;
//! * the **async way in** ([`Door`], [`Session`], [`Poll`]): one core for each worker thread (a *shard*), one order over
//!   all of them, wake-ups, and direct writes to sockets that are ready.
//!
//! Modules, from the wire inwards:
//!
//! | module | concern |
//! | --- | --- |
//! | [`wire`] | the JSON protocol `pushlab.v1`: commands parsed, messages encoded and (for clients) parsed |
//! | [`event`](Event) | an event as bytes, encoded once for all of its receivers, WebSocket frame included |
//! | [`mailbox`](Mailbox) | what a session has yet to receive, by cursor, bounded, with the three policies |
//! | [`hub`](Hub) | the state machine: open, resume, apply, take, expire |
//! | [`door`](Door) | shards, total order across threads, wakers and outlets |
//! | [`id`](SessionId) | public ids and secret tokens |
//! | [`limits`](Limits) | every bound of a hub with its default |

mod door;
mod event;
mod hub;
mod id;
mod limits;
mod mailbox;
mod session;
mod shard;
pub mod wire;

pub use door::{Door, Refused};
pub use event::{Event, Parts};
pub use hub::{Hub, Key, Outcome, ResumeError};
pub use id::{SessionId, Token};
pub use limits::{Limits, SlowConsumer};
pub use mailbox::{BeyondSent, Delivery, Mailbox};
pub use session::{Poll, Session};
pub use shard::{Closing, Outlet};
pub use wire::{Audience, Command};
