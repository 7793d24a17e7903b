//! Server-sent events (HTML section 9.2): one response that never ends, and a request for each batch of commands.
//!
//! `GET /events` is answered with `text/event-stream`. Each counted message is an event of the stream: its data is the message's JSON in one line,
//! its id the session's cursor after it. So a browser's `EventSource`, which tells the last id when it comes back, resumes a session by itself and
//! receives everything once. There is no `event:` field: `onmessage` sees all. Commands go up by `POST /commands`, as on a long-poll.
//!
//! A stream begins with `retry:`, how long a browser waits before it comes back, and with the cursor that it goes on from as an id without data.
//! When nothing is said for a while a comment is, so that nobody on the way takes it for dead. Why a stream ends is its last event, an error
//! without an id; a browser that comes back for a session that is over is answered 204, which it takes for good.
//!
//! | module | concern |
//! | --- | --- |
//! | `server` | the answer to `GET /events` |
//! | `stream` | a session's messages as the bytes of a stream |
//! | `quiet` | who has said nothing for too long: one sweep for all streams |
//! | [`client`](Stream) | the native client's stream |
//!
//! Everything else is [`transport::http::session`] and [`transport::http::client`], shared with the other transports over HTTP.

mod client;
mod quiet;
mod server;
mod stream;

pub use client::Stream;

use std::io;

use transport::http::client::SessionClient;
use transport::{Capabilities, ClientError, Info, Protocol, Server, Target, Transport};

/// Server-sent events over HTTP/1.1.
#[derive(Debug)]
pub struct Sse;

const NAME: &str = "sse";

impl Protocol for Sse {
    const INFO: Info = Info {
        name: NAME,
        title: "server-sent events: one response that never ends, and a request for each batch of commands",
        url: Some(("http://", "")),
        options: &["pool", "batching"],
        browser: Some(include_str!("../demo.js")),
        capabilities: Capabilities {
            // A message is a line of its event.
            to_the_letter: false,
            ..Capabilities::FULL
        },
    };

    type Client = SessionClient<Stream>;

    async fn connect(target: &Target) -> Result<Self::Client, ClientError> {
        SessionClient::connect(target, NAME, |opened| {
            Stream::new(opened, target.resume.is_some())
        })
        .await
    }
}

impl Transport for Sse {
    async fn serve(server: Server) -> io::Result<()> {
        server::serve(server).await
    }
}
