//! pushlab: a laboratory for real-time web transports.
//!
//! The binary knows every transport (the [`registry`]) and puts the crates together into commands; whatever can be said
//! without knowing all transports lives in a crate of its own.
//!
//! | module | concern |
//! | --- | --- |
//! | [`registry`] | every transport, in one ordered, visible list |
//! | [`cli`] | the command line |
//! | [`command`] | the commands, a file each: run, serve, link, load, demo, report, plot, diff, list, selftest, completions |
//! | [`scenarios`] | the scenarios that the binary carries, and how a command finds one |
//! | [`peers`] | servers that others wrote: their folders, and what they bring to a scenario |
//! | [`cpus`] | which CPUs there are, and pinning threads to them |
//! | [`process`] | what a process sets up for itself: file limits, dying with its parent |
//! | [`stop`] | Ctrl-C and SIGTERM |
//! | [`exit`] | how a command ends, as an exit code |

mod cli;
mod command;
mod cpus;
mod exit;
mod peers;
mod process;
mod registry;
mod scenarios;
mod stop;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    exit::report(&command::dispatch(cli::Cli::parse()))
}
