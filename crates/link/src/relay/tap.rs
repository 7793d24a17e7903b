//! What a relay shows to whoever looks on: which connections there are, which bytes passed and when, and what was lost.

use std::fmt;

use measure::now;

use super::connection::{CLIENT, Connection, SERVER};
use super::lane::Lane;

/// Something that a relay has seen. Times are nanoseconds of [`measure::now`]; connections are counted from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// A connection reached the relay. Whether the server takes it isn't known yet.
    Opened {
        /// Its number.
        connection: u64,
        /// When it was accepted.
        at: u64,
    },
    /// Bytes were passed on, in the order of their stream. A message may come in several of these, and several in one.
    Passed {
        /// The connection's number.
        connection: u64,
        /// Their direction.
        way: Way,
        /// When they came to the relay.
        arrived: u64,
        /// When they left it.
        passed: u64,
        /// What they are.
        bytes: &'a [u8],
    },
    /// Bytes that had come to the relay will never leave it: a cut took them away, or who they are for was gone.
    Lost {
        /// The connection's number.
        connection: u64,
        /// Their direction.
        way: Way,
        /// When they came to the relay.
        arrived: u64,
        /// When they were lost.
        at: u64,
        /// What they were.
        bytes: &'a [u8],
    },
    /// A connection has ended, as far as the link is concerned: nothing passes any more. Told once a connection, but for those that end with the
    /// relay itself.
    Closed {
        /// Its number.
        connection: u64,
        /// When.
        at: u64,
        /// How.
        how: Close,
        /// Who ended it. Of two ends in peace, who was first.
        by: Side,
    },
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Who does something to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that opened it.
    Client,
    /// The one behind the relay.
    Server,
    /// The link itself: a cut, or a cable that is unplugged.
    Link,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// In peace, both directions.
    Fin,
    /// By a reset, of which both sides hear.
    Reset,
    /// Nothing passes any more, and one side at least isn't told.
    Cut,
}

impl Close {
    /// The name used in messages and at the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Close::Fin => "fin",
            Close::Reset => "reset",
            Close::Cut => "cut",
        }
    }
}

impl Side {
    /// The name used in messages and at the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
            Side::Link => "link",
        }
    }
}

impl Way {
    /// The name used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Way::Up => "up",
            Way::Down => "down",
        }
    }

    /// Of what comes from there.
    pub(super) fn from(side: usize) -> Self {
        if side == CLIENT { Way::Up } else { Way::Down }
    }
}

/// Who looks on, if anyone does.
#[derive(Default)]
pub(super) struct Tap(Option<Box<Look>>);

type Look = dyn FnMut(Seen<'_>) + Send;

impl Tap {
    pub(super) fn new(look: impl FnMut(Seen<'_>) + Send + 'static) -> Self {
        Self(Some(Box::new(look)))
    }

    pub(super) fn opened(&mut self, connection: u64, at: u64) {
        if let Some(look) = &mut self.0 {
            look(Seen::Opened { connection, at });
        }
    }

    /// The next `count` bytes of a lane left at `passed`; they are still in it.
    pub(super) fn passed(
        &mut self,
        connection: u64,
        way: usize,
        lane: &Lane,
        count: usize,
        passed: u64,
    ) {
        if let Some(look) = &mut self.0 {
            lane.show(0, count, |arrived, bytes| {
                look(Seen::Passed {
                    connection,
                    way: Way::from(way),
                    arrived,
                    passed,
                    bytes,
                });
            });
        }
    }

    /// All of a lane but its first `kept` bytes is lost; it is still there.
    pub(super) fn lost(&mut self, connection: u64, way: usize, lane: &Lane, kept: usize) {
        if let Some(look) = &mut self.0 {
            let at = now();
            lane.show(kept, lane.held(), |arrived, bytes| {
                look(Seen::Lost {
                    connection,
                    way: Way::from(way),
                    arrived,
                    at,
                    bytes,
                });
            });
        }
    }

    /// A connection ends, with all that it still holds.
    pub(super) fn closed(&mut self, connection: &Connection, how: Close, by: Side) {
        if self.0.is_none() {
            return;
        }
        for way in [CLIENT, SERVER] {
            self.lost(connection.number, way, &connection.lanes[way], 0);
        }
        self.ended(connection.number, how, by);
    }

    /// A connection that holds nothing ends.
    pub(super) fn ended(&mut self, connection: u64, how: Close, by: Side) {
        if let Some(look) = &mut self.0 {
            let at = now();
            look(Seen::Closed {
                connection,
                at,
                how,
                by,
            });
        }
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.is_some() { "open" } else { "closed" };
        write!(formatter, "Tap({state})")
    }
}
