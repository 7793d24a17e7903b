//! The server: Engine.IO by the engine, Socket.IO above it, HTTP and its limits below it by [`transport::http`].
//!
//! | module | concern |
//! | --- | --- |
//! | `entrance` | requests: which go to the engine, and in what form |
//! | `engine` | the engine, its connections, and the sweep over them |
//! | `query` | what a request asks of Engine.IO, and what is wrong with it |
//! | `wire` | the TCP stream of a WebSocket below the engine |
//! | `connection` | a client: its session, and what it is told at the end |
//! | `intake` | packets in, namespaces, the echo |
//! | `commands` | `pushlab:join`, `leave`, `emit`, `request` |
//! | `outbox` | packets out, and what waits for room |

mod commands;
pub(crate) mod connection;
mod engine;
mod entrance;
mod intake;
mod outbox;
mod query;
mod wire;

use std::sync::{Arc, OnceLock};

pub(crate) use entrance::serve;

/// The engine's socket of a connection.
type EngineSocket = engineioxide::Socket<Slot>;

/// What the engine keeps for us beside each socket.
#[derive(Debug, Default)]
pub(crate) struct Slot(OnceLock<Arc<connection::Connection>>);

impl Slot {
    fn get(&self) -> Option<&Arc<connection::Connection>> {
        self.0.get()
    }
}
