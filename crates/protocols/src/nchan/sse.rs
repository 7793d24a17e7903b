//! Subscribed by an event stream (HTML section 9.2): one answer that never ends.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use transport::event_stream::Parser;
use transport::http::client::Line;
use transport::{
    Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket, Traffic, Welcome,
};

use super::publisher::{Publisher, refused};
use super::{CAPABILITIES, CHANNEL, URL, resolve};
use crate::session::Session;

/// Events to all others, pushed on an event stream.
#[derive(Debug)]
pub struct NchanSse;

impl Protocol for NchanSse {
    const INFO: Info = Info {
        name: "nchan-sse",
        title: "Nchan: published by POST, received on an event stream",
        url: URL,
        options: &[],
        capabilities: CAPABILITIES,
    };

    type Client = NchanSseClient;

    async fn connect(target: &Target) -> Result<NchanSseClient, ClientError> {
        let name = Self::INFO.name;
        let host = resolve(target, name).await?;
        let mut line = Line::new(&host);
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
        Ok(NchanSseClient {
            line,
            parser: Parser::new(target.options.max_message),
            publisher: Publisher::new(&host),
            session: Session::new(name),
        })
    }
}

/// A subscription, and the way to publish.
#[derive(Debug)]
pub struct NchanSseClient {
    line: Line,
    parser: Parser,
    publisher: Publisher,
    session: Session,
}

impl Client for NchanSseClient {
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
        let (parser, session) = (&mut self.parser, &mut self.session);
        loop {
            let mut handed = false;
            let more = ready!(self.line.poll_pieces(cx, &mut |bytes| {
                parser.feed(bytes, &mut |block| {
                    if let Some(data) = block.data {
                        handed |= session.hand_over_event(data, each)?;
                    }
                    Ok(())
                })
            }))?;
            if handed {
                return Poll::Ready(Ok(()));
            }
            if !more {
                return Poll::Ready(Err(ClientError::Closed {
                    code: transport::push::NO_CLOSE,
                    reason: String::new(),
                }));
            }
        }
    }

    fn traffic(&self) -> Traffic {
        let mut wire = self.publisher.traffic(Some(&self.line));
        wire.requests += 1;
        self.session.traffic(wire)
    }

    fn ticket(&self) -> Ticket {
        self.session.ticket()
    }

    async fn close(mut self) -> Result<(), ClientError> {
        self.publisher.finish().await
    }
}
