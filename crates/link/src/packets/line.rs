//! One direction of a link: what becomes of each packet, and when it leaves. Knows neither devices nor the time of day; every time is passed in.
//!
//! A packet on its way: lost, or not; then the queue before the bandwidth, where it is dropped if there is no room for it; then the wire, which
//! it leaves after its delay. Lost packets take no bandwidth, as in `tc netem`; a packet that is sent twice takes it twice. One that is let
//! past others has no delay, and so overtakes what is on the wire; all others stay in order, whatever the jitter.

use std::collections::VecDeque;
use std::time::Duration;

use scenario::Path;

use super::MTU;
use crate::clock::Clock;
use crate::{Shaper, Tally, Unit};

/// The most packets that one direction holds, in the queue and on the wire; what comes on top is dropped, and counted as such. With
/// a buffer of [`MTU`] bytes each that is 48 MiB: 1 Gbit/s of full packets for 390 ms.
pub(super) const MOST: usize = 32_768;

/// A packet, in a buffer that goes back to its [`Line`].
pub(super) struct Packet {
    buffer: Box<[u8; MTU]>,
    size: usize,
    /// By the machine's clock, nanoseconds, as all times here.
    arrived: u64,
    /// When it leaves the wire, by the link's clock, and how long it is on it.
    due: u64,
    travels: u64,
    /// Whether it found the bandwidth taken.
    waited: bool,
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
    shaper: Shaper,
    clock: Clock,
    pub(super) tally: Tally,
    /// In the order in which they leave: those in order of arrival, and those that are let past them.
    orderly: VecDeque<Packet>,
    early: VecDeque<Packet>,
    /// When the last one of those in order leaves, by the link's clock: none may leave before.
    last: u64,
    #[expect(clippy::vec_box, reason = "packets move, their bytes stay")]
    spare: Vec<Box<[u8; MTU]>>,
}

