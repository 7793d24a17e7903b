//! WebSocket (RFC 6455): one TCP connection that carries messages both ways, whenever there is one.
//!
//! `GET /ws` is the lab's protocol over it, `GET /echo` sends every message back as it was. The handshake is HTTP and served as such, by
//! hyper with tungstenite's helpers; after it hyper hands the TCP stream over and takes its buffers along.
//!
//! From there on the wire is the lab's own ([`transport::websocket`] says why): all messages of a read are dealt with together and answered in one write; an event is framed once for all of its
//! receivers and written to their sockets from where it is, in the thread that published it, without waking their tasks; all connections of
//! a thread share one read buffer and one for gathering frames.
//!
//! | module | concern |
//! | --- | --- |
//! | `server` | handshakes, upgrades, drain |
//! | `connection` | the receiving side of a server's connection: frames in, the close handshake; its task and the sending side are [`transport::push`] |
//! | `session` | `/ws`: the commands of a read, and how refusals are told |
//! | `echo` | `/echo` |
//! | `pulse` | pings and dead peers, one sweep a worker thread |
//! | `client` | the native client |

mod client;
mod connection;
mod echo;
mod pulse;
mod server;
mod session;

use std::io;

use transport::{Capabilities, ClientError, Info, Protocol, Server, Target, Transport};

pub use client::WebSocketClient;

/// The transport.
#[derive(Debug)]
pub struct WebSocket;

impl Protocol for WebSocket {
    const INFO: Info = Info {
        name: "websocket",
        title: "one connection both ways; the server pushes each event the moment it is there",
        url: Some(("ws://", "/ws")),
        options: &["batching"],
        browser: Some(include_str!("../demo.js")),
        capabilities: Capabilities::FULL,
    };

    type Client = WebSocketClient;

    async fn connect(target: &Target) -> Result<WebSocketClient, ClientError> {
        client::connect(target).await
    }
}

impl Transport for WebSocket {
    async fn serve(server: Server) -> io::Result<()> {
        server::serve(server).await
    }
}
