//! `summary.json`, the same as `pushlab run --json` prints: medians over the trials, and comparisons of the arms.
//!
//! The trial is the unit: a figure of an arm is the median of its trials' figures, shown with the least and the greatest
//! of them. Two arms are told apart only if these ranges don't touch; else it says "no difference seen".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::manifest::{Manifest, SCHEMA_VERSION, Status};
use crate::measurement::Outcome;
use crate::rows::RunRow;
use crate::verdict::Verdict;

/// Fewest trials of each arm that a comparison asks for.
pub const LEAST_TRIALS: usize = 3;

/// What a run showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the format.
    pub schema_version: u32,
    /// The result folder's name.
    pub folder: String,
    /// How the run ended.
    pub status: Status,
    /// Whether it was cut short for a quick look.
    pub quick: bool,
    /// The scenario's name.
    pub scenario: String,
    /// Its kind.
    pub kind: String,
    /// Its question.
    pub question: String,
    /// Trials wanted, an arm.
    pub trials: u32,
    /// The seed.
    pub seed: u64,
    /// Which latency `latency_*` is: `response`, `delivery-age` or, for idle, `connect`.
    pub latency: String,
    /// Each arm, in the order of the scenario.
    pub arms: Vec<Arm>,
    /// Each pair of arms, for each metric that is compared.
    pub comparisons: Vec<Comparison>,
}

/// What one arm showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The transport's name.
    pub arm: String,
    /// Whether every trial is valid. If not, the metrics are of the completed ones and the arm is not compared.
    pub ranked: bool,
    /// Each trial, in order.
    pub trials: Vec<Trial>,
    /// Each metric that has values, by name; the unit is in the name.
    pub metrics: BTreeMap<String, Spread>,
}

/// How one trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The trial, from 1.
    pub trial: u32,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Whether it may be believed.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// All errors of it.
    pub errors: u64,
    /// `kind=count; …`
    pub errors_by_kind: String,
}

/// A metric over the trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median over the trials.
    pub median: f64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Trial by trial; null where there is none.
    pub values: Vec<Option<f64>>,
}

/// One metric of two arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The metric.
    pub metric: String,
    /// One arm.
    pub a: String,
    /// The other.
    pub b: String,
    /// Median of `b` over median of `a`; null if that of `a` is 0.
    pub ratio: Option<f64>,
    /// What may be said.
    pub finding: Finding,
}

/// What may be said about two arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Every trial of `b` lies below every trial of `a`.
    Lower,
    /// Every trial of `b` lies above every trial of `a`.
    Higher,
    /// The ranges overlap.
    NoDifferenceSeen,
    /// Fewer than [`LEAST_TRIALS`] of one of them.
    TooFewTrials,
}

/// A metric: its name with the unit, whether arms are compared by it, and where it comes from.
struct Metric {
    name: &'static str,
    compared: bool,
    of: fn(&RunRow) -> Option<f64>,
}

