//! The native client: one connection, driven by whoever polls it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hub::wire::{Command, Incoming, Welcome};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;
use transport::buffers::with_scratch;
use transport::repeated::parse;
use transport::stream::{Counted, Meter};
use transport::{Client, ClientError, Target, Ticket, Traffic};

use crate::connection::FAREWELL;
use crate::dial::dial;
use crate::frame::{Opcode, Role, append_masked, close_payload};
use crate::reader::{Input, Item, Reader};

/// A session over a WebSocket.
#[derive(Debug)]
pub struct WebSocketClient {
    wire: Wire,
    welcome: Welcome,
    /// The cursor.
    received: u64,
    payload_up: u64,
    payload_down: u64,
}

/// A connection's frames, both ways.
#[derive(Debug)]
struct Wire {
    stream: Counted,
    meter: Meter,
    frames: Reader,
    /// Read, but not taken yet: what came with the handshake or the welcome.
    early: Vec<u8>,
    /// Frames to write, from `written` on.
    out: Vec<u8>,
    written: usize,
    /// Whether our close frame is among what was written or waits to be.
    is_closing: bool,
}

/// How long a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects, and waits for the welcome.
pub(crate) async fn connect(target: &Target) -> Result<WebSocketClient, ClientError> {
    let meter = Meter::default();
    let (stream, early) = dial(target, &meter).await?;
    let mut wire = Wire {
        stream,
        meter,
        frames: Reader::new(Role::Client, target.options.max_message),
        early,
        out: Vec::new(),
        written: 0,
        is_closing: false,
    };
    let mut welcome = None;
    poll_fn(|cx| {
        wire.poll(cx, &mut |text| {
            welcome = Some(match Incoming::parse(text) {
                Ok(Incoming::Welcome {
                    session,
                    token,
                    resumed,
                }) => Ok(Welcome {
                    session: session.into_owned(),
                    token: token.into_owned(),
                    resumed,
                }),
                Ok(other) => Err(protocol(format!("{other:?} in place of a welcome"))),
                Err(error) => Err(protocol(error.to_string())),
            });
            // What comes behind it is for the first poll.
            Next::Stop
        })
    })
    .await?;
    let welcome = welcome.ok_or_else(|| protocol("no welcome".into()))??;
    let received = match &target.resume {
        Some(ticket) if welcome.resumed => ticket.received,
        _ => 0,
    };
    Ok(WebSocketClient {
        wire,
        welcome,
        received,
        payload_up: 0,
        payload_down: 0,
    })
}

