//! Lines on bare TCP.

use conformance::raw::{self, Connection};
use conformance::{Dice, Lab, Peer, seed};
use hub::Limits;
use tcp::Tcp;
use transport::{Audience, Client, Config, Protocol};

use crate::commands;
use crate::http::strain::mutate;

const MAX_MESSAGE: usize = 1 << 16;

/// A server under attack, and a client that must not notice.
struct Siege {
    lab: Lab<Tcp>,
    bystander: Peer<<Tcp as Protocol>::Client>,
}

impl Siege {
    async fn begin() -> Self {
        let config = Config {
            max_message: MAX_MESSAGE,
            ..Config::default()
        };
        let lab = Lab::start_with(&Limits::default(), config);
        let mut bystander = lab.connect().await;
        bystander.round_trip().await;
        Self { lab, bystander }
    }

    /// A connection whose welcome has been read, and the welcome.
    async fn greet(&self) -> (Connection, String) {
        let mut connection = Connection::open(self.lab.address()).await;
        let welcome = connection.line().await.expect("a welcome");
        assert_eq!(
            raw::string_field(&welcome, "op"),
            Some("welcome"),
            "{welcome}"
        );
        (connection, welcome)
    }

    /// A connection that has given a command.
    async fn open(&self) -> Connection {
        let (mut connection, _) = self.greet().await;
        assert_eq!(answers(&mut connection, "nothing").await, [""; 0]);
        connection
    }

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

/// A request is still answered; what came before its reply.
async fn answers(connection: &mut Connection, what: &str) -> Vec<String> {
    connection
        .send(b"{\"op\":\"request\",\"id\":99,\"data\":\"alive\"}\n")
        .await;
    let mut before = Vec::new();
    loop {
        let line = connection
            .line()
            .await
            .unwrap_or_else(|| panic!("the server closed after {what}: {before:?}"));
        if line == r#"{"op":"reply","id":99,"data":"alive"}"# {
            return before;
        }
        assert!(before.len() < 100, "after {what}: {before:?}");
        before.push(line);
    }
}

/// The server's last line has this code, and nothing comes after it.
async fn closes(connection: &mut Connection, code: &str, what: &str) {
    let mut last = None;
    while let Some(line) = connection.line().await {
        last = Some(line);
    }
    let last = last.unwrap_or_else(|| panic!("{what} ended without a word"));
    assert_eq!(
        raw::string_field(&last, "op"),
        Some("error"),
        "{what}: {last}"
    );
    assert_eq!(
        raw::string_field(&last, "code"),
        Some(code),
        "{what}: {last}"
    );
}

fn line(text: &[u8]) -> Vec<u8> {
    [text, b"\n"].concat()
}

#[test]
fn bad_commands() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let mut connection = siege.open().await;
        let bad = commands::bad().into_iter().chain(commands::no_utf8());
        for (what, text) in bad.filter(|(_, text)| text.len() <= MAX_MESSAGE) {
            // What has a line feed within is two lines, and blank ones say nothing.
            let lines = text
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.trim_ascii().is_empty())
                .count();
            connection.send(&line(&text)).await;
            let told = answers(&mut connection, what).await;
            assert_eq!(told.len(), lines, "{what}: {told:?}");
            for told in told {
                let code = raw::string_field(&told, "code");
                assert_eq!(code, Some("malformed"), "{what}: {told}");
            }
            siege.bystander_is_well(what).await;
        }
        for (what, text) in commands::odd() {
            connection.send(&line(text.as_bytes())).await;
            assert_eq!(answers(&mut connection, what).await, [""; 0], "{what}");
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}

/// What doesn't begin with a command isn't listened to any further: nothing behind it is carried out.
#[test]
fn other_protocols() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let emit = r#"{"op":"emit","to":"everyone","event":"forged","data":1}"#;
        for (what, first) in [
            (
                "a page that posts commands",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\n",
            ),
            ("a request for a page", "GET / HTTP/1.0\r\n\r\n"),
            ("a TLS client", "\u{16}\u{3}\u{1}\n"),
            ("a greeting", "HELO example.org\r\n"),
            (
                "an array of commands",
                "[{\"op\":\"join\",\"room\":\"a\"}]\n",
            ),
            ("a blank line, then no command", "\r\n\nhello\n"),
        ] {
            let (mut connection, _) = siege.greet().await;
            connection
                .send(&line(&[first.as_bytes(), emit.as_bytes()].concat()))
                .await;
            closes(&mut connection, "malformed", what).await;
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}

