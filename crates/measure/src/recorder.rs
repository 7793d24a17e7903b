//! Takes latencies down, in one-second intervals, without allocating.
//!
//! A sample costs one increment in the histogram of the running second. When a second is over, its histograms are
//! swapped for empty ones, and [`Recorder::tidy`] encodes the full ones later, one a call, so that the generator's
//! loop never stands still for all of them at once. The totals are the merged seconds: histograms are merged,
//! percentiles never.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};

use crate::clock::Stamp;
use crate::latency::{GREATEST, Interval, Latencies, Which, histogram};

/// The length of an interval, nanoseconds.
pub const INTERVAL: u64 = 1_000_000_000;

/// The histograms of a case while it runs.
pub struct Recorder {
    start: u64,
    /// When the running interval is over.
    turn: u64,
    current: Interval,
    closed: Vec<Interval>,
    lanes: [Lane; 7],
    untidy: bool,
    serializer: V2Serializer,
    warm_up_discarded: u64,
    censored: u64,
    so_far: Option<(Which, crate::Distribution)>,
}

struct Lane {
    current: Histogram<u64>,
    /// Empty, or the samples of interval `full`, waiting to be encoded.
    spare: Histogram<u64>,
    full: Option<usize>,
    total: Histogram<u64>,
}

impl Recorder {
    /// Measures from `start` on (nanoseconds of [`now`](crate::now)); what was intended before it is warm-up.
    pub fn new(start: u64) -> Self {
        Self {
            start,
            turn: start + INTERVAL,
            current: Interval::default(),
            closed: Vec::with_capacity(1024),
            lanes: std::array::from_fn(|_| Lane {
                current: histogram(),
                spare: histogram(),
                full: None,
                total: histogram(),
            }),
            untidy: false,
            serializer: V2Serializer::new(),
            warm_up_discarded: 0,
            censored: 0,
            so_far: None,
        }
    }

    /// The measured part begins at `start`, which was not known so far. To be said before anything that counts.
    pub fn begin(&mut self, start: u64) {
        self.start = start;
        self.turn = start + INTERVAL;
    }

    /// Whether a message intended at `intended` counts.
    #[inline]
    pub fn is_measured(&self, intended: u64) -> bool {
        intended >= self.start
    }

    /// A request's answer: response, service time and send delay. False if it belonged to the warm-up.
    #[inline]
    pub fn answer(&mut self, stamp: Stamp) -> bool {
        if !self.is_measured(stamp.intended) {
            self.warm_up_discarded += 1;
            return false;
        }
        self.record(Which::Response, stamp.response(), stamp.received);
        self.record(Which::Service, stamp.service(), stamp.received);
        self.record(Which::SendDelay, stamp.send_delay(), stamp.received);
        self.current.completed += 1;
        true
    }

    /// One receiver has an event: its delivery age. False if it belonged to the warm-up.
    #[inline]
    pub fn delivery(&mut self, intended: u64, received: u64) -> bool {
        if !self.is_measured(intended) {
            self.warm_up_discarded += 1;
            return false;
        }
        self.record(
            Which::DeliveryAge,
            received.saturating_sub(intended),
            received,
        );
        self.current.delivered += 1;
        true
    }

    /// All receivers have an event: `first` and `median` are when the first and half of them had it, the stamp when the last had.
    pub fn fanout(&mut self, first: u64, median: u64, last: Stamp) -> bool {
        if !self.answer(last) {
            return false;
        }
        self.record(
            Which::FanoutFirst,
            first.saturating_sub(last.intended),
            last.received,
        );
        self.record(
            Which::FanoutMedian,
            median.saturating_sub(last.intended),
            last.received,
        );
        self.record(Which::FanoutLast, last.response(), last.received);
        true
    }

    /// A request without an answer, or a publish that not every receiver has, when the drain ended at `at`; `sent` is none if it waits to be sent
    /// to this moment. Each latency is at least what has passed, and is taken down as that; what is known of it is taken down as it is.
    pub fn censored(&mut self, intended: u64, sent: Option<u64>, at: u64) -> bool {
        if !self.is_measured(intended) {
            return false;
        }
        self.censored += 1;
        self.record(Which::Response, at.saturating_sub(intended), at);
        let until = sent.unwrap_or(at);
        self.record(Which::SendDelay, until.saturating_sub(intended), at);
        if let Some(sent) = sent {
            self.record(Which::Service, at.saturating_sub(sent), at);
        }
        true
    }

