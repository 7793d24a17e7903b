//! Every transport, in one ordered, visible list. To add one: its folder, its line in `Cargo.toml`, its line here.

use std::io;
use std::pin::Pin;

use demo::Lane;
use load::{Hooks, Targets};
use measure::Measurement;
use scenario::{ArmInfo, Case, Kind};
use transport::{AUDIENCES, Capabilities, Info, Protocol, Server, Transport};

/// All transports, in the order in which they are shown.
pub(crate) const TRANSPORTS: &[Entry] = &[
    Entry::of::<inproc::InProc>(),
    Entry::of::<tcp::Tcp>(),
    Entry::of::<request_response::RequestResponse>(),
    Entry::of::<long_poll::LongPoll>(),
    Entry::of::<sse::Sse>(),
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
    /// What the demo makes of it.
    pub(crate) lane: Lane,
}

/// A future that stays on its thread.
pub(crate) type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

impl Entry {
    const fn of<T: Transport>() -> Self {
        Self {
            info: T::INFO,
            serve: |server| Box::pin(T::serve(server)),
            load: |targets, case, hooks| Box::pin(load::run::<T>(targets, case, hooks)),
            lane: Lane::of::<T>(),
        }
    }
}

/// The wires of servers that others wrote, of which the lab has the client's end alone, in the order in which they are shown. Those of
/// [`TRANSPORTS`] can be a foreign server's too.
pub(crate) const PROTOCOLS: &[Wire] = &[
    Wire::of::<protocols::Echo>(),
    Wire::of::<protocols::Shootout>(),
    Wire::of::<protocols::NchanLongPoll>(),
    Wire::of::<protocols::NchanSse>(),
    Wire::of::<protocols::NchanWebSocket>(),
];

/// A wire that the generator can load: its client's end, with its type forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    pub(crate) info: Info,
    /// The load generator.
    pub(crate) load: for<'a> fn(Targets, &'a Case, Hooks<'a>) -> Local<'a, Measurement>,
}

impl Wire {
    const fn of<P: Protocol>() -> Self {
        Self {
            info: P::INFO,
            load: |targets, case, hooks| Box::pin(load::run::<P>(targets, case, hooks)),
        }
    }

    /// A URL of a server at `address`.
    pub(crate) fn example(&self, address: &str) -> String {
        let (before, after) = self.info.url.unwrap_or_default();
        format!("{before}{address}{after}")
    }

    /// What stands for host and port in a URL that its clients understand; none in any other.
    pub(crate) fn authority<'a>(&self, url: &'a str) -> Option<&'a str> {
        let (before, after) = self.info.url?;
        let rest = url.strip_prefix(before)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // Where an example has no path, there is none: its clients bring their own.
        let is_path = !after.is_empty() || matches!(path, "" | "/");
        (!authority.is_empty() && is_path).then_some(authority)
    }

    /// The kinds of traffic that it can carry.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let carries = |kind: &Kind| carries(&self.info.capabilities, *kind);
        Kind::ALL.into_iter().filter(carries).collect()
    }
}

/// Whether a wire with these capabilities can carry this kind of traffic.
fn carries(capabilities: &Capabilities, kind: Kind) -> bool {
    let needed: &[&str] = match kind {
        Kind::Idle => &[],
        Kind::Echo => return capabilities.requests,
        Kind::Broadcast => &["others"],
        Kind::Rooms => &["room", "room-others"],
        Kind::Chat => &["room"],
        Kind::Private => &["session"],
    };
    debug_assert!(needed.iter().all(|audience| AUDIENCES.contains(audience)));
    let has = |audience: &&str| capabilities.audiences.contains(audience);
    needed.iter().all(has)
}

impl Entry {
    /// Its client's end.
    pub(crate) fn wire(&self) -> Wire {
        Wire {
            info: self.info,
            load: self.load,
        }
    }
}

/// Every wire that a server elsewhere may speak.
pub(crate) fn wires() -> impl Iterator<Item = Wire> {
    let own = TRANSPORTS.iter().map(Entry::wire);
    own.filter(|wire| wire.info.url.is_some())
        .chain(PROTOCOLS.iter().copied())
}

/// The wire of that name.
pub(crate) fn wire(name: &str) -> Option<Wire> {
    wires().find(|wire| wire.info.name == name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_kinds_follow_from_capabilities() {
        let mut names: Vec<&str> = wires().map(|wire| wire.info.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        let kinds = |name: &str| wire(name).map(|wire| wire.kinds());
        assert_eq!(kinds("websocket"), Some(Kind::ALL.to_vec()));
        assert_eq!(kinds("echo"), Some(vec![Kind::Echo, Kind::Idle]));
        assert_eq!(
            kinds("shootout"),
            Some(vec![Kind::Echo, Kind::Broadcast, Kind::Idle])
        );
        assert_eq!(
            kinds("nchan-websocket"),
            Some(vec![Kind::Broadcast, Kind::Idle])
        );
        assert_eq!(kinds("inproc"), None, "nothing elsewhere could speak it");
    }
}
