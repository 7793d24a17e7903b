//! The client: one connection, driven by whoever polls it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hub::wire::{Command, Incoming, Welcome, join_lines};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::lookup_host;
use tokio::time::timeout;
use transport::buffers::with_scratch;
use transport::repeated::parse;
use transport::stream::{Counted, Meter};
use transport::{Client, ClientError, Target, Ticket, Traffic, stream};

use crate::NAME;
use crate::lines::{Lines, is_blank};

/// A session over lines.
#[derive(Debug)]
pub struct TcpClient {
    wire: Wire,
    welcome: Welcome,
    /// The cursor.
    received: u64,
    payload_up: u64,
    payload_down: u64,
    /// The error that came last, while nothing came after it: what the server closes with, perhaps.
    last_words: Option<ClientError>,
}

/// A connection's lines, both ways.
#[derive(Debug)]
struct Wire {
    stream: Counted,
    meter: Meter,
    lines: Lines,
    /// Read, but not taken yet: what came with the welcome.
    early: Vec<u8>,
    /// Lines to write, from `written` on.
    out: Vec<u8>,
    written: usize,
}

/// How long a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// What stands for an end of the connection without a reason.
const NO_CLOSE: u16 = 1006;
/// A client that has nothing to write keeps at most this many bytes for it.
const KEPT: usize = 64 << 10;

/// Connects, and waits for the welcome; of a resumed session that is the second one.
pub(crate) async fn connect(target: &Target) -> Result<TcpClient, ClientError> {
    let address = resolve(&target.url).await?;
    let meter = Meter::default();
    let mut wire = Wire {
        stream: stream::connect(target, address, &meter).await?,
        meter,
        lines: Lines::new(target.options.max_message),
        early: Vec::new(),
        out: Vec::new(),
        written: 0,
    };
    let mut left = 1;
    if let Some(ticket) = &target.resume {
        left = 2;
        wire.queue(&Command::Resume {
            token: (&ticket.token).into(),
            received: ticket.received,
        });
    }
    let mut welcome = None;
    while left > 0 {
        let is_first = welcome.is_none();
        poll_fn(|cx| {
            wire.poll(cx, &mut |line| {
                welcome = Some(match Incoming::parse(line) {
                    Ok(Incoming::Welcome {
                        session,
                        token,
                        resumed,
                    }) => Ok(Welcome {
                        session: session.into_owned(),
                        token: token.into_owned(),
                        resumed,
                    }),
                    Ok(Incoming::Error { code, message }) => Err(refused(&code, &message)),
                    // To the session that is about to be replaced.
                    Ok(_) if !is_first => return Next::Go,
                    Ok(other) => Err(protocol(format!("{other:?} in place of a welcome"))),
                    Err(error) => Err(protocol(error.to_string())),
                });
                left -= 1;
                // What comes behind it is for the first poll.
                Next::Stop
            })
        })
        .await?;
        if let Some(Err(error)) = welcome {
            return Err(error);
        }
    }
    let welcome = welcome.ok_or_else(|| protocol("no welcome".into()))??;
    let received = match &target.resume {
        Some(ticket) if welcome.resumed => ticket.received,
        _ => 0,
    };
    Ok(TcpClient {
        wire,
        welcome,
        received,
        payload_up: 0,
        payload_down: 0,
        last_words: None,
    })
}

