//! A client's TCP stream: connected as a lab connects, and counted.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
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

    fn add_up(&self, bytes: usize) {
        self.0.up.set(self.0.up.get() + bytes as u64);
    }

    fn add_down(&self, bytes: usize) {
        self.0.down.set(self.0.down.get() + bytes as u64);
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
    let stream = connecting.await.map_err(|cause| ClientError::Unreachable {
        address: address.to_string(),
        cause,
    })?;
    meter.0.connections.set(meter.0.connections.get() + 1);
    Ok(Counted {
        stream,
        is_ipv4: address.is_ipv4(),
        meter: meter.clone(),
    })
}

/// A connection that adds its bytes to its [`Meter`], and when it is closed its segments.
#[derive(Debug)]
pub struct Counted {
    stream: TcpStream,
    is_ipv4: bool,
    meter: Meter,
}

impl Counted {
    /// Reads what is there, as [`TcpStream::try_read`].
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing is, or the connection broke.
    pub fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.try_read(bytes)?;
        self.meter.add_down(read);
        Ok(read)
    }

    /// Writes what fits, as [`TcpStream::try_write`].
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing does, or the connection broke.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.try_write(bytes)?;
        self.meter.add_up(written);
        Ok(written)
    }

    /// Ready when [`try_read`](Self::try_read) may bring something.
    ///
    /// # Errors
    /// The runtime's I/O has ended.
    pub async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Ready when [`try_write`](Self::try_write) may take something.
    ///
    /// # Errors
    /// The runtime's I/O has ended.
    pub async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Ready when [`try_write`](Self::try_write) may take something.
    ///
    /// # Errors
    /// The runtime's I/O has ended.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_write_ready(cx)
    }

    fn ip(&self) -> Option<IpTraffic> {
        segments::read(&self.stream, self.is_ipv4)
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.meter.add_down(buf.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = polled {
            self.meter.add_up(written);
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(written)) = polled {
            self.meter.add_up(written);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let closed = &self.meter.0.closed;
        closed.set(IpTraffic::sum(closed.get(), self.ip()));
    }
}
