//! One connection of a client.

mod pieces;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::lookup_host;

use super::response::{Chunks, Framing, Head, bad};
use crate::stream::{Counted, Meter, connect};
use crate::{ClientError, Connection, Target};

/// Bytes asked for in one read.
const READ: usize = 4096;
/// How often a request is made again on a new connection, in a row.
const MOST_TRIES: u32 = 3;

/// The server that lines lead to, and what they have in common.
#[derive(Debug)]
pub struct Host {
    target: Target,
    address: SocketAddr,
    /// `host:port` as the URL has it.
    name: String,
    meter: Meter,
}

impl Host {
    /// Resolves the target's URL, `http://host:port`.
    ///
    /// # Errors
    /// [`ClientError::Target`] for any other URL, [`ClientError::Unreachable`] when the name has no address.
    pub async fn resolve(
        target: &Target,
        transport: &'static str,
    ) -> Result<Rc<Self>, ClientError> {
        let name = target
            .url
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'));
        let Some(name) =
            name.filter(|name| !name.is_empty() && !name.contains(['/', '?', '#', '@']))
        else {
            let reason = "its targets look like http://host:port";
            return Err(ClientError::Target {
                url: target.url.clone(),
                transport,
                reason,
            });
        };
        let has_port = name
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let full = if has_port {
            name.to_owned()
        } else {
            format!("{name}:80")
        };
        let unreachable = |cause| ClientError::Unreachable {
            address: full.clone(),
            cause,
        };
        let address = lookup_host(&full).await.map_err(unreachable)?.next();
        let address = address.ok_or_else(|| unreachable(io::ErrorKind::NotFound.into()))?;
        Ok(Rc::new(Self {
            target: target.clone(),
            address,
            name: name.to_owned(),
            meter: Meter::default(),
        }))
    }

    /// `host:port` for the `Host` header.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What went over all lines to this host.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What the client was asked to be.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The last header field and the end of a head, without the body's length.
    pub fn head_end(&self) -> &'static str {
        match self.target.options.connection {
            Connection::KeepAlive => "",
            Connection::Fresh => "connection: close\r\n",
        }
    }
}

/// A connection that makes one request at a time. It connects when there is one to make, and again when the server has closed it.
#[derive(Debug)]
pub struct Line {
    host: Rc<Host>,
    state: State,
    /// The request, as long as it may have to be made again.
    request: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    /// Whether a request is under way.
    is_busy: bool,
    kind: Kind,
    tries: u32,
    head: Option<Head>,
    chunks: Chunks,
    /// Whether what came with the head of a stream has yet to be looked at.
    has_early: bool,
}

/// What kind of request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One that may not be made again.
    Once,
    /// One that may be made again if the connection breaks (RFC 9110 section 9.2.2).
    Safe,
    /// The same, and the body of a 200 is wanted as it comes.
    Stream,
}

enum State {
    Closed,
    Connecting(Pin<Box<dyn Future<Output = Result<Counted, ClientError>>>>),
    /// `used`: it has served a request, so the server may have closed it since.
    Open {
        stream: Counted,
        used: bool,
    },
}

/// A response.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The whole body.
    pub body: &'a [u8],
}

impl Line {
    /// A line that isn't connected yet.
    pub fn new(host: &Rc<Host>) -> Self {
        Self {
            host: Rc::clone(host),
            state: State::Closed,
            request: Vec::new(),
            written: 0,
            input: Vec::new(),
            is_busy: false,
            kind: Kind::Once,
            tries: 0,
            head: None,
            chunks: Chunks::default(),
            has_early: true,
        }
    }

    /// Where it leads.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whether a request is under way.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Its connection, if it has one now.
    pub fn stream(&self) -> Option<&Counted> {
        match &self.state {
            State::Open { stream, .. } => Some(stream),
            State::Closed | State::Connecting(_) => None,
        }
    }

    /// Begins a request, written by `write`, head and body; [`poll`](Self::poll) makes it. `is_safe`: it may be made twice.
    pub fn begin(&mut self, is_safe: bool, write: impl FnOnce(&mut Vec<u8>)) {
        debug_assert!(!self.is_busy, "one request at a time");
        self.request.clear();
        write(&mut self.request);
        self.is_busy = true;
        self.kind = if is_safe { Kind::Safe } else { Kind::Once };
        self.tries = 0;
        self.restart();
    }

    /// As [`begin`](Self::begin), for a safe request whose answer may be a body without an end in sight: a 200 in chunks or until the connection
    /// ends. [`poll`](Self::poll) is ready with its head then, and [`poll_pieces`](Self::poll_pieces) brings its body.
    pub fn begin_stream(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.begin(true, write);
        self.kind = Kind::Stream;
    }

    /// Whether the answer's body is coming in, for [`poll_pieces`](Self::poll_pieces).
    pub fn is_streaming(&self) -> bool {
        self.is_busy && self.kind == Kind::Stream && self.head.is_some_and(Head::has_no_end_yet)
    }

    /// The head of the last response that was whole, until the next request begins; empty when there is none.
    pub fn head(&self) -> &[u8] {
        let length = self.head.map_or(0, |head| head.length);
        self.input.get(..length).unwrap_or_default()
    }

