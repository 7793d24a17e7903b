//! Every numeric setting of a scenario: what a sweep can vary and a search can move.

use std::fmt;
use std::time::Duration;

use crate::limits::{
    ENVELOPE, LEAST_MAILBOX_BYTES, LONGEST_DELAY, LONGEST_HOLD, LONGEST_POLL_INTERVAL,
    MOST_BANDWIDTH, MOST_CONNECTIONS, MOST_DEPTH, MOST_MAILBOX_BYTES, MOST_MAILBOX_MESSAGES,
    MOST_POOL, MOST_RATE, MOST_SET_UP, MOST_THREADS, SHORTEST_WAIT,
};
use crate::unit::{self, Bytes};
use crate::{Arrivals, Backend, Kind, Load, Pace, Path, Population, Scenario};

/// A numeric setting, with a value in the unit that its column's name ends in.
pub struct Axis {
    /// As in a scenario file: `poll-interval`.
    pub name: &'static str,
    /// The section of the file: `client`.
    pub section: &'static str,
    /// The column of `runs.csv`, with the unit: `poll_interval_s`.
    pub column: &'static str,
    quantity: Quantity,
    of: fn(&Scenario) -> Option<f64>,
    put: fn(&mut Scenario, f64),
    /// Least and most, as long as the scenario's other settings stay what they are.
    range: fn(&Scenario) -> (f64, f64),
}

