//! What got worse by more than somebody allows: for CI.

use super::Diff;
use super::figures::{Figure, more_is_better};
use super::words;

impl Diff {
    /// Whatever is worse by more than `share` (0.1: by a factor of 1.1) beyond its interval, and every fault that became more
    /// frequent, a line each. A figure that got worse by less, or whose interval reaches so far, is none of them.
    pub fn worse_than(&self, share: f64) -> Vec<String> {
        let limit = 1.0 + share;
        let figures = self
            .figures
            .iter()
            .filter(|figure| is_beyond(figure, limit));
        let percent = crate::figure::significant(share * 100.0);
        let mut lines: Vec<String> = figures
            .map(|figure| format!("{}: worse by more than {percent} %", words::change(figure)))
            .collect();
        let counts = self.counts.iter().filter(|count| count.worse);
        lines.extend(counts.map(words::count));
        lines
    }

    /// Whether nothing at all could be judged, neither a figure nor a search: then nothing was shown to be as it was.
    pub fn is_blind(&self) -> bool {
        !self.figures.iter().any(Figure::is_judged)
    }
}

/// Whether the whole interval is on the wrong side of the limit. Throughput that falls is worse by the inverse of its ratio.
fn is_beyond(figure: &Figure, limit: f64) -> bool {
    figure.is_judged()
        && figure.interval().is_some_and(|(low, high)| {
            if more_is_better(&figure.metric) {
                high < 1.0 / limit
            } else {
                low > limit
            }
        })
}
