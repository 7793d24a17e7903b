//! The sending side of a connection: what goes into the engine's channel, and what waits for room there.
//!
//! Events wait in the session's mailbox, under its bounds, and answers here. In the engine's channel are at most [`CAPACITY`] packets and
//! [`BUDGET`] bytes, or one packet that has more, and no event while neither a poll nor a WebSocket is there to take it: so much does a client that doesn't
//! read cost beside its mailbox.

use std::collections::VecDeque;

use bytes::Bytes;
use engineioxide::socket::Permit;
use engineioxide::{Str, TransportType};
use hub::{Delivery, Mailbox};

use super::EngineSocket;
use crate::native;

/// Places in the engine's channel of a connection.
pub(super) const CAPACITY: usize = 64;
/// Places that events and answers leave free: for the engine's ping, close and noop, and for the two packets of a goodbye. The engine takes a connection
/// for dead when its ping finds no place.
const SPARE: usize = 6;
/// Bytes that may be in the channel, unless a single packet has more.
const BUDGET: usize = 256 << 10;
/// Bytes of answers that may wait before nothing more is read from the client.
pub(super) const MOST_WAITING: usize = 256 << 10;

/// A packet with the binary messages that belong to it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    text: Str,
    attachments: VecDeque<Bytes>,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Outgoing>,
    bytes: usize,
    /// Bytes sent since the channel was known to be empty.
    sent: usize,
    /// Whether somebody found no room.
    is_blocked: bool,
    /// Whether a poll waits for events. Without one, and without a WebSocket, they stay in the mailbox.
    is_awaited: bool,
    /// Whether the last packet is among what was sent or waits.
    is_over: bool,
}

impl From<Str> for Outgoing {
    fn from(text: Str) -> Self {
        Self {
            text,
            attachments: VecDeque::new(),
        }
    }
}

impl Outgoing {
    pub(super) fn new(text: Str, attachments: Vec<Bytes>) -> Self {
        Self {
            text,
            attachments: attachments.into(),
        }
    }

    fn len(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

impl Outbox {
    /// Sends `outgoing`, behind what waits already.
    pub(super) fn push(&mut self, socket: &EngineSocket, outgoing: Outgoing) {
        if self.is_over {
            return;
        }
        let rest = if self.queue.is_empty() {
            self.send(socket, outgoing).err()
        } else {
            Some(outgoing)
        };
        if let Some(rest) = rest {
            self.keep(rest);
        }
    }

    /// Sends the last packets; what `push` and `deliver` are given from now on is dropped.
    pub(super) fn push_last(&mut self, socket: &EngineSocket, last: Vec<Str>) {
        if self.is_over {
            return;
        }
        for text in last {
            if self.queue.is_empty()
                && let Ok(permit) = socket.reserve()
            {
                permit.emit(text);
            } else {
                self.keep(text.into());
            }
        }
        self.is_over = true;
    }

    /// Nothing reaches the client any more: from now on its events stay in the mailbox.
    pub(super) fn end(&mut self) {
        self.is_over = true;
    }

    /// Sends what waits as far as there is room. None if nobody has waited, else whether all of it has gone.
    pub(super) fn make_use_of_room(&mut self, socket: &EngineSocket) -> Option<bool> {
        if !std::mem::take(&mut self.is_blocked) {
            return None;
        }
        if is_taken(socket) {
            self.sent = 0;
        }
        while let Some(first) = self.queue.pop_front() {
            let length = first.len();
            if let Err(first) = self.send(socket, first) {
                self.queue.push_front(first);
                self.is_blocked = true;
                return Some(false);
            }
            self.bytes -= length;
        }
        Some(true)
    }

    /// Hands events of a mailbox to the engine, all that there is room for, or with `one_by_one` one if the channel is empty.
    pub(super) fn deliver(
        &mut self,
        socket: &EngineSocket,
        mailbox: &mut Mailbox,
        one_by_one: bool,
    ) {
        let is_polling = socket.transport_type() == TransportType::Polling;
        if self.is_over || !self.queue.is_empty() || is_polling && !self.is_awaited {
            return;
        }
        if mailbox.has_unsent() {
            // What comes after this waits for the next poll.
            self.is_awaited = false;
        }
        if one_by_one && !is_taken(socket) {
            self.is_blocked = true;
            return;
        }
        let Some(spare) = spare(socket) else {
            self.is_blocked = true;
            return;
        };
        while mailbox.has_unsent() {
            let Ok(permit) = socket.reserve() else {
                self.is_blocked = true;
                return;
            };
            let mut packet = None;
            mailbox.take(1, |delivery| {
                packet = match delivery {
                    Delivery::Gap(missed) => Some(native::gap(missed)),
                    Delivery::Event(event) => native::packet(event),
                }
            });
            let Some(packet) = packet else { continue };
            if self.sent + packet.len() <= BUDGET {
                self.sent += packet.len();
                permit.emit(packet);
            } else {
                drop(permit);
                drop(spare);
                // Taken out of the mailbox it is the first to go.
                if let Err(rest) = self.send(socket, packet.into()) {
                    self.keep(rest);
                }
                self.is_blocked = true;
                return;
            }
            if one_by_one {
                self.is_blocked = true;
                return;
            }
        }
    }

    /// A poll waits for events, or none does any more.
    pub(super) fn await_events(&mut self, is_awaited: bool) {
        self.is_awaited = is_awaited;
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.bytes
    }

    /// Sends a packet, if there is room; else gives it back.
    fn send(&mut self, socket: &EngineSocket, packet: Outgoing) -> Result<(), Outgoing> {
        let length = packet.len();
        if self.sent + length > BUDGET {
            if !is_taken(socket) {
                return Err(packet);
            }
            self.sent = 0;
        }
        let (Some(_spare), Ok(permit)) = (spare(socket), socket.reserve()) else {
            return Err(packet);
        };
        self.sent += length;
        if packet.attachments.is_empty() {
            permit.emit(packet.text);
        } else {
            permit.emit_many(packet.text, packet.attachments);
        }
        Ok(())
    }

    fn keep(&mut self, rest: Outgoing) {
        self.bytes += rest.len();
        self.queue.push_back(rest);
        self.is_blocked = true;
    }
}

/// The places to be left free, as long as they are held; `None` if they aren't all.
fn spare(socket: &EngineSocket) -> Option<[Option<Permit<'_>>; SPARE]> {
    let spare = std::array::from_fn(|_| socket.reserve().ok());
    spare.iter().all(Option::is_some).then_some(spare)
}

/// Whether the engine has taken all that was sent.
pub(super) fn is_taken(socket: &EngineSocket) -> bool {
    let permits: Vec<_> = (0..CAPACITY).map_while(|_| socket.reserve().ok()).collect();
    permits.len() == CAPACITY
}
