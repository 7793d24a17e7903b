//! A link that changes while connections live on: another shape, and a cable that is pulled out.

use measure::now;
use scenario::{Cut, Link};

use super::{Direction, Relay, nanoseconds};

impl Relay {
    /// Takes another shape. What travels already arrives when it would have; what still waits for the bandwidth is sent anew, in the order in which
    /// it came, so that a link that was slow doesn't stay so.
    pub(super) fn shape(&mut self, link: &Link, seed: u64) {
        let at = self.clock.at(now());
        self.set_up = nanoseconds(link.round_trip() * link.set_up);
        for (way, new) in Direction::both(link, seed).into_iter().enumerate() {
            let direction = &mut self.directions[way];
            direction.shaper = new.shaper;
            direction.piece = new.piece;
            direction.most_held = new.most_held;
            self.send_anew(way, at);
        }
    }

    fn send_anew(&mut self, way: usize, at: u64) {
        let mut unsent = Vec::new();
        for (key, connection) in &self.connections {
            let pieces = connection.lanes[way].unsent(at);
            unsent.extend(pieces.map(|(sent, index)| (sent, key, index)));
        }
        // Each lane's own pieces stay in order: they were sent one after the other.
        unsent.sort_unstable();
        let shaper = &mut self.directions[way].shaper;
        for &(_, key, index) in &unsent {
            if let Some(connection) = self.connections.get_mut(key) {
                let admit = |bytes, after| shaper.admit(at, bytes, after);
                connection.lanes[way].admit_anew(index, admit);
            }
        }
        for (_, key, _) in unsent {
            let connection = self.connections.get_mut(key);
            if let Some(next) = connection.and_then(|one| one.lanes[way].next()) {
                self.set_alarm(key, way, next);
            }
        }
    }

    /// Whether there is a cable. Without one, all connections are reset, and new ones at once.
    pub(super) fn plug(&mut self, plugged: bool) {
        self.plugged = plugged;
        if !plugged {
            self.cut(Cut::Reset);
        }
    }
}
