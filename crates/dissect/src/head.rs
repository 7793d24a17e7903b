//! Heads of HTTP/1.1 messages, and what they say of the body behind them (RFC 9112).

use crate::draft::{Draft, Stamp};
use crate::message::{Role, Way};

/// Most bytes of a head.
pub(crate) const HEAD: usize = 64 << 10;

/// Most fields of a head.
const FIELDS: usize = 128;

/// Most characters of a title.
const TITLE: usize = 256;

/// A head that is coming in.
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    bytes: Vec<u8>,
    /// When the first of them was sent.
    sent: Option<u64>,
    /// When the last of them arrived.
    arrived: u64,
    /// A line of it is whole.
    has_line: bool,
}

/// What taking bytes came to.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// There must be more.
    Partial,
    /// It is whole, in a draft.
    Whole(Start, Framing, Draft),
    /// That is no head. All that was gathered is in the draft.
    Unreadable(Draft),
}

/// The first line, and what is to be known of the fields.
#[derive(Debug)]
pub(crate) enum Start {
    Request(Request),
    Response(Response),
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) title: String,
    pub(crate) method: Method,
    pub(crate) preflight: bool,
    /// It polls an Engine.IO session.
    pub(crate) polls: bool,
    /// It asks for a WebSocket.
    pub(crate) upgrades: bool,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Its body is an event stream that can be read.
    pub(crate) streams: bool,
    /// It is a WebSocket from now on, if the status says that it is something else.
    pub(crate) upgrades: bool,
}

/// What matters of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Connect,
    Another,
}

/// How a body ends, as the fields have it; a status or a method may say that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Nothing is said.
    Unsaid,
    Length(u64),
    Chunked,
    /// Codings of which the last isn't chunks.
    Coded,
    /// What is said makes no sense.
    Absurd,
}

impl Gatherer {
    /// Takes what belongs to the head, and says how much.
    pub(crate) fn take(&mut self, way: Way, piece: &[u8], at: Stamp) -> (Gathered, usize) {
        let before = self.bytes.len();
        let piece = &piece[..piece.len().min(HEAD - before)];
        self.sent.get_or_insert(at.sent);
        self.arrived = at.arrived;
        self.bytes.extend_from_slice(piece);
        // Only a line that is whole brings news, and what the first may be is seen while it comes.
        let brings_line = memchr::memchr(b'\n', piece).is_some();
        self.has_line |= brings_line;
        let read = if brings_line {
            read(way, &self.bytes)
        } else if self.has_line || self.is_possible(way, piece) {
            Read::Partial
        } else {
            Read::Unreadable
        };
        match read {
            Read::Whole(start, framing, length) => {
                self.bytes.truncate(length);
                let draft = self.draft();
                (Gathered::Whole(start, framing, draft), length - before)
            }
            Read::Partial if self.bytes.len() < HEAD => (Gathered::Partial, piece.len()),
            Read::Partial | Read::Unreadable => (Gathered::Unreadable(self.give_up()), piece.len()),
        }
    }

    /// All of it, as what can't be read; empty if there is nothing.
    pub(crate) fn give_up(&mut self) -> Draft {
        let mut draft = Draft::default();
        let at = self.stamp();
        draft.add(Role::Payload, &std::mem::take(&mut self.bytes), at);
        draft
    }

    fn stamp(&self) -> Stamp {
        let arrived = self.arrived;
        let sent = self.sent.unwrap_or(arrived);
        Stamp { sent, arrived }
    }

    /// Whether what has no whole line yet may become a head, after another piece.
    fn is_possible(&self, way: Way, piece: &[u8]) -> bool {
        let unseen = |byte: &u8| byte.is_ascii_control() && *byte != b'\r';
        let mut version = b"HTTP/1.".iter().zip(&self.bytes);
        match way {
            Way::Up => !piece.iter().any(unseen),
            Way::Down => version.all(|(wanted, byte)| wanted == byte),
        }
    }

