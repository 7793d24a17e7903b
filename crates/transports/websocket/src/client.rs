//! The native client: one connection, driven by whoever polls it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use hub::wire::{Command, Incoming, Welcome};
use transport::push::{Account, NO_CLOSE, Socket, goodbye, welcome};
use transport::repeated::parse;
use transport::stream::Meter;
use transport::{Client, ClientError, Target, Ticket, Traffic};

use crate::connection::FAREWELL;
use crate::dial::dial;
use crate::frame::{Opcode, Role, append_masked, close_payload};
use crate::reader::{Input, Item, Reader};

/// A session over a WebSocket.
#[derive(Debug)]
pub struct WebSocketClient {
    wire: Wire,
    account: Account,
}

/// A connection's frames, both ways.
#[derive(Debug)]
struct Wire {
    socket: Socket,
    frames: Frames,
}

#[derive(Debug)]
struct Frames {
    reader: Reader,
    /// Whether our close frame is among what was written or waits to be.
    is_closing: bool,
}

/// Connects, and waits for the welcome.
pub(crate) async fn connect(target: &Target) -> Result<WebSocketClient, ClientError> {
    let meter = Meter::default();
    let (stream, early) = dial(target, &meter).await?;
    let mut wire = Wire {
        socket: Socket::new(stream, meter, early),
        frames: Frames {
            reader: Reader::new(Role::Client, target.options.max_message),
            is_closing: false,
        },
    };
    let mut welcomed = None;
    poll_fn(|cx| {
        wire.poll(cx, &mut |text| {
            welcomed = Some(welcome(Incoming::parse(text)));
            // What comes behind it is for the first poll.
            Next::Stop
        })
    })
    .await?;
    let welcome = welcomed.ok_or_else(|| ClientError::Protocol("no welcome".into()))??;
    Ok(WebSocketClient {
        wire,
        account: Account::open(welcome, target.resume.as_ref()),
    })
}

impl Client for WebSocketClient {
    fn welcome(&self) -> &Welcome {
        self.account.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        self.account.sent(command);
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
        let account = &mut self.account;
        let mut malformed = None;
        let polled = self.wire.poll(cx, &mut |text| {
            let parsed = parse(text, |message| {
                account.received(&message);
                each(message);
            });
            match parsed {
                Ok(()) => Next::Go,
                Err(error) => {
                    malformed = Some(ClientError::Protocol(error));
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
            requests: 1,
            ..self.account.traffic(self.wire.socket.traffic())
        }
    }

    fn ticket(&self) -> Ticket {
        self.account.ticket()
    }

    /// The close handshake (RFC 6455 section 7.1.2): 1000, the server's answer, and the server ends the TCP connection.
    async fn close(mut self) -> Result<(), ClientError> {
        let wire = &mut self.wire;
        wire.queue(Opcode::Close, &close_payload(1000, FAREWELL));
        wire.frames.is_closing = true;
        goodbye(async {
            // What still comes isn't wanted any more.
            match poll_fn(|cx| wire.poll_ended(cx)).await {
                ClientError::Closed { code, .. } if code != NO_CLOSE => {}
                error => return Err(error),
            }
            poll_fn(|cx| wire.socket.poll_end(cx)).await;
            Ok(())
        })
        .await
    }
}

/// Whether to go on with what was read.
enum Next {
    Go,
    Stop,
}

impl Wire {
    /// Writes what is queued, reads and hands each text to `each`; ready when there was one.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(&[u8]) -> Next,
    ) -> Poll<Result<(), ClientError>> {
        let frames = &mut self.frames;
        self.socket
            .poll(cx, |socket, bytes| frames.take_in(socket, bytes, each))
    }

    /// Queues a frame.
    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        self.frames.queue(&mut self.socket, opcode, payload);
    }

    /// Throws away what comes; ready with how the connection ended.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        loop {
            if let Err(ended) = ready!(self.poll(cx, &mut |_| Next::Go)) {
                return Poll::Ready(ended);
            }
        }
    }
}

impl Frames {
    /// Deals with bytes from the server; whether there was a text among them.
    fn take_in(
        &mut self,
        socket: &mut Socket,
        bytes: &mut [u8],
        each: &mut impl FnMut(&[u8]) -> Next,
    ) -> Result<bool, ClientError> {
        let mut input = Input::new(bytes);
        let mut any = false;
        loop {
            match self.reader.next(&mut input) {
                Ok(Some(Item::Text(text))) => {
                    any = true;
                    if let Next::Stop = each(&text) {
                        socket.keep(input.rest());
                        return Ok(true);
                    }
                }
                Ok(Some(Item::Ping(payload))) => self.queue(socket, Opcode::Pong, &payload),
                Ok(Some(Item::Pong)) => {}
                Ok(Some(Item::Binary(_))) => {
                    return Err(self.fail(socket, 1003, "a binary message".into()));
                }
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

/// What stands for a close frame without a code (RFC 6455 section 7.1.5).
const NO_CODE: u16 = 1005;
/// The buffer for the text of a command keeps at most this many bytes between two.
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
