//! A client's connection, message by message.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use super::dial::Handshake;
use super::frame::{Opcode, Role, append_masked, close_payload};
use super::reader::{Input, Item, Reader};
use crate::push::{NO_CLOSE, Socket, goodbye};
use crate::stream::Meter;
use crate::{ClientError, Target, Traffic};

/// A client's WebSocket: messages go out in the order in which they are queued, and each one that comes is handed on from the buffer it was
/// read into. Pings and close frames are answered here.
#[derive(Debug)]
pub struct Messages {
    socket: Socket,
    frames: Frames,
}

/// A whole message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// UTF-8, checked.
    Text(&'a [u8]),
    /// Any bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Its payload.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It was for whoever polls, who is told after the read that it came.
    Handed,
    /// It was for nobody: with no other one, the poll goes on.
    Passed,
    /// As handed, and the rest is kept for the next poll.
    Stop,
}

#[derive(Debug)]
struct Frames {
    reader: Reader,
    /// Whether binary messages are handed on; else one ends the connection with 1003.
    takes_binary: bool,
    /// Whether our close frame is among what was written or waits to be.
    is_closing: bool,
}

/// What stands for a close frame without a code (RFC 6455 section 7.1.5).
const NO_CODE: u16 = 1005;

impl Messages {
    /// Connects to `target` and shakes hands as `handshake` says.
    ///
    /// # Errors
    /// As [`Protocol::connect`](crate::Protocol::connect).
    pub async fn connect(target: &Target, handshake: &Handshake<'_>) -> Result<Self, ClientError> {
        let meter = Meter::default();
        let (stream, early) = handshake.dial(target, &meter).await?;
        Ok(Self {
            socket: Socket::new(stream, meter, early),
            frames: Frames {
                reader: Reader::new(Role::Client, target.options.max_message),
                takes_binary: false,
                is_closing: false,
            },
        })
    }

    /// The same, with binary messages handed on.
    #[must_use]
    pub fn with_binary(mut self) -> Self {
        self.frames.takes_binary = true;
        self
    }

    /// Queues a text message for the next poll.
    #[inline]
    pub fn queue_text(&mut self, text: &[u8]) {
        self.frames.queue(&mut self.socket, Opcode::Text, text);
    }

    /// Queues a binary message for the next poll.
    pub fn queue_binary(&mut self, bytes: &[u8]) {
        self.frames.queue(&mut self.socket, Opcode::Binary, bytes);
    }

    /// Whether all that was queued has been written.
    pub fn is_flushed(&self) -> bool {
        self.socket.is_flushed()
    }

    /// Writes what is queued, reads and gives each message to `take`; ready when one was handed on.
    ///
    /// # Errors
    /// The connection broke, was closed, its frames can't be understood, or what `take` says, which ends the read.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut impl FnMut(Message<'_>) -> Result<Next, ClientError>,
    ) -> Poll<Result<(), ClientError>> {
        let frames = &mut self.frames;
        self.socket
            .poll(cx, |socket, bytes| frames.take_in(socket, bytes, take))
    }

    /// What crossed the socket, the handshake's request included; a system call.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: 1,
            ..self.socket.traffic()
        }
    }

    /// The close handshake (RFC 6455 section 7.1.2): our close frame with 1000 and this reason, the server's answer, and the server ends
    /// the TCP connection. What is queued goes out before.
    ///
    /// # Errors
    /// The server didn't do its part within five seconds.
    pub async fn close(mut self, reason: &str) -> Result<(), ClientError> {
        self.frames.queue(
            &mut self.socket,
            Opcode::Close,
            &close_payload(1000, reason),
        );
        self.frames.is_closing = true;
        goodbye(async {
            // What still comes isn't wanted any more.
            match poll_fn(|cx| self.poll_ended(cx)).await {
                ClientError::Closed { code, .. } if code != NO_CLOSE => {}
                error => return Err(error),
            }
            poll_fn(|cx| self.socket.poll_end(cx)).await;
            Ok(())
        })
        .await
    }

    /// Throws away what comes; ready with how the connection ended.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        loop {
            if let Err(ended) = ready!(self.poll(cx, &mut |_| Ok(Next::Passed))) {
                return Poll::Ready(ended);
            }
        }
    }
}

impl Frames {
    /// Deals with bytes from the server; whether a message among them was handed on.
    fn take_in(
        &mut self,
        socket: &mut Socket,
        bytes: &mut [u8],
        take: &mut impl FnMut(Message<'_>) -> Result<Next, ClientError>,
    ) -> Result<bool, ClientError> {
        let mut input = Input::new(bytes);
        let mut any = false;
        loop {
            let next = match self.reader.next(&mut input) {
                Ok(Some(Item::Text(text))) => take(Message::Text(&text))?,
                Ok(Some(Item::Binary(bytes))) if self.takes_binary => {
                    take(Message::Binary(&bytes))?
                }
                Ok(Some(Item::Binary(_))) => {
                    return Err(self.fail(socket, 1003, "a binary message".into()));
                }
                Ok(Some(Item::Ping(payload))) => {
                    self.queue(socket, Opcode::Pong, &payload);
                    continue;
                }
                Ok(Some(Item::Pong)) => continue,
                Ok(Some(Item::Close(close))) => {
                    let (code, reason) = close.unwrap_or((NO_CODE, String::new()));
                    let answer = if code == NO_CODE {
                        &[][..]
                    } else {
                        &code.to_be_bytes()
                    };
                    self.say_goodbye(socket, answer);
                    return Err(ClientError::Closed { code, reason });
                }
                Ok(None) => return Ok(any),
                Err(violation) => {
                    return Err(self.fail(socket, violation.code(), violation.to_string()));
                }
            };
            any |= next != Next::Passed;
            if next == Next::Stop {
                socket.keep(input.rest());
                return Ok(true);
            }
        }
    }

    /// Queues a frame, unless a close frame was the last.
    fn queue(&self, socket: &mut Socket, opcode: Opcode, payload: &[u8]) {
        if !self.is_closing {
            append_masked(socket.out(), opcode, payload, rand::random());
        }
    }

    /// Sends a close frame as the last thing, as far as the socket takes it at once.
    fn say_goodbye(&mut self, socket: &mut Socket, payload: &[u8]) {
        self.queue(socket, Opcode::Close, payload);
        self.is_closing = true;
        socket.write_last();
    }

    /// The server can't be understood any more.
    fn fail(&mut self, socket: &mut Socket, code: u16, what: String) -> ClientError {
        self.say_goodbye(socket, &close_payload(code, &what));
        ClientError::Protocol(what)
    }
}
