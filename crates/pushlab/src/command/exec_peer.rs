//! `pushlab exec-peer`, which `pushlab run` calls: becomes the server of a peer.
//!
//! What has to be set up in the process itself is set up here, without a line of unsafe code between fork and exec: its CPUs, its limit of open files,
//! and the signal that it gets when its parent ends.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, anyhow};
use rustix::process::Signal;

use crate::cli::ExecPeerArgs;
use crate::cpus;
use crate::exit::Failure;
use crate::process;

/// Becomes the program; returns only if it can't.
pub(crate) fn exec_peer(args: &ExecPeerArgs) -> Result<Infallible, Failure> {
    process::raise_file_limit();
    if let Some(parent) = args.die_with_parent {
        // It may have workers to end, which SIGKILL would leave behind.
        process::signal_with(parent, Signal::TERM).context("can't be tied to its parent")?;
    }
    if let Some(list) = &args.pin {
        cpus::pin(&list.0).context("can't be pinned")?;
    }
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Failure::Usage(anyhow!("there is no command")));
    };
    let error = Command::new(program).args(arguments).exec();
    Err(Failure::Lab(anyhow!("can't start {program}: {error}")))
}
