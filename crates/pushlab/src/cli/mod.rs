//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use scenario::{Profile, Scenario};

use crate::command::CHECKS;
use crate::registry;

mod claims;
mod demo;
mod diff;
mod exact;
mod link;
mod look;
mod peers;
mod serve;
mod values;
mod watch;

pub(crate) use claims::ClaimsArgs;
pub(crate) use demo::DemoArgs;
pub(crate) use diff::{DiffArgs, Format};
pub(crate) use exact::Exact;
pub(crate) use link::LinkArgs;
pub(crate) use look::{PlotArgs, ReportArgs};
pub(crate) use peers::{ExecPeerArgs, PeersArgs, PeersCommand, PeersFolder};
pub(crate) use serve::ServeArgs;
pub(crate) use watch::{LinkOf, WatchArgs};

/// A laboratory for real-time web transports: the same application over plain HTTP request-response, long-polling,
/// server-sent events, WebSocket and bare TCP, loaded, measured and compared.
///
/// Without a command it takes the default tour: a short echo and a short broadcast over each transport of the web.
#[derive(Debug, Parser)]
#[command(name = "pushlab", version, propagate_version = true, after_help = EXAMPLES, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  pushlab                                  the default tour, about two minutes
  pushlab run echo --transport websocket   one of the built-in scenarios, one transport
  pushlab run my.toml --trials 10          a scenario of your own
  pushlab run echo --link 4g               the same over a mobile network
  pushlab demo                             the course, in your browser
  pushlab serve websocket                  a server to talk to yourself
  pushlab watch long-poll                  what its clients and its server say to each other, live
  pushlab link --to 127.0.0.1:8080 --profile 4g   a mobile network in front of it
  pushlab report results                   reports of all runs and an index, in the browser
  pushlab diff results/BEFORE results/AFTER   what changed between two runs
  pushlab claims                           what others have said, against what is measured here
  pushlab run peers-echo                   beside servers that others wrote (see `pushlab peers`)
  pushlab list                             what there is
  pushlab selftest                         whether the lab's own numbers are right on this machine

Exit codes: 0 all held, 1 the lab failed, 2 wrong usage or a bad scenario, 3 an expectation of the
scenario (or `diff --fail-over`) failed, 4 an invalid case (with --strict), 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare transports: run scenarios and keep what was measured.
    Run(RunArgs),
    /// Serve one or more transports until SIGTERM or Ctrl-C.
    Serve(Box<ServeArgs>),
    /// Put a network between any client and any server: delay, jitter, bandwidth, faults.
    Link(Box<LinkArgs>),
    /// Only generate load, against a server started elsewhere.
    Load(LoadArgs),
    /// Watch a transport at work: each message between its clients and its server, as it passes.
    Watch(Box<WatchArgs>),
    /// Measure known truths, and say by how much the lab is wrong.
    #[command(name = "selftest")]
    SelfTest(SelfTestArgs),
    /// Put to the test what has been published about transports, and the lessons of the course.
    Claims(ClaimsArgs),
    /// Serve the course: see transports at work in the browser, and take them apart.
    Demo(DemoArgs),
    /// Draw reports of runs anew, or several runs on one page.
    Report(ReportArgs),
    /// Draw a plot of your own from runs.
    Plot(PlotArgs),
    /// Compare two runs: what changed between them, their machines or their commits.
    Diff(DiffArgs),
    /// List the transports, protocols, built-in scenarios or named links.
    List(ListArgs),
    /// Servers that others wrote, to measure beside the lab's own: list them, set them up, start one.
    Peers(PeersArgs),
    /// Become the server of a peer; `pushlab run` calls it.
    #[command(hide = true)]
    ExecPeer(ExecPeerArgs),
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
  pushlab run broadcast --peer ws --peer nchan   beside servers that others wrote (see `pushlab peers`)
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

    /// Compare this peer too, beside the lab's own transports; may be given several times; `all` for every one that is installed
    #[arg(long = "peer", value_name = "NAME")]
    pub(crate) peer_names: Vec<String>,

    #[command(flatten)]
    pub(crate) peers: PeersFolder,

    /// Go on with a run that was cut off: measure the cases that its folder DIR doesn't have yet
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath,
        conflicts_with_all = ["scenarios", "transports", "peer_names", "quick", "trials", "seed", "link", "out"])]
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

    /// Put this network between generator and server, instead of the scenario's own (see `pushlab list links`)
    #[arg(long, value_name = "PROFILE", value_parser = link_names())]
    pub(crate) link: Option<&'static Profile>,

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
        if let Some(profile) = self.link {
            scenario = scenario.with_link(profile);
        }
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
            link: None,
            retries: RETRIES,
            out: None,
            json: false,
            strict: false,
        }
    }
}

/// What the generator loads, and with what.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab serve websocket --listen 127.0.0.1:8080 &
  pushlab load --protocol websocket --target ws://127.0.0.1:8080/ws echo --trials 1
  pushlab load --protocol echo --target ws://127.0.0.1:9000/ echo      anybody's server that sends back what it is sent
  pushlab load --protocol nchan-websocket --target http://127.0.0.1:80 broadcast

What each protocol is and can carry: `pushlab list protocols`. The server's CPU and memory are another process's, so those columns stay empty;
use `pushlab run` to have both, with `--peer` for servers that others wrote.")]
pub(crate) struct LoadArgs {
    /// The protocol that the server speaks: a transport of the lab's, or another's
    #[arg(long, visible_alias = "transport", value_name = "P", value_parser = wire_names())]
    pub(crate) protocol: String,

    /// The server's URL, as its ready line gives it if it is the lab's own
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
    /// Every protocol that a server elsewhere may speak, for `pushlab load`
    Protocols,
    /// The scenarios that the binary carries
    Scenarios,
    /// The networks with a name, for `pushlab link` and a scenario's `[link]`
    Links,
}

fn link_names() -> ValueParser {
    let names = scenario::PROFILES.iter().map(|profile| profile.name);
    let parser = PossibleValuesParser::new(names.collect::<Vec<_>>());
    // One of the names above is the name of a profile.
    ValueParser::new(parser.try_map(|name| scenario::profile(&name).ok_or("no profile")))
}

fn transport_names() -> ValueParser {
    PossibleValuesParser::new(registry::names()).into()
}

/// Everything that a server elsewhere may speak, and what only lives within.
fn wire_names() -> ValueParser {
    let others = registry::PROTOCOLS.iter().map(|wire| wire.info.name);
    PossibleValuesParser::new(registry::names().chain(others).collect::<Vec<_>>()).into()
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
