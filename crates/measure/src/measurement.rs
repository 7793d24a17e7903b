//! All that one arm showed in one trial.

use serde::{Deserialize, Serialize};

use crate::counts::{Counts, Errors, Traffic};
use crate::delivery::Delivery;
use crate::latency::{Distribution, Latencies, Which};
use crate::link::LinkReport;
use crate::pauses::Pauses;
use crate::prediction::Prediction;
use crate::recovery::Recovery;
use crate::usage::Usage;
use crate::verdict::{Guards, Verdict};

/// Which case: unique within a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's kind: `echo`, `broadcast`, `rooms`, `chat`, `private` or `idle`.
    pub kind: String,
    /// The arm: the transport's name.
    pub arm: String,
    /// The point of a sweep or search, as `rate=100/s clients=10`; empty without one.
    pub point: String,
    /// The trial, from 1.
    pub trial: u32,
    /// From 1; a case that turned out invalid is measured again.
    pub attempt: u32,
    /// The seed of this case.
    pub seed: u64,
    /// The scenario's numbers at this point, in the order of [`scenario::AXES`]; none where the scenario has no such setting.
    pub settings: Vec<Option<f64>>,
}

/// How a case ended. Each one leaves a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran to its end.
    #[default]
    Completed,
    /// The user stopped it.
    Interrupted,
    /// It could not go on.
    Failed {
        /// Why, in one line.
        #[serde(rename = "outcome_reason")]
        reason: String,
    },
}

/// By how much sends were later than the schedule said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slip {
    /// Median, nanoseconds.
    pub p50_ns: u64,
    /// 99th percentile, nanoseconds.
    pub p99_ns: u64,
    /// Greatest, nanoseconds.
    pub max_ns: u64,
}

/// The two sides of Little's law, N = X R, each measured on its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Little {
    /// N: the number in flight, integrated over the measured part.
    pub in_flight_mean: f64,
    /// X R: how many were in flight within the measured part, a second, times the mean time that each was.
    pub throughput_times_stay: f64,
}

/// All that one arm showed in one trial.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// Which case.
    pub key: Key,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it may be believed. [`judge`](Self::judge) sets it.
    pub verdict: Verdict,
    /// When the measured part began (UTC).
    pub started: jiff::Timestamp,
    /// Length of the warm-up as it was, seconds.
    pub warm_up_s: f64,
    /// Whether the headline latency was steady when it ended; none where it couldn't be judged.
    pub warm_up_steady: Option<bool>,
    /// Length of the measured part as it was, seconds.
    pub measured_s: f64,
    /// Open loop: the rate of the schedule, all senders together, a second.
    pub intended_per_s: Option<f64>,
    /// Closed loop: outstanding a sender.
    pub depth: Option<u32>,
    /// Sessions that the case wanted.
    pub connections: u64,
    /// Sessions still there at the end.
    pub connections_alive: u64,
    /// How many.
    pub counts: Counts,
    /// How long.
    pub latencies: Latencies,
    /// Time to connect, one sample a session.
    pub connect: Option<Distribution>,
    /// What became of each event. None for kinds without events.
    pub delivery: Option<Delivery>,
    /// Errors, apart by kind.
    pub errors: Errors,
    /// Bytes and requests.
    pub traffic: Traffic,
    /// CPU and memory.
    pub usage: Usage,
    /// Open loop: how late the generator was.
    pub slip: Option<Slip>,
    /// Little's law.
    pub little: Option<Little>,
    /// Pauses of the generator's process.
    pub generator_pauses: Option<Pauses>,
    /// Pauses of the server's process, if it could be asked.
    pub server_pauses: Option<Pauses>,
    /// What the link between them did; none without one.
    pub link: Option<LinkReport>,
    /// What a model says; none where none does.
    pub prediction: Option<Prediction>,
    /// What faults did, and who came back. None for a case that has neither faults nor sessions that would.
    pub recovery: Option<Recovery>,
}

