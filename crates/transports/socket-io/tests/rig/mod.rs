//! Engine.IO and Socket.IO by the byte, and pages of another origin.
#![allow(dead_code, reason = "each test uses its part of it")]

pub(crate) mod pages;

use std::net::SocketAddr;
use std::time::Duration;

use conformance::Lab;
use conformance::raw::{Answer, BINARY, CLOSE, Connection, Frame, TEXT, ask, frame};
use hub::Limits;
use socket_io::{Both, SocketIo};
use transport::Config;

pub(crate) type BothLab = Lab<SocketIo<Both>>;

pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
pub(crate) const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A server whose pings don't come in between: only the first.
pub(crate) fn lab() -> BothLab {
    BothLab::start()
}

/// A server that pings often and is impatient.
pub(crate) fn quick(ping: u64) -> BothLab {
    let config = Config {
        ping_interval: Duration::from_millis(ping),
        ping_timeout: Duration::from_millis(ping),
        ..Config::default()
    };
    BothLab::start_with(&Limits::default(), config)
}

/// A request on a connection of its own.
pub(crate) async fn request(server: SocketAddr, method: &str, target: &str, body: &str) -> Answer {
    let text = format!(
        "{method} {target} HTTP/1.1\r\nhost: {server}\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(server, text.as_bytes()).await.expect("an answer")
}

/// A polling session.
pub(crate) struct Polls {
    pub(crate) server: SocketAddr,
    pub(crate) sid: String,
}

impl Polls {
    /// Opens one, and takes the ping that comes at once.
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let answer = request(server, "GET", POLLING, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let sid = answer
            .field("sid")
            .expect("a handshake has an id")
            .to_owned();
        let this = Self { server, sid };
        assert_eq!(this.poll().await.body, "2");
        assert_eq!(this.post("3").await, (200, "ok".into()));
        this
    }

    pub(crate) fn target(&self) -> String {
        format!("{POLLING}&sid={}", self.sid)
    }

    pub(crate) async fn poll(&self) -> Answer {
        request(self.server, "GET", &self.target(), "").await
    }

    /// Polls until `count` packets have come that are no pings.
    pub(crate) async fn packets(&self, count: usize) -> Vec<String> {
        let mut packets = Vec::new();
        while packets.len() < count {
            let answer = self.poll().await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            packets.extend(
                answer
                    .body
                    .split('\u{1e}')
                    .filter(|packet| *packet != "2")
                    .map(str::to_owned),
            );
        }
        packets
    }

    pub(crate) async fn post(&self, body: &str) -> (u16, String) {
        let answer = request(self.server, "POST", &self.target(), body).await;
        (answer.status, answer.body)
    }

    /// A poll that is under way: the server has it, or will have it before anything that is asked later on the same connection.
    pub(crate) async fn begin_poll(&self) -> Connection {
        let mut connection = Connection::open(self.server).await;
        let text = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\n\r\n",
            self.target(),
            self.server
        );
        assert!(connection.send(text.as_bytes()).await);
        connection
    }

    /// The session is gone.
    pub(crate) async fn is_unknown(&self) {
        loop {
            let answer = self.poll().await;
            if answer.status == 400 {
                assert_eq!(answer.body, r#"{"code":1,"message":"Session ID unknown"}"#);
                return;
            }
        }
    }
}

/// A WebSocket of its own, its handshake taken.
pub(crate) async fn websocket(server: SocketAddr) -> Connection {
    let mut connection = Connection::upgrade(server, WEBSOCKET, "").await;
    let open = connection.text().await;
    assert!(open.starts_with(r#"0{"sid":""#), "{open}");
    connection
}

/// A WebSocket in `/`, its welcome taken; and that.
pub(crate) async fn entered(server: SocketAddr) -> (Connection, String) {
    let mut connection = websocket(server).await;
    say(&mut connection, "40").await;
    let entered = next(&mut connection).await;
    assert!(entered.starts_with(r#"40{"sid":""#), "{entered}");
    let welcome = next(&mut connection).await;
    assert!(
        welcome.starts_with(r#"42["pushlab:welcome",{"op":"welcome","#),
        "{welcome}"
    );
    (connection, entered)
}

pub(crate) async fn say(connection: &mut Connection, text: &str) {
    assert!(connection.send(&frame(TEXT, text.as_bytes())).await);
}

pub(crate) async fn say_binary(connection: &mut Connection, bytes: &[u8]) {
    assert!(connection.send(&frame(BINARY, bytes)).await);
}

/// The next packet that is no ping.
pub(crate) async fn next(connection: &mut Connection) -> String {
    loop {
        match connection.text().await {
            ping if ping == "2" => say(connection, "3").await,
            packet => return packet,
        }
    }
}

/// Says `text`, which is answered with these packets.
pub(crate) async fn exchange(connection: &mut Connection, text: &str, answers: &[&str]) {
    say(connection, text).await;
    for answer in answers {
        assert_eq!(next(connection).await, *answer, "to {text}");
    }
}

/// Waits for the end; what came before that is no ping and no close.
pub(crate) async fn end(connection: &mut Connection) -> Vec<String> {
    let mut packets = Vec::new();
    loop {
        match connection.frame().await {
            None => return packets,
            Some(Frame { first: CLOSE, .. }) => {}
            Some(Frame { payload, .. }) => {
                let packet = String::from_utf8_lossy(&payload).into_owned();
                if packet != "2" && packet != "1" {
                    packets.push(packet);
                }
            }
        }
    }
}
