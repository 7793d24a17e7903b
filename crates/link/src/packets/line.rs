//! One direction of a link: what becomes of each packet, and when it leaves. Knows neither devices nor clocks; every time is passed in.
//!
//! A packet on its way: lost, or not; then the queue before the bandwidth, where it is dropped if there is no room for it; then the wire, which
//! it leaves after its delay. Lost packets take no bandwidth, as in `tc netem`; a packet that is sent twice takes it twice.

use std::collections::VecDeque;
use std::time::Duration;

use scenario::Path;

use super::MTU;
use crate::{Dice, Tally, Unit};

/// The most packets that one direction holds, in the queue and on the wire; what comes on top is dropped, and counted as such. With
/// a buffer of [`MTU`] bytes each that is 48 MiB: 1 Gbit/s of full packets for 390 ms.
pub(super) const MOST: usize = 32_768;

/// A packet, in a buffer that goes back to its [`Line`].
pub(super) struct Packet {
    buffer: Box<[u8; MTU]>,
    size: usize,
    /// Nanoseconds, as all times here.
    arrived: u64,
    /// When it leaves the wire.
    due: u64,
    delay: u64,
    is_early: bool,
    /// Whether it found the bandwidth taken.
    has_waited: bool,
}

impl Packet {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.size]
    }
}

/// What becomes of a packet that has left the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The far end has it.
    Passed,
    /// Its connection is cut.
    Cut,
    /// The device at the far end didn't take it.
    Refused,
}

/// One direction.
pub(super) struct Line {
    path: Path,
    dice: Dice,
    pub(super) tally: Tally,
    /// What the bandwidth is being spent on, and when that is done.
    sending: Option<(Packet, u64)>,
    /// What a nanosecond holds of the last packet's end, so that no time is lost by rounding.
    rest: f64,
    waiting: VecDeque<Packet>,
    waiting_bytes: usize,
    /// On the wire, in the order in which they leave it.
    flying: VecDeque<Packet>,
    /// On the wire past all others.
    early: VecDeque<Packet>,
    /// When the last one leaves the wire that is not early: none may leave before.
    floor: u64,
    /// Until then, nothing moves.
    stalled_until: u64,
    spare: Vec<Box<[u8; MTU]>>,
}

impl Line {
    pub(super) fn new(path: Path, seed: u64) -> Self {
        Self {
            path,
            dice: Dice::new(&path, seed),
            tally: Tally::default(),
            sending: None,
            rest: 0.0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            flying: VecDeque::new(),
            early: VecDeque::new(),
            floor: 0,
            stalled_until: 0,
            spare: Vec::new(),
        }
    }

    /// A buffer for the next packet.
    pub(super) fn buffer(&mut self) -> Box<[u8; MTU]> {
        self.spare.pop().unwrap_or_else(|| Box::new([0; MTU]))
    }

    /// Takes a buffer back.
    pub(super) fn recycle(&mut self, buffer: Box<[u8; MTU]>) {
        self.spare.push(buffer);
    }

    /// A packet of `size` bytes in `buffer` has come at `now`, which is never before the last call's.
    pub(super) fn arrive(&mut self, buffer: Box<[u8; MTU]>, size: usize, now: u64) {
        self.advance(now);
        if self.dice.loses() {
            self.tally.lose();
            return self.recycle(buffer);
        }
        if self.dice.duplicates() {
            let mut copy = self.buffer();
            copy[..size].copy_from_slice(&buffer[..size]);
            if self.admit(copy, size, now) {
                self.tally.duplicate();
            }
        }
        self.admit(buffer, size, now);
    }

    /// When to call [`leave`](Self::leave) next; none while the line is empty.
    pub(super) fn next(&self) -> Option<u64> {
        let due = |queue: &VecDeque<Packet>| queue.front().map(|packet| packet.due);
        let sent = self.sending.as_ref().map(|&(_, done)| done);
        let next = [due(&self.flying), due(&self.early), sent];
        let next = next.into_iter().flatten().min()?;
        Some(next.max(self.stalled_until))
    }

    /// The next packet that has left by `now`; it is to be given back to [`settle`](Self::settle).
    pub(super) fn leave(&mut self, now: u64) -> Option<Packet> {
        if now < self.stalled_until {
            return None;
        }
        self.advance(now);
        let due = |queue: &VecDeque<Packet>| queue.front().map_or(u64::MAX, |packet| packet.due);
        let (early, flying) = (due(&self.early), due(&self.flying));
        if early.min(flying) > now {
            None
        } else if early <= flying {
            self.early.pop_front()
        } else {
            self.flying.pop_front()
        }
    }

    /// What became of `packet` at `now`.
    pub(super) fn settle(&mut self, packet: Packet, now: u64, end: End) {
        match end {
            End::Passed => self.tally.pass(Unit {
                arrived: packet.arrived,
                passed: now,
                bytes: packet.size as u64,
                waited: packet.has_waited,
            }),
            End::Cut => self.tally.lose(),
            End::Refused => self.tally.drop_packet(),
        }
        self.recycle(packet.buffer);
    }

    /// From `now` on nothing leaves and no bandwidth is spent for `duration`; what comes meanwhile waits, as far as there is room.
    pub(super) fn stall(&mut self, now: u64, duration: Duration) {
        self.advance(now);
        let until = now + duration.as_nanos() as u64;
        let from = now.max(self.stalled_until);
        if until > from {
            if let Some((_, done)) = &mut self.sending {
                *done += until - from;
            }
            self.stalled_until = until;
        }
    }

    /// Whether there was room.
    fn admit(&mut self, buffer: Box<[u8; MTU]>, size: usize, now: u64) -> bool {
        let full = self.waiting.len() + self.flying.len() + self.early.len() >= MOST;
        let has_waited = self.sending.is_some();
        if full || (has_waited && self.waiting_bytes + size > self.path.queue) {
            self.tally.drop_packet();
            self.recycle(buffer);
            return false;
        }
        let packet = Packet {
            buffer,
            size,
            arrived: now,
            due: 0,
            delay: self.dice.delay(),
            is_early: self.dice.reorders(),
            has_waited,
        };
        if has_waited {
            self.waiting_bytes += size;
            self.tally.queue(self.waiting_bytes as u64);
            self.waiting.push_back(packet);
        } else {
            self.send(packet, now);
        }
        true
    }

    /// Spends the bandwidth until `now` on what waited for it.
    fn advance(&mut self, now: u64) {
        while let Some((packet, done)) = self.sending.take_if(|(_, done)| *done <= now) {
            self.fly(packet, done);
            if let Some(next) = self.waiting.pop_front() {
                self.waiting_bytes -= next.size;
                self.send(next, done);
            }
        }
    }

    /// The bandwidth is `packet`'s from `start` on.
    fn send(&mut self, packet: Packet, start: u64) {
        let start = start.max(self.stalled_until);
        let Some(bandwidth) = self.path.bandwidth else {
            return self.fly(packet, start);
        };
        let before = if packet.has_waited { self.rest } else { 0.0 };
        let time = before + packet.size as f64 * 8e9 / bandwidth;
        self.rest = time.fract();
        self.sending = Some((packet, start + time as u64));
    }

    /// It is on the wire since `start`.
    fn fly(&mut self, mut packet: Packet, start: u64) {
        if packet.is_early {
            // There has to be something to overtake.
            if self.flying.back().is_some_and(|last| last.due > start) {
                self.tally.reorder();
            }
            packet.due = start;
            self.early.push_back(packet);
        } else {
            self.floor = self.floor.max(start + packet.delay);
            packet.due = self.floor;
            self.flying.push_back(packet);
        }
    }
}
