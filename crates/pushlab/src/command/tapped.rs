//! A relay within this process, whose connections are looked at.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Error, anyhow};
use link::relay::{SPIN, Seen};
use link::{Handle, Relay};
use measure::LinkReport;
use scenario::Link;

use crate::command::link::Request;
use crate::command::server_process::ANY;

/// Who looks at what passes, on the relay's thread.
#[derive(Clone)]
pub(crate) struct Tap(Arc<dyn Fn(Seen<'_>) + Send + Sync>);

/// A running relay.
#[derive(Debug)]
pub(crate) struct Tapped {
    address: SocketAddr,
    handle: Handle,
    thread: JoinHandle<io::Result<()>>,
    /// What it had done when it was last asked.
    report: Option<LinkReport>,
}

impl Tap {
    pub(crate) fn new(look: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tap")
    }
}

impl Tapped {
    /// Starts a relay to the server at `to` (HOST:PORT).
    ///
    /// # Errors
    /// A relay can't make the link, or the kernel has no room for one.
    pub(crate) fn start(link: &Link, to: &str, seed: u64, tap: &Tap) -> Result<Self, Error> {
        let listener = TcpListener::bind(ANY).context("can't listen for the relay")?;
        let address = listener.local_addr()?;
        let to = to
            .parse()
            .with_context(|| format!("{to} is the address of no server"))?;
        let (relay, handle) = Relay::new(link, listener, to, seed, SPIN)?;
        let look = Arc::clone(&tap.0);
        let relay = relay.with_tap(move |seen| look(seen));
        let thread = thread::Builder::new()
            .name("relay".into())
            .spawn(move || relay.run())
            .context("can't start the relay's thread")?;
        Ok(Self {
            address,
            handle,
            thread,
            report: None,
        })
    }

    /// Where clients connect instead of the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for something; a relay that has ended doesn't answer, which shows when it is stopped.
    pub(crate) fn ask(&mut self, request: Request) {
        let handle = &self.handle;
        let asked = match request {
            Request::Reset(at) => handle.reset(at),
            Request::Report(_) => handle.report().map(|report| self.report = Some(report)),
            Request::Stall(milliseconds) => handle.stall(Duration::from_millis(milliseconds)),
            Request::Cut(how) => handle.cut(how),
        };
        drop(asked);
    }

    /// The answer to an earlier [`Request::Report`].
    pub(crate) fn report(&mut self) -> Option<LinkReport> {
        self.report.take()
    }

    /// Ends it, and with it all its connections.
    ///
    /// # Errors
    /// It had ended badly before.
    pub(crate) fn stop(self) -> Result<(), Error> {
        self.handle.stop();
        let ended = self.thread.join();
        Ok(ended.map_err(|_| anyhow!("its thread panicked"))??)
    }
}
