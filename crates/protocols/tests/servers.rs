//! The clients against small real servers: those of tungstenite, and an Nchan of a few lines.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocols::{Echo, NchanLongPoll, NchanSse, NchanWebSocket, Shootout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use transport::{Audience, Client, ClientError, Command, Incoming, Protocol, Target};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn on_a_loop(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let set = LocalSet::new();
    let bounded = async { timeout(PATIENCE, test).await.expect("it takes too long") };
    set.block_on(&runtime, bounded);
}

/// Everything that was received until there are `count` of it, as text.
async fn receive(client: &mut impl Client, count: usize) -> Result<Vec<String>, ClientError> {
    let mut seen = Vec::new();
    while seen.len() < count {
        poll_fn(|cx| {
            client.poll(cx, &mut |message| {
                seen.push(match message {
                    Incoming::Event { event, data, .. } => format!("{event} {data}"),
                    Incoming::Reply { id, data } => format!("{id} {data}"),
                    other => panic!("{other:?}"),
                });
            })
        })
        .await?;
    }
    Ok(seen)
}

fn emit<'a>(to: Audience<'a>, data: &'a str) -> Command<'a> {
    Command::Emit {
        to,
        event: "tick".into(),
        data,
    }
}

/// A WebSocket server: what it is sent goes through `answer`, which says what to send back and whether to everyone.
async fn websockets(answer: fn(&str) -> Vec<(String, bool)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (all, _) = broadcast::channel::<String>(1024);
    spawn_local(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (all, mut heard) = (all.clone(), all.subscribe());
            spawn_local(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                    return;
                };
                loop {
                    tokio::select! {
                        message = socket.next() => {
                            let Some(Ok(Message::Text(text))) = message else { break };
                            for (text, to_all) in answer(&text) {
                                if to_all {
                                    all.send(text).unwrap();
                                } else {
                                    socket.send(Message::Text(text.into())).await.unwrap();
                                }
                            }
                        }
                        text = heard.recv() => {
                            socket.send(Message::Text(text.unwrap().into())).await.unwrap();
                        }
                    }
                }
                // Its answer to a close frame goes out with what is read next.
                while let Some(Ok(_)) = socket.next().await {}
            });
        }
    });
    address
}

#[test]
fn an_echo_answers_requests_and_nothing_else() {
    on_a_loop(async {
        let address = websockets(|text| vec![(text.to_owned(), false)]).await;
        let target = Target::new(format!("ws://{address}/whatever?a=b"));
        let mut client = Echo::connect(&target).await.unwrap();
        assert_eq!(client.welcome().session.len(), 32);
        for (id, data) in [(1, "\"one\""), (2, "[1, {\"a\":\"é\"}]"), (3, "null")] {
            client.send(&Command::Request { id, data });
        }
        let seen = receive(&mut client, 3).await.unwrap();
        assert_eq!(seen, ["1 \"one\"", "2 [1, {\"a\":\"é\"}]", "3 null"]);
        let traffic = client.traffic();
        assert_eq!((traffic.payload_up, traffic.payload_down), (24, 24));
        assert!(traffic.wire_up > traffic.payload_up && traffic.connections == 1);
        client.send(&emit(Audience::Others, "1"));
        let error = receive(&mut client, 1).await.unwrap_err();
        assert!(
            error.to_string().contains("echo can't carry an event"),
            "{error}"
        );
        let client = Echo::connect(&target).await.unwrap();
        client.close().await.unwrap();
    });
}

#[test]
fn a_server_that_sends_back_something_else_is_told() {
    on_a_loop(async {
        let address = websockets(|_| vec![("hello".to_owned(), false)]).await;
        let mut client = Echo::connect(&Target::new(format!("ws://{address}")))
            .await
            .unwrap();
        client.send(&Command::Request { id: 1, data: "1" });
        let error = receive(&mut client, 1).await.unwrap_err();
        assert!(matches!(error, ClientError::Protocol(_)), "{error}");
    });
}

/// As websocket-shootout's servers do.
fn shootout(text: &str) -> Vec<(String, bool)> {
    if text.starts_with(r#"{"type":"echo""#) {
        return vec![(text.to_owned(), false)];
    }
    let result = text.replacen("broadcast", "broadcastResult", 1);
    let result = format!("{},\"listenCount\":2}}", result.strip_suffix('}').unwrap());
    vec![(text.to_owned(), true), (result, false)]
}

#[test]
fn a_broadcast_reaches_the_others_once_and_not_its_sender() {
    on_a_loop(async {
        let address = websockets(shootout).await;
        let target = Target::new(format!("ws://{address}/shootout"));
        let mut one = Shootout::connect(&target).await.unwrap();
        let mut other = Shootout::connect(&target).await.unwrap();
        for client in [&mut one, &mut other] {
            client.send(&Command::Request {
                id: 7,
                data: "\"joined\"",
            });
            assert_eq!(receive(client, 1).await.unwrap(), ["7 \"joined\""]);
        }
        for data in ["1", "{\"type\":\"echo\"}", "\"}\""] {
            one.send(&emit(Audience::Others, data));
        }
        // Behind its own three, which it passes over, comes the answer.
        one.send(&Command::Request { id: 8, data: "2" });
        assert_eq!(receive(&mut one, 1).await.unwrap(), ["8 2"]);
        let seen = receive(&mut other, 3).await.unwrap();
        assert_eq!(seen, ["tick 1", "tick {\"type\":\"echo\"}", "tick \"}\""]);
        one.send(&emit(Audience::Everyone, "1"));
        assert!(receive(&mut one, 1).await.is_err());
        other.send(&Command::Join {
            room: "blue".into(),
        });
        let error = receive(&mut other, 1).await.unwrap_err();
        assert!(
            error.to_string().contains("shootout can't carry rooms"),
            "{error}"
        );
    });
}

