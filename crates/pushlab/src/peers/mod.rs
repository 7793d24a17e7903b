//! Servers that others wrote, for the lab to measure beside its own: a folder each below `peers/`, with a `peer.toml`.
//!
//! | module | concern |
//! | --- | --- |
//! | `description` | `peer.toml`: text to a [`Peer`], strictly |
//! | `shelf` | where peers are found |
//! | `state` | whether one is installed, and which version |
//! | `guests` | what peers bring to a scenario: [`PeerArm`] |

mod description;
mod guests;
mod shelf;
mod state;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use scenario::Kind;

use crate::registry::Wire;

pub(crate) use guests::{Guests, PeerArm};
pub(crate) use shelf::Shelf;
pub(crate) use state::{State, is_program};

/// The name of the file that makes a folder a peer.
const FILE: &str = "peer.toml";

/// A server that others wrote.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The name of its folder.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// `${TARGET}`: where peers that are compiled go, and the stamps of all.
    target: PathBuf,
    /// One line for tables and lists.
    pub(crate) title: String,
    pub(crate) language: String,
    /// What is measured, as its registry calls it.
    pub(crate) package: String,
    pub(crate) registry: &'static str,
    pub(crate) version: String,
    /// What is to be known beside its figures.
    pub(crate) note: Option<String>,
    pub(crate) install: Install,
    /// What starts the server, in its folder.
    pub(crate) command: Vec<String>,
    pub(crate) arms: Vec<Arm>,
}

/// How a peer is installed.
#[derive(Clone, Debug)]
pub(crate) struct Install {
    /// Debian packages that have to be there first.
    pub(crate) debian: Vec<String>,
    /// What to run then, in the peer's folder.
    pub(crate) commands: Vec<Vec<String>>,
    /// It is installed if and only if this exists.
    creates: PathBuf,
    /// Programs that have to be on the search path.
    runs: Vec<String>,
    /// What tells the version that is installed.
    version_command: Option<Vec<String>>,
}

/// A wire of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    /// Its name in tables.
    pub(crate) name: String,
    /// The kinds of traffic that it carries, and how.
    pub(crate) routes: Vec<(Kind, Route)>,
}

/// How an arm carries a kind of traffic.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) wire: Wire,
    /// With `{address}` where host and port go.
    url: String,
}

impl Peer {
    /// Where peers that are compiled go, and the stamps of all.
    fn target(&self) -> &Path {
        &self.target
    }
}

impl Route {
    /// What clients connect to, when the server listens at `address`.
    pub(crate) fn url_at(&self, address: SocketAddr) -> String {
        self.url.replace(description::ADDRESS, &address.to_string())
    }
}

impl Arm {
    /// How it carries this kind of traffic, if it does.
    fn route(&self, kind: Kind) -> Option<&Route> {
        let route = self.routes.iter().find(|(own, _)| *own == kind);
        route.map(|(_, route)| route)
    }
}
