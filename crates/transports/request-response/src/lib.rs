//! Plain HTTP: a request for each batch of commands, replies in the response, and polls at an interval for what others publish.
//!
//! This is the web of before Comet. What is published waits at the server until the client happens to ask again, half an interval on
//! average, and most questions are answered with nothing; what is *asked*, on the other hand, is answered as fast as on any transport.
//!
//! | module | concern |
//! | --- | --- |
//! | [`client`](Pace) | when to poll: at a fixed rate or with a fixed delay |
//! | `server` | `GET /events`, answered at once |
//!
//! Everything else is [`transport::http::session`] and [`transport::http::client`], shared with the other transports over HTTP.

mod client;
mod server;

pub use client::Pace;

use std::io;

use transport::http::client::{Polling, SessionClient};
use transport::{Capabilities, ClientError, Info, Protocol, Server, Target, Transport};

/// Short polling over HTTP/1.1.
#[derive(Debug)]
pub struct RequestResponse;

const NAME: &str = "request-response";

impl Protocol for RequestResponse {
    const INFO: Info = Info {
        name: NAME,
        title: "plain HTTP: replies in the response, events by polling at an interval",
        url: Some(("http://", "")),
        options: &["connection", "poll-interval", "poll-pacing", "pool"],
        browser: Some(include_str!("../demo.js")),
        capabilities: Capabilities {
            pushes: false,
            pushed_replies: false,
            ..Capabilities::FULL
        },
    };

    type Client = SessionClient<Polling<Pace>>;

    async fn connect(target: &Target) -> Result<Self::Client, ClientError> {
        SessionClient::connect(target, NAME, |opened| {
            Polling::new(opened, Pace::new(&target.options, opened.welcome))
        })
        .await
    }
}

impl Transport for RequestResponse {
    async fn serve(server: Server) -> io::Result<()> {
        server::serve(server).await
    }
}
