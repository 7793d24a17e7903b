//! The server of a peer: a process group of its own, on other CPUs, that doesn't outlive this process.
//!
//! The contract with it is short. It is started in the peer's folder with `PUSHLAB_HOST`, `PUSHLAB_PORT` and `PUSHLAB_SCRATCH`; when it accepts it
//! prints `{"ready":"HOST:PORT"}`; it ends on SIGTERM, and when its standard input does. What doesn't keep to it is named, with the last that it said.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, ChildStderr, ChildStdin, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, anyhow};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::Deserialize;
use tempfile::TempDir;

use crate::command::child::{next_line, until_ended};
use crate::peers::Peer;

/// How long a server may take to be ready: interpreters on a busy machine take their time.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may take to end.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// So many of its last lines are told, and at most so many bytes of each.
const LINES: usize = 10;
const LINE: usize = 400;

/// A running server.
#[derive(Debug)]
pub(crate) struct PeerProcess {
    name: String,
    process: process::Child,
    address: SocketAddr,
    /// Held open: its end tells the server that this process has ended.
    input: Option<ChildStdin>,
    complaints: Option<JoinHandle<Vec<String>>>,
    /// A folder of its own, empty in the beginning.
    _scratch: TempDir,
}

/// What it prints when it accepts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ready {
    ready: SocketAddr,
}

impl PeerProcess {
    /// Starts the server at `listen` (port 0 for any that is free), pinned to `cpus` unless there are none, and waits until it is ready. To be
    /// called from the main thread: it is told to end when the thread that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, or says something else, or nothing in time; with what it said.
    pub(crate) fn start(peer: &Peer, listen: SocketAddr, cpus: &[u32]) -> Result<Self, Error> {
        let scratch = tempfile::Builder::new()
            .prefix("pushlab-peer-")
            .tempdir()
            .context("can't make a folder for the peer")?;
        let program = std::env::current_exe().context("can't find this program")?;
        let mut command = Command::new(program);
        command
            .args(["exec-peer", "--die-with-parent"])
            .arg(process::id().to_string());
        if !cpus.is_empty() {
            let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
            command.args(["--pin", &cpus.join(",")]);
        }
        let mut process = command
            .arg("--")
            .args(&peer.command)
            .current_dir(&peer.folder)
            .env("PUSHLAB_HOST", listen.ip().to_string())
            .env("PUSHLAB_PORT", listen.port().to_string())
            .env("PUSHLAB_SCRATCH", scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C on a terminal is for this process, which ends the other when it is time; and so all of its processes are known.
            .process_group(0)
            .spawn()
            .with_context(|| format!("can't start the peer {}", peer.name))?;
        let input = process.stdin.take();
        let output = process.stdout.take();
        let complaints = process.stderr.take();
        let mut this = Self {
            name: peer.name.clone(),
            process,
            address: listen,
            input,
            complaints: complaints.map(|errors| thread::spawn(move || tail(errors))),
            _scratch: scratch,
        };
        let Some(output) = output else {
            return Err(this.give_up(&anyhow!("it can't be heard")));
        };
        let mut output = BufReader::new(output);
        match ready(&mut output) {
            Ok(Ready { ready }) => this.address = ready,
            Err(error) => return Err(this.give_up(&error)),
        }
        // Whatever it prints from now on must not make it wait.
        thread::spawn(move || {
            let mut output = output;
            let _ = io::copy(&mut output, &mut io::sink());
        });
        Ok(this)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process that was started, the parent of all others.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal to all of its processes.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(group) = self.id() {
            // Its first process is waited for only by this struct, so the number is still its own; it fails if none is left, as is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    fn id(&self) -> Option<Pid> {
        let pid = i32::try_from(self.process.id()).ok();
        pid.and_then(Pid::from_raw)
    }

    /// Kills it, and waits without blocking this thread until it has ended.
    ///
    /// # Errors
    /// The kernel can't tell when it has ended.
    pub(crate) async fn kill(mut self) -> Result<(), Error> {
        let ended = until_ended(self.process.id()).context("can't watch the peer")?;
        self.signal(Signal::KILL);
        ended.await?;
        self.process.wait()?;
        Ok(())
    }

    /// Lets it end in peace, and waits until it has.
    ///
    /// # Errors
    /// It ended badly, before or now; with what it said.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        if let Some(status) = self.process.try_wait()? {
            return Err(self.give_up(&anyhow!("it ended by itself ({status})")));
        }
        // To the one that was started, as the contract has it: how its workers end is its own business.
        if let Some(pid) = self.id() {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + END_PATIENCE;
        let status = loop {
            match self.process.try_wait()? {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    let late = anyhow!("it did not end within {END_PATIENCE:?} of SIGTERM");
                    return Err(self.give_up(&late));
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        // By that signal, or as shells say so, is as good as by itself.
        let term = Signal::TERM.as_raw();
        let is_fine =
            status.success() || status.signal() == Some(term) || status.code() == Some(128 + term);
        if is_fine {
            Ok(())
        } else {
            Err(self.give_up(&anyhow!("it ended with {status}")))
        }
    }

    /// Ends it, and adds the last that it said to the error.
    fn give_up(&mut self, error: &Error) -> Error {
        self.end();
        let said = self.complaints.take().and_then(|thread| thread.join().ok());
        let said = said.unwrap_or_default();
        let name = &self.name;
        if said.is_empty() {
            anyhow!("the peer {name}: {error:#}")
        } else {
            anyhow!("the peer {name}: {error:#}; it said: {}", said.join(" | "))
        }
    }

    fn end(&mut self) {
        self.input = None;
        self.signal(Signal::KILL);
        let _ = self.process.wait();
    }
}

impl Drop for PeerProcess {
    fn drop(&mut self) {
        // What its first process left behind when it ended is ended too.
        self.end();
    }
}

/// Reads the line with which it says that it is ready.
fn ready(output: &mut BufReader<process::ChildStdout>) -> Result<Ready, Error> {
    let line = match next_line(output, PATIENCE)? {
        None => return Err(anyhow!("it was not ready within {PATIENCE:?}")),
        Some(line) if line.is_empty() => return Err(anyhow!("it ended before it was ready")),
        Some(line) => line,
    };
    serde_json::from_str(&line).map_err(|_| {
        let shown: String = line.trim_end().chars().take(LINE).collect();
        anyhow!(
            "it printed `{shown}` where {{\"ready\":\"127.0.0.1:8080\"}}, with its own address, would be right"
        )
    })
}

/// The last lines of what comes.
fn tail(errors: ChildStderr) -> Vec<String> {
    let mut lines = VecDeque::new();
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line without an end must not take all memory.
        let read = errors.by_ref().take(64 << 10).read_until(b'\n', &mut line);
        if !matches!(read, Ok(bytes) if bytes > 0) {
            return lines.into();
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            lines.push_back(text.chars().take(LINE).collect());
            if lines.len() > LINES {
                lines.pop_front();
            }
        }
    }
}
