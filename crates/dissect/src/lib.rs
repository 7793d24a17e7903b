//! The bytes of a connection, taken apart: HTTP/1.1 messages, the events of an event stream, WebSocket frames, each with its parts, and how many of
//! its bytes are what was to be said and how many are there to say it.
//!
//! It looks on. Bytes are passed in with their direction and times, and what they mean comes out; nothing is sent, refused or repaired. So it takes
//! whatever two programs may say to each other: what it can't read is of the kind [`Other`](Kind::Other), and memory is bounded for any bytes at all.
//! It knows no clock, does no I/O and depends on nothing of the lab.
//!
//! Every byte belongs to exactly one message: all of `payload` and `overhead` together is what was passed on.
//!
//! | module | concern |
//! | --- | --- |
//! | [`message`] | what comes out, and its JSON |
//! | [`counts`] | totals |
//! | `conversation` | one connection: both directions, requests and their responses |
//! | `head`, `body` | HTTP/1.1 messages |
//! | `events` | event streams |
//! | `frames` | WebSocket frames |
//! | `draft` | a message that is coming in, and how much of it is kept |

mod body;
mod conversation;
pub mod counts;
mod draft;
mod events;
mod frames;
mod head;
pub mod message;

pub use conversation::Conversation;
pub use counts::Counts;
pub use message::{Frame, Kind, Message, Part, Role, Way};
