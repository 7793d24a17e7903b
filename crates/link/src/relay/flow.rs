//! Bytes in, bytes out, and how streams end.

use std::cmp::Reverse;

use measure::now;
use rustix::event::epoll::EventFlags;
use rustix::io::{Errno, writev};
use rustix::net::{Shutdown, shutdown};

use super::Relay;
use super::connection::{CLIENT, Heard, SERVER};
use super::lane::Ending;
use super::tap::{Close, Side};

impl Relay {
    /// An event of a connection's side.
    pub(super) fn hear(&mut self, key: usize, side: usize, flags: EventFlags) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.ends[side].learn(flags);
        if connection.silent {
            if connection.is_deserted() {
                self.connections.remove(key);
            }
            return;
        }
        self.line_up(key, side);
        if flags.contains(EventFlags::OUT) {
            self.write(key, 1 - side);
        }
    }

    /// Looks after all that is due.
    pub(super) fn pass_due(&mut self) {
        while let Some(Reverse((due, ..))) = self.alarms.peek() {
            let link = self.clock.at(now());
            if *due > link || self.clock.is_stalled() {
                return;
            }
            let Some(Reverse((_, key, way))) = self.alarms.pop() else {
                return;
            };
            if let Some(connection) = self.connections.get_mut(key) {
                connection.lanes[way].alarm = u64::MAX;
                self.line_up(key, way);
                self.write(key, way);
            }
        }
    }

    /// Reads a piece of each connection that stands in line, as long as there is room.
    pub(super) fn read_line(&mut self, way: usize) {
        for _ in 0..self.directions[way].line.len() {
            let now = now();
            let link = self.clock.at(now);
            let direction = &mut self.directions[way];
            if direction.shaper.room(link) < direction.piece {
                return;
            }
            let Some(key) = direction.line.pop_front() else {
                return;
            };
            self.read(key, way, now, link);
            self.pass_due();
        }
    }

    /// Puts a connection in line to be read, if it has something and may hold more.
    fn line_up(&mut self, key: usize, way: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let (end, lane) = (&mut connection.ends[way], &connection.lanes[way]);
        let direction = &mut self.directions[way];
        if end.can_read()
            && !end.queued
            && lane.held() < direction.most_held
            && lane.reset().is_none()
        {
            end.queued = true;
            direction.line.push_back(key);
        }
    }

    /// Reads once, at `now` by the machine's clock and `link` by the link's.
    fn read(&mut self, key: usize, way: usize, now: u64, link: u64) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let (end, lane) = (&mut connection.ends[way], &mut connection.lanes[way]);
        end.queued = false;
        if connection.silent || !end.can_read() {
            return;
        }
        if way == CLIENT && link < connection.opens {
            let opens = connection.opens;
            self.set_alarm(key, way, opens);
            return;
        }
        let direction = &mut self.directions[way];
        let most = direction.most_held.saturating_sub(lane.held());
        let buffer = &mut self.buffer[..direction.piece.min(most)];
        if buffer.is_empty() {
            return;
        }
        match end.read(buffer) {
            Heard::Bytes(count) => {
                let admission = direction.shaper.admit(link, count, lane.last());
                let waiting = direction.shaper.waiting(link);
                direction.tally.queue(waiting as u64);
                lane.push(&buffer[..count], now, admission);
                if way == SERVER && connection.breaks_off {
                    self.break_off(key);
                }
            }
            Heard::Fin => {
                let due = direction.shaper.admit(link, 0, lane.last()).due;
                lane.end(Ending::Fin, due);
                if way == SERVER && connection.breaks_off {
                    self.break_off(key);
                }
            }
            Heard::Reset => self.break_in(key, way),
            Heard::Nothing => {}
        }
        self.line_up(key, way);
        self.write(key, way);
    }

    /// A side has been reset: nothing comes from it or goes to it any more, and the other one is told when what came before has passed.
    pub(super) fn break_in(&mut self, key: usize, side: usize) {
        let link = self.clock.at(now());
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.ends[side].stream = None;
        let gone = &mut connection.lanes[1 - side];
        self.tap.lost(connection.number, 1 - side, gone, 0);
        gone.clear();
        let lane = &mut connection.lanes[side];
        let shaper = &mut self.directions[side].shaper;
        let after = if side == CLIENT { connection.opens } else { 0 };
        let due = shaper.admit(link, 0, lane.last().max(after)).due;
        lane.end(Ending::Reset, due);
        self.rest(key, side);
    }

    /// Writes what is due of a direction, and looks after its end.
    pub(super) fn write(&mut self, key: usize, way: usize) {
        let link = self.clock.at(now());
        if self.clock.is_stalled() {
            // What could be written now goes when it is over.
            self.set_alarm(key, way, link);
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.silent {
            return;
        }
        let (to, lane) = (&mut connection.ends[1 - way], &mut connection.lanes[way]);
        while to.can_write() {
            let due = lane.due(link);
            if due.iter().all(|part| part.is_empty()) {
                break;
            }
            let Some(stream) = &to.stream else { break };
            match writev(stream, &due) {
                Ok(count) => {
                    let passed = now();
                    self.tap.passed(connection.number, way, lane, count, passed);
                    lane.advance(count, passed, &mut self.directions[way].tally);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => to.writable = false,
                Err(_) => to.fail(),
            }
        }
        match lane.take_ending(link) {
            Some(Ending::Reset) => {
                let by = match way {
                    _ if connection.breaks_off => Side::Link,
                    CLIENT => Side::Client,
                    _ => Side::Server,
                };
                self.tap.closed(connection, Close::Reset, by);
                connection.ends.iter_mut().for_each(super::End::reset);
                self.connections.remove(key);
                return;
            }
            Some(Ending::Fin) if to.connected => {
                to.shut = true;
                let first = *connection.first.get_or_insert(way);
                if let Some(stream) = &to.stream {
                    // Of one that has been reset meanwhile; reading it will tell.
                    let _ = shutdown(stream, Shutdown::Write);
                }
                if connection.is_over() {
                    let by = [Side::Client, Side::Server][first];
                    self.tap.closed(connection, Close::Fin, by);
                    self.connections.remove(key);
                    return;
                }
            }
            // Its FIN goes as soon as it is connected.
            Some(Ending::Fin) => lane.end(Ending::Fin, link),
            None => {}
        }
        // One that failed is read for what it said before.
        self.line_up(key, 1 - way);
        self.line_up(key, way);
        self.rest(key, way);
    }

    /// Sets the alarm for what comes next of a direction.
    fn rest(&mut self, key: usize, way: usize) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let lane = &connection.lanes[way];
        // What can't be written waits for the socket, a reset for nothing.
        let next = if connection.ends[1 - way].can_write() {
            lane.next()
        } else {
            lane.reset()
        };
        if let Some(at) = next {
            self.set_alarm(key, way, at);
        }
    }

    pub(super) fn set_alarm(&mut self, key: usize, way: usize, at: u64) {
        if let Some(connection) = self.connections.get_mut(key)
            && at < connection.lanes[way].alarm
        {
            connection.lanes[way].alarm = at;
            self.alarms.push(Reverse((at, key, way)));
        }
    }
}
