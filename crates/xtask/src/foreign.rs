//! Foreign load generators, oha and wrk: installed where they are missing, run against `POST /echo`,
//! and read.
//!
//! oha comes from crates.io, of one version, into a folder of its own below `target`;
//! wrk is a Debian package.
//!
//! - [`wrk`]: what wrk measured, from what it says.

mod wrk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::children::Running;
use crate::lab::{number, target};
use crate::setup::{self, Need};

/// Both generators, ready to run.
pub(crate) struct Foreign {
    oha: PathBuf,
    /// What wrk is told beyond its flags, in Lua.
    script: PathBuf,
}

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Generator {
    /// Latency from when the request was handed to a connection.
    Oha,
    /// The same with `--latency-correction`: from when its timer woke.
    OhaCorrected,
    /// Closed loop only.
    Wrk,
}

/// What one of them is asked to do.
pub(crate) struct Load<'a> {
    /// The server, `http://HOST:PORT`.
    pub(crate) url: &'a str,
    pub(crate) connections: usize,
    /// Requests a second, all connections together; without it the loop is closed.
    pub(crate) rate: Option<u32>,
    /// Bytes of each body.
    pub(crate) payload: usize,
    pub(crate) seconds: u32,
}

/// What it said.
pub(crate) struct Said {
    /// Requests answered from its start to its end.
    pub(crate) requests: f64,
    /// Of these, a second.
    pub(crate) per_second: f64,
    /// CPU time of the whole process, from its start to the end of its load (wrk) or of itself (oha).
    pub(crate) cpu: Duration,
    pub(crate) latency: Latency,
}

/// Figures of a distribution, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Latency {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// oha's release: figures of another one would be of another program.
const OHA: &str = "1.16.0";

impl Foreign {
    /// Installs what is missing.
    pub(crate) fn set_up() -> anyhow::Result<Self> {
        setup::debian(&[Need {
            program: "wrk",
            package: "wrk",
        }])?;
        let folder = target()?.join("oracle");
        let oha = folder.join("bin/oha");
        if !is_version(&oha, OHA) {
            let (version, root) = (format!("={OHA}"), folder.display().to_string());
            let build = folder.join("build").display().to_string();
            let cargo = ["cargo", "install", "--locked"];
            let places = ["--root", &root, "--target-dir", &build];
            let what = ["--version", &version];
            setup::install(&[&cargo[..], &places, &what].concat(), &["oha"])?;
        }
        let script = folder.join("echo.lua");
        fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
        Ok(Self { oha, script })
    }

    /// Runs one of them on `cpu`.
    pub(crate) fn run(
        &self,
        generator: Generator,
        load: &Load<'_>,
        cpu: usize,
    ) -> anyhow::Result<Said> {
        let mut command = match generator {
            Generator::Wrk => self.wrk(load)?,
            Generator::Oha => self.oha(load, &[]),
            Generator::OhaCorrected => self.oha(load, &["--latency-correction"]),
        };
        let (said, cpu) = Running::start(&mut command, Some(cpu))?.output_and_cpu()?;
        match generator {
            Generator::Wrk => read_wrk(&said, load.connections),
            Generator::Oha | Generator::OhaCorrected => read_oha(&said, cpu),
        }
    }

    fn oha(&self, load: &Load<'_>, options: &[&str]) -> Command {
        let mut command = Command::new(&self.oha);
        command.args(["--no-tui", "--output-format", "json", "--method", "POST"]);
        // Neither what its terminal needs, nor headers that the others don't send.
        command.args(["--disable-compression", "--worker-threads", "1"]);
        // What is under way at the end is waited for, as pushlab waits.
        command.args(["-w", "-z", &format!("{}s", load.seconds)]);
        command.args(["-c", &load.connections.to_string()]);
        command.args(["-d", &"x".repeat(load.payload)]);
        if let Some(rate) = load.rate {
            command.args(["-q", &rate.to_string()]);
        }
        command.args(options).arg(format!("{}/echo", load.url));
        command
    }

    fn wrk(&self, load: &Load<'_>) -> anyhow::Result<Command> {
        ensure!(load.rate.is_none(), "wrk knows no rate");
        let mut command = Command::new("wrk");
        command.args(["--threads", "1"]);
        command.args(["--connections", &load.connections.to_string()]);
        command.args(["--duration", &format!("{}s", load.seconds)]);
        command.arg("--script").arg(&self.script);
        command.arg(format!("{}/echo", load.url));
        command.args(["--", &load.payload.to_string()]);
        Ok(command)
    }
}

