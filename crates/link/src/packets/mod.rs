//! A link of IP packets: two network namespaces, a TUN device in each, and a forwarder of ours between them. What is lost here is lost to the
//! kernel's own TCP, which notices and recovers as it does anywhere.
//!
//! ```text
//!  namespace of the clients                                        namespace of the server
//!  198.18.0.1  [tun "link"] -> queue -> bandwidth -> delay -> [tun "link"]  198.18.0.2
//!                           <-  delay <- bandwidth <- queue <-
//! ```
//!
//! The addresses are out of the block that is set aside for measuring network devices (RFC 2544, appendix C.2.2; RFC 6890).
//!
//! - **No `tc netem`.** Many kernels are built without it, so a forwarder of our own has to be there anyway, and two back ends would be two
//!   to trust. Ours is measured by `pushlab selftest`, and says what it did to each packet: how many it lost, how long each was under way.
//! - **No offloads.** The devices have no virtio header, so the kernel cuts what it sends into packets of at most [`MTU`] bytes and computes
//!   their checksums itself, and none are put together on receipt. Counts and losses are of packets as they are on a wire; the price is
//!   CPU time a packet, in the kernel and here.
//! - **IPv4 alone.** IPv6 packets (the kernel's greetings to its neighbours) are dropped and not counted.
//! - **Nothing stays.** No file keeps the namespaces, so they and their devices are gone with the process, however it ended, as soon as nobody
//!   else is in them.
//!
//! | module | concern |
//! | --- | --- |
//! | `line` | one direction: queue, bandwidth, delay, harm; knows neither devices nor clocks |
//! | `forwarder` | the thread that carries packets, and its commands |
//! | `severed` | cut connections |
//! | `namespace`, `device` | what the kernel gives |

mod device;
mod forwarder;
mod line;
mod namespace;
mod severed;

use std::fs::OpenOptions;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use measure::LinkReport;
use rustix::event::{EventfdFlags, eventfd};
use rustix::thread::{CapabilitySet, capabilities};
use scenario::Link;
use thiserror::Error;

use crate::Cut;
use device::Device;
use forwarder::{Command, Forwarder};
use line::Line;
pub use namespace::{Entered, Namespace};
use severed::Severed;

/// The greatest packet, bytes.
pub const MTU: usize = 1500;

/// The clients' address.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);

/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);

/// Bits of the network of the two.
const PREFIX: u8 = 30;

/// Where the kernel hands out TUN devices.
const TUN: &str = "/dev/net/tun";

/// Why there is no link of packets, or no longer.
#[derive(Debug, Error)]
pub enum PacketsError {
    /// The process lacks a right.
    #[error(
        "a link of packets needs the right {0}, which this process lacks: run it as root, or use the relay \
         (`backend = \"relay\"`), which needs no rights but can lose no packets"
    )]
    Forbidden(&'static str),
    /// The kernel has no TUN devices, or the container hides them.
    #[error(
        "a link of packets needs {TUN}, which can't be opened ({0}): load the kernel's module (`modprobe tun`) or give the \
         container the device, or use the relay (`backend = \"relay\"`), which needs neither but can lose no packets"
    )]
    NoTun(io::Error),
    /// A piece can't be made.
    #[error("a link of packets can't make the {0}: {1}")]
    Unmade(&'static str, io::Error),
    /// A cut that only a relay can do.
    #[error(
        "a link of packets can't cut connections {0}: only the relay (`backend = \"relay\"`) sees the bytes of a stream"
    )]
    NoSuchCut(&'static str),
    /// The forwarder has ended.
    #[error(
        "the link's forwarder has ended, because one of its devices is gone or has been set down"
    )]
    Ended,
}

/// A link of packets. It and its namespaces end when it is dropped.
#[derive(Debug)]
pub struct Packets {
    clients: Namespace,
    server: Namespace,
    commands: mpsc::Sender<Command>,
    bell: Arc<OwnedFd>,
    forwarder: Option<JoinHandle<io::Result<()>>>,
    /// Packets that the kernel had dropped before the forwarder took them, each direction, when counting began.
    overflowed: [AtomicU64; 2],
}

