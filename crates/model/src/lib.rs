//! What theory says: formulas for latency, requests and bytes of each way to be told of an event, to stand beside what was measured.
//!
//! Pure functions of a few numbers, each with its derivation in a line, its unit and its source. A formula that is exact says so; its test simulates the
//! process that it describes, event by event, and compares.
//!
//! Times are seconds, rates are a second, sizes are bytes. `round_trip` is `r`, `turn_round` the time `g` from one answer of a long-poll
//! until its next question is with the server: r (1 + set-up round trips) + the client's own time + the server's.
//!
//! | module | models |
//! | --- | --- |
//! | [`push`] | a connection on which the server speaks when it likes: WebSocket, server-sent events |
//! | [`poll`] | a client that asks on a clock |
//! | [`long_poll`] | a client whose question is held until there is an answer |
//! | [`request`] | a request and its answer, with the connection set up first |
//! | [`bytes`] | what headers, frames, records and segments add |
//! | [`recovery`] | what loss and broken connections cost |
//! | [`browser`] | what a browser limits |

pub mod browser;
pub mod bytes;
pub mod long_poll;
pub mod poll;
pub mod push;
pub mod recovery;
pub mod request;
