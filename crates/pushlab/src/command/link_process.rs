//! The link of a case: a process of its own between generator and server.

use anyhow::{Error, bail};
use measure::LinkReport;
use scenario::Link;

use crate::cli::Exact;
use crate::command::child::Child;
use crate::command::link::{Ends, REPORT, Ready, Request};

/// A running link: a relay at an address, or packets between two ends.
#[derive(Debug)]
pub(crate) struct LinkProcess<At = String> {
    child: Child,
    at: At,
}

impl LinkProcess {
    /// Starts `pushlab link` to the server at `to` (HOST:PORT) and waits until it accepts. To be called from the main thread: the child ends
    /// when the thread that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, or doesn't accept in time; with what it said.
    pub(crate) fn start(link: &Link, to: &str, cpus: &[u32], seed: u64) -> Result<Self, Error> {
        match start(link, &["--to", to], cpus, seed)? {
            (child, Ready::Relay { listen, .. }) => Ok(Self { child, at: listen }),
            (_, Ready::Packets(_)) => bail!("the link is one of packets, not a relay"),
        }
    }

    /// Where clients connect instead of the server: HOST:PORT.
    pub(crate) fn address(&self) -> &str {
        &self.at
    }
}

impl LinkProcess<Ends> {
    /// Starts `pushlab link` with packets and waits until it carries them. To be called from the main thread: the child ends when the thread
    /// that started it does.
    ///
    /// # Errors
    /// It can't be started, or ends, as without the rights that it needs; with what it said.
    pub(crate) fn packets(link: &Link, cpus: &[u32], seed: u64) -> Result<Self, Error> {
        match start(link, &[], cpus, seed)? {
            (child, Ready::Packets(at)) => Ok(Self { child, at }),
            (_, Ready::Relay { .. }) => bail!("the link is a relay, not one of packets"),
        }
    }

    /// Where to start the server and its clients.
    pub(crate) fn ends(&self) -> &Ends {
        &self.at
    }
}

impl<At> LinkProcess<At> {
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

fn start(link: &Link, flags: &[&str], cpus: &[u32], seed: u64) -> Result<(Child, Ready), Error> {
    let (exact, seed) = (Exact::of(link).text()?, seed.to_string());
    let arguments = [&["link", "--exact", &exact, "--seed", &seed], flags].concat();
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    Child::start("link", &arguments, cpus)
}
