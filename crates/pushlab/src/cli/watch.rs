//! The options of `pushlab watch`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Error, anyhow};
use clap::{Args, ValueHint};
use scenario::{Backend, Link, Profile};

use super::link::{BandwidthArgs, TimeArgs};
use super::values::parse_duration;
use super::{link_names, transport_names};

/// What is watched, and how much of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab watch long-poll                         a broadcast to two, round trip 100 ms
  pushlab watch websocket echo --rtt 300ms --for 5s
  pushlab watch sse --link 3g --rate 5 --clients 2
  pushlab watch websocket faults/cut-mid-message  what a fault looks like
  pushlab watch request-response --json | jq 'select(.useless)'

Time runs down. A line is a message when all of it has passed, with the number of its connection, an arrow in its direction, and its bytes:
what it carries + what that takes. Behind the server stand the requests that it hasn't answered: a held poll is one that stays.
A person reads a few lines a second, so population, rate and polls are cut down unless you say how many; the first lines say from what.

--json prints a line a message: {\"op\":\"message\",\"connection\":7,\"exchange\":3,\"way\":\"up\",\"sent_us\":…,\"kind\":\"request\",…}, with its parts;
{\"op\":\"opened\"}, {\"op\":\"closed\"} and {\"op\":\"lost\"} between them, and at the end {\"op\":\"counts\"} and {\"op\":\"ages\"}.
Colours are for terminals (see https://no-color.org); without UTF-8 in the locale lines are drawn in ASCII.")]
pub(crate) struct WatchArgs {
    /// Whose messages
    #[arg(value_name = "TRANSPORT", value_parser = transport_names())]
    pub(crate) transport: String,

    /// A scenario file, or the name of a built-in scenario
    #[arg(value_name = "SCENARIO", default_value = "broadcast", value_hint = ValueHint::FilePath)]
    pub(crate) scenario: PathBuf,

    /// How long [default: 10s; with faults, as long as the scenario takes]
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) length: Option<Duration>,

    /// Sessions [default: the scenario's, at most 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) clients: Option<u32>,

    /// Messages sent a second, all together [default: the scenario's, at most 2]
    #[arg(long, value_name = "R", value_parser = parse_rate)]
    pub(crate) rate: Option<f64>,

    /// How often a client of request-response asks [default: the scenario's, at least 1s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) poll_interval: Option<Duration>,

    /// Seed of the arrivals and the jitter, instead of the scenario's
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,

    /// Print the messages as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Draw with ASCII characters
    #[arg(long, conflicts_with = "json")]
    pub(crate) ascii: bool,

    /// A network with a name, instead of the scenario's own (see `pushlab list links`); the flags below change its values
    #[arg(long = "link", value_name = "PROFILE", value_parser = link_names())]
    profile: Option<&'static Profile>,

    #[command(flatten)]
    time: TimeArgs,

    #[command(flatten)]
    bandwidth: BandwidthArgs,
}

/// Where a link comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkOf {
    /// `--link`.
    Profile(&'static str),
    Scenario,
    /// Nobody said anything.
    Watch,
}

/// The round trip where nobody says anything: from one coast of a continent to the other.
const ROUND_TRIP: Duration = Duration::from_millis(100);

impl WatchArgs {
    /// The link between, where the scenario has this one, and where it comes from.
    ///
    /// # Errors
    /// It harms packets, or the flags don't go together.
    pub(crate) fn link(&self, own: Option<&Link>) -> Result<(Link, LinkOf), Error> {
        let (mut link, of) = match (self.profile, own) {
            (Some(profile), _) => (profile.link(), LinkOf::Profile(profile.name)),
            (None, Some(own)) => (own.clone(), LinkOf::Scenario),
            (None, None) => (default_link(), LinkOf::Watch),
        };
        if link.up.harms_packets() || link.down.harms_packets() {
            return Err(anyhow!(
                "the scenario's link loses, reorders or duplicates packets, and what is watched is the bytes that pass a relay, which can't: choose another one with --link, or another scenario"
            ));
        }
        link.backend = Backend::Relay;
        self.time.apply(&mut link)?;
        self.bandwidth.apply(&mut link)?;
        Ok((link, of))
    }
}

fn default_link() -> Link {
    let mut link = Link::default();
    for path in [&mut link.up, &mut link.down] {
        path.delay = ROUND_TRIP / 2;
    }
    link
}

/// `5` or `5/s`.
fn parse_rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).trim_end();
    match number.parse::<f64>() {
        Ok(rate) if (0.01..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate from 0.01 to 10000 a second is right, as in 5 or 5/s".to_owned()),
    }
}
