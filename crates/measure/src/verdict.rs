//! The guards that decide whether a measurement may be believed.
//!
//! A generator that was itself the bottleneck measured itself. Each guard compares one figure with one limit; what
//! breaks a limit voids the measurement, and the verdict says which figure it was.

use serde::{Deserialize, Serialize};

use crate::measurement::{Measurement, Outcome};

/// Whether a measurement may be believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// All guards held.
    Valid,
    /// At least one didn't: the figures stand, struck through, and are never ranked.
    Invalid {
        /// Which ones.
        breaches: Vec<Breach>,
    },
    /// There is not enough to judge.
    Inconclusive {
        /// Why.
        #[serde(rename = "verdict_reason")]
        reason: String,
    },
}

/// A limit that was broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// The guard's name.
    pub guard: String,
    /// What was measured.
    pub value: f64,
    /// What is allowed.
    pub limit: f64,
    /// The unit of both.
    pub unit: String,
}

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// Most of its core that the generator may need, intended spinning apart. Default 0.8.
    pub generator_load: f64,
    /// Open loop: the 99th percentile of the slip may be this share of the median of the latency in question. Default 0.05 …
    pub slip_share: f64,
    /// … or this long, nanoseconds, whichever is more. Default 100,000.
    pub slip_ns: u64,
    /// Open loop: the achieved rate may differ from the intended one by this share. Default 0.01.
    pub rate_error: f64,
    /// The mean number in flight may differ from throughput x time in flight by this share. Default 0.05.
    pub little_error: f64,
    /// Pauses of a process may take this share of the measured time. Default 0.01 …
    pub paused: f64,
    /// … or this long together, nanoseconds, whichever is more: one pause must not void a quick look. Default 20,000,000.
    pub paused_ns: u64,
    /// Fewer completed than this is not enough to judge. Default 50.
    pub least_samples: u64,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            generator_load: 0.8,
            slip_share: 0.05,
            slip_ns: 100_000,
            rate_error: 0.01,
            little_error: 0.05,
            paused: 0.01,
            paused_ns: 20_000_000,
            least_samples: 50,
        }
    }
}

impl Guards {
    /// Judges `measurement` by all guards that apply to it.
    pub fn judge(&self, measurement: &Measurement) -> Verdict {
        match &measurement.outcome {
            Outcome::Completed => {}
            Outcome::Interrupted => return inconclusive("it was interrupted"),
            Outcome::Failed { reason } => return inconclusive(format!("it failed: {reason}")),
        }
        if measurement.is_idle() {
            return verdict(self.pauses(measurement));
        }
        // A session that is gone sends nothing, and what it had in flight stays there: its doing, not the generator's. What the
        // generator needed and how late it was itself is judged as ever: a send that waits for its session is not late.
        let disturbed = is_disturbed(measurement);
        let mut breaches = Vec::new();
        breaches.extend(self.load(measurement));
        breaches.extend(self.slip(measurement));
        if !disturbed {
            breaches.extend(self.rate(measurement));
            breaches.extend(self.little(measurement));
        }
        breaches.extend(self.pauses(measurement));
        let completed = measurement.counts.completed + measurement.counts.censored;
        if breaches.is_empty() && completed < self.least_samples {
            return inconclusive(format!(
                "{completed} samples are fewer than {}",
                self.least_samples
            ));
        }
        verdict(breaches)
    }

    fn load(&self, measurement: &Measurement) -> Option<Breach> {
        let load = measurement.usage.generator.load();
        breach(
            "generator-cpu",
            load * 100.0,
            self.generator_load * 100.0,
            "%",
        )
    }

    fn slip(&self, measurement: &Measurement) -> Option<Breach> {
        let slip = measurement.slip?;
        let median = measurement
            .latencies
            .total(measurement.key.headline())
            .value_at_quantile(0.5);
        let limit = (self.slip_share * median as f64).max(self.slip_ns as f64);
        breach("slip-p99", slip.p99_ns as f64 / 1e3, limit / 1e3, "us")
    }