    /// A line a part; the empty one is part of the last.
    fn draft(&mut self) -> Draft {
        let mut draft = Draft::default();
        let at = self.stamp();
        let bytes = std::mem::take(&mut self.bytes);
        let mut role = Role::StartLine;
        let mut has_begun = false;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_blank = line.iter().all(|byte| b"\r\n".contains(byte));
            if !is_blank && has_begun {
                role = Role::Header;
                draft.seal();
            }
            has_begun |= !is_blank;
            draft.add(role, line, at);
        }
        draft.seal();
        draft
    }
}

enum Read {
    Partial,
    Whole(Start, Framing, usize),
    Unreadable,
}

fn read(way: Way, bytes: &[u8]) -> Read {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    match way {
        Way::Up => {
            let mut request = httparse::Request::new(&mut fields);
            match request.parse(bytes) {
                Ok(httparse::Status::Complete(length)) => {
                    let framing = framing(request.headers);
                    Read::Whole(Start::Request(Request::of(&request)), framing, length)
                }
                Ok(httparse::Status::Partial) => Read::Partial,
                Err(_) => Read::Unreadable,
            }
        }
        Way::Down => {
            let mut response = httparse::Response::new(&mut fields);
            match response.parse(bytes) {
                Ok(httparse::Status::Complete(length)) => {
                    let framing = framing(response.headers);
                    Read::Whole(Start::Response(Response::of(&response)), framing, length)
                }
                Ok(httparse::Status::Partial) => Read::Partial,
                Err(_) => Read::Unreadable,
            }
        }
    }
}

impl Request {
    fn of(request: &httparse::Request<'_, '_>) -> Self {
        let (method, target) = (
            request.method.unwrap_or_default(),
            request.path.unwrap_or_default(),
        );
        let fields = &*request.headers;
        Self {
            title: shortened(&format!("{method} {target}")),
            method: match method {
                "GET" => Method::Get,
                "HEAD" => Method::Head,
                "CONNECT" => Method::Connect,
                _ => Method::Another,
            },
            preflight: method == "OPTIONS"
                && values(fields, "access-control-request-method")
                    .next()
                    .is_some(),
            polls: target.contains("EIO=") && target.contains("transport=polling"),
            upgrades: method == "GET" && upgrades(fields),
        }
    }
}

impl Response {
    fn of(response: &httparse::Response<'_, '_>) -> Self {
        let fields = &*response.headers;
        let kind = values(fields, "content-type").next().unwrap_or_default();
        let name = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        let status = response.code.unwrap_or_default();
        Self {
            status,
            streams: status == 200
                && name.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
                && values(fields, "content-encoding").next().is_none(),
            upgrades: upgrades(fields),
        }
    }
}

/// RFC 9112, section 6.3.
fn framing(fields: &[httparse::Header<'_>]) -> Framing {
    if let Some(last) = values(fields, "transfer-encoding").last() {
        let coding = last.rsplit(|byte| *byte == b',').next();
        let coding = coding.unwrap_or_default().trim_ascii();
        return if coding.eq_ignore_ascii_case(b"chunked") {
            Framing::Chunked
        } else {
            Framing::Coded
        };
    }
    let mut length = None;
    for value in list(fields, "content-length") {
        let digits = std::str::from_utf8(value).ok();
        let digits = digits.filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(value) = digits.and_then(|digits| digits.parse().ok()) else {
            return Framing::Absurd;
        };
        if length.replace(value).is_some_and(|before| before != value) {
            return Framing::Absurd;
        }
    }
    length.map_or(Framing::Unsaid, Framing::Length)
}

fn upgrades(fields: &[httparse::Header<'_>]) -> bool {
    let mut to = list(fields, "upgrade");
    to.any(|value| value.eq_ignore_ascii_case(b"websocket"))
}

fn values<'a>(
    fields: &'a [httparse::Header<'_>],
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    let own = move |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case(name);
    fields.iter().filter(own).map(|field| field.value)
}

/// All elements of a field that is a list, on however many lines.
fn list<'a>(
    fields: &'a [httparse::Header<'_>],
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    let lines = values(fields, name).flat_map(|value| value.split(|byte| *byte == b','));
    lines.map(<[u8]>::trim_ascii)
}

/// Text for a title.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
