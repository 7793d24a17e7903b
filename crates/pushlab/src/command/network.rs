//! The network of a case: loopback as it is, or a link between the generator and the server.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Error, anyhow};
use link::packets::{Entered, Namespace};
use load::Targets;
use measure::LinkReport;
use scenario::{Backend, Between, Cut, Link, Scenario};
use transport::Target;

use crate::command::faults::FaultyLink;
use crate::command::link::{Ends, Request as LinkRequest};
use crate::command::link_process::LinkProcess;
use crate::command::server_process::ANY;
use crate::command::tapped::{Tap, Tapped};

/// What lies between the generator and a server.
#[derive(Debug)]
pub(crate) enum Network {
    /// Nothing but loopback.
    Loopback,
    /// A process that connections lead through.
    Relay(LinkProcess<String>, Between),
    /// A relay within this process, whose connections are looked at.
    Tapped(Box<Tapped>, Between),
    /// Two namespaces; the server lives in one of them, the generator's connections in the other.
    Packets(LinkProcess<Ends>),
}

impl Network {
    /// What has to be there before the server of this scenario: the namespaces of a link of packets.
    ///
    /// # Errors
    /// The link's process can't be started or doesn't come about; with what it said.
    pub(crate) fn prepare(scenario: &Scenario, cpus: &[u32], seed: u64) -> Result<Self, Error> {
        Ok(match packets(scenario) {
            None => Self::Loopback,
            Some(link) => {
                Self::Packets(LinkProcess::packets(link, cpus, seed).context("the link")?)
            }
        })
    }

    /// What has to be there as soon as the server at `url` is: a relay before it, if the scenario has one. With a tap it is looked at.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub(crate) fn lead_to(
        self,
        url: &str,
        scenario: &Scenario,
        cpus: &[u32],
        seed: u64,
        tap: Option<&Tap>,
    ) -> Result<Self, Error> {
        match (self, &scenario.link, tap) {
            (Self::Loopback, Some(link), Some(tap)) => {
                let relay = Tapped::start(link, authority(url)?, seed, tap);
                let relay = Box::new(relay.context("the link")?);
                Ok(Self::Tapped(relay, link.between))
            }
            (Self::Loopback, Some(link), None) => {
                let relay = LinkProcess::start(link, authority(url)?, cpus, seed);
                Ok(Self::Relay(relay.context("the link")?, link.between))
            }
            (network, ..) => Ok(network),
        }
    }

    /// Where the server is to listen.
    pub(crate) fn listen(&self) -> SocketAddr {
        match self {
            Self::Packets(process) => SocketAddr::new(process.ends().server_address.into(), 0),
            Self::Loopback | Self::Relay(..) | Self::Tapped(..) => ANY,
        }
    }

    /// The server's end: processes that this thread starts while the guard lives are there.
    ///
    /// # Errors
    /// The namespace is gone, or may not be entered.
    pub(crate) fn server_end(&self) -> Result<Option<Entered>, Error> {
        match self {
            Self::Packets(process) => Ok(Some(Namespace::enter(&process.ends().server_namespace)?)),
            Self::Loopback | Self::Relay(..) | Self::Tapped(..) => Ok(None),
        }
    }

    /// The clients' end: connections that this thread makes while the guard lives are there.
    ///
    /// # Errors
    /// As [`server_end`](Self::server_end).
    pub(crate) fn client_end(&self) -> Result<Option<Entered>, Error> {
        match self {
            Self::Packets(process) => Ok(Some(Namespace::enter(&process.ends().client_namespace)?)),
            Self::Loopback | Self::Relay(..) | Self::Tapped(..) => Ok(None),
        }
    }

    /// Where sessions connect to, if `target` is the server itself.
    pub(crate) fn targets(&self, target: Target) -> Targets {
        let (address, between) = match self {
            Self::Relay(process, between) => (process.address().to_owned(), between),
            Self::Tapped(relay, between) => (relay.address().to_string(), between),
            Self::Loopback | Self::Packets(_) => return target.into(),
        };
        let far = Target {
            url: through(&target.url, &address),
            ..target.clone()
        };
        match between {
            Between::All => far.into(),
            Between::Senders => Targets {
                senders: far,
                receivers: target,
            },
            Between::Receivers => Targets {
                senders: target,
                receivers: far,
            },
        }
    }

    /// Asks the link for something, if there is one.
    pub(crate) fn ask(&mut self, request: LinkRequest) {
        match self {
            Self::Loopback => {}
            Self::Relay(process, _) => process.ask(request),
            Self::Tapped(relay, _) => relay.ask(request),
            Self::Packets(process) => process.ask(request),
        }
    }

    /// The answer to an earlier request for a report.
    pub(crate) fn report(&mut self) -> Option<LinkReport> {
        // Without an answer the link has ended, and `stop` says how.
        match self {
            Self::Loopback => None,
            Self::Relay(process, _) => process.report().ok(),
            Self::Tapped(relay, _) => relay.report(),
            Self::Packets(process) => process.report().ok(),
        }
    }

    /// Ends the link.
    ///
    /// # Errors
    /// It had ended badly; with what it said.
    pub(crate) fn stop(self) -> Result<(), Error> {
        match self {
            Self::Loopback => Ok(()),
            Self::Relay(process, _) => process.stop().context("the link"),
            Self::Tapped(relay, _) => relay.stop().context("the link"),
            Self::Packets(process) => process.stop().context("the link"),
        }
    }
}

impl FaultyLink for RefCell<Network> {
    fn stall(&self, length: Duration) -> Result<(), Error> {
        let request = LinkRequest::Stall(length.as_millis() as u64);
        self.borrow_mut().ask(request);
        Ok(())
    }

    fn cut(&self, how: Cut) -> Result<(), Error> {
        self.borrow_mut().ask(LinkRequest::Cut(how));
        Ok(())
    }
}

/// The scenario's link, if it is one of packets.
pub(crate) fn packets(scenario: &Scenario) -> Option<&Link> {
    let link = scenario.link.as_ref();
    link.filter(|link| link.backend == Backend::Packets)
}

/// Host and port of a URL.
fn authority(url: &str) -> Result<&str, Error> {
    let rest = url.split_once("://").map(|(_, rest)| rest);
    let rest = rest.ok_or_else(|| anyhow!("`{url}` is no URL"))?;
    Ok(rest.split('/').next().unwrap_or(rest))
}

/// The same URL at another host and port.
fn through(url: &str, address: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let path = rest.find('/').map_or("", |slash| &rest[slash..]);
            format!("{scheme}://{address}{path}")
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_led_elsewhere() {
        assert_eq!(
            through("ws://127.0.0.1:80/ws", "127.0.0.1:9"),
            "ws://127.0.0.1:9/ws"
        );
        assert_eq!(
            through("http://127.0.0.1:80", "127.0.0.1:9"),
            "http://127.0.0.1:9"
        );
        assert_eq!(authority("ws://127.0.0.1:80/ws").ok(), Some("127.0.0.1:80"));
        assert!(authority("127.0.0.1:80").is_err());
    }
}
