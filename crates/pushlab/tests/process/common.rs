//! The real program, and helpers to talk to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a scenario in it, and a place for results.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    scenario: PathBuf,
}

impl Place {
    pub(crate) fn new(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, scenario).unwrap();
        Self {
            folder,
            scenario: path,
        }
    }

    pub(crate) fn scenario(&self) -> &str {
        self.scenario.to_str().unwrap()
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }
}

pub(crate) fn pushlab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushlab"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn output(arguments: &[&str]) -> Output {
    pushlab(arguments).output().unwrap()
}

/// Exit code, standard output and standard error.
pub(crate) fn outcome(arguments: &[&str]) -> (i32, String, String) {
    let output = output(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A program that runs, and is killed at the latest when the test ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = pushlab(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line of its output; empty when it has ended.
    pub(crate) fn line(&mut self) -> String {
        if self.lines.buffer().is_empty() {
            let seconds = Timespec {
                tv_sec: PATIENCE.as_secs().cast_signed(),
                tv_nsec: 0,
            };
            let mut output = [PollFd::new(self.lines.get_ref(), PollFlags::IN)];
            assert_eq!(
                poll(&mut output, Some(&seconds)).unwrap(),
                1,
                "it said nothing"
            );
        }
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn json_line(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error}: {line:?}: {}", self.complaints()))
    }

    pub(crate) fn url(&mut self) -> String {
        self.json_line()["url"].as_str().unwrap().to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None => assert!(Instant::now() < deadline, "it didn't end"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn complaints(&mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        let _ = self
            .child
            .stderr
            .take()
            .map(|mut errors| errors.read_to_string(&mut text));
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `127.0.0.1:8080` of `http://127.0.0.1:8080/…`.
pub(crate) fn authority(url: &str) -> &str {
    url.split_once("://").unwrap().1.split('/').next().unwrap()
}

/// Head and body of the answer to one request.
pub(crate) fn http(authority: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = request.replace("HOST", authority);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Processes whose parent is, or whose command line names as parent, `pid`.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let Some(child) = path
            .file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(line) = std::fs::read(path.join("cmdline")) else {
            continue;
        };
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        let named = words
            .windows(2)
            .any(|pair| pair[0] == b"--die-with-parent" && pair[1] == pid.to_string().as_bytes());
        if named {
            children.push(child);
        }
    }
    children
}

/// Waits until `is` holds.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The one result folder below `out`, beside its index.
pub(crate) fn only_folder(out: &Path) -> std::path::PathBuf {
    let folders: Vec<_> = std::fs::read_dir(out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders[0].clone()
}

pub(crate) fn json_file(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
