//! A client's TCP stream: connected as a lab connects, and counted.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use tokio::net::{TcpSocket, TcpStream};

use crate::segments;
use crate::{ClientError, IpTraffic, Target, Traffic};

/// What crossed the sockets of one client, all of its connections together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Rc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    up: Cell<u64>,
    down: Cell<u64>,
    connections: Cell<u64>,
    /// Of the connections that were closed; none until one was.
    closed: Cell<Option<IpTraffic>>,
}

impl Meter {
    /// Bytes written.
    pub fn up(&self) -> u64 {
        self.0.up.get()
    }

    /// Bytes read.
    pub fn down(&self) -> u64 {
        self.0.down.get()
    }

    /// Connections opened.
    pub fn connections(&self) -> u64 {
        self.0.connections.get()
    }

    /// Counts bytes written.
    pub fn add_up(&self, bytes: usize) {
        self.0.up.set(self.0.up.get() + bytes as u64);
    }

    /// Counts bytes read.
    pub fn add_down(&self, bytes: usize) {
        self.0.down.set(self.0.down.get() + bytes as u64);
    }

    /// Bytes of the streams, connections, and what the IP layer made of them: read now from those that are `open`, and when they were closed
    /// from all others. Payload and requests are left at zero. A system call for each open connection.
    pub fn traffic<'a>(&self, open: impl IntoIterator<Item = &'a Counted>) -> Traffic {
        let open = open.into_iter().map(Counted::ip);
        Traffic {
            wire_up: self.up(),
            wire_down: self.down(),
            connections: self.connections(),
            ip: open.fold(self.0.closed.get(), IpTraffic::sum),
            ..Traffic::default()
        }
    }
}

/// Connects to `address` with `TCP_NODELAY`, from [`Target::source`] where one is given.
///
/// # Errors
/// [`ClientError::Unreachable`].
pub async fn connect(
    target: &Target,
    address: SocketAddr,
    meter: &Meter,
) -> Result<Counted, ClientError> {
    let connecting = async {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_nodelay(true)?;
        if let Some(source) = target.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        socket.connect(address).await
    };
    let stream = connecting
        .await
        .map_err(|source| ClientError::Unreachable {
            address: address.to_string(),
            source,
        })?;
    meter.0.connections.set(meter.0.connections.get() + 1);
    Ok(Counted {
        stream,
        is_ipv4: address.is_ipv4(),
        meter: meter.clone(),
    })
}

/// A connection whose segments are added to its [`Meter`] when it is closed. Bytes are counted by who writes and reads them.
#[derive(Debug)]
pub struct Counted {
    stream: TcpStream,
    is_ipv4: bool,
    meter: Meter,
}

impl Counted {
    fn ip(&self) -> Option<IpTraffic> {
        segments::read(&self.stream, self.is_ipv4)
    }
}

impl Deref for Counted {
    type Target = TcpStream;
    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

impl DerefMut for Counted {
    fn deref_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let closed = &self.meter.0.closed;
        closed.set(IpTraffic::sum(closed.get(), self.ip()));
    }
}
