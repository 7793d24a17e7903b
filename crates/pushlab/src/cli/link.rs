//! The options of `pushlab link`: what a scenario's `[link]` says, as flags.

use std::time::Duration;

use anyhow::{Error, anyhow, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, ValueParser};
use clap::{Args, ValueEnum};
use scenario::{Backend, Link, PROFILES, Path};

use super::exact::{Exact, parse_exact};
use super::values::{
    parse_bandwidth, parse_delay, parse_duration_or_zero, parse_queue, parse_round_trip,
};
use crate::cpus::{self, CpuList};

/// What to put a network in front of, and which.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab link --to 127.0.0.1:8080 --profile 4g
  pushlab link --to 127.0.0.1:8080 --listen 127.0.0.1:9090 --rtt 80ms --jitter 5ms --bandwidth '10 Mbit/s'
  pushlab link --backend packets --rtt 80ms --loss 1%
  pushlab list links                               the profiles, and where their numbers come from

Clients connect to a relay instead of the server. It prints one line on standard output as soon as it accepts:
  {\"ready\":\"relay\",\"listen\":\"127.0.0.1:9090\",\"to\":\"127.0.0.1:8080\"}

A link of packets (as root) is a network of its own, with a namespace at either end in which to start a server and its clients:
  {\"ready\":\"packets\",\"client_namespace\":\"/proc/7/task/8/ns/net\",\"server_namespace\":\"/proc/7/task/9/ns/net\",
   \"client_address\":\"198.18.0.1\",\"server_address\":\"198.18.0.2\"}
  nsenter --net=/proc/7/task/9/ns/net pushlab serve websocket --listen 198.18.0.2:8080

SIGTERM or Ctrl-C ends it with a summary of what it really did to each direction.
Durations are written 500us, 80ms or 1s; bandwidths 384kbit/s or 10Mbit/s; sizes 64KiB or 1MiB; shares 1%.")]
pub(crate) struct LinkArgs {
    /// The server that a relay leads to
    #[arg(long, value_name = "HOST:PORT")]
    to: Option<String>,

    /// Where clients of a relay connect. Port 0: a free one is chosen [default: 127.0.0.1:0]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,

    /// A network with a name; the flags below change its values
    #[arg(long, value_name = "NAME", value_parser = profile_names())]
    profile: Option<String>,

    /// What makes it
    #[arg(long, value_name = "BACKEND", default_value = "relay")]
    backend: BackendName,

    #[command(flatten)]
    time: TimeArgs,

    #[command(flatten)]
    bandwidth: BandwidthArgs,

    #[command(flatten)]
    harm: HarmArgs,

    /// Seed of the jitter and the harm
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How long before something is due the link stays awake instead of sleeping, at most 1ms: exacter, for CPU time [default: 50us; packets: 100us]
    #[arg(long, value_name = "DURATION", value_parser = parse_spin)]
    pub(crate) spin: Option<Duration>,

    /// Pin it to these CPUs: 0 or 0,2 or 0-3
    #[arg(long, value_name = "CPUS", value_parser = cpus::parse_list)]
    pub(crate) pin: Option<CpuList>,

    /// Set by `pushlab run`: the link, in every detail, instead of the flags.
    #[arg(long, value_name = "JSON", hide = true, value_parser = parse_exact)]
    pub(super) exact: Option<Exact>,

    /// Set by `pushlab run`: end when this process, the parent, ends.
    #[arg(long, value_name = "PID", hide = true)]
    pub(crate) die_with_parent: Option<u32>,

    /// Set by `pushlab run`: take `reset`, `report`, `stall` and `cut` on standard input.
    #[arg(long, hide = true)]
    pub(crate) control: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub(super) struct TimeArgs {
    /// Round trip, half of it each way
    #[arg(long, value_name = "DURATION", value_parser = parse_round_trip, conflicts_with_all = ["delay_up", "delay_down"])]
    rtt: Option<Duration>,

    /// Delay from client to server; its mean, with jitter
    #[arg(long, value_name = "DURATION", value_parser = parse_delay)]
    delay_up: Option<Duration>,

    /// Delay from server to client
    #[arg(long, value_name = "DURATION", value_parser = parse_delay)]
    delay_down: Option<Duration>,

    /// Standard deviation of the delay of each way; bytes of a connection stay in order
    #[arg(long, value_name = "DURATION", value_parser = parse_delay)]
    jitter: Option<Duration>,

    /// How delays scatter
    #[arg(long, value_name = "LAW")]
    jitter_law: Option<LawName>,

    /// Round trips before a new connection carries its first byte: 1 is TCP, 2 with TLS 1.3, 3 with TLS 1.2 [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(scenario::MOST_SET_UP)))]
    set_up: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Bandwidth")]
pub(super) struct BandwidthArgs {
    /// Bandwidth of each way, shared by all connections
    #[arg(long, value_name = "RATE", value_parser = parse_bandwidth, conflicts_with_all = ["bandwidth_up", "bandwidth_down"])]
    bandwidth: Option<f64>,

    /// Bandwidth from clients to server
    #[arg(long, value_name = "RATE", value_parser = parse_bandwidth)]
    bandwidth_up: Option<f64>,

    /// Bandwidth from server to clients
    #[arg(long, value_name = "RATE", value_parser = parse_bandwidth)]
    bandwidth_down: Option<f64>,

    /// Bytes that may wait for the bandwidth [default: the profile's, or 64KiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_queue)]
    queue: Option<usize>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Harm to packets (--backend packets)")]
struct HarmArgs {
    /// Share of packets that are lost
    #[arg(long, value_name = "SHARE", value_parser = scenario::parse_share)]
    loss: Option<f64>,

    /// Share of packets that are let past others
    #[arg(long, value_name = "SHARE", value_parser = scenario::parse_share)]
    reorder: Option<f64>,

    /// Share of packets that are sent twice
    #[arg(long, value_name = "SHARE", value_parser = scenario::parse_share)]
    duplicate: Option<f64>,
}

impl LinkArgs {
    /// The link that the flags describe.
    ///
    /// # Errors
    /// They don't go together: which, and what would be right.
    pub(crate) fn link(&self) -> Result<Link, Error> {
        if let Some(exact) = &self.exact {
            return Ok(exact.link());
        }
        let profile = self.profile.as_deref().and_then(scenario::profile);
        let mut link = profile.map(scenario::Profile::link).unwrap_or_default();
        link.backend = self.backend.0;
        self.time.apply(&mut link)?;
        self.bandwidth.apply(&mut link)?;
        self.harm.apply(&mut link)?;
        Ok(link)
    }
}

impl LinkArgs {
    /// Where a relay listens, and where it leads.
    ///
    /// # Errors
    /// It leads nowhere.
    pub(crate) fn relay(&self) -> Result<(&str, &str), Error> {
        let listen = self.listen.as_deref().unwrap_or("127.0.0.1:0");
        let to = self.to.as_deref().ok_or_else(|| {
            anyhow!(
                "--to <HOST:PORT>: a relay leads to a server, which it takes; or write --backend packets, which is a network of its own"
            )
        })?;
        Ok((listen, to))
    }

    /// A link of packets has no place for a relay's addresses.
    ///
    /// # Errors
    /// There is one.
    pub(crate) fn packets(&self) -> Result<(), Error> {
        for (flag, value) in [("--to", &self.to), ("--listen", &self.listen)] {
            if value.is_some() {
                bail!(
                    "{flag}: a link of packets neither listens nor connects: start the server in the namespace at its end, and the clients in the other; remove it, or write --backend relay"
                );
            }
        }
        Ok(())
    }
}

impl TimeArgs {
    /// Changes what was said.
    ///
    /// # Errors
    /// That doesn't go together.
    pub(super) fn apply(&self, link: &mut Link) -> Result<(), Error> {
        let half = self.rtt.map(|rtt| rtt / 2);
        link.up.delay = half.or(self.delay_up).unwrap_or(link.up.delay);
        link.down.delay = half.or(self.delay_down).unwrap_or(link.down.delay);
        for (path, way) in [(&mut link.up, "up"), (&mut link.down, "down")] {
            path.jitter = self.jitter.unwrap_or(path.jitter);
            path.law = self.jitter_law.map_or(path.law, |law| law.0);
            if path.jitter > path.delay {
                bail!(
                    "--jitter: {:?} is more than the delay {way}, {:?}: delays can't be negative, so at most that is right",
                    path.jitter,
                    path.delay
                );
            }
        }
        if self.jitter_law.is_some() && link.up.jitter.is_zero() && link.down.jitter.is_zero() {
            bail!("--jitter-law: there is no jitter: write, for example, --jitter 5ms");
        }
        link.set_up = self.set_up.unwrap_or(link.set_up);
        if link.backend == Backend::Packets && link.set_up != 1 {
            bail!(
                "--set-up: at packet level the kernel's own handshake takes its one round trip; remove it, or write --backend relay"
            );
        }
        Ok(())
    }
}

impl BandwidthArgs {
    /// As [`TimeArgs::apply`].
    pub(super) fn apply(&self, link: &mut Link) -> Result<(), Error> {
        let (up, down) = (
            self.bandwidth.or(self.bandwidth_up),
            self.bandwidth.or(self.bandwidth_down),
        );
        link.up.bandwidth = up.or(link.up.bandwidth);
        link.down.bandwidth = down.or(link.down.bandwidth);
        if let Some(queue) = self.queue {
            if link.up.bandwidth.is_none() && link.down.bandwidth.is_none() {
                bail!(
                    "--queue: nothing waits where there is no bandwidth: write, for example, --bandwidth '10 Mbit/s'"
                );
            }
            (link.up.queue, link.down.queue) = (queue, queue);
        }
        Ok(())
    }
}

impl HarmArgs {
    fn apply(&self, link: &mut Link) -> Result<(), Error> {
        let shares: [(&str, Option<f64>, ShareOf); 3] = [
            ("loss", self.loss, |path| &mut path.loss),
            ("reorder", self.reorder, |path| &mut path.reorder),
            ("duplicate", self.duplicate, |path| &mut path.duplicate),
        ];
        for (name, share, of) in shares {
            let Some(share) = share else { continue };
            if share > 0.0 && link.backend == Backend::Relay {
                return Err(anyhow!(
                    "--{name}: a relay passes on the bytes of a TCP stream and can't lose, reorder or duplicate a packet; write --backend packets (it needs root)"
                ));
            }
            *of(&mut link.up) = share;
            *of(&mut link.down) = share;
        }
        Ok(())
    }
}

/// The place of a share in a direction.
type ShareOf = fn(&mut Path) -> &mut f64;

/// A back end on the command line.
#[derive(Clone, Copy, Debug)]
struct BackendName(Backend);

impl ValueEnum for BackendName {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Backend::Relay), Self(Backend::Packets)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self.0 {
            Backend::Relay => {
                "A process that takes connections and passes bytes on: needs no rights, can lose nothing"
            }
            Backend::Packets => {
                "Network namespaces and a forwarder of IP packets: needs root; TCP sees loss and recovers"
            }
        };
        Some(PossibleValue::new(self.0.name()).help(help))
    }
}

/// A law of jitter on the command line.
#[derive(Clone, Copy, Debug)]
struct LawName(scenario::JitterLaw);

impl ValueEnum for LawName {
    fn value_variants<'a>() -> &'a [Self] {
        use scenario::JitterLaw::{Exponential, Normal, Uniform};
        &[Self(Normal), Self(Uniform), Self(Exponential)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

fn profile_names() -> ValueParser {
    PossibleValuesParser::new(
        PROFILES
            .iter()
            .map(|profile| PossibleValue::new(profile.name).help(profile.title)),
    )
    .into()
}

fn parse_spin(text: &str) -> Result<Duration, String> {
    let spin = parse_duration_or_zero(text)?;
    if spin <= Duration::from_millis(1) {
        Ok(spin)
    } else {
        Err("at most 1ms is right".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use scenario::JitterLaw;

    use super::super::{Cli, Command};
    use super::*;

    fn link(flags: &str) -> Result<Link, String> {
        let words = ["pushlab", "link", "--to", "127.0.0.1:1"];
        let cli = Cli::try_parse_from(words.into_iter().chain(flags.split_whitespace()));
        match cli.map_err(|error| error.to_string())?.command {
            Some(Command::Link(args)) => args.link().map_err(|error| error.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_flags_it_does_nothing() {
        assert_eq!(link(""), Ok(Link::default()));
    }

    #[test]
    fn values_override_the_profile() {
        let own = link("--profile dsl").unwrap();
        assert_eq!(own, scenario::profile("dsl").unwrap().link());
        let other =
            link("--profile dsl --delay-up 30ms --bandwidth-down 2Mbit/s --queue 9kB --set-up 2")
                .unwrap();
        assert_eq!(other.up.delay, Duration::from_millis(30));
        assert_eq!(other.down.delay, own.down.delay);
        assert_eq!(other.up.bandwidth, own.up.bandwidth);
        assert_eq!(other.down.bandwidth, Some(2e6));
        assert_eq!((other.up.queue, other.down.queue), (9_000, 9_000));
        assert_eq!((other.set_up, other.profile), (2, Some("dsl")));
        let uniform = link("--rtt 20ms --jitter 5ms --jitter-law uniform").unwrap();
        assert_eq!(uniform.round_trip(), Duration::from_millis(20));
        assert_eq!(uniform.down.law, JitterLaw::Uniform);
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        for (flags, says) in [
            ("--rtt 5ms --delay-up 1ms", "'--delay-up <DURATION>'"),
            ("--rtt 21s", "at most 20s"),
            ("--delay-up 11s", "at most 10s"),
            ("--rtt 10ms --jitter 6ms", "more than the delay up, 5ms"),
            (
                "--profile 4g --rtt 2ms",
                "5ms is more than the delay up, 1ms",
            ),
            ("--jitter-law uniform", "there is no jitter"),
            ("--queue 64KiB", "no bandwidth"),
            (
                "--bandwidth 1Mbit/s --bandwidth-up 1Mbit/s",
                "--bandwidth-up",
            ),
            ("--bandwidth 0bit/s", "more than 0 bit/s"),
            ("--bandwidth 1Mbit/s --queue 100B", "1500 B"),
            (
                "--loss 1%",
                "--loss: a relay passes on the bytes of a TCP stream",
            ),
            ("--loss 101%", "not a share"),
            ("--set-up 11", "0..=10"),
            ("--backend packets --set-up 2", "kernel's own handshake"),
            ("--profile 5g", "'5g'"),
        ] {
            let error = link(flags).unwrap_err();
            assert!(error.contains(says), "{flags}: {error}");
        }
    }
}
