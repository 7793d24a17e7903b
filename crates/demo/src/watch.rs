//! Watching a bench: a `WebSocket` of those who look on and give orders.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use measure::now;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use transport::http::{self, Body, Request, Response, error};

use crate::bench::{Ask, Bench, Failed, Frames, Seat, frame_of, microseconds};

/// Most bytes of a frame that a page may send.
const MOST: usize = 128 << 10;

/// How often who watches is asked whether they are there; silent that long again, they aren't.
const PING: Duration = Duration::from_secs(20);

/// How long a frame may take to be sent.
const STUCK: Duration = Duration::from_secs(30);

/// The answer to a clock's question.
#[derive(Serialize)]
#[serde(tag = "op", rename = "clock")]
struct Clock<'a> {
    at: &'a Value,
    now_us: f64,
}

/// 101, and a watcher from then on; else why not.
pub(crate) fn watch(bench: Bench, mut request: Request) -> Response {
    let response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(cause) => {
            return error(
                400,
                "malformed",
                &format!("a bench is watched by a WebSocket: {cause}"),
            );
        }
    };
    let Some(seat) = bench.seat() else {
        return error(429, "limits", "too many watch this bench");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    spawn_local(begin(bench, seat, upgrade));
    response
}

async fn begin(bench: Bench, seat: Seat, upgrade: OnUpgrade) {
    // A page that has vanished meanwhile is no watcher.
    let Ok(upgraded) = upgrade.await else { return };
    let Some((stream, early, held)) = http::upgraded(upgraded) else {
        return;
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST));
    let socket =
        WebSocketStream::from_partially_read(stream, early.to_vec(), Role::Server, Some(config))
            .await;
    let mut watch = Watch { bench, socket };
    // However it ends: the connection does.
    let _ = watch.run().await;
    drop((seat, held));
}

struct Watch {
    bench: Bench,
    socket: WebSocketStream<TcpStream>,
}

impl Watch {
    async fn run(&mut self) -> Result<(), Error> {
        let Some((number, mut frames)) = self.bench.watch().await else {
            return self.say_goodbye().await;
        };
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        let mut is_silent = false;
        loop {
            match self.next(&mut frames, &mut pings).await {
                Next::Frame(frame) => self.send(Message::Text(frame)).await?,
                Next::Heard(message) => {
                    is_silent = false;
                    match message {
                        Some(message) => {
                            if !self.take(number, message?).await? {
                                return self.say_goodbye().await;
                            }
                        }
                        None => return Ok(()),
                    }
                }
                Next::Ended => return self.say_goodbye().await,
                Next::Ping if is_silent => return Ok(()),
                Next::Ping => {
                    is_silent = true;
                    self.send(Message::Ping(hyper::body::Bytes::new())).await?;
                }
            }
        }
    }

    async fn next(&mut self, frames: &mut Frames, pings: &mut tokio::time::Interval) -> Next {
        tokio::select! {
            heard = self.socket.next() => Next::Heard(heard),
            frame = frames.next() => frame.map_or(Next::Ended, Next::Frame),
            _ = pings.tick() => Next::Ping,
        }
    }

    /// What a page sends; false if the bench has ended.
    async fn take(&mut self, number: u64, message: Message) -> Result<bool, Error> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                let frame = frame_of(&Failed::new("a frame is text: a JSON object"));
                return self.send(Message::Text(frame.into())).await.map(|()| true);
            }
            // Answered by the library.
            _ => return self.socket.flush().await.map(|()| true),
        };
        let answer = match Ask::parse(&text) {
            // At once: every step between would be taken for the network's time.
            Ok(Ask::Clock(at)) => frame_of(&Clock {
                at: &at,
                now_us: microseconds(now()),
            }),
            Ok(ask) => return Ok(self.bench.ask(number, ask).await),
            Err(message) => frame_of(&Failed::new(&message)),
        };
        self.send(Message::Text(answer.into())).await.map(|()| true)
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        timeout(STUCK, self.socket.send(message))
            .await
            .unwrap_or(Err(Error::ConnectionClosed))
    }

    async fn say_goodbye(&mut self) -> Result<(), Error> {
        let close = CloseFrame {
            code: CloseCode::Away,
            reason: "the bench has ended".into(),
        };
        self.send(Message::Close(Some(close))).await
    }
}

/// What happens next.
enum Next {
    Frame(tokio_tungstenite::tungstenite::Utf8Bytes),
    Heard(Option<Result<Message, Error>>),
    /// The bench has ended.
    Ended,
    Ping,
}