impl Line {
    pub(super) fn new(path: &Path, seed: u64) -> Self {
        Self {
            shaper: Shaper::new(path, seed),
            clock: Clock::default(),
            tally: Tally::default(),
            orderly: VecDeque::new(),
            early: VecDeque::new(),
            last: 0,
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
        if self.shaper.dice().loses() {
            self.tally.lose();
            return self.recycle(buffer);
        }
        if self.shaper.dice().duplicates() {
            let mut copy = self.buffer();
            copy[..size].copy_from_slice(&buffer[..size]);
            if self.admit(copy, size, now) {
                self.tally.duplicate();
            }
        }
        self.admit(buffer, size, now);
    }

    /// When the next packet leaves; none while there is none.
    pub(super) fn next(&self) -> Option<u64> {
        let fronts = [self.orderly.front(), self.early.front()];
        let due = fronts
            .into_iter()
            .flatten()
            .map(|packet| packet.due)
            .min()?;
        Some(self.clock.real(due))
    }

    /// The next packet that has left by `now`; it is to be given back to [`settle`](Self::settle).
    pub(super) fn leave(&mut self, now: u64) -> Option<Packet> {
        let at = self.clock.at(now);
        if self.clock.is_stalled() {
            return None;
        }
        let due = |queue: &VecDeque<Packet>| queue.front().map_or(u64::MAX, |packet| packet.due);
        let (early, orderly) = (due(&self.early), due(&self.orderly));
        if early.min(orderly) > at {
            None
        } else if early <= orderly {
            self.early.pop_front()
        } else {
            self.orderly.pop_front()
        }
    }

    /// What became of `packet` at `now`.
    pub(super) fn settle(&mut self, packet: Packet, now: u64, end: End) {
        match end {
            End::Passed => {
                let unit = Unit {
                    arrived: packet.arrived,
                    passed: now,
                    bytes: packet.size as u64,
                    waited: packet.waited,
                };
                self.tally.pass_after(unit, packet.travels);
            }
            End::Cut => self.tally.lose(),
            End::Refused => self.tally.drop_packet(),
        }
        self.recycle(packet.buffer);
    }

    /// From `now` on nothing moves for `duration`; what comes meanwhile waits, as far as there is room.
    pub(super) fn stall(&mut self, now: u64, duration: Duration) {
        let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.clock.stall(now, duration);
    }

    /// Whether there was room.
    fn admit(&mut self, buffer: Box<[u8; MTU]>, size: usize, now: u64) -> bool {
        let at = self.clock.at(now);
        let is_full = self.orderly.len() + self.early.len() >= MOST;
        // What finds nothing before it needs no room.
        let is_idle = self.shaper.waiting(at) == 0;
        if is_full || !(is_idle || size <= self.shaper.room(at)) {
            self.tally.drop_packet();
            self.recycle(buffer);
            return false;
        }
        let (sent, waited) = self.shaper.serialise(at, size);
        self.tally.queue(self.shaper.waiting(at) as u64);
        let delayed = sent.saturating_add(self.shaper.dice().delay());
        let mut packet = Packet {
            buffer,
            size,
            arrived: now,
            due: sent,
            travels: 0,
            waited,
        };
        if self.shaper.dice().reorders() {
            // There has to be something to overtake.
            if self.last > sent && !self.orderly.is_empty() {
                self.tally.reorder();
            }
            self.early.push_back(packet);
        } else {
            self.last = self.last.max(delayed);
            packet.due = self.last;
            packet.travels = self.last - sent;
            self.orderly.push_back(packet);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use measure::Impairment;
    use proptest::prelude::*;
    use scenario::JitterLaw;

    use super::*;

    const MS: u64 = 1_000_000;

    fn delayed(ms: u64) -> Path {
        Path {
            delay: Duration::from_millis(ms),
            ..Path::CLEAR
        }
    }

    /// Packets as they come, with a number in them: when, and how big.
    fn feed(line: &mut Line, arrivals: &[(u64, usize)]) {
        for (number, &(at, size)) in arrivals.iter().enumerate() {
            let mut buffer = line.buffer();
            buffer[..4].copy_from_slice(&(number as u32).to_be_bytes());
            line.arrive(buffer, size, at);
        }
    }

    fn number(packet: &Packet) -> u32 {
        u32::from_be_bytes(packet.bytes()[..4].try_into().unwrap())
    }

    /// All that leaves, each at the very time that the line asked for: when, and which.
    fn drain(line: &mut Line) -> Vec<(u64, u32)> {
        let mut left = Vec::new();
        while let Some(at) = line.next() {
            while let Some(packet) = line.leave(at) {
                left.push((at, number(&packet)));
                line.settle(packet, at, End::Passed);
            }
        }
        left
    }

    fn report(line: &Line) -> Impairment {
        line.tally.report()
    }

    #[test]
    fn a_packet_leaves_after_its_delay_and_not_before() {
        let mut line = Line::new(&delayed(5), 1);
        feed(&mut line, &[(10, 100), (30, 200)]);
        assert!(line.leave(10 + 5 * MS - 1).is_none());
        assert_eq!(line.next(), Some(10 + 5 * MS));
        assert_eq!(drain(&mut line), [(10 + 5 * MS, 0), (30 + 5 * MS, 1)]);
        let counts = report(&line);
        assert_eq!((counts.units, counts.bytes), (2, 300));
        // Three digits are told apart.
        assert_eq!(counts.delay.unwrap().max_ns / 10_000, 500);
        assert_eq!(line.next(), None);
    }

    /// 8 Mbit/s are a byte a microsecond.
    #[test]
    fn bandwidth_spaces_packets_and_a_full_queue_drops_the_last() {
        let path = Path {
            bandwidth: Some(8e6),
            queue: 2000,
            ..delayed(1)
        };
        let mut line = Line::new(&path, 1);
        // What is being sent counts as waiting: the third finds no room; the fourth comes when the first is sent and leaves none for the fifth.
        let arrivals = [(0, 1000), (0, 1000), (0, 4), (MS, 1000), (MS, 4)];
        feed(&mut line, &arrivals);
        let left = drain(&mut line);
        assert_eq!(left, [(2 * MS, 0), (3 * MS, 1), (4 * MS, 3)]);
        let counts = report(&line);
        assert_eq!((counts.dropped, counts.queue_max_bytes), (2, 2000));
        assert!((counts.busy_bit_per_s.unwrap() - 8e6).abs() < 1.0);
    }

    /// What is let past others travels less than they do; the bandwidth that is told is that of all.
    #[test]
    fn the_bandwidth_that_is_told_is_the_one_that_was_asked_whatever_travels_behind_it() {
        let path = Path {
            bandwidth: Some(8e6),
            queue: usize::MAX,
            jitter: Duration::from_millis(3),
            reorder: 0.1,
            ..delayed(10)
        };
        let mut line = Line::new(&path, 11);
        feed(&mut line, &[(0, 1000); 1000]);
        drain(&mut line);
        let told = report(&line).busy_bit_per_s.unwrap();
        assert!((told / 8e6 - 1.0).abs() < 0.01, "{told}");
    }

    #[test]
    fn an_idle_link_takes_a_packet_whatever_its_queue() {
        let path = Path {
            bandwidth: Some(8e6),
            queue: 0,
            ..Path::CLEAR
        };
        let mut line = Line::new(&path, 1);
        feed(&mut line, &[(0, 1500), (1, 4), (1_500_000, 4)]);
        assert_eq!(drain(&mut line), [(1_500_000, 0), (1_504_000, 2)]);
        assert_eq!(report(&line).dropped, 1);
    }

    /// A third of a nanosecond a packet would be a million too few in 3000 s.
    #[test]
    fn no_bandwidth_is_lost_by_rounding() {
        let path = Path {
            bandwidth: Some(3e9),
            queue: usize::MAX,
            ..Path::CLEAR
        };
        let mut line = Line::new(&path, 1);
        feed(&mut line, &vec![(0, 1500 - 1); 30_000]);
        let last = drain(&mut line).last().unwrap().0;
        let exact = 30_000.0 * 1499.0 * 8.0 / 3.0;
        assert!((last as f64 - exact).abs() < 2.0, "{last} {exact}");
    }

    #[test]
    fn harm_has_its_share_and_its_count() {
        const SENT: u64 = 20_000;
        let path = Path {
            loss: 0.1,
            duplicate: 0.05,
            reorder: 0.03,
            ..delayed(1)
        };
        let mut line = Line::new(&path, 3);
        let mut left = Vec::new();
        for number in 0..SENT {
            let at = number * 10_000;
            while let Some(packet) = line.leave(at) {
                left.push(self::number(&packet));
                line.settle(packet, at, End::Passed);
            }
            let mut buffer = line.buffer();
            buffer[..4].copy_from_slice(&(number as u32).to_be_bytes());
            line.arrive(buffer, 100, at);
        }
        left.extend(drain(&mut line).into_iter().map(|(_, number)| number));
        let counts = report(&line);
        assert_eq!(counts.units, left.len() as u64);
        let mut numbers = left.clone();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(SENT - counts.lost, numbers.len() as u64);
        assert_eq!(counts.duplicated, left.len() as u64 - numbers.len() as u64);
        let passed = 1.0 - path.loss;
        let share = [
            (counts.lost, path.loss),
            (counts.duplicated, passed * path.duplicate),
            (
                counts.reordered,
                passed * (1.0 + path.duplicate) * path.reorder,
            ),
        ];
        for (count, share) in share {
            // Six standard errors of a binomial share.
            let error = 6.0 * (share * (1.0 - share) * SENT as f64).sqrt();
            assert!(
                (count as f64 - share * SENT as f64).abs() < error,
                "{counts:?}"
            );
        }
    }

    #[test]
    fn an_early_packet_passes_those_on_the_wire() {
        let path = Path {
            reorder: 0.5,
            ..delayed(10)
        };
        let mut line = Line::new(&path, 5);
        feed(
            &mut line,
            &(0..64).map(|n| (n * 1000, 64)).collect::<Vec<_>>(),
        );
        let (early, late): (Vec<_>, Vec<_>) = drain(&mut line)
            .into_iter()
            .partition(|&(at, number)| at == u64::from(number) * 1000);
        assert!(
            late.iter()
                .all(|&(at, number)| at == u64::from(number) * 1000 + 10 * MS)
        );
        assert!(late.is_sorted() && early.is_sorted());
        let first = late[0].1;
        let overtaking = early.iter().filter(|&&(_, number)| number > first).count();
        assert_eq!(report(&line).reordered, overtaking as u64);
        assert!(overtaking > 10);
    }

    #[test]
    fn a_stall_is_no_time_at_all_for_what_is_under_way() {
        let path = Path {
            bandwidth: Some(8e6),
            queue: 10_000,
            ..delayed(1)
        };
        let mut line = Line::new(&path, 1);
        // At 1.5 ms the first is half a delay from its end, the second half sent.
        feed(&mut line, &[(0, 1000), (0, 1000)]);
        line.stall(1_500_000, Duration::from_millis(10));
        assert_eq!(line.next(), Some(12 * MS));
        assert!(line.leave(11_499_999).is_none());
        feed(&mut line, &[(5 * MS, 1000)]);
        let times: Vec<u64> = drain(&mut line).into_iter().map(|(at, _)| at).collect();
        assert_eq!(times, [12 * MS, 13 * MS, 14 * MS]);
    }

    #[test]
    fn an_endless_stall_and_a_bandwidth_of_next_to_nothing_overflow_nothing() {
        let path = Path {
            bandwidth: Some(f64::MIN_POSITIVE),
            ..delayed(1)
        };
        let mut line = Line::new(&path, 1);
        feed(&mut line, &[(5, 1000), (6, 1000)]);
        line.stall(7, Duration::MAX);
        feed(&mut line, &[(8, 1000)]);
        assert!(line.leave(1 << 62).is_none());
    }

    #[test]
    fn a_line_holds_so_many_and_no_more() {
        let mut line = Line::new(&delayed(1000), 1);
        feed(&mut line, &vec![(0, 40); MOST + 3]);
        assert_eq!(report(&line).dropped, 3);
        assert_eq!(drain(&mut line).len(), MOST);
        assert_eq!(line.spare.len(), MOST + 1, "every buffer is used again");
    }

    #[test]
    fn what_the_far_end_refuses_or_a_cut_takes_is_not_passed() {
        let mut line = Line::new(&Path::CLEAR, 1);
        feed(&mut line, &[(0, 40), (0, 40)]);
        for end in [End::Cut, End::Refused] {
            let packet = line.leave(0).unwrap();
            line.settle(packet, 0, end);
        }
        let counts = report(&line);
        assert_eq!((counts.units, counts.lost, counts.dropped), (0, 1, 1));
    }

    proptest! {
        /// Whatever the jitter, the load and the law: what isn't let past leaves in the order in which it came, never before it came, and
        /// all of it; and no faster than the bandwidth.
        #[test]
        fn jitter_lets_nothing_overtake(
            seed: u64,
            gaps in prop::collection::vec((0_u64..3 * MS, 20_usize..=MTU), 1..200),
            law in prop::sample::select(vec![JitterLaw::Normal, JitterLaw::Uniform, JitterLaw::Exponential]),
            jitter_us in 0_u64..20_000,
            bandwidth in prop::option::of(1e6..1e9),
        ) {
            let path = Path {
                jitter: Duration::from_micros(jitter_us),
                law,
                bandwidth,
                queue: usize::MAX,
                ..delayed(20)
            };
            let mut line = Line::new(&path, seed);
            let arrivals: Vec<_> = gaps
                .iter()
                .scan(0, |at, &(gap, size)| {
                    *at += gap;
                    Some((*at, size))
                })
                .collect();
            feed(&mut line, &arrivals);
            let left = drain(&mut line);
            let numbers: Vec<u32> = left.iter().map(|&(_, number)| number).collect();
            prop_assert_eq!(numbers, (0..arrivals.len() as u32).collect::<Vec<_>>());
            prop_assert!(left.is_sorted());
            prop_assert!(left.iter().zip(&arrivals).all(|((left, _), (came, _))| left >= came));
            if let Some(bandwidth) = bandwidth {
                let bytes: usize = arrivals.iter().map(|&(_, size)| size).sum();
                let took = left.last().unwrap().0 - arrivals[0].0;
                prop_assert!(took as f64 >= bytes as f64 * 8e9 / bandwidth - 1.0);
            }
        }
    }
}
