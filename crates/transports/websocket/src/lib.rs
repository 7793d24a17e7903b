//! WebSocket (RFC 6455): one TCP connection that carries messages both ways, whenever there is one.
//!
//! `GET /ws` is the lab's protocol over it, `GET /echo` sends every message back as it was. The handshake is HTTP and served as such, by
//! hyper with tungstenite's helpers; after it hyper hands the TCP stream over and takes its buffers along.
//!
//! From there on the wire is read and written here, since three things decide what a WebSocket server costs and no library lets one decide
//! them: how many system calls a message takes, how much memory a connection that says nothing keeps, and how often bytes
//! are copied. So: all messages of a read are dealt with together and answered in one write; an event is framed once for all of its
//! receivers and written to their sockets from where it is, in the thread that published it, without waking their tasks; all connections of
//! a thread share one read buffer and one for gathering frames. tungstenite stays as the judge: property tests hold `reader` against it.
//!
//! | module | concern |
//! | --- | --- |
//! | `server` | handshakes, upgrades, drain |
//! | `connection` | the receiving side of a server's connection: frames in, the close handshake; its task and the sending side are [`transport::push`] |
//! | `session` | `/ws`: the commands of a read, and how refusals are told |
//! | `echo` | `/echo` |
//! | `pulse` | pings and dead peers, one sweep a worker thread |
//! | [`reader`] | messages out of bytes |
//! | [`frame`] | headers, masks, close codes |
//! | `client` | the native client |
//! | `dial` | its handshake |

mod client;
mod connection;
mod dial;
mod echo;
pub mod frame;
mod pulse;
pub mod reader;
mod server;
mod session;

use std::io;

use transport::{ClientError, Info, Server, Target, Transport};

pub use client::WebSocketClient;

/// The transport.
#[derive(Debug)]
pub struct WebSocket;

impl Transport for WebSocket {
    const INFO: Info = Info {
        name: "websocket",
        title: "one connection both ways; the server pushes each event the moment it is there",
        url: Some(("ws://", "/ws")),
        options: &["batching"],
        pushed_replies: true,
    };

    type Client = WebSocketClient;

    async fn serve(server: Server) -> io::Result<()> {
        server::serve(server).await
    }

    async fn connect(target: &Target) -> Result<WebSocketClient, ClientError> {
        client::connect(target).await
    }
}