/// All metrics of a summary, in one visible list.
const METRICS: [Metric; 34] = [
    metric("latency_p50_ns", true, |row| {
        Some(row.headline()?.p50_ns as f64)
    }),
    metric("latency_p90_ns", false, |row| {
        Some(row.headline()?.p90_ns as f64)
    }),
    metric("latency_p99_ns", true, |row| {
        Some(row.headline()?.p99_ns as f64)
    }),
    metric("latency_p999_ns", false, |row| {
        Some(row.headline()?.p999_ns as f64)
    }),
    metric("latency_max_ns", false, |row| {
        Some(row.headline()?.max_ns as f64)
    }),
    metric("latency_mean_ns", false, |row| {
        Some(row.headline()?.mean_ns)
    }),
    metric("fanout_last_p50_ns", false, |row| {
        Some(row.latency(crate::Which::FanoutLast)?.p50_ns as f64)
    }),
    metric("service_p50_ns", false, |row| {
        Some(row.latency(crate::Which::Service)?.p50_ns as f64)
    }),
    metric("service_p99_ns", false, |row| {
        Some(row.latency(crate::Which::Service)?.p99_ns as f64)
    }),
    metric("connect_p50_ns", false, |row| {
        Some(row.connect?.p50_ns as f64)
    }),
    metric("connect_max_ns", false, |row| {
        Some(row.connect?.max_ns as f64)
    }),
    metric("messages_per_s", true, RunRow::messages_per_s),
    metric("connections_alive", false, |row| {
        Some(row.connections_alive as f64)
    }),
    metric("expected", false, |row| Some(row.delivery?.expected as f64)),
    metric("delivered", false, |row| {
        Some(row.delivery?.delivered as f64)
    }),
    metric("lost", false, |row| Some(row.delivery?.lost as f64)),
    metric("duplicated", false, |row| {
        Some(row.delivery?.duplicated as f64)
    }),
    metric("reordered", false, |row| {
        Some(row.delivery?.reordered as f64)
    }),
    metric("gap_missed", false, |row| {
        Some(row.delivery?.gap_missed as f64)
    }),
    metric("corrupted", false, |row| {
        Some(row.delivery?.corrupted as f64)
    }),
    metric("misrouted", false, |row| {
        Some(row.delivery?.misrouted as f64)
    }),
    metric("censored", false, |row| Some(row.counts.censored as f64)),
    metric("errors", false, |row| Some(row.errors as f64)),
    metric(
        "wire_bytes_per_message",
        true,
        RunRow::wire_bytes_per_message,
    ),
    metric("requests_per_message", false, RunRow::requests_per_message),
    metric(
        "server_cpu_us_per_message",
        true,
        RunRow::server_cpu_us_per_message,
    ),
    metric(
        "generator_cpu_us_per_message",
        false,
        RunRow::generator_cpu_us_per_message,
    ),
    metric("generator_load", false, |row| {
        (row.measured_s > 0.0).then(|| row.usage.generator.load())
    }),
    metric("server_rss_bytes", false, |row| {
        Some(row.usage.server?.rss_bytes as f64)
    }),
    metric("server_bytes_per_connection", true, |row| {
        row.usage.memory.server_bytes_per_connection()
    }),
    metric("kernel_bytes_per_connection", false, |row| {
        row.usage.memory.kernel_bytes_per_connection()
    }),
    metric("slip_p50_ns", false, |row| Some(row.slip?.p50_ns as f64)),
    metric("slip_p99_ns", false, |row| Some(row.slip?.p99_ns as f64)),
    metric("slip_max_ns", false, |row| Some(row.slip?.max_ns as f64)),
];

/// The names of all metrics.
#[cfg(test)]
pub(crate) fn metrics() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|metric| metric.name)
}

const fn metric(name: &'static str, compared: bool, of: fn(&RunRow) -> Option<f64>) -> Metric {
    Metric { name, compared, of }
}

impl Summary {
    /// Of the cases that were run, each a row with its verdict in full.
    pub fn of(folder: &str, manifest: &Manifest, cases: &[(RunRow, Verdict)]) -> Self {
        let run = &manifest.run;
        let mut names = run.arms.clone();
        for (row, _) in cases {
            if !names.contains(&row.key.arm) {
                names.push(row.key.arm.clone());
            }
        }
        let arms: Vec<Arm> = names.iter().map(|name| Arm::of(name, cases)).collect();
        let latency = cases.first().map_or("response", |(row, _)| {
            if row.key.kind == "idle" {
                "connect"
            } else {
                row.key.headline().name()
            }
        });
        Self {
            schema_version: SCHEMA_VERSION,
            folder: folder.to_owned(),
            status: manifest.status,
            quick: run.quick,
            scenario: run.scenario.clone(),
            kind: run.kind.clone(),
            question: run.question.clone(),
            trials: run.trials,
            seed: run.seed,
            latency: latency.to_owned(),
            comparisons: compare(&arms),
            arms,
        }
    }

    /// The arm of that name.
    pub fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.arm == name)
    }
}

impl Arm {
    /// The metric's median over the trials.
    pub fn median(&self, metric: &str) -> Option<f64> {
        self.metrics.get(metric).map(|spread| spread.median)
    }

    fn of(name: &str, cases: &[(RunRow, Verdict)]) -> Self {
        let mut own: Vec<&(RunRow, Verdict)> = cases
            .iter()
            .filter(|(row, _)| row.key.arm == name)
            .collect();
        own.sort_by_key(|(row, _)| row.key.trial);
        let trials = own.iter().map(|(row, verdict)| Trial {
            trial: row.key.trial,
            outcome: row.outcome.clone(),
            verdict: verdict.clone(),
            errors: row.errors,
            errors_by_kind: row.errors_by_kind.clone(),
        });
        let metrics = METRICS.iter().filter_map(|metric| {
            let value = |(row, _): &&(RunRow, Verdict)| {
                (row.outcome == Outcome::Completed)
                    .then(|| (metric.of)(row))
                    .flatten()
                    .filter(|value| value.is_finite())
            };
            Some((
                metric.name.to_owned(),
                Spread::of(own.iter().map(value).collect())?,
            ))
        });
        Self {
            arm: name.to_owned(),
            ranked: !own.is_empty() && own.iter().all(|(_, verdict)| verdict.is_valid()),
            trials: trials.collect(),
            metrics: metrics.collect(),
        }
    }
}

