//! Nchan (<https://nchan.io>), a module of nginx: whoever posts to a channel publishes, and whoever subscribes to it is sent what is published, by a wire
//! of their choice.
//!
//! A target is the server, `http://HOST:PORT`, whose subscribers ask for `/sub?channel=NAME` by whichever wire; what is published goes to
//! `/pub?channel=NAME`, a POST for each event, one after the other on a connection that is kept. A publisher is subscribed like all others and passes
//! over what is its own.
//!
//! | module | concern |
//! | --- | --- |
//! | `publisher` | the way up, the same for all |
//! | `websocket` | subscribed by a WebSocket |
//! | `sse` | subscribed by an event stream |
//! | `long_poll` | subscribed by held requests |

mod long_poll;
mod publisher;
mod sse;
mod websocket;

pub use long_poll::{NchanLongPoll, NchanLongPollClient};
pub use sse::{NchanSse, NchanSseClient};
pub use websocket::{NchanWebSocket, NchanWebSocketClient};

use std::rc::Rc;

use transport::http::client::Host;
use transport::{Capabilities, ClientError, Connection, Target};

/// The channel on which all talk. Subscribers are sent what is published from when they subscribe.
const CHANNEL: &str = "pushlab";

/// The URLs of such a server.
const URL: Option<(&str, &str)> = Some(("http://", ""));

/// Resolves the server, for requests that share connections as Nchan's clients do, whatever transports of the lab were told.
async fn resolve(target: &Target, name: &'static str) -> Result<Rc<Host>, ClientError> {
    let mut target = target.clone();
    target.options.connection = Connection::KeepAlive;
    Host::resolve(&target, name).await
}

/// What every subscriber of Nchan can.
const CAPABILITIES: Capabilities = Capabilities {
    requests: false,
    audiences: &["others"],
    resume: false,
    pushes: true,
    pushed_replies: false,
    to_the_letter: true,
    departures: &[
        "what is published comes back to its sender as well, who passes over it",
        "each event is a request of its own: Nchan takes one message a POST",
    ],
};
