//! A link of byte streams: it takes connections, dials the server for each, and passes bytes on in both directions when they are due.
//!
//! It is one thread with one loop: edges of readiness, one heap of due times for all connections, and one timer. Bytes are read as soon as the
//! bounds let them, stamped, and written when due; whatever is due by then goes in one write.
//!
//! Memory is bounded. A direction reads while its queue for the bandwidth has room, all connections in turn, and a connection while it holds less
//! than what is under way at full rate (4 MiB where there is no bandwidth). Beyond that, bytes wait in the sockets' buffers, and their senders with
//! them.
//!
//! | module | concern |
//! | --- | --- |
//! | `flow` | bytes in, bytes out, ends |
//! | `faults` | stalls and cuts |
//! | `connection` | two sockets and what is between them |
//! | `lane` | one direction of a connection: pieces, due times, its end |
//! | `live` | another shape while connections live on, and a cable to pull out |
//! | `tap` | who looks on |
//! | `room` | how many connections it takes |
//! | `poller` | waits for sockets, or until a time |

mod connection;
mod faults;
mod flow;
mod lane;
mod live;
mod poller;
mod room;
mod tap;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use measure::{LinkReport, now};
use rustix::event::epoll::{Event, EventFlags};
use rustix::io::Errno;
use scenario::{Link, Path};
use slab::Slab;

use crate::clock::Clock;
use crate::handle::{self, Command, Commands};
use crate::{Cut, Handle, Shaper, Tally};
use connection::{CLIENT, Connection, End, SERVER};
use poller::Poller;
use room::Room;
use tap::Tap;
pub use tap::{Close, Seen, Side, Way};

/// How long before a due time the relay is awake and only looks around, so that waking up doesn't make it late. It may share its CPU with
/// the server under test, so it is little.
pub const SPIN: Duration = Duration::from_micros(50);

/// Events that are no connection's. A connection's are twice its number, and its side.
const LISTENER: u64 = u64::MAX - 1;
const COMMANDS: u64 = u64::MAX - 2;

/// Connections that wait in the kernel to be accepted.
const BACKLOG: i32 = 4096;

/// Most that are accepted before others have a turn.
const ACCEPTS: usize = 64;

/// How long to wait when the kernel has no memory for another connection, nanoseconds.
const NO_MEMORY: u64 = 10_000_000;

/// Most bytes of a piece: what is read at once.
const PIECE: usize = 64 << 10;

/// Least bytes of a piece where there is bandwidth: a full segment on Ethernet, less the options that TCP uses.
const SEGMENT: usize = 1448;

/// Most that a connection holds in one direction where there is no bandwidth, bytes.
const HELD: usize = 4 << 20;

/// A relay that is ready to run: its listener is open.
#[derive(Debug)]
pub struct Relay {
    listener: TcpListener,
    to: SocketAddr,
    /// Before the client's first byte, nanoseconds.
    set_up: u64,
    spin: u64,
    /// By the side that it comes from.
    directions: [Direction; 2],
    connections: Slab<Connection>,
    /// When to look after which connection's which direction, by the link's clock.
    alarms: BinaryHeap<Reverse<(u64, usize, usize)>>,
    clock: Clock,
    poller: Poller,
    commands: Commands,
    /// What is read, on its way into a lane.
    buffer: Box<[u8]>,
    /// From when on connections may wait to be accepted; the greatest number if none does.
    accept_at: u64,
    /// How many connections there have been.
    opened: u64,
    /// Whether there is a cable: without one, connections are reset as they come.
    plugged: bool,
    room: Room,
    tap: Tap,
    stopped: bool,
}

/// One direction of all connections.
#[derive(Debug)]
struct Direction {
    shaper: Shaper,
    tally: Tally,
    /// Connections that have something to read, in turn.
    line: VecDeque<usize>,
    /// Most bytes of a piece.
    piece: usize,
    /// Most bytes that a connection holds.
    most_held: usize,
}

impl Direction {
    /// Up and down.
    fn both(link: &Link, seed: u64) -> [Self; 2] {
        [
            Self::new(&link.up, seed),
            Self::new(&link.down, seed ^ (1 << 63)),
        ]
    }

