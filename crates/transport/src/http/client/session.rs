//! A session's client: commands on some lines, polls on another.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hub::wire::{Command, Incoming};

use super::answer::{self, Received};
use super::line::{Answer, Host, Line};
use crate::{Client, ClientError, Target, Ticket, Traffic, Welcome};

/// Most bytes of commands in one request, unless a single one has more; below every server's default limit.
const BATCH: usize = 256 << 10;

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

/// A client of a server with sessions over HTTP.
#[derive(Debug)]
pub struct SessionClient<P> {
    host: Rc<Host>,
    welcome: Welcome,
    polls: P,
    /// The cursor: how many messages were received, those that the server forgot included.
    received: u64,
    /// Commands to go out, with commas between them, and where each ends.
    queue: Vec<u8>,
    ends: Vec<usize>,
    commands: Vec<Line>,
    events: Line,
    heads: Heads,
    traffic: Traffic,
}

/// What is the same in each request.
#[derive(Debug)]
struct Heads {
    commands: Vec<u8>,
    /// From behind the cursor.
    events: Vec<u8>,
}

impl<P: Polls> SessionClient<P> {
    /// Opens a session, or finds the one to be resumed; `polls` is made with its welcome.
    ///
    /// # Errors
    /// The server can't be reached or refuses.
    pub async fn connect(
        target: &Target,
        transport: &'static str,
        polls: impl FnOnce(&Welcome) -> P,
    ) -> Result<Self, ClientError> {
        let host = Host::resolve(target, transport).await?;
        let mut line = Line::new(&host);
        let mut traffic = Traffic::default();
        let token = target.resume.as_ref().map(|ticket| &*ticket.token);
        let opened = ask(&mut line, &mut traffic, "POST", token).await?;
        let welcome =
            opened.ok_or_else(|| ClientError::Protocol("no session was opened".into()))?;
        let received = target
            .resume
            .as_ref()
            .filter(|_| welcome.resumed)
            .map_or(0, |ticket| ticket.received);
        let polls = polls(&welcome);
        let common = format!(
            "host: {}\r\nauthorization: Bearer {}\r\n{}",
            host.name(),
            welcome.token,
            host.head_end()
        );
        let heads = Heads {
            commands: format!("POST /commands HTTP/1.1\r\n{common}content-type: application/json\r\ncontent-length: ").into(),
            events: format!("{} HTTP/1.1\r\n{common}\r\n", polls.parameters()).into(),
        };
        let mut commands = vec![line];
        commands.resize_with(target.options.pool.max(1), || Line::new(&host));
        let events = Line::new(&host);
        Ok(Self {
            host,
            welcome,
            polls,
            received,
            queue: Vec::new(),
            ends: Vec::new(),
            commands,
            events,
            heads,
            traffic,
        })
    }

    /// Sends what is queued on lines that are free, and takes what has been answered.
    fn poll_commands(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<bool, ClientError> {
        let mut handed = false;
        for index in 0..self.commands.len() {
            loop {
                let line = &mut self.commands[index];
                if !line.is_busy() {
                    if self.ends.is_empty() {
                        break;
                    }
                    self.post(index);
                }
                let Poll::Ready(answer) = self.commands[index].poll(cx) else {
                    break;
                };
                let answer = answer?;
                match answer.status {
                    200 => {
                        let mut count = 0;
                        let payload = answer::replies(answer.body, &mut |message| {
                            count += 1;
                            each(message);
                        })?;
                        self.traffic.payload_down += payload;
                        handed |= count > 0;
                    }
                    202 => {}
                    // The request is refused, not the session.
                    400 | 413 | 429 => {
                        let (code, message) = answer::refusal(answer.body);
                        each(Incoming::Error { code, message });
                        handed = true;
                    }
                    _ => return Err(refused(answer)),
                }
            }
        }
        Ok(handed)
    }

    /// Begins a request with as many queued commands as go together.
    fn post(&mut self, index: usize) {
        let fitting = self.ends.partition_point(|end| *end <= BATCH).max(1);
        let bytes = self.ends[fitting - 1];
        let (queue, head) = (&self.queue, &self.heads.commands);
        self.commands[index].begin(false, |out| {
            out.extend_from_slice(head);
            let brackets = if fitting > 1 { 2 } else { 0 };
            let length = bytes + brackets;
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n\r\n");
            if brackets > 0 {
                out.push(b'[');
            }
            out.extend_from_slice(&queue[..bytes]);
            if brackets > 0 {
                out.push(b']');
            }
        });
        self.traffic.requests += 1;
        if fitting == self.ends.len() {
            self.queue.clear();
            self.ends.clear();
        } else {
            // The comma goes too.
            self.queue.drain(..=bytes);
            self.ends.drain(..fitting);
            self.ends.iter_mut().for_each(|end| *end -= bytes + 1);
        }
    }

    /// Keeps a poll under way as `polls` says; whether messages were handed over.
    fn poll_events(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        loop {
            if !self.events.is_busy() {
                ready!(self.polls.poll_due(cx));
                let (received, head) = (self.received, &self.heads.events);
                let is_from_now = received > 0 && !self.polls.has_cursor();
                self.events.begin(true, |out| {
                    out.extend_from_slice(b"GET /events?after=");
                    if is_from_now {
                        out.extend_from_slice(b"now");
                    } else {
                        out.extend_from_slice(itoa::Buffer::new().format(received).as_bytes());
                    }
                    out.extend_from_slice(head);
                });
                self.traffic.requests += 1;
            }
            let answer = ready!(self.events.poll(cx))?;
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
                    self.traffic.payload_down += payload;
                    return Poll::Ready(Ok(()));
                }
                204 => self.traffic.empty_responses += 1,
                _ => return Poll::Ready(Err(refused(answer))),
            }
        }
    }
}

