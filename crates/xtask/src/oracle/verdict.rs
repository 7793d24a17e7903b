//! What is compared with what, and when two agree.
//!
//! Only like is compared with like: a latency from when a request was due with such a one, a latency
//! from when it was sent with such a one; and at full speed, where a latency is first of all the
//! number of connections over the rate that generator and server came to, the mean relative to that:
//! how latencies scatter around it is the order in which a generator serves its connections.

use super::arm::{Arm, Mode, Sample};
use crate::foreign::{Generator, Latency};
use crate::lab::median;

/// One line of a mode's table.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Nanoseconds, medians over the repeats.
    pub(crate) latency: Latency,
    pub(crate) per_second: f64,
    pub(crate) per_cpu_second: f64,
    /// Another generator beside pushlab; nothing for pushlab itself.
    pub(crate) compared: Option<Compared>,
}

/// Another generator's figures beside pushlab's.
pub(crate) struct Compared {
    /// Which of pushlab's lines.
    pub(crate) with: &'static str,
    /// By percentile, in the order of [`PERCENTILES`].
    pub(crate) percentiles: [Ratio; 3],
    /// The same against what it may be at least, where it is of the kind of neither of pushlab's lines but between them.
    pub(crate) least: Option<[Ratio; 3]>,
    /// Of the mean; at full speed it is judged in place of the percentiles.
    pub(crate) mean: Option<Ratio>,
    /// By how much they may differ, whatever share that is, nanoseconds.
    pub(crate) slack: f64,
    /// By what share the mean may be less at full speed, beside what it may differ either way.
    pub(crate) idle: f64,
}

/// The medians, over the repeats, of one percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Theirs over pushlab's.
    pub(crate) ratio: f64,
    /// Theirs less pushlab's, nanoseconds.
    pub(crate) difference: f64,
}

/// A percentile that is judged.
pub(crate) struct Percentile {
    pub(crate) name: &'static str,
    of: fn(&Latency) -> f64,
    /// By what share two may differ.
    share: f64,
}

/// The percentiles that are judged. The farther out, the fewer samples stand behind one: of 2,500
/// requests, 25 are beyond the 99th.
pub(crate) const PERCENTILES: [Percentile; 3] = [
    Percentile {
        name: "p50",
        of: |latency| latency.p50,
        share: 0.15,
    },
    Percentile {
        name: "p90",
        of: |latency| latency.p90,
        share: 0.15,
    },
    Percentile {
        name: "p99",
        of: |latency| latency.p99,
        share: 0.30,
    },
];

/// What is judged at full speed: by Little's law connections over rate, whatever order they are served in.
const MEAN: Percentile = Percentile {
    name: "mean",
    of: |latency| latency.mean,
    share: 0.05,
};

/// The share of a connection's time in which a generator at full speed may have nothing under way on it. wrk records an answer as soon as
/// it is read, but writes the connection's next request (and starts its clock) in the next turn of its loop, after every other answer of
/// this one: the mean times the rate is less than the connections by that.
fn idle_share(generator: Generator) -> f64 {
    match generator {
        Generator::Wrk => 0.20,
        Generator::Oha | Generator::OhaCorrected => 0.0,
    }
}

/// By how much two may differ whatever share that is, nanoseconds: what a wake-up of a sleeping CPU
/// costs, which one generator's way of waiting has in its path and another's doesn't.
pub(crate) const SLACK: f64 = 30_000.0;

/// CPU time of each other generator for a request, nanoseconds.
pub(crate) fn costs(mode: Mode, samples: &[Vec<Sample>]) -> Vec<(Generator, f64)> {
    let arms = mode.arms().iter().zip(samples);
    let costs = arms.filter_map(|(arm, samples)| match arm {
        Arm::Pushlab => None,
        Arm::Foreign(generator) => Some((*generator, cost(samples))),
    });
    costs.collect()
}

fn cost(samples: &[Sample]) -> f64 {
    let costs: Vec<f64> = samples
        .iter()
        .map(|sample| 1e9 / sample.per_cpu_second)
        .collect();
    median(&costs)
}

