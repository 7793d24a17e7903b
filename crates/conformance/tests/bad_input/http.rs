//! HTTP: request-response and long-poll.

use std::net::SocketAddr;
use std::time::Duration;

use ::long_poll::LongPoll;
use ::request_response::RequestResponse;
use conformance::raw::{Answer, Connection, ask};
use conformance::{Dice, Lab, Peer, seed};
use hub::Limits;
use transport::{Client, Config, Transport};

use crate::commands;

const MAX_MESSAGE: usize = 1 << 20;

/// What is wrong; the request, with `{host}`, `{token}` and `{other}` (a token nobody has) to fill in; the status; and the error's code,
/// or `""` where HTTP itself is broken and an answer need not be JSON. With status 0 the server may also close without an answer.
type Bad = (&'static str, &'static str, u16, &'static str);

const REQUESTS: &[Bad] = &[
    // Routes.
    (
        "an unknown path",
        "GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "the WebSocket's path",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "a path above the root",
        "GET /../session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "a known path with a slash",
        "POST /session/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "GET for commands",
        "GET /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        405,
        "method",
    ),
    (
        "GET for a session",
        "GET /session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        405,
        "method",
    ),
    (
        "PUT for a session",
        "PUT /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        405,
        "method",
    ),
    (
        "POST for events",
        "POST /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n",
        405,
        "method",
    ),
    (
        "DELETE for events",
        "DELETE /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        405,
        "method",
    ),
    (
        "GET for the echo",
        "GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n",
        405,
        "method",
    ),
    (
        "POST for the health",
        "POST /healthz HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        405,
        "method",
    ),
    (
        "a method nobody knows",
        "BREW /session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        405,
        "method",
    ),
    // Tokens.
    (
        "commands without a token",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n[]",
        401,
        "unauthorized",
    ),
    (
        "events without a token",
        "GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "goodbye without a token",
        "DELETE /session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "commands with nobody's token",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {other}\r\nContent-Length: 2\r\n\r\n[]",
        401,
        "unauthorized",
    ),
    (
        "events with nobody's token",
        "GET /events?after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {other}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "goodbye with nobody's token",
        "DELETE /session HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {other}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "a garbled token",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer !!\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "an empty token",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer \r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "another scheme",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {token}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "a token in the query",
        "GET /events?token={token} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        401,
        "unauthorized",
    ),
    // Cursors.
    (
        "a cursor that is a word",
        "GET /events?after=all HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "an empty cursor",
        "GET /events?after= HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a negative cursor",
        "GET /events?after=-1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a cursor with a sign",
        "GET /events?after=+0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a cursor beyond what was sent",
        "GET /events?after=1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a cursor beyond 64 bits",
        "GET /events?after=18446744073709551616 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "two cursors",
        "GET /events?after=0&after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "an unknown parameter",
        "GET /events?since=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    // Hosts and origins.
    (
        "no Host",
        "POST /session HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "two Hosts",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "an empty Host",
        "POST /session HTTP/1.1\r\nHost:\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a Host that is a URL",
        "POST /session HTTP/1.1\r\nHost: http://{host}/\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a rebound Host",
        "POST /session HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
        403,
        "origin",
    ),
    (
        "a foreign Origin",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n",
        403,
        "origin",
    ),
    (
        "an opaque Origin",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nOrigin: null\r\nContent-Length: 0\r\n\r\n",
        403,
        "origin",
    ),
    (
        "a foreign Origin's preflight",
        "OPTIONS /commands HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        403,
        "origin",
    ),
    (
        "an Origin on another port",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nOrigin: http://127.0.0.1:1\r\nAuthorization: Bearer {token}\r\n\r\n",
        403,
        "origin",
    ),
    // Bodies.
    (
        "a body announced too large",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 1048577\r\n\r\n",
        413,
        "too-large",
    ),
    (
        "an echo announced too large",
        "POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9999999999\r\n\r\n",
        413,
        "too-large",
    ),
    (
        "a chunk that is no chunk",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        400,
        "malformed",
    ),
    // HTTP itself.
    (
        "a length that is no number",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: many\r\n\r\n",
        400,
        "",
    ),
    (
        "two lengths",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
        400,
        "",
    ),
    (
        "a wrong version",
        "POST /session HTTP/3.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        400,
        "",
    ),
    ("no version", "POST /session\r\n\r\n", 400, ""),
    (
        "the preface of HTTP/2",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        0,
        "",
    ),
    (
        "the hello of TLS",
        "\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03",
        0,
        "",
    ),
    (
        "no request at all",
        "hello, is anybody there?\r\n\r\n",
        400,
        "",
    ),
    (
        "a field without a colon",
        "POST /session HTTP/1.1\r\nHost {host}\r\n\r\n",
        400,
        "",
    ),
    (
        "a field with a space before its colon",
        "POST /session HTTP/1.1\r\nHost : {host}\r\n\r\n",
        400,
        "",
    ),
    (
        "a folded field",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nX-A: b\r\n c\r\n\r\n",
        400,
        "",
    ),
    (
        "a zero byte in a field",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nX-A: \0\r\n\r\n",
        400,
        "",
    ),
];

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
        let token = Self::open(lab.address()).await;
        Self {
            lab,
            bystander,
            token,
        }
    }

    /// A session of no client.
    async fn open(server: SocketAddr) -> String {
        let request =
            format!("POST /session HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\n\r\n");
        let answer = ask(server, request.as_bytes())
            .await
            .expect("a session is opened");
        assert_eq!(answer.status, 201, "{answer:?}");
        answer
            .field("token")
            .expect("a welcome has a token")
            .to_owned()
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
    let accepted = if T::INFO.pushed_replies { 202 } else { 200 };
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

async fn too_much<T: Transport>() {
    let mut siege = Siege::<T>::begin(Config::default()).await;
    let head = siege.fill("POST /session HTTP/1.1\r\nHost: {host}\r\n");
    let long_field = format!("{head}X-A: {}\r\n\r\n", "a".repeat(1 << 20));
    let many_fields = format!("{head}{}\r\n", "X-A: a\r\n".repeat(1000));
    let long_target = siege.fill(&format!(
        "GET /{} HTTP/1.1\r\nHost: {{host}}\r\n\r\n",
        "a".repeat(15_000)
    ));
    let endless_target = format!("GET /{}", "a".repeat(1 << 20));
    for (what, request) in [
        ("a long field", long_field),
        ("many fields", many_fields),
        ("a long target", long_target),
        ("an endless target", endless_target),
    ] {
        // Told so, or cut off when the server closed before all was written.
        if let Some(answer) = siege.ask(request.as_bytes()).await {
            assert!(
                matches!(answer.status, 400 | 414 | 431),
                "{what}: {answer:?}"
            );
        }
        siege.bystander_is_well(what).await;
    }
    // A body that doesn't say how long it is, and doesn't end.
    let head = siege.fill("POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut connection = Connection::open(siege.lab.address()).await;
    connection.send(head.as_bytes()).await;
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    for _ in 0..=MAX_MESSAGE / 0x4000 {
        connection.send(chunk.as_bytes()).await;
    }
    let answer = connection
        .answer()
        .await
        .expect("an endless body is answered");
    assert_eq!(
        (answer.status, answer.field("code")),
        (413, Some("too-large")),
        "{answer:?}"
    );
    siege.bystander_is_well("an endless body").await;
    // As large as may be.
    let blank = [&b" ".repeat(MAX_MESSAGE - 2)[..], b"[]"].concat();
    let answer = siege
        .ask(&siege.commands(&blank))
        .await
        .expect("a large body is answered");
    assert!(matches!(answer.status, 200 | 202), "{answer:?}");
    siege.end().await;
}

async fn too_slow<T: Transport>() {
    let quick = Duration::from_millis(200);
    let config = Config {
        header_timeout: quick,
        body_timeout: quick,
        idle_timeout: quick,
        ..Config::default()
    };
    let mut siege = Siege::<T>::begin(config).await;
    let head =
        siege.fill("POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n");
    let whole = siege.fill("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (what, begun, statuses) in [
        ("nothing at all", String::new(), &[408][..]),
        ("half a head", head.clone(), &[408]),
        (
            "half a body",
            format!("{head}Content-Length: 10\r\n\r\n["),
            &[408],
        ),
        ("an idle connection", whole, &[200]),
    ] {
        let mut connection = Connection::open(siege.lab.address()).await;
        connection.send(begun.as_bytes()).await;
        if let Some(answer) = connection.answer().await {
            assert!(statuses.contains(&answer.status), "{what}: {answer:?}");
            connection.until_closed().await;
        }
        siege.bystander_is_well(what).await;
    }
    siege.end().await;
}

/// A client that asks and asks and reads no answer.
async fn never_reading<T: Transport>() {
    let mut siege = Siege::<T>::begin(Config::default()).await;
    let request = siege
        .fill("POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 65536\r\n\r\n")
        + &"x".repeat(65536);
    let connection = Connection::open(siege.lab.address()).await;
    crate::flood(connection, request.into_bytes(), async || {
        siege.bystander_is_well("a flood").await;
    })
    .await;
    siege.end().await;
}

/// Bytes at random, and good requests with a few bytes changed, doubled or cut out.
async fn random_bytes<T: Transport>() {
    // A poll with more bytes behind it is held to its end: while it is, nobody reads whether the client has gone.
    let config = Config {
        hold: Duration::from_millis(50),
        ..Config::default()
    };
    let mut siege = Siege::<T>::begin(config).await;
    let mut dice = Dice::new(seed());
    let good = [
        siege.commands(br#"[{"op":"request","id":7,"data":["x"]},{"op":"leave","room":"a"}]"#),
        siege.fill("GET /events?after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes(),
        siege.fill("POST /echo HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").into_bytes(),
        siege.fill("OPTIONS /commands HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n").into_bytes(),
    ];
    for round in 0..300 {
        let bytes = if round % 4 == 0 {
            let length = dice.below(600) as usize;
            dice.bytes(length)
        } else {
            let chosen = dice.below(good.len() as u64) as usize;
            mutate(&mut dice, &good[chosen])
        };
        let mut connection = Connection::open(siege.lab.address()).await;
        connection.send(&bytes).await;
        connection.finish().await;
        connection.until_closed().await;
        if round % 20 == 0 {
            // Changed by chance, an emit could still be one; there is none among the good ones.
            siege.bystander_is_well("random bytes").await;
        }
    }
    siege.end().await;
}

pub(crate) fn mutate(dice: &mut Dice, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.below(bytes.len() as u64) as usize;
        match dice.below(4) {
            0 => bytes[at] = dice.roll() as u8,
            1 => bytes[at] ^= 1 << dice.below(8),
            2 => {
                let end = bytes.len().min(at + 1 + dice.below(20) as usize);
                bytes.drain(at..end);
            }
            _ => {
                let end = bytes.len().min(at + 1 + dice.below(20) as usize);
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
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
    request_response: super::RequestResponse, long_poll: super::LongPoll;
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