impl Client for TcpClient {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        if let Command::Emit { data, .. } | Command::Request { data, .. } = command {
            self.payload_up += data.len() as u64;
        }
        self.wire.queue(command);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let (received, payload_down) = (&mut self.received, &mut self.payload_down);
        let last_words = &mut self.last_words;
        let mut ended = None;
        let polled = self.wire.poll(cx, &mut |line| {
            let parsed = parse(line, |message| {
                *received += message.counts();
                *last_words = None;
                match &message {
                    Incoming::Event { data, .. } | Incoming::Reply { data, .. } => {
                        *payload_down += data.len() as u64;
                    }
                    Incoming::Error { code, message } if is_final(code) => {
                        ended = Some(refused(code, message));
                        return;
                    }
                    Incoming::Error { code, message } => {
                        *last_words = Some(refused(code, message));
                    }
                    Incoming::Welcome { .. } | Incoming::Gap { .. } => {}
                }
                each(message);
            });
            if let Err(error) = parsed {
                ended = Some(protocol(error));
            }
            if ended.is_some() {
                Next::Stop
            } else {
                Next::Go
            }
        });
        match (ended, polled) {
            (Some(error), _) => Poll::Ready(Err(error)),
            (None, Poll::Ready(Err(closed @ ClientError::Closed { .. }))) => {
                Poll::Ready(Err(self.last_words.take().unwrap_or(closed)))
            }
            (None, polled) => polled,
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            payload_up: self.payload_up,
            payload_down: self.payload_down,
            ..self.wire.meter.traffic([&self.wire.stream])
        }
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: self.welcome.token.clone(),
            received: self.received,
        }
    }

    /// `{"op":"end"}`, and the server closes the connection.
    async fn close(mut self) -> Result<(), ClientError> {
        self.wire.queue(&Command::End);
        let goodbye = poll_fn(|cx| {
            loop {
                // What still comes isn't wanted any more.
                match ready!(self.poll(cx, &mut |_| {})) {
                    Ok(()) => {}
                    Err(ClientError::Closed { .. }) if self.wire.out.is_empty() => {
                        return Poll::Ready(Ok(()));
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        });
        let timed_out = || ClientError::Broken(io::ErrorKind::TimedOut.into());
        timeout(CLOSE_TIMEOUT, goodbye)
            .await
            .map_err(|_| timed_out())?
    }
}

/// Whether to go on with what was read.
enum Next {
    Go,
    Stop,
}

impl Wire {
    /// Writes what is queued, reads once and hands each line to `each`; ready when there was one.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(&[u8]) -> Next,
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
                        Poll::Ready(Ok(())) => self.take_in(buf.filled(), each),
                    })
                }))
            } else {
                let early = std::mem::take(&mut self.early);
                self.take_in(&early, each)
            };
            if any? {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Deals with bytes from the server; whether there was a line among them.
    fn take_in(
        &mut self,
        mut input: &[u8],
        each: &mut impl FnMut(&[u8]) -> Next,
    ) -> Result<bool, ClientError> {
        let mut any = false;
        loop {
            match self.lines.next(&mut input) {
                Ok(Some(line)) if is_blank(&line) => {}
                Ok(Some(line)) => {
                    any = true;
                    if let Next::Stop = each(&line) {
                        self.early = input.to_vec();
                        return Ok(true);
                    }
                }
                Ok(None) => return Ok(any),
                Err(_) => return Err(protocol("a line is too long".into())),
            }
        }
    }

    /// Queues a command as a line.
    fn queue(&mut self, command: &Command<'_>) {
        let start = self.out.len();
        command.write(&mut self.out);
        join_lines(&mut self.out[start..]);
        self.out.push(b'\n');
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

/// The address in a target's URL.
async fn resolve(url: &str) -> Result<std::net::SocketAddr, ClientError> {
    let authority = url
        .strip_prefix("tcp://")
        .map(|rest| rest.trim_end_matches('/'));
    let is_whole = |authority: &&str| {
        authority
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    let Some(authority) = authority.filter(is_whole) else {
        return Err(ClientError::Target {
            url: url.to_owned(),
            transport: NAME,
            reason: "its targets look like tcp://host:port",
        });
    };
    let unreachable = |cause| ClientError::Unreachable {
        address: authority.to_owned(),
        cause,
    };
    let mut addresses = lookup_host(authority).await.map_err(unreachable)?;
    addresses
        .next()
        .ok_or_else(|| unreachable(io::ErrorKind::AddrNotAvailable.into()))
}

/// Whether the server closes after an error of this code, whatever it was about. (`limits` and `malformed` don't tell by themselves.)
fn is_final(code: &str) -> bool {
    matches!(code, "conflict" | "gone" | "too-large" | "draining")
}

/// An error line as a refusal: with the status that HTTP has for it, so that figures of both can be compared.
fn refused(code: &str, message: &str) -> ClientError {
    let status = match code {
        "conflict" => 409,
        "gone" => 410,
        "too-large" => 413,
        "limits" => 429,
        "draining" => 503,
        // `malformed`, and whatever a server of another version may say.
        _ => 400,
    };
    ClientError::Refused {
        status,
        message: message.to_owned(),
    }
}

fn protocol(what: String) -> ClientError {
    ClientError::Protocol(what)
}

#[cfg(test)]
mod tests {
    use hub::Refused;

    use super::*;

    #[tokio::test]
    async fn a_target_is_a_tcp_url_with_a_port() {
        for good in ["tcp://127.0.0.1:80", "tcp://[::1]:9/", "tcp://localhost:9"] {
            resolve(good)
                .await
                .unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        for bad in [
            "http://127.0.0.1:80",
            "127.0.0.1:80",
            "tcp://127.0.0.1",
            "tcp://:80",
            "tcp://127.0.0.1:65536",
            "tcp://127.0.0.1:80/path",
            "tcp://",
            "",
        ] {
            let error = resolve(bad).await.expect_err(bad);
            assert!(
                matches!(error, ClientError::Target { .. }),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn a_refusal_has_the_status_of_the_hub() {
        for error in [
            Refused::Gone,
            Refused::Superseded,
            Refused::Draining,
            Refused::Full,
            Refused::TooFast,
            Refused::TooManyRooms,
        ] {
            let refusal = refused(error.code(), "");
            assert!(
                matches!(refusal, ClientError::Refused { status, .. } if status == error.status()),
                "{error}: {refusal}"
            );
        }
    }
}
