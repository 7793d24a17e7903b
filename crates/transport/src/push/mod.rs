//! What the transports share that have a TCP connection of their own, on which either end says something whenever there is something.
//!
//! How messages stand on the wire is a [`Framing`], and what a server says there at the end a [`Dialect`]; everything else is the same for
//! each of them.
//!
//! | module | concern |
//! | --- | --- |
//! | `conn` | the sending side of a server's connection: direct writes, and the rest when a socket is full |
//! | `connection` | its receiving side: its task |
//! | `commands` | a server's session: commands, welcome, resume |
//! | `socket` | a client's connection: writes what is queued, reads into a shared buffer |
//! | `account` | a client's session: welcome, cursor, payload |

mod account;
mod commands;
mod conn;
mod connection;
mod socket;

pub use account::{Account, welcome};
pub use commands::{Commands, Dialect};
pub use conn::{Conn, Framing, Note};
pub use connection::{Connection, Receiver};
pub use socket::{NO_CLOSE, Socket, goodbye};