/// A line over the limit ends the connection, whether its end comes or not; what was commanded before it was carried out.
#[test]
fn long_lines() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let request = |length: usize| {
            let frame = r#"{"op":"request","id":1,"data":""}"#.len();
            format!(
                r#"{{"op":"request","id":1,"data":"{}"}}"#,
                "x".repeat(length - frame)
            )
        };
        let fitting = request(MAX_MESSAGE);
        let before = br#"{"op":"request","id":5,"data":5}"#;
        for (what, long) in [
            (
                "one byte too many",
                line(request(MAX_MESSAGE + 1).as_bytes()),
            ),
            ("white space without end", vec![b' '; MAX_MESSAGE + 1]),
            ("a line without end", vec![b'x'; 3 * MAX_MESSAGE]),
            ("zeros", vec![0; MAX_MESSAGE + 1]),
        ] {
            let mut connection = siege.open().await;
            connection.send(&line(fitting.as_bytes())).await;
            let reply = connection
                .line()
                .await
                .expect("a line that fits is answered");
            assert_eq!(
                reply.len() + 2,
                fitting.len(),
                "`reply` is 2 shorter than `request`"
            );
            connection.send(&[&line(before), &*long].concat()).await;
            let reply = connection.line().await;
            assert_eq!(
                reply.as_deref(),
                Some(r#"{"op":"reply","id":5,"data":5}"#),
                "{what}"
            );
            closes(&mut connection, "too-large", what).await;
            siege.bystander_is_well(what).await;
        }
        siege.end().await;
    });
}

/// Blank lines, carriage returns, single bytes, many commands at once, and an end in the middle of a line.
#[test]
fn odd_lines() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let (mut connection, welcome) = siege.greet().await;
        let id = raw::string_field(&welcome, "session").expect("a welcome has an id");
        let publisher = siege.lab.publisher();
        publisher.emit(Audience::Session(id.into()), "e", "{\n \"a\" :\r\n[] }");
        assert_eq!(
            connection.line().await.unwrap(),
            format!(
                "{{\"op\":\"event\",\"event\":\"e\",\"from\":\"{}\",\"data\":{{  \"a\" :  [] }}}}",
                publisher.id()
            )
        );
        connection.send(b"\n\r\n   \n\t\n").await;
        for byte in "{\"op\":\"request\",\"id\":1,\"data\":\"é🦀\"}\r\n".bytes() {
            connection.send(&[byte]).await;
        }
        assert_eq!(
            connection.line().await.unwrap(),
            r#"{"op":"reply","id":1,"data":"é🦀"}"#
        );
        let many: Vec<u8> = (0..5_000)
            .flat_map(|id| {
                format!("{{\"op\":\"request\",\"id\":{id},\"data\":{id}}}\n").into_bytes()
            })
            .collect();
        connection.send(&many).await;
        for id in 0..5_000 {
            let reply = format!(r#"{{"op":"reply","id":{id},"data":{id}}}"#);
            assert_eq!(connection.line().await, Some(reply));
        }
        // A command without its line feed was cut off: it isn't carried out.
        connection
            .send(br#"{"op":"emit","to":"others","event":"half","data":1}"#)
            .await;
        connection.finish().await;
        assert_eq!(connection.line().await, None);
        siege.bystander_is_well("half a line").await;
        siege.end().await;
    });
}

