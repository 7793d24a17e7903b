//! The lab in release mode: built, its servers started on one CPU, what loads them on another, and
//! the line that says where and when.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::children::{self, Running};

/// The binaries and the two CPUs.
pub(crate) struct Lab {
    pub(crate) server_cpu: usize,
    pub(crate) client_cpu: usize,
    /// The lab's binary.
    pub(crate) pushlab: PathBuf,
    /// The folder of the yardsticks.
    pub(crate) yardsticks: PathBuf,
}

impl Lab {
    /// Builds everything once, and chooses the CPUs.
    pub(crate) fn build() -> anyhow::Result<Self> {
        let cpus = children::cpus()?;
        let [server_cpu, .., client_cpu] = cpus[..] else {
            bail!("server and client need a CPU each, and there is only one");
        };
        eprintln!("building");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--quiet", "--bins", "--examples"]);
        cargo.args(["--package", "pushlab", "--package", "benches"]);
        ensure!(children::run(&mut cargo)?.success(), "the build failed");
        let binaries = target()?.join("release");
        Ok(Self {
            server_cpu,
            client_cpu,
            pushlab: binaries.join("pushlab"),
            yardsticks: binaries.join("examples"),
        })
    }

    /// A lab server with one worker, ready, that takes so many connections.
    pub(crate) fn serve(&self, transport: &str, most: usize) -> anyhow::Result<Ready> {
        let mut command = Command::new(&self.pushlab);
        let cpu = self.server_cpu.to_string();
        command.args(["serve", transport, "--listen", "127.0.0.1:0"]);
        command.args(["--threads", "1", "--pin", &cpu]);
        command.args(["--max-connections", &most.to_string()]);
        command.args(["--die-with-parent", &std::process::id().to_string()]);
        self.start(command)
    }

    /// A server that prints a ready line with its URL.
    pub(crate) fn start(&self, mut command: Command) -> anyhow::Result<Ready> {
        let mut process = Running::start(&mut command, Some(self.server_cpu))?;
        let line: Value = serde_json::from_str(&process.line()?).context("no ready line")?;
        let url = line["url"].as_str().context("no url in the ready line")?;
        Ok(Ready {
            url: url.to_owned(),
            process,
        })
    }

    /// The machine, the moment and the build, in a line.
    pub(crate) fn setting(&self) -> anyhow::Result<String> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let model = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| {
                let (_, model) = line.strip_prefix("model name")?.split_once(": ")?;
                Some(model.to_owned())
            })
            .unwrap_or_default();
        let said = |program: &str, arguments: &[&str]| -> anyhow::Result<String> {
            let mut command = Command::new(program);
            let said = Running::start(command.args(arguments), None)?.output()?;
            Ok(said.trim().to_owned())
        };
        Ok(format!(
            "{}; {model}; Linux {}; {}; commit {}; load average {}; server on CPU {}, client on CPU {}",
            said("date", &["-u", "+%F %R UTC"])?,
            read("/proc/sys/kernel/osrelease").trim(),
            said("rustc", &["--version"])?,
            said("git", &["describe", "--always", "--dirty"]).unwrap_or("none".to_owned()),
            read("/proc/loadavg").split(' ').next().unwrap_or_default(),
            self.server_cpu,
            self.client_cpu,
        ))
    }
}

/// A server that accepts; killed on drop.
pub(crate) struct Ready {
    pub(crate) process: Running,
    pub(crate) url: String,
}

impl Ready {
    /// How long its threads were ready and had no CPU so far: the second number of
    /// `/proc/PID/task/*/schedstat`. It is what others on the machine took.
    pub(crate) fn waited(&self) -> anyhow::Result<Duration> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.pid()))? {
            // A thread that ended meanwhile waits no more.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            let wait = text.split_ascii_whitespace().nth(1);
            let wait: u64 = wait.context("schedstat without a second number")?.parse()?;
            sum += wait;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// `HOST:PORT` of the URL.
    pub(crate) fn address(&self) -> anyhow::Result<&str> {
        let rest = self.url.split_once("://").map(|(_, rest)| rest);
        let rest = rest.with_context(|| format!("not a URL: {}", self.url))?;
        Ok(rest.split('/').next().unwrap_or(rest))
    }
}

/// Cargo's target folder.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&Running::start(&mut cargo, None)?.output()?)?;
    let target = metadata["target_directory"].as_str();
    Ok(Path::new(target.context("no target folder")?).to_owned())
}

/// A number that a program has said.
pub(crate) fn number(said: &Value, name: &str) -> anyhow::Result<f64> {
    said[name]
        .as_f64()
        .with_context(|| format!("no {name}: {said}"))
}

/// The median; of an even number of values the mean of the middle two.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_waited() {
        let mut sleep = Command::new("sleep");
        let ready = Ready {
            process: Running::start(sleep.arg("60"), None).expect("sleep"),
            url: "http://127.0.0.1:80/x".to_owned(),
        };
        assert!(ready.waited().expect("schedstat") < Duration::from_secs(60));
        assert_eq!(ready.address().expect("an address"), "127.0.0.1:80");
    }

    #[test]
    fn medians() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
