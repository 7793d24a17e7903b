//! Subscribed by held requests: each is answered with the message that follows the one before, which it names by the `Last-Modified` and `ETag` of its
//! answer (<https://nchan.io/#long-polling>).

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use transport::http::client::{Host, Line};
use transport::{ClientError, Target, Traffic};

use super::CHANNEL;
use super::publisher::refused;
use super::subscriber::Subscription;

/// Each event is an answer.
#[derive(Debug)]
pub struct LongPoll {
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

impl Subscription for LongPoll {
    const NAME: &'static str = "nchan-long-poll";
    const TITLE: &'static str =
        "Nchan: published by POST, received as the answers to held requests";

    async fn begin(_: &Target, host: &Rc<Host>) -> Result<Self, ClientError> {
        let mut polls = Self::new(host);
        poll_fn(|cx| polls.poll_sent(cx)).await?;
        Ok(polls)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        take_in: &mut impl FnMut(&[u8]) -> Result<bool, ClientError>,
    ) -> Poll<Result<(), ClientError>> {
        while !ready!(self.poll_answer(cx, &mut *take_in))? {}
        Poll::Ready(Ok(()))
    }

    fn line(&self) -> Option<&Line> {
        Some(&self.line)
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests,
            empty_responses: self.empty,
            ..Traffic::default()
        }
    }

    async fn end(self) -> Result<(), ClientError> {
        Ok(())
    }
}

impl LongPoll {
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
        let polled = self.poll_answer(cx, |text| {
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
    fn poll_answer(
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
