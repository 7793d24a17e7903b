//! The options of `pushlab peers`, and those of other commands that are about peers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::cpus::{self, CpuList};

/// Where peers are found.
#[derive(Debug, Default, Args)]
pub(crate) struct PeersFolder {
    /// The folder of the peers [default: `PUSHLAB_PEERS`, or else the nearest peers/ from the current folder upwards]
    #[arg(id = "peers_dir", long = "peers-dir", value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub(crate) folder: Option<PathBuf>,
}

/// What to do with peers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab peers                      which there are, and whether they are installed
  pushlab peers setup ws nchan       install them: Debian packages with apt-get, the rest in their folders
  pushlab peers setup --all
  pushlab peers serve ws             start one, to talk to it yourself
  pushlab run broadcast --peer ws --peer nchan      measure them beside the lab's own transports
  pushlab run echo --peer all                       every one that is installed

A peer is a folder with a peer.toml and the smallest honest server; peers/README.md says how to add one.")]
pub(crate) struct PeersArgs {
    #[command(flatten)]
    pub(crate) peers: PeersFolder,

    #[command(subcommand)]
    pub(crate) command: Option<PeersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// List them: package, version, language, wires, and whether each is installed (the default).
    #[command(
        after_help = "Examples:\n  pushlab peers list\n  pushlab peers list --json | jq '.[] | select(.installed) | .name'"
    )]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Install peers; those that are installed as their folders are now are left as they are.
    #[command(after_help = "\
Examples:
  pushlab peers setup ws nchan
  pushlab peers setup --all

Debian packages that are missing are installed with apt-get (by sudo, unless by root); the rest goes into the peer's folder and target/peers.
If one fails, the others go on. Exit codes: 0 all are installed, 1 one is not, 2 there is no such peer.")]
    Setup {
        /// Their names
        #[arg(value_name = "NAME", required_unless_present = "all")]
        names: Vec<String>,

        /// All that there are
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Start the server of a peer in the foreground, until Ctrl-C.
    #[command(
        after_help = "Example:\n  pushlab peers serve ws\n\nPrints its ready line and then, for each of its wires, how to load it."
    )]
    Serve {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// What a peer's server is set up with.
#[derive(Debug, Args)]
pub(crate) struct ExecPeerArgs {
    /// End when this process, the parent, ends
    #[arg(long, value_name = "PID")]
    pub(crate) die_with_parent: Option<u32>,

    /// Pin it to these CPUs
    #[arg(long, value_name = "CPUS", value_parser = cpus::parse_list)]
    pub(crate) pin: Option<CpuList>,

    /// What to become
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<String>,
}
