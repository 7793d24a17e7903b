//! The transports, each with the loops that compare it with the others.
//!
//! Server and client speak over real loopback sockets. The server runs in a thread of its own and the clients in the one that measures, each
//! on an event loop of its own, as in a run (where they are processes). The loops are written once, generic over the transport, and compiled
//! for each; what is erased is one call a sample.
//!
//! criterion times them (`benches/protocols.rs`), `cargo xtask instructions` counts their instructions, both ends together.
//!
//! - [`loops`]: what is timed: echo, throughput, broadcast, connect;
//! - [`lab`]: a server in its thread, and the event loop of its clients;
//! - [`prompted`]: request-response whose clients poll when they are told to.

mod lab;
mod loops;
mod prompted;

use crate::turns::Turns;
use transport::Transport;

/// All transports that are compared, in the order in which they are shown. A new one is one line in `Cargo.toml` and one line here.
pub(crate) const TRANSPORTS: &[Entry] = &[
    Entry::of::<inproc::InProc>(),
    Entry::of::<tcp::Tcp>(),
    Entry::of::<prompted::RequestResponse>(),
    Entry::of::<long_poll::LongPoll>(),
    Entry::of::<sse::Sse>(),
    Entry::of::<websocket::WebSocket>(),
    Entry::of::<socket_io::SocketIo<socket_io::Both>>(),
    Entry::of::<socket_io::SocketIo<socket_io::Polling>>(),
    Entry::of::<socket_io::SocketIo<socket_io::WebSocket>>(),
];

/// A transport, and what makes each of its loops: with a server and clients of its own, connected.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// One request after the other, with so many bytes of data.
    pub(crate) echo: fn(usize) -> Turns,
    /// Publishes to so many subscribers.
    pub(crate) broadcast: fn(u64) -> Turns,
    /// Sessions, opened one after the other.
    pub(crate) connect: fn() -> Turns,
    /// Requests on one session, so many under way at once.
    pub(crate) throughput: fn(u64) -> Turns,
}

impl Entry {
    const fn of<T: Transport>() -> Self {
        Self {
            name: T::INFO.name,
            echo: loops::echo::<T>,
            broadcast: loops::broadcast::<T>,
            connect: loops::connect::<T>,
            throughput: loops::throughput::<T>,
        }
    }
}
