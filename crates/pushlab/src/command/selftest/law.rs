//! The truths: formulas and sample paths that the lab's figures are compared with.

/// A quantile of the latency that uniform open arrivals see when their server stands still for `stop` some times within a window:
/// P(latency > x) = freezes (stop - x) / window. In the unit of `stop` and `window`.
pub(super) fn freeze_quantile(quantile: f64, stop: f64, window: f64, freezes: usize) -> f64 {
    stop - (1.0 - quantile) * window / freezes as f64
}

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

    /// The mean response time of a queue with one server, Poisson arrivals at `rate` a second and this service, in nanoseconds
    /// (Pollaczek and Khinchine; Kleinrock, Queueing Systems I, 5.6): M/D/1 or M/M/1.
    pub(super) fn mean_response(self, rate: f64) -> f64 {
        let mean = self.mean() as f64;
        let load = rate * mean / 1e9;
        let waiting = load * mean / (1.0 - load);
        mean + match self {
            Self::Constant(_) => waiting / 2.0,
            Self::Exponential(..) => waiting,
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

/// The response times of a queue with one server (Lindley 1952) for `arrivals` in nanoseconds, in order.
pub(super) fn lindley(arrivals: &[u64], service: Service) -> Vec<u64> {
    let mut free = 0;
    let response = |(number, &at): (usize, &u64)| {
        free = free.max(at) + service.of(number as u64);
        free - at
    };
    arrivals.iter().enumerate().map(response).collect()
}

/// The smallest of the sorted `values` that at least this share of them doesn't exceed; none of none.
pub(super) fn quantile<T: Copy>(values: &[T], quantile: f64) -> Option<T> {
    let rank = (quantile * values.len() as f64).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied()
}

/// The greatest distance between the distribution of `gaps`, in seconds, and the exponential one at `rate` a second (Kolmogorov and Smirnov).
pub(super) fn exponential_distance(gaps: &mut [f64], rate: f64) -> f64 {
    gaps.sort_by(f64::total_cmp);
    let count = gaps.len() as f64;
    let distance = |(index, gap): (usize, &f64)| {
        let law = 1.0 - (-gap * rate).exp();
        let (below, above) = (index as f64 / count, (index as f64 + 1.0) / count);
        (law - below).max(above - law)
    };
    gaps.iter().enumerate().map(distance).fold(0.0, f64::max)
}

/// The distance that samples of a fully known law exceed in 1 % of cases (Kolmogorov's limit distribution, for more than 35 of them).
pub(super) fn distance_limit(count: usize) -> f64 {
    1.6276 / (count as f64).sqrt()
}

/// The least number that so many trials with this chance of success each exceed with a probability of at most `level`.
pub(super) fn binomial_bound(trials: u32, chance: f64, level: f64) -> u32 {
    let mut term = (1.0 - chance).powi(trials.cast_signed());
    let mut sum = term;
    let mut successes = 0;
    while 1.0 - sum > level && successes < trials {
        successes += 1;
        term *= f64::from(trials - successes + 1) / f64::from(successes) * chance / (1.0 - chance);
        sum += term;
    }
    successes
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

    /// Of the means of two independent samples (Welch 1947).
    pub(super) fn between(a: &[f64], b: &[f64], confidence: f64) -> Self {
        let ((mean_a, variance_a, count_a), (mean_b, variance_b, count_b)) =
            (moments(a), moments(b));
        let (a, b) = (variance_a / count_a, variance_b / count_b);
        let freedom = (a + b).powi(2) / (a * a / (count_a - 1.0) + b * b / (count_b - 1.0));
        Self::around(mean_b - mean_a, (a + b).sqrt(), freedom, confidence)
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
    fn the_reference_freeze_is_methods() {
        let law = |quantile| freeze_quantile(quantile, 1500.0, 44_000.0, 4).round() as u64;
        assert_eq!(
            [law(0.9), law(0.95), law(0.99), law(0.999)],
            [400, 950, 1390, 1489]
        );
    }

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
            let responses = lindley(&arrivals, service);
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
        assert_eq!(lindley(&[0, 1, 100], Service::Constant(10)), [10, 19, 10]);
    }

    #[test]
    fn distances_tell_laws_apart() {
        let mut right: Vec<f64> = (0..5000)
            .map(|number| exponential(9, number) / 100.0)
            .collect();
        let mut wrong: Vec<f64> = right.iter().map(|gap| gap.max(0.001)).collect();
        let limit = distance_limit(5000);
        assert!(exponential_distance(&mut right, 100.0) < limit);
        assert!(exponential_distance(&mut wrong, 100.0) > limit);
        assert!(exponential_distance(&mut right, 110.0) > limit);
    }

    #[test]
    fn bounds_and_quantiles_are_the_tables() {
        // From R: qbinom(0.999, 20, 0.05), qbinom(0.999, 40, 0.05).
        assert_eq!(
            (
                binomial_bound(20, 0.05, 0.001),
                binomial_bound(40, 0.05, 0.001)
            ),
            (5, 7)
        );
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
        let (a, b) = ([1.0, 2.0, 3.0, 2.0], [11.0, 12.0, 13.0, 12.0]);
        assert!(!Difference::between(&a, &b, 0.95).holds(0.0));
        assert!(Difference::between(&a, &a, 0.95).holds(0.0));
        assert!(
            !Difference::between(&[1.0], &[2.0], 0.95).holds(0.0),
            "one trial tells nothing"
        );
    }
}
