//! Streams by hand.

use conformance::Lab;
use conformance::raw::{Answer, Connection, ask, open_session};
use hub::Limits;
use sse::Sse;
use transport::{Audience, Config};

/// A session by hand.
pub(crate) struct Hand {
    pub(crate) lab: Lab<Sse>,
    pub(crate) token: String,
}

/// A stream whose head has come.
pub(crate) struct Stream {
    pub(crate) connection: Connection,
    /// What has come of its body and was not looked at.
    text: String,
}

impl Hand {
    pub(crate) async fn new() -> Self {
        Self::with(&Limits::default(), Config::default()).await
    }

    pub(crate) async fn with(limits: &Limits, config: Config) -> Self {
        let lab = Lab::<Sse>::start_with(limits, config);
        let token = open_session(lab.address()).await;
        Self { lab, token }
    }

    /// A request of the session; `fields` are more header fields, each with its line end.
    pub(crate) fn request(&self, method: &str, target: &str, fields: &str, body: &str) -> String {
        let (host, token, length) = (self.lab.address(), &self.token, body.len());
        format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        )
    }

    pub(crate) async fn ask(&self, method: &str, target: &str, fields: &str, body: &str) -> Answer {
        let request = self.request(method, target, fields, body);
        ask(self.lab.address(), request.as_bytes()).await.unwrap()
    }

    /// A stream that has begun: its head is looked at, and its retry is passed over.
    pub(crate) async fn stream(&self, target: &str, fields: &str) -> Stream {
        let mut stream = Stream::open(&self.lab, &self.request("GET", target, fields, "")).await;
        assert!(stream.line().await.starts_with("retry: "));
        stream
    }

    pub(crate) fn emit(&self, number: u32) {
        self.tell(&number.to_string());
    }

    pub(crate) fn tell(&self, data: &str) {
        self.lab.publisher().emit(Audience::Everyone, "tick", data);
    }
}

impl Stream {
    pub(crate) async fn open(lab: &Lab<Sse>, request: &str) -> Self {
        let mut connection = Connection::open(lab.address()).await;
        connection.send(request.as_bytes()).await;
        let answer = connection.answer().await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-accel-buffering"), Some("no"));
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        Self {
            connection,
            text: String::new(),
        }
    }

    /// The next line; empty between events.
    ///
    /// # Panics
    /// The stream has ended.
    pub(crate) async fn line(&mut self) -> String {
        self.try_line().await.expect("the stream goes on")
    }

    /// The next line; `None` at the end.
    pub(crate) async fn try_line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let (line, rest) = (line.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(line);
            }
            let Some(chunk) = self.connection.chunk().await else {
                assert_eq!(self.text, "", "a stream ends between lines");
                return None;
            };
            self.text.push_str(&chunk);
        }
    }

    /// The id and the data of the next event, comments passed over. A block without data, as at a stream's beginning, has none.
    pub(crate) async fn event(&mut self) -> Option<(Option<u64>, String)> {
        let (mut id, mut data) = (None, String::new());
        loop {
            let line = self.try_line().await?;
            match line.split_once(": ") {
                Some(("id", value)) => id = Some(value.parse().unwrap()),
                Some(("data", value)) => value.clone_into(&mut data),
                None if line.is_empty() && id.is_none() && data.is_empty() => {}
                None if line.is_empty() => return Some((id, data)),
                None if line == ":" => {}
                _ => panic!("{line:?} stands in no event of ours"),
            }
        }
    }

    /// The id and the number in the data of the next event; the stream's beginning has its cursor and no number.
    pub(crate) async fn number(&mut self) -> (u64, Option<u64>) {
        let (id, data) = self.event().await.expect("the stream goes on");
        let number = data
            .rsplit_once(r#""data":"#)
            .map(|(_, number)| number.trim_end_matches('}').parse().unwrap());
        (id.expect("a message has an id"), number)
    }

    /// The code of the error that is the stream's last event, once what came before it is passed over; and the events' number.
    pub(crate) async fn end(mut self) -> (String, u64, Connection) {
        let mut before = 0;
        loop {
            let (id, data) = self.event().await.expect("a stream says why it ends");
            if data.starts_with(r#"{"op":"error""#) {
                assert_eq!(id, None, "an end has no id: {data}");
                let code = conformance::raw::string_field(&data, "code").unwrap();
                let code = code.to_owned();
                assert_eq!(self.try_line().await, None, "nothing comes behind the end");
                return (code, before, self.connection);
            }
            before += u64::from(!data.is_empty());
        }
    }
}
