//! HTTP, WebSocket and lines by the byte, for what no client would send.

use std::net::SocketAddr;
use std::{io, str};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lab::within;

/// A TCP connection that is written and read by hand.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Read but not yet looked at.
    read: Vec<u8>,
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Status line and header fields.
    pub head: String,
    /// The body.
    pub body: String,
}

/// A WebSocket frame from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// FIN, RSV1-3 and opcode.
    pub first: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

/// The key of RFC 6455's example handshake.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server answers to [`KEY`] (RFC 6455 section 1.3).
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// First byte of a whole text message.
pub const TEXT: u8 = 0x81;
/// First byte of a whole binary message.
pub const BINARY: u8 = 0x82;
/// First byte of a close frame.
pub const CLOSE: u8 = 0x88;
/// First byte of a ping.
pub const PING: u8 = 0x89;
/// First byte of a pong.
pub const PONG: u8 = 0x8A;

impl Connection {
    /// Connects.
    pub async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server)
            .await
            .expect("the server listens");
        stream
            .set_nodelay(true)
            .expect("a TCP socket knows TCP_NODELAY");
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Writes; whether all was written. A server that has refused already may have closed, so that is no failure.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        within("the server to read", self.stream.write_all(bytes))
            .await
            .is_ok()
    }

    /// Says that nothing more will be written.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The next response; `None` when the server closed instead.
    ///
    /// # Panics
    /// What came is no response.
    pub async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.more().await == 0 {
                assert!(
                    self.read.is_empty(),
                    "half a response: {:?}",
                    String::from_utf8_lossy(&self.read)
                );
                return None;
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).expect("a response's head is text");
        let status = head
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .expect("a response has a status");
        let mut answer = Answer {
            status,
            head,
            body: String::new(),
        };
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().expect("a length is a number"));
        while self.read.len() < length {
            assert!(self.more().await > 0, "half a body after {}", answer.head);
        }
        let body = self.read.drain(..length).collect();
        answer.body = String::from_utf8(body).expect("a body is text here");
        Some(answer)
    }

    /// The next chunk of a body in chunks, behind the answer's head (RFC 9112 section 7.1); `None` at the body's end.
    ///
    /// # Panics
    /// The server closed before it, or what came is no chunk of text.
    pub async fn chunk(&mut self) -> Option<String> {
        let (start, length) = loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\r\n") {
                let length = str::from_utf8(&self.read[..end])
                    .ok()
                    .and_then(|digits| usize::from_str_radix(digits, 16).ok());
                break (end + 2, length.expect("a chunk has a length"));
            }
            assert!(self.more().await > 0, "the server closed between chunks");
        };
        while self.read.len() < start + length + 2 {
            assert!(self.more().await > 0, "the server closed within a chunk");
        }
        let chunk: Vec<u8> = self.read.drain(..start + length + 2).collect();
        assert_eq!(&chunk[start + length..], b"\r\n", "a chunk has its length");
        let text = String::from_utf8(chunk[start..start + length].to_vec());
        (length > 0).then(|| text.expect("a chunk is text here"))
    }

    /// The next line without its line feed, passing over blank ones; `None` when the server closed.
    ///
    /// # Panics
    /// The server closed within a line, or the line isn't UTF-8.
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.read.drain(..=end).collect();
                line.pop();
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Some(String::from_utf8(line).expect("a line is UTF-8"));
            }
            if self.more().await == 0 {
                assert!(
                    self.read.is_empty(),
                    "half a line: {:?}",
                    String::from_utf8_lossy(&self.read)
                );
                return None;
            }
        }
    }

    /// Reads and forgets until the server closes.
    pub async fn until_closed(&mut self) {
        while self.more().await > 0 {
            self.read.clear();
        }
    }

    /// The next frame; `None` when the server closed.
    ///
    /// # Panics
    /// The server masks, or closed within a frame.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, used)) = parse_frame(&self.read) {
                self.read.drain(..used);
                return Some(frame);
            }
            if self.more().await == 0 {
                assert!(self.read.is_empty(), "half a frame: {:?}", self.read);
                return None;
            }
        }
    }

    /// The next message as text, passing over pings.
    ///
    /// # Panics
    /// Something else came.
    pub async fn text(&mut self) -> String {
        loop {
            match self.frame().await {
                Some(Frame { first: PING, .. }) => {}
                Some(Frame {
                    first: TEXT,
                    payload,
                }) => return String::from_utf8(payload).expect("text is UTF-8"),
                other => panic!("{other:?} came where text was to come"),
            }
        }
    }

    /// Opens a WebSocket with `path` as the request's target and `fields` as more header fields (each ended by CRLF).
    ///
    /// # Panics
    /// The server doesn't upgrade.
    pub async fn upgrade(server: SocketAddr, path: &str, fields: &str) -> Self {
        let mut connection = Self::open(server).await;
        connection
            .send(handshake(server, path, fields).as_bytes())
            .await;
        let answer = connection
            .answer()
            .await
            .expect("the server answers a handshake");
        assert_eq!(answer.status, 101, "{}{}", answer.head, answer.body);
        assert_eq!(answer.header("sec-websocket-accept"), Some(ACCEPT));
        connection
    }

    async fn more(&mut self) -> usize {
        let read = within(
            "the server to write or close",
            self.stream.read_buf(&mut self.read),
        )
        .await;
        match read {
            Ok(read) => read,
            // A reset is an end as well.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Answer {
    /// A header field's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The string `field` of a flat JSON body.
    pub fn field(&self, field: &str) -> Option<&str> {
        string_field(&self.body, field)
    }
}

/// The string `field` of a flat JSON object whose strings have no escapes.
pub fn string_field<'a>(json: &'a str, field: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{field}\":\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// One request on a connection of its own; `None` when the server closes without an answer.
pub async fn ask(server: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut connection = Connection::open(server).await;
    connection.send(request).await;
    connection.answer().await
}

/// Opens a session that no client has on a server with sessions over HTTP; its token.
///
/// # Panics
/// The server doesn't open one.
pub async fn open_session(server: SocketAddr) -> String {
    let request = format!("POST /session HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\n\r\n");
    let answer = ask(server, request.as_bytes())
        .await
        .expect("a session is opened");
    assert_eq!(
        (answer.status, answer.field("op")),
        (201, Some("welcome")),
        "{answer:?}"
    );
    let token = answer.field("token").expect("a welcome has a token");
    token.to_owned()
}

/// The request that opens a WebSocket.
pub fn handshake(server: SocketAddr, path: &str, fields: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n"
    )
}

/// A client's frame: masked, with the shortest header (RFC 6455 section 5.2).
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let mut bytes = frame_header(first, payload.len() as u64, true);
    bytes.extend_from_slice(&MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

/// A frame's header up to the mask, for frames that lie.
pub fn frame_header(first: u8, length: u64, masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(mask | length as u8),
        126..=0xFFFF => {
            bytes.push(mask | 0x7E);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 0x7F);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes
}

fn parse_frame(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(
        second & 0x80,
        0,
        "a server must not mask (RFC 6455 section 5.1)"
    );
    let (header, length) = match second {
        126 => (
            4,
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
        ),
        short => (2, usize::from(short)),
    };
    let payload = bytes.get(header..header + length)?.to_vec();
    Some((Frame { first, payload }, header + length))
}

impl Frame {
    /// The code of a close frame.
    pub fn close_code(&self) -> Option<u16> {
        let code = self.payload.get(..2)?.try_into().ok()?;
        (self.first == CLOSE).then(|| u16::from_be_bytes(code))
    }

    /// The reason of a close frame.
    pub fn reason(&self) -> &str {
        self.payload
            .get(2..)
            .and_then(|reason| str::from_utf8(reason).ok())
            .unwrap_or_default()
    }
}
