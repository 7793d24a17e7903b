//! A client's connection, driven by whoever polls it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

use crate::buffers::with_scratch;
use crate::stream::{Counted, Meter};
use crate::{ClientError, Traffic};

/// What stands for an end of the TCP connection without a reason (RFC 6455 section 7.1.5).
pub const NO_CLOSE: u16 = 1006;

/// How long a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// A client that has nothing to write keeps at most this many bytes for it.
const KEPT: usize = 64 << 10;

/// A client's TCP stream, with what waits on either side of it.
#[derive(Debug)]
pub struct Socket {
    stream: Counted,
    meter: Meter,
    /// Read, but not taken yet: what came with the handshake or the welcome.
    early: Vec<u8>,
    /// Whole frames to write, from `written` on.
    out: Vec<u8>,
    written: usize,
}

impl Socket {
    /// A socket on a stream that `meter` counts, from which `early` was read already.
    pub fn new(stream: Counted, meter: Meter, early: Vec<u8>) -> Self {
        Self {
            stream,
            meter,
            early,
            out: Vec::new(),
            written: 0,
        }
    }

    /// Where whole frames are appended that the next poll is to write.
    #[inline]
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether all that was queued has been written.
    pub fn is_flushed(&self) -> bool {
        self.out.is_empty()
    }

    /// Keeps bytes that were read for the next poll, which reads nothing else.
    pub fn keep(&mut self, bytes: &[u8]) {
        self.early = bytes.to_vec();
    }

    /// What crossed the socket; a system call.
    pub fn traffic(&self) -> Traffic {
        self.meter.traffic([&self.stream])
    }

    /// Writes what is queued, reads once and hands what came to `take_in`, again until that tells that there was a message among it.
    ///
    /// # Errors
    /// The connection broke or ended, or what `take_in` says.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut take_in: impl FnMut(&mut Self, &mut [u8]) -> Result<bool, ClientError>,
    ) -> Poll<Result<(), ClientError>> {
        loop {
            let written = self.write(cx);
            let any = if self.early.is_empty() {
                ready!(with_scratch(|scratch| {
                    let mut buf = ReadBuf::new(scratch);
                    Poll::Ready(match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                        // What was read tells more about an end than that nothing can be written.
                        Poll::Pending => match written {
                            Ok(()) => return Poll::Pending,
                            Err(error) => Err(ClientError::Broken(error)),
                        },
                        Poll::Ready(Err(error)) => Err(ClientError::Broken(error)),
                        Poll::Ready(Ok(())) if buf.filled().is_empty() => {
                            Err(ClientError::Closed {
                                code: NO_CLOSE,
                                reason: String::new(),
                            })
                        }
                        Poll::Ready(Ok(())) => take_in(self, buf.filled_mut()),
                    })
                }))
            } else {
                let mut early = std::mem::take(&mut self.early);
                take_in(self, &mut early)
            };
            if any? {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Throws away what comes; ready when the server has ended the TCP connection.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        with_scratch(|scratch| {
            loop {
                let mut buf = ReadBuf::new(scratch);
                match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                    Ok(()) if !buf.filled().is_empty() => {}
                    _ => return Poll::Ready(()),
                }
            }
        })
    }

    /// Writes what is queued as far as the socket takes it at once, for want of another poll.
    pub fn write_last(&mut self) {
        if let Ok(written) = self.stream.try_write(&self.out[self.written..]) {
            self.written += written;
        }
    }

    /// Writes as much of what is queued as the socket takes; when that isn't all, the waker is registered.
    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.written < self.out.len() {
            match self.stream.try_write(&self.out[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.stream.poll_write_ready(cx) {
                        Poll::Ready(ready) => ready?,
                        Poll::Pending => return Ok(()),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        if self.written > 0 {
            self.out.clear();
            self.out.shrink_to(KEPT);
            self.written = 0;
        }
        Ok(())
    }
}

/// Waits for a connection's end that was begun, for five seconds at most.
///
/// # Errors
/// It timed out, or what `end` says.
pub async fn goodbye(
    end: impl Future<Output = Result<(), ClientError>>,
) -> Result<(), ClientError> {
    timeout(CLOSE_TIMEOUT, end)
        .await
        .map_err(|_| ClientError::Broken(io::ErrorKind::TimedOut.into()))?
}