    fn rate(&self, measurement: &Measurement) -> Option<Breach> {
        measurement.intended_per_s?;
        let (intended, sent) = (
            measurement.counts.intended as f64,
            measurement.counts.sent as f64,
        );
        breach(
            "achieved-rate",
            (intended - sent).abs() / intended.max(1.0) * 100.0,
            self.rate_error * 100.0,
            "%",
        )
    }

    fn little(&self, measurement: &Measurement) -> Option<Breach> {
        let law = measurement.little?;
        breach(
            "littles-law",
            law.error() * 100.0,
            self.little_error * 100.0,
            "%",
        )
    }

    fn pauses(&self, measurement: &Measurement) -> Vec<Breach> {
        let wall = measurement.usage.generator.wall_ns.max(1) as f64;
        // A server that is frozen on purpose pauses; that the machine paused it as well can't be told apart.
        let faults = measurement.recovery.map_or(0, |recovery| recovery.faults);
        let server = measurement.server_pauses;
        let both = [
            ("pauses-generator", measurement.generator_pauses),
            ("pauses-server", server.filter(|_| faults == 0)),
        ];
        let limit = (self.paused * wall).max(self.paused_ns as f64);
        let check = |(guard, pauses): (&str, Option<crate::Pauses>)| {
            breach(guard, pauses?.total_ns as f64 / 1e6, limit / 1e6, "ms")
        };
        both.into_iter().filter_map(check).collect()
    }
}

impl Verdict {
    /// `valid`, `invalid` or `inconclusive`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid { .. } => "invalid",
            Self::Inconclusive { .. } => "inconclusive",
        }
    }

    /// The reasons in one line; empty for a valid one.
    pub fn reasons(&self) -> String {
        match self {
            Self::Valid => String::new(),
            Self::Invalid { breaches } => breaches
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
            Self::Inconclusive { reason } => reason.clone(),
        }
    }

    /// Whether the figures may be ranked.
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Valid)
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            guard,
            value,
            limit,
            unit,
        } = self;
        write!(f, "{guard} {value:.1} {unit} (limit {limit:.1} {unit})")
    }
}

/// A value that is not a number is a breach too: nothing was measured where something should have been.
fn breach(guard: &str, value: f64, limit: f64, unit: &str) -> Option<Breach> {
    let holds = value < limit;
    (!holds).then(|| Breach {
        guard: guard.to_owned(),
        value,
        limit,
        unit: unit.to_owned(),
    })
}

/// Whether sessions were gone for a while, by a fault or by themselves, and came back.
fn is_disturbed(measurement: &Measurement) -> bool {
    measurement
        .recovery
        .is_some_and(|recovery| recovery.is_disturbed())
}

fn verdict(breaches: Vec<Breach>) -> Verdict {
    if breaches.is_empty() {
        Verdict::Valid
    } else {
        Verdict::Invalid { breaches }
    }
}

