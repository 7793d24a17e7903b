//! The seven histograms of a case and what is read from them.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use serde::{Deserialize, Serialize};

/// Significant digits of every histogram.
pub const DIGITS: u8 = 3;

/// The greatest latency that is told apart, in nanoseconds (18 minutes); longer ones count as this.
pub const GREATEST: u64 = 1 << 40;

/// Which latency. Unit of each: 1 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Received less intended. For events: until the *last* receiver has it.
    Response,
    /// Received less sent. For events: until the last receiver has it.
    Service,
    /// Sent less intended.
    SendDelay,
    /// Events: intended until one receiver has it, once for each receiver.
    DeliveryAge,
    /// Events: intended until the first receiver has it, once for each publish.
    FanoutFirst,
    /// Events: intended until half of the receivers have it, once for each publish.
    FanoutMedian,
    /// Events: intended until all receivers have it, once for each publish.
    FanoutLast,
}

impl Which {
    /// All of them, in the order in which files list them.
    pub const ALL: [Self; 7] = [
        Self::Response,
        Self::Service,
        Self::SendDelay,
        Self::DeliveryAge,
        Self::FanoutFirst,
        Self::FanoutMedian,
        Self::FanoutLast,
    ];

    /// The name in the tags of `latency.hlog`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::SendDelay => "send-delay",
            Self::DeliveryAge => "delivery-age",
            Self::FanoutFirst => "fanout-first",
            Self::FanoutMedian => "fanout-median",
            Self::FanoutLast => "fanout-last",
        }
    }

    /// The name as a part of a column's name.
    pub fn column(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::SendDelay => "send_delay",
            Self::DeliveryAge => "delivery_age",
            Self::FanoutFirst => "fanout_first",
            Self::FanoutMedian => "fanout_median",
            Self::FanoutLast => "fanout_last",
        }
    }
}

/// All latencies of a case: one histogram a kind, and the seconds one by one.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// Merged over the measured part, in the order of [`Which::ALL`].
    totals: [Histogram<u64>; 7],
    /// The seconds of the measured part, and of the drain after it.
    pub intervals: Vec<Interval>,
    /// Samples that belonged to the warm-up and were discarded.
    pub warm_up_discarded: u64,
    /// Requests and publishes that were not answered, or not by all, when the drain ended: what they had waited by then is in `totals`, as at
    /// least so long.
    pub censored: u64,
}

impl Latencies {
    /// None at all.
    pub fn empty() -> Self {
        Self {
            totals: std::array::from_fn(|_| histogram()),
            intervals: Vec::new(),
            warm_up_discarded: 0,
            censored: 0,
        }
    }

    pub(crate) fn new(
        totals: [Histogram<u64>; 7],
        intervals: Vec<Interval>,
        warm_up_discarded: u64,
        censored: u64,
    ) -> Self {
        Self {
            totals,
            intervals,
            warm_up_discarded,
            censored,
        }
    }

    /// The histogram of the whole measured part.
    pub fn total(&self, which: Which) -> &Histogram<u64> {
        &self.totals[which as usize]
    }

    /// The figures of the whole measured part; none without a sample.
    pub fn distribution(&self, which: Which) -> Option<Distribution> {
        Distribution::of(self.total(which))
    }
}

/// One second (the last may be shorter).
#[derive(Debug, Clone, Default)]
pub struct Interval {
    /// Start, nanoseconds after the start of the measured part.
    pub start_ns: u64,
    /// Length, nanoseconds.
    pub duration_ns: u64,
    /// Messages sent in it.
    pub sent: u64,
    /// Requests answered, or publishes that reached all receivers, in it.
    pub completed: u64,
    /// Events received in it.
    pub delivered: u64,
    /// Errors in it.
    pub errors: u64,
    /// The histograms that hold samples, encoded in version 2 of HDR's format.
    pub(crate) encoded: Vec<(Which, Vec<u8>)>,
}

impl Interval {
    /// The histogram of this second; none without a sample.
    pub fn histogram(&self, which: Which) -> Option<Histogram<u64>> {
        let (_, bytes) = self.encoded.iter().find(|(kind, _)| *kind == which)?;
        Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
    }

    /// The kinds that hold samples.
    pub fn kinds(&self) -> impl Iterator<Item = Which> + '_ {
        self.encoded.iter().map(|(which, _)| *which)
    }
}

/// The figures read from one histogram, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Samples.
    pub count: u64,
    /// Arithmetic mean.
    pub mean_ns: f64,
    /// Least.
    pub min_ns: u64,
    /// Median.
    pub p50_ns: u64,
    /// 90th percentile.
    pub p90_ns: u64,
    /// 95th percentile.
    pub p95_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// 99.9th percentile.
    pub p999_ns: u64,
    /// Greatest.
    pub max_ns: u64,
}

impl Distribution {
    /// Reads `histogram`; none when it is empty.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            mean_ns: histogram.mean(),
            min_ns: histogram.min(),
            p50_ns: histogram.value_at_quantile(0.5),
            p90_ns: histogram.value_at_quantile(0.9),
            p95_ns: histogram.value_at_quantile(0.95),
            p99_ns: histogram.value_at_quantile(0.99),
            p999_ns: histogram.value_at_quantile(0.999),
            max_ns: histogram.max(),
        })
    }
}

/// An empty histogram of the lab's shape: 1 ns unit, 3 digits.
pub fn histogram<T: hdrhistogram::Counter>() -> Histogram<T> {
    Histogram::new_with_bounds(1, GREATEST, DIGITS).expect("the bounds are constants that hold")
}