    fn new(path: &Path, seed: u64) -> Self {
        let queue = path.queue.max(1);
        let (piece, most_held) = match path.bandwidth {
            Some(bits) => {
                let bytes = |time: Duration| (bits / 8.0 * time.as_secs_f64()) as usize;
                let piece = bytes(Duration::from_millis(1)).clamp(SEGMENT, PIECE);
                let under_way = bytes(path.delay + 4 * path.jitter);
                (piece.min(queue), (queue + under_way).max(PIECE))
            }
            None => (PIECE, HELD),
        };
        Self {
            shaper: Shaper::new(path, seed),
            tally: Tally::default(),
            line: VecDeque::new(),
            piece,
            most_held,
        }
    }
}

impl Relay {
    /// Takes connections from `listener` and passes them on to `to`. Of `link` it makes delays, jitter, bandwidth and set-up; `spin` before each due
    /// time it is awake ([`SPIN`] is right for most).
    ///
    /// # Errors
    /// The link loses, reorders or duplicates packets, which a relay can't; or the kernel has no room for what the loop needs.
    pub fn new(
        link: &Link,
        listener: TcpListener,
        to: SocketAddr,
        seed: u64,
        spin: Duration,
    ) -> io::Result<(Self, Handle)> {
        check(link)?;
        listener.set_nonblocking(true)?;
        // The standard library's own backlog is short.
        rustix::net::listen(&listener, BACKLOG)?;
        let poller = Poller::new()?;
        let (handle, commands) = handle::channel(handle::Abilities {
            cuts: &Cut::ALL,
            live: Some(check),
        })?;
        poller.add(&listener, LISTENER, EventFlags::IN)?;
        poller.add(&commands, COMMANDS, EventFlags::IN)?;
        let relay = Self {
            listener,
            to,
            set_up: nanoseconds(link.round_trip() * link.set_up),
            spin: nanoseconds(spin),
            directions: Direction::both(link, seed),
            connections: Slab::new(),
            alarms: BinaryHeap::new(),
            clock: Clock::default(),
            poller,
            commands,
            buffer: vec![0; PIECE].into_boxed_slice(),
            accept_at: 0,
            opened: 0,
            plugged: true,
            room: Room::default(),
            tap: Tap::default(),
            stopped: false,
        };
        Ok((relay, handle))
    }

    /// Takes another connection only while `has_room`, which is told how many there are; others are reset as they come, as where there is no cable.
    #[must_use]
    pub fn with_room(mut self, has_room: impl Fn(usize) -> bool + Send + 'static) -> Self {
        self.room = Room::new(has_room);
        self
    }

    /// Shows what passes to `look`, on the relay's own thread: as long as that takes, nothing else passes.
    #[must_use]
    pub fn with_tap(mut self, look: impl FnMut(Seen<'_>) + Send + 'static) -> Self {
        self.tap = Tap::new(look);
        self
    }

    /// Passes bytes on until it is [stopped](Handle::stop).
    ///
    /// # Errors
    /// The kernel refuses what the loop needs, or no file is left for another connection: what is measured through a link that turns
    /// clients away is worth nothing. Whatever else happens to a connection is no error.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Poller::events();
        while !self.stopped {
            self.pass_due();
            self.read_line(CLIENT);
            self.read_line(SERVER);
            let now = now();
            self.clock.at(now);
            if now >= self.accept_at && !self.clock.is_stalled() {
                self.accept(now)?;
            }
            self.poller.wait(&mut events, self.next(now), now)?;
            for event in events.drain(..) {
                self.take(&event);
                self.pass_due();
            }
        }
        Ok(())
    }

