//! What [`http::serve`](transport::http::serve) owes whatever the handler is, over real sockets.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use conformance::lab::{until, within};
use conformance::raw::{Answer, Connection, ask};
use conformance::{Lab, run};
use hub::Limits;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use transport::http::client::{Polling, Polls, SessionClient};
use transport::http::{self, Body, Handler, Method, Request, Response};
use transport::{Capabilities, ClientError, Config, Info, Protocol, Server, Target, Transport};

/// A transport that only has a server: `POST /echo`, `GET /hold` (never answered), `GET /large`, `GET /up` (upgrades, says what it holds).
struct Bare;

struct Routes {
    limit: usize,
    held: Rc<Cell<usize>>,
}

thread_local! {
    /// Handlers held in this test's thread.
    static HELD: Rc<Cell<usize>> = Rc::default();
}

const LARGE: usize = 8 << 20;

impl Protocol for Bare {
    const INFO: Info = Info {
        name: "bare",
        title: "",
        url: Some(("http://", "")),
        options: &[],
        browser: None,
        capabilities: Capabilities {
            pushed_replies: false,
            ..Capabilities::FULL
        },
    };
    type Client = SessionClient<Polling<Never>>;

    async fn connect(target: &Target) -> Result<Self::Client, ClientError> {
        SessionClient::connect(target, "bare", |opened| Polling::new(opened, Never)).await
    }
}

impl Transport for Bare {
    async fn serve(server: Server) -> io::Result<()> {
        let routes = Routes {
            limit: server.config.max_message,
            held: HELD.with(Rc::clone),
        };
        http::serve(server, Rc::new(routes)).await
    }
}

struct Never;

impl Polls for Never {
    fn poll_due(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
    fn answered(&mut self) {}
    fn parameters(&self) -> &'static str {
        ""
    }
}

struct Hold(Rc<Cell<usize>>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Handler for Routes {
    async fn handle(self: Rc<Self>, mut request: Request) -> Response {
        match request.uri().path() {
            "/echo" => {
                let (head, body) = request.into_parts();
                match http::read_body(body, self.limit).await {
                    Ok(body) => http::echo(head.headers, body),
                    Err(response) => *response,
                }
            }
            "/large" => http::recycle(
                HeaderMap::new(),
                StatusCode::OK,
                Body::from(vec![b'x'; LARGE]),
            ),
            "/up" => {
                let upgrade = hyper::upgrade::on(&mut request);
                tokio::task::spawn_local(async move {
                    let (mut stream, early, held) = http::upgraded(upgrade.await.unwrap()).unwrap();
                    stream.write_all(&early).await.unwrap();
                    let mut byte = [0];
                    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {
                        stream.write_all(&byte).await.unwrap();
                    }
                    drop(held);
                });
                let mut response = http::recycle(
                    HeaderMap::new(),
                    StatusCode::SWITCHING_PROTOCOLS,
                    Body::empty(),
                );
                response
                    .headers_mut()
                    .insert("connection", "upgrade".parse().unwrap());
                response
                    .headers_mut()
                    .insert("upgrade", "bytes".parse().unwrap());
                response
            }
            _ => {
                self.held.set(self.held.get() + 1);
                let _hold = Hold(Rc::clone(&self.held));
                std::future::pending().await
            }
        }
    }

    fn methods(&self, path: &str) -> Option<&'static [Method]> {
        match path {
            "/echo" => Some(&[Method::POST]),
            "/hold" | "/large" | "/up" => Some(&[Method::GET]),
            _ => None,
        }
    }
}

fn held() -> usize {
    HELD.with(|held| held.get())
}

fn lab(config: Config) -> Lab<Bare> {
    Lab::start_with(&Limits::default(), config)
}

fn quick() -> Config {
    let quick = Duration::from_millis(200);
    Config {
        header_timeout: quick,
        body_timeout: quick,
        idle_timeout: quick,
        ..Config::default()
    }
}

fn get(lab: &Lab<Bare>, path: &str, fields: &str) -> Vec<u8> {
    request(lab, "GET", path, fields)
}

fn request(lab: &Lab<Bare>, method: &str, path: &str, fields: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n",
        lab.address()
    )
    .into_bytes()
}

fn echo(lab: &Lab<Bare>, body: &str) -> Vec<u8> {
    let head = request(
        lab,
        "POST",
        "/echo",
        &format!("Content-Type: text/x\r\nContent-Length: {}\r\n", body.len()),
    );
    [&head, body.as_bytes()].concat()
}

