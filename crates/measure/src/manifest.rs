//! `manifest.json`: the machine, the build, the command; enough to say what a result is a result of.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::selftest::SelfTest;

/// The version of all files of a result folder. It changes when a reader of the old one would misread the new one.
pub const SCHEMA_VERSION: u32 = 3;

/// Kernel settings that change what a network benchmark shows.
const SYSCTLS: [&str; 10] = [
    "net.core.somaxconn",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_tw_reuse",
    "fs.nr_open",
];

/// What a result is a result of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// How the run ended.
    pub status: Status,
    /// Why, if it failed.
    pub reason: Option<String>,
    /// Start (UTC).
    pub started_utc: Timestamp,
    /// End (UTC); none while it runs, or when it was killed.
    pub ended_utc: Option<Timestamp>,
    /// When it was gone on with after an interruption (UTC).
    pub resumed_utc: Vec<Timestamp>,
    /// What was asked for.
    pub run: RunInfo,
    /// The machine.
    pub machine: Machine,
    /// The program.
    pub build: Build,
    /// What the lab's last self-test on this machine showed; none if there was none.
    pub self_test: Option<SelfTest>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Still running, or killed. A reader takes it for interrupted.
    Running,
    /// All cases were run.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// The lab could not go on.
    Failed,
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The scenario's name.
    pub scenario: String,
    /// Its kind.
    pub kind: String,
    /// Its question.
    pub question: String,
    /// The arms, in the order of the scenario.
    pub arms: Vec<String>,
    /// Trials an arm.
    pub trials: u32,
    /// The seed.
    pub seed: u64,
    /// The settings that are swept or searched, by their columns in `runs.csv`.
    pub axes: Vec<String>,
    /// The order in which the cases ran: `arm#trial`, in a sweep `arm@point#trial`; a repeated attempt ends in `.2`.
    pub order: Vec<String>,
    /// How often an invalid case was to be measured again.
    pub retries: u32,
    /// Whether it was cut short for a quick look: not a result to keep.
    pub quick: bool,
    /// The network that `--link` put between, instead of the scenario's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<String>,
    /// The servers that others wrote, in the order in which their arms follow the lab's own.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub peers: Vec<PeerInfo>,
    /// Arms of theirs that were asked for and not run.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<LeftOut>,
    /// The command line.
    pub command_line: Vec<String>,
    /// CPUs that the server was pinned to; empty if it wasn't.
    pub server_cpus: Vec<u32>,
    /// CPUs that the generator was pinned to; empty if it wasn't.
    pub generator_cpus: Vec<u32>,
}

/// A server that others wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerInfo {
    /// The name of its folder below `peers/`.
    pub name: String,
    /// One line: what it is.
    pub title: String,
    /// The language that it is written in.
    pub language: String,
    /// What is measured, as its registry calls it.
    pub package: String,
    /// The registry that it comes from.
    pub registry: String,
    /// The version: that of its lock file, or of the package that the system has.
    pub version: String,
    /// What the program that was installed says of itself, where it is asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub installed: Option<String>,
    /// What is to be known beside its figures.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// Its arms in this run.
    pub arms: Vec<PeerArmInfo>,
}

/// An arm of a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerArmInfo {
    /// Its name.
    pub name: String,
    /// The protocol by which it was loaded.
    pub protocol: String,
}

/// An arm that was asked for and not run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The peer, or one arm of it.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl PeerInfo {
    /// The versions in one line: "ws 8.18.3 (npm)".
    pub fn versions(&self) -> String {
        let Self {
            package,
            version,
            registry,
            ..
        } = self;
        let installed = self.installed.as_ref();
        let installed = installed.map_or(String::new(), |said| format!("; {said}"));
        format!("{package} {version} ({registry}{installed})")
    }
}

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// CPU model.
    pub cpu_model: Option<String>,
    /// CPUs that the kernel runs.
    pub cpus_online: u32,
    /// CPUs that this process may use.
    pub cpus_allowed: Option<String>,
    /// Frequency governor of CPU 0; none where the kernel controls no frequency.
    pub governor: Option<String>,
    /// Memory, bytes.
    pub memory_bytes: Option<u64>,
    /// Kernel name, release and version.
    pub kernel: String,
    /// Network settings; the congestion control among them.
    pub sysctls: BTreeMap<String, String>,
    /// Limits that control groups set, by file: `cpu.max`, `memory.max`, `cpuset.cpus.effective` and their version 1 names.
    pub cgroup_limits: BTreeMap<String, String>,
    /// Most open files a process, soft and hard.
    pub open_files: (Option<u64>, Option<u64>),
}

/// The program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// Version of pushlab.
    pub version: String,
    /// `rustc --version` of the build.
    pub rustc: Option<String>,
    /// `release` or `debug`.
    pub profile: Option<String>,
    /// FNV-1a (64 bit) of `Cargo.lock`: the versions of all crates.
    pub cargo_lock_fnv1a64: Option<String>,
    /// The git commit.
    pub git_commit: Option<String>,
    /// Whether the sources differed from that commit; none where it can't be told.
    pub git_dirty: Option<bool>,
}