    /// Until when there is nothing to do, less the time to be awake before it; not after `now` if there is something.
    fn next(&self, now: u64) -> u64 {
        let due = self.alarms.peek().map(|Reverse((due, ..))| *due);
        let room = self.directions.iter().filter(|way| !way.line.is_empty());
        let room = room.map(|way| way.shaper.room_from(way.piece)).min();
        // A stall ends for those that wait to be accepted as for all that is under way.
        let accept = (self.accept_at < u64::MAX).then(|| self.clock.real(0).max(self.accept_at));
        let link = [due, room].into_iter().flatten().min();
        let link = link.map(|at| self.clock.real(at));
        let next = [link, accept].into_iter().flatten().min();
        match next {
            Some(at) if at <= now.saturating_add(self.spin) => 0,
            Some(at) => at - self.spin,
            None => u64::MAX,
        }
    }

    fn take(&mut self, event: &Event) {
        let (data, flags) = (event.data, event.flags);
        match data.u64() {
            LISTENER => self.accept_at = 0,
            COMMANDS => {
                while let Some(command) = self.commands.next() {
                    self.obey(command);
                }
            }
            _ if poller::is_time(event) => {}
            token => self.hear((token / 2) as usize, (token % 2) as usize, flags),
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Reset(at) => {
                self.directions
                    .iter_mut()
                    .for_each(|way| way.tally.reset(at));
            }
            Command::Report(answer) => {
                let [up, down] = self.directions.each_ref().map(|way| way.tally.report());
                // Who asked may have gone.
                let _ = answer.send(LinkReport { up, down });
            }
            Command::Stall(duration) => self.clock.stall(now(), nanoseconds(duration)),
            Command::Cut(how) => self.cut(how),
            Command::Shape(link, seed) => self.shape(&link, seed),
            Command::Plug(plugged) => self.plug(plugged),
            Command::Stop => self.stopped = true,
        }
    }

    /// Takes those that wait, and dials the server for each.
    fn accept(&mut self, now: u64) -> io::Result<()> {
        for _ in 0..ACCEPTS {
            match self.listener.accept() {
                Ok((client, _)) => {
                    self.opened += 1;
                    self.tap.opened(self.opened, now);
                    if !self.plugged || !self.room.is_there(self.connections.len()) {
                        End::accepted(client).reset();
                        self.tap.ended(self.opened, Close::Reset, Side::Link);
                        continue;
                    }
                    client.set_nonblocking(true)?;
                    // Of one that has been reset meanwhile; reading it will tell.
                    let _ = client.set_nodelay(true);
                    let opens = self.clock.at(now).saturating_add(self.set_up);
                    let server = match End::dial(self.to) {
                        Ok(server) => server,
                        Err(error) if has_no_files(&error) => return Err(self.no_files(&error)),
                        Err(_) => End::missing(),
                    };
                    let entry = self.connections.vacant_entry();
                    let key = entry.key();
                    let connection =
                        entry.insert(Connection::new(self.opened, client, server, opens));
                    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP;
                    for (side, end) in connection.ends.iter().enumerate() {
                        if let Some(stream) = &end.stream {
                            self.poller.add(stream, (2 * key + side) as u64, flags)?;
                        }
                    }
                    if connection.ends[SERVER].stream.is_none() {
                        self.break_in(key, SERVER);
                    }
                }
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::AGAIN) => {
                        self.accept_at = u64::MAX;
                        return Ok(());
                    }
                    Some(Errno::NOBUFS | Errno::NOMEM) => {
                        self.accept_at = now + NO_MEMORY;
                        return Ok(());
                    }
                    _ if has_no_files(&error) => return Err(self.no_files(&error)),
                    Some(Errno::INVAL | Errno::BADF | Errno::NOTSOCK) => return Err(error),
                    // That of one connection, gone before it was taken (accept(2)).
                    _ => {}
                },
            }
        }
        Ok(())
    }

    fn no_files(&self, error: &io::Error) -> io::Error {
        io::Error::other(format!(
            "no file is left for another connection beside {}, which take two each: {error}; raise the limit of open files (ulimit -n)",
            self.connections.len()
        ))
    }
}

/// Whether a relay can make it.
///
/// # Errors
/// It loses, reorders or duplicates packets.
fn check(link: &Link) -> io::Result<()> {
    if link.up.harms_packets() || link.down.harms_packets() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a relay passes on the bytes of a TCP stream and can't lose, reorder or duplicate a packet",
        ));
    }
    Ok(())
}

fn has_no_files(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
