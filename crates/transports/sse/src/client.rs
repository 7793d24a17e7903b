//! The native client: a stream on a line of its own.

use std::task::{Context, Poll, ready};

use hub::wire::Incoming;
use transport::http::client::{Downlink, Line, Opened, refused};
use transport::push::NO_CLOSE;
use transport::repeated::parse;
use transport::{ClientError, Traffic};

use transport::event_stream::{Block, Parser};

/// The stream that tells a client of its messages. It is asked for once: when it ends or breaks, so does the client, and another one goes on with
/// its ticket.
#[derive(Debug)]
pub struct Stream {
    received: u64,
    line: Line,
    /// The request, until it is made.
    request: Option<String>,
    parser: Parser,
}

impl Stream {
    /// The stream of a session; one that goes on tells what was received, as a browser does.
    pub fn new(opened: &Opened<'_>, goes_on: bool) -> Self {
        let last = if goes_on {
            format!("last-event-id: {}\r\n", opened.received)
        } else {
            String::new()
        };
        Self {
            received: opened.received,
            line: Line::new(opened.host),
            request: Some(format!(
                "GET /events HTTP/1.1\r\n{}accept: text/event-stream\r\n{last}\r\n",
                opened.fields()
            )),
            parser: Parser::new(opened.host.target().options.max_message),
        }
    }
}

impl Downlink for Stream {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        traffic: &mut Traffic,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        if let Some(request) = self.request.take() {
            self.line
                .begin_stream(|out| out.extend_from_slice(request.as_bytes()));
            traffic.requests += 1;
        }
        while !self.line.is_streaming() {
            if !self.line.is_busy() {
                return Poll::Ready(Err(closed()));
            }
            let answer = ready!(self.line.poll(cx))?;
            match answer.status {
                200 => {}
                // To a browser this says that there is nothing to come back for.
                204 => return Poll::Ready(Err(ClientError::told("gone", "the session is over"))),
                _ => return Poll::Ready(Err(refused(answer))),
            }
            if !self.line.is_streaming() {
                return Poll::Ready(Err(protocol("an answer of a known length, not a stream")));
            }
        }
        let (parser, received) = (&mut self.parser, &mut self.received);
        let mut any = false;
        loop {
            let more = ready!(self.line.poll_pieces(cx, &mut |bytes| {
                parser.feed(bytes, &mut |block| {
                    let mut account = Account {
                        received,
                        traffic,
                        any: &mut any,
                    };
                    account.take(&block, each)
                })
            }))?;
            if any {
                return Poll::Ready(Ok(()));
            }
            if !more {
                return Poll::Ready(Err(closed()));
            }
        }
    }

    fn received(&self) -> u64 {
        self.received
    }

    fn line(&self) -> &Line {
        &self.line
    }
}

/// What an event of the stream is entered into.
struct Account<'a> {
    received: &'a mut u64,
    traffic: &'a mut Traffic,
    any: &'a mut bool,
}

impl Account<'_> {
    /// Hands the message of an event to `each`, and holds the cursor against its id.
    fn take(
        &mut self,
        block: &Block<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), ClientError> {
        // `onmessage` hears of no event of another name.
        if let Some(data) = block.data
            && block.event.is_empty()
        {
            let mut told = None;
            parse(data, |message| {
                if let Incoming::Error { code, message } = &message {
                    told = Some(ClientError::told(code, message));
                    return;
                }
                *self.received += message.counts();
                if let Incoming::Event { data, .. } | Incoming::Reply { data, .. } = &message {
                    self.traffic.payload_down += data.len() as u64;
                }
                *self.any = true;
                each(message);
            })
            .map_err(|error| protocol(&error))?;
            if let Some(told) = told {
                return Err(told);
            }
        }
        match block.id {
            Some(id) if id != itoa::Buffer::new().format(*self.received).as_bytes() => {
                Err(protocol(&format!(
                    "the id {} where {} messages were received",
                    String::from_utf8_lossy(id),
                    self.received
                )))
            }
            _ => Ok(()),
        }
    }
}

/// The stream ended, and nobody said why.
fn closed() -> ClientError {
    ClientError::Closed {
        code: NO_CLOSE,
        reason: String::new(),
    }
}

fn protocol(what: &str) -> ClientError {
    ClientError::Protocol(what.to_owned())
}
