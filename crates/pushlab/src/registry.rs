//! Every transport, in one ordered, visible list. To add one: its folder, its line in `Cargo.toml`, its line here.

use std::io;
use std::pin::Pin;

use load::{Hooks, Targets};
use measure::Measurement;
use scenario::{ArmInfo, Case};
use transport::{Info, Server, Transport};

/// All transports, in the order in which they are shown.
pub(crate) const TRANSPORTS: &[Entry] = &[
    Entry::of::<inproc::InProc>(),
    Entry::of::<tcp::Tcp>(),
    Entry::of::<request_response::RequestResponse>(),
    Entry::of::<long_poll::LongPoll>(),
    Entry::of::<websocket::WebSocket>(),
    Entry::of::<socket_io::SocketIo<socket_io::Both>>(),
    Entry::of::<socket_io::SocketIo<socket_io::Polling>>(),
    Entry::of::<socket_io::SocketIo<socket_io::WebSocket>>(),
];

/// A transport whose type is forgotten. That costs one indirect call a *run*; whatever happens for each message was
/// compiled for the transport.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) info: Info,
    /// One worker thread's share of the server.
    pub(crate) serve: fn(Server) -> Local<'static, io::Result<()>>,
    /// The load generator.
    pub(crate) load: for<'a> fn(Targets, &'a Case, Hooks<'a>) -> Local<'a, Measurement>,
}

/// A future that stays on its thread.
pub(crate) type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

impl Entry {
    const fn of<T: Transport>() -> Self {
        Self {
            info: T::INFO,
            serve: |server| Box::pin(T::serve(server)),
            load: |targets, case, hooks| Box::pin(load::run::<T>(targets, case, hooks)),
        }
    }
}

/// The transport of that name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    TRANSPORTS.iter().find(|entry| entry.info.name == name)
}

/// The names, in order.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TRANSPORTS.iter().map(|entry| entry.info.name)
}

/// What scenarios may name and set.
pub(crate) fn arms() -> Vec<ArmInfo<'static>> {
    TRANSPORTS
        .iter()
        .map(|entry| ArmInfo {
            name: entry.info.name,
            network: entry.info.url.is_some(),
            options: entry.info.options,
        })
        .collect()
}
