//! `pushlab load`: the generator alone, against a server started elsewhere.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::anyhow;

use crate::cli::LoadArgs;
use crate::command::case::Place;
use crate::command::experiment::Bench;
use crate::exit::{Exit, Failure};
use crate::registry::{self, Entry};
use crate::scenarios;

/// How long a server may take to accept one connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Loads the target with the scenario.
pub(crate) fn load(args: &LoadArgs) -> Result<Exit, Failure> {
    let Some(entry) = registry::find(&args.transport) else {
        return Err(Failure::Usage(anyhow!(
            "there is no transport {}",
            args.transport
        )));
    };
    let authority = authority(entry, &args.target)?;
    let scenario = scenarios::find(&args.scenario).map_err(Failure::usage)?;
    let scenario = args
        .experiment
        .adapt(scenario)
        .with_transports(std::slice::from_ref(&args.transport));
    greet(entry, &args.target, &authority)?;
    let bench = Bench::set_up(&args.experiment)?;
    bench.run(&[scenario], &|_| Place::Elsewhere(args.target.clone()))
}

/// Host and port of a URL that this transport's clients understand.
fn authority(entry: &Entry, target: &str) -> Result<String, Failure> {
    let name = entry.info.name;
    let Some((before, after)) = entry.info.url else {
        return Err(Failure::Usage(anyhow!(
            "{name} has no network, so there is no server elsewhere; use `pushlab run`"
        )));
    };
    let wrong = || {
        let right = format!("{before}127.0.0.1:8080{after}");
        Failure::Usage(anyhow!(
            "--target {target}: no URL of a {name} server; {right} would be one"
        ))
    };
    let rest = target.strip_prefix(before).ok_or_else(wrong)?;
    let authority = rest
        .split('/')
        .next()
        .filter(|authority| !authority.is_empty())
        .ok_or_else(wrong)?;
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    Ok(if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    })
}

/// Fails early, before a result folder is made, when nothing listens there.
fn greet(entry: &Entry, target: &str, authority: &str) -> Result<(), Failure> {
    let no = |error: &dyn std::fmt::Display| {
        Failure::Lab(anyhow!(
            "nothing answers at {target}: {error}; start a server with `pushlab serve {}`",
            entry.info.name
        ))
    };
    let addresses = authority.to_socket_addrs().map_err(|error| no(&error))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| no(&"the name has no address"), |error| no(&error)))
}