#[test]
fn a_connection_serves_many_requests_pipelined_or_not() {
    run(async {
        let lab = lab(Config::default());
        let mut connection = Connection::open(lab.address()).await;
        for body in ["", "a", "two words", &"x".repeat(100_000)] {
            connection.send(&echo(&lab, body)).await;
            let answer = connection.answer().await.unwrap();
            assert_eq!((answer.status, &*answer.body), (200, body));
            assert_eq!(answer.header("content-type"), Some("text/x"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(answer.header("date").is_some());
        }
        let pipelined: Vec<u8> = (0..50)
            .flat_map(|number| echo(&lab, &number.to_string()))
            .collect();
        connection.send(&pipelined).await;
        for number in 0..50 {
            assert_eq!(connection.answer().await.unwrap().body, number.to_string());
        }
        let chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n";
        connection
            .send(&request(&lab, "POST", "/echo", chunked))
            .await;
        assert_eq!(connection.answer().await.unwrap().body, "abcd");
        connection
            .send(&request(&lab, "GET", "/healthz", "Connection: close\r\n"))
            .await;
        assert_eq!(
            connection.answer().await.unwrap().body,
            r#"{"status":"ready"}"#
        );
        assert_eq!(connection.answer().await, None);
    });
}

#[test]
fn http_1_0_is_served_and_closed() {
    run(async {
        let lab = lab(Config::default());
        let mut connection = Connection::open(lab.address()).await;
        connection.send(b"GET /healthz HTTP/1.0\r\n\r\n").await;
        assert_eq!(connection.answer().await.unwrap().status, 200);
        assert_eq!(connection.answer().await, None);
    });
}

#[test]
fn pages_of_allowed_origins_may_read_the_answers() {
    run(async {
        let allow_origins = vec!["http://page.example:3000".to_owned()];
        let lab = lab(Config {
            allow_origins,
            ..Config::default()
        });
        let foreign = "Origin: http://page.example:3000\r\n";
        let answer = ask(lab.address(), &get(&lab, "/healthz", foreign))
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("http://page.example:3000")
        );
        assert_eq!(answer.header("vary"), Some("origin"));
        let own = format!("Origin: http://{}\r\n", lab.address());
        let answer = ask(lab.address(), &get(&lab, "/healthz", &own))
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, None)
        );
        let answer = ask(
            lab.address(),
            &get(&lab, "/healthz", "Origin: http://page.example\r\n"),
        )
        .await
        .unwrap();
        assert_eq!((answer.status, answer.field("code")), (403, Some("origin")));
        assert_eq!(answer.header("access-control-allow-origin"), None);

        let preflight = format!(
            "{foreign}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"
        );
        let answer = ask(
            lab.address(),
            &request(&lab, "OPTIONS", "/echo", &preflight),
        )
        .await
        .unwrap();
        assert_eq!(answer.status, 204);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("http://page.example:3000")
        );
        assert_eq!(
            answer.header("access-control-allow-methods"),
            Some("POST, OPTIONS")
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization, content-type, last-event-id")
        );
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        let answer = ask(lab.address(), &request(&lab, "OPTIONS", "/echo", ""))
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.header("allow")),
            (204, Some("POST, OPTIONS"))
        );
        assert_eq!(answer.header("access-control-max-age"), None);
    });
}

#[test]
fn a_handler_is_dropped_when_its_client_vanishes() {
    run(async {
        let lab = lab(Config::default());
        let mut orderly = Connection::open(lab.address()).await;
        orderly.send(&get(&lab, "/hold", "")).await;
        let mut rude = TcpStream::connect(lab.address()).await.unwrap();
        rude.write_all(&get(&lab, "/hold", "")).await.unwrap();
        until("two held requests", || held() == 2).await;
        orderly.finish().await;
        until("the end of the orderly one", || held() == 1).await;
        rude.set_zero_linger().unwrap();
        drop(rude);
        until("the end of the rude one", || held() == 0).await;
        lab.until_unconnected().await;
    });
}

