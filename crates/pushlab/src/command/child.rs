//! A process of the lab's own beside this one: other CPUs, lines in and out, and it doesn't outlive this one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, anyhow, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

/// How long it may take to be ready, to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most bytes of a line that is taken.
const LONGEST_LINE: u64 = 1 << 20;

/// Most that is kept of what it writes to standard error.
const MOST_COMPLAINTS: u64 = 64 << 10;

/// A running command of this program.
#[derive(Debug)]
pub(crate) struct Child {
    /// What it is, in messages.
    name: &'static str,
    process: process::Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
}

impl Child {
    /// Starts `pushlab ARGUMENTS`, pinned to `cpus` unless there are none, and waits for its ready line. To be called from the main thread: it
    /// ends when the thread that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, or isn't ready in time; with what it said.
    pub(crate) fn start<T: DeserializeOwned>(
        name: &'static str,
        arguments: &[String],
        cpus: &[u32],
    ) -> Result<(Self, T), Error> {
        let mut child = Self::spawn(name, arguments, cpus)?;
        let line = child.line();
        child.ready(line)
    }

    /// The same without blocking this thread while it starts.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) async fn start_beside<T: DeserializeOwned>(
        name: &'static str,
        arguments: &[String],
        cpus: &[u32],
    ) -> Result<(Self, T), Error> {
        let mut child = Self::spawn(name, arguments, cpus)?;
        let line = match timeout(PATIENCE, child.until_readable()).await {
            Ok(Ok(())) => child.line(),
            Ok(Err(error)) => Err(error.into()),
            Err(_elapsed) => Err(anyhow!("the {name} said nothing for {PATIENCE:?}")),
        };
        child.ready(line)
    }

    fn spawn(name: &'static str, arguments: &[String], cpus: &[u32]) -> Result<Self, Error> {
        let program = std::env::current_exe()
            .with_context(|| format!("can't find the program of the {name}"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(["--control", "--die-with-parent"])
            .arg(process::id().to_string());
        if !cpus.is_empty() {
            let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
            command.args(["--pin", &cpus.join(",")]);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C on a terminal is for this process, which ends the other when it is time.
            .process_group(0)
            .spawn()
            .with_context(|| format!("can't start the {name}"))?;
        let pipes = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        );
        let (Some(requests), Some(answers), Some(errors)) = pipes else {
            bail!("can't talk to the {name}");
        };
        let complaints = Some(thread::spawn(move || collect(errors)));
        Ok(Self {
            name,
            process,
            requests,
            answers: BufReader::new(answers),
            complaints,
        })
    }

    /// Takes in the line with which it says that it is ready.
    fn ready<T: DeserializeOwned>(self, line: Result<String, Error>) -> Result<(Self, T), Error> {
        match line.and_then(|line| Ok(serde_json::from_str(&line)?)) {
            Ok(ready) => Ok((self, ready)),
            Err(error) => Err(self.give_up(&error)),
        }
    }

    /// Waits until there is something to read on its standard output, or its end.
    async fn until_readable(&self) -> io::Result<()> {
        let output = self.answers.get_ref().as_fd().try_clone_to_owned()?;
        watched(output)?.readable().await?.retain_ready();
        Ok(())
    }

    /// Kills it, and waits without blocking this thread until it has ended: its connections are closed then, and its port is free.
    ///
    /// # Errors
    /// The kernel can't tell when it has ended.
    pub(crate) async fn kill(mut self) -> Result<(), Error> {
        let name = self.name;
        let ended = until_ended(self.process.id());
        let ended = ended.with_context(|| format!("can't watch the {name}"))?;
        self.signal(Signal::KILL);
        ended.await?;
        self.process.wait()?;
        Ok(())
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Says a line; one that has ended doesn't answer, which shows when the answer is read.
    pub(crate) fn tell(&mut self, line: &str) {
        let _ = writeln!(self.requests, "{line}");
    }

    /// Its next line, which is `word` and some JSON.
    ///
    /// # Errors
    /// There is none in time, or it is another one.
    pub(crate) fn answer<T: DeserializeOwned>(&mut self, word: &str) -> Result<T, Error> {
        let line = self.line()?;
        let json = line
            .strip_prefix(word)
            .ok_or_else(|| anyhow!("the {} answered {line:?}", self.name))?;
        Ok(serde_json::from_str(json)?)
    }

    /// Lets it end in peace, and waits until it has.
    ///
    /// # Errors
    /// It ended badly, before or now; with what it said.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        let name = self.name;
        self.signal(Signal::TERM);
        match self.ended_within(PATIENCE)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.give_up(&anyhow!("the {name} ended with {status}"))),
            None => Err(self.give_up(&anyhow!(
                "the {name} did not end within {PATIENCE:?} of SIGTERM"
            ))),
        }
    }

    /// The next line of its standard output.
    fn line(&mut self) -> Result<String, Error> {
        let name = self.name;
        match next_line(&mut self.answers, PATIENCE)? {
            None => bail!("the {name} said nothing for {PATIENCE:?}"),
            Some(line) if line.is_empty() => bail!("the {name} ended by itself"),
            Some(line) => Ok(line.trim_end().to_owned()),
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Not waited for yet, so the number is still its own; it fails only if it has ended, as is wanted.
            let _ = kill_process(pid, signal);
        }
    }

    fn ended_within(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            match self.process.try_wait()? {
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                ended => return Ok(ended),
            }
        }
    }

    /// Ends it, and adds what it said to the error.
    fn give_up(mut self, error: &Error) -> Error {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let said = self
            .complaints
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        let said: Vec<&str> = said
            .lines()
            .map(|line| line.trim_start_matches("pushlab: "))
            .collect();
        if said.is_empty() {
            anyhow!("{error:#}")
        } else {
            anyhow!("{error:#}: {}", said.join("; "))
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // After `stop` both do nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The next line of a process's standard output, with its end; empty when there is none any more. None if nothing comes for so long.
///
/// # Errors
/// It can't be read.
pub(super) fn next_line(
    output: &mut BufReader<ChildStdout>,
    patience: Duration,
) -> io::Result<Option<String>> {
    if output.buffer().is_empty() {
        let seconds = Timespec {
            tv_sec: patience.as_secs().cast_signed(),
            tv_nsec: 0,
        };
        let file = output.get_ref().as_fd();
        let mut watched = [PollFd::from_borrowed_fd(file, PollFlags::IN)];
        // Ctrl-C may come meanwhile; it is heard where it matters.
        if retry_on_intr(|| poll(&mut watched, Some(&seconds)))? == 0 {
            return Ok(None);
        }
    }
    let mut line = Vec::new();
    output
        .by_ref()
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)?;
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// Resolves when process `pid`, which nobody has waited for yet, has ended.
///
/// # Errors
/// The kernel can't tell.
pub(super) fn until_ended(pid: u32) -> io::Result<impl Future<Output = io::Result<()>>> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    let file = watched(pidfd_open(pid, PidfdFlags::empty())?)?;
    Ok(async move {
        file.readable().await?.retain_ready();
        Ok(())
    })
}

/// A file that the runtime watches until it can be read.
#[expect(
    deprecated,
    reason = "its successor is unsafe for types that may change their file; an `OwnedFd` doesn't"
)]
fn watched(file: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(file, Interest::READABLE)
}

fn collect(errors: ChildStderr) -> String {
    let mut errors = BufReader::new(errors);
    let mut kept = Vec::new();
    // What can't be read can't be told.
    let _ = errors.by_ref().take(MOST_COMPLAINTS).read_to_end(&mut kept);
    let _ = io::copy(&mut errors, &mut io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}
