//! The client: one connection, driven by whoever polls it.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use hub::wire::{Command, Incoming, Welcome, join_lines};
use tokio::net::lookup_host;
use transport::push::{Account, Socket, goodbye, welcome};
use transport::repeated::parse;
use transport::stream::Meter;
use transport::{Client, ClientError, Target, Ticket, Traffic, stream};

use crate::NAME;
use crate::lines::{Lines, is_blank};

/// A session over lines.
#[derive(Debug)]
pub struct TcpClient {
    wire: Wire,
    account: Account,
    /// The error that came last, while nothing came after it: what the server closes with, perhaps.
    last_words: Option<ClientError>,
}

/// A connection's lines, both ways.
#[derive(Debug)]
struct Wire {
    socket: Socket,
    lines: Lines,
}

/// Connects, and waits for the welcome; of a resumed session that is the second one.
pub(crate) async fn connect(target: &Target) -> Result<TcpClient, ClientError> {
    let address = resolve(&target.url).await?;
    let meter = Meter::default();
    let stream = stream::connect(target, address, &meter).await?;
    let mut wire = Wire {
        socket: Socket::new(stream, meter, Vec::new()),
        lines: Lines::new(target.options.max_message),
    };
    let mut left = 1;
    if let Some(ticket) = &target.resume {
        left = 2;
        wire.queue(&Command::Resume {
            token: (&ticket.token).into(),
            received: ticket.received,
        });
    }
    let mut welcomed = None;
    while left > 0 {
        let is_first = welcomed.is_none();
        poll_fn(|cx| {
            wire.poll(cx, &mut |line| {
                welcomed = Some(match Incoming::parse(line) {
                    Ok(Incoming::Error { code, message }) => {
                        Err(ClientError::told(&code, &message))
                    }
                    // To the session that is about to be replaced.
                    Ok(Incoming::Event { .. } | Incoming::Reply { .. } | Incoming::Gap { .. })
                        if !is_first =>
                    {
                        return Next::Go;
                    }
                    parsed => welcome(parsed),
                });
                left -= 1;
                // What comes behind it is for the first poll.
                Next::Stop
            })
        })
        .await?;
        if let Some(Err(error)) = welcomed {
            return Err(error);
        }
    }
    let welcome = welcomed.ok_or_else(|| protocol("no welcome".into()))??;
    Ok(TcpClient {
        wire,
        account: Account::open(welcome, target.resume.as_ref()),
        last_words: None,
    })
}

impl Client for TcpClient {
    fn welcome(&self) -> &Welcome {
        self.account.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        self.account.sent(command);
        self.wire.queue(command);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let (account, last_words) = (&mut self.account, &mut self.last_words);
        let mut ended = None;
        let polled = self.wire.poll(cx, &mut |line| {
            let parsed = parse(line, |message| {
                account.received(&message);
                *last_words = None;
                if let Incoming::Error { code, message } = &message {
                    let refused = ClientError::told(code, message);
                    if is_final(code) {
                        ended = Some(refused);
                        return;
                    }
                    *last_words = Some(refused);
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
        self.account.traffic(self.wire.socket.traffic())
    }

    fn ticket(&self) -> Ticket {
        self.account.ticket()
    }

    /// `{"op":"end"}`, and the server closes the connection.
    async fn close(mut self) -> Result<(), ClientError> {
        self.wire.queue(&Command::End);
        goodbye(poll_fn(|cx| {
            loop {
                // What still comes isn't wanted any more.
                match ready!(self.poll(cx, &mut |_| {})) {
                    Ok(()) => {}
                    Err(ClientError::Closed { .. }) if self.wire.socket.is_flushed() => {
                        return Poll::Ready(Ok(()));
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }))
        .await
    }
}

/// Whether to go on with what was read.
enum Next {
    Go,
    Stop,
}

impl Wire {
    /// Writes what is queued, reads and hands each line to `each`; ready when there was one.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(&[u8]) -> Next,
    ) -> Poll<Result<(), ClientError>> {
        let lines = &mut self.lines;
        self.socket
            .poll(cx, |socket, bytes| take_in(lines, socket, bytes, each))
    }

    /// Queues a command as a line.
    fn queue(&mut self, command: &Command<'_>) {
        let out = self.socket.out();
        let start = out.len();
        command.write(out);
        join_lines(&mut out[start..]);
        out.push(b'\n');
    }
}

/// Deals with bytes from the server; whether there was a line among them.
fn take_in(
    lines: &mut Lines,
    socket: &mut Socket,
    mut input: &[u8],
    each: &mut impl FnMut(&[u8]) -> Next,
) -> Result<bool, ClientError> {
    let mut any = false;
    loop {
        match lines.next(&mut input) {
            Ok(Some(line)) if is_blank(&line) => {}
            Ok(Some(line)) => {
                any = true;
                if let Next::Stop = each(&line) {
                    socket.keep(input);
                    return Ok(true);
                }
            }
            Ok(None) => return Ok(any),
            Err(_) => return Err(protocol("a line is too long".into())),
        }
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

fn protocol(what: String) -> ClientError {
    ClientError::Protocol(what)
}

#[cfg(test)]
mod tests {
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
}
