//! What every wire shares that has WebSocket frames (RFC 6455): the lab's own, Socket.IO's, and those of servers that others wrote.
//!
//! The wire is read and written here, since three things decide what a WebSocket costs and no library lets one decide them: how many system
//! calls a message takes, how much memory a connection that says nothing keeps, and how often bytes are copied. tungstenite stays as the
//! judge: property tests hold [`reader`] against it.
//!
//! | module | concern |
//! | --- | --- |
//! | [`frame`] | headers, masks, close codes |
//! | [`reader`] | messages out of bytes |
//! | [`dial`](Handshake) | a client's handshake |
//! | [`messages`](Messages) | a client's connection: messages both ways |

mod dial;
pub mod frame;
mod messages;
pub mod reader;

pub use dial::Handshake;
pub use messages::{Message, Messages, Next};
