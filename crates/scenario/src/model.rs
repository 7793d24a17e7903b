//! The types a scenario file becomes.

use std::time::Duration;

use crate::faults::in_order;
use crate::{Expect, Fault, Find, Link, Reconnect, Sweep};

/// One experiment, checked and with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Part of the results folder's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// What the experiment asks, for a reader.
    pub question: String,
    /// The pattern of traffic.
    pub kind: Kind,
    /// The arms: names of registered transports, in the file's order, each once.
    pub transports: Vec<String>,
    /// Servers that others wrote, to be compared with them: the names of their folders below `peers/`, each once. Which arms they bring is
    /// not the file's to say; whoever runs it adds them to `transports`.
    pub peers: Vec<String>,
    /// The measured part of one trial.
    pub duration: Duration,
    /// The most that is run before the measured part and discarded. The generator ends it as soon as a test finds the latencies
    /// steady, at the earliest after half of it.
    pub warm_up: Duration,
    /// How often each arm is run, at each point of a sweep.
    pub trials: u32,
    /// Seeds the order of the arms and every arrival process.
    pub seed: u64,
    /// How messages are sent; `None` for [`Kind::Idle`] only.
    pub load: Option<Load>,
    /// Who is connected.
    pub population: Population,
    /// How the clients of the generator behave.
    pub client: ClientSettings,
    /// How the server under test is set up.
    pub server: ServerSettings,
    /// The network between them; `None`: loopback as it is.
    pub link: Option<Link>,
    /// How sessions come back whose connection has ended; `None`: they don't.
    pub reconnect: Option<Reconnect>,
    /// What goes wrong on purpose. No two of them meet.
    pub faults: Vec<Fault>,
    /// Settings to vary. The fields above are then the file's own; one that stands in the sweep alone has its default, or the
    /// value of the first point if it has none.
    pub sweep: Option<Sweep>,
    /// An axis to search; never beside a sweep.
    pub find: Option<Find>,
    /// What must hold of the figures; none beside a search.
    pub expects: Vec<Expect>,
    /// Shortened by [`Scenario::quick`]: enough to see that it works, not to keep its numbers.
    pub quick: bool,
    /// The file, to the letter.
    pub text: String,
}

impl Scenario {
    /// All faults, one by one in the order of their times, which count from the beginning of the measured part.
    pub fn fault_schedule(&self) -> Vec<(Duration, Fault)> {
        in_order(&self.faults, self.duration)
    }
}

/// The pattern of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Each client sends requests and awaits their replies.
    Echo,
    /// One publisher emits to all others.
    Broadcast,
    /// Many rooms with some publishers in each.
    Rooms,
    /// Everyone talks to everyone in one room.
    Chat,
    /// Pairs of clients write to each other.
    Private,
    /// Clients connect and stay quiet.
    Idle,
}

impl Kind {
    /// Every kind, in the order in which it is shown.
    pub const ALL: [Kind; 6] = [
        Kind::Echo,
        Kind::Broadcast,
        Kind::Rooms,
        Kind::Chat,
        Kind::Private,
        Kind::Idle,
    ];

    /// The name used in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::Broadcast => "broadcast",
            Kind::Rooms => "rooms",
            Kind::Chat => "chat",
            Kind::Private => "private",
            Kind::Idle => "idle",
        }
    }
}

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// When a sender sends.
    pub pace: Pace,
    /// Bytes of the JSON value in `data`, from [`Load::PAYLOAD`].
    pub payload: usize,
}

impl Load {
    /// The allowed payload: it carries the stamp (40 bytes), and is at most the largest message a server takes (16 MiB).
    pub const PAYLOAD: std::ops::RangeInclusive<usize> = 40..=16 * 1024 * 1024;
}

/// When a sender sends its next message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// On a schedule that doesn't wait for answers.
    Open {
        /// The law of the gaps between sends.
        arrivals: Arrivals,
        /// Sends a second, all senders together.
        rate: f64,
    },
    /// When fewer than `depth` of its messages are outstanding. In the kinds that emit events, a message is outstanding
    /// until every receiver has it.
    Closed {
        /// Outstanding messages a sender.
        depth: u32,
    },
}

/// The law of the gaps between scheduled sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Exponential gaps: independent users.
    Poisson,
    /// Equal gaps: a metronome.
    Constant,
    /// Groups of sends at one instant, with equal gaps between the groups; the mean rate is as with the others.
    Bursts {
        /// Sends in a group.
        size: u32,
    },
}

/// Who is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// So many clients that are all alike (echo, chat, private, idle).
    Clients(u32),
    /// One publisher and its audience.
    Broadcast {
        /// Sessions that receive; the publisher comes on top.
        subscribers: u32,
    },
    /// Disjoint rooms of equal size.
    Rooms {
        /// How many rooms.
        rooms: u32,
        /// Sessions in each room, its publishers among them.
        members: u32,
        /// How many members of each room emit.
        publishers: u32,
        /// Whether a publisher's own events don't come back to it (Socket.IO's `socket.to(room)`).
        others: bool,
    },
}

impl Population {
    /// How many sessions are open at once.
    pub fn connections(&self) -> u32 {
        match *self {
            Population::Clients(clients) => clients,
            Population::Broadcast { subscribers } => subscribers.saturating_add(1),
            Population::Rooms { rooms, members, .. } => rooms.saturating_mul(members),
        }
    }
}

/// How the clients of the generator behave. A transport executes those of the fields that its `Info::options` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Whether a request reuses a connection.
    pub connection: Connection,
    /// Time between two polls.
    pub poll_interval: Duration,
    /// From where `poll_interval` is counted.
    pub poll_pacing: PollPacing,
    /// How long a client asks the server to hold a poll without events.
    pub hold: Duration,
    /// Whether a poll tells what was received; without, whatever comes between two polls is lost.
    pub cursor: bool,
    /// Command connections a client; 1 keeps the order of its commands.
    pub pool: u32,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connection: Connection::KeepAlive,
            poll_interval: Duration::from_millis(50),
            poll_pacing: PollPacing::FixedRate,
            hold: Duration::from_secs(25),
            cursor: true,
            pool: 1,
        }
    }
}

/// Whether a request reuses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Requests share a persistent connection.
    KeepAlive,
    /// Each request opens a connection of its own.
    Fresh,
}

/// From where the poll interval is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollPacing {
    /// From start to start: the number of polls a second doesn't depend on how long they take.
    FixedRate,
    /// From the end of a poll to the start of the next.
    FixedDelay,
}

/// How the server under test is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Worker threads.
    pub threads: u32,
    /// Bound of each mailbox in messages.
    pub mailbox_messages: usize,
    /// Bound of each mailbox in bytes.
    pub mailbox_bytes: usize,
    /// What happens to a session whose mailbox is full.
    pub slow_consumer: SlowConsumer,
    /// Whether several queued messages may share a response or a write.
    pub batching: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            threads: 1,
            mailbox_messages: 4096,
            mailbox_bytes: 1024 * 1024,
            slow_consumer: SlowConsumer::Disconnect,
            batching: true,
        }
    }
}

/// What happens to a session whose mailbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowConsumer {
    /// The session is closed.
    Disconnect,
    /// The oldest messages go, and a gap says how many.
    DropOldest,
    /// The newest message of each event name stays.
    Conflate,
}

impl SlowConsumer {
    /// The name used in scenario files and flags.
    pub fn name(self) -> &'static str {
        match self {
            SlowConsumer::Disconnect => "disconnect",
            SlowConsumer::DropOldest => "drop-oldest",
            SlowConsumer::Conflate => "conflate",
        }
    }
}