impl<P: Polls> Client for SessionClient<P> {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        if !self.queue.is_empty() {
            self.queue.push(b',');
        }
        command.write(&mut self.queue);
        self.ends.push(self.queue.len());
        if let Command::Emit { data, .. } | Command::Request { data, .. } = command {
            self.traffic.payload_up += data.len() as u64;
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let handed = self.poll_commands(cx, each)?;
        match self.poll_events(cx, each)? {
            Poll::Pending if !handed => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }

    fn traffic(&self) -> Traffic {
        let lines = self.commands.iter().chain([&self.events]);
        self.traffic + self.host.meter().traffic(lines.filter_map(Line::stream))
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: self.welcome.token.clone(),
            received: self.received,
        }
    }

    /// Sends what is still queued, then `DELETE /session`.
    async fn close(mut self) -> Result<(), ClientError> {
        std::future::poll_fn(|cx| {
            let polled = self.poll_commands(cx, &mut |_| {});
            let is_busy = !self.ends.is_empty() || self.commands.iter().any(Line::is_busy);
            match polled {
                Ok(_) if is_busy => Poll::Pending,
                other => Poll::Ready(other.map(drop)),
            }
        })
        .await?;
        let Some(line) = self.commands.first_mut() else {
            return Ok(());
        };
        ask(line, &mut self.traffic, "DELETE", Some(&self.welcome.token))
            .await
            .map(drop)
    }
}

/// Opens or closes a session; `None` where there is none or no longer.
async fn ask(
    line: &mut Line,
    traffic: &mut Traffic,
    method: &str,
    token: Option<&str>,
) -> Result<Option<Welcome>, ClientError> {
    let authorization = token.map_or(String::new(), |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    let head = format!(
        "{method} /session HTTP/1.1\r\nhost: {}\r\n{authorization}{}",
        line.host().name(),
        line.host().head_end()
    );
    // A session that is opened twice is one that expires unused.
    line.begin(true, |out| {
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(if method == "POST" {
            b"content-length: 0\r\n\r\n"
        } else {
            b"\r\n"
        });
    });
    traffic.requests += 1;
    std::future::poll_fn(|cx| {
        let answer = ready!(line.poll(cx))?;
        Poll::Ready(match answer.status {
            200 | 201 => match serde_json::from_slice(answer.body) {
                Ok(welcome) => Ok(Some(welcome)),
                Err(error) => Err(ClientError::Protocol(error.to_string())),
            },
            204 => Ok(None),
            401 | 410 if token.is_some() => Ok(None),
            _ => Err(refused(answer)),
        })
    })
    .await
}

fn refused(answer: Answer<'_>) -> ClientError {
    let (_, message) = answer::refusal(answer.body);
    ClientError::Refused {
        status: answer.status,
        message: message.into_owned(),
    }
}
