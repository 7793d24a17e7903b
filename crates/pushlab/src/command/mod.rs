//! The commands, a file each, and what `run` and `load` have in common.
//!
//! | module | concern |
//! | --- | --- |
//! | `run` | compares transports, a server process for each case |
//! | `load` | the generator alone |
//! | `serve` | the servers |
//! | `link` | a network between any clients and any server |
//! | `selftest` | whether the lab measures what is true |
//! | `claims` | what was published, and the lessons, put to the test |
//! | `demo` | the course, in the browser |
//! | `report` | report and plot: what was measured, drawn from its files |
//! | `diff` | what changed between two runs |
//! | `list`, `completions` | what there is, and how to type it |
//! | `experiment` | a scenario from its first case to its result folder |
//! | `measuring` | the cases, one after the other, each into the folder |
//! | `search` | a scenario's `find` |
//! | `case` | one case: its server, its generator, its measurement |
//! | `network` | the network of a case: loopback, or a link |
//! | `prediction` | what the models say of a case |
//! | `server_process`, `link_process` | the server of a case, and the link before it, each in a process of its own |
//! | `child` | what the two have in common |
//! | `peers` | servers that others wrote: list, set up, serve |
//! | `peer_process`, `exec_peer` | the server of a peer, and what it is set up with |
//! | `progress` | what is said meanwhile |
//! | `watch` | one case at the terminal, message by message |
//! | `tapped` | the relay that it is seen through |

mod case;
mod child;
mod claims;
mod completions;
mod demo;
mod diff;
mod exec_peer;
mod experiment;
mod faults;
mod link;
mod link_process;
mod list;
mod load;
mod measuring;
mod network;
mod peer_process;
mod peers;
mod prediction;
mod progress;
mod report;
mod run;
mod search;
mod selftest;
mod serve;
mod server_process;
mod tapped;
mod watch;

pub(crate) use claims::{ids as claim_ids, titles as claim_titles};
pub(crate) use selftest::CHECKS;

use crate::cli::{Cli, Command, RunArgs};
use crate::exit::{Exit, Failure};

/// Does what the command line asks for; without a command, the default tour.
pub(crate) fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        None => run::run(&RunArgs::default()),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Serve(args)) => serve::serve(&args),
        Some(Command::Link(args)) => link::link(&args),
        Some(Command::Load(args)) => load::load(&args),
        Some(Command::Watch(args)) => watch::watch(&args),
        Some(Command::SelfTest(args)) => selftest::selftest(&args),
        Some(Command::Claims(args)) => claims::claims(&args),
        Some(Command::Demo(args)) => demo::demo(&args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Plot(args)) => report::plot(&args),
        Some(Command::Diff(args)) => diff::diff(&args),
        Some(Command::List(args)) => list::list(&args),
        Some(Command::Peers(args)) => peers::peers(&args),
        Some(Command::ExecPeer(args)) => match exec_peer::exec_peer(&args)? {},
        Some(Command::Completions { shell }) => completions::completions(shell),
    }
}
