//! The server of a case: another process, on other CPUs, that doesn't outlive this one.

use anyhow::Error;
use measure::Pauses;
use scenario::Scenario;

use crate::command::child::Child;
use crate::command::serve::{PAUSES, Ready, Request};

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    url: String,
}

impl ServerProcess {
    /// Starts `pushlab serve` for a case and waits until it accepts. To be called from the main thread: the child ends
    /// when the thread that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, or doesn't accept in time; with what it said.
    pub(crate) fn start(transport: &str, scenario: &Scenario, cpus: &[u32]) -> Result<Self, Error> {
        let arguments = arguments(transport, scenario);
        let (child, Ready { url, .. }) = Child::start("server", &arguments, cpus)?;
        Ok(Self { child, url })
    }

    /// What its clients connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Asks something; a server that has ended doesn't answer, which shows when the answer is read.
    pub(crate) fn ask(&mut self, request: Request) {
        self.child.tell(&request.line());
    }

    /// The answer to an earlier [`Request::Report`].
    ///
    /// # Errors
    /// There is none in time.
    pub(crate) fn pauses(&mut self) -> Result<Pauses, Error> {
        self.child.answer(PAUSES)
    }

    /// Lets it drain, and waits until it has ended.
    ///
    /// # Errors
    /// It ended badly, before or now; with what it said.
    pub(crate) fn stop(self) -> Result<(), Error> {
        self.child.stop()
    }
}

/// The command line of the server that a scenario wants.
fn arguments(transport: &str, scenario: &Scenario) -> Vec<String> {
    let server = &scenario.server;
    let mut arguments: Vec<String> = ["serve", transport, "--listen", "127.0.0.1:0"]
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
