//! Messages by polls.

use std::task::{Context, Poll, ready};

use hub::wire::Incoming;

use super::answer::{self, Received};
use super::line::Line;
use super::session::{Downlink, Opened, refused};
use crate::{ClientError, Traffic};

/// When a client polls, and how it asks.
pub trait Polls: 'static {
    /// Ready when the next poll may begin, which then does.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// A poll was answered.
    fn answered(&mut self);

    /// What follows `?after=N` in a poll's target.
    fn parameters(&self) -> &str;

    /// Whether a poll tells what was received; see [`ClientOptions::cursor`](crate::ClientOptions::cursor).
    fn has_cursor(&self) -> bool {
        true
    }
}

/// A client's polls, one at a time.
#[derive(Debug)]
pub struct Polling<P> {
    polls: P,
    received: u64,
    line: Line,
    /// What is the same in each request, from behind the cursor.
    head: Vec<u8>,
}

impl<P: Polls> Polling<P> {
    /// Polls for the messages of a session, when `polls` says.
    pub fn new(opened: &Opened<'_>, polls: P) -> Self {
        let head = format!("{} HTTP/1.1\r\n{}\r\n", polls.parameters(), opened.fields());
        Self {
            polls,
            received: opened.received,
            line: Line::new(opened.host),
            head: head.into(),
        }
    }

    /// Begins a poll.
    fn ask(&mut self) {
        let (received, head) = (self.received, &self.head);
        let is_from_now = received > 0 && !self.polls.has_cursor();
        self.line.begin(true, |out| {
            out.extend_from_slice(b"GET /events?after=");
            if is_from_now {
                out.extend_from_slice(b"now");
            } else {
                out.extend_from_slice(itoa::Buffer::new().format(received).as_bytes());
            }
            out.extend_from_slice(head);
        });
    }
}

impl<P: Polls> Downlink for Polling<P> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        traffic: &mut Traffic,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        loop {
            if !self.line.is_busy() {
                ready!(self.polls.poll_due(cx));
                self.ask();
                traffic.requests += 1;
            }
            let answer = ready!(self.line.poll(cx))?;
            self.polls.answered();
            match answer.status {
                200 => {
                    let Received {
                        counted,
                        next,
                        payload,
                    } = answer::events(answer.body, each)?;
                    let forgotten = next.checked_sub(self.received + counted);
                    if forgotten.is_none_or(|count| count > 0 && self.polls.has_cursor()) {
                        let reason = format!(
                            "{counted} messages moved the cursor from {} to {next}",
                            self.received
                        );
                        return Poll::Ready(Err(ClientError::Protocol(reason)));
                    }
                    self.received = next;
                    traffic.payload_down += payload;
                    return Poll::Ready(Ok(()));
                }
                204 => traffic.empty_responses += 1,
                _ => return Poll::Ready(Err(refused(answer))),
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
