//! Starts a peer in the foreground.

use std::fmt::Write as _;
use std::io::{self, Write};

use anyhow::{Context, anyhow};
use tokio::runtime;

use crate::command::child::until_ended;
use crate::command::peer_process::PeerProcess;
use crate::command::server_process::ANY;
use crate::exit::{Exit, Failure};
use crate::peers::Peer;
use crate::stop::Stop;

/// Serves until told to stop; fails when the server ends by itself.
pub(super) fn serve(peer: &Peer) -> Result<Exit, Failure> {
    if let Some(obstacle) = peer.obstacle() {
        let name = &peer.name;
        let wrong = anyhow!("the peer {name} {obstacle}; `pushlab peers setup {name}`");
        return Err(Failure::Usage(wrong));
    }
    let stop = Stop::listen().context("can't listen for signals")?;
    let process = PeerProcess::start(peer, ANY, &[])?;
    let address = process.address();
    let mut text = format!("{{\"ready\":\"{address}\"}}\n");
    for arm in &peer.arms {
        for (kind, route) in &arm.routes {
            let _ = writeln!(
                text,
                "{} {}: pushlab load --protocol {} --target '{}' {}",
                arm.name,
                kind.name(),
                route.wire.info.name,
                route.url_at(address),
                kind.name()
            );
        }
    }
    io::stdout().write_all(text.as_bytes())?;
    let ended = {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(async {
            let ended = until_ended(process.pid())?;
            tokio::select! {
                () = stop.asked() => Ok::<bool, io::Error>(false),
                ended = ended => ended.map(|()| true),
            }
        })?
    };
    // If it has ended by itself, this tells how.
    process.stop()?;
    debug_assert!(!ended, "a server that has ended is stopped with an error");
    Ok(Exit::Fine)
}
