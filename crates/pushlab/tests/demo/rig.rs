//! A demo of the test's own, and plain clients of it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::{IntoClientRequest, client};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

/// Longer than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A demo that runs, and is killed at the latest when the test ends.
pub(crate) struct Demo {
    process: Child,
    /// The first page: `http://127.0.0.1:PORT/`.
    pub(crate) url: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Fields as they came, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Demo {
    /// Starts one and waits for its ready line.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pushlab"))
            .arg("demo")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut complaints = String::new();
            let _ = process
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut complaints);
            panic!("{error}: {line:?}: {complaints}")
        });
        let url = ready["demo"].as_str().unwrap().to_owned();
        Self { process, url }
    }

    /// HOST:PORT.
    pub(crate) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches('/')
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.authority().parse().unwrap()
    }

    /// Its own origin.
    pub(crate) fn origin(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: HOST\r\n"))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let length = body.len();
        self.request(&format!(
            "POST {path} HTTP/1.1\r\nHost: HOST\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// The answer to a request, whose head may lack its end.
    pub(crate) fn request(&self, request: &str) -> Answer {
        http(self.address(), &request.replace("HOST", self.authority()))
    }

    /// A bench by these settings, and one who watches it.
    pub(crate) fn bench(&self, settings: &Value) -> Bench {
        let answer = self.post("/benches", &settings.to_string());
        assert_eq!(answer.status, 201, "{answer:?}");
        let made = answer.json();
        let watch = self.watch(made["bench"].as_str().unwrap()).unwrap();
        Bench {
            made,
            watch,
            heard: Vec::new(),
            looked: 0,
        }
    }

    /// Watches a bench; the status of the answer if that is none of a `WebSocket`.
    pub(crate) fn watch(&self, id: &str) -> Result<Socket, u16> {
        Socket::open(
            self.address(),
            &format!("/benches/{id}/watch"),
            Some(self.origin()),
        )
    }

    /// Threads that it has.
    pub(crate) fn threads(&self) -> usize {
        let tasks = format!("/proc/{}/task", self.process.id());
        std::fs::read_dir(tasks).unwrap().count()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Tells it to end; the exit code, and what it said on standard error.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let mut code = None;
        until("its end", || {
            code = self.process.try_wait().unwrap();
            code.is_some()
        });
        let mut complaints = String::new();
        let errors = self.process.stderr.as_mut().unwrap();
        errors.read_to_string(&mut complaints).unwrap();
        (code.unwrap().code(), complaints)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let found = fields.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The answer to one request on a connection of its own.
pub(crate) fn http(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = match request.split_once("\r\n\r\n") {
        Some((head, body)) => format!("{head}\r\nConnection: close\r\n\r\n{body}"),
        None => format!("{request}Connection: close\r\n\r\n"),
    };
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Answer {
        status: status.parse().unwrap(),
        headers: headers.collect(),
        body: body.to_owned(),
    }
}

/// A `WebSocket` that waits in vain no longer than it is told.
pub(crate) struct Socket(WebSocket<TcpStream>);

impl Socket {
    /// Opens one; the status of the answer if that is no 101.
    pub(crate) fn open(address: SocketAddr, path: &str, origin: Option<&str>) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("ws://{address}{path}")
            .into_client_request()
            .unwrap();
        if let Some(origin) = origin {
            let origin = HeaderValue::from_str(origin).unwrap();
            request.headers_mut().insert("origin", origin);
        }
        match client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(error) => match error {
                tokio_tungstenite::tungstenite::HandshakeError::Failure(Error::Http(answer)) => {
                    Err(answer.status().as_u16())
                }
                other => panic!("{other}"),
            },
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    /// The next text; none if the connection has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.next_within(PATIENCE).expect("something was to come")
    }

    /// The same, or an error if nothing comes in that time.
    pub(crate) fn next_within(&mut self, time: Duration) -> Result<Option<String>, ()> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(());
            }
            self.0.get_ref().set_read_timeout(Some(left)).unwrap();
            match self.0.read() {
                Ok(Message::Text(text)) => return Ok(Some(text.to_string())),
                Ok(Message::Close(_)) => return Ok(None),
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return Ok(None),
            }
        }
    }
}

/// A bench, as one who watches it sees it.
pub(crate) struct Bench {
    /// What its maker was told.
    pub(crate) made: Value,
    watch: Socket,
    /// All that was told so far, and how much of it [`until`](Self::until) has looked at.
    heard: Vec<Value>,
    looked: usize,
}

impl Bench {
    pub(crate) fn id(&self) -> &str {
        self.made["bench"].as_str().unwrap()
    }

    /// Where a transport's relay listens, and the path of its server.
    pub(crate) fn place(&self, transport: &str) -> (SocketAddr, String) {
        let all = self.made["transports"].as_array().unwrap();
        let one = all.iter().find(|one| one["name"] == transport).unwrap();
        let port = u16::try_from(one["port"].as_u64().unwrap()).unwrap();
        let path = one["path"].as_str().unwrap().to_owned();
        (SocketAddr::from(([127, 0, 0, 1], port)), path)
    }

    pub(crate) fn tell(&mut self, what: &Value) {
        self.watch.send(&what.to_string());
    }

    /// Sends a frame as it stands.
    pub(crate) fn say(&mut self, frame: &str) {
        self.watch.send(frame);
    }

    /// Listens until `is` holds of a message behind the last one that was listened for, which is returned.
    pub(crate) fn until(&mut self, what: &str, mut is: impl FnMut(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(message) = self.heard.get(self.looked) {
                self.looked += 1;
                if is(message) {
                    return message.clone();
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let frame = self.watch.next_within(left);
            let frame = frame.unwrap_or_else(|()| panic!("{what} never came: {:?}", self.heard));
            let frame = frame.unwrap_or_else(|| panic!("{what}: the bench has ended"));
            let messages: Vec<Value> = serde_json::from_str(&frame).unwrap();
            self.heard.extend(messages);
        }
    }

    /// Forgets what was told so far.
    pub(crate) fn forget(&mut self) {
        self.heard.clear();
        self.looked = 0;
    }

    pub(crate) fn until_op(&mut self, op: &str) -> Value {
        self.until(op, |message| message["op"] == op)
    }

    /// All messages of a kind that were heard so far.
    pub(crate) fn all(&self, op: &str) -> Vec<&Value> {
        let heard = self.heard.iter();
        heard.filter(|message| message["op"] == op).collect()
    }

    /// What was told before the answer to this: whatever isn't there by then wasn't told.
    pub(crate) fn settle(&mut self) {
        let mark = format!("mark {}", self.heard.len());
        // To the room, by way of the outbox, so behind all that is in it.
        self.tell(&json!({"op": "publish", "event": mark, "data": null}));
        self.until("the mark", |message| message["event"] == mark.as_str());
    }

    /// The end of the watch, and with it what comes of the bench.
    pub(crate) fn leave(self) -> String {
        self.id().to_owned()
    }

    /// A client on a `WebSocket` through the relay, in the room.
    pub(crate) fn client(&self, origin: &str) -> Socket {
        let (address, path) = self.place("websocket");
        let mut socket = Socket::open(address, &path, Some(origin)).unwrap();
        let welcome = socket.next().unwrap();
        assert!(welcome.contains("welcome"), "{welcome}");
        socket.send(r#"{"op":"join","room":"bench"}"#);
        socket.send(r#"{"op":"request","id":1,"data":"joined"}"#);
        let reply = socket.next().unwrap();
        assert!(reply.contains("joined"), "{reply}");
        socket
    }
}

/// Waits until `is` holds.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}