impl Manifest {
    /// Of a run that starts now.
    pub fn new(run: RunInfo) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            status: Status::Running,
            reason: None,
            started_utc: Timestamp::now(),
            ended_utc: None,
            resumed_utc: Vec::new(),
            run,
            machine: Machine::gather(),
            build: Build::gather(),
            self_test: None,
        }
    }

    /// In what the machine or the program here differ from those of this run, so far as it changes what is measured.
    pub(crate) fn difference_from_here(&self) -> Option<String> {
        let (machine, build) = (Machine::gather(), Build::gather());
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        let pairs = [
            (
                "CPU",
                text(&self.machine.cpu_model),
                text(&machine.cpu_model),
            ),
            (
                "number of CPUs",
                self.machine.cpus_online.to_string(),
                machine.cpus_online.to_string(),
            ),
            (
                "kernel",
                self.machine.kernel.clone(),
                machine.kernel.clone(),
            ),
            (
                "commit",
                text(&self.build.git_commit),
                text(&build.git_commit),
            ),
            (
                "set of crates",
                text(&self.build.cargo_lock_fnv1a64),
                text(&build.cargo_lock_fnv1a64),
            ),
            ("profile", text(&self.build.profile), text(&build.profile)),
        ];
        let (name, then, now) = pairs.into_iter().find(|(_, then, now)| then != now)?;
        Some(format!("its {name} was {then}, here it is {now}"))
    }

    /// The name of the run's folder: `<utc>-<scenario>-<short commit>`.
    pub fn folder_name(&self) -> String {
        let time = self
            .started_utc
            .strftime("%Y%m%dT%H%M%S%.3fZ")
            .to_string()
            .replace('.', "-");
        let commit = self
            .build
            .git_commit
            .as_deref()
            .map_or("nogit", |commit| &commit[..commit.len().min(7)]);
        format!("{time}-{}-{commit}", self.run.scenario)
    }
}

impl Machine {
    /// Of the machine this runs on.
    pub fn gather() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let name = rustix::system::uname();
        Self {
            cpu_model: field("/proc/cpuinfo", "model name"),
            cpus_online: cpus_online(),
            cpus_allowed: value_after(&status, "Cpus_allowed_list"),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            memory_bytes: field("/proc/meminfo", "MemTotal")
                .and_then(|text| text.trim_end_matches(" kB").trim().parse::<u64>().ok())
                .map(|kib| kib * 1024),
            kernel: format!(
                "{} {} {}",
                name.sysname().to_string_lossy(),
                name.release().to_string_lossy(),
                name.version().to_string_lossy()
            ),
            sysctls: SYSCTLS
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), sysctl(name)?)))
                .collect(),
            cgroup_limits: cgroup_limits(),
            open_files: (files.current, files.maximum),
        }
    }
}

impl Build {
    /// Of this program. The commit is asked of the sources it was built from, if they are still there: the build may be older than the last commit that didn't touch this crate.
    pub fn gather() -> Self {
        let commit = git(&["rev-parse", "HEAD"]);
        // A result that an earlier run left is no change of the sources.
        let changes = ["status", "--porcelain", "--", ":/", ":(exclude,top)results"];
        let status = commit.as_ref().and_then(|_| git(&changes));
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rustc: option_env!("PUSHLAB_RUSTC").map(str::to_owned),
            profile: option_env!("PUSHLAB_PROFILE").map(str::to_owned),
            cargo_lock_fnv1a64: option_env!("PUSHLAB_LOCK").map(str::to_owned),
            git_commit: commit.or_else(|| option_env!("PUSHLAB_COMMIT").map(str::to_owned)),
            git_dirty: status.map(|changes| !changes.is_empty()),
        }
    }
}

impl Status {
    /// `running`, `complete`, `interrupted` or `failed`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn sysctl(name: &str) -> Option<String> {
    line(&format!("/proc/sys/{}", name.replace('.', "/")))
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The CPUs of `/sys/devices/system/cpu/online`, a list of ranges such as `0-3,8`.
fn cpus_online() -> u32 {
    let online = line("/sys/devices/system/cpu/online").unwrap_or_default();
    let ranges = online.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<u32>().ok()? + 1 - first.parse::<u32>().ok()?)
    });
    ranges.sum()
}

/// The limits that are set on this process's control group, version 2 or 1, as the kernel's files say them.
fn cgroup_limits() -> BTreeMap<String, String> {
    const FILES: [&str; 7] = [
        "cpu.max",
        "memory.max",
        "cpuset.cpus.effective",
        "cpu.cfs_quota_us",
        "cpu.cfs_period_us",
        "memory.limit_in_bytes",
        "cpuset.effective_cpus",
    ];
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let folders: Vec<String> = groups
        .lines()
        .filter_map(|group| {
            let mut parts = group.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            Some(format!("/sys/fs/cgroup/{controllers}{path}"))
        })
        .collect();
    let found = folders.iter().flat_map(|folder| {
        FILES
            .iter()
            .filter_map(move |file| Some(((*file).to_owned(), line(&format!("{folder}/{file}"))?)))
    });
    found.collect()
}

fn line(path: &str) -> Option<String> {
    fs::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn field(path: &str, name: &str) -> Option<String> {
    value_after(&fs::read_to_string(path).ok()?, name)
}

fn value_after(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_when_what_and_of_which_commit() {
        let mut manifest = Manifest::new(RunInfo {
            scenario: "echo".into(),
            ..RunInfo::default()
        });
        manifest.started_utc = "2026-01-02T03:04:05.678Z".parse().unwrap();
        manifest.build.git_commit = Some("0123456789abcdef".into());
        assert_eq!(manifest.folder_name(), "20260102T030405-678Z-echo-0123456");
        manifest.build.git_commit = None;
        assert_eq!(manifest.folder_name(), "20260102T030405-678Z-echo-nogit");
    }

    #[test]
    fn this_machine_is_told() {
        let machine = Machine::gather();
        assert!(machine.cpus_online > 0);
        assert!(machine.kernel.starts_with("Linux "));
        assert!(
            machine
                .sysctls
                .contains_key("net.ipv4.tcp_congestion_control")
        );
    }
}
