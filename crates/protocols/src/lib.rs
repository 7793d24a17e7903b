//! The client ends of wires that only others serve, so that the generator can load what others wrote.
//!
//! None of them knows sessions, cursors or rooms as the lab's own wires do. What a wire can carry stands in its
//! [`Capabilities`](transport::Capabilities), and nothing else is ever asked of it; a session's id is made up here. An event travels as the same
//! JSON that the lab's own servers send, sender and data included, within whatever the wire puts around it: so the same oracle checks it, and a
//! message has the same bytes on every wire.
//!
//! | module | concern |
//! | --- | --- |
//! | [`echo`](Echo) | a WebSocket that sends each message back |
//! | [`shootout`](Shootout) | the protocol of websocket-shootout: echo, and a broadcast to everyone |
//! | [`nchan`](NchanWebSocket) | Nchan, a module of nginx: publish by POST, subscribe by WebSocket, server-sent events or long-poll |
//! | `session` | what they share: a session that no server knows of |

mod echo;
pub mod nchan;
mod session;
mod shootout;

pub use echo::{Echo, EchoClient};
pub use nchan::{NchanLongPoll, NchanSse, NchanWebSocket};
pub use shootout::{Shootout, ShootoutClient};
