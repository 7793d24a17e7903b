//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use scenario::Scenario;

use crate::command::CHECKS;
use crate::cpus::{self, CpuList};
use crate::registry;

/// A laboratory for real-time web transports: the same application over long-polling, plain HTTP request-response and
/// WebSocket, loaded, measured and compared.
///
/// Without a command it takes the default tour: a short echo and a short broadcast over every transport.
#[derive(Debug, Parser)]
#[command(name = "pushlab", version, propagate_version = true, after_help = EXAMPLES, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  pushlab                                  the default tour, about a minute
  pushlab run echo --transport websocket   one of the built-in scenarios, one transport
  pushlab run my.toml --trials 10          a scenario of your own
  pushlab serve websocket                  a server to talk to yourself
  pushlab list                             what there is
  pushlab selftest                         whether the lab's own numbers are right on this machine

Exit codes: 0 all held, 1 the lab failed, 2 wrong usage or a bad scenario, 3 an expectation of the
scenario failed, 4 an invalid case (with --strict), 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare transports: run scenarios and keep what was measured.
    Run(RunArgs),
    /// Serve one or more transports until SIGTERM or Ctrl-C.
    Serve(Box<ServeArgs>),
    /// Only generate load, against a server started elsewhere.
    Load(LoadArgs),
    /// Measure known truths, and say by how much the lab is wrong.
    #[command(name = "selftest")]
    SelfTest(SelfTestArgs),
    /// List the transports or the built-in scenarios.
    List(ListArgs),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Examples:\n  pushlab completions bash > ~/.local/share/bash-completion/completions/pushlab\n  \
                            pushlab completions zsh > ~/.zfunc/_pushlab"
    )]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What to run.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  pushlab run                              the default tour
  pushlab run echo                         a built-in scenario (see `pushlab list scenarios`)
  pushlab run my.toml other.toml           scenario files, one result folder each
  pushlab run broadcast --transport long-poll --transport websocket --trials 10
  pushlab run echo --quick --json | jq '.arms[].metrics.latency_p50_ns.median'
  pushlab run slo-rate                     the highest rate that keeps a promise, for each transport
  pushlab run --resume results/20260102T030405-678Z-echo-0123456

Ctrl-C stops after leaving a folder that can be read; a second one stops at once.")]
pub(crate) struct RunArgs {
    /// Scenario files, or names of built-in scenarios; none for the default tour
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub(crate) scenarios: Vec<PathBuf>,

    /// Compare only this transport; may be given several times
    #[arg(long = "transport", value_name = "T", value_parser = transport_names())]
    pub(crate) transports: Vec<String>,

    /// Go on with a run that was cut off: measure the cases that its folder DIR doesn't have yet
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath,
        conflicts_with_all = ["scenarios", "transports", "quick", "trials", "seed", "out"])]
    pub(crate) resume: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
}

/// What `run` and `load` have in common.
#[derive(Debug, Args)]
pub(crate) struct ExperimentArgs {
    /// A quick look: at most 1 s and 2 trials an arm, not a result to keep
    #[arg(long)]
    pub(crate) quick: bool,

    /// Trials an arm, instead of the scenario's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) trials: Option<u32>,

    /// Seed of the arms' order and of all arrivals, instead of the scenario's
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,

    /// How often an invalid case is measured again; every attempt leaves a row
    #[arg(long, value_name = "N", default_value_t = RETRIES, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) retries: u32,

    /// Folder below which each scenario's result folder is made [default: results]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,

    /// Print what summary.json holds, and nothing else, on standard output (an array for several scenarios)
    #[arg(long)]
    pub(crate) json: bool,

    /// Exit with 4 when a case is invalid in every attempt
    #[arg(long)]
    pub(crate) strict: bool,
}

const RETRIES: u32 = 2;

impl ExperimentArgs {
    /// The scenario as the command line wants it.
    pub(crate) fn adapt(&self, mut scenario: Scenario) -> Scenario {
        if self.quick {
            scenario = scenario.quick();
        }
        if let Some(trials) = self.trials {
            scenario = scenario.with_trials(trials);
        }
        if let Some(seed) = self.seed {
            scenario = scenario.with_seed(seed);
        }
        scenario
    }
}

impl Default for ExperimentArgs {
    fn default() -> Self {
        Self {
            quick: false,
            trials: None,
            seed: None,
            retries: RETRIES,
            out: None,
            json: false,
            strict: false,
        }
    }
}

/// What to serve, where, and within which limits.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab serve websocket
  pushlab serve long-poll --listen 127.0.0.1:8080 --threads 2
  pushlab serve --all --listen 127.0.0.1:8080      one hub behind all; ports 8080, 8081, …

