//! What queueing theory says of servers simple enough to be computed: the self-test's truth.
//!
//! Rates are a second and times are seconds, but for [`lindley`], which is exact in whole nanoseconds.

/// The mean wait before service, in seconds, at a server that takes `service` seconds for each request of a Poisson
/// stream of `rate` a second (M/D/1): rate service² / (2 (1 - rate service)), after Pollaczek (1930) and Khinchine
/// (1932). Infinite at or above full load. The mean response time is `service` more.
pub fn md1_mean_wait(rate: f64, service: f64) -> f64 {
    let load = rate * service;
    if load < 1.0 {
        load * service / (2.0 * (1.0 - load))
    } else {
        f64::INFINITY
    }
}

/// The mean response time, in seconds, at a server with exponential service of `service_rate` a second under a Poisson
/// stream of `rate` a second (M/M/1): 1 / (`service_rate` - `rate`) (Kleinrock, Queueing Systems I, 3.2). Infinite at
/// or above full load.
pub fn mm1_mean_response(rate: f64, service_rate: f64) -> f64 {
    if rate < service_rate {
        1.0 / (service_rate - rate)
    } else {
        f64::INFINITY
    }
}

/// The quantile `q` of the response time at M/M/1, in seconds: response times there are exponential with the mean of
/// [`mm1_mean_response`].
pub fn mm1_response_quantile(q: f64, rate: f64, service_rate: f64) -> f64 {
    -(1.0 - q).ln() * mm1_mean_response(rate, service_rate)
}

/// The response time of each request at a single server that serves in the order of arrival, from (arrival, service
/// time) in nanoseconds, arrivals in order: the exact sample path, whatever the laws (Lindley, "The theory of queues
/// with a single server", Mathematical Proceedings of the Cambridge Philosophical Society 48, 1952).
pub fn lindley(requests: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
    let mut free = 0;
    requests
        .map(|(arrival, service)| {
            free = arrival.max(free) + service;
            free - arrival
        })
        .collect()
}

/// The quantile `q` of latency when a server that else answers at once freezes for `freeze` of every `period`, both in
/// the unit of the answer: for uniform open arrivals P(latency > x) = (freeze - x) / period, so the quantile is freeze
/// - (1 - q) period, and 0 for those that meet no freeze.
pub fn freeze_quantile(q: f64, freeze: f64, period: f64) -> f64 {
    (freeze - (1.0 - q) * period).max(0.0)
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, Exp1};

    use super::*;
    use crate::statistics::resample::dice;

    const SECOND: f64 = 1e9;

    /// Responses, in seconds, to 200,000 Poisson arrivals of 600 a second at a server of 1,000 a second.
    fn simulated(service: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut random = dice(17);
        let mut clock = 0.0;
        let requests = (0..200_000).map(|_| {
            let gap: f64 = Exp1.sample(&mut random);
            clock += gap / 600.0;
            let seconds = service(Exp1.sample(&mut random)) / 1_000.0;
            ((clock * SECOND) as u64, (seconds * SECOND) as u64)
        });
        let responses = lindley(requests);
        responses.iter().map(|&ns| ns as f64 / SECOND).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn assert_close(measured: f64, truth: f64, share: f64) {
        assert!(
            (measured / truth - 1.0).abs() < share,
            "{measured} for {truth}"
        );
    }

    #[test]
    fn the_sample_path_of_three() {
        let requests = [(100, 50), (110, 50), (400, 7)];
        assert_eq!(lindley(requests.into_iter()), [50, 90, 7]);
    }

    #[test]
    fn constant_service_agrees_with_pollaczek_and_khinchine() {
        assert!((md1_mean_wait(600.0, 0.001) - 0.000_75).abs() < 1e-12);
        let responses = simulated(|_| 1.0);
        assert_close(mean(&responses) - 0.001, md1_mean_wait(600.0, 0.001), 0.02);
    }

    #[test]
    fn exponential_service_agrees_with_the_formulas() {
        assert!((mm1_mean_response(600.0, 1_000.0) - 0.0025).abs() < 1e-12);
        let mut responses = simulated(|exponential| exponential);
        assert_close(mean(&responses), 0.0025, 0.03);
        responses.sort_by(f64::total_cmp);
        for q in [0.5, 0.9, 0.99] {
            let measured = responses[(q * responses.len() as f64) as usize];
            assert_close(measured, mm1_response_quantile(q, 600.0, 1_000.0), 0.05);
        }
    }

    #[test]
    fn an_overloaded_server_has_no_mean() {
        assert!(md1_mean_wait(1_000.0, 0.001).is_infinite());
        assert!(mm1_mean_response(2.0, 1.0).is_infinite());
    }

    /// The reference of the freeze test, and the law itself on a sample path: one freeze is one long service.
    #[test]
    fn the_freeze_law() {
        for (q, milliseconds) in [(0.85, 0.0), (0.9, 500.0), (0.95, 1_000.0), (0.99, 1_400.0)] {
            assert!((freeze_quantile(q, 1_500.0, 10_000.0) - milliseconds).abs() < 1e-9);
        }
        assert!(freeze_quantile(0.5, 1_500.0, 10_000.0).abs() < 1e-12);
        // Arrivals each millisecond; whoever comes first in a period meets a freeze of 1,500 ms.
        let requests = (0..40_000_u64).map(|ms| (ms, if ms % 10_000 == 0 { 1_500 } else { 0 }));
        let mut responses = lindley(requests);
        responses.sort_unstable();
        for q in [0.9, 0.95, 0.99] {
            let measured = responses[(q * responses.len() as f64) as usize] as f64;
            // To the distance of two arrivals.
            assert!((measured - freeze_quantile(q, 1_500.0, 10_000.0)).abs() < 1.5);
        }
    }
}
