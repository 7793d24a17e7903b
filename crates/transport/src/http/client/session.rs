//! A session's client: commands on some lines, messages on another.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hub::wire::{Command, Incoming};

use super::answer;
use super::line::{Answer, Host, Line};
use crate::{Client, ClientError, Target, Ticket, Traffic, Welcome};

/// Most bytes of commands in one request, unless a single one has more; below every server's default limit.
const BATCH: usize = 256 << 10;

/// How a client is told of messages: by polls, or by a stream.
pub trait Downlink: 'static {
    /// Asks for messages or goes on reading, and hands each one to `each`, in order: ready when there was one.
    ///
    /// `requests`, `empty_responses` and `payload_down` of `traffic` are counted here, bytes by the line.
    ///
    /// # Errors
    /// The line broke or ended, the server refuses, or it can't be understood.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        traffic: &mut Traffic,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>>;

    /// The cursor: how many messages were received, those that the server forgot included.
    fn received(&self) -> u64;

    /// The line it asks on.
    fn line(&self) -> &Line;
}

/// A session that was opened or found again, for whoever asks for its messages.
#[derive(Debug)]
pub struct Opened<'a> {
    /// The server.
    pub host: &'a Rc<Host>,
    /// What it welcomed the client with.
    pub welcome: &'a Welcome,
    /// The cursor.
    pub received: u64,
}

impl Opened<'_> {
    /// The header fields that all of the session's requests have in common, each with its line end.
    pub fn fields(&self) -> String {
        format!(
            "host: {}\r\nauthorization: Bearer {}\r\n{}",
            self.host.name(),
            self.welcome.token,
            self.host.head_end()
        )
    }
}

/// A client of a server with sessions over HTTP.
#[derive(Debug)]
pub struct SessionClient<D> {
    host: Rc<Host>,
    welcome: Welcome,
    downlink: D,
    /// Commands to go out, with commas between them, and where each ends.
    queue: Vec<u8>,
    ends: Vec<usize>,
    commands: Vec<Line>,
    /// What is the same in each request with commands.
    head: Vec<u8>,
    traffic: Traffic,
}

impl<D: Downlink> SessionClient<D> {
    /// Opens a session, or finds the one to be resumed; `downlink` is made for it.
    ///
    /// # Errors
    /// The server can't be reached or refuses.
    pub async fn connect(
        target: &Target,
        transport: &'static str,
        downlink: impl FnOnce(&Opened<'_>) -> D,
    ) -> Result<Self, ClientError> {
        let host = Host::resolve(target, transport).await?;
        let mut line = Line::new(&host);
        let mut traffic = Traffic::default();
        let token = target.resume.as_ref().map(|ticket| &*ticket.token);
        let opened = ask(&mut line, &mut traffic, "POST", token).await?;
        let welcome =
            opened.ok_or_else(|| ClientError::Protocol("no session was opened".into()))?;
        let opened = Opened {
            host: &host,
            welcome: &welcome,
            received: target
                .resume
                .as_ref()
                .filter(|_| welcome.resumed)
                .map_or(0, |ticket| ticket.received),
        };
        let head = format!(
            "POST /commands HTTP/1.1\r\n{}content-type: application/json\r\ncontent-length: ",
            opened.fields()
        );
        let downlink = downlink(&opened);
        let mut commands = vec![line];
        commands.resize_with(target.options.pool.max(1), || Line::new(&host));
        Ok(Self {
            host,
            welcome,
            downlink,
            queue: Vec::new(),
            ends: Vec::new(),
            commands,
            head: head.into(),
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
        let (queue, head) = (&self.queue, &self.head);
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
}

impl<D: Downlink> Client for SessionClient<D> {
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
        match self.downlink.poll(cx, &mut self.traffic, each)? {
            Poll::Pending if !handed => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }

    fn traffic(&self) -> Traffic {
        let lines = self.commands.iter().chain([self.downlink.line()]);
        self.traffic + self.host.meter().traffic(lines.filter_map(Line::stream))
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: self.welcome.token.clone(),
            received: self.downlink.received(),
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

/// What a server's answer refuses.
pub fn refused(answer: Answer<'_>) -> ClientError {
    let (_, message) = answer::refusal(answer.body);
    ClientError::Refused {
        status: answer.status,
        message: message.into_owned(),
    }
}
