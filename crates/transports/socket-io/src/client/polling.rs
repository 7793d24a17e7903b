//! Polls and POSTs: one of each at a time, as Engine.IO asks.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use transport::http::client::{Answer, Host, Line};
use transport::{ClientError, Incoming, Target, Traffic};

use super::account::{Account, Open, Said, closed};
use crate::packet::SEPARATOR;

/// A polling session of the engine.
#[derive(Debug)]
pub(super) struct Polled {
    host: Rc<Host>,
    open: Open,
    posts: Line,
    polls: Line,
    /// The heads of both requests, a POST's up to its length.
    post_head: Vec<u8>,
    poll_head: Vec<u8>,
    traffic: Traffic,
    /// A POST was refused since the session is gone; why, the poll tells.
    is_refused: bool,
}

impl Polled {
    /// Opens a session.
    pub(super) async fn open(target: &Target, name: &'static str) -> Result<Self, ClientError> {
        let host = Host::resolve(target, name).await?;
        let mut posts = Line::new(&host);
        let common = format!("host: {}\r\n{}", host.name(), host.head_end());
        let path = "/socket.io/?EIO=4&transport=polling";
        posts.begin(true, |out| {
            out.extend_from_slice(format!("GET {path} HTTP/1.1\r\n{common}\r\n").as_bytes());
        });
        let open = std::future::poll_fn(|cx| {
            let answer = ready!(posts.poll(cx))?;
            Poll::Ready(match answer.status {
                200 => Open::parse(answer.body),
                _ => Err(refused(answer)),
            })
        })
        .await?;
        let sid = &open.sid;
        if sid
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || byte == b'&')
        {
            return Err(ClientError::Protocol(
                "an id that can't stand in a URL".into(),
            ));
        }
        let post_head = format!(
            "POST {path}&sid={sid} HTTP/1.1\r\n{common}content-type: text/plain;charset=UTF-8\r\ncontent-length: "
        );
        let poll_head = format!("GET {path}&sid={sid} HTTP/1.1\r\n{common}\r\n");
        Ok(Self {
            posts,
            polls: Line::new(&host),
            host,
            post_head: post_head.into(),
            poll_head: poll_head.into(),
            open,
            traffic: Traffic {
                requests: 1,
                ..Traffic::default()
            },
            is_refused: false,
        })
    }

    pub(super) fn sid(&self) -> &str {
        &self.open.sid
    }

    pub(super) fn most(&self) -> usize {
        self.open.most()
    }

    /// Sends what is queued and polls; ready when a poll was answered.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut Account,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let handed = account.handed();
        // What is refused is handed over.
        let _ = self.poll_posts(cx, account, true, each)?;
        self.begin_poll();
        match self.poll_answer(cx, account, each) {
            Poll::Pending if account.handed() > handed => Poll::Ready(Ok(())),
            polled => polled,
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        !self.posts.is_busy() && !self.polls.is_busy()
    }

    pub(super) fn begin_poll(&mut self) {
        if !self.polls.is_busy() {
            // Not to be made twice: what an answer brought is gone.
            self.polls
                .begin(false, |out| out.extend_from_slice(&self.poll_head));
            self.traffic.requests += 1;
        }
    }

    /// Waits for the poll that is under way, if one is.
    pub(super) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut Account,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        if !self.polls.is_busy() {
            return Poll::Pending;
        }
        let answer = ready!(self.polls.poll(cx))?;
        if answer.status != 200 {
            let error = refused(answer);
            return Poll::Ready(Err(account.why(error)));
        }
        if answer.body.is_empty() {
            return Poll::Ready(Err(account.why(closed())));
        }
        let mut is_empty = true;
        for packet in answer.body.split(|byte| *byte == SEPARATOR) {
            is_empty &= account.take(packet, each)? == Said::Nothing;
        }
        self.traffic.empty_responses += u64::from(is_empty);
        Poll::Ready(Ok(()))
    }

    /// Sends what is queued, as far as `begins` allows another POST; pending while one is under way.
    pub(super) fn poll_posts(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut Account,
        begins: bool,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<Poll<()>, ClientError> {
        loop {
            if !self.posts.is_busy() {
                if !begins || !account.has_packets() || self.is_refused {
                    return Ok(Poll::Ready(()));
                }
                let head = &self.post_head;
                self.posts.begin(false, |out| {
                    out.extend_from_slice(head);
                    let length = account.payload_length();
                    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
                    out.extend_from_slice(b"\r\n\r\n");
                    account.take_payload(out);
                });
                self.traffic.requests += 1;
            }
            let Poll::Ready(answer) = self.posts.poll(cx) else {
                return Ok(Poll::Pending);
            };
            let answer = answer?;
            match answer.status {
                200 => {}
                400 => self.is_refused = true,
                // The request is refused, not the session.
                413 => {
                    let told = Incoming::parse(answer.body);
                    let told = told.unwrap_or(Incoming::Error {
                        code: "too-large".into(),
                        message: "the server takes no body of this size".into(),
                    });
                    account.hand_refusal(told, each);
                }
                _ => {
                    let error = refused(answer);
                    return Err(account.why(error));
                }
            }
        }
    }

    /// Sends what is queued to the end, passing over what comes.
    pub(super) fn poll_posted(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut Account,
    ) -> Poll<Result<(), ClientError>> {
        let posted = self.poll_posts(cx, account, true, &mut |_| {})?;
        posted.map(Ok)
    }

    pub(super) fn traffic(&self) -> Traffic {
        let lines = [&self.posts, &self.polls];
        self.traffic
            + self
                .host
                .meter()
                .traffic(lines.into_iter().filter_map(Line::stream))
    }
}

fn refused(answer: Answer<'_>) -> ClientError {
    let message = match Incoming::parse(answer.body) {
        Ok(Incoming::Error { message, .. }) => message.into_owned(),
        _ => String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned(),
    };
    ClientError::Refused {
        status: answer.status,
        message,
    }
}
