//! Long polling (RFC 6202): a poll is held until there is something to say.
//!
//! The server answers with all that is queued, and the next poll's cursor acknowledges it, so nothing is lost between two polls. An event that comes
//! while a poll is held arrives after one transit, as on a WebSocket; one that comes just after an answer waits for the next poll, up to three.
//!
//! A client can be told to keep no cursor, as hand-made long polling often doesn't: its polls say `after=now`, and the server forgets what came before
//! them. That is how much the cursor is worth, made measurable; nothing else of the lab works that way.
//!
//! | module | concern |
//! | --- | --- |
//! | [`client`](Always) | one poll always under way |
//! | `server` | `GET /events`, held |
//!
//! Everything else is [`transport::http::session`] and [`transport::http::client`], shared with the other transports over HTTP.

mod client;
mod server;

pub use client::Always;

use std::io;

use transport::http::client::{Polling, SessionClient};
use transport::{Capabilities, ClientError, Info, Protocol, Server, Target, Transport};

/// Long polling over HTTP/1.1.
#[derive(Debug)]
pub struct LongPoll;

const NAME: &str = "long-poll";

impl Protocol for LongPoll {
    const INFO: Info = Info {
        name: NAME,
        title: "HTTP requests held by the server until there is something to say",
        url: Some(("http://", "")),
        options: &["hold", "cursor", "pool", "batching"],
        browser: Some(include_str!("../demo.js")),
        capabilities: Capabilities::FULL,
    };

    type Client = SessionClient<Polling<Always>>;

    async fn connect(target: &Target) -> Result<Self::Client, ClientError> {
        SessionClient::connect(target, NAME, |opened| {
            Polling::new(opened, Always::new(&target.options))
        })
        .await
    }
}

impl Transport for LongPoll {
    async fn serve(server: Server) -> io::Result<()> {
        server::serve(server).await
    }
}
