//! Cuts, of all connections at once.

use super::Relay;
use super::connection::{CLIENT, End, SERVER};
use super::tap::{Close, Side};
use crate::Cut;

impl Relay {
    pub(super) fn cut(&mut self, how: Cut) {
        // What an earlier cut has silenced stays so: no reset could come through it.
        let whole = self.connections.iter().filter(|(_, one)| !one.silent);
        let keys: Vec<usize> = whole.map(|(key, _)| key).collect();
        for key in keys {
            match how {
                Cut::Reset => self.sever(key),
                Cut::Silence => self.silence(key),
                Cut::HalfOpen => {
                    if let Some(connection) = self.connections.get_mut(key) {
                        connection.ends[CLIENT].reset();
                    }
                    self.silence(key);
                }
                Cut::MidMessage => self.break_off(key),
            }
        }
    }

    /// Both ends are reset.
    fn sever(&mut self, key: usize) {
        if let Some(mut connection) = self.connections.try_remove(key) {
            self.tap.closed(&connection, Close::Reset, Side::Link);
            connection.ends.iter_mut().for_each(End::reset);
        }
    }

    fn silence(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key) {
            self.tap.closed(connection, Close::Cut, Side::Link);
            connection.silence();
            if connection.is_deserted() {
                self.connections.remove(key);
            }
        }
    }

    /// The next bytes for the client are its last, and half of them. Without any to come, the end is now.
    pub(super) fn break_off(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.ends[CLIENT].shut {
            // The server's last byte has been passed on.
            self.sever(key);
            return;
        }
        connection.breaks_off = true;
        let lane = &connection.lanes[SERVER];
        self.tap.lost(connection.number, SERVER, lane, lane.half());
        if connection.lanes[SERVER].break_off() {
            let at = connection.lanes[SERVER].next().unwrap_or(0);
            self.set_alarm(key, SERVER, at);
        }
    }
}