fn inconclusive(reason: impl Into<String>) -> Verdict {
    Verdict::Inconclusive {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{Key, Little, Slip};
    use crate::{Pauses, Recorder, Stamp};

    fn good() -> Measurement {
        let mut recorder = Recorder::new(0);
        for sample in 0..1000_u64 {
            let sent = sample * 1_000_000;
            recorder.answer(Stamp {
                intended: sent,
                sent,
                received: sent + 1_000_000,
            });
        }
        let mut measurement = Measurement::new(Key::new("s", "echo", "a", 1, 1));
        measurement.latencies = recorder.finish(1_000_000_000);
        measurement.intended_per_s = Some(1000.0);
        measurement.counts.intended = 1000;
        measurement.counts.sent = 1000;
        measurement.counts.completed = 1000;
        measurement.usage.generator.wall_ns = 1_000_000_000;
        measurement.usage.generator.cpu_ns = 950_000_000;
        measurement.usage.generator.spin_ns = 800_000_000;
        measurement.slip = Some(Slip {
            p50_ns: 100,
            p99_ns: 99_000,
            max_ns: 500_000,
        });
        measurement.little = Some(Little {
            in_flight_mean: 1.0,
            throughput_times_stay: 1.01,
        });
        measurement.generator_pauses = Some(Pauses {
            count: 0,
            total_ns: 0,
            max_ns: 2_000_000,
            ..Pauses::default()
        });
        measurement
    }

    fn guards_broken(change: impl FnOnce(&mut Measurement)) -> Vec<String> {
        let mut measurement = good();
        change(&mut measurement);
        match Guards::default().judge(&measurement) {
            Verdict::Invalid { breaches } => {
                breaches.into_iter().map(|breach| breach.guard).collect()
            }
            other => vec![other.word().to_owned()],
        }
    }

    #[test]
    fn each_guard_voids_alone() {
        assert_eq!(guards_broken(|_| {}), ["valid"]);
        assert_eq!(
            guards_broken(|m| m.usage.generator.spin_ns = 0),
            ["generator-cpu"]
        );
        assert_eq!(
            guards_broken(|m| m.slip.as_mut().unwrap().p99_ns = 100_001),
            ["slip-p99"]
        );
        assert_eq!(guards_broken(|m| m.counts.sent = 989), ["achieved-rate"]);
        assert_eq!(
            guards_broken(|m| m.little.as_mut().unwrap().in_flight_mean = 1.2),
            ["littles-law"]
        );
        assert_eq!(
            guards_broken(|m| m.server_pauses = Some(Pauses {
                count: 1,
                total_ns: 20_000_001,
                ..Pauses::default()
            })),
            ["pauses-server"]
        );
        assert_eq!(guards_broken(|m| m.counts.completed = 10), ["inconclusive"]);
        assert_eq!(
            guards_broken(|m| m.outcome = Outcome::Interrupted),
            ["inconclusive"]
        );
    }

    #[test]
    fn faults_excuse_the_sessions_and_not_the_generator() {
        const FROZEN: Option<Pauses> = Some(Pauses {
            count: 1,
            total_ns: 900_000_000,
            max_ns: 900_000_000,
            monitor_cpu_ns: 0,
        });
        let faulty = |change: fn(&mut Measurement)| {
            guards_broken(|m| {
                m.recovery = Some(crate::Recovery {
                    faults: 1,
                    ..crate::Recovery::default()
                });
                change(m);
            })
        };
        assert_eq!(faulty(|m| m.counts.sent = 500), ["valid"]);
        assert_eq!(
            faulty(|m| m.little.as_mut().unwrap().in_flight_mean = 2.0),
            ["valid"]
        );
        assert_eq!(faulty(|m| m.server_pauses = FROZEN), ["valid"]);
        assert_eq!(
            faulty(|m| m.generator_pauses = FROZEN),
            ["pauses-generator"]
        );
        assert_eq!(faulty(|m| m.usage.generator.spin_ns = 0), ["generator-cpu"]);
        assert_eq!(
            faulty(|m| m.slip.as_mut().unwrap().p99_ns = 100_001),
            ["slip-p99"]
        );
        // Without a fault and an attempt to come back, nothing is excused.
        let undisturbed = guards_broken(|m| {
            m.recovery = Some(crate::Recovery::default());
            m.counts.sent = 500;
        });
        assert_eq!(undisturbed, ["achieved-rate"]);
    }

    #[test]
    fn slow_answers_allow_more_slip() {
        let mut measurement = good();
        measurement.slip.as_mut().unwrap().p99_ns = 400_000;
        let mut recorder = Recorder::new(0);
        recorder.answer(Stamp {
            intended: 0,
            sent: 0,
            received: 10_000_000,
        });
        measurement.latencies = recorder.finish(1_000_000_000);
        assert_eq!(Guards::default().judge(&measurement), Verdict::Valid);
    }
}