/// Every axis, in the order of its column.
pub const AXES: &[Axis] = &[
    Axis {
        name: "rate",
        section: "load",
        column: "rate_per_s",
        quantity: Quantity::Rate,
        of: |scenario| match scenario.load?.pace {
            Pace::Open { rate, .. } => Some(rate),
            Pace::Closed { .. } => None,
        },
        put: |scenario, value| {
            if let Some(Pace::Open { rate, .. }) = pace(scenario) {
                *rate = value;
            }
        },
        range: |scenario| {
            let pace = scenario.load.map(|load| load.pace);
            let group = match pace {
                Some(Pace::Open {
                    arrivals: Arrivals::Bursts { size },
                    ..
                }) => size.into(),
                _ => 1.0,
            };
            (group / scenario.duration.as_secs_f64(), MOST_RATE)
        },
    },
    Axis {
        name: "depth",
        section: "load",
        column: "depth",
        quantity: Quantity::Count,
        of: |scenario| match scenario.load?.pace {
            Pace::Closed { depth } => Some(depth.into()),
            Pace::Open { .. } => None,
        },
        put: |scenario, value| {
            if let Some(Pace::Closed { depth }) = pace(scenario) {
                *depth = value as u32;
            }
        },
        range: |_| (1.0, MOST_DEPTH.into()),
    },
    Axis {
        name: "payload",
        section: "load",
        column: "payload_bytes",
        quantity: Quantity::Bytes,
        of: |scenario| Some(scenario.load?.payload as f64),
        put: |scenario, value| {
            if let Some(load) = &mut scenario.load {
                load.payload = value as usize;
            }
        },
        range: |scenario| {
            let fits = scenario.server.mailbox_bytes.saturating_sub(ENVELOPE);
            let most = fits.min(*Load::PAYLOAD.end());
            (*Load::PAYLOAD.start() as f64, most as f64)
        },
    },
    Axis {
        name: "clients",
        section: "population",
        column: "clients",
        quantity: Quantity::Count,
        of: |scenario| match scenario.population {
            Population::Clients(clients) => Some(clients.into()),
            _ => None,
        },
        put: |scenario, value| {
            let pairs = scenario.kind == Kind::Private;
            if let Population::Clients(clients) = &mut scenario.population {
                let even = (value / 2.0).round() * 2.0;
                *clients = if pairs { even } else { value } as u32;
            }
        },
        range: |scenario| {
            let least = if scenario.kind == Kind::Private { 2 } else { 1 };
            (least.into(), MOST_CONNECTIONS.into())
        },
    },
    Axis {
        name: "subscribers",
        section: "population",
        column: "subscribers",
        quantity: Quantity::Count,
        of: |scenario| match scenario.population {
            Population::Broadcast { subscribers } => Some(subscribers.into()),
            _ => None,
        },
        put: |scenario, value| {
            if let Population::Broadcast { subscribers } = &mut scenario.population {
                *subscribers = value as u32;
            }
        },
        range: |_| (1.0, (MOST_CONNECTIONS - 1).into()),
    },
    Axis {
        name: "rooms",
        section: "population",
        column: "rooms",
        quantity: Quantity::Count,
        of: |scenario| rooms(scenario).map(|(rooms, _, _)| rooms.into()),
        put: |scenario, value| {
            if let Population::Rooms { rooms, .. } = &mut scenario.population {
                *rooms = value as u32;
            }
        },
        range: |scenario| {
            let members = rooms(scenario).map_or(1, |(_, members, _)| members.max(1));
            (1.0, (MOST_CONNECTIONS / members).into())
        },
    },
    Axis {
        name: "members",
        section: "population",
        column: "members",
        quantity: Quantity::Count,
        of: |scenario| rooms(scenario).map(|(_, members, _)| members.into()),
        put: |scenario, value| {
            if let Population::Rooms { members, .. } = &mut scenario.population {
                *members = value as u32;
            }
        },
        range: |scenario| {
            let (rooms, _, publishers) = rooms(scenario).unwrap_or((1, 1, 1));
            (
                publishers.max(1).into(),
                (MOST_CONNECTIONS / rooms.max(1)).into(),
            )
        },
    },
    Axis {
        name: "publishers",
        section: "population",
        column: "publishers",
        quantity: Quantity::Count,
        of: |scenario| rooms(scenario).map(|(_, _, publishers)| publishers.into()),
        put: |scenario, value| {
            if let Population::Rooms { publishers, .. } = &mut scenario.population {
                *publishers = value as u32;
            }
        },
        range: |scenario| {
            let members = rooms(scenario).map_or(1, |(_, members, _)| members);
            (1.0, members.into())
        },
    },
    Axis {
        name: "poll-interval",
        section: "client",
        column: "poll_interval_s",
        quantity: Quantity::Seconds,
        of: |scenario| Some(scenario.client.poll_interval.as_secs_f64()),
        put: |scenario, value| scenario.client.poll_interval = Duration::from_secs_f64(value),
        range: |_| seconds(SHORTEST_WAIT, LONGEST_POLL_INTERVAL),
    },
    Axis {
        name: "hold",
        section: "client",
        column: "hold_s",
        quantity: Quantity::Seconds,
        of: |scenario| Some(scenario.client.hold.as_secs_f64()),
        put: |scenario, value| scenario.client.hold = Duration::from_secs_f64(value),
        range: |_| seconds(SHORTEST_WAIT, LONGEST_HOLD),
    },
    Axis {
        name: "pool",
        section: "client",
        column: "pool",
        quantity: Quantity::Count,
        of: |scenario| Some(scenario.client.pool.into()),
        put: |scenario, value| scenario.client.pool = value as u32,
        range: |_| (1.0, MOST_POOL.into()),
    },
    Axis {
        name: "threads",
        section: "server",
        column: "threads",
        quantity: Quantity::Count,
        of: |scenario| Some(scenario.server.threads.into()),
        put: |scenario, value| scenario.server.threads = value as u32,
        range: |_| (1.0, MOST_THREADS.into()),
    },
    Axis {
        name: "mailbox-messages",
        section: "server",
        column: "mailbox_messages",
        quantity: Quantity::Count,
        of: |scenario| mail(scenario).then_some(scenario.server.mailbox_messages as f64),
        put: |scenario, value| scenario.server.mailbox_messages = value as usize,
        range: |_| (1.0, MOST_MAILBOX_MESSAGES as f64),
    },
    Axis {
        name: "mailbox-bytes",
        section: "server",
        column: "mailbox_bytes",
        quantity: Quantity::Bytes,
        of: |scenario| mail(scenario).then_some(scenario.server.mailbox_bytes as f64),
        put: |scenario, value| scenario.server.mailbox_bytes = value as usize,
        range: |scenario| {
            let message = scenario.load.map_or(0, |load| load.payload + ENVELOPE);
            let least = message.max(LEAST_MAILBOX_BYTES);
            (least as f64, MOST_MAILBOX_BYTES as f64)
        },
    },
    Axis {
        name: "batching",
        section: "server",
        column: "batching",
        quantity: Quantity::Switch,
        of: |scenario| mail(scenario).then_some(scenario.server.batching.into()),
        put: |scenario, value| scenario.server.batching = value > 0.0,
        range: |_| (0.0, 1.0),
    },
    Axis {
        name: "rtt",
        section: "link",
        column: "rtt_s",
        quantity: Quantity::Seconds,
        of: |scenario| Some(scenario.link.as_ref()?.round_trip().as_secs_f64()),
        put: |scenario, value| {
            let half = Duration::from_secs_f64(value / 2.0);
            each_path(scenario, |path| path.delay = half);
        },
        range: |scenario| {
            let jitter = scenario.link.as_ref().map(|link| link.up.jitter);
            seconds(2 * jitter.unwrap_or_default(), 2 * LONGEST_DELAY)
        },
    },
    Axis {
        name: "jitter",
        section: "link",
        column: "jitter_s",
        quantity: Quantity::Seconds,
        of: |scenario| Some(scenario.link.as_ref()?.down.jitter.as_secs_f64()),
        put: |scenario, value| {
            let jitter = Duration::from_secs_f64(value);
            each_path(scenario, |path| path.jitter = jitter);
        },
        range: |scenario| {
            let delays = scenario
                .link
                .as_ref()
                .map(|link| (link.up.delay, link.down.delay));
            let least = delays.map_or(Duration::ZERO, |(up, down)| up.min(down));
            seconds(Duration::ZERO, least)
        },
    },
    Axis {
        name: "bandwidth",
        section: "link",
        column: "bandwidth_bit_per_s",
        quantity: Quantity::BitRate,
        of: |scenario| scenario.link.as_ref()?.down.bandwidth,
        put: |scenario, value| each_path(scenario, |path| path.bandwidth = Some(value)),
        range: |_| (1.0, MOST_BANDWIDTH),
    },
    Axis {
        name: "loss",
        section: "link",
        column: "loss_share",
        quantity: Quantity::Share,
        of: |scenario| {
            let link = scenario.link.as_ref()?;
            (link.backend == Backend::Packets).then_some(link.down.loss)
        },
        put: |scenario, value| each_path(scenario, |path| path.loss = value),
        range: |_| (0.0, 1.0),
    },
    Axis {
        name: "set-up",
        section: "link",
        column: "set_up_round_trips",
        quantity: Quantity::Count,
        of: |scenario| Some(scenario.link.as_ref()?.set_up.into()),
        put: |scenario, value| {
            if let Some(link) = &mut scenario.link {
                link.set_up = value as u32;
            }
        },
        range: |scenario| match scenario.link.as_ref().map(|link| link.backend) {
            Some(Backend::Packets) => (1.0, 1.0),
            _ => (0.0, MOST_SET_UP.into()),
        },
    },
];