Prints one line a server on standard output as soon as it accepts:
  {\"transport\":\"websocket\",\"url\":\"ws://127.0.0.1:8080/ws\"}

SIGTERM or Ctrl-C drains: no new sessions, connections are told and closed. A second one ends it at once.
Durations are written 250ms, 5s or 2m; sizes 64KiB, 1MiB or a plain number of bytes.")]
#[command(group = clap::ArgGroup::new("what").required(true).args(["transports", "all"]))]
pub(crate) struct ServeArgs {
    /// Transports to serve, all on one hub
    #[arg(value_name = "TRANSPORT", value_parser = transport_names())]
    pub(crate) transports: Vec<String>,

    /// Serve every transport, one hub behind all of them
    #[arg(long, conflicts_with = "transports")]
    pub(crate) all: bool,

    /// Address of the first server; those after it have the ports that follow. Port 0: free ones are chosen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,

    /// Worker threads, each with its own event loop and listener
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,

    /// Pin the worker threads to these CPUs, one each in turn: 0 or 0,2 or 0-3
    #[arg(long, value_name = "CPUS", value_parser = cpus::parse_list)]
    pub(crate) pin: Option<CpuList>,

    /// Let pages of this origin in, beside the server's own; may be given several times
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_parser = parse_origin)]
    pub(crate) allow_origins: Vec<String>,

    #[command(flatten)]
    pub(crate) hub: HubArgs,

    #[command(flatten)]
    pub(crate) connections: ConnectionArgs,

    /// Set by `pushlab run`: end when this process, the parent, ends.
    #[arg(long, value_name = "PID", hide = true)]
    pub(crate) die_with_parent: Option<u32>,

    /// Set by `pushlab run`: watch for pauses, and answer `reset` and `report` on standard input.
    #[arg(long, hide = true)]
    pub(crate) control: bool,
}

/// The limits of the hub.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits of sessions")]
pub(crate) struct HubArgs {
    /// Most messages that wait for a session
    #[arg(long, value_name = "N", default_value = "4096", value_parser = positive())]
    pub(crate) mailbox_messages: usize,

    /// Most bytes that wait for a session
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = parse_bytes)]
    pub(crate) mailbox_bytes: usize,

    /// What happens when a session takes its messages too slowly
    #[arg(long, value_name = "POLICY", default_value = "disconnect")]
    pub(crate) slow_consumer: Policy,

    /// How long a session without a connection is kept for a resume
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub(crate) retention: Duration,

    /// Most sessions at once
    #[arg(long, value_name = "N", default_value = "100000", value_parser = positive())]
    pub(crate) max_sessions: usize,

    /// Most rooms that a session may be in
    #[arg(long, value_name = "N", default_value = "256", value_parser = positive())]
    pub(crate) max_rooms: usize,

    /// Most commands a second that a session may give
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_rate: u32,
}

/// The limits of connections.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits of connections")]
pub(crate) struct ConnectionArgs {
    /// Most bytes of a message, a frame or a request's body
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = parse_bytes)]
    pub(crate) max_message: usize,

    /// Most connections at once, for each server
    #[arg(long, value_name = "N", default_value = "16000", value_parser = positive())]
    pub(crate) max_connections: usize,

    /// How long a request's head may take to arrive
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub(crate) header_timeout: Duration,

    /// How long a request's body may take to arrive
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub(crate) body_timeout: Duration,

    /// How long a kept-alive connection may be idle between requests
    #[arg(long, value_name = "DURATION", default_value = "75s", value_parser = parse_duration)]
    pub(crate) idle_timeout: Duration,

    /// How long a long-poll is held when the client doesn't say
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = parse_hold)]
    pub(crate) hold: Duration,

    /// How often a WebSocket is pinged
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub(crate) ping_interval: Duration,

    /// How long a peer may be silent after a ping before it counts as dead
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub(crate) ping_timeout: Duration,

    /// How long connections stay open to be told of a drain
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse_duration_or_zero)]
    pub(crate) drain_notice: Duration,

    /// How long a drain waits for what is under way
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration_or_zero)]
    pub(crate) drain_grace: Duration,

    /// Send one message a response or write, to measure what batching is worth
    #[arg(long)]
    pub(crate) no_batching: bool,
}

/// What the generator loads, and with what.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pushlab serve websocket --listen 127.0.0.1:8080 &
  pushlab load --transport websocket --target ws://127.0.0.1:8080/ws echo --trials 1

The server's CPU and memory are another process's, so those columns stay empty; use `pushlab run` to have both.")]
pub(crate) struct LoadArgs {
    /// The transport that the server speaks
    #[arg(long, value_name = "T", value_parser = transport_names())]
    pub(crate) transport: String,

    /// The server's URL, as its ready line gives it
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) target: String,

    /// A scenario file, or the name of a built-in scenario
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub(crate) scenario: PathBuf,

    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
}

/// Which truths to measure.
#[derive(Debug, Args)]
#[command(after_help = selftest_help())]
pub(crate) struct SelfTestArgs {
    /// The short form, less than a minute instead of less than five
    #[arg(long)]
    pub(crate) quick: bool,

    /// Only these checks; not recorded unless --out says where
    #[arg(long, value_name = "CHECK", num_args = 1.., value_parser = check_names())]
    pub(crate) only: Vec<String>,

    /// Folder in which selftest.json is kept [default: results]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,

