//! The link of a case: a process of its own between generator and server.

use anyhow::Error;
use measure::LinkReport;
use scenario::Link;

use crate::cli::Exact;
use crate::command::child::Child;
use crate::command::link::{REPORT, Ready, Request};

/// A running link.
#[derive(Debug)]
pub(crate) struct LinkProcess {
    child: Child,
    address: String,
}

impl LinkProcess {
    /// Starts `pushlab link` to the server at `to` (HOST:PORT) and waits until it accepts. To be called from the main thread: the child ends
    /// when the thread that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, or doesn't accept in time; with what it said.
    pub(crate) fn start(link: &Link, to: &str, cpus: &[u32], seed: u64) -> Result<Self, Error> {
        let (exact, seed) = (Exact::of(link).text()?, seed.to_string());
        let arguments = ["link", "--to", to, "--exact", &exact, "--seed", &seed];
        let (child, Ready { listen, .. }) =
            Child::start("link", &arguments.map(str::to_owned), cpus)?;
        Ok(Self {
            child,
            address: listen,
        })
    }

    /// Where clients connect instead of the server: HOST:PORT.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Asks for something; a link that has ended doesn't answer, which shows when the answer is read.
    pub(crate) fn ask(&mut self, request: Request) {
        self.child.tell(&request.line());
    }

    /// The answer to an earlier [`Request::Report`].
    ///
    /// # Errors
    /// There is none in time.
    pub(crate) fn report(&mut self) -> Result<LinkReport, Error> {
        self.child.answer(REPORT)
    }

    /// Ends it, and with it all its connections.
    ///
    /// # Errors
    /// It ended badly, before or now; with what it said.
    pub(crate) fn stop(self) -> Result<(), Error> {
        self.child.stop()
    }
}