/// The body of wrk's requests, and its histogram as a line of JSON: how often each latency, in
/// microseconds. `request` is not defined, so that wrk writes the request once and its loop calls no Lua;
/// the CPU time is read before the histogram is written.
const SCRIPT: &str = r#"
function init(arguments)
  wrk.method = "POST"
  wrk.body = string.rep("x", tonumber(arguments[1]))
end

function done(summary, latency, requests)
  local cpu = os.clock()
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"duration_us":%d,"cpu_s":%.6f,"errors":%d,"counts":[',
    summary.requests, summary.duration, cpu,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  for index = 1, #latency do
    local value, count = latency(index)
    io.write(string.format("%s[%d,%d]", index > 1 and "," or "", value, count))
  end
  io.write("]}\n")
end
"#;

fn read_wrk(said: &str, connections: usize) -> anyhow::Result<Said> {
    let line = said.lines().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("no figures: {said}"))?;
    let said: wrk::Said = serde_json::from_str(line).with_context(|| line.to_owned())?;
    ensure!(said.errors == 0, "wrk had {} errors", said.errors);
    Ok(Said {
        requests: said.requests as f64,
        per_second: said.requests as f64 / said.duration_us as f64 * 1e6,
        cpu: Duration::from_secs_f64(said.cpu_s),
        latency: said.latency(connections)?,
    })
}

fn read_oha(said: &str, cpu: Duration) -> anyhow::Result<Said> {
    let said: Value = serde_json::from_str(said).with_context(|| format!("not JSON: {said}"))?;
    let errors = &said["errorDistribution"];
    ensure!(
        errors.as_object().is_some_and(serde_json::Map::is_empty),
        "oha had errors: {errors}"
    );
    let codes = said["statusCodeDistribution"].as_object();
    let codes = codes.context("no status codes")?;
    ensure!(
        codes.keys().all(|code| code == "200"),
        "oha was refused: {codes:?}"
    );
    let requests = number(&said["statusCodeDistribution"], "200")?;
    let (summary, percentiles) = (&said["summary"], &said["latencyPercentiles"]);
    let ns = |from, name| Ok::<_, anyhow::Error>(number(from, name)? * 1e9);
    Ok(Said {
        requests,
        per_second: requests / number(summary, "total")?,
        cpu,
        latency: Latency {
            mean: ns(summary, "average")?,
            p50: ns(percentiles, "p50")?,
            p90: ns(percentiles, "p90")?,
            p99: ns(percentiles, "p99")?,
            p999: ns(percentiles, "p99.9")?,
            max: ns(summary, "slowest")?,
        },
    })
}

fn is_version(program: &Path, version: &str) -> bool {
    let mut command = Command::new(program);
    let said = Running::start(command.arg("--version"), None).and_then(Running::output);
    said.is_ok_and(|said| said.split_whitespace().nth(1) == Some(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: Duration = Duration::from_millis(1500);

    #[test]
    fn wrk_is_read_and_its_errors_are_errors() {
        let line = r#"{"requests":10,"duration_us":2000000,"cpu_s":0.5,"errors":0,"counts":[[40,6],[60,4]]}"#;
        let said = format!("Running 2s test\n  1 threads\n\n{line}\n");
        let read = read_wrk(&said, 1).expect("figures");
        assert_eq!((read.per_second, read.requests), (5.0, 10.0));
        assert_eq!((read.latency.p50, read.latency.max), (40_000.0, 60_000.0));
        let bad = said.replace(r#""errors":0"#, r#""errors":3"#);
        assert!(read_wrk(&bad, 1).is_err());
        assert!(read_wrk("Running 2s test", 1).is_err());
    }

    #[test]
    fn oha_is_read_and_its_errors_are_errors() {
        let said = r#"{"summary":{"total":2.0,"slowest":0.009,"average":0.0005},
            "latencyPercentiles":{"p50":0.0001,"p90":0.0002,"p99":0.0003,"p99.9":0.0004},
            "statusCodeDistribution":{"200":4000},"errorDistribution":{}}"#;
        let read = read_oha(said, CPU).expect("figures");
        assert_eq!((read.requests, read.per_second), (4000.0, 2000.0));
        assert!((read.latency.p999 - 400_000.0).abs() < 1e-3);
        for bad in [
            said.replace(
                r#""errorDistribution":{}"#,
                r#""errorDistribution":{"refused":1}"#,
            ),
            said.replace(r#"{"200":4000}"#, r#"{"200":3999,"503":1}"#),
            said.replace(r#""p90""#, r#""p91""#),
        ] {
            assert!(read_oha(&bad, CPU).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_version_is_another_program() {
        assert!(!is_version(Path::new("/no/such/oha"), OHA));
        assert!(!is_version(Path::new("cargo"), OHA));
    }
}