#[test]
fn slow_clients_are_ended_and_held_requests_are_not() {
    run(async {
        let lab = lab(quick());
        let mut holding = Connection::open(lab.address()).await;
        holding.send(&get(&lab, "/hold", "")).await;
        until("a held request", || held() == 1).await;

        let timeout = |answer: Option<Answer>| {
            let answer = answer.expect("a slow client is told");
            assert_eq!(
                (
                    answer.status,
                    answer.field("code"),
                    answer.header("connection")
                ),
                (408, Some("timeout"), Some("close"))
            );
        };
        // One byte now and then is slow as well.
        let mut trickling = Connection::open(lab.address()).await;
        let trickle = async {
            for byte in get(&lab, "/healthz", &format!("X: {}\r\n", "y".repeat(1000))) {
                trickling.send(&[byte]).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(600), trickle).await;
        timeout(trickling.answer().await);
        let mut half = Connection::open(lab.address()).await;
        half.send(&echo(&lab, "whole")[..echo(&lab, "whole").len() - 1])
            .await;
        timeout(half.answer().await);
        assert_eq!(half.answer().await, None);
        // A kept connection that falls silent is closed without a word.
        let mut idle = Connection::open(lab.address()).await;
        idle.send(&get(&lab, "/healthz", "")).await;
        assert_eq!(idle.answer().await.unwrap().status, 200);
        assert_eq!(idle.answer().await, None);
        assert_eq!(held(), 1, "a held request is no slow one");
        drop(holding);
        lab.until_unconnected().await;
    });
}

#[test]
fn a_client_that_does_not_read_is_ended_and_a_slow_reader_is_not() {
    run(async {
        let lab = lab(quick());
        let mut deaf = TcpStream::connect(lab.address()).await.unwrap();
        deaf.write_all(&get(&lab, "/large", "")).await.unwrap();
        lab.until_unconnected().await;
        let mut slow = TcpStream::connect(lab.address()).await.unwrap();
        slow.write_all(&get(&lab, "/large", "Connection: close\r\n"))
            .await
            .unwrap();
        let mut answer = Vec::new();
        loop {
            answer.reserve(1 << 20);
            if within("more of the answer", slow.read_buf(&mut answer))
                .await
                .unwrap()
                == 0
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let body = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap()
            + 4;
        assert_eq!(answer.len() - body, LARGE);
        assert!(answer[body..].iter().all(|byte| *byte == b'x'));
    });
}

#[test]
fn a_refusal_arrives_although_the_client_is_still_sending() {
    run(async {
        let lab = lab(Config {
            max_message: 1000,
            ..Config::default()
        });
        for _ in 0..20 {
            let mut connection = Connection::open(lab.address()).await;
            connection.send(&echo(&lab, &"x".repeat(300_000))).await;
            let answer = connection
                .answer()
                .await
                .expect("the refusal isn't lost in a reset");
            assert_eq!(
                (answer.status, answer.field("code")),
                (413, Some("too-large"))
            );
            assert_eq!(answer.header("connection"), Some("close"));
            drop(connection);
        }
        // Unread bytes of a refused request are no second request.
        let mut connection = Connection::open(lab.address()).await;
        let smuggled = get(&lab, "/healthz", "");
        let fields = format!("Content-Length: {}\r\n", smuggled.len());
        connection
            .send(&[request(&lab, "POST", "/nothing", &fields), smuggled].concat())
            .await;
        assert_eq!(connection.answer().await.unwrap().status, 404);
        assert_eq!(connection.answer().await, None);
        lab.until_unconnected().await;
    });
}

#[test]
fn a_body_within_the_limit_is_asked_for_and_one_beyond_is_not() {
    run(async {
        let lab = lab(Config {
            max_message: 10,
            ..Config::default()
        });
        let mut connection = Connection::open(lab.address()).await;
        let expecting = |length| {
            request(
                &lab,
                "POST",
                "/echo",
                &format!("Expect: 100-continue\r\nContent-Length: {length}\r\n"),
            )
        };
        connection.send(&expecting(10)).await;
        assert_eq!(connection.answer().await.unwrap().status, 100);
        connection.send(b"0123456789").await;
        assert_eq!(connection.answer().await.unwrap().body, "0123456789");
        connection.send(&expecting(11)).await;
        assert_eq!(connection.answer().await.unwrap().status, 413);
    });
}

#[test]
fn an_upgraded_connection_is_the_plain_stream_again() {
    run(async {
        let lab = lab(quick());
        let mut stream = TcpStream::connect(lab.address()).await.unwrap();
        let handshake = [
            get(&lab, "/up", "Connection: upgrade\r\nUpgrade: bytes\r\n"),
            b"early".to_vec(),
        ]
        .concat();
        stream.write_all(&handshake).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"early") {
            within("the upgrade", stream.read_buf(&mut head))
                .await
                .unwrap();
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        // No time-out of HTTP counts any longer.
        tokio::time::sleep(Duration::from_millis(500)).await;
        stream.write_all(b"!").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'!');
        drop(stream);
        lab.until_unconnected().await;
    });
}

#[test]
fn without_keep_alive_every_answer_ends_its_connection_and_an_upgrade_does_not() {
    run(async {
        let lab = lab(Config {
            keep_alive: false,
            ..Config::default()
        });
        let not_found = get(&lab, "/nowhere", "");
        for asked in [echo(&lab, "hello"), get(&lab, "/healthz", ""), not_found] {
            let mut stream = TcpStream::connect(lab.address()).await.unwrap();
            // A second one on the same connection is never answered.
            stream
                .write_all(&[&asked[..], &asked].concat())
                .await
                .unwrap();
            let mut answers = String::new();
            within("the end", stream.read_to_string(&mut answers))
                .await
                .unwrap();
            assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
            assert!(answers.contains("\r\nconnection: close\r\n"), "{answers}");
        }
        let mut stream = TcpStream::connect(lab.address()).await.unwrap();
        let handshake = get(&lab, "/up", "Connection: upgrade\r\nUpgrade: bytes\r\n");
        stream.write_all(&handshake).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            within("the upgrade", stream.read_buf(&mut head))
                .await
                .unwrap();
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("connection: upgrade"), "{head}");
        assert!(!head.contains("close"), "{head}");
        stream.write_all(b"!").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'!');
        drop(stream);
        lab.until_unconnected().await;
    });
}

