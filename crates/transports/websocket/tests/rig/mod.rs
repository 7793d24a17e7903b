//! A server on loopback, and a peer that writes frames byte by byte.

#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hub::{Door, Limits};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::LocalSet;
use tokio::time::timeout;
use transport::{Common, Config, DrainHandle, Server, Transport, listener};
use websocket::WebSocket;

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;
pub(crate) const FIN: u8 = 0x80;

pub(crate) const HANDSHAKE: &str = "host: localhost\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\n\
     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) door: Door,
    pub(crate) drain: DrainHandle,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Runs a test as a worker thread runs.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async { within(3 * PATIENCE, test).await });
}

pub(crate) async fn within<T>(time: Duration, future: impl Future<Output = T>) -> T {
    timeout(time, future).await.expect("in time")
}

impl Rig {
    pub(crate) fn start() -> Self {
        Self::with(&Limits::default(), Config::default())
    }

    pub(crate) fn with(limits: &Limits, config: Config) -> Self {
        let door = Door::new(limits, 1).remove(0);
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::from_std(listener::bind(any, 1).unwrap().remove(0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (drain, drained) = DrainHandle::new();
        let connections = Arc::new(AtomicUsize::new(0));
        let server = Server {
            listener,
            door: door.clone(),
            config: Arc::new(config),
            drain: drained,
            connections: Arc::clone(&connections),
            common: Common::default(),
        };
        tokio::task::spawn_local({
            let door = door.clone();
            async move { door.run().await }
        });
        let serving = tokio::task::spawn_local(WebSocket::serve(server));
        Self {
            address,
            door,
            drain,
            connections,
            serving,
        }
    }

    pub(crate) fn target(&self) -> transport::Target {
        transport::Target::new(format!("ws://{}/ws", self.address))
    }

    /// The answer to a request, head and body.
    pub(crate) async fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The server may keep the connection; a head and the body's length tell when it is whole.
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    field(head, "content-length").map_or(0, |length| length.parse().unwrap());
                if body.len() >= length {
                    return text;
                }
            }
            assert!(
                within(PATIENCE, stream.read_buf(&mut answer))
                    .await
                    .unwrap()
                    > 0,
                "{text}"
            );
        }
    }

    /// A peer at `/echo`.
    pub(crate) async fn echo(&self) -> Peer {
        Peer::dial(self.address, "/echo", "", None).await
    }

    /// A peer at `/ws`, and its welcome.
    pub(crate) async fn ws(&self) -> (Peer, Value) {
        self.ws_at("/ws", "").await
    }

    pub(crate) async fn ws_at(&self, path: &str, fields: &str) -> (Peer, Value) {
        let mut peer = Peer::dial(self.address, path, fields, None).await;
        let welcome = peer.json().await;
        assert_eq!(welcome["op"], "welcome");
        (peer, welcome)
    }

    pub(crate) async fn until_unconnected(&self) {
        until(|| self.connections.load(Ordering::Relaxed) == 0).await;
    }

    /// An event to everyone, from a session without a wire.
    pub(crate) fn emit(&self, data: &str) {
        let session = self.door.open().unwrap();
        emit(&session, data);
        session.close();
    }
}

pub(crate) fn emit(session: &hub::Session, data: &str) {
    let command = hub::Command::Emit {
        to: hub::Audience::Others,
        event: "tick".into(),
        data,
    };
    session.apply(&[command]).unwrap();
}

pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    within(PATIENCE, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// The value of a header field.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub(crate) fn status(answer: &str) -> u16 {
    answer[9..12].parse().unwrap()
}

/// A frame with a mask, whatever its first byte says.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0xA5, 0x5A, 0x0F, 0xF0];
    let mut bytes = unmasked(first, payload);
    let header = bytes.len() - payload.len();
    bytes[1] |= 0x80;
    for (at, byte) in bytes[header..].iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
    bytes.splice(header..header, key);
    bytes
}

pub(crate) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(short as u8),
        middle @ 126..=0xFFFF => {
            bytes.push(126);
            bytes.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) head: String,
    /// Read and not taken.
    pub(crate) bytes: Vec<u8>,
}

impl Peer {
    /// Shakes hands; `receive_buffer` is the kernel's, where a slow peer is wanted.
    pub(crate) async fn dial(
        address: SocketAddr,
        path: &str,
        fields: &str,
        receive_buffer: Option<u32>,
    ) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(size) = receive_buffer {
            socket.set_recv_buffer_size(size).unwrap();
        }
        let mut stream = socket.connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\n{HANDSHAKE}{fields}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                break at;
            }
            assert!(within(PATIENCE, stream.read_buf(&mut bytes)).await.unwrap() > 0);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        assert_eq!(status(&head), 101, "{head}");
        bytes.drain(..end + 4);
        Self {
            stream,
            head,
            bytes,
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        within(PATIENCE, self.stream.write_all(bytes))
            .await
            .unwrap();
    }

    /// Sends a final, masked frame.
    pub(crate) async fn send(&mut self, opcode: u8, payload: &[u8]) {
        self.write(&frame(FIN | opcode, payload)).await;
    }

    pub(crate) async fn command(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes()).await;
    }

    /// The next frame, or `None` at the end of the stream.
    pub(crate) async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, payload, size)) = parse(&self.bytes) {
                self.bytes.drain(..size);
                return Some((first, payload));
            }
            match within(PATIENCE, self.stream.read_buf(&mut self.bytes)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next message, pings and pongs passed over.
    pub(crate) async fn json(&mut self) -> Value {
        loop {
            let (first, payload) = self.receive().await.expect("a message");
            match first & 0x0F {
                TEXT => return serde_json::from_slice(&payload).unwrap(),
                PING | PONG => {}
                _ => panic!("{first:x} {payload:?}"),
            }
        }
    }

    /// The close frame that comes next, messages passed over, and the end of the stream behind it.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let payload = loop {
            let (first, payload) = self.receive().await.expect("a close frame");
            if first == FIN | CLOSE {
                break payload;
            }
        };
        if payload.is_empty() {
            return (1005, String::new());
        }
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        assert!(
            matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999),
            "{code} is never sent"
        );
        (code, String::from_utf8(payload[2..].to_vec()).unwrap())
    }

    /// Nothing more comes, and the server has closed.
    pub(crate) async fn ended(&mut self) {
        assert_eq!(self.receive().await, None);
        assert!(self.bytes.is_empty());
    }
}

fn parse(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "a server doesn't mask");
    let (length, size) = match second {
        126 => (
            usize::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)),
            4,
        ),
        127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?) as usize, 10),
        short => (usize::from(short), 2),
    };
    let payload = bytes.get(size..size + length)?;
    Some((first, payload.to_vec(), size + length))
}