/// What a generator's own work may add, nanoseconds: a wake-up, and in an open loop by how much more CPU time a request costs it there than in a
/// closed one, back to back. Between requests its code and data leave the caches, and what it does until it sees an answer takes longer.
fn slack(mode: Mode, generator: Generator, samples: &[Sample], alone: &[(Generator, f64)]) -> f64 {
    let Mode::Open { .. } = mode else {
        return SLACK;
    };
    let own = match generator {
        Generator::OhaCorrected => Generator::Oha,
        other => other,
    };
    let warm = alone.iter().find(|(other, _)| *other == own);
    SLACK + warm.map_or(0.0, |(_, warm)| (cost(samples) - warm).max(0.0))
}

/// The lines of a mode; `samples` are by arm, in the order of [`Mode::arms`], pushlab's first.
/// `alone` are the costs of a request in the closed loop of one connection.
pub(crate) fn lines(mode: Mode, samples: &[Vec<Sample>], alone: &[(Generator, f64)]) -> Vec<Line> {
    let Some(ours) = samples.first() else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (&arm, samples) in mode.arms().iter().zip(samples) {
        match (arm, mode) {
            (Arm::Pushlab, Mode::Open { .. }) => {
                lines.push(line(RESPONSE, samples, response, None));
                lines.push(line(SERVICE, samples, service, None));
            }
            (Arm::Pushlab, _) => lines.push(line(PUSHLAB, samples, response, None)),
            (Arm::Foreign(generator), _) => {
                let (with, which) = counterpart(mode, generator);
                let ratios = |own: fn(&Sample) -> Latency| {
                    PERCENTILES.map(|percentile| {
                        let pairs = ours.iter().zip(samples).map(|(ours, theirs)| {
                            let scale = scale(mode, ours, theirs);
                            let theirs = (percentile.of)(&which(theirs)) * scale;
                            ((percentile.of)(&own(ours)), theirs)
                        });
                        ratio(&pairs.collect::<Vec<_>>())
                    })
                };
                let leaves_lateness_out = generator == Generator::OhaCorrected;
                let compared = Compared {
                    with,
                    percentiles: ratios(which),
                    // Its clock starts when its timer woke: behind when the request was due, before it was sent.
                    least: leaves_lateness_out.then(|| ratios(service)),
                    mean: matches!(mode, Mode::Full { .. }).then(|| {
                        let pairs = ours.iter().zip(samples).map(|(ours, theirs)| {
                            let scale = scale(mode, ours, theirs);
                            (which(ours).mean, which(theirs).mean * scale)
                        });
                        ratio(&pairs.collect::<Vec<_>>())
                    }),
                    slack: slack(mode, generator, samples, alone),
                    idle: idle_share(generator),
                };
                lines.push(line(&arm.to_string(), samples, which, Some(compared)));
            }
        }
    }
    lines
}

impl Line {
    /// What does not agree, in words.
    pub(crate) fn disagreements(&self) -> impl Iterator<Item = String> {
        let compared = self.compared.iter();
        compared.flat_map(move |compared| {
            let judged: Vec<(&Percentile, &Ratio)> = match &compared.mean {
                Some(mean) => vec![(&MEAN, mean)],
                None => PERCENTILES.iter().zip(&compared.percentiles).collect(),
            };
            let slack = compared.slack;
            let may_idle = compared.mean.is_some();
            let idle = if may_idle { compared.idle } else { 0.0 };
            let bad =
                judged
                    .into_iter()
                    .enumerate()
                    .filter(move |(number, (percentile, ratio))| {
                        let is_idle = ratio.ratio < 1.0 && ratio.ratio >= 1.0 - idle;
                        let least = compared.least.as_ref().map(|least| &least[*number]);
                        let is_between =
                            least.is_some_and(|least| least.ratio >= 1.0 && ratio.ratio <= 1.0);
                        let agrees = |ratio: &Ratio| ratio.agrees(percentile.share, slack);
                        !is_idle && !is_between && !agrees(ratio) && !least.is_some_and(agrees)
                    });
            bad.map(move |(_, (percentile, ratio))| {
                format!(
                    "{} of {} is {:.2} of {} ({:+.0} us); {:.0} % or {:.0} us would agree",
                    percentile.name,
                    self.name,
                    ratio.ratio,
                    compared.with,
                    ratio.difference / 1e3,
                    percentile.share * 100.0,
                    slack / 1e3
                )
            })
        })
    }
}