    /// What became of the fan-out of a publish that is [`censored`](Self::censored): when the first and half of the receivers had it, if they have, and
    /// how many don't have it.
    pub fn censored_fanout(
        &mut self,
        intended: u64,
        (first, median): (Option<u64>, Option<u64>),
        missing: u32,
        at: u64,
    ) {
        if !self.is_measured(intended) {
            return;
        }
        let waited = |until: Option<u64>| until.unwrap_or(at).saturating_sub(intended);
        self.record(Which::FanoutFirst, waited(first), at);
        self.record(Which::FanoutMedian, waited(median), at);
        self.record(Which::FanoutLast, waited(None), at);
        for _ in 0..missing {
            self.record(Which::DeliveryAge, waited(None), at);
        }
    }

    /// A message was sent at `at`.
    #[inline]
    pub fn sent(&mut self, at: u64) {
        if at >= self.start {
            self.turn_to(at);
            self.current.sent += 1;
        }
    }

    /// An error happened at `at`.
    pub fn error(&mut self, at: u64) {
        if at >= self.start {
            self.turn_to(at);
            self.current.errors += 1;
        }
    }

    /// Encodes one histogram of a second that is over. To be called now and then when there is time; true if there is more to do.
    pub fn tidy(&mut self) -> bool {
        let Some(lane) = self.lanes.iter().position(|lane| lane.full.is_some()) else {
            self.untidy = false;
            return false;
        };
        self.settle(lane);
        true
    }

    /// Whether [`tidy`](Self::tidy) has something to do.
    #[inline]
    pub fn is_untidy(&self) -> bool {
        self.untidy
    }

    /// The figures of one latency in the seconds that are over. They are read once a second, however often they are asked for.
    pub fn so_far(&mut self, which: Which) -> Option<crate::Distribution> {
        let total = &self.lanes[which as usize].total;
        match self.so_far {
            Some((last, figures)) if last == which && figures.count == total.len() => Some(figures),
            _ => {
                let figures = crate::Distribution::of(total)?;
                self.so_far = Some((which, figures));
                Some(figures)
            }
        }
    }

    /// Samples of the warm-up so far.
    pub fn warm_up_discarded(&self) -> u64 {
        self.warm_up_discarded
    }

    /// Closes the running second at `at` and gives all that was recorded.
    pub fn finish(mut self, at: u64) -> Latencies {
        self.turn_to(at);
        let length = at.saturating_sub(self.turn - INTERVAL);
        if length > 0 {
            self.close(length);
        }
        while self.tidy() {}
        let totals = self.lanes.map(|lane| lane.total);
        Latencies::new(totals, self.closed, self.warm_up_discarded, self.censored)
    }

    #[inline]
    fn record(&mut self, which: Which, value: u64, at: u64) {
        self.turn_to(at);
        self.lanes[which as usize]
            .current
            .saturating_record(value.min(GREATEST));
    }

    #[inline]
    fn turn_to(&mut self, at: u64) {
        while at >= self.turn {
            self.close(INTERVAL);
            self.turn += INTERVAL;
        }
    }

    #[cold]
    fn close(&mut self, length: u64) {
        let number = self.closed.len();
        let start_ns = self.turn - INTERVAL - self.start;
        for index in 0..self.lanes.len() {
            if self.lanes[index].current.is_empty() {
                continue;
            }
            self.settle(index);
            let lane = &mut self.lanes[index];
            std::mem::swap(&mut lane.current, &mut lane.spare);
            lane.full = Some(number);
            self.untidy = true;
        }
        self.closed.push(Interval {
            start_ns,
            duration_ns: length,
            ..std::mem::take(&mut self.current)
        });
    }