/// The axis of that name.
pub fn axis(name: &str) -> Option<&'static Axis> {
    AXES.iter().find(|axis| axis.name == name)
}

impl Axis {
    /// The scenario's value; `None` where its kind or pace has no such setting. A setting that only some transports execute
    /// ([`Axis::is_option`]) has a value, if only its default, whatever the arms are.
    pub fn of(&self, scenario: &Scenario) -> Option<f64> {
        (self.of)(scenario)
    }

    /// Sets the value, or the nearest one that the scenario's other settings allow ([`Axis::range`]); rounded where
    /// [`Axis::is_whole`], to an even number where clients come in pairs. Nothing happens where the scenario has no such
    /// setting. Not a number is taken for the least.
    pub fn set(&self, scenario: &mut Scenario, value: f64) {
        let Some((least, most)) = self.range(scenario) else {
            return;
        };
        let value = value.min(most).max(least);
        let value = if self.is_whole() {
            value.round()
        } else {
            value
        };
        (self.put)(scenario, value);
    }

    /// The least and the most that the value may be while the scenario's other settings stay what they are; `None` where
    /// [`Axis::of`] is.
    pub fn range(&self, scenario: &Scenario) -> Option<(f64, f64)> {
        self.of(scenario).map(|_| (self.range)(scenario))
    }