impl Packets {
    /// Makes the namespaces and devices and starts to carry packets between them; those of the same seed have the same fate, one
    /// by one. The forwarder's thread inherits the caller's pins.
    ///
    /// # Errors
    /// A right or the kernel's TUN devices are missing, or the kernel refuses a piece.
    pub fn start(link: &Link, seed: u64) -> Result<Self, PacketsError> {
        check()?;
        let (clients, near) = end("clients' network namespace", CLIENT)?;
        let (server, far) = end("server's network namespace", SERVER)?;
        let unmade = |what| move |error: io::Error| PacketsError::Unmade(what, error);
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| unmade("eventfd")(error.into()))?;
        let bell = Arc::new(bell);
        let (commands, orders) = mpsc::channel();
        let forwarder = Forwarder {
            devices: [near, far],
            lines: [Line::new(link.up, seed), Line::new(link.down, !seed)],
            commands: orders,
            bell: Arc::clone(&bell),
            severed: Severed::default(),
        };
        let forwarder = thread::Builder::new()
            .name("forwarder".into())
            .spawn(move || forwarder.run())
            .map_err(unmade("forwarder"))?;
        Ok(Self {
            clients,
            server,
            commands,
            bell,
            forwarder: Some(forwarder),
            overflowed: [const { AtomicU64::new(0) }; 2],
        })
    }

    /// Where the clients are.
    pub fn clients(&self) -> &Namespace {
        &self.clients
    }

    /// Where the server is.
    pub fn server(&self) -> &Namespace {
        &self.server
    }

    /// What is counted begins at `at`, a time of [`measure::now`].
    ///
    /// # Errors
    /// The forwarder has ended.
    pub fn reset(&self, at: u64) -> Result<(), PacketsError> {
        for (base, overflowed) in self.overflowed.iter().zip(self.overflows()) {
            base.store(overflowed, Ordering::Relaxed);
        }
        self.tell(Command::Reset(at))
    }

    /// What was counted since the last reset. Packets that the kernel dropped because the forwarder had no CPU to take them count as dropped.
    ///
    /// # Errors
    /// The forwarder has ended.
    pub fn report(&self) -> Result<LinkReport, PacketsError> {
        let (to, told) = mpsc::channel();
        self.tell(Command::Report(to))?;
        let mut report = told.recv().map_err(|_| PacketsError::Ended)?;
        let [up, down] = self.overflows();
        let [up_base, down_base] = &self.overflowed;
        report.up.dropped += up.saturating_sub(up_base.load(Ordering::Relaxed));
        report.down.dropped += down.saturating_sub(down_base.load(Ordering::Relaxed));
        Ok(report)
    }

    /// Lets nothing through for `duration`; what comes meanwhile waits, as far as the queue has room.
    ///
    /// # Errors
    /// The forwarder has ended.
    pub fn stall(&self, duration: Duration) -> Result<(), PacketsError> {
        self.tell(Command::Stall(duration))
    }

    /// Cuts the TCP connections that there are; new ones work. Their packets count as lost. With [`Cut::Reset`], and for the client with
    /// [`Cut::HalfOpen`], an end is told as soon as either sends anything.
    ///
    /// # Errors
    /// [`Cut::MidMessage`], which only a relay can do; the forwarder has ended.
    pub fn cut(&self, cut: Cut) -> Result<(), PacketsError> {
        if cut == Cut::MidMessage {
            return Err(PacketsError::NoSuchCut(cut.name()));
        }
        self.tell(Command::Cut(cut))
    }

    fn tell(&self, command: Command) -> Result<(), PacketsError> {
        self.commands
            .send(command)
            .map_err(|_| PacketsError::Ended)?;
        // Only a bell that has been rung 2^64 times is deaf.
        let _ = rustix::io::write(&*self.bell, &1_u64.to_ne_bytes());
        Ok(())
    }

    fn overflows(&self) -> [u64; 2] {
        [&self.clients, &self.server]
            .map(|namespace| device::overflowed(&namespace.device_counts()))
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        let _ = self.tell(Command::End);
        if let Some(forwarder) = self.forwarder.take() {
            let _ = forwarder.join();
        }
    }
}

/// Whether this process may have a link of packets and this machine has what it takes.
///
/// # Errors
/// What is missing.
pub fn check() -> Result<(), PacketsError> {
    let rights = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    if !rights.contains(CapabilitySet::SYS_ADMIN) {
        return Err(PacketsError::Forbidden("CAP_SYS_ADMIN"));
    }
    if !rights.contains(CapabilitySet::NET_ADMIN) {
        return Err(PacketsError::Forbidden("CAP_NET_ADMIN"));
    }
    let tun = OpenOptions::new().read(true).write(true).open(TUN);
    tun.map(drop).map_err(PacketsError::NoTun)
}

/// A namespace with the link's device in it.
fn end(name: &'static str, address: Ipv4Addr) -> Result<(Namespace, Device), PacketsError> {
    Namespace::make(move || Device::make(address, PREFIX))
        .map_err(|error| PacketsError::Unmade(name, error))
}