#[test]
fn a_drain_tells_all_and_waits_for_what_is_under_way() {
    run(async {
        let config = Config {
            drain_grace: Duration::from_secs(20),
            allow_origins: vec!["http://page.example:3000".into()],
            ..Config::default()
        };
        let lab = lab(config);
        let address = lab.address();
        // From a page, which is let read the refusal too.
        let healthz = get(&lab, "/healthz", "Origin: http://page.example:3000\r\n");
        let mut kept = Connection::open(address).await;
        kept.send(&healthz).await;
        assert_eq!(kept.answer().await.unwrap().status, 200);
        let mut silent = Connection::open(address).await;
        let mut idle = Connection::open(address).await;
        idle.send(&healthz).await;
        assert_eq!(idle.answer().await.unwrap().status, 200);
        let whole = echo(&lab, "whole");
        let mut busy = Connection::open(address).await;
        busy.send(&whole[..whole.len() - 1]).await;
        let mut upgraded = TcpStream::connect(address).await.unwrap();
        upgraded
            .write_all(&get(
                &lab,
                "/up",
                "Connection: upgrade\r\nUpgrade: bytes\r\n",
            ))
            .await
            .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            within("the upgrade", upgraded.read_buf(&mut head))
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;

        lab.drain();
        until("the drain", || lab.door().is_draining()).await;
        for mut connection in [kept, Connection::open(address).await] {
            connection.send(&healthz).await;
            let answer = connection.answer().await.unwrap();
            assert_eq!(
                (
                    answer.status,
                    answer.field("code"),
                    answer.header("connection")
                ),
                (503, Some("draining"), Some("close"))
            );
            assert_eq!(
                answer.header("access-control-allow-origin"),
                Some("http://page.example:3000")
            );
            assert_eq!(connection.answer().await, None);
        }
        // Idle connections are closed when the notice is over, and nobody gets in any more.
        assert_eq!(idle.answer().await, None);
        assert_eq!(silent.answer().await, None);
        assert!(TcpStream::connect(address).await.is_err());
        // What was under way is not lost.
        busy.send(&whole[whole.len() - 1..]).await;
        assert_eq!(busy.answer().await.unwrap().body, "whole");
        assert_eq!(busy.answer().await, None);
        // The server waits for upgraded connections too.
        upgraded.write_all(b"!").await.unwrap();
        assert_eq!(upgraded.read_u8().await.unwrap(), b'!');
        drop(upgraded);
        lab.ended().await;
    });
}

#[test]
fn a_drain_cuts_what_does_not_end() {
    run(async {
        let config = Config {
            drain_notice: Duration::ZERO,
            drain_grace: Duration::from_millis(100),
            ..Config::default()
        };
        let lab = lab(config);
        let mut connection = Connection::open(lab.address()).await;
        connection.send(&get(&lab, "/hold", "")).await;
        until("a held request", || held() == 1).await;
        lab.drain();
        assert_eq!(connection.answer().await, None);
        lab.ended().await;
        assert_eq!(held(), 0);
    });
}
