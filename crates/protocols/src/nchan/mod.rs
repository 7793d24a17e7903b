//! Nchan (<https://nchan.io>), a module of nginx: whoever posts to a channel publishes, and whoever subscribes to it is sent what is published, by a wire
//! of their choice.
//!
//! A target is the server, `http://HOST:PORT`, whose subscribers ask for `/sub?channel=NAME` by whichever wire; what is published goes to
//! `/pub?channel=NAME`, a POST for each event, one after the other on a connection that is kept. A publisher is subscribed like all others and passes
//! over what is its own.
//!
//! | module | concern |
//! | --- | --- |
//! | `subscriber` | the client, whatever it is subscribed by |
//! | `publisher` | the way up, the same for all |
//! | `websocket` | subscribed by a WebSocket |
//! | `sse` | subscribed by an event stream |
//! | `long_poll` | subscribed by held requests |

mod long_poll;
mod publisher;
mod sse;
mod subscriber;
mod websocket;

pub use long_poll::LongPoll;
pub use sse::Sse;
pub use subscriber::{Nchan, Subscriber, Subscription};
pub use websocket::WebSocket;

/// Events to all others, received as the answers to held requests.
pub type NchanLongPoll = Nchan<LongPoll>;
/// Events to all others, pushed on an event stream.
pub type NchanSse = Nchan<Sse>;
/// Events to all others, pushed on a WebSocket.
pub type NchanWebSocket = Nchan<WebSocket>;

/// The channel on which all talk. Subscribers are sent what is published from when they subscribe.
const CHANNEL: &str = "pushlab";