    /// Encodes the waiting histogram of a lane, merges it into the total and empties it.
    fn settle(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        let Some(number) = lane.full.take() else {
            return;
        };
        lane.total += &lane.spare;
        let mut bytes = Vec::new();
        if self.serializer.serialize(&lane.spare, &mut bytes).is_ok() {
            self.closed[number].encoded.push((Which::ALL[index], bytes));
        }
        lane.spare.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 5_000_000_000;

    fn stamp(intended: u64, sent: u64, received: u64) -> Stamp {
        Stamp {
            intended,
            sent,
            received,
        }
    }

    #[test]
    fn warm_up_is_discarded_and_counted() {
        let mut recorder = Recorder::new(START);
        assert!(!recorder.answer(stamp(START - 1, START - 1, START + 10)));
        assert!(recorder.answer(stamp(START, START, START + 10)));
        let latencies = recorder.finish(START + INTERVAL);
        assert_eq!(latencies.warm_up_discarded, 1);
        assert_eq!(latencies.total(Which::Response).len(), 1);
    }

    #[test]
    fn totals_are_the_merged_seconds() {
        let mut recorder = Recorder::new(START);
        let mut raw = Vec::new();
        for second in 0..4_u64 {
            for sample in 1..=100_u64 {
                let at = START + second * INTERVAL + sample * 1_000_000;
                let latency = sample * 1_000 * (second + 1);
                raw.push(latency);
                recorder.answer(stamp(at, at, at + latency));
            }
        }
        let latencies = recorder.finish(START + 4 * INTERVAL);
        assert_eq!(latencies.intervals.len(), 4);
        let merged: u64 = latencies
            .intervals
            .iter()
            .map(|interval| interval.histogram(Which::Response).unwrap().len())
            .sum();
        assert_eq!(merged, 400);
        raw.sort_unstable();
        let figures = latencies.distribution(Which::Response).unwrap();
        for (quantile, value) in [
            (0.5, figures.p50_ns),
            (0.9, figures.p90_ns),
            (0.99, figures.p99_ns),
        ] {
            let exact = raw[(quantile * 400.0) as usize - 1] as f64;
            assert!(
                (value as f64 - exact).abs() / exact < 0.001,
                "p{quantile}: {value} against {exact}"
            );
        }
        assert_eq!(figures.max_ns / 1000, 400);
    }

    #[test]
    fn empty_seconds_are_rows_too() {
        let mut recorder = Recorder::new(START);
        recorder.sent(START + 1);
        recorder.sent(START + 3 * INTERVAL + 1);
        let latencies = recorder.finish(START + 3 * INTERVAL + INTERVAL / 2);
        let sent: Vec<u64> = latencies
            .intervals
            .iter()
            .map(|interval| interval.sent)
            .collect();
        assert_eq!(sent, [1, 0, 0, 1]);
        assert_eq!(latencies.intervals[3].duration_ns, INTERVAL / 2);
        assert_eq!(latencies.intervals[3].start_ns, 3 * INTERVAL);
    }

    #[test]
    fn three_histograms_and_the_fan_out() {
        let mut recorder = Recorder::new(START);
        recorder.delivery(START, START + 100);
        recorder.delivery(START, START + 300);
        recorder.fanout(
            START + 100,
            START + 100,
            stamp(START, START + 50, START + 300),
        );
        assert!(!recorder.censored(START - 1, None, START + 1_010));
        recorder.censored(START + 10, Some(START + 30), START + 1_010);
        recorder.censored_fanout(START + 10, (Some(START + 40), None), 2, START + 1_010);
        let latencies = recorder.finish(START + 2_000);
        let max = |which| latencies.total(which).max();
        assert_eq!(max(Which::Response), 1_000);
        assert_eq!(max(Which::Service), 980);
        assert_eq!(max(Which::SendDelay), 50);
        assert_eq!(latencies.total(Which::SendDelay).len(), 2);
        assert_eq!(latencies.total(Which::DeliveryAge).len(), 4);
        assert_eq!(latencies.total(Which::FanoutFirst).min(), 30);
        assert_eq!(max(Which::FanoutFirst), 100);
        assert_eq!(max(Which::FanoutMedian), 1_000);
        assert_eq!(max(Which::FanoutLast), 1_000);
        assert_eq!(latencies.censored, 1);
    }
}
