//! What one direction of one connection holds: bytes with the times at which they are due, and its end.

use std::collections::VecDeque;
use std::io::IoSlice;

use crate::{Admission, Tally, Unit};

/// Memory that an empty lane keeps, bytes.
const KEPT: usize = 128 << 10;

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// FIN: no more bytes, and the other direction goes on.
    Fin,
    /// RST: nothing any more, in either direction.
    Reset,
}

/// One direction of one connection. All due times are the link's.
#[derive(Debug)]
pub(super) struct Lane {
    /// Of all pieces, in one ring: a piece costs no memory of its own once it has grown.
    bytes: VecDeque<u8>,
    pieces: VecDeque<Piece>,
    /// When the last piece or end leaves.
    last: u64,
    ending: Option<(Ending, u64)>,
    /// The earliest time at which the relay will look after it; the greatest number if it won't.
    pub(super) alarm: u64,
}

#[derive(Debug)]
struct Piece {
    due: u64,
    /// How long before that it left the bandwidth.
    travels: u64,
    /// By the machine's clock.
    arrived: u64,
    /// Bytes that are still here.
    left: usize,
    bytes: u64,
    waited: bool,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            bytes: VecDeque::new(),
            pieces: VecDeque::new(),
            last: 0,
            ending: None,
            alarm: u64::MAX,
        }
    }
}

impl Lane {
    /// Takes a piece that was read at `arrived`.
    pub(super) fn push(&mut self, bytes: &[u8], arrived: u64, admission: Admission) {
        self.bytes.extend(bytes);
        self.last = admission.due;
        self.pieces.push_back(Piece {
            due: admission.due,
            travels: admission.due - admission.sent,
            arrived,
            left: bytes.len(),
            bytes: bytes.len() as u64,
            waited: admission.waited,
        });
    }

    /// The stream ends at `due`, after its pieces. A reset may follow a FIN, and nothing a reset.
    pub(super) fn end(&mut self, ending: Ending, due: u64) {
        if self.ending.is_none_or(|(before, _)| before == Ending::Fin) {
            self.last = due;
            self.ending = Some((ending, due));
        }
    }

    /// When the last of it leaves: what follows may not leave before.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Bytes that wait here.
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// When the next thing is due.
    pub(super) fn next(&self) -> Option<u64> {
        let piece = self.pieces.front().map(|piece| piece.due);
        piece.or(self.ending.map(|(_, due)| due))
    }

    /// When a reset is due, which doesn't wait for bytes that the receiver doesn't take.
    pub(super) fn reset(&self) -> Option<u64> {
        let (ending, due) = self.ending?;
        (ending == Ending::Reset).then_some(due)
    }

    /// The bytes that are due at `now`.
    pub(super) fn due(&self, now: u64) -> [IoSlice<'_>; 2] {
        let due = self.pieces.iter().take_while(|piece| piece.due <= now);
        let count: usize = due.map(|piece| piece.left).sum();
        let (first, second) = self.bytes.as_slices();
        let first = &first[..count.min(first.len())];
        let second = &second[..count - first.len()];
        [IoSlice::new(first), IoSlice::new(second)]
    }

