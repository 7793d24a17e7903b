//! Starts a link of packets.

use link::Packets;
use link::packets::{CLIENT, SERVER, SPIN};
use scenario::Link;

use super::{Ends, Ready, Running, spawn};
use crate::cli::LinkArgs;
use crate::exit::Failure;

/// Makes both ends, and carries packets between them.
pub(super) fn start(args: &LinkArgs, link: &Link) -> Result<Running, Failure> {
    args.packets().map_err(Failure::usage)?;
    let spin = args.spin.unwrap_or(SPIN);
    let (packets, handle) =
        Packets::new(link, args.seed, spin).map_err(|error| Failure::Lab(error.into()))?;
    let ready = Ready::Packets(Ends {
        client_namespace: packets.clients().path().to_owned(),
        server_namespace: packets.server().path().to_owned(),
        client_address: CLIENT,
        server_address: SERVER,
    });
    let ended = spawn("forwarder", || packets.run())?;
    Ok(Running {
        ready,
        handle,
        ended,
    })
}