    /// Print what selftest.json holds, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pushlab list\n  pushlab list transports --json")]
pub(crate) struct ListArgs {
    /// Only these
    #[arg(value_enum)]
    pub(crate) what: Option<What>,

    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// The transports that can be served and compared
    Transports,
    /// The scenarios that the binary carries
    Scenarios,
}

/// What happens to a session whose mailbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// The session is closed
    Disconnect,
    /// The oldest messages go, and a gap says how many
    DropOldest,
    /// The newest message of each event name stays
    Conflate,
}

impl From<Policy> for hub::SlowConsumer {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Disconnect => Self::Disconnect,
            Policy::DropOldest => Self::DropOldest,
            Policy::Conflate => Self::Conflate,
        }
    }
}

fn transport_names() -> ValueParser {
    PossibleValuesParser::new(registry::names()).into()
}

fn check_names() -> ValueParser {
    PossibleValuesParser::new(CHECKS.iter().map(|check| check.name)).into()
}

fn selftest_help() -> String {
    let checks: String = CHECKS
        .iter()
        .flat_map(|check| ["  ", check.name, ": ", check.asks, "\n"])
        .collect();
    format!(
        "Checks:\n{checks}
Examples:
  pushlab selftest                        all checks; results/selftest.json keeps what they showed
  pushlab selftest --quick
  pushlab selftest --only freeze queue --json

Exit codes: 0 all hold, 1 a figure is further from the truth than its limit (or the record can't be written), 2 wrong usage, 130 interrupted.
Nothing else should run meanwhile: a row that the machine disturbed says so."
    )
}

fn positive() -> ValueParser {
    let parse = |text: &str| match text.parse::<usize>() {
        Ok(number) if (1..=1 << 40).contains(&number) => Ok(number),
        _ => Err("a whole number from 1 on is right"),
    };
    ValueParser::new(parse)
}

/// A size with a unit, or a plain number of bytes.
fn parse_bytes(text: &str) -> Result<usize, String> {
    let bytes = match text.parse::<usize>() {
        Ok(bytes) => bytes,
        Err(_) => scenario::parse_size(text)?,
    };
    if (1..=1 << 40).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("1 byte to 1024 GiB are right".to_owned())
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    match parse_duration_or_zero(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        duration => Ok(duration),
    }
}

fn parse_duration_or_zero(text: &str) -> Result<Duration, String> {
    let duration = scenario::parse_duration(text)?;
    if duration <= Duration::from_secs(24 * 3600) {
        Ok(duration)
    } else {
        Err("at most 24h are right".to_owned())
    }
}

fn parse_hold(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration <= Duration::from_secs(60) {
        Ok(duration)
    } else {
        Err("at most 60s are right".to_owned())
    }
}

/// An origin as browsers write it (RFC 6454 section 6.2).
fn parse_origin(text: &str) -> Result<String, String> {
    let help =
        "an origin is a scheme, a host and perhaps a port, without a path: http://localhost:3000";
    let (scheme, host) = text.split_once("://").ok_or(help)?;
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"/?#@".contains(&b));
    if is_scheme && is_host {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(help.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_libraries_own() {
        let Some(Command::Serve(args)) = Cli::parse_from(["pushlab", "serve", "--all"]).command
        else {
            panic!("serve was parsed as something else");
        };
        let (limits, config) = (hub::Limits::default(), transport::Config::default());
        let hub = &args.hub;
        assert_eq!(
            (hub.mailbox_messages, hub.mailbox_bytes),
            (limits.mailbox_messages, limits.mailbox_bytes)
        );
        assert_eq!(
            (hub.retention, hub.max_sessions),
            (limits.retention, limits.max_sessions)
        );
        assert_eq!(
            (hub.max_rooms, hub.max_rate),
            (limits.max_rooms, limits.max_rate)
        );
        assert_eq!(
            hub::SlowConsumer::from(hub.slow_consumer),
            limits.slow_consumer
        );
        let flags = &args.connections;
        assert_eq!(
            (flags.max_message, flags.max_connections),
            (config.max_message, config.max_connections)
        );
        assert_eq!(
            (flags.header_timeout, flags.body_timeout),
            (config.header_timeout, config.body_timeout)
        );
        assert_eq!(
            (flags.idle_timeout, flags.hold),
            (config.idle_timeout, config.hold)
        );
        assert_eq!(
            (flags.ping_interval, flags.ping_timeout),
            (config.ping_interval, config.ping_timeout)
        );
        assert_eq!(
            (flags.drain_notice, flags.drain_grace),
            (config.drain_notice, config.drain_grace)
        );
        assert_eq!(!flags.no_batching, config.batching);
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(parse_bytes("4096"), Ok(4096));
        assert_eq!(parse_bytes("1 MiB"), Ok(1 << 20));
        assert!(parse_bytes("0").is_err() && parse_bytes("-1").is_err());
        assert!(
            parse_duration("0s").is_err()
                && parse_duration("25h").is_err()
                && parse_hold("61s").is_err()
        );
        assert_eq!(
            parse_origin("HTTP://localhost:3000"),
            Ok("http://localhost:3000".to_owned())
        );
        for bad in [
            "localhost",
            "http://",
            "://x",
            "http://x/",
            "http://x/path",
            "http://a@b",
            "*",
        ] {
            assert!(parse_origin(bad).is_err(), "{bad}");
        }
    }
}
