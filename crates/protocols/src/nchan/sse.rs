//! Subscribed by an event stream (HTML section 9.2): one answer that never ends.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use transport::event_stream::Parser;
use transport::http::client::{Host, Line};
use transport::push::NO_CLOSE;
use transport::{ClientError, Target, Traffic};

use super::CHANNEL;
use super::publisher::refused;
use super::subscriber::Subscription;

/// Each event is one of the stream.
#[derive(Debug)]
pub struct Sse {
    line: Line,
    parser: Parser,
}

impl Subscription for Sse {
    const NAME: &'static str = "nchan-sse";
    const TITLE: &'static str = "Nchan: published by POST, received on an event stream";

    async fn begin(target: &Target, host: &Rc<Host>) -> Result<Self, ClientError> {
        let mut line = Line::new(host);
        let request = format!(
            "GET /sub?channel={CHANNEL} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n\r\n",
            host.name()
        );
        line.begin_stream(|out| out.extend_from_slice(request.as_bytes()));
        // The stream's head comes when the subscription stands.
        poll_fn(|cx| {
            let answer = ready!(line.poll(cx))?;
            Poll::Ready(match answer.status {
                200 => Ok(()),
                status => Err(refused(status, answer.body)),
            })
        })
        .await?;
        if !line.is_streaming() {
            let what = "an answer of a known length, not a stream".to_owned();
            return Err(ClientError::Protocol(what));
        }
        Ok(Self {
            line,
            parser: Parser::new(target.options.max_message),
        })
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        take_in: &mut impl FnMut(&[u8]) -> Result<bool, ClientError>,
    ) -> Poll<Result<(), ClientError>> {
        let parser = &mut self.parser;
        loop {
            let mut handed = false;
            let more = ready!(self.line.poll_pieces(cx, &mut |bytes| {
                parser.feed(bytes, &mut |block| {
                    if let Some(data) = block.data {
                        handed |= take_in(data)?;
                    }
                    Ok(())
                })
            }))?;
            if handed {
                return Poll::Ready(Ok(()));
            }
            if !more {
                return Poll::Ready(Err(ClientError::Closed {
                    code: NO_CLOSE,
                    reason: String::new(),
                }));
            }
        }
    }

    fn line(&self) -> Option<&Line> {
        Some(&self.line)
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            requests: 1,
            ..Traffic::default()
        }
    }

    async fn end(self) -> Result<(), ClientError> {
        Ok(())
    }
}
