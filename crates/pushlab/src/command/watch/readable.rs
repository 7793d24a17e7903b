//! A scenario that a person can follow: few sessions, few messages a second; and what was made of it, in words.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Error, bail};
use scenario::{Arrivals, Between, Kind, Link, Pace, Path, Population, Scenario};
use transport::Info;

use crate::cli::{LinkOf, WatchArgs};

/// Most sessions that are easy to follow.
const SESSIONS: u32 = 3;

/// Most messages a second.
const RATE: f64 = 2.0;

/// Most sends at one instant.
const BURST: u32 = 4;

/// The least time between two polls.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long, if nobody says.
const LENGTH: Duration = Duration::from_secs(10);

/// What is watched.
pub(super) struct Readable {
    pub(super) scenario: Scenario,
    /// What it is, and from what it was cut down; a line each.
    pub(super) says: Vec<String>,
}

/// Cuts a scenario down, unless the command line says how far.
///
/// # Errors
/// The command line doesn't fit the scenario.
pub(super) fn make(args: &WatchArgs, scenario: Scenario, info: &Info) -> Result<Readable, Error> {
    let mut scenario = scenario
        .with_transports(std::slice::from_ref(&args.transport))
        .with_trials(1);
    if let Some(seed) = args.seed {
        scenario = scenario.with_seed(seed);
    }
    let own = scenario.clone();
    (scenario.sweep, scenario.find) = (None, None);
    scenario.expects.clear();
    scenario.warm_up = Duration::ZERO;
    scenario.duration = length(args, &own)?;
    scenario.population = population(args, &own)?;
    let pace = pace(args, &mut scenario)?;
    let polls = poll_interval(args, &mut scenario, info);
    let (link, of) = args.link(own.link.as_ref())?;
    let says = vec![
        format!("{}: {}", args.transport, own.question),
        format!(
            "  {}{pace}{polls}, for {}",
            sessions(&scenario, &own),
            report::duration(scenario.duration.as_nanos() as f64)
        ),
        format!("  link: {}{}", network(&link), origin(&link, of)),
    ];
    scenario.link = Some(link);
    Ok(Readable { scenario, says })
}

fn length(args: &WatchArgs, own: &Scenario) -> Result<Duration, Error> {
    match args.length {
        Some(length) if length < own.duration && !own.faults.is_empty() => bail!(
            "--for: the faults of this scenario happen within {0:?}: write --for {0:?} or more",
            own.duration
        ),
        Some(length) => Ok(length),
        None if own.faults.is_empty() => Ok(LENGTH),
        None => Ok(own.duration),
    }
}

fn population(args: &WatchArgs, own: &Scenario) -> Result<Population, Error> {
    let least = match own.kind {
        Kind::Echo | Kind::Idle | Kind::Chat => 1,
        Kind::Broadcast | Kind::Rooms | Kind::Private => 2,
    };
    let all = own.population.connections();
    let wanted = args.clients.unwrap_or_else(|| all.min(SESSIONS).max(least));
    if wanted < least {
        bail!(
            "--clients: {} takes {least} sessions at least: one that sends and one that receives",
            own.kind.name()
        );
    }
    Ok(match own.population {
        Population::Broadcast { .. } => Population::Broadcast {
            subscribers: wanted - 1,
        },
        // Who is left alone in a pair would neither send nor receive.
        Population::Clients(_) if own.kind == Kind::Private => Population::Clients(wanted & !1),
        Population::Clients(_) => Population::Clients(wanted),
        Population::Rooms {
            publishers, others, ..
        } => Population::Rooms {
            rooms: 1,
            members: wanted,
            publishers: publishers.min(wanted - 1).max(1),
            others,
        },
    })
}

fn sessions(scenario: &Scenario, own: &Scenario) -> String {
    let (now, before) = (
        scenario.population.connections(),
        own.population.connections(),
    );
    let who = match scenario.population {
        Population::Broadcast { subscribers } => {
            format!("1 publisher, {}", many(subscribers, "subscriber"))
        }
        Population::Rooms { publishers, .. } => {
            format!(
                "1 room of {}, {publishers} of them sending",
                many(now, "session")
            )
        }
        Population::Clients(clients) => many(clients, "session"),
    };
    if now == before {
        who
    } else {
        format!("{who} (of {})", many(before, "session"))
    }
}

