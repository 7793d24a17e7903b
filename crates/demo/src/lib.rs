//! The course: a server of pages in which a class sees transports at work, and the benches on which they are put.
//!
//! Its pages are served by [`transport::http`], so origins, hosts, limits, time-outs and drain are those of every server of the lab. It names no
//! transport: what it serves are [`Lane`]s, which the binary makes of its registry.
//!
//! | module | concern |
//! | --- | --- |
//! | [`lane`](Lane) | a transport as the demo needs it: its server and a native client |
//! | `server` | which path leads to what |
//! | `answer` | responses, with what a browser is told to forbid |
//! | `page` | pages: fragments in one layout |
//! | `assets` | files that are embedded |
//! | `course` | `docs/course`, rendered |
//! | [`lessons`] | the lessons, and what the models say of each |
//! | `bench` | servers, cables and a source of one's own |
//! | `watch` | the `WebSocket` of those who watch a bench |
//! | `origins` | the demo's own origins, which its servers let in |

mod answer;
mod assets;
mod bench;
mod course;
mod lane;
pub mod lessons;
mod origins;
mod page;
mod server;
mod watch;

pub use lane::{Crowd, Lane, Local, Neighbour};

use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hub::{Door, Limits};
use serde::Serialize;
use transport::{Common, Config, Drain, Server};

use bench::Shelf;

/// What a demo is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The transports that pages can use, in the order in which they are shown.
    pub lanes: Vec<Lane>,
    /// Origins that pages may come from beside the demo's own.
    pub allow_origins: Vec<String>,
    /// Most benches at once.
    pub max_benches: usize,
    /// Replays the printed headers of "HTML5 Web Sockets: A Quantum Leap"; takes seconds.
    pub replay: fn() -> io::Result<Replay>,
}

/// What the printed headers of a poll and a WebSocket's frames cost on the wire, a message each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Replay {
    /// Bytes of both heads on the wire.
    pub heads: f64,
    /// Bytes of both heads without line ends, as they were counted when they were printed.
    pub printed: f64,
    /// Bytes of a frame's header.
    pub frame: f64,
    /// Bytes at the IP layer of a poll, beyond its body.
    pub poll_ip: f64,
    /// Bytes at the IP layer of a WebSocket message, beyond its payload.
    pub message_ip: f64,
}

/// Serves pages on the calling thread (a `LocalRuntime`) until told to drain.
///
/// # Errors
/// The listener failed for good.
pub async fn serve(listener: TcpListener, settings: Settings, drain: Drain) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let mut origins = origins::of(address, &origins::interfaces());
    origins.extend_from_slice(&settings.allow_origins);
    let shelf = Rc::new(Shelf::new(
        settings.lanes.clone(),
        address.ip(),
        origins,
        settings.max_benches,
    ));
    // Pages need no sessions; a server has a door all the same, which says when it drains.
    let door = Door::new(&Limits::default(), 1).remove(0);
    let config = Config {
        allow_origins: settings.allow_origins.clone(),
        max_connections: MOST_CONNECTIONS,
        drain_notice: Duration::ZERO,
        drain_grace: DRAIN_GRACE,
        ..Config::default()
    };
    let server = Server {
        listener,
        door,
        config: Arc::new(config),
        drain,
        connections: Arc::default(),
        common: Common::default(),
    };
    let stop = server.drain.clone();
    let pages = Rc::new(server::Pages::new(settings, Rc::clone(&shelf)));
    let ending = async {
        stop.started().await;
        shelf.close().await;
    };
    let (result, ()) = tokio::join!(transport::http::serve(server, pages), ending);
    result
}

/// Connections of pages: a class of 60 with six each, and as many again.
const MOST_CONNECTIONS: usize = 1_000;

/// How long pages that are under way may take when the demo ends.
const DRAIN_GRACE: Duration = Duration::from_secs(1);
