//! Who loads how, and what it says.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::awake::Awake;
use crate::children::Running;
use crate::foreign::{Foreign, Generator, Latency, Load, Said};
use crate::lab::{Lab, Ready, number};

/// Bytes of each body.
pub(crate) const PAYLOAD: usize = 64;

/// Where and how long everything is measured.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) foreign: Foreign,
    /// One server for all.
    pub(crate) server: Ready,
    pub(crate) seconds: u32,
    /// Whether idle CPUs may sleep.
    pub(crate) lets_sleep: bool,
}

/// The shape of the load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// One connection, one request after the other: no queue anywhere.
    Alone,
    /// Evenly spaced requests at a rate, over several connections.
    Open { connections: usize, rate: u32 },
    /// Several connections, each with one request after the other: as fast as it goes.
    Full { connections: usize },
}

/// A load generator.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Arm {
    Pushlab,
    Foreign(Generator),
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// From when a request was due.
    pub(crate) response: Latency,
    /// From when it was sent. Only pushlab tells both; another generator has one or the other.
    pub(crate) service: Latency,
    pub(crate) per_second: f64,
    /// Requests per CPU second of the generator's process, from its start to its end.
    pub(crate) per_cpu_second: f64,
}

impl Mode {
    /// Who can load in this mode.
    pub(crate) fn arms(self) -> &'static [Arm] {
        match self {
            Self::Alone | Self::Full { .. } => &[
                Arm::Pushlab,
                Arm::Foreign(Generator::Oha),
                Arm::Foreign(Generator::Wrk),
            ],
            Self::Open { .. } => &[
                Arm::Pushlab,
                Arm::Foreign(Generator::OhaCorrected),
                Arm::Foreign(Generator::Oha),
            ],
        }
    }

    pub(crate) fn connections(self) -> usize {
        match self {
            Self::Alone => 1,
            Self::Open { connections, .. } | Self::Full { connections } => connections,
        }
    }

    pub(crate) fn rate(self) -> Option<u32> {
        match self {
            Self::Open { rate, .. } => Some(rate),
            Self::Alone | Self::Full { .. } => None,
        }
    }
}

impl Bench {
    /// One run of one generator.
    pub(crate) fn measure(&self, mode: Mode, arm: Arm) -> anyhow::Result<Sample> {
        let _awake = Awake::keep(&self.kept_awake(mode, arm))?;
        match arm {
            Arm::Pushlab => self.pushlab(mode),
            Arm::Foreign(generator) => {
                let load = Load {
                    url: &self.server.url,
                    connections: mode.connections(),
                    rate: mode.rate(),
                    payload: PAYLOAD,
                    seconds: self.seconds,
                };
                let said = self.foreign.run(generator, &load, self.lab.client_cpu)?;
                Ok(said.into())
            }
        }
    }

    /// CPUs that would sleep, and so would put a wake-up into the path of some and not of others. At full speed none does, and a CPU on which the
    /// lab spins doesn't either: there the loop would only be in its way.
    fn kept_awake(&self, mode: Mode, arm: Arm) -> Vec<usize> {
        let (server, client) = (self.lab.server_cpu, self.lab.client_cpu);
        match (mode, arm) {
            _ if self.lets_sleep => Vec::new(),
            (Mode::Full { .. }, _) => Vec::new(),
            (Mode::Open { .. }, Arm::Pushlab) => vec![server],
            _ => vec![server, client],
        }
    }

    fn pushlab(&self, mode: Mode) -> anyhow::Result<Sample> {
        let mut command = Command::new(self.lab.yardsticks.join("pushlab-echo-load"));
        command.arg(&self.server.url);
        command.args(["--connections", &mode.connections().to_string()]);
        command.args(["--payload", &PAYLOAD.to_string()]);
        command.args(["--seconds", &self.seconds.to_string()]);
        if let Some(rate) = mode.rate() {
            command.args(["--rate", &rate.to_string()]);
        }
        let running = Running::start(&mut command, Some(self.lab.client_cpu))?;
        let (said, cpu) = running.output_and_cpu()?;
        let said = serde_json::from_str(&said).with_context(|| format!("not JSON: {said}"))?;
        read(&said, cpu)
    }
}

fn read(said: &Value, cpu: Duration) -> anyhow::Result<Sample> {
    let latency = |name: &str| {
        let ns = |figure| number(&said[name], figure);
        Ok::<_, anyhow::Error>(Latency {
            mean: ns("mean_ns")?,
            p50: ns("p50_ns")?,
            p90: ns("p90_ns")?,
            p99: ns("p99_ns")?,
            p999: ns("p999_ns")?,
            max: ns("max_ns")?,
        })
    };
    Ok(Sample {
        response: latency("response")?,
        service: latency("service")?,
        per_second: number(said, "completed")? / number(said, "seconds")?,
        per_cpu_second: number(said, "all")? / cpu.as_secs_f64(),
    })
}

impl From<Said> for Sample {
    fn from(said: Said) -> Self {
        Self {
            response: said.latency,
            service: said.latency,
            per_second: said.per_second,
            per_cpu_second: said.requests / said.cpu.as_secs_f64(),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => write!(f, "closed loop, 1 connection"),
            Self::Open { connections, rate } => {
                write!(f, "open loop, {rate}/s, {connections} connections")
            }
            Self::Full { connections } => write!(f, "closed loop, {connections} connections"),
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pushlab => "pushlab",
            Self::Foreign(Generator::Oha) => "oha",
            Self::Foreign(Generator::OhaCorrected) => "oha --latency-correction",
            Self::Foreign(Generator::Wrk) => "wrk",
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s, p50 {:.0} us, p99 {:.0} us",
            self.per_second,
            self.response.p50 / 1e3,
            self.response.p99 / 1e3
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_of_the_whole_process_and_the_rate_of_the_measured_part() {
        let latency = r#"{"mean_ns":1,"p50_ns":2,"p90_ns":3,"p99_ns":4,"p999_ns":5,"max_ns":6}"#;
        let said = format!(
            r#"{{"seconds":2.0,"completed":1000,"all":1500,"response":{latency},"service":{latency}}}"#
        );
        let said = serde_json::from_str(&said).expect("JSON");
        let sample = read(&said, Duration::from_millis(500)).expect("figures");
        assert_eq!((sample.per_second, sample.per_cpu_second), (500.0, 3000.0));
        assert!(read(&Value::Null, Duration::from_millis(500)).is_err());
    }

    #[test]
    fn who_knows_no_rate_is_not_asked_for_one() {
        let open = Mode::Open {
            connections: 2,
            rate: 1,
        };
        assert!(!open.arms().contains(&Arm::Foreign(Generator::Wrk)));
        assert!(Mode::Alone.arms().contains(&Arm::Foreign(Generator::Wrk)));
    }
}