impl Ratio {
    fn agrees(self, share: f64, slack: f64) -> bool {
        // The same share either way: 1.15 and 1/1.15.
        self.ratio.ln().abs() <= share.ln_1p() || self.difference.abs() <= slack
    }
}

const PUSHLAB: &str = "pushlab";
const RESPONSE: &str = "pushlab, response";
const SERVICE: &str = "pushlab, service";

fn response(sample: &Sample) -> Latency {
    sample.response
}

fn service(sample: &Sample) -> Latency {
    sample.service
}

/// Which of pushlab's two latencies another generator's is, if it is right.
fn counterpart(mode: Mode, generator: Generator) -> (&'static str, fn(&Sample) -> Latency) {
    match (mode, generator) {
        (Mode::Open { .. }, Generator::OhaCorrected) => (RESPONSE, response),
        (Mode::Open { .. }, _) => (SERVICE, service),
        _ => (PUSHLAB, response),
    }
}

/// What turns their latency into what it would be at our rate. It is a factor only at full speed, where
/// Little's law makes connections over rate of a latency, and the connections are the same.
fn scale(mode: Mode, ours: &Sample, theirs: &Sample) -> f64 {
    match mode {
        Mode::Full { .. } => theirs.per_second / ours.per_second,
        Mode::Alone | Mode::Open { .. } => 1.0,
    }
}

/// Of ours and theirs, repeat by repeat.
fn ratio(pairs: &[(f64, f64)]) -> Ratio {
    let of = |value: fn(&(f64, f64)) -> f64| {
        let values: Vec<f64> = pairs.iter().map(value).collect();
        median(&values)
    };
    Ratio {
        ratio: of(|(ours, theirs)| theirs / ours),
        difference: of(|(ours, theirs)| theirs - ours),
    }
}

