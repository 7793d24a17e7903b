//! HTTP: request-response, long-poll and SSE.

mod requests;
pub(crate) mod strain;
mod streams;

use ::long_poll::LongPoll;
use ::request_response::RequestResponse;
use ::sse::Sse;
use conformance::raw::{Answer, Connection, ask, open_session};
use conformance::{Lab, Peer};
use hub::Limits;
use transport::{Client, Config, Transport};

use crate::commands;
use requests::REQUESTS;
use strain::{never_reading, random_bytes, too_much, too_slow};

/// A server under attack, and a client that must not notice.
struct Siege<T: Transport> {
    lab: Lab<T>,
    bystander: Peer<T::Client>,
    token: String,
}

impl<T: Transport> Siege<T> {
    async fn begin(config: Config) -> Self {
        let lab = Lab::<T>::start_with(&Limits::default(), config);
        let mut bystander = lab.connect().await;
        bystander.round_trip().await;
        let token = open_session(lab.address()).await;
        Self {
            lab,
            bystander,
            token,
        }
    }

    fn fill(&self, request: &str) -> String {
        let nobodys = hub::Token::from_bytes([1; 18]).to_string();
        request
            .replace("{host}", &self.lab.address().to_string())
            .replace("{token}", &self.token)
            .replace("{other}", &nobodys)
    }

    fn commands(&self, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST /commands HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: Bearer {{token}}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [self.fill(&head).as_bytes(), body].concat()
    }

    async fn ask(&self, request: &[u8]) -> Option<Answer> {
        ask(self.lab.address(), request).await
    }

    /// Nothing of what was sent has reached or hurt anybody else.
    async fn bystander_is_well(&mut self, what: &str) {
        assert_eq!(self.bystander.settled().await, [], "after {what}");
    }

    async fn end(self) {
        self.bystander
            .client
            .close()
            .await
            .expect("a healthy server says goodbye");
        self.lab.still_serves().await;
    }
}

async fn bad_requests<T: Transport>() {
    let mut siege = Siege::<T>::begin(Config::default()).await;
    for &(what, request, status, code) in REQUESTS {
        let answer = siege.ask(siege.fill(request).as_bytes()).await;
        if status == 0 {
            assert!(answer.is_none_or(|answer| answer.status == 400), "{what}");
            siege.bystander_is_well(what).await;
            continue;
        }
        let answer = answer.unwrap_or_else(|| panic!("{what} was not answered"));
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        if !code.is_empty() {
            assert_eq!(answer.field("code"), Some(code), "{what}: {answer:?}");
            assert_eq!(answer.field("op"), Some("error"), "{what}: {answer:?}");
            assert_eq!(
                answer.header("cache-control"),
                Some("no-store"),
                "{what}: {answer:?}"
            );
        }
        if status == 405 {
            assert!(answer.header("allow").is_some(), "{what}: {answer:?}");
        }
        siege.bystander_is_well(what).await;
    }
    siege.end().await;
}

async fn bad_commands<T: Transport>() {
    let mut siege = Siege::<T>::begin(Config::default()).await;
    // One connection for all: a refusal of what HTTP delivered well leaves it usable.
    let mut connection = Connection::open(siege.lab.address()).await;
    for (what, body) in commands::bad().into_iter().chain(commands::no_utf8()) {
        connection.send(&siege.commands(&body)).await;
        let answer = connection
            .answer()
            .await
            .unwrap_or_else(|| panic!("{what} was not answered"));
        assert_eq!(
            (answer.status, answer.field("code")),
            (400, Some("malformed")),
            "{what}: {answer:?}"
        );
        let token = siege.token.clone();
        assert!(
            !answer.body.contains(&token),
            "{what}: an error tells no secret"
        );
        siege.bystander_is_well(what).await;
    }
    let accepted = if T::INFO.capabilities.pushed_replies {
        202
    } else {
        200
    };
    let odd = commands::odd()
        .into_iter()
        .chain([("no commands", "[]".to_owned())]);
    for (what, body) in odd {
        connection.send(&siege.commands(body.as_bytes())).await;
        let answer = connection
            .answer()
            .await
            .unwrap_or_else(|| panic!("{what} was not answered"));
        assert_eq!(answer.status, accepted, "{what}: {answer:?}");
        siege.bystander_is_well(what).await;
    }
    // Of an array with one bad command none is carried out.
    let body = br#"[{"op":"emit","to":"everyone","event":"x","data":1},{"op":"emit"}]"#;
    connection.send(&siege.commands(body)).await;
    assert_eq!(
        connection.answer().await.map(|answer| answer.status),
        Some(400)
    );
    siege.bystander_is_well("half an array").await;
    siege.end().await;
}

