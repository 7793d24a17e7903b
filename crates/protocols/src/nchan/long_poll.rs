//! Subscribed by held requests: each is answered with the message that follows the one before, which it names by the `Last-Modified` and `ETag` of its
//! answer (<https://nchan.io/#long-polling>).

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use transport::http::client::{Host, Line};
use transport::{
    Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket, Traffic, Welcome,
};

use super::publisher::{Publisher, refused};
use super::{CAPABILITIES, CHANNEL, URL, resolve};
use crate::session::Session;

/// Events to all others, an answer each.
#[derive(Debug)]
pub struct NchanLongPoll;

impl Protocol for NchanLongPoll {
    const INFO: Info = Info {
        name: "nchan-long-poll",
        title: "Nchan: published by POST, received as the answers to held requests",
        url: URL,
        options: &[],
        capabilities: CAPABILITIES,
    };

    type Client = NchanLongPollClient;

    async fn connect(target: &Target) -> Result<NchanLongPollClient, ClientError> {
        let name = Self::INFO.name;
        let host = resolve(target, name).await?;
        let mut client = NchanLongPollClient {
            polls: Polls::new(&host),
            publisher: Publisher::new(&host),
            session: Session::new(name),
        };
        poll_fn(|cx| client.polls.poll_sent(cx)).await?;
        Ok(client)
    }
}

/// A subscription, and the way to publish.
#[derive(Debug)]
pub struct NchanLongPollClient {
    polls: Polls,
    publisher: Publisher,
    session: Session,
}

/// The way down.
#[derive(Debug)]
struct Polls {
    line: Line,
    /// Up to the fields that name the last message.
    head: String,
    /// Which name it; empty before the first one.
    since: String,
    /// What was answered while the client connected.
    early: Option<Vec<u8>>,
    requests: u64,
    empty: u64,
}

impl Client for NchanLongPollClient {
    fn welcome(&self) -> &Welcome {
        self.session.welcome()
    }

    fn send(&mut self, command: &Command<'_>) {
        self.publisher.send(command, &mut self.session);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        self.session.take_unfit()?;
        self.publisher.poll(cx)?;
        let session = &mut self.session;
        loop {
            let handed = ready!(
                self.polls
                    .poll(cx, |text| session.hand_over_event(text, each))
            )?;
            if handed {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn traffic(&self) -> Traffic {
        let mut wire = self.publisher.traffic(Some(&self.polls.line));
        wire.requests += self.polls.requests;
        wire.empty_responses += self.polls.empty;
        self.session.traffic(wire)
    }

    fn ticket(&self) -> Ticket {
        self.session.ticket()
    }

    async fn close(mut self) -> Result<(), ClientError> {
        self.publisher.finish().await
    }
}

impl Polls {
    fn new(host: &Rc<Host>) -> Self {
        Self {
            line: Line::new(host),
            head: format!(
                "GET /sub?channel={CHANNEL} HTTP/1.1\r\nhost: {}\r\n",
                host.name()
            ),
            since: String::new(),
            early: None,
            requests: 0,
            empty: 0,
        }
    }

    /// Makes the first request; ready when the connection stands and it is on its way.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        let mut early = None;
        let polled = self.poll(cx, |text| {
            early = Some(text.to_vec());
            Ok(true)
        })?;
        self.early = early;
        match polled {
            Poll::Pending if self.line.stream().is_none() => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Keeps a request under way; ready with what `take_in` says of the message in an answer.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        take_in: impl FnOnce(&[u8]) -> Result<bool, ClientError>,
    ) -> Poll<Result<bool, ClientError>> {
        if let Some(early) = self.early.take() {
            return Poll::Ready(take_in(&early));
        }
        loop {
            if !self.line.is_busy() {
                let (head, since) = (&self.head, &self.since);
                self.line.begin(true, |out| {
                    out.extend_from_slice(head.as_bytes());
                    out.extend_from_slice(since.as_bytes());
                    out.extend_from_slice(b"\r\n");
                });
                self.requests += 1;
            }
            let answer = ready!(self.line.poll(cx))?;
            match answer.status {
                200 => {
                    let taken = take_in(answer.body)?;
                    self.follow()?;
                    return Poll::Ready(Ok(taken));
                }
                // It was held for as long as the server holds one.
                204 | 304 | 408 => self.empty += 1,
                status => return Poll::Ready(Err(refused(status, answer.body))),
            }
        }
    }

    /// From now on asks for what follows the message of the last answer.
    fn follow(&mut self) -> Result<(), ClientError> {
        use std::fmt::Write;

        let head = self.line.head();
        let (Some(modified), Some(tag)) = (field(head, "last-modified"), field(head, "etag"))
        else {
            return Err(ClientError::Protocol(
                "a message without Last-Modified and ETag, so that nothing can be asked for behind it".into(),
            ));
        };
        self.since.clear();
        // A string takes all that is written.
        let _ = write!(
            self.since,
            "if-modified-since: {modified}\r\nif-none-match: {tag}\r\n"
        );
        Ok(())
    }
}

/// A field of a response's head.
fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = head.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (own, value) = line.split_at(colon);
            own.eq_ignore_ascii_case(name.as_bytes())
                .then(|| value[1..].trim_ascii())
        })
        .find_map(|value| str::from_utf8(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_whatever_its_case() {
        let head =
            b"HTTP/1.1 200 OK\r\nEtag: 0:1\r\nLast-Modified: Fri, 27 Nov 2026 02:00:00 GMT\r\n\r\n";
        assert_eq!(field(head, "etag"), Some("0:1"));
        assert_eq!(
            field(head, "last-modified"),
            Some("Fri, 27 Nov 2026 02:00:00 GMT")
        );
        assert_eq!(field(head, "last"), None);
        assert_eq!(field(b"", "etag"), None);
    }
}
