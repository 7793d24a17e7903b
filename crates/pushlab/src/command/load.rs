//! `pushlab load`: the generator alone, against a server started elsewhere.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::anyhow;
use scenario::Kind;

use crate::cli::LoadArgs;
use crate::command::case::Place;
use crate::command::experiment::Bench;
use crate::exit::{Exit, Failure};
use crate::registry::{self, Wire};
use crate::scenarios;

/// How long a server may take to accept one connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Loads the target with the scenario.
pub(crate) fn load(args: &LoadArgs) -> Result<Exit, Failure> {
    let name = &args.protocol;
    let Some(wire) = registry::wire(name) else {
        return Err(Failure::Usage(anyhow!(
            "{name} has no network, so there is no server elsewhere; use `pushlab run`"
        )));
    };
    let authority = authority(&wire, &args.target)?;
    let scenario = scenarios::find(&args.scenario).map_err(Failure::usage)?;
    let kinds = wire.kinds();
    if !kinds.contains(&scenario.kind) {
        let kinds: Vec<&str> = kinds.into_iter().map(Kind::name).collect();
        return Err(Failure::Usage(anyhow!(
            "{name} can't carry {}, the kind of this scenario: it carries {}",
            scenario.kind.name(),
            kinds.join(", ")
        )));
    }
    let scenario = args
        .experiment
        .adapt(scenario)
        .with_transports(std::slice::from_ref(name));
    greet(&wire, &args.target, &authority)?;
    let bench = Bench::set_up(&args.experiment)?;
    bench.run(&[scenario], &|_, _| Place::Elsewhere(args.target.clone()))
}

/// Host and port of a URL that this wire's clients understand.
fn authority(wire: &Wire, target: &str) -> Result<String, Failure> {
    let name = wire.info.name;
    let authority = wire.authority(target).ok_or_else(|| {
        Failure::Usage(anyhow!(
            "--target {target}: no URL of {} {name} server; {} would be one",
            if name.starts_with(['a', 'e', 'i', 'o', 'u']) {
                "an"
            } else {
                "a"
            },
            wire.example("127.0.0.1:8080")
        ))
    })?;
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
fn greet(wire: &Wire, target: &str, authority: &str) -> Result<(), Failure> {
    let name = wire.info.name;
    let start = match registry::find(name) {
        Some(_) => format!("start a server with `pushlab serve {name}`"),
        None => "start a server; those of `pushlab peers` start with `pushlab peers serve NAME`"
            .to_owned(),
    };
    let no = |error: &dyn std::fmt::Display| {
        Failure::Lab(anyhow!("nothing answers at {target}: {error}; {start}"))
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
