//! The histograms of all cases of a folder.

use hdrhistogram::Histogram;

use crate::latency::{DIGITS, Which};
use crate::measurement::Key;

/// Every case's latencies, all seconds merged. They come from [`Folder::verify`](super::Folder::verify).
#[derive(Debug, Clone, Default)]
pub struct Histograms {
    cases: Vec<Case>,
}

#[derive(Debug, Clone)]
struct Case {
    key: Key,
    /// In the order of [`Which::ALL`]; none without a sample.
    latencies: [Option<Histogram<u64>>; 7],
}

impl Histograms {
    /// One latency of a case, nanoseconds. None without a sample, or if the case is unknown.
    pub fn get(&self, key: &Key, which: Which) -> Option<&Histogram<u64>> {
        let is_it = |case: &&Case| case.key.is_same_case(key) && case.key.attempt == key.attempt;
        let case = self.cases.iter().find(is_it)?;
        case.latencies[which as usize].as_ref()
    }

    /// Adds a case, its latencies in the order of [`Which::ALL`].
    pub(super) fn add(&mut self, key: &Key, latencies: &[Histogram<u64>; 7]) {
        self.cases.push(Case {
            key: key.clone(),
            latencies: std::array::from_fn(|index| slim(&latencies[index])),
        });
    }
}

/// The same samples without the room for the greatest latency there may be: a histogram for everything takes 260 KB, and a folder has
/// a thousand of them.
fn slim(histogram: &Histogram<u64>) -> Option<Histogram<u64>> {
    let copy = || {
        let mut slim = Histogram::new_with_max(histogram.max().max(2), DIGITS).ok()?;
        for step in histogram.iter_recorded() {
            let (value, count) = (step.value_iterated_to(), step.count_at_value());
            slim.record_n(value, count).ok()?;
        }
        Some(slim)
    };
    // What can't be slimmed is right as it is.
    (!histogram.is_empty()).then(|| copy().unwrap_or_else(|| histogram.clone()))
}
