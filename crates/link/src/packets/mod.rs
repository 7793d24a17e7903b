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
//! | `forwarder` | the loop that carries packets, and its commands |
//! | `severed` | cut connections |
//! | `namespace`, `device` | what the kernel gives |

mod device;
mod forwarder;
mod line;
mod namespace;
mod severed;

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::thread::{CapabilitySet, capabilities};
use scenario::Link;
use thiserror::Error;

use crate::{Cut, Handle, handle};
use device::Device;
use forwarder::Forwarder;
use line::Line;
pub use namespace::{Entered, Namespace};
use severed::Severed;

/// How long before a packet is due the forwarder is awake and only looks around: a wake-up takes its time. Measured on a virtual machine,
/// half of the packets left 30 to 90 us late without it, and less than 10 us late with it.
pub const SPIN: Duration = Duration::from_micros(100);

/// The cuts that a link of packets can do. In the middle of a message is not among them: it sees packets, not messages.
pub const CUTS: &[Cut] = &[Cut::Reset, Cut::Silence, Cut::HalfOpen];

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
}

/// A link of packets that is ready to run: its namespaces and devices are there, and end with it.
///
/// It is told to stall, cut and report by its [`Handle`]. A cut is of the TCP connections that there are; their packets then count as lost. With
/// [`Cut::Reset`], and for the client with [`Cut::HalfOpen`], an end is told as soon as either sends anything.
pub struct Packets(Forwarder);

impl Packets {
    /// Makes namespaces and devices. Packets of the same `seed` have the same fate, one by one; `spin` before each is due, the forwarder is
    /// awake ([`SPIN`] is right for most).
    ///
    /// # Errors
    /// A right or the kernel's TUN devices are missing, or the kernel refuses a piece.
    pub fn new(link: &Link, seed: u64, spin: Duration) -> Result<(Self, Handle), PacketsError> {
        check()?;
        let (clients, near) = end("clients' network namespace", CLIENT)?;
        let (server, far) = end("server's network namespace", SERVER)?;
        let channel = handle::channel(handle::Abilities {
            cuts: CUTS,
            live: None,
        });
        let (handle, commands) =
            channel.map_err(|error| PacketsError::Unmade("channel for commands", error))?;
        let forwarder = Forwarder {
            namespaces: [clients, server],
            devices: [near, far],
            lines: [
                Line::new(&link.up, seed),
                Line::new(&link.down, seed ^ (1 << 63)),
            ],
            commands,
            severed: Severed::default(),
            overflowed: [0; 2],
            spin: u64::try_from(spin.as_nanos()).unwrap_or(u64::MAX),
        };
        Ok((Self(forwarder), handle))
    }

    /// Where the clients are.
    pub fn clients(&self) -> &Namespace {
        &self.0.namespaces[0]
    }

    /// Where the server is.
    pub fn server(&self) -> &Namespace {
        &self.0.namespaces[1]
    }

    /// Carries packets until it is [stopped](Handle::stop). Namespaces and devices are gone when it returns, but for those who are in
    /// them.
    ///
    /// # Errors
    /// Someone has removed a device or set it down.
    pub fn run(mut self) -> io::Result<()> {
        self.0.run()
    }
}

impl fmt::Debug for Packets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = [self.clients(), self.server()];
        formatter.debug_tuple("Packets").field(&ends).finish()
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