impl Key {
    /// A key of its parts.
    pub fn new(scenario: &str, kind: &str, arm: &str, trial: u32, seed: u64) -> Self {
        Self {
            scenario: scenario.to_owned(),
            kind: kind.to_owned(),
            arm: arm.to_owned(),
            trial,
            attempt: 1,
            seed,
            ..Self::default()
        }
    }

    /// `arm#trial`, and what sets it apart: `arm@point#trial.attempt`.
    pub fn brief(&self) -> String {
        let point = if self.point.is_empty() {
            String::new()
        } else {
            format!("@{}", self.point)
        };
        let attempt = if self.attempt > 1 {
            format!(".{}", self.attempt)
        } else {
            String::new()
        };
        format!("{}{point}#{}{attempt}", self.arm, self.trial)
    }

    /// Whether both are attempts at the same case.
    pub fn is_same_case(&self, other: &Self) -> bool {
        self.arm == other.arm && self.point == other.point && self.trial == other.trial
    }

    /// The latency that answers the scenario's question.
    pub fn headline(&self) -> Which {
        match self.kind.as_str() {
            "broadcast" | "rooms" | "chat" | "private" => Which::DeliveryAge,
            _ => Which::Response,
        }
    }
}

impl Outcome {
    /// `completed`, `interrupted` or `failed`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why it failed; empty otherwise.
    pub fn reason(&self) -> &str {
        match self {
            Self::Failed { reason } => reason,
            _ => "",
        }
    }
}

impl Little {
    /// By what share the two sides differ. Both small (less than a hundredth in flight): no difference worth a word.
    pub fn error(&self) -> f64 {
        let greater = self.in_flight_mean.max(self.throughput_times_stay);
        if greater < 0.01 {
            0.0
        } else {
            (self.in_flight_mean - self.throughput_times_stay).abs() / greater
        }
    }
}

impl Measurement {
    /// Nothing measured yet.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            outcome: Outcome::Completed,
            verdict: Verdict::Inconclusive {
                reason: "not judged".into(),
            },
            started: jiff::Timestamp::now(),
            warm_up_s: 0.0,
            warm_up_steady: None,
            measured_s: 0.0,
            intended_per_s: None,
            depth: None,
            connections: 0,
            connections_alive: 0,
            counts: Counts::default(),
            latencies: Latencies::empty(),
            connect: None,
            delivery: None,
            errors: Errors::default(),
            traffic: Traffic::default(),
            usage: Usage::default(),
            slip: None,
            little: None,
            generator_pauses: None,
            server_pauses: None,
            link: None,
            prediction: None,
            recovery: None,
        }
    }

    /// A case that could not even start, or not go on: it leaves a row all the same.
    pub fn failed(key: Key, reason: impl Into<String>) -> Self {
        let mut measurement = Self {
            outcome: Outcome::Failed {
                reason: reason.into(),
            },
            ..Self::new(key)
        };
        measurement.judge(&Guards::default());
        measurement
    }

    /// A case that was stopped before it had anything to say.
    pub fn interrupted(key: Key) -> Self {
        let mut measurement = Self {
            outcome: Outcome::Interrupted,
            ..Self::new(key)
        };
        measurement.judge(&Guards::default());
        measurement
    }

    /// Sets the verdict. To be called again when something was added, such as the server's pauses.
    pub fn judge(&mut self, guards: &Guards) {
        self.verdict = guards.judge(self);
    }

    /// Whether nothing is sent in this kind of case.
    pub fn is_idle(&self) -> bool {
        self.key.kind == "idle"
    }

    /// The latency that answers the scenario's question.
    pub fn headline(&self) -> Option<Distribution> {
        if self.is_idle() {
            self.connect
        } else {
            self.latencies.distribution(self.key.headline())
        }
    }

    /// Useful messages: events delivered, or requests answered.
    pub fn messages(&self) -> u64 {
        if self.delivery.is_some() {
            self.counts.delivered
        } else {
            self.counts.completed
        }
    }
}
