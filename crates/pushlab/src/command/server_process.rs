//! The server of a case: another process, on other CPUs, that doesn't outlive this one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, anyhow, bail};
use measure::Pauses;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use scenario::Scenario;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use crate::command::serve::{PAUSES, Ready, Request};

/// How long a server may take to accept, to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most that is kept of what a server writes to standard error.
const MOST_COMPLAINTS: u64 = 64 << 10;

/// How the server of a case is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) transport: &'a str,
    pub(crate) scenario: &'a Scenario,
    pub(crate) cpus: &'a [u32],
}

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
    url: String,
    address: SocketAddr,
}

/// A free port of loopback.
const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl ServerProcess {
    /// Starts `pushlab serve` for a case and waits until it accepts. To be called from the main thread: the child ends
    /// when the thread that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, or doesn't accept in time; with what it said.
    pub(crate) fn start(launch: Launch<'_>) -> Result<Self, Error> {
        let mut server = Self::spawn(launch, ANY)?;
        let line = server.line();
        server.accepts(line)
    }

    /// The same at the address of one that was killed, without blocking this thread while it starts.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) async fn again(launch: Launch<'_>, address: SocketAddr) -> Result<Self, Error> {
        let mut server = Self::spawn(launch, address)?;
        let said = timeout(PATIENCE, server.until_readable()).await;
        let line = match said {
            Ok(Ok(())) => server.line(),
            Ok(Err(error)) => Err(error.into()),
            Err(_elapsed) => Err(anyhow!("the server said nothing for {PATIENCE:?}")),
        };
        server.accepts(line)
    }

    fn spawn(launch: Launch<'_>, listen: SocketAddr) -> Result<Self, Error> {
        let program = std::env::current_exe().context("can't find the program of the server")?;
        let mut child = Command::new(program)
            .args(arguments(launch, listen))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C on a terminal is for this process, which ends the server when it is time.
            .process_group(0)
            .spawn()
            .context("can't start the server")?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(requests), Some(answers), Some(errors)) = pipes else {
            bail!("can't talk to the server");
        };
        let complaints = Some(thread::spawn(move || collect(errors)));
        let answers = BufReader::new(answers);
        Ok(Self {
            child,
            requests,
            answers,
            complaints,
            url: String::new(),
            address: listen,
        })
    }

    /// Takes in the line with which it says that it accepts.
    fn accepts(mut self, line: Result<String, Error>) -> Result<Self, Error> {
        let ready = line.and_then(|line| {
            let ready: Ready = serde_json::from_str(&line)?;
            let address = address(&ready.url)?;
            Ok((ready.url, address))
        });
        match ready {
            Ok((url, address)) => {
                (self.url, self.address) = (url, address);
                Ok(self)
            }
            Err(error) => Err(self.give_up(&error)),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it, and waits without blocking this thread until it has ended: its connections are closed then, and its port is free.
    ///
    /// # Errors
    /// The kernel can't tell when it has ended.
    pub(crate) async fn kill(mut self) -> Result<(), Error> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("the server has no process id")?;
        let ended = pidfd_open(pid, PidfdFlags::empty()).context("can't watch the server")?;
        let ended = watched(ended)?;
        self.signal(Signal::KILL);
        ended.readable().await?.retain_ready();
        self.child.wait()?;
        Ok(())
    }

    /// Waits until there is something to read on its standard output, or its end.
    async fn until_readable(&self) -> io::Result<()> {
        let output = self.answers.get_ref().as_fd().try_clone_to_owned()?;
        watched(output)?.readable().await?.retain_ready();
        Ok(())
    }

    /// What its clients connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks something; a server that has ended doesn't answer, which shows when the answer is read.
    pub(crate) fn ask(&mut self, request: Request) {
        let _ = writeln!(self.requests, "{}", request.line());
    }

    /// The answer to an earlier [`Request::Report`].
    ///
    /// # Errors
    /// There is none in time.
    pub(crate) fn pauses(&mut self) -> Result<Pauses, Error> {
        let line = self.line()?;
        let json = line
            .strip_prefix(PAUSES)
            .ok_or_else(|| anyhow!("the server answered {line:?}"))?;
        Ok(serde_json::from_str(json)?)
    }

    /// Lets it drain, and waits until it has ended.
    ///
    /// # Errors
    /// It ended badly, before or now; with what it said.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        self.signal(Signal::TERM);
        match self.ended_within(PATIENCE)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.give_up(&anyhow!("the server ended with {status}"))),
            None => Err(self.give_up(&anyhow!(
                "the server did not end within {PATIENCE:?} of SIGTERM"
            ))),
        }
    }

    /// The next line of its standard output.
    fn line(&mut self) -> Result<String, Error> {
        if self.answers.buffer().is_empty() {
            let seconds = Timespec {
                tv_sec: PATIENCE.as_secs().cast_signed(),
                tv_nsec: 0,
            };
            let mut output = [PollFd::from_borrowed_fd(
                self.answers.get_ref().as_fd(),
                PollFlags::IN,
            )];
            // Ctrl-C may come meanwhile; it is heard where it matters.
            if retry_on_intr(|| poll(&mut output, Some(&seconds)))? == 0 {
                bail!("the server said nothing for {PATIENCE:?}");
            }
        }
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the server ended by itself");
        }
        Ok(line.trim_end().to_owned())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Not waited for yet, so the number is still its own; it fails only if it has ended, as is wanted.
            let _ = kill_process(pid, signal);
        }
    }

    fn ended_within(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait()? {
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                ended => return Ok(ended),
            }
        }
    }

    /// Ends it, and adds what it said to the error.
    fn give_up(mut self, error: &Error) -> Error {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // After `stop` both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file that the runtime watches until it can be read.
#[expect(
    deprecated,
    reason = "its successor is unsafe for types that may change their file; an `OwnedFd` doesn't"
)]
fn watched(file: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(file, Interest::READABLE)
}

