//! What wrk measured, from what it says.
//!
//! wrk has no schedule, yet when it is done it always "corrects" its histogram for one: as if each
//! connection had meant to send once a mean round trip *e*, it adds to each latency *n* of 2 *e* or more
//! as many samples of *n - e*, *n - 2e*, … down to *e* (`stats_correct`, called by `main`). A lab that
//! compares samples wants them as they were, and they can be had back: what is added always lies below
//! what it is added for, so from the greatest latency down each count is free of all that was added to
//! it once that of those above is taken off. That as many remain as requests were answered proves it.

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::Latency;

/// wrk's figures, as our script writes them.
#[derive(Deserialize, Debug)]
pub(super) struct Said {
    pub(super) requests: u64,
    pub(super) duration_us: u64,
    pub(super) cpu_s: f64,
    pub(super) errors: u64,
    /// How often each latency, in microseconds.
    counts: Vec<(u64, u64)>,
}

/// Longer than any latency that wrk takes down, microseconds: it counts those over its time-out of 2 s as
/// errors.
const MOST: u64 = 10_000_000;

impl Said {
    /// The latencies that it measured.
    ///
    /// # Errors
    /// They are not as many as requests were answered: this wrk doesn't correct as we know it.
    pub(super) fn latency(&self, connections: usize) -> anyhow::Result<Latency> {
        let counts = self.measured(connections as u64)?;
        let count: u64 = counts.iter().map(|(_, count)| count).sum();
        ensure!(
            count == self.requests,
            "wrk answered for {} requests and took {count} latencies down",
            self.requests
        );
        let sum: u64 = counts.iter().map(|(value, count)| value * count).sum();
        let ns = |share: f64| {
            let rank = ((count as f64 * share).ceil() as u64).max(1);
            let mut below = 0;
            let found = counts.iter().find(|(_, count)| {
                below += count;
                below >= rank
            });
            found.map_or(0.0, |(value, _)| *value as f64 * 1e3)
        };
        Ok(Latency {
            mean: sum as f64 / count as f64 * 1e3,
            p50: ns(0.5),
            p90: ns(0.9),
            p99: ns(0.99),
            p999: ns(0.999),
            max: ns(1.0),
        })
    }

    /// How often it measured each latency, ascending, in microseconds.
    fn measured(&self, connections: u64) -> anyhow::Result<Vec<(u64, u64)>> {
        let most = self.counts.iter().map(|(value, _)| *value).max();
        let most = most.context("wrk took no latency down")?;
        ensure!(most < MOST, "a latency of {most} us");
        let mut counts = vec![0_u64; most as usize + 1];
        for &(value, count) in &self.counts {
            counts[value as usize] += count;
        }
        let each = self.requests / connections;
        // wrk divides in whole numbers, and doesn't correct what has no mean.
        let expected = self.duration_us.checked_div(each).unwrap_or(most) as usize;
        for value in (2 * expected..counts.len()).rev() {
            let count = counts[value];
            let mut added = value - expected;
            while count > 0 && added > expected {
                let below = &mut counts[added];
                *below = below
                    .checked_sub(count)
                    .context("wrk corrected otherwise")?;
                added -= expected;
            }
        }
        let all = counts.into_iter().enumerate();
        let all = all.map(|(value, count)| (value as u64, count));
        Ok(all.filter(|(_, count)| *count > 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(requests: u64, duration_us: u64, counts: &[(u64, u64)]) -> Said {
        Said {
            requests,
            duration_us,
            cpu_s: 1.0,
            errors: 0,
            counts: counts.to_vec(),
        }
    }

    #[test]
    fn what_was_added_is_taken_off() {
        // 2 connections, 100 requests in 5,000 us: one a connection every 100 us. The two of 350 us had
        // samples of 250 and 150 us added, the one of 250 us one of 150 us.
        let corrected = [(90, 96), (150, 1 + 2 + 1), (250, 1 + 2), (350, 2)];
        let said = said(100, 5_000, &corrected);
        let measured = [(90, 96), (150, 1), (250, 1), (350, 2)];
        assert_eq!(said.measured(2).expect("undone"), measured);
        let latency = said.latency(2).expect("100 of them");
        assert_eq!((latency.p50, latency.p99), (90_000.0, 350_000.0));
        assert!((latency.mean - 97_400.0).abs() < 1e-6);
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let other = said(100, 5_000, &[(90, 96), (350, 4)]);
        assert!(other.latency(2).is_err());
        let fewer = said(100, 5_000, &[(90, 96)]);
        assert!(fewer.latency(2).is_err());
        assert!(said(0, 5_000, &[]).latency(2).is_err());
    }

    #[test]
    fn too_few_requests_are_not_corrected() {
        let said = said(1, 5_000, &[(4_000, 1)]);
        assert_eq!(said.measured(2).expect("as it is"), [(4_000, 1)]);
    }
}
