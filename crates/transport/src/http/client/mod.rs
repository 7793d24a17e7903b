//! The client's end of a server with sessions over HTTP.
//!
//! The client speaks HTTP/1.1 by itself. A load generator makes the same few requests over and over, so their heads are written once; a
//! response is read into one buffer and handed over from there. hyper's client does more for each request (a header map, a channel to
//! the connection's task and one back) and would be a larger part of what is measured.
//!
//! | module | concern |
//! | --- | --- |
//! | [`line`](Line) | one connection: connect, one request at a time, again after a cut where that is safe |
//! | `response` | a response's head, and bodies of each framing |
//! | `answer` | messages in bodies, handed over without a list |
//! | [`session`](SessionClient) | commands over lines, generic over how messages come |
//! | [`polling`](Polling) | messages by polls, generic over when those are made |

mod answer;
mod line;
mod polling;
mod response;
mod session;

pub use line::{Answer, Host, Line};
pub use polling::{Polling, Polls};
pub use session::{Downlink, Opened, SessionClient, refused};
