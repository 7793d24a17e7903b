//! Carries out a scenario's faults while its case is measured.
//!
//! It runs on the generator's own event loop and only waits there: to wait for the end of a process or for a server that starts again blocks nothing.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Error, anyhow};
use load::{Samples, Strike};
use measure::now;
use rustix::process::Signal;
use scenario::{Cut, Fault, Scenario, What};
use tokio::net::TcpSocket;
use tokio::time::sleep;

use crate::command::server_process::{Launch, ServerProcess};

/// A link that can fail; a relay is one.
pub(crate) trait FaultyLink {
    /// From now on nothing passes for `length`, and nothing is lost.
    ///
    /// # Errors
    /// The link doesn't answer.
    fn stall(&self, length: Duration) -> Result<(), Error>;

    /// Ends every connection now, in this way; new ones pass.
    ///
    /// # Errors
    /// The link doesn't answer.
    fn cut(&self, how: Cut) -> Result<(), Error>;
}

/// The server of a case. None while it is killed.
pub(crate) type Server = RefCell<Option<ServerProcess>>;

/// The faults of a case, and what they befall.
pub(crate) struct Faults<'a> {
    schedule: Vec<(Duration, Fault)>,
    server: &'a Server,
    launch: Launch<'a>,
    link: Option<&'a dyn FaultyLink>,
    strikes: Samples<Strike>,
}

impl<'a> Faults<'a> {
    /// Those of `scenario` that are not the generator's own; `launch` is how its server was started.
    ///
    /// # Errors
    /// One of them needs a link, and there is none.
    pub(crate) fn new(
        scenario: &Scenario,
        server: &'a Server,
        launch: Launch<'a>,
        link: Option<&'a dyn FaultyLink>,
    ) -> Result<Self, Error> {
        let mut schedule = scenario.fault_schedule();
        // A session that stops reading is one of the generator's.
        schedule.retain(|(_, fault)| fault.what != What::StopReading);
        let of_link = schedule.iter().find(|(_, fault)| fault.what.is_of_link());
        if let (Some((at, fault)), None) = (of_link, link) {
            return Err(no_link(*at, fault.what));
        }
        Ok(Self {
            schedule,
            server,
            launch,
            link,
            strikes: Samples::default(),
        })
    }

    /// What has happened so far, for the generator.
    pub(crate) fn strikes(&self) -> Samples<Strike> {
        Samples::clone(&self.strikes)
    }

    /// Whether the server is another process at the end than at the beginning.
    pub(crate) fn replaces_server(&self) -> bool {
        let mut all = self.schedule.iter();
        all.any(|(_, fault)| fault.what == What::KillServer)
    }

    /// Carries out one after the other; `began` is when the measured part begins, nanoseconds of [`now`]. Dropped, it lets a frozen server go on.
    ///
    /// # Errors
    /// A fault could not be carried out, or the server didn't start again.
    pub(crate) async fn carry_out(&self, began: u64) -> Result<(), Error> {
        // While the server is away, no other socket of this machine may be given its port: those that keep trying to connect are given many.
        let _reserved = match self.address() {
            Some(address) if self.replaces_server() => Some(reserve(address)?),
            _ => None,
        };
        for (at, fault) in &self.schedule {
            sleep_until(began + at.as_nanos() as u64).await;
            self.one(*at, *fault)
                .await
                .with_context(|| format!("the {} at {at:?}", fault.what.name()))?;
        }
        Ok(())
    }

    async fn one(&self, at: Duration, fault: Fault) -> Result<(), Error> {
        let struck = now();
        let over = struck + fault.length.as_nanos() as u64;
        let link = || self.link.ok_or_else(|| no_link(at, fault.what));
        self.strikes.borrow_mut().push(Strike {
            at: struck,
            over: None,
            whom: None,
        });
        match fault.what {
            What::KillServer => {
                let server = self.server.borrow_mut().take();
                let server = server.context("there is no server to kill")?;
                let address = server.address();
                server.kill().await?;
                sleep_until(over).await;
                let server = ServerProcess::again(self.launch, address).await?;
                self.server.replace(Some(server));
            }
            What::FreezeServer => {
                let frozen = Frozen::new(self.server);
                sleep_until(over).await;
                drop(frozen);
            }
            What::StallLink => {
                link()?.stall(fault.length)?;
                sleep_until(over).await;
            }
            What::CutLink(how) => link()?.cut(how)?,
            What::StopReading => {}
        }
        if let Some(strike) = self.strikes.borrow_mut().last_mut() {
            strike.over = Some(now());
        }
        Ok(())
    }

    fn address(&self) -> Option<SocketAddr> {
        self.server.borrow().as_ref().map(ServerProcess::address)
    }
}

/// A server that is stopped, and goes on when this is dropped.
struct Frozen<'a>(&'a Server);

impl<'a> Frozen<'a> {
    fn new(server: &'a Server) -> Self {
        let frozen = Self(server);
        frozen.signal(Signal::STOP);
        frozen
    }

    fn signal(&self, signal: Signal) {
        if let Some(server) = &*self.0.borrow() {
            server.signal(signal);
        }
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

/// A socket that has the address and doesn't listen: the kernel gives the port to no other socket by itself, and the server, which asks for
/// it with `SO_REUSEADDR` (socket(7)), gets it.
fn reserve(address: SocketAddr) -> Result<TcpSocket, Error> {
    let reserve = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        // The server that has it now listens with the same.
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        Ok::<_, std::io::Error>(socket)
    };
    reserve().with_context(|| format!("can't reserve the server's address {address}"))
}

fn no_link(at: Duration, what: What) -> Error {
    anyhow!(
        "the {} at {at:?} needs a link that relays, and there is none to carry it out",
        what.name()
    )
}

/// To the millisecond of the event loop's timer.
async fn sleep_until(at: u64) {
    sleep(Duration::from_nanos(at.saturating_sub(now()))).await;
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_reserved_address_is_for_the_server_alone() {
        let listening = transport::listener::bind(([127, 0, 0, 1], 0).into(), 2).unwrap();
        let address = listening[0].local_addr().unwrap();
        let reserved = reserve(address).unwrap();
        drop(listening);
        // Nobody listens: who connects is refused, and not by itself.
        assert!(std::net::TcpStream::connect(address).is_err());
        let again = transport::listener::bind(address, 2).unwrap();
        assert_eq!(again[1].local_addr().unwrap(), address);
        assert!(std::net::TcpStream::connect(address).is_ok());
        drop((again, reserved));
        assert!(TcpListener::bind(address).is_ok());
    }
}
