//! `pushlab peers`: servers that others wrote.
//!
//! | module | concern |
//! | --- | --- |
//! | `list` | which there are, and whether they are installed |
//! | `setup` | installs them |
//! | `serve` | starts one |

mod list;
mod serve;
mod setup;

use crate::cli::{PeersArgs, PeersCommand};
use crate::exit::{Exit, Failure};
use crate::peers::Shelf;

/// Does what is asked of the peers.
pub(crate) fn peers(args: &PeersArgs) -> Result<Exit, Failure> {
    let shelf = Shelf::find(args.peers.folder.as_deref())?;
    match &args.command {
        None => list::list(&shelf, false),
        Some(PeersCommand::List { json }) => list::list(&shelf, *json),
        Some(PeersCommand::Setup { names, all }) => setup::setup(&shelf, names, *all),
        Some(PeersCommand::Serve { name }) => serve::serve(&shelf.peer(name)?),
    }
}