impl Spread {
    /// None without a value.
    fn of(values: Vec<Option<f64>>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self {
            median,
            min,
            max,
            values,
        })
    }

    fn count(&self) -> usize {
        self.values.iter().flatten().count()
    }
}

fn compare(arms: &[Arm]) -> Vec<Comparison> {
    let ranked: Vec<&Arm> = arms.iter().filter(|arm| arm.ranked).collect();
    let mut comparisons = Vec::new();
    for metric in METRICS.iter().filter(|metric| metric.compared) {
        for (index, a) in ranked.iter().enumerate() {
            for b in &ranked[index + 1..] {
                let (Some(of_a), Some(of_b)) =
                    (a.metrics.get(metric.name), b.metrics.get(metric.name))
                else {
                    continue;
                };
                comparisons.push(Comparison {
                    metric: metric.name.to_owned(),
                    a: a.arm.clone(),
                    b: b.arm.clone(),
                    ratio: (of_a.median != 0.0).then(|| of_b.median / of_a.median),
                    finding: find(of_a, of_b),
                });
            }
        }
    }
    comparisons
}

fn find(a: &Spread, b: &Spread) -> Finding {
    if a.count().min(b.count()) < LEAST_TRIALS {
        Finding::TooFewTrials
    } else if b.max < a.min {
        Finding::Lower
    } else if b.min > a.max {
        Finding::Higher
    } else {
        Finding::NoDifferenceSeen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::RunInfo;
    use crate::{Key, Measurement, Recorder, Stamp};

    fn case(arm: &str, trial: u32, latency: u64, verdict: Verdict) -> (RunRow, Verdict) {
        let mut recorder = Recorder::new(0);
        recorder.answer(Stamp {
            intended: 0,
            sent: 0,
            received: latency,
        });
        let mut measurement = Measurement::new(Key::new("s", "echo", arm, trial, 1));
        measurement.latencies = recorder.finish(1_000_000_000);
        measurement.verdict = verdict.clone();
        (RunRow::of(&measurement), verdict)
    }

    fn summary(cases: &[(RunRow, Verdict)]) -> Summary {
        let run = RunInfo {
            arms: vec!["slow".into(), "fast".into()],
            ..RunInfo::default()
        };
        Summary::of("folder", &Manifest::new(run), cases)
    }

    fn finding(summary: &Summary) -> Option<Finding> {
        summary
            .comparisons
            .iter()
            .find(|one| one.metric == "latency_p50_ns")
            .map(|one| one.finding)
    }

    #[test]
    fn arms_are_told_apart_only_if_all_trials_agree() {
        let mut cases = Vec::new();
        for trial in 1..=3 {
            cases.push(case("fast", trial, 1000 + u64::from(trial), Verdict::Valid));
            cases.push(case(
                "slow",
                trial,
                2000 - u64::from(trial) * 100,
                Verdict::Valid,
            ));
        }
        let told = summary(&cases);
        assert_eq!(finding(&told), Some(Finding::Lower));
        assert_eq!(told.arms[0].arm, "slow");
        assert_eq!(
            told.arm("fast").unwrap().median("latency_p50_ns"),
            Some(1002.0)
        );

        assert_eq!(finding(&summary(&cases[..4])), Some(Finding::TooFewTrials));

        cases[1] = case("slow", 1, 1002, Verdict::Valid);
        assert_eq!(finding(&summary(&cases)), Some(Finding::NoDifferenceSeen));
    }

    #[test]
    fn an_invalid_arm_is_shown_and_not_compared() {
        let broken = Verdict::Invalid { breaches: vec![] };
        let cases = [
            case("fast", 1, 1000, broken),
            case("slow", 1, 2000, Verdict::Valid),
        ];
        let told = summary(&cases);
        assert!(!told.arm("fast").unwrap().ranked);
        assert!(told.arm("fast").unwrap().median("latency_p50_ns").is_some());
        assert!(told.comparisons.is_empty());
    }

    #[test]
    fn survives_json() {
        let told = summary(&[case(
            "fast",
            1,
            1000,
            Verdict::Inconclusive { reason: "r".into() },
        )]);
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), told);
    }
}
