//! The server of a case: another process, on other CPUs, that doesn't outlive this one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Error, bail};
use measure::Pauses;
use rustix::process::Signal;
use scenario::Scenario;

use crate::command::child::Child;
use crate::command::peer_process::PeerProcess;
use crate::command::serve::{PAUSES, Ready, Request};
use crate::peers::PeerArm;

/// How the server of a case is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) transport: &'a str,
    /// Whose server it is, if it isn't the lab's own.
    pub(crate) peer: Option<&'a PeerArm>,
    pub(crate) scenario: &'a Scenario,
    pub(crate) cpus: &'a [u32],
    /// Its address; port 0 for any that is free.
    pub(crate) listen: SocketAddr,
}

/// A free port of loopback.
pub(crate) const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    process: Process,
    url: String,
    address: SocketAddr,
}

/// Whose server it is.
#[derive(Debug)]
enum Process {
    /// `pushlab serve`, which answers questions.
    Own(Child),
    /// Another's, which knows nothing of the lab.
    Peer(PeerProcess),
}

impl ServerProcess {
    /// Starts `pushlab serve` for a case, or the peer's server, and waits until it accepts. To be called from the main thread: the child ends
    /// when the thread that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, or doesn't accept in time; with what it said.
    pub(crate) fn start(launch: Launch<'_>) -> Result<Self, Error> {
        if let Some(arm) = launch.peer {
            let process = PeerProcess::start(&arm.peer, launch.listen, launch.cpus)?;
            let address = process.address();
            return Ok(Self {
                process: Process::Peer(process),
                url: arm.route.url_at(address),
                address,
            });
        }
        let (child, ready) = Child::start("server", &arguments(launch), launch.cpus)?;
        Self::of(child, ready)
    }

    /// The lab's own again at the address of one that was killed, without blocking this thread while it starts.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) async fn again(launch: Launch<'_>, address: SocketAddr) -> Result<Self, Error> {
        let launch = Launch {
            listen: address,
            ..launch
        };
        let arguments = arguments(launch);
        let starting = Child::start_beside("server", &arguments, launch.cpus);
        let (child, ready) = starting.await?;
        Self::of(child, ready)
    }

    fn of(child: Child, Ready { url, .. }: Ready) -> Result<Self, Error> {
        let address = address(&url)?;
        Ok(Self {
            process: Process::Own(child),
            url,
            address,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it, and waits without blocking this thread until it has ended: its connections are closed then, and its port is free.
    ///
    /// # Errors
    /// The kernel can't tell when it has ended.
    pub(crate) async fn kill(self) -> Result<(), Error> {
        match self.process {
            Process::Own(child) => child.kill().await,
            Process::Peer(process) => process.kill().await,
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        match &self.process {
            Process::Own(child) => child.signal(signal),
            Process::Peer(process) => process.signal(signal),
        }
    }

    /// What its clients connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        match &self.process {
            Process::Own(child) => child.pid(),
            Process::Peer(process) => process.pid(),
        }
    }

    /// Asks something; a server that has ended doesn't answer, which shows when the answer is read. Another's isn't asked.
    pub(crate) fn ask(&mut self, request: Request) {
        if let Process::Own(child) = &mut self.process {
            child.tell(&request.line());
        }
    }

    /// The answer to an earlier [`Request::Report`].
    ///
    /// # Errors
    /// There is none in time, or it is another's server, which was not asked.
    pub(crate) fn pauses(&mut self) -> Result<Pauses, Error> {
        match &mut self.process {
            Process::Own(child) => child.answer(PAUSES),
            Process::Peer(_) => bail!("a peer doesn't watch for pauses"),
        }
    }

    /// Lets it drain, and waits until it has ended.
    ///
    /// # Errors
    /// It ended badly, before or now; with what it said.
    pub(crate) fn stop(self) -> Result<(), Error> {
        match self.process {
            Process::Own(child) => child.stop(),
            Process::Peer(process) => process.stop(),
        }
    }
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
fn arguments(launch: Launch<'_>) -> Vec<String> {
    let Launch {
        transport,
        scenario,
        listen,
        ..
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
    // A session that is well hears a ping or a heartbeat before its client calls it dead.
    if let Some(dead_after) = scenario.reconnect.and_then(|rules| rules.dead_after) {
        let quarter = format!("{}us", dead_after.as_micros() / 4);
        flag("--ping-interval", quarter.clone());
        flag("--sse-heartbeat", quarter);
    }
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
