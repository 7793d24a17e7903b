//! What every transport implements, both ends, and what the HTTP-shaped ones share.
//!
//! A [`Protocol`] is the client's end of a wire: [`Protocol::INFO`], what it is and which settings it executes, and
//! [`Protocol::connect`], its client. That is all a load generator needs, so it can load servers that others wrote. A [`Transport`] has the
//! server's end as well: [`Transport::serve`], one worker thread's share of it. The rest of the lab is generic over the two traits, so a
//! transport never knows who loads, measures or draws it.
//!
//! A client is *polled*, not awaited: one [`Client::poll`] writes what is queued, reads what has come and hands over every
//! message of the read at once. The alternative, a sender and a receiver to be awaited apart, needs a lock or a channel between
//! them and a task more for each connection; a load generator would measure those instead of the server.
//!
//! | module | concern |
//! | --- | --- |
//! | [`client`](Client) | the client's side of the trait: target, options, incoming messages, traffic counted |
//! | [`server`](Server) | what a server is given: listener, door, limits, drain signal |
//! | [`listener`] | sockets: SO_REUSEPORT, TCP_NODELAY, accept loop, connection limit |
//! | [`stream`] | a client's TCP stream, counted |
//! | [`push`] | what transports with a TCP connection of their own share: direct writes, a connection's task, commands, and a client's side |
//! | [`buffers`] | the buffers that all connections of a thread share |
//! | [`websocket`] | what wires with WebSocket frames share: frames, messages out of bytes, a client's connection |
//! | [`repeated`] | parsing what many clients of a thread are told: once |
//! | `segments` | what a socket exchanged at the IP layer: `TCP_INFO` |
//! | [`event_stream`] | streams of server-sent events as bytes come |
//! | [`origin`] | who may talk to a server from a page: same origin and an allow-list |
//! | [`http`] | what HTTP-shaped transports share: routes, limits, time-outs, errors, and a client connection |

pub mod buffers;
mod client;
pub mod event_stream;
pub mod http;
pub mod listener;
pub mod origin;
pub mod push;
pub mod repeated;
mod segments;
mod server;
pub mod stream;
pub mod websocket;

pub use client::{
    Client, ClientError, ClientOptions, Connection, IpTraffic, PollPacing, Target, Ticket, Traffic,
};
pub use hub::Door;
pub use hub::wire::{Audience, Command, Incoming, Welcome};
pub use segments::read as ip_traffic;
pub use server::{Common, Config, Drain, DrainHandle, Permit, Server};

use std::io;

/// The client's end of a wire.
pub trait Protocol: 'static {
    /// What it is.
    const INFO: Info;

    /// Its client.
    type Client: Client;

    /// Opens a session, or resumes the one in [`Target::resume`].
    ///
    /// # Errors
    /// [`ClientError`] says whether the server could not be reached, refused, or answered what no server of the wire answers.
    fn connect(target: &Target) -> impl Future<Output = Result<Self::Client, ClientError>>;
}

/// A transport: both ends of one wire.
pub trait Transport: Protocol {
    /// Serves on the calling worker thread (a `LocalRuntime`, or a single-threaded one within a `LocalSet`) until told to drain, then until the last
    /// connection has ended or the grace time is over.
    ///
    /// # Errors
    /// The listener failed for good.
    fn serve(server: Server) -> impl Future<Output = io::Result<()>>;
}

/// What a wire is.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// A line that tells what it does.
    pub title: &'static str,
    /// What its ready line's URL looks like around the address: `("ws://", "/ws")`. `None` where there is no network.
    pub url: Option<(&'static str, &'static str)>,
    /// Which fields of a scenario's `[client]` and `[server]` it executes beside the ones that every server does.
    pub options: &'static [&'static str],
    /// Its client for a page: an ES module, in its folder's `demo.js`. `None` where no page can speak it.
    pub browser: Option<&'static str>,
    /// What it can and can't do.
    pub capabilities: Capabilities,
}

/// What the transports' ends in the browser share, by the names under which their modules import them (`./client.js`).
pub const BROWSER: &[(&str, &str)] = &[
    ("backoff", include_str!("../browser/backoff.js")),
    ("client", include_str!("../browser/client.js")),
    ("session", include_str!("../browser/session.js")),
];

/// What a wire can do. The conformance suite holds each of the lab's transports to what it says here, in both directions: what is claimed must
/// work, and where something is not claimed the suite shows what happens instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of a table, and any combination is possible"
)]
pub struct Capabilities {
    /// Requests are answered with their data.
    pub requests: bool,
    /// Whom an event can be sent to, by the names of the wire protocol.
    pub audiences: &'static [&'static str],
    /// A session that was cut goes on elsewhere and receives each message once and in order, and a gap says how many are lost.
    pub resume: bool,
    /// The server speaks whenever there is something: a session has a connection or a poll that waits for it, and a newer one ends it.
    pub pushes: bool,
    /// Replies come as counted messages, so that they survive a cut (where they are the response to their request: no).
    pub pushed_replies: bool,
    /// Data arrives to the letter even where its white space has line feeds or carriage returns. Not on a wire whose messages are lines: there they
    /// arrive as spaces, which is the same JSON value.
    pub to_the_letter: bool,
    /// Where an implementation departs from what its protocol says, a sentence each.
    pub departures: &'static [&'static str],
}

/// The six audiences of the wire protocol.
pub const AUDIENCES: &[&str] = &[
    "everyone",
    "others",
    "sender",
    "room",
    "room-others",
    "session",
];

impl Capabilities {
    /// Everything, without a departure.
    pub const FULL: Self = Self {
        requests: true,
        audiences: AUDIENCES,
        resume: true,
        pushes: true,
        pushed_replies: true,
        to_the_letter: true,
        departures: &[],
    };
}
