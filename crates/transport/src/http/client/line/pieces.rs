//! A body as it comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::super::response::{Chunks, Framing, Step, bad};
use super::{Line, NO_HEAD, State, broken};
use crate::buffers::with_scratch;
use crate::{ClientError, Connection};

impl Line {
    /// Reads more of an answer that [is streaming](Self::is_streaming), and hands each piece of its body to `each`: ready with true when there was
    /// one read, and with false when the body is whole.
    ///
    /// What is read stands in the thread's buffer, so an answer that is quiet keeps none.
    ///
    /// # Errors
    /// The connection broke or ended within the body, its framing is wrong, or what `each` says.
    pub fn poll_pieces(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Poll<Result<bool, ClientError>> {
        let read = with_scratch(|scratch| {
            let State::Open { stream, .. } = &mut self.state else {
                return Poll::Ready(Err(bad("not connected")));
            };
            let framing = self.head.map_or(NO_HEAD.framing, |head| head.framing);
            let whole = if self.has_early {
                self.has_early = false;
                let early = std::mem::take(&mut self.input);
                take_pieces(framing, &mut self.chunks, &early, &mut self.input, each)
            } else {
                // The beginning of a chunk's line, at most.
                let kept = self.input.len();
                scratch[..kept].copy_from_slice(&self.input);
                self.input.clear();
                let mut buf = ReadBuf::new(scratch);
                buf.set_filled(kept);
                match Pin::new(stream).poll_read(cx, &mut buf) {
                    Poll::Ready(Ok(())) if buf.filled().len() > kept => {}
                    Poll::Ready(Ok(())) if framing == Framing::Close => {
                        return Poll::Ready(Ok(true));
                    }
                    Poll::Ready(Ok(())) => {
                        return Poll::Ready(Err(broken(io::ErrorKind::UnexpectedEof.into())));
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(broken(error))),
                    Poll::Pending => {
                        self.input.extend_from_slice(buf.filled());
                        return Poll::Pending;
                    }
                }
                take_pieces(
                    framing,
                    &mut self.chunks,
                    buf.filled(),
                    &mut self.input,
                    each,
                )
            };
            Poll::Ready(whole)
        });
        let read = ready!(read);
        if !matches!(read, Ok(false)) {
            self.is_busy = false;
            let closes = self.head.is_none_or(|head| head.closes);
            if closes || read.is_err() || self.host.target.options.connection == Connection::Fresh {
                self.state = State::Closed;
            }
        }
        Poll::Ready(read.map(|is_whole| !is_whole))
    }
}

/// Hands the pieces of the body in `bytes` to `each`, and puts what is left over into `rest`; whether the body is whole.
fn take_pieces(
    framing: Framing,
    chunks: &mut Chunks,
    bytes: &[u8],
    rest: &mut Vec<u8>,
    each: &mut impl FnMut(&[u8]) -> Result<(), ClientError>,
) -> Result<bool, ClientError> {
    if framing == Framing::Close {
        each(bytes)?;
        return Ok(false);
    }
    let is_whole = loop {
        match chunks.step(bytes)? {
            Step::Data(data) => each(&bytes[data])?,
            Step::More => break false,
            Step::End => break true,
        }
    };
    rest.extend_from_slice(&bytes[chunks.rebase()..]);
    Ok(is_whole)
}