/// A channel as Nchan has it: all that was published, and who waits for more.
#[derive(Default)]
struct Channel {
    messages: RefCell<Vec<String>>,
    more: tokio::sync::Notify,
}

/// An Nchan with one channel: long-poll and event stream over HTTP, each answer in two pieces; a WebSocket beside it.
async fn nchan() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let channel = Rc::new(Channel::default());
    spawn_local(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            spawn_local(connection(stream, Rc::clone(&channel)));
        }
    });
    address
}

async fn connection(mut stream: TcpStream, channel: Rc<Channel>) {
    let mut peeked = [0; 1024];
    let size = stream.peek(&mut peeked).await.unwrap();
    if String::from_utf8_lossy(&peeked[..size]).contains("Upgrade") {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut next = channel.messages.borrow().len();
        loop {
            let message = channel.next(next).await;
            if socket.send(Message::Text(message.into())).await.is_err() {
                return;
            }
            next += 1;
        }
    }
    let mut input = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut input).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8(input.drain(..end).collect()).unwrap();
        if head.starts_with("POST /pub?channel=pushlab ") {
            let length = field(&head, "content-length").unwrap().parse().unwrap();
            while input.len() < length {
                assert_ne!(stream.read_buf(&mut input).await.unwrap(), 0);
            }
            let body = String::from_utf8(input.drain(..length).collect()).unwrap();
            channel.messages.borrow_mut().push(body);
            channel.more.notify_waiters();
            stream
                .write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok")
                .await
                .unwrap();
            continue;
        }
        assert!(head.starts_with("GET /sub?channel=pushlab "), "{head}");
        let mut next = match field(&head, "if-none-match") {
            Some(tag) => {
                assert_eq!(field(&head, "if-modified-since"), Some("now"));
                tag.parse::<usize>().unwrap() + 1
            }
            None => 0,
        };
        if head.contains("text/event-stream") {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await
                .unwrap();
            loop {
                let message = channel.next(next).await;
                let event = format!(": hi\n\nid: {next}\ndata: {message}\n\n");
                let chunk = format!("{:x}\r\n{event}\r\n", event.len());
                let (one, two) = chunk.as_bytes().split_at(chunk.len() / 2);
                stream.write_all(one).await.unwrap();
                tokio::task::yield_now().await;
                if stream.write_all(two).await.is_err() {
                    return;
                }
                next += 1;
            }
        }
        let message = channel.next(next).await;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nLast-Modified: now\r\nEtag: {next}\r\nContent-Length: {}\r\n\r\n{message}",
            message.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Channel {
    async fn next(&self, number: usize) -> String {
        loop {
            let more = self.more.notified();
            if let Some(message) = self.messages.borrow().get(number) {
                return message.clone();
            }
            more.await;
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// Waits for `what` and polls a client meanwhile, which is to be told of nothing.
async fn while_polled<T>(client: &mut impl Client, what: impl Future<Output = T>) -> T {
    tokio::select! {
        result = what => result,
        told = receive(client, 1) => panic!("{told:?}"),
    }
}

async fn subscribers_hear<P: Protocol>() {
    let target = Target::new(format!("http://{}", nchan().await));
    let mut one = P::connect(&target).await.unwrap();
    let mut other = P::connect(&target).await.unwrap();
    one.send(&emit(Audience::Others, "1"));
    one.send(&emit(Audience::Others, "[2, \"é\"]"));
    let seen = while_polled(&mut one, receive(&mut other, 2))
        .await
        .unwrap();
    assert_eq!(seen, ["tick 1", "tick [2, \"é\"]"]);
    assert_eq!(one.traffic().payload_up, 10);
    assert_eq!(other.traffic().payload_down, 10);
    other.send(&emit(Audience::Others, "3"));
    // Its own two, which came before, are not handed on.
    let seen = while_polled(&mut other, receive(&mut one, 1))
        .await
        .unwrap();
    assert_eq!(seen, ["tick 3"]);
    assert_eq!(one.traffic().payload_down, 1);
    one.send(&Command::Request { id: 1, data: "1" });
    let error = receive(&mut one, 1).await.unwrap_err();
    assert!(
        error.to_string().contains("can't carry requests"),
        "{error}"
    );
}

#[test]
fn nchans_subscribers_hear_each_other_by_long_poll() {
    on_a_loop(subscribers_hear::<NchanLongPoll>());
}

#[test]
fn nchans_subscribers_hear_each_other_by_event_stream() {
    on_a_loop(subscribers_hear::<NchanSse>());
}

#[test]
fn nchans_subscribers_hear_each_other_by_websocket() {
    on_a_loop(subscribers_hear::<NchanWebSocket>());
}

#[test]
fn who_is_not_there_or_is_somebody_else_is_told() {
    on_a_loop(async {
        let gone = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let errors = [
            Echo::connect(&Target::new(format!("ws://{gone}")))
                .await
                .err(),
            NchanLongPoll::connect(&Target::new(format!("http://{gone}")))
                .await
                .err(),
            NchanSse::connect(&Target::new(format!("http://{gone}")))
                .await
                .err(),
        ];
        for error in errors {
            assert!(
                matches!(error, Some(ClientError::Unreachable { .. })),
                "{error:?}"
            );
        }
        let error = NchanWebSocket::connect(&Target::new("ws://127.0.0.1:1"))
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Target { .. }), "{error}");
        let error = Shootout::connect(&Target::new("http://127.0.0.1:1"))
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Target { .. }), "{error}");
    });
}
