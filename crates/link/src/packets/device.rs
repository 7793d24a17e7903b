//! A TUN device: what a namespace sends comes out of a file as IP packets, and what is written to the file is received there.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, BorrowedFd};

use rtnetlink::LinkUnspec;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use super::MTU;

/// Name of the device in either namespace.
const NAME: &str = "link";

/// Packets that may wait for the forwarder in the kernel; pointers, so they cost little. The kernel's own 500 would overflow while the
/// forwarder waits for a CPU.
const BACKLOG: u32 = 16_384;

/// The end of a link in one namespace. Non-blocking.
pub(super) struct Device(SyncDevice);

impl Device {
    /// Makes the device in the calling thread's namespace with `address` out of a network of `prefix` bits, and sets it and the loopback
    /// device up.
    pub(super) fn make(address: Ipv4Addr, prefix: u8) -> io::Result<Self> {
        let device = DeviceBuilder::new()
            .name(NAME)
            .layer(Layer::L3)
            .mtu(MTU as u16)
            .tx_queue_len(BACKLOG)
            .build_sync()?;
        device.set_nonblocking(true)?;
        let index = device.if_index()?;
        tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?
            .block_on(configure(index, address, prefix))?;
        Ok(Self(device))
    }

    /// The next packet's size; none if none waits.
    #[inline]
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.0, buffer) {
            Ok(size) => Ok(Some(size)),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    #[inline]
    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        rustix::io::write(&self.0, packet)?;
        Ok(())
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Of the table in `/proc/net/dev`: packets that the kernel had for the device and dropped, because too many waited to be taken.
pub(super) fn overflowed(table: &str) -> u64 {
    let of = |line: &str| {
        let (name, counts) = line.split_once(':')?;
        // Eight columns of what was received come first: bytes, packets, errors, drops.
        let dropped = counts.split_ascii_whitespace().nth(8 + 3)?;
        (name.trim() == NAME).then(|| dropped.parse().ok())?
    };
    table.lines().find_map(of).unwrap_or(0)
}

/// Gives device `index` its address, and sets loopback up.
async fn configure(index: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    let connection = tokio::spawn(connection);
    let loopback = LinkUnspec::new_with_name("lo").up().build();
    let up = handle.link().set(loopback).execute().await;
    let address = handle.address().add(index, IpAddr::V4(address), prefix);
    let given = address.execute().await;
    connection.abort();
    up.and(given).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_devices_own_drops_are_read() {
        let table = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     0       0    0    9    0     0          0         0        0       0    0    8    0     0       0          0
  link:  2448      34    0    7    0     0          0         0     1880      26    0    3    0     0       0          0
";
        assert_eq!(overflowed(table), 3);
        assert_eq!(overflowed(""), 0);
    }
}