/// The address in a ready line's URL.
fn address(url: &str) -> Result<SocketAddr, Error> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    authority
        .parse()
        .with_context(|| format!("the server listens at {url}, which has no address"))
}

/// The command line of the server that a scenario wants.
fn arguments(launch: Launch<'_>, listen: SocketAddr) -> Vec<String> {
    let Launch {
        transport,
        scenario,
        cpus,
    } = launch;
    let server = &scenario.server;
    let mut arguments: Vec<String> = ["serve", transport, "--listen", &listen.to_string()]
        .map(str::to_owned)
        .into();
    let mut flag = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    flag("--threads", server.threads.to_string());
    flag("--mailbox-messages", server.mailbox_messages.to_string());
    flag("--mailbox-bytes", server.mailbox_bytes.to_string());
    flag("--slow-consumer", server.slow_consumer.name().to_owned());
    flag("--max-message", most_bytes(scenario).to_string());
    flag("--max-connections", most_connections(scenario).to_string());
    flag(
        "--max-sessions",
        (scenario.population.connections() as usize)
            .max(100_000)
            .to_string(),
    );
    flag("--drain-notice", "0s".to_owned());
    // A session that is well hears a ping before its client calls it dead.
    if let Some(dead_after) = scenario.reconnect.and_then(|rules| rules.dead_after) {
        flag(
            "--ping-interval",
            format!("{}us", dead_after.as_micros() / 4),
        );
    }
    flag("--die-with-parent", std::process::id().to_string());
    if !cpus.is_empty() {
        flag(
            "--pin",
            cpus.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(","),
        );
    }
    arguments.push("--control".to_owned());
    if !server.batching {
        arguments.push("--no-batching".to_owned());
    }
    arguments
}

/// Room for a few commands of this payload in one request.
fn most_bytes(scenario: &Scenario) -> usize {
    let payload = scenario.load.map_or(0, |load| load.payload);
    (1 << 20).max(16 * (payload + 1024))
}

/// A client may have its poll, its command connections, and for each one that is being closed.
fn most_connections(scenario: &Scenario) -> u64 {
    let each = 2 * (1 + u64::from(scenario.client.pool));
    (u64::from(scenario.population.connections()) * each + 64).max(16_000)
}

fn collect(errors: ChildStderr) -> String {
    let mut errors = BufReader::new(errors);
    let mut kept = Vec::new();
    // What can't be read can't be told.
    let _ = errors.by_ref().take(MOST_COMPLAINTS).read_to_end(&mut kept);
    let _ = io::copy(&mut errors, &mut io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}