    /// The bytes from the one place to the other, piece by piece with when each came, by the machine's clock; one that goes over the end of the ring
    /// in two parts.
    pub(super) fn show(&self, from: usize, to: usize, mut show: impl FnMut(u64, &[u8])) {
        let (first, second) = self.bytes.as_slices();
        let mut end = 0;
        for piece in &self.pieces {
            if end >= to {
                break;
            }
            let start = end.max(from);
            end += piece.left;
            let stop = end.min(to);
            if stop <= start {
                continue;
            }
            let behind = |place: usize| place.saturating_sub(first.len());
            let ahead = |place: usize| place.min(first.len());
            let parts = [
                &first[ahead(start)..ahead(stop)],
                &second[behind(start)..behind(stop)],
            ];
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                show(piece.arrived, part);
            }
        }
    }

    /// The pieces that haven't left the bandwidth at `now`: when each was to leave it, and its place.
    pub(super) fn unsent(&self, now: u64) -> impl Iterator<Item = (u64, usize)> {
        let pieces = self.pieces.iter().enumerate();
        let sent = pieces.map(|(index, piece)| (piece.due - piece.travels, index));
        sent.filter(move |&(sent, _)| sent > now)
    }

    /// Lets a piece leave at another time, as do all after it: `admit` is told its bytes and when it leaves at the earliest.
    pub(super) fn admit_anew(&mut self, index: usize, admit: impl FnOnce(usize, u64) -> Admission) {
        let after = index
            .checked_sub(1)
            .and_then(|before| self.pieces.get(before))
            .map_or(0, |piece| piece.due);
        if let Some(piece) = self.pieces.get_mut(index) {
            let admission = admit(piece.left, after);
            piece.due = admission.due;
            piece.travels = admission.due - admission.sent;
            piece.waited = admission.waited;
            self.last = admission.due;
            if let Some((_, due)) = &mut self.ending {
                *due = admission.due;
            }
        }
    }

    /// So many bytes have left at `passed`, by the machine's clock.
    pub(super) fn advance(&mut self, mut count: usize, passed: u64, tally: &mut Tally) {
        self.bytes.drain(..count);
        while let Some(piece) = self.pieces.front_mut() {
            let part = count.min(piece.left);
            piece.left -= part;
            count -= part;
            if piece.left > 0 {
                break;
            }
            let unit = Unit {
                arrived: piece.arrived,
                passed,
                bytes: piece.bytes,
                waited: piece.waited,
            };
            tally.pass_after(unit, piece.travels);
            self.pieces.pop_front();
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes.shrink_to(KEPT);
        }
    }

    /// The end, if it is due at `now`, and nothing is before it.
    pub(super) fn take_ending(&mut self, now: u64) -> Option<Ending> {
        let (ending, due) = self.ending?;
        let is_next = self.pieces.is_empty() || ending == Ending::Reset;
        (due <= now && is_next).then(|| {
            self.ending = None;
            ending
        })
    }

    /// Forgets all that is here, its end too.
    pub(super) fn clear(&mut self) {
        *self = Self {
            last: self.last,
            alarm: self.alarm,
            ..Self::default()
        };
    }

    /// How many bytes of it would still go if it broke off now: half of the next piece.
    pub(super) fn half(&self) -> usize {
        self.pieces.front().map_or(0, |piece| piece.left / 2)
    }

    /// Ends with a reset in the middle of the next piece, or in place of a FIN; false when neither is here yet.
    pub(super) fn break_off(&mut self) -> bool {
        let Some(due) = self.next() else {
            return false;
        };
        let half = self.half();
        self.pieces.truncate(1);
        if let Some(piece) = self.pieces.front_mut() {
            piece.left = half;
            piece.bytes = half as u64;
        }
        if half == 0 {
            self.pieces.clear();
        }
        self.bytes.truncate(half);
        self.ending = Some((Ending::Reset, due));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(pieces: &[(&str, u64)]) -> Lane {
        let mut lane = Lane::default();
        for (bytes, due) in pieces {
            let admission = Admission {
                sent: 0,
                due: *due,
                waited: false,
            };
            lane.push(bytes.as_bytes(), 0, admission);
        }
        lane
    }

    fn due(lane: &Lane, now: u64) -> String {
        let parts = lane.due(now);
        String::from_utf8([&parts[0][..], &parts[1][..]].concat()).unwrap()
    }

    #[test]
    fn what_is_due_leaves_in_order_and_in_parts() {
        let mut lane = lane(&[("abc", 10), ("de", 10), ("f", 20)]);
        let mut tally = Tally::default();
        assert_eq!(
            (due(&lane, 9), due(&lane, 10)),
            (String::new(), "abcde".into())
        );
        lane.advance(4, 15, &mut tally);
        assert_eq!((due(&lane, 10).as_str(), lane.held()), ("e", 2));
        lane.advance(1, 17, &mut tally);
        assert_eq!((due(&lane, 19).as_str(), lane.next()), ("", Some(20)));
        lane.advance(1, 21, &mut tally);
        let report = tally.report();
        assert_eq!((report.units, report.bytes), (3, 6));
        let delay = report.delay.unwrap();
        assert_eq!((delay.min_ns, delay.p50_ns, delay.max_ns), (15, 17, 21));
    }

    #[test]
    fn a_fin_waits_for_the_bytes_and_a_reset_does_not() {
        let mut lane = lane(&[("abc", 10)]);
        lane.end(Ending::Fin, 12);
        assert_eq!(lane.take_ending(20), None);
        assert_eq!(lane.reset(), None);
        lane.end(Ending::Reset, 30);
        lane.end(Ending::Fin, 31);
        assert_eq!((lane.take_ending(29), lane.reset()), (None, Some(30)));
        assert_eq!(lane.take_ending(30), Some(Ending::Reset));
        lane.clear();
        assert_eq!((lane.held(), lane.next(), lane.last()), (0, None, 30));
    }

    #[test]
    fn half_of_the_next_piece_is_left_before_a_reset() {
        let mut some = lane(&[("abcdef", 10), ("gh", 11)]);
        assert!(some.break_off());
        assert_eq!((due(&some, 10).as_str(), some.reset()), ("abc", Some(10)));
        let mut little = lane(&[("a", 10)]);
        assert!(little.break_off());
        assert_eq!((due(&little, 10).as_str(), little.next()), ("", Some(10)));
        let mut nothing = Lane::default();
        assert!(!nothing.break_off());
        nothing.end(Ending::Fin, 5);
        assert!(nothing.break_off());
        assert_eq!(nothing.take_ending(5), Some(Ending::Reset));
    }

    fn shown(lane: &Lane, from: usize, to: usize) -> Vec<(u64, String)> {
        let mut shown: Vec<(u64, String)> = Vec::new();
        lane.show(from, to, |arrived, bytes| {
            let text = std::str::from_utf8(bytes).unwrap();
            match shown.last_mut() {
                Some((last, before)) if *last == arrived => before.push_str(text),
                _ => shown.push((arrived, text.into())),
            }
        });
        shown
    }

    #[test]
    fn pieces_are_shown_by_themselves_wherever_the_ring_ends() {
        let mut tally = Tally::default();
        let mut lane = Lane::default();
        for round in 0_u64..40 {
            let admission = Admission {
                sent: 0,
                due: 10,
                waited: false,
            };
            lane.push(b"abcde", 2 * round, admission);
            lane.push(b"fgh", 2 * round + 1, admission);
            let (first, second) = (2 * round, 2 * round + 1);
            assert_eq!(
                shown(&lane, 0, 8),
                [(first, "abcde".into()), (second, "fgh".into())]
            );
            assert_eq!(
                shown(&lane, 3, 7),
                [(first, "de".into()), (second, "fg".into())]
            );
            lane.advance(2, 10, &mut tally);
            assert_eq!(shown(&lane, 0, 2), [(first, "cd".into())]);
            assert_eq!(shown(&lane, 3, 3), []);
            lane.advance(6, 10, &mut tally);
        }
    }

    #[test]
    fn what_has_not_been_sent_is_sent_anew_in_order() {
        let mut lane = Lane::default();
        for (sent, due) in [(5, 25), (30, 50), (40, 60)] {
            let admission = Admission {
                sent,
                due,
                waited: true,
            };
            lane.push(b"xy", 0, admission);
        }
        lane.end(Ending::Fin, 61);
        assert_eq!(lane.unsent(10).collect::<Vec<_>>(), [(30, 1), (40, 2)]);
        for (index, earliest) in [(1, 25), (2, 25)] {
            lane.admit_anew(index, |bytes, after| {
                assert_eq!((bytes, after), (2, earliest));
                Admission {
                    sent: 10,
                    due: after.max(12),
                    waited: false,
                }
            });
        }
        // What travels already is as late as it was, and what follows can't overtake it.
        assert_eq!(
            (due(&lane, 24).as_str(), due(&lane, 25).as_str()),
            ("", "xyxyxy")
        );
        lane.advance(6, 25, &mut Tally::default());
        assert_eq!((lane.take_ending(25), lane.last()), (Some(Ending::Fin), 25));
    }
}
