//! Counts what one direction of a link did.

use hdrhistogram::Histogram;
use measure::Impairment;
use measure::latency::{self, Distribution};

/// A packet, or a piece of a byte stream, that was passed on. Times in nanoseconds of [`measure::now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// When it came to the link.
    pub arrived: u64,
    /// When it left.
    pub passed: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Whether it found the bandwidth taken when it came.
    pub waited: bool,
}

/// The counts of one direction, from an instant on.
#[derive(Debug)]
pub struct Tally {
    counts: Impairment,
    delays: Histogram<u64>,
    /// What happened before this is not counted.
    from: u64,
    /// When the newest unit left the bandwidth, if one has.
    last: Option<u64>,
    /// Since when it has been busy without a gap: in `busy_from..last` all bits count.
    busy_from: u64,
    /// Time and bits of the units that waited: each has the bandwidth from the moment the one before it left it.
    busy_ns: u64,
    busy_bits: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: Impairment::default(),
            delays: latency::histogram(),
            from: 0,
            last: None,
            busy_from: 0,
            busy_ns: 0,
            busy_bits: 0,
        }
    }
}

impl Tally {
    /// Forgets all, and all that is still to come before `at`.
    pub fn reset(&mut self, at: u64) {
        self.counts = Impairment::default();
        self.delays.reset();
        self.from = at;
        self.last = None;
        (self.busy_ns, self.busy_bits) = (0, 0);
    }

    /// A unit was passed on as soon as it left the bandwidth.
    pub fn pass(&mut self, unit: Unit) {
        self.pass_after(unit, 0);
    }

    /// A unit was passed on so many nanoseconds after it left the bandwidth: what it then travelled says nothing about the bandwidth, and
    /// scatters.
    pub fn pass_after(&mut self, unit: Unit, travelled: u64) {
        if unit.passed < self.from {
            return;
        }
        self.counts.units += 1;
        self.counts.bytes += unit.bytes;
        let delay = unit.passed.saturating_sub(unit.arrived);
        self.delays.saturating_record(delay);
        self.occupy(unit, unit.passed.saturating_sub(travelled));
    }

    /// A unit left the bandwidth at `left`; perhaps before one that has passed already.
    fn occupy(&mut self, unit: Unit, left: u64) {
        let Some(last) = self.last.replace(left.max(self.last.unwrap_or(0))) else {
            self.busy_from = left;
            return;
        };
        if left <= last {
            // Overtaken on its way: of a time that counts or of one that doesn't.
            if left > self.busy_from {
                self.busy_bits += 8 * unit.bytes;
            }
        } else if unit.waited && last >= unit.arrived {
            self.busy_ns += left - last;
            self.busy_bits += 8 * unit.bytes;
        } else {
            // The bandwidth was idle, or the one before it is still on its way: when it began to be sent isn't known.
            self.busy_from = left;
        }
    }

    /// So many bytes wait for the bandwidth.
    pub fn queue(&mut self, bytes: u64) {
        self.counts.queue_max_bytes = self.counts.queue_max_bytes.max(bytes);
    }

    /// A packet was lost on purpose.
    pub fn lose(&mut self) {
        self.counts.lost += 1;
    }

    /// A packet found the queue full.
    pub fn drop_packet(&mut self) {
        self.counts.dropped += 1;
    }

    /// A packet was let past others.
    pub fn reorder(&mut self) {
        self.counts.reordered += 1;
    }

    /// A packet was sent twice.
    pub fn duplicate(&mut self) {
        self.counts.duplicated += 1;
    }

    /// What was counted since the last reset.
    pub fn report(&self) -> Impairment {
        let busy = (self.busy_ns > 0).then(|| self.busy_bits as f64 * 1e9 / self.busy_ns as f64);
        Impairment {
            delay: Distribution::of(&self.delays),
            busy_bit_per_s: busy,
            ..self.counts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(arrived: u64, passed: u64, bytes: u64, waited: bool) -> Unit {
        Unit {
            arrived,
            passed,
            bytes,
            waited,
        }
    }

    #[test]
    fn units_bytes_and_delays_are_counted() {
        let mut tally = Tally::default();
        assert_eq!(tally.report(), Impairment::default());
        tally.pass(unit(100, 150, 10, false));
        tally.pass(unit(200, 350, 30, false));
        let report = tally.report();
        assert_eq!((report.units, report.bytes), (2, 40));
        let delay = report.delay.unwrap();
        assert_eq!((delay.count, delay.min_ns, delay.max_ns), (2, 50, 150));
        assert_eq!(report.busy_bit_per_s, None);
    }

    #[test]
    fn the_busy_rate_leaves_idle_time_out() {
        let mut tally = Tally::default();
        // Two bursts of three units of 125 bytes, a microsecond each: 1 Gbit/s; a second between them.
        for start in [0, 1_000_000_000] {
            for place in 0..3 {
                tally.pass(unit(start, start + 1_000 * (place + 1), 125, place > 0));
            }
        }
        assert_eq!(tally.report().busy_bit_per_s, Some(1e9));
    }

    #[test]
    fn the_busy_rate_is_that_of_the_bandwidth_whatever_the_jitter() {
        let mut tally = Tally::default();
        tally.pass(unit(0, 0, 1, false));
        // Two units of 125 bytes, a microsecond each, come together after a while; the second travels less, and passes first.
        let start = 1_000_000_000;
        tally.pass_after(unit(start, start + 2_500, 125, true), 500);
        tally.pass_after(unit(start, start + 9_000, 125, false), 8_000);
        assert_eq!(tally.report().busy_bit_per_s, None);
        // A third and a fourth waited for both, and pass in the other order too: the time of both is that of the fourth.
        tally.pass_after(unit(start + 500, start + 7_000, 125, true), 3_000);
        assert_eq!(tally.report().busy_bit_per_s, Some(0.5e9));
        tally.pass_after(unit(start + 500, start + 12_000, 125, true), 9_000);
        assert_eq!(tally.report().busy_bit_per_s, Some(1e9));
    }

    #[test]
    fn a_reset_forgets_what_was_and_what_is_before_its_instant() {
        let mut tally = Tally::default();
        tally.pass(unit(0, 10, 1, false));
        tally.queue(99);
        tally.lose();
        tally.reset(1_000);
        tally.pass(unit(500, 999, 1, true));
        assert_eq!(tally.report(), Impairment::default());
        tally.pass(unit(500, 1_000, 7, true));
        let report = tally.report();
        assert_eq!((report.units, report.bytes), (1, 7));
        // The one before it is forgotten, so how long it had the bandwidth isn't known.
        assert_eq!(report.busy_bit_per_s, None);
    }

    #[test]
    fn harm_is_counted_by_kind() {
        let mut tally = Tally::default();
        tally.lose();
        (0..2).for_each(|_| tally.drop_packet());
        (0..3).for_each(|_| tally.reorder());
        (0..4).for_each(|_| tally.duplicate());
        tally.queue(5);
        tally.queue(3);
        let report = tally.report();
        assert_eq!(
            (
                report.lost,
                report.dropped,
                report.reordered,
                report.duplicated
            ),
            (1, 2, 3, 4)
        );
        assert_eq!(report.queue_max_bytes, 5);
    }
}
