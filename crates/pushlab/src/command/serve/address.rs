//! What `--listen` means, and the listeners on it.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use anyhow::anyhow;

use transport::Common;

use crate::exit::Failure;
use crate::registry::Entry;

/// A transport with its listeners, one for each worker thread.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) entry: &'static Entry,
    pub(crate) address: SocketAddr,
    pub(crate) listeners: Vec<TcpListener>,
    /// Connections open in all threads.
    pub(crate) connections: Arc<AtomicUsize>,
    /// What the threads share.
    pub(crate) common: Common,
}

impl Bound {
    /// What clients connect to.
    pub(crate) fn url(&self) -> String {
        let (before, after) = self.entry.info.url.unwrap_or_default();
        format!("{before}{}{after}", self.address)
    }
}

/// Binds each transport: the first to `listen`, those after it to the ports that follow; all to free ports for port 0.
pub(crate) fn bind(
    listen: &str,
    entries: &[&'static Entry],
    threads: usize,
) -> Result<Vec<Bound>, Failure> {
    let first = resolve("--listen", listen)?;
    warn_if_public(first);
    entries
        .iter()
        .enumerate()
        .map(|(index, entry)| bind_one(nth(first, index)?, entry, threads))
        .collect()
}

fn bind_one(address: SocketAddr, entry: &'static Entry, threads: usize) -> Result<Bound, Failure> {
    let listeners = transport::listener::bind(address, threads)
        .map_err(|error| cannot_listen(address, entry.info.name, &error))?;
    let address = listeners
        .first()
        .map_or(Ok(address), TcpListener::local_addr)?;
    Ok(Bound {
        entry,
        address,
        listeners,
        connections: Arc::default(),
        common: Common::default(),
    })
}

/// Says what listening on another address than loopback means.
pub(crate) fn warn_if_public(address: SocketAddr) {
    if !address.ip().is_loopback() {
        eprintln!(
            "pushlab: warning: {address} is not a loopback address: whoever reaches this machine can reach the server, \
             and there is no TLS and no log-in"
        );
    }
}

/// Why there is no listener on `address` for `name`, and what may help.
pub(crate) fn cannot_listen(address: SocketAddr, name: &str, error: &io::Error) -> anyhow::Error {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => "; choose another port with --listen, or port 0 for a free one",
        ErrorKind::AddrNotAvailable => "; --listen takes an address of this machine",
        ErrorKind::PermissionDenied => "; ports below 1024 need rights, so choose a higher one",
        _ => "",
    };
    anyhow!("can't listen on {address} for {name}: {error}{hint}")
}

/// The address that `text`, the value of `flag`, means.
pub(crate) fn resolve(flag: &str, text: &str) -> Result<SocketAddr, Failure> {
    let usage = |reason: String| {
        Failure::Usage(anyhow!(
            "{flag} {text}: {reason}; HOST:PORT is right, as in 127.0.0.1:8080"
        ))
    };
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| usage(error.to_string()))?
        .collect();
    // `localhost` is both ::1 and 127.0.0.1; the older one is what people type elsewhere.
    let preferred = addresses
        .iter()
        .find(|address| address.is_ipv4())
        .or(addresses.first());
    preferred
        .copied()
        .ok_or_else(|| usage("the name has no address".to_owned()))
}

fn nth(first: SocketAddr, index: usize) -> Result<SocketAddr, Failure> {
    let step = if first.port() == 0 { 0 } else { index };
    let port = usize::from(first.port()) + step;
    let port = u16::try_from(port).map_err(|_| {
        Failure::Usage(anyhow!("--listen {first}: server {} would need port {port}, and 65535 is the last; choose a lower one", index + 1))
    })?;
    Ok(SocketAddr::new(first.ip(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_or_are_chosen() {
        let ports = |text: &str, index| {
            nth(text.parse().unwrap(), index)
                .map(|address| address.port())
                .ok()
        };
        assert_eq!(
            (ports("127.0.0.1:8080", 0), ports("127.0.0.1:8080", 2)),
            (Some(8080), Some(8082))
        );
        assert_eq!(
            (ports("127.0.0.1:0", 0), ports("127.0.0.1:0", 2)),
            (Some(0), Some(0))
        );
        assert_eq!(
            (ports("127.0.0.1:65535", 0), ports("127.0.0.1:65535", 1)),
            (Some(65535), None)
        );
    }

    #[test]
    fn addresses_are_resolved() {
        assert_eq!(
            resolve("--listen", "127.0.0.1:80").ok(),
            "127.0.0.1:80".parse().ok()
        );
        assert_eq!(
            resolve("--listen", "[::1]:80").ok(),
            "[::1]:80".parse().ok()
        );
        assert_eq!(
            resolve("--listen", "localhost:80").ok(),
            "127.0.0.1:80".parse().ok()
        );
        for bad in ["", "8080", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x"] {
            assert!(
                matches!(resolve("--listen", bad), Err(Failure::Usage(_))),
                "{bad}"
            );
        }
    }
}
