//! How long the load runs before it counts: until its latency shows no trend, within a stated most.
//!
//! The warm-up is cut into intervals, each of which gives one median. As soon as the last ten medians show no trend by the test of Mann and
//! Kendall (two-sided, 10 %), it is over. The test asks nothing of the latency's distribution, and medians of intervals are as good as
//! independent where neighbouring samples are not.

use hdrhistogram::Histogram;
use measure::statistics::mann_kendall;

/// Into so many intervals a warm-up of the stated length is cut.
pub(crate) const INTERVALS: u64 = 20;

/// So many medians are judged.
const JUDGED: usize = 10;

/// The latencies of a warm-up.
#[derive(Debug)]
pub(crate) struct WarmUp {
    /// Of the running interval.
    samples: Histogram<u64>,
    medians: Vec<f64>,
    is_steady: Option<bool>,
}

impl WarmUp {
    pub(crate) fn new() -> Self {
        Self {
            samples: measure::latency::histogram(),
            medians: Vec::with_capacity(INTERVALS as usize),
            is_steady: None,
        }
    }

    /// A sample of the latency that answers the scenario's question, nanoseconds.
    #[inline]
    pub(crate) fn record(&mut self, latency: u64) {
        self.samples
            .saturating_record(latency.min(measure::latency::GREATEST));
    }

    /// An interval is over; one without a sample doesn't count. Says whether the warm-up is over, too.
    pub(crate) fn turn(&mut self) -> bool {
        if !self.samples.is_empty() {
            self.medians
                .push(self.samples.value_at_quantile(0.5) as f64);
            self.samples.reset();
            let judged = self.medians.len().checked_sub(JUDGED);
            self.is_steady = judged.map(|first| mann_kendall(&self.medians[first..]).is_steady());
        }
        self.is_steady == Some(true)
    }

    /// What the last test said; none while there are too few medians for one.
    pub(crate) fn is_steady(&self) -> Option<bool> {
        self.is_steady
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(latencies: impl IntoIterator<Item = u64>) -> (u64, WarmUp) {
        let mut warm_up = WarmUp::new();
        let mut turns = 0;
        for latency in latencies {
            turns += 1;
            for spread in [0, 10, 500] {
                warm_up.record(latency + spread);
            }
            if warm_up.turn() {
                break;
            }
        }
        (turns, warm_up)
    }

    #[test]
    fn it_ends_when_the_last_ten_medians_show_no_trend() {
        let noise = |interval: u64| 100_000 + interval * 7919 % 13 * 1000;
        let (steady, warm_up) = turns((0..INTERVALS).map(noise));
        assert_eq!((steady, warm_up.is_steady()), (10, Some(true)));
        // It falls for eight intervals, and is then as it stays.
        let falling = |interval: u64| 8_u64.saturating_sub(interval) * 100_000 + noise(interval);
        let (late, warm_up) = turns((0..INTERVALS).map(falling));
        assert!((11..20).contains(&late), "{late}");
        assert_eq!(warm_up.is_steady(), Some(true));
        let (all, warm_up) = turns((0..INTERVALS).map(|interval| interval * 1_000_000));
        assert_eq!((all, warm_up.is_steady()), (20, Some(false)));
    }

    #[test]
    fn empty_intervals_do_not_count() {
        let mut warm_up = WarmUp::new();
        for interval in 0..INTERVALS {
            if interval % 4 == 0 {
                warm_up.record(5);
            }
            assert!(!warm_up.turn());
        }
        assert_eq!(warm_up.is_steady(), None);
    }
}
