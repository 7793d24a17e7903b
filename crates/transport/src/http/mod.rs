//! What HTTP-shaped transports share: everything that a server owes, once.
//!
//! A transport gives a [`Handler`]; [`serve`] accepts connections, speaks HTTP/1.1 (hyper) and answers by itself what is no
//! business of a handler: `GET /healthz`, drain (503), a missing, repeated or rebound `Host`, foreign origins and CORS preflights, unknown
//! paths and methods, heads and bodies that are too large or too slow. A handler is only asked for requests that passed all of that.
//!
//! Time-outs cost the hot path nothing: the accepted stream notes in which phase its connection is (idle, head, body, busy, responding, streaming) and
//! since when, and one sweep a worker thread ends the late ones. A timer for each request, as hyper offers it, costs about as much as parsing it.
//!
//! | module | concern |
//! | --- | --- |
//! | [`answer`](error) | responses: errors, refusals, JSON, and the header map used again |
//! | [`body`](Body) | response bodies, whole or streamed, and request bodies with their limit |
//! | `gate` | what is answered before a handler is asked |
//! | [`guarded`](Guarded) | the accepted stream: phases, clean closing, and back to a TCP stream after an upgrade |
//! | `site` | the connections of a worker thread: accept, sweep, drain |
//! | [`session`] | the routes that every server with sessions over HTTP has |
//! | `query` | what `GET /events` asks for |
//! | [`client`] | a client's connection |

mod answer;
mod body;
pub mod client;
mod gate;
mod guarded;
mod query;
pub mod session;
mod site;

pub use answer::{error, json, no_content, recycle, refused};
pub use body::{Body, ReadBody, Source, Upload, echo, read_body};
pub use gate::bearer;
pub use guarded::{Guarded, Held, Io, upgraded};
pub use hyper::Method;
pub use site::serve;

use std::rc::Rc;

/// A request as a handler gets it.
pub type Request = hyper::Request<Upload>;
/// A response as a handler gives it.
pub type Response = hyper::Response<Body>;

/// What a transport does with requests.
pub trait Handler: 'static {
    /// Answers a request for one of the paths and methods of [`methods`](Self::methods). The future is dropped when the client vanishes.
    ///
    /// A connection keeps room for this future, so it should be small: take the request apart before the first `await`.
    fn handle(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static;

    /// The methods of a path, or `None` for a path that doesn't exist. `OPTIONS` and `/healthz` are answered without asking.
    fn methods(&self, path: &str) -> Option<&'static [Method]>;
}
