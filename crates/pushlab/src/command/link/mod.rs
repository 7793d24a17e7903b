//! `pushlab link`: a network between any clients and any server.
//!
//! | module | concern |
//! | --- | --- |
//! | `relay`, `packets` | starts a link of that kind |
//! | `control` | what the process that started a link says to it |

mod control;
mod packets;
mod relay;

pub(crate) use control::{REPORT, Request};

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, anyhow};
use link::Handle;
use measure::{Impairment, LinkReport};
use scenario::Backend;
use serde::{Deserialize, Serialize};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::cli::LinkArgs;
use crate::cpus;
use crate::exit::{Exit, Failure};
use crate::process;
use crate::stop::Stop;

/// The line that a link prints as soon as it can be used.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ready")]
pub(crate) enum Ready {
    #[serde(rename = "relay")]
    Relay {
        /// Where clients connect.
        listen: String,
        /// The server that it leads to.
        to: String,
    },
    #[serde(rename = "packets")]
    Packets(Ends),
}

/// Both ends of a link of packets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ends {
    /// The file that names the clients' network namespace.
    pub(crate) client_namespace: PathBuf,
    /// The server's.
    pub(crate) server_namespace: PathBuf,
    /// The clients' one address.
    pub(crate) client_address: Ipv4Addr,
    /// The server's.
    pub(crate) server_address: Ipv4Addr,
}

/// A link that can be used.
struct Running {
    ready: Ready,
    handle: Handle,
    /// Told when it ends, and how.
    ended: oneshot::Receiver<io::Result<()>>,
}

/// Makes the link until told to stop, then says what it did.
pub(crate) fn link(args: &LinkArgs) -> Result<Exit, Failure> {
    if let Some(parent) = args.die_with_parent {
        process::die_with(parent)?;
    }
    let link = args.link().map_err(Failure::usage)?;
    process::raise_file_limit();
    // Before any thread is started: a thread would not pass the handlers on, nor inherit the pins.
    let stop = Stop::listen().context("can't listen for signals")?;
    if let Some(pins) = &args.pin {
        cpus::pin(&pins.0)
            .context("--pin")
            .map_err(Failure::usage)?;
    }
    let Running {
        ready,
        handle,
        mut ended,
    } = match link.backend {
        Backend::Relay => relay::start(args, &link)?,
        Backend::Packets => packets::start(args, &link)?,
    };
    if args.control {
        control::start(handle.clone()).context("can't start the control thread")?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&ready)?)
        .and_then(|()| out.flush())
        .context("can't print the ready line")?;
    drop(out);
    let runtime = runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        tokio::select! {
            end = &mut ended => return told(end),
            () = stop.asked() => {}
        }
        let report = handle.report();
        handle.stop();
        told(ended.await)?;
        if let (Ok(report), false) = (report, args.control) {
            // With standard error closed there is no one left to tell.
            let _ = io::stderr().write_all(summary(&report).as_bytes());
        }
        Ok(Exit::Fine)
    })
}

/// How the thread of a link ended.
fn told(end: Result<io::Result<()>, oneshot::error::RecvError>) -> Result<Exit, Failure> {
    match end {
        Ok(Ok(())) => Ok(Exit::Fine),
        Ok(Err(error)) => Err(Failure::Lab(anyhow!("the link failed: {error}"))),
        Err(_) => Err(Failure::Lab(anyhow!("the link's thread panicked"))),
    }
}

/// Runs it in a thread of its own; says how it ended.
fn spawn(
    name: &str,
    run: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<oneshot::Receiver<io::Result<()>>, Failure> {
    let (end, ended) = oneshot::channel();
    thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            // Whoever waits for it has gone only if the process ends anyway.
            let _ = end.send(run());
        })
        .context("can't start the link's thread")?;
    Ok(ended)
}

/// What the link did, a line a direction.
fn summary(report: &LinkReport) -> String {
    let [up, down] = [("up", &report.up), ("down", &report.down)].map(|(way, did)| line(way, did));
    format!("{up}{down}")
}

fn line(way: &str, did: &Impairment) -> String {
    let Some(delay) = did.delay else {
        return format!("{way}: nothing passed\n");
    };
    let duration = |nanoseconds: u64| report::duration(nanoseconds as f64);
    let mut text = format!(
        "{way}: {} passed in {} units; delay p50 {}, p99 {}, greatest {}",
        report::bytes(did.bytes as f64),
        report::count(did.units as f64),
        duration(delay.p50_ns),
        duration(delay.p99_ns),
        duration(delay.max_ns),
    );
    if let Some(rate) = did.busy_bit_per_s {
        let _ = write!(
            text,
            "; {:.3} Mbit/s while busy, at most {} waiting",
            rate / 1e6,
            report::bytes(did.queue_max_bytes as f64)
        );
    }
    let harm = [
        (did.lost, "lost"),
        (did.dropped, "dropped"),
        (did.reordered, "reordered"),
        (did.duplicated, "duplicated"),
    ];
    for (count, how) in harm.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(text, "; {} {how}", report::count(count as f64));
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use measure::latency::Distribution;

    use super::*;

    #[test]
    fn the_summary_says_what_happened_and_no_more() {
        let down = Impairment {
            units: 1_234,
            bytes: 2_048,
            delay: Some(Distribution {
                p50_ns: 25_000_000,
                p99_ns: 31_000_000,
                max_ns: 40_000_000,
                ..Distribution::default()
            }),
            busy_bit_per_s: Some(1.5e6),
            queue_max_bytes: 1_024,
            lost: 3,
            ..Impairment::default()
        };
        let report = LinkReport {
            down,
            ..LinkReport::default()
        };
        assert_eq!(
            summary(&report),
            "up: nothing passed\n\
             down: 2.00 KiB passed in 1,234 units; delay p50 25.0 ms, p99 31.0 ms, greatest 40.0 ms; \
             1.500 Mbit/s while busy, at most 1.00 KiB waiting; 3 lost\n"
        );
    }
}
