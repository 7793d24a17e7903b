//! A row of `intervals.csv`: one second of one case.

use crate::latency::Which;
use crate::measurement::Measurement;
use crate::rows::cells::{Cells, Row};

/// One second of one arm in one trial.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IntervalRow {
    /// The arm.
    pub arm: String,
    /// The point of a sweep or search.
    pub point: String,
    /// The trial, from 1.
    pub trial: u32,
    /// The attempt at it, from 1.
    pub attempt: u32,
    /// Start, seconds after the start of the measured part.
    pub start_s: f64,
    /// Length, seconds; the last interval of a case may be shorter.
    pub duration_s: f64,
    /// Messages sent.
    pub sent: u64,
    /// Requests answered, or publishes that reached every receiver.
    pub completed: u64,
    /// Events received.
    pub delivered: u64,
    /// Errors.
    pub errors: u64,
    /// Which latency the figures are of: the one that answers the scenario's question.
    pub latency: String,
    /// Samples.
    pub count: u64,
    /// Median, nanoseconds; none without a sample.
    pub p50_ns: Option<u64>,
    /// 90th percentile.
    pub p90_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// Greatest.
    pub max_ns: Option<u64>,
}

impl IntervalRow {
    /// All seconds of `measurement`.
    pub fn all(measurement: &Measurement) -> Vec<Self> {
        let headline: Which = measurement.key.headline();
        let rows = measurement.latencies.intervals.iter().map(|interval| {
            let histogram = interval.histogram(headline);
            let at = |quantile: f64| {
                histogram
                    .as_ref()
                    .map(|samples| samples.value_at_quantile(quantile))
            };
            Self {
                arm: measurement.key.arm.clone(),
                point: measurement.key.point.clone(),
                trial: measurement.key.trial,
                attempt: measurement.key.attempt,
                start_s: interval.start_ns as f64 / 1e9,
                duration_s: interval.duration_ns as f64 / 1e9,
                sent: interval.sent,
                completed: interval.completed,
                delivered: interval.delivered,
                errors: interval.errors,
                latency: headline.name().to_owned(),
                count: histogram.as_ref().map_or(0, hdrhistogram::Histogram::len),
                p50_ns: at(0.5),
                p90_ns: at(0.9),
                p99_ns: at(0.99),
                max_ns: histogram.as_ref().map(hdrhistogram::Histogram::max),
            }
        });
        rows.collect()
    }
}

impl Row for IntervalRow {
    fn visit(&mut self, cells: &mut impl Cells) {
        cells.at("arm", &mut self.arm);
        cells.at("point", &mut self.point);
        cells.at("trial", &mut self.trial);
        cells.at("attempt", &mut self.attempt);
        cells.at("start_s", &mut self.start_s);
        cells.at("duration_s", &mut self.duration_s);
        cells.at("sent", &mut self.sent);
        cells.at("completed", &mut self.completed);
        cells.at("delivered", &mut self.delivered);
        cells.at("errors", &mut self.errors);
        cells.at("latency", &mut self.latency);
        cells.at("count", &mut self.count);
        cells.at("p50_ns", &mut self.p50_ns);
        cells.at("p90_ns", &mut self.p90_ns);
        cells.at("p99_ns", &mut self.p99_ns);
        cells.at("max_ns", &mut self.max_ns);
    }
}
