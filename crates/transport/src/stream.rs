//! A client's TCP stream: connected as a lab connects, and counting its bytes.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use crate::{ClientError, Target};

/// Bytes that crossed the sockets of one client, all of its connections together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Rc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    up: Cell<u64>,
    down: Cell<u64>,
    connections: Cell<u64>,
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
}

/// Connects to `address` with `TCP_NODELAY`, from [`Target::source`] where one is given.
///
/// # Errors
/// [`ClientError::Unreachable`].
pub async fn connect(
    target: &Target,
    address: SocketAddr,
    meter: &Meter,
) -> Result<TcpStream, ClientError> {
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
    Ok(stream)
}

/// A stream that adds its bytes to a [`Meter`].
#[derive(Debug)]
pub struct Counted {
    inner: TcpStream,
    meter: Meter,
}

impl Counted {
    /// Counts `inner`'s bytes in `meter`.
    pub fn new(inner: TcpStream, meter: Meter) -> Self {
        Self { inner, meter }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
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
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
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
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(written)) = polled {
            self.meter.add_up(written);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