/// What looks odd and is right.
async fn odd_requests<T: Transport>() {
    let config = Config {
        allow_origins: vec!["http://page.example:3000".into()],
        ..Config::default()
    };
    let siege = Siege::<T>::begin(config).await;
    let table: &[(&str, &str, u16)] = &[
        (
            "the health",
            "GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n",
            200,
        ),
        (
            "HTTP/1.0 without Host",
            "GET /healthz HTTP/1.0\r\n\r\n",
            200,
        ),
        (
            "an absolute target",
            "GET http://{host}/healthz HTTP/1.1\r\nHost: {host}\r\n\r\n",
            200,
        ),
        (
            "its own Origin",
            "POST /session HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 0\r\n\r\n",
            201,
        ),
        (
            "an allowed Origin",
            "POST /session HTTP/1.1\r\nHost: {host}\r\nOrigin: http://page.example:3000\r\nContent-Length: 0\r\n\r\n",
            201,
        ),
        (
            "bare line feeds",
            "GET /healthz HTTP/1.1\nHost: {host}\n\n",
            200,
        ),
        (
            "fields in capitals",
            "GET /events?after=0 HTTP/1.1\r\nHOST: {host}\r\nAUTHORIZATION: bearer {token}\r\n\r\n",
            200,
        ),
        (
            "an empty line before",
            "\r\nGET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n",
            200,
        ),
        (
            "OPTIONS",
            "OPTIONS /commands HTTP/1.1\r\nHost: {host}\r\n\r\n",
            204,
        ),
    ];
    // So that a poll is answered at once on any transport.
    let publisher = siege.lab.publisher();
    publisher.emit(transport::Audience::Others, "one", "1");
    for &(what, request, status) in table {
        let answer = siege
            .ask(siege.fill(request).as_bytes())
            .await
            .unwrap_or_else(|| panic!("{what} was not answered"));
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{what}: {answer:?}"
        );
    }
    siege.end().await;
}

/// A page of an allowed origin may ask, and learns so for a while.
async fn preflights<T: Transport>() {
    let config = Config {
        allow_origins: vec!["http://page.example:3000".into()],
        ..Config::default()
    };
    let siege = Siege::<T>::begin(config).await;
    let preflight = siege.fill(
        "OPTIONS /commands HTTP/1.1\r\nHost: {host}\r\nOrigin: http://page.example:3000\r\n\
         Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n",
    );
    let answer = siege
        .ask(preflight.as_bytes())
        .await
        .expect("a preflight is answered");
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("http://page.example:3000"),
        "{answer:?}"
    );
    assert!(
        answer.header("access-control-max-age").is_some(),
        "{answer:?}"
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .is_some_and(|methods| methods.contains("POST")),
        "{answer:?}"
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .is_some_and(|fields| fields.contains("authorization")),
        "{answer:?}"
    );
    siege.end().await;
}

/// Requests one behind the other without waiting, one of them refused, are answered in order; then a body in chunks.
async fn pipelines<T: Transport>() {
    let siege = Siege::<T>::begin(Config::default()).await;
    let echo = |body: &str| {
        siege.fill(&format!(
            "POST /echo HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let mut connection = Connection::open(siege.lab.address()).await;
    let pipeline = [
        echo("first"),
        siege.fill("GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        echo("third"),
    ]
    .concat();
    connection.send(pipeline.as_bytes()).await;
    for (status, body) in [(200, "first"), (404, ""), (200, "third")] {
        let answer = connection.answer().await.expect("each request is answered");
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.ends_with(body), "{answer:?}");
    }
    // A body in chunks, with trailers, after waiting for the server's consent.
    let head = siege.fill("POST /echo HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    connection.send(head.as_bytes()).await;
    assert_eq!(
        connection.answer().await.map(|answer| answer.status),
        Some(100)
    );
    connection
        .send("2;x=y\r\né\r\n1\r\n!\r\n0\r\nX-Trailer: 1\r\n\r\n".as_bytes())
        .await;
    assert_eq!(
        connection
            .answer()
            .await
            .map(|answer| answer.body)
            .as_deref(),
        Some("é!")
    );
    siege.end().await;
}

macro_rules! on_http {
    ($($module:ident: $transport:ty),+; $tests:tt) => {
        $(mod $module { on_http! { @tests $transport; $tests } })+
    };
    (@tests $transport:ty; [$($test:ident),+]) => {
        $(#[test]
        fn $test() {
            conformance::run(super::$test::<$transport>());
        })+
    };
}

on_http! {
    request_response: super::RequestResponse, long_poll: super::LongPoll, sse: super::Sse;
    [bad_requests, odd_requests, preflights, pipelines, bad_commands, too_much, too_slow, never_reading, random_bytes]
}

/// Parameters that only a long-poll server knows.
#[test]
fn a_bad_hold_is_refused() {
    conformance::run(async {
        let mut siege = Siege::<LongPoll>::begin(Config::default()).await;
        for wait in ["", "x", "-1", "1e9", "inf", "NaN", "1&wait=1"] {
            let request =
                siege.fill(&format!("GET /events?wait={wait} HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: Bearer {{token}}\r\n\r\n"));
            let answer = siege
                .ask(request.as_bytes())
                .await
                .expect("a poll is answered");
            assert_eq!(
                (answer.status, answer.field("code")),
                (400, Some("malformed")),
                "wait={wait}: {answer:?}"
            );
        }
        siege.bystander_is_well("bad holds").await;
        siege.end().await;
    });
}