fn line(
    name: &str,
    samples: &[Sample],
    which: fn(&Sample) -> Latency,
    compared: Option<Compared>,
) -> Line {
    let of = |value: &dyn Fn(&Sample) -> f64| {
        let values: Vec<f64> = samples.iter().map(value).collect();
        median(&values)
    };
    Line {
        name: name.to_owned(),
        latency: Latency {
            mean: of(&|sample| which(sample).mean),
            p50: of(&|sample| which(sample).p50),
            p90: of(&|sample| which(sample).p90),
            p99: of(&|sample| which(sample).p99),
            p999: of(&|sample| which(sample).p999),
            max: of(&|sample| which(sample).max),
        },
        per_second: of(&|sample| sample.per_second),
        per_cpu_second: of(&|sample| sample.per_cpu_second),
        compared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(response: f64, service: f64, per_second: f64) -> Sample {
        let latency = |p50| Latency {
            mean: p50,
            p50,
            p90: 2.0 * p50,
            p99: 3.0 * p50,
            ..Latency::default()
        };
        Sample {
            response: latency(response),
            service: latency(service),
            per_second,
            per_cpu_second: 1.0,
        }
    }

    const OPEN: Mode = Mode::Open {
        connections: 50,
        rate: 500,
    };

    #[test]
    fn like_is_compared_with_like() {
        let ours = vec![sample(1e6, 1e5, 500.0)];
        let (corrected, plain) = (sample(1e6, 1e6, 500.0), sample(1e5, 1e5, 500.0));
        let lines = lines(OPEN, &[ours, vec![corrected], vec![plain]], &[]);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.disagreements().count() == 0));
        let crossed = super::lines(
            OPEN,
            &[vec![sample(1e6, 1e5, 500.0)], vec![plain], vec![corrected]],
            &[],
        );
        assert_eq!(crossed[3].disagreements().count(), 3);
        assert!(
            crossed[3]
                .disagreements()
                .all(|what| what.contains(SERVICE))
        );
    }

    #[test]
    fn what_starts_its_clock_between_due_and_sent_lies_between() {
        let judged = |corrected: f64| {
            let (ours, plain) = (sample(1e6, 1e5, 500.0), sample(1e5, 1e5, 500.0));
            let corrected = sample(corrected, corrected, 500.0);
            let lines = lines(OPEN, &[vec![ours], vec![corrected], vec![plain]], &[]);
            lines[2].disagreements().count()
        };
        assert_eq!([1e5, 5e5, 1e6].map(judged), [0, 0, 0]);
        assert_eq!([4e4, 2e6].map(judged), [3, 3]);
    }

    #[test]
    fn agreement_is_a_share_or_a_wake_up() {
        let ratio = |ratio, difference| Ratio { ratio, difference };
        assert!(ratio(1.149, 1e6).agrees(0.15, SLACK) && ratio(0.87, -1e6).agrees(0.15, SLACK));
        assert!(!ratio(1.16, 1e6).agrees(0.15, SLACK) && !ratio(0.86, -1e6).agrees(0.15, SLACK));
        assert!(
            ratio(3.0, 29_000.0).agrees(0.15, SLACK) && ratio(0.3, -29_000.0).agrees(0.15, SLACK)
        );
        assert!(!ratio(f64::NAN, f64::NAN).agrees(0.15, SLACK));
    }

    #[test]
    fn a_cold_generator_may_take_the_time_that_it_costs() {
        let cold = Sample {
            per_cpu_second: 1e9 / 72_000.0,
            ..sample(1.2e5, 1.2e5, 500.0)
        };
        let ours = || vec![sample(8e4, 8e4, 500.0)];
        let judged = |alone: &[(Generator, f64)]| {
            let lines = lines(OPEN, &[ours(), vec![cold], vec![cold]], alone);
            lines.iter().flat_map(Line::disagreements).count()
        };
        // 40 us more at the median: not a wake-up, but what 72 us of CPU time are more than 31.
        assert_eq!(judged(&[(Generator::Oha, 31_000.0)]), 4);
        assert_eq!(judged(&[(Generator::Oha, 72_000.0)]), 6);
    }

    #[test]
    fn at_full_speed_a_slower_generator_may_wait_longer() {
        let full = Mode::Full { connections: 50 };
        let slow = sample(1e6, 1e6, 50_000.0);
        let fast = sample(5e5, 5e5, 100_000.0);
        let same = lines(full, &[vec![slow], vec![fast], vec![fast]], &[]);
        assert!(same.iter().all(|line| line.disagreements().count() == 0));
        // Twice as fast, and as slow an answer: one of the two miscounts.
        let wrong = sample(1e6, 1e6, 100_000.0);
        let other = lines(full, &[vec![slow], vec![wrong], vec![fast]], &[]);
        assert_eq!(other[1].disagreements().count(), 1);
        // A sixth of the time without a request is what wrk's loop does; a third, or more than all of it, would be a mistake.
        let idling = |latency| {
            let idling = sample(latency, latency, 100_000.0);
            let lines = lines(full, &[vec![slow], vec![fast], vec![idling]], &[]);
            lines[2].disagreements().count()
        };
        assert_eq!(
            [idling(4.2e5), idling(3.3e5), idling(6.5e5)],
            [0, 1, 1],
            "wrk"
        );
    }

    #[test]
    fn a_ratio_is_the_median_of_the_repeats_ratios() {
        let ratio = ratio(&[(1.0, 2.0), (2.0, 2.0), (4.0, 6.0)]);
        let expected = Ratio {
            ratio: 1.5,
            difference: 1.0,
        };
        assert_eq!(ratio, expected);
    }
}