impl Client for WebSocketClient {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        if let Command::Emit { data, .. } | Command::Request { data, .. } = command {
            self.payload_up += data.len() as u64;
        }
        with_text(|text| {
            command.write(text);
            self.wire.queue(Opcode::Text, text);
        });
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let (received, payload_down) = (&mut self.received, &mut self.payload_down);
        let mut malformed = None;
        let polled = self.wire.poll(cx, &mut |text| {
            let parsed = parse(text, |message| {
                *received += message.counts();
                if let Incoming::Event { data, .. } | Incoming::Reply { data, .. } = &message {
                    *payload_down += data.len() as u64;
                }
                each(message);
            });
            match parsed {
                Ok(()) => Next::Go,
                Err(error) => {
                    malformed = Some(protocol(error));
                    Next::Stop
                }
            }
        });
        match malformed {
            Some(error) => Poll::Ready(Err(error)),
            None => polled,
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            payload_up: self.payload_up,
            payload_down: self.payload_down,
            requests: 1,
            ..self.wire.meter.traffic([&self.wire.stream])
        }
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: self.welcome.token.clone(),
            received: self.received,
        }
    }

    /// The close handshake (RFC 6455 section 7.1.2): 1000, the server's answer, and the server ends the TCP connection.
    async fn close(mut self) -> Result<(), ClientError> {
        let wire = &mut self.wire;
        wire.queue(Opcode::Close, &close_payload(1000, FAREWELL));
        wire.is_closing = true;
        let handshake = async {
            // What still comes isn't wanted any more.
            match poll_fn(|cx| wire.poll_ended(cx)).await {
                ClientError::Closed { code, .. } if code != NO_CLOSE => {}
                error => return Err(error),
            }
            poll_fn(|cx| wire.poll_end_of_stream(cx)).await;
            Ok(())
        };
        let timed_out = || ClientError::Broken(io::ErrorKind::TimedOut.into());
        timeout(CLOSE_TIMEOUT, handshake)
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
    /// Writes what is queued, reads once and hands each text to `each`.
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
                        Poll::Ready(Ok(())) => self.take_in(buf.filled_mut(), each),
                    })
                }))
            } else {
                let mut early = std::mem::take(&mut self.early);
                self.take_in(&mut early, each)
            };
            if any? {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Deals with bytes from the server; whether there was a text among them.
    fn take_in(
        &mut self,
        bytes: &mut [u8],
        each: &mut impl FnMut(&[u8]) -> Next,
    ) -> Result<bool, ClientError> {
        let mut input = Input::new(bytes);
        let mut any = false;
        loop {
            match self.frames.next(&mut input) {
                Ok(Some(Item::Text(text))) => {
                    any = true;
                    if let Next::Stop = each(&text) {
                        self.early = input.rest().to_vec();
                        return Ok(true);
                    }
                }
                Ok(Some(Item::Ping(payload))) => self.queue(Opcode::Pong, &payload),
                Ok(Some(Item::Pong)) => {}
                Ok(Some(Item::Binary(_))) => {
                    return Err(self.fail(1003, "a binary message".into()));
                }
                Ok(Some(Item::Close(close))) => {
                    let (code, reason) = close.unwrap_or((NO_CODE, String::new()));
                    let answer = if code == NO_CODE {
                        &[][..]
                    } else {
                        &code.to_be_bytes()
                    };
                    self.say_goodbye(answer);
                    return Err(ClientError::Closed { code, reason });
                }
                Ok(None) => return Ok(any),
                Err(violation) => return Err(self.fail(violation.code(), violation.to_string())),
            }
        }
    }

    /// Queues a frame.
    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        if !self.is_closing {
            append_masked(&mut self.out, opcode, payload, rand::random());
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

    /// Sends a close frame as the last thing, as far as the socket takes it at once.
    fn say_goodbye(&mut self, payload: &[u8]) {
        self.queue(Opcode::Close, payload);
        self.is_closing = true;
        if let Ok(written) = self.stream.try_write(&self.out[self.written..]) {
            self.written += written;
        }
    }

    /// The server can't be understood any more.
    fn fail(&mut self, code: u16, what: String) -> ClientError {
        self.say_goodbye(&close_payload(code, &what));
        ClientError::Protocol(what)
    }

    /// Throws away what comes; ready with how the connection ended.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        loop {
            if let Err(ended) = ready!(self.poll(cx, &mut |_| Next::Go)) {
                return Poll::Ready(ended);
            }
        }
    }

    /// Ready when the server has ended the TCP connection.
    fn poll_end_of_stream(&mut self, cx: &mut Context<'_>) -> Poll<()> {
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
}

/// What stands for an end of the TCP connection without a close frame, and for a close frame without a code (RFC 6455 section 7.1.5).
const NO_CLOSE: u16 = 1006;
const NO_CODE: u16 = 1005;
/// A client that has nothing to write keeps at most this many bytes for it.
const KEPT: usize = 64 << 10;

thread_local! {
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lends the thread's buffer for the text of a command, empty.
fn with_text<T>(fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut text = TEXT.take();
    text.clear();
    let result = fill(&mut text);
    text.shrink_to(KEPT);
    TEXT.set(text);
    result
}

fn protocol(what: String) -> ClientError {
    ClientError::Protocol(what)
}
