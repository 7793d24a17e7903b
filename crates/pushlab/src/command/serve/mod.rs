//! `pushlab serve`: worker threads, each with its own event loop and listeners, one hub behind all.
//!
//! | module | concern |
//! | --- | --- |
//! | `address` | what `--listen` means, and the listeners on it |
//! | `worker` | a worker thread |
//! | `control` | what `pushlab run` asks of the server that it started |

pub(crate) mod address;
mod control;
mod worker;

pub(crate) use control::{PAUSES, Request};

use std::io::Write;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use hub::{Door, Limits};
use serde::{Deserialize, Serialize};
use tokio::runtime;
use tokio::sync::oneshot;
use transport::{Config, DrainHandle};

use crate::cli::ServeArgs;
use crate::cpus;
use crate::exit::{Exit, Failure};
use crate::process;
use crate::registry::{self, Entry, TRANSPORTS};
use crate::stop::Stop;
use address::Bound;
use control::Control;
use worker::{Share, Worker};

/// The line that a server prints as soon as it accepts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Its transport.
    pub(crate) transport: String,
    /// What its clients connect to.
    pub(crate) url: String,
}

/// Serves until told to stop; fails when a worker thread does.
pub(crate) fn serve(args: &ServeArgs) -> Result<Exit, Failure> {
    if let Some(parent) = args.die_with_parent {
        process::die_with(parent)?;
    }
    let entries = chosen(args)?;
    process::raise_file_limit();
    let bound = address::bind(&args.listen, &entries, args.threads as usize)?;
    // Before any thread is started: a thread would not pass the handlers on, nor inherit the pins.
    let stop = Stop::listen().context("can't listen for signals")?;
    if let Some(pins) = &args.pin {
        cpus::pin(&pins.0)
            .context("--pin")
            .map_err(Failure::usage)?;
    }
    let control = args
        .control
        .then(Control::start)
        .transpose()
        .context("can't start the pause monitor")?;
    let (drain, watch) = DrainHandle::new();
    let (ready, ended) = start_workers(args, &bound, &watch)?;
    let runtime = runtime::Builder::new_current_thread().build()?;
    let result = runtime.block_on(async {
        for ready in ready {
            // A worker that could not start says so below.
            let _ = ready.await;
        }
        announce(&bound)?;
        let mut ended = Box::pin(all_ended(ended));
        tokio::select! {
            result = &mut ended => result,
            () = stop.asked() => {
                drain.start();
                ended.await
            }
        }
    });
    drop(control);
    result.map(|()| Exit::Fine)
}

/// The transports to serve, in the order of the command line, or of the registry.
fn chosen(args: &ServeArgs) -> Result<Vec<&'static Entry>, Failure> {
    if args.all {
        return Ok(TRANSPORTS
            .iter()
            .filter(|entry| entry.info.url.is_some())
            .collect());
    }
    let entries: Vec<&Entry> = args
        .transports
        .iter()
        .filter_map(|name| registry::find(name))
        .collect();
    match entries.iter().find(|entry| entry.info.url.is_none()) {
        None => Ok(entries),
        Some(entry) => Err(Failure::Usage(anyhow!(
            "{} has no network, so there is nothing to serve: it lives within the load generator (`pushlab run SCENARIO --transport {0}`)",
            entry.info.name
        ))),
    }
}

type Ended = oneshot::Receiver<Result<(), anyhow::Error>>;

fn start_workers(
    args: &ServeArgs,
    bound: &[Bound],
    drain: &transport::Drain,
) -> Result<(Vec<oneshot::Receiver<()>>, Vec<Ended>), Failure> {
    let config = Arc::new(config(args));
    let (mut all_ready, mut all_ended) = (Vec::new(), Vec::new());
    for (index, door) in Door::new(&limits(args), args.threads as usize)
        .into_iter()
        .enumerate()
    {
        let shares = bound
            .iter()
            .map(|bound| Share::of(bound, index))
            .collect::<Result<_, _>>()?;
        let cpu = args.pin.as_ref().map(|pins| pins.0[index % pins.0.len()]);
        let (ready, is_ready) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let worker = Worker {
            door,
            shares,
            cpu,
            config: Arc::clone(&config),
            drain: drain.clone(),
            ready,
        };
        let run = move || {
            // Whoever waits for it has gone only if the process ends anyway.
            let _ = end.send(worker.run());
        };
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(run)
            .context("can't start a worker thread")?;
        all_ready.push(is_ready);
        all_ended.push(ended);
    }
    Ok((all_ready, all_ended))
}

/// Waits for all workers, or for the first that fails.
async fn all_ended(workers: Vec<Ended>) -> Result<(), Failure> {
    let mut waits: Vec<_> = workers.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        let mut failure = None;
        waits.retain_mut(|wait| match wait.as_mut().poll(cx) {
            std::task::Poll::Pending => true,
            std::task::Poll::Ready(result) => {
                let result = result.unwrap_or_else(|_| Err(anyhow!("a worker thread panicked")));
                failure = failure.take().or(result.err());
                false
            }
        });
        match failure {
            Some(error) => std::task::Poll::Ready(Err(Failure::Lab(error))),
            None if waits.is_empty() => std::task::Poll::Ready(Ok(())),
            None => std::task::Poll::Pending,
        }
    })
    .await
}

fn announce(bound: &[Bound]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for bound in bound {
        let ready = Ready {
            transport: bound.entry.info.name.to_owned(),
            url: bound.url(),
        };
        writeln!(out, "{}", serde_json::to_string(&ready)?)
            .context("can't print the ready line")?;
    }
    out.flush().context("can't print the ready line")?;
    Ok(())
}

fn limits(args: &ServeArgs) -> Limits {
    let args = &args.hub;
    Limits {
        mailbox_messages: args.mailbox_messages,
        mailbox_bytes: args.mailbox_bytes,
        slow_consumer: args.slow_consumer.into(),
        retention: args.retention,
        max_sessions: args.max_sessions,
        max_rooms: args.max_rooms,
        max_rate: args.max_rate,
    }
}

fn config(args: &ServeArgs) -> Config {
    let flags = &args.connections;
    Config {
        allow_origins: args.allow_origins.clone(),
        max_message: flags.max_message,
        max_connections: flags.max_connections,
        header_timeout: flags.header_timeout,
        body_timeout: flags.body_timeout,
        idle_timeout: flags.idle_timeout,
        hold: flags.hold,
        ping_interval: flags.ping_interval,
        ping_timeout: flags.ping_timeout,
        sse_retry: flags.sse_retry,
        sse_heartbeat: flags.sse_heartbeat,
        drain_notice: flags.drain_notice,
        drain_grace: flags.drain_grace,
        batching: !flags.no_batching,
        keep_alive: !flags.no_keep_alive,
    }
}