    /// Whether only whole values make sense: counts, bytes, and 0 or 1 for a switch.
    pub fn is_whole(&self) -> bool {
        !matches!(
            self.quantity,
            Quantity::Rate | Quantity::Seconds | Quantity::BitRate | Quantity::Share
        )
    }

    /// Whether a transport executes it only if its `Info::options` lists it.
    pub fn is_option(&self) -> bool {
        self.section == "client" || self.name == "batching"
    }

    /// The value as one would write it in the file: `100/s`, `50ms`, `1 KiB`, `30`, `true`.
    pub fn show(&self, value: f64) -> String {
        match self.quantity {
            Quantity::Rate => format!("{value}/s"),
            Quantity::Bytes => Bytes(value.round() as usize).to_string(),
            Quantity::Seconds => unit::decimal_seconds(value),
            Quantity::BitRate => unit::bit_rate(value),
            Quantity::Share => unit::percent(value),
            Quantity::Count => format!("{}", value.round() as u64),
            Quantity::Switch => (value > 0.0).to_string(),
        }
    }

    /// Whether a scenario of the right kind and pace must have it: there is no default.
    pub(crate) fn is_needed(&self) -> bool {
        matches!(self.section, "load" | "population")
            && !matches!(self.name, "depth" | "publishers")
    }

    pub(crate) fn quantity(&self) -> Quantity {
        self.quantity
    }
}

/// How an axis is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Rate,
    Bytes,
    Seconds,
    BitRate,
    Share,
    Count,
    Switch,
}

impl Quantity {
    /// Reads a value with its unit.
    pub(crate) fn read(self, text: &str) -> Result<f64, String> {
        match self {
            Quantity::Rate => unit::parse_rate(text),
            Quantity::Bytes => unit::parse_size(text).map(|bytes| bytes as f64),
            Quantity::Seconds => unit::parse_duration(text).map(|time| time.as_secs_f64()),
            Quantity::BitRate => unit::parse_bit_rate(text),
            Quantity::Share => unit::parse_share(text),
            Quantity::Count => text.trim().parse::<u32>().map(f64::from).map_err(|_| {
                format!(
                    "\"{}\" is not a whole number: write it in digits, as in 30",
                    unit::shown(text)
                )
            }),
            Quantity::Switch => match text.trim() {
                "true" => Ok(1.0),
                "false" => Ok(0.0),
                _ => Err(format!(
                    "\"{}\" is neither true nor false",
                    unit::shown(text)
                )),
            },
        }
    }
}

/// There is one axis of a name.
impl PartialEq for Axis {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Axis {}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Axis({})", self.name)
    }
}

fn pace(scenario: &mut Scenario) -> Option<&mut Pace> {
    scenario.load.as_mut().map(|load| &mut load.pace)
}

/// Both directions of the link.
fn each_path(scenario: &mut Scenario, change: impl Fn(&mut Path)) {
    if let Some(link) = &mut scenario.link {
        change(&mut link.up);
        change(&mut link.down);
    }
}

fn rooms(scenario: &Scenario) -> Option<(u32, u32, u32)> {
    match scenario.population {
        Population::Rooms {
            rooms,
            members,
            publishers,
            ..
        } => Some((rooms, members, publishers)),
        _ => None,
    }
}

/// Whether anything goes through the mailboxes.
fn mail(scenario: &Scenario) -> bool {
    scenario.kind != Kind::Idle
}

fn seconds(least: Duration, most: Duration) -> (f64, f64) {
    (least.as_secs_f64(), most.as_secs_f64())
}
