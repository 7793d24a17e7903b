//! Socket.IO (Engine.IO v4, Socket.IO v5), as its official client speaks it: HTTP long polling, a WebSocket, or the one until it becomes the other.
//!
//! Three arms of one wire, since how it is carried is what one wants to compare: [`SocketIo<Both>`](Both) begins with polls and upgrades, which
//! is what the official client does unless told otherwise; [`SocketIo<Polling>`](Polling) only polls; [`SocketIo<WebSocket>`](WebSocket)
//! begins as a WebSocket.
//!
//! # What it says
//!
//! At `/socket.io/`, in the namespace `/`: an event of the hub is a native event `["<name>",<data>,"<sender's id>"]`. `pushlab:join` and
//! `pushlab:leave` (a room), `pushlab:emit` (`{to,event,data}`) and `pushlab:request` (any value) are events with one argument, answered if an ack is
//! asked for: with `{"op":"ok"}`, a request with its data, and what is refused with two arguments, `{"op":"error","code",…}` and `"error"`. Without an
//! ack an error is an event, `pushlab:error`. What could not be kept is `pushlab:gap`, and why the server disconnects is `pushlab:disconnect`, right
//! before it does. `socket.id` is the session's public id. The namespace `/echo` sends everything back verbatim, for conformance suites.
//!
//! Right after the connection comes `pushlab:welcome` with the session's token. A client that connects again with `auth: {token, received}`, where
//! `received` counts events and what gaps stand for, continues that session exactly: same id, same rooms, and everything that it missed, once. Socket.IO's own connection
//! state recovery can't do that here, since the official client takes the last string of an event for its offset and that is the sender;
//! so no `pid` is sent, and it doesn't try.
//!
//! # Whose engine
//!
//! Engine.IO is `engineioxide`, the engine of `socketioxide`, used as the hyper service that it is: sessions, polls, the WebSocket, the upgrade, pings.
//! The packets of Socket.IO are written here, and not by `socketioxide` 0.18, because there (1) `socket.id` is the engine's id, which is the
//! credential of a polling session: telling receivers who sent an event would let them speak for the sender; (2) a handler gets an event's first
//! argument alone, so an echo can't be verbatim; (3) the answer to CONNECT can't carry a token, so nothing can be resumed; (4) nobody
//! is told when its bounded channel has room again, where here messages wait in the mailbox, under its bounds, and go out when there is; and
//! (5) an event is encoded once a receiver. The client needs the codec anyway.
//!
//! | module | concern |
//! | --- | --- |
//! | `packet` | Socket.IO's packets, out of text and into it |
//! | `native` | the hub's messages as events |
//! | `server` | the server |
//! | [`app`] | Socket.IO's own operations, for applications |
//! | `client` | the native client, for the load generator |

pub mod app;
mod client;
mod native;
mod packet;
mod server;

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use transport::{Capabilities, ClientError, Info, Protocol, Server, Target, Transport};

pub use client::SocketIoClient;

/// The transport, in one of its arms.
#[derive(Debug)]
pub struct SocketIo<A>(PhantomData<fn() -> A>);

/// An arm: which of Engine.IO's transports carry it.
pub trait Arm: 'static {
    /// The transport's name.
    const NAME: &'static str;
    /// A line that tells what it does.
    const TITLE: &'static str;
    /// What carries it.
    const WIRES: Wires;
}

/// Which of Engine.IO's transports are served and used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wires {
    /// Polls until the upgrade, then a WebSocket.
    Both,
    /// Polls.
    Polling,
    /// A WebSocket.
    WebSocket,
}

/// Polling, then upgrade: what the official client does by itself.
#[derive(Debug)]
pub struct Both;

/// Polling alone: `transports: ["polling"]`.
#[derive(Debug)]
pub struct Polling;

/// A WebSocket alone: `transports: ["websocket"]`.
#[derive(Debug)]
pub struct WebSocket;

impl Arm for Both {
    const NAME: &'static str = "socket-io";
    const TITLE: &'static str =
        "Socket.IO as its client begins: long polls, then an upgrade to a WebSocket";
    const WIRES: Wires = Wires::Both;
}

impl Arm for Polling {
    const NAME: &'static str = "socket-io-polling";
    const TITLE: &'static str = "Socket.IO over long polls alone";
    const WIRES: Wires = Wires::Polling;
}

impl Arm for WebSocket {
    const NAME: &'static str = "socket-io-websocket";
    const TITLE: &'static str = "Socket.IO over a WebSocket alone";
    const WIRES: Wires = Wires::WebSocket;
}

/// Each has a test that shows it, by its number, in `tests/departures.rs`.
const DEPARTURES: &[&str] = &[
    "the engine pings right after the handshake, where the reference server waits for the ping interval",
    "the engine takes a ping from a client for a sign of life, where the reference server closes",
    "the engine answers a poll under way with a noop as soon as a WebSocket is opened for the session, before its probe",
    "an upgrade that fails ends the session, where the reference server goes on with polling",
    "events whose names the official clients refuse (connect, disconnect, …) or that begin with pushlab: arrive as pushlab:event with data, sender and name",
    "Socket.IO's own connection state recovery is off; a session is resumed with auth: {token, received}, exactly",
    "the server asks clients for no acks",
];

impl<A: Arm> Protocol for SocketIo<A> {
    const INFO: Info = Info {
        name: A::NAME,
        title: A::TITLE,
        url: Some(("http://", "")),
        options: &["batching"],
        browser: Some(include_str!("../demo.js")),
        capabilities: Capabilities {
            pushed_replies: false,
            departures: DEPARTURES,
            ..Capabilities::FULL
        },
    };

    type Client = SocketIoClient;

    async fn connect(target: &Target) -> Result<SocketIoClient, ClientError> {
        SocketIoClient::connect(target, A::NAME, A::WIRES).await
    }
}

impl<A: Arm> Transport for SocketIo<A> {
    async fn serve(server: Server) -> io::Result<()> {
        serve::<A>(server, Arc::new(app::NoApp)).await
    }
}

/// Serves on a worker thread with an application; see [`Transport::serve`]. All threads of a server must be given the same one.
///
/// # Errors
/// The listener failed for good.
pub async fn serve<A: Arm>(server: Server, app: Arc<dyn app::App>) -> io::Result<()> {
    server::serve(server, A::WIRES, app).await
}