#[test]
fn ending_and_resuming() {
    conformance::run(async {
        let siege = Siege::begin().await;
        let publisher = siege.lab.publisher();
        let sessions = siege.lab.door().sessions();
        let (mut connection, welcome) = siege.greet().await;
        let id = raw::string_field(&welcome, "session").expect("a welcome has an id");
        let token = raw::string_field(&welcome, "token").expect("a welcome has a token");
        let emit = |data: &str| publisher.emit(Audience::Session(id.into()), "count", data);
        let event = |data: u32| {
            Some(format!(
                r#"{{"op":"event","event":"count","from":"{}","data":{data}}}"#,
                publisher.id()
            ))
        };
        emit("1");
        emit("2");
        assert_eq!(
            [connection.line().await, connection.line().await],
            [event(1), event(2)]
        );
        let resume = |received: u32| {
            format!("{{\"op\":\"resume\",\"token\":\"{token}\",\"received\":{received}}}\n")
        };
        // Not the first command: malformed. So is its own token, and a cursor that nobody can have.
        let mut other = siege.open().await;
        other.send(resume(1).as_bytes()).await;
        let told = answers(&mut other, "a late resume").await;
        assert!(told.len() == 1 && told[0].contains("malformed"), "{told:?}");
        connection.send(resume(1).as_bytes()).await;
        let told = answers(&mut connection, "its own token").await;
        assert!(told.len() == 1 && told[0].contains("malformed"), "{told:?}");
        let (mut other, _) = siege.greet().await;
        other.send(resume(9).as_bytes()).await;
        let told = answers(&mut other, "a cursor beyond what was sent").await;
        assert!(told.len() == 1 && told[0].contains("malformed"), "{told:?}");
        // The connection that has the session loses it to the newer one, and is told.
        let mut newer = Connection::open(siege.lab.address()).await;
        newer.send(resume(1).as_bytes()).await;
        let first = newer.line().await.expect("the welcome of its own session");
        assert!(first.contains(r#""resumed":false"#), "{first}");
        let second = newer
            .line()
            .await
            .expect("the welcome of the other session");
        assert_eq!(raw::string_field(&second, "session"), Some(id), "{second}");
        assert!(second.contains(r#""resumed":true"#), "{second}");
        // The second event was told before the reply that came of the earlier check.
        assert_eq!(newer.line().await, event(2));
        closes(&mut connection, "conflict", "a session taken over").await;
        // A connection that just closes leaves its session; `end` ends it, and only it.
        drop((connection, other));
        newer.finish().await;
        newer.until_closed().await;
        emit("3");
        let mut last = Connection::open(siege.lab.address()).await;
        last.send(resume(2).as_bytes()).await;
        let mut came = Vec::new();
        while came.last() != Some(&event(3)) {
            came.push(Some(last.line().await.expect("what was missed comes")));
        }
        last.send(b"{\"op\":\"request\",\"id\":1,\"data\":1}\n{ \"op\" : \"end\" }\n{\"op\":\"join\",\"room\":\"a\"}\n")
            .await;
        assert_eq!(
            last.line().await.as_deref(),
            Some(r#"{"op":"reply","id":1,"data":1}"#)
        );
        assert_eq!(last.line().await, None);
        let (mut late, _) = siege.greet().await;
        late.send(resume(2).as_bytes()).await;
        let fresh = late.line().await.expect("a second welcome");
        assert!(fresh.contains(r#""resumed":false"#), "{fresh}");
        late.send(b"{\"op\":\"end\"}\n").await;
        assert_eq!(late.line().await, None);
        assert!(siege.lab.door().sessions() >= sessions);
        siege.end().await;
    });
}

/// A client that asks, errs or floods without end and reads nothing.
#[test]
fn never_reading() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let request = format!(
            r#"{{"op":"request","id":1,"data":"{}"}}"#,
            "x".repeat(30_000)
        );
        for piece in [
            line(request.as_bytes()).repeat(4),
            line(b"no command").repeat(1000),
            vec![b'x'; 100_000],
        ] {
            let connection = siege.open().await;
            crate::flood(connection, piece, async || {
                siege.bystander_is_well("a flood").await;
            })
            .await;
        }
        siege.end().await;
    });
}

/// Bytes at random, good lines with a few bytes changed, and connections cut anywhere.
#[test]
fn random_bytes() {
    conformance::run(async {
        let mut siege = Siege::begin().await;
        let mut dice = Dice::new(seed());
        let good = [
            line(br#"{"op":"request","id":7,"data":["x"]}"#),
            line(br#"{"op":"join","room":"a"}"#).repeat(3),
            line(br#"{"op":"resume","token":"x","received":0}"#),
            line(br#"{"op":"end"}"#),
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
                siege.bystander_is_well("random bytes").await;
            }
        }
        siege.end().await;
    });
}
