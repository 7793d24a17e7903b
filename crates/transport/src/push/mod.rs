//! What the transports share that have a TCP connection of their own, on which either end says something whenever there is something.
//!
//! How messages stand on the wire is a [`Framing`]; everything else is the same for each of them.
//!
//! | module | concern |
//! | --- | --- |
//! | `conn` | the sending side of a server's connection: direct writes, and the rest when a socket is full |
//! | `socket` | a client's connection: writes what is queued, reads into a shared buffer |
//! | `account` | a client's session: welcome, cursor, payload |

mod account;
mod conn;
mod socket;

pub use account::{Account, welcome};
pub use conn::{Conn, Framing, Note, Nowhere};
pub use socket::{NO_CLOSE, Socket, goodbye};
