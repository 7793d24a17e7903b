//! The way up: a POST for each event.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use transport::http::client::{Host, Line};
use transport::{Audience, ClientError, Command, Traffic};

use super::CHANNEL;
use crate::session::{Session, write_event};

/// Publishes to a channel.
#[derive(Debug)]
pub(super) struct Publisher {
    host: Rc<Host>,
    line: Line,
    /// Events to go out, one behind the other from `from` on, and where each ends.
    queue: Vec<u8>,
    ends: VecDeque<usize>,
    from: usize,
    /// Up to the length of the body.
    head: String,
    requests: u64,
}

impl Publisher {
    /// A publisher that has not connected yet.
    pub(super) fn new(host: &Rc<Host>) -> Self {
        Self {
            host: Rc::clone(host),
            line: Line::new(host),
            queue: Vec::new(),
            ends: VecDeque::new(),
            from: 0,
            head: format!(
                "POST /pub?channel={CHANNEL} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: ",
                host.name()
            ),
            requests: 0,
        }
    }

    /// Queues an event; anything else can't be published.
    pub(super) fn send(&mut self, command: &Command<'_>, session: &mut Session) {
        let Command::Emit {
            to: Audience::Others,
            event,
            data,
        } = command
        else {
            return session.refuse(command);
        };
        session.sent(command);
        write_event(&mut self.queue, event, &session.welcome().session, data);
        self.ends.push_back(self.queue.len());
    }

    /// Publishes what is queued, as far as it goes now. There is nothing to be handed on.
    ///
    /// # Errors
    /// The server can't be reached, or refuses.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Result<(), ClientError> {
        loop {
            if !self.line.is_busy() {
                let Some(end) = self.ends.pop_front() else {
                    return Ok(());
                };
                let (head, body) = (&self.head, &self.queue[self.from..end]);
                // An event that was published twice would be received twice.
                self.line.begin(false, |out| {
                    out.extend_from_slice(head.as_bytes());
                    out.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
                    out.extend_from_slice(b"\r\n\r\n");
                    out.extend_from_slice(body);
                });
                self.requests += 1;
                self.from = end;
                if self.ends.is_empty() {
                    self.queue.clear();
                    self.from = 0;
                }
            }
            let Poll::Ready(answer) = self.line.poll(cx) else {
                return Ok(());
            };
            let answer = answer?;
            // 201: to the subscribers that there are; 202: there are none now, and it is kept.
            if !matches!(answer.status, 200..=202) {
                return Err(refused(answer.status, answer.body));
            }
        }
    }

    /// Publishes what is left.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub(super) async fn finish(&mut self) -> Result<(), ClientError> {
        poll_fn(|cx| match self.poll(cx) {
            Ok(()) if !self.is_idle() => Poll::Pending,
            other => Poll::Ready(other),
        })
        .await
    }

    /// Whether all has been published.
    fn is_idle(&self) -> bool {
        self.ends.is_empty() && !self.line.is_busy()
    }

    /// What went over all lines to the server, of which `other` is one.
    pub(super) fn traffic(&self, other: Option<&Line>) -> Traffic {
        let lines = std::iter::once(&self.line).chain(other);
        Traffic {
            requests: self.requests,
            ..self.host.meter().traffic(lines.filter_map(Line::stream))
        }
    }
}

/// A refusal of nginx, whose pages are HTML.
pub(super) fn refused(status: u16, body: &[u8]) -> ClientError {
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let message = text.lines().next().unwrap_or_default().trim().to_owned();
    ClientError::Refused { status, message }
}
