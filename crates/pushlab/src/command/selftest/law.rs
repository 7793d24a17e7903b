//! The truths: formulas and sample paths that the lab's figures are compared with. The laws themselves are `measure::statistics`'.

use measure::statistics::queue;

/// The service times of a queue's customers, one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Service {
    /// All the same, nanoseconds.
    Constant(u64),
    /// Exponential with this mean, nanoseconds, drawn from the seed.
    Exponential(u64, u64),
}

impl Service {
    /// The service time of customer `number`, from 0, nanoseconds: the same for whoever asks.
    pub(super) fn of(self, number: u64) -> u64 {
        match self {
            Self::Constant(time) => time,
            Self::Exponential(mean, seed) => (exponential(seed, number) * mean as f64) as u64,
        }
    }

    pub(super) fn mean(self) -> u64 {
        match self {
            Self::Constant(mean) | Self::Exponential(mean, _) => mean,
        }
    }

    /// The mean response time of a queue with one server, Poisson arrivals at `rate` a second and this service, in nanoseconds:
    /// M/D/1 or M/M/1.
    pub(super) fn mean_response(self, rate: f64) -> f64 {
        let mean = self.mean() as f64 / 1e9;
        1e9 * match self {
            Self::Constant(_) => mean + queue::md1_mean_wait(rate, mean),
            Self::Exponential(..) => queue::mm1_mean_response(rate, 1.0 / mean),
        }
    }

    /// How far the mean response of a run of `count` arrivals from an empty queue may be from the formula by chance: the distance that
    /// 99.9 % of `runs` simulated ones keep, in nanoseconds.
    pub(super) fn sampling_error(self, rate: f64, count: u64, runs: u64) -> f64 {
        let truth = self.mean_response(rate);
        let run = |run: u64| {
            let (gaps, services) = (SEED ^ (2 * run), SEED ^ (2 * run + 1));
            let service = match self {
                Self::Constant(time) => Self::Constant(time),
                Self::Exponential(mean, _) => Self::Exponential(mean, services),
            };
            let (mut at, mut free, mut sum) = (0.0_f64, 0.0_f64, 0.0_f64);
            for customer in 0..count {
                at += exponential(gaps, customer) * 1e9 / rate;
                free = free.max(at) + service.of(customer) as f64;
                sum += free - at;
            }
            (sum / count as f64 - truth).abs()
        };
        let mut distances: Vec<f64> = (0..runs).map(run).collect();
        distances.sort_by(f64::total_cmp);
        quantile(&distances, 0.999).unwrap_or(f64::NAN)
    }
}

/// The response times of a queue with one server for `arrivals` in nanoseconds, in order.
pub(super) fn path(arrivals: &[u64], service: Service) -> Vec<u64> {
    let request = |(number, &at): (usize, &u64)| (at, service.of(number as u64));
    queue::lindley(arrivals.iter().enumerate().map(request))
}

/// The smallest of the sorted `values` that at least this share of them doesn't exceed; none of none.
pub(super) fn quantile<T: Copy>(values: &[T], quantile: f64) -> Option<T> {
    let rank = (quantile * values.len() as f64).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied()
}

/// A difference with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) mean: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Difference {
    /// Of samples that come in pairs (Student's t over the differences).
    pub(super) fn paired(differences: &[f64], confidence: f64) -> Self {
        let (mean, variance, count) = moments(differences);
        Self::around(mean, (variance / count).sqrt(), count - 1.0, confidence)
    }

    pub(super) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn around(mean: f64, error: f64, freedom: f64, confidence: f64) -> Self {
        let reach = student(freedom, confidence) * error;
        Self {
            mean,
            low: mean - reach,
            high: mean + reach,
        }
    }
}

/// Mean, variance of the sample, and count.
fn moments(values: &[f64]) -> (f64, f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0), count)
}

/// The t that a share `confidence` of Student's distribution lies within, on both sides of 0, to four digits: its density is integrated
/// (Simpson) until that share is reached.
fn student(freedom: f64, confidence: f64) -> f64 {
    /// Pairs of steps from 0 to a right angle.
    const PAIRS: u32 = 1000;
    if !freedom.is_finite() || freedom <= 0.0 {
        return f64::NAN;
    }
    // With t = sqrt(freedom) tan(angle) the density becomes a power of a cosine on a bounded interval.
    let step = std::f64::consts::FRAC_PI_4 / f64::from(PAIRS);
    let density = |steps: u32| (f64::from(steps) * step).cos().powf(freedom - 1.0);
    let areas: Vec<f64> = (0..PAIRS)
        .map(|pair| density(2 * pair) + 4.0 * density(2 * pair + 1) + density(2 * pair + 2))
        .collect();
    let wanted = confidence * areas.iter().sum::<f64>();
    let (mut below, mut pairs) = (0.0, 0.0);
    for area in areas {
        if below + area >= wanted {
            pairs += (wanted - below) / area;
            break;
        }
        below += area;
        pairs += 1.0;
    }
    freedom.sqrt() * (2.0 * pairs * step).tan()
}

/// A draw from the exponential distribution with mean 1: the same for the same seed and number.
fn exponential(seed: u64, number: u64) -> f64 {
    let bits = uniform(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    -(((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64).ln()
}

/// Evenly distributed bits for a number: the output step of `SplitMix64` (Steele, Lea, Flood 2014).
pub(super) fn uniform(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Of the simulated runs.
const SEED: u64 = 0x7075_7368_6c61_6200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_meet_their_formulas() {
        for service in [
            Service::Constant(1_000_000),
            Service::Exponential(1_000_000, 5),
        ] {
            let mut at = 0.0;
            let arrivals: Vec<u64> = (0..400_000)
                .map(|number| {
                    at += exponential(3, number) * 1e9 / 600.0;
                    at as u64
                })
                .collect();
            let responses = path(&arrivals, service);
            let mean = responses.iter().sum::<u64>() as f64 / responses.len() as f64;
            let truth = service.mean_response(600.0);
            assert!(
                (mean / truth - 1.0).abs() < 0.03,
                "{service:?}: {mean} {truth}"
            );
            let (few, many) = (
                service.sampling_error(600.0, 500, 200),
                service.sampling_error(600.0, 5000, 200),
            );
            assert!(many < few && few < truth, "{few} {many}");
        }
        let formula = |service: Service| service.mean_response(600.0).round() as u64;
        assert_eq!(formula(Service::Constant(1_000_000)), 1_750_000);
        assert_eq!(formula(Service::Exponential(1_000_000, 1)), 2_500_000);
        assert_eq!(path(&[0, 1, 100], Service::Constant(10)), [10, 19, 10]);
    }

    #[test]
    fn bounds_and_quantiles_are_the_tables() {
        for (freedom, confidence, table) in [
            (1.0, 0.95, 12.706),
            (4.0, 0.95, 2.776),
            (9.0, 0.999, 4.781),
            (30.0, 0.99, 2.750),
        ] {
            let t = student(freedom, confidence);
            assert!((t - table).abs() < 0.001, "{freedom} {confidence}: {t}");
        }
        assert_eq!(quantile(&[1, 2, 3, 4], 0.5), Some(2));
        assert_eq!(
            (quantile(&[1, 2], 1.0), quantile::<u64>(&[], 0.5)),
            (Some(2), None)
        );
    }

    #[test]
    fn intervals_hold_what_they_should() {
        let paired = Difference::paired(&[1.0, 2.0, 3.0], 0.95);
        assert!(paired.holds(2.0) && paired.holds(4.0) && !paired.holds(5.0));
    }
}