    /// Makes the request and waits for the whole response.
    ///
    /// # Errors
    /// The server can't be reached, or the connection broke and the request may not be made again.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer<'_>, ClientError>> {
        loop {
            match self.poll_exchange(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(body)) => {
                    let head = self.head.unwrap_or(NO_HEAD);
                    if self.is_streaming() {
                        // What came behind the head is for `poll_pieces`.
                        self.input.drain(..head.length);
                        return Poll::Ready(Ok(Answer {
                            status: head.status,
                            body: &[],
                        }));
                    }
                    self.is_busy = false;
                    if head.closes || self.host.target.options.connection == Connection::Fresh {
                        self.state = State::Closed;
                    }
                    return Poll::Ready(Ok(Answer {
                        status: head.status,
                        body: &self.input[body],
                    }));
                }
                Poll::Ready(Err(ClientError::Broken(_)))
                    if self.kind != Kind::Once && self.tries < MOST_TRIES =>
                {
                    self.tries += 1;
                    self.state = State::Closed;
                    self.restart();
                }
                Poll::Ready(Err(error)) => {
                    self.state = State::Closed;
                    self.is_busy = false;
                    return Poll::Ready(Err(error));
                }
            }
        }
    }

    /// Forgets how far the request went.
    fn restart(&mut self) {
        self.written = 0;
        self.input.clear();
        self.head = None;
        self.chunks = Chunks::default();
        self.has_early = true;
    }

    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Result<Range<usize>, ClientError>> {
        ready!(self.poll_connect(cx))?;
        let Self {
            state: State::Open { stream, used },
            request,
            written,
            input,
            host,
            head,
            chunks,
            kind,
            ..
        } = self
        else {
            return Poll::Ready(Err(bad("not connected")));
        };
        while *written < request.len() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &request[*written..])) {
                Ok(0) => return Poll::Ready(Err(broken(io::ErrorKind::WriteZero.into()))),
                Ok(bytes) => *written += bytes,
                // The server may have answered before it closed, for example with 503.
                Err(_) => *written = request.len(),
            }
        }
        *used = true;
        loop {
            if let Some(body) = whole(
                input,
                head,
                chunks,
                host.target.options.max_message,
                *kind == Kind::Stream,
            )? {
                return Poll::Ready(Ok(body));
            }
            let bytes = ready!(poll_read(stream, cx, input)).map_err(broken)?;
            if bytes == 0 {
                return Poll::Ready(match head {
                    Some(Head {
                        framing: Framing::Close,
                        length,
                        ..
                    }) => Ok(*length..input.len()),
                    _ => Err(broken(io::ErrorKind::UnexpectedEof.into())),
                });
            }
        }
    }

    fn poll_connect(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        loop {
            match &mut self.state {
                State::Open { stream, used } => {
                    // Without news for this socket, asking costs no system call.
                    if *used
                        && self.written == 0
                        && poll_read(stream, cx, &mut self.input).is_ready()
                    {
                        // Closed while idle, or something that no request asked for.
                        self.input.clear();
                        self.state = State::Closed;
                        continue;
                    }
                    return Poll::Ready(Ok(()));
                }
                State::Connecting(connecting) => {
                    let stream = ready!(connecting.as_mut().poll(cx))?;
                    self.state = State::Open {
                        stream,
                        used: false,
                    };
                }
                State::Closed => {
                    let host = Rc::clone(&self.host);
                    self.state = State::Connecting(Box::pin(async move {
                        connect(&host.target, host.address, &host.meter).await
                    }));
                }
            }
        }
    }
}

const NO_HEAD: Head = Head {
    status: 0,
    closes: true,
    framing: Framing::Length(0),
    length: 0,
};

/// Where the response's body is, if all of it has come; an empty place for a stream's, of which the head has come.
fn whole(
    input: &mut Vec<u8>,
    head: &mut Option<Head>,
    chunks: &mut Chunks,
    max_message: usize,
    is_stream: bool,
) -> Result<Option<Range<usize>>, ClientError> {
    let parsed = loop {
        match head {
            Some(head) => break *head,
            None if input.is_empty() => return Ok(None),
            None => match Head::parse(input)? {
                None => return Ok(None),
                // An interim response; the real one follows.
                Some(Head {
                    status: 100..=199,
                    length,
                    ..
                }) => drop(input.drain(..length)),
                Some(parsed) => *head = Some(parsed),
            },
        }
    };
    let start = parsed.length;
    if is_stream && parsed.has_no_end_yet() {
        return Ok(Some(start..start));
    }
    let (body, is_whole) = match parsed.framing {
        Framing::Length(length) => (
            start..start.saturating_add(length),
            input.len() - start >= length,
        ),
        Framing::Chunked => {
            let is_whole = chunks.decode(&mut input[start..])?;
            (start..start + chunks.decoded, is_whole)
        }
        Framing::Close => (start..input.len(), false),
    };
    if body.len() > max_message {
        return Err(bad(&format!("an answer of more than {max_message} bytes")));
    }
    Ok(is_whole.then_some(body))
}

fn poll_read(
    stream: &mut Counted,
    cx: &mut Context<'_>,
    input: &mut Vec<u8>,
) -> Poll<io::Result<usize>> {
    if input.capacity() - input.len() < READ {
        input.reserve(READ);
    }
    pin!(stream.read_buf(input)).poll(cx)
}

fn broken(error: io::Error) -> ClientError {
    ClientError::Broken(error)
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "Closed",
            Self::Connecting(_) => "Connecting",
            Self::Open { .. } => "Open",
        })
    }
}