fn many(number: u32, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}

/// Cuts the rate down; says what it is.
fn pace(args: &WatchArgs, scenario: &mut Scenario) -> Result<String, Error> {
    let kind = scenario.kind.name();
    let Some(load) = &mut scenario.load else {
        if args.rate.is_some() {
            bail!("--rate: nobody sends anything in this scenario, which is {kind}");
        }
        return Ok(String::new());
    };
    let payload = report::bytes(load.payload as f64);
    let what = match &mut load.pace {
        Pace::Closed { depth } => {
            if args.rate.is_some() {
                bail!(
                    "--rate: the senders of this scenario go on when they have their answers (a closed loop), so their rate is what comes of it; --rtt slows them down"
                );
            }
            format!("{depth} messages at a time, each after an answer")
        }
        Pace::Open { arrivals, rate } => {
            let own = *rate;
            *rate = args.rate.unwrap_or(own.min(RATE));
            if let Arrivals::Bursts { size } = arrivals {
                *size = args.rate.map_or((*size).min(BURST), |_| *size);
            }
            if (*rate - own).abs() < f64::EPSILON {
                format!("{own} messages a second")
            } else {
                format!("{rate} messages a second (of {own})")
            }
        }
    };
    Ok(format!("; {what}, {payload} each"))
}

/// Slows polling down; says so.
fn poll_interval(args: &WatchArgs, scenario: &mut Scenario, info: &Info) -> String {
    if !info.options.contains(&"poll-interval") {
        return String::new();
    }
    let interval = &mut scenario.client.poll_interval;
    let own = *interval;
    *interval = args.poll_interval.unwrap_or(own.max(POLL_INTERVAL));
    let of = if *interval == own {
        String::new()
    } else {
        format!(" (of {})", time(own))
    };
    format!("; a poll every {}{of}", time(*interval))
}

fn network(link: &Link) -> String {
    let mut text = format!("{} round trip", time(link.round_trip()));
    let both = |of: fn(&Path) -> Option<String>| match (of(&link.up), of(&link.down)) {
        (up, down) if up == down => up,
        (up, down) => {
            let or_none = |side: Option<String>| side.unwrap_or_else(|| "none".into());
            Some(format!("{} up and {} down", or_none(up), or_none(down)))
        }
    };
    let jitter = |path: &Path| (!path.jitter.is_zero()).then(|| time(path.jitter));
    let bandwidth = |path: &Path| path.bandwidth.map(bandwidth);
    if let Some(jitter) = both(jitter) {
        let _ = write!(text, ", jitter {jitter}");
    }
    if let Some(bandwidth) = both(bandwidth) {
        let _ = write!(text, ", bandwidth {bandwidth}");
    }
    if link.set_up != 1 {
        let _ = write!(text, ", {} round trips to set up a connection", link.set_up);
    }
    text
}

fn origin(link: &Link, of: LinkOf) -> String {
    let whose = match of {
        LinkOf::Profile(name) => format!(" ({name})"),
        LinkOf::Scenario => " (the scenario's own)".to_owned(),
        LinkOf::Watch => " (the scenario has none; --link, --rtt and others change it)".to_owned(),
    };
    let between = match link.between {
        Between::All => "",
        Between::Senders => "; only the connections of those who send pass it, and are shown",
        Between::Receivers => "; only the connections of those who receive pass it, and are shown",
    };
    format!("{whose}{between}")
}

fn time(duration: Duration) -> String {
    report::duration(duration.as_nanos() as f64)
}

fn bandwidth(bits: f64) -> String {
    if bits >= 1e6 {
        format!("{} Mbit/s", bits / 1e6)
    } else {
        format!("{} kbit/s", bits / 1e3)
    }
}
