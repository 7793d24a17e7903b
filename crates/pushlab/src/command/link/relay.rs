//! Starts a relay.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, anyhow};
use link::Relay;
use link::relay::SPIN;
use scenario::Link;

use super::{Ready, Running, spawn};
use crate::cli::LinkArgs;
use crate::command::serve::address;
use crate::exit::Failure;

/// How long the server may take to accept the one connection that finds out whether it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes connections for a server that is there.
pub(super) fn start(args: &LinkArgs, link: &Link) -> Result<Running, Failure> {
    let (listen, to) = args.relay().map_err(Failure::usage)?;
    let listen = address::resolve("--listen", listen)?;
    let to = address::resolve("--to", to)?;
    TcpStream::connect_timeout(&to, PATIENCE).map_err(|error| {
        anyhow!(
            "nothing answers at {to}: {error}; --to is the address of a server that runs already"
        )
    })?;
    address::warn_if_public(listen);
    let listener = TcpListener::bind(listen)
        .map_err(|error| address::cannot_listen(listen, "the link", &error))?;
    let ready = Ready::Relay {
        listen: listener.local_addr()?.to_string(),
        to: to.to_string(),
    };
    let spin = args.spin.unwrap_or(SPIN);
    let (relay, handle) = Relay::new(link, listener, to, args.seed, spin)
        .context("can't start the link's event loop")?;
    let ended = spawn("relay", || relay.run())?;
    Ok(Running {
        ready,
        handle,
        ended,
    })
}
