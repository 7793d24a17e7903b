//! The options of `pushlab serve`, and with them every limit of the servers.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::transport_names;
use super::values::{
    parse_bytes, parse_duration, parse_duration_or_zero, parse_hold, parse_origin, positive,
};
use crate::cpus::{self, CpuList};

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
    /// Most bytes of a message, a line, a frame or a request's body
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

    /// How often a WebSocket is pinged; after how much silence TCP asks a peer of `tcp`
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub(crate) ping_interval: Duration,

    /// How long a peer may be silent after a ping before it counts as dead
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub(crate) ping_timeout: Duration,

    /// How long a browser waits before it opens a broken event stream anew, at least; each stream is told up to twice as much
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_duration_or_zero)]
    pub(crate) sse_retry: Duration,

    /// After how much silence an event stream is sent a comment
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration)]
    pub(crate) sse_heartbeat: Duration,

    /// How long connections stay open to be told of a drain
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse_duration_or_zero)]
    pub(crate) drain_notice: Duration,

    /// How long a drain waits for what is under way
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration_or_zero)]
    pub(crate) drain_grace: Duration,

    /// Send one message a response or write, to measure what batching is worth
    #[arg(long)]
    pub(crate) no_batching: bool,

    /// End each connection with its first answer over HTTP (Connection: close), to measure what keeping it is worth; one that was upgraded lasts
    #[arg(long)]
    pub(crate) no_keep_alive: bool,
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};

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
            (flags.sse_retry, flags.sse_heartbeat),
            (config.sse_retry, config.sse_heartbeat)
        );
        assert_eq!(
            (flags.drain_notice, flags.drain_grace),
            (config.drain_notice, config.drain_grace)
        );
        assert_eq!(
            (!flags.no_batching, !flags.no_keep_alive),
            (config.batching, config.keep_alive)
        );
    }
}
