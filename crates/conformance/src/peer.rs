//! A client, awaited instead of polled.

use std::collections::VecDeque;
use std::future::poll_fn;

use transport::{Audience, Client, ClientError, Command, Incoming, Ticket};

use crate::lab::within;

/// A client with an inbox.
///
/// Its I/O happens only within its `async` methods, so a peer that nobody awaits is a slow consumer.
#[derive(Debug)]
pub struct Peer<C> {
    /// The client itself.
    pub client: C,
    inbox: VecDeque<Message>,
    ended: Option<ClientError>,
    markers: u64,
}

/// What a client received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// An event.
    Event {
        /// Its name.
        event: String,
        /// The sender's public id.
        from: String,
        /// Its JSON, to the letter.
        data: String,
    },
    /// The answer to a request.
    Reply {
        /// The request's id.
        id: u64,
        /// The request's JSON, to the letter.
        data: String,
    },
    /// This many messages are lost.
    Gap(u64),
    /// A refusal of this code.
    Error(String),
}

const MARKER: &str = "conformance.marker";

impl<C: Client> Peer<C> {
    /// A peer around `client`.
    pub fn new(client: C) -> Self {
        Self {
            client,
            inbox: VecDeque::new(),
            ended: None,
            markers: 0,
        }
    }

    /// The public id.
    pub fn id(&self) -> String {
        self.client.welcome().session.clone()
    }

    /// Whether the session was resumed.
    pub fn resumed(&self) -> bool {
        self.client.welcome().resumed
    }

    /// Queues an emit.
    pub fn emit(&mut self, to: Audience<'_>, event: &str, data: &str) {
        self.client.send(&Command::Emit {
            to,
            event: event.into(),
            data,
        });
    }

    /// [`emit`](Self::emit), and the event as receivers see it.
    pub fn tell(&mut self, to: Audience<'_>, event: &str, data: &str) -> Message {
        self.emit(to, event, data);
        Message::Event {
            event: event.into(),
            from: self.id(),
            data: data.into(),
        }
    }

    /// Queues a request.
    pub fn request(&mut self, id: u64, data: &str) {
        self.client.send(&Command::Request { id, data });
    }

    /// Joins `room`, and has joined when this returns.
    pub async fn join(&mut self, room: &str) {
        self.client.send(&Command::Join { room: room.into() });
        self.round_trip().await;
    }

    /// Leaves `room`, and has left when this returns.
    pub async fn leave(&mut self, room: &str) {
        self.client.send(&Command::Leave { room: room.into() });
        self.round_trip().await;
    }

    /// The next message.
    ///
    /// # Panics
    /// The client ended first.
    pub async fn next(&mut self) -> Message {
        self.try_next().await.expect("a message was to come")
    }

    /// The next message; those that came before the client's end come before its error.
    ///
    /// # Errors
    /// Why the client ended.
    pub async fn try_next(&mut self) -> Result<Message, ClientError> {
        within("a message", async {
            loop {
                if let Some(message) = self.inbox.pop_front() {
                    return Ok(message);
                }
                self.fill().await?;
            }
        })
        .await
    }

    /// Everything that comes before the client ends, and why it ends.
    pub async fn end(&mut self) -> (Vec<Message>, ClientError) {
        let mut messages = Vec::new();
        loop {
            match self.try_next().await {
                Ok(message) => messages.push(message),
                Err(error) => return (messages, error),
            }
        }
    }

    /// Awaits a request's reply: all that was queued before has been carried out then. Other messages that came wait in the inbox.
    pub async fn round_trip(&mut self) {
        self.try_round_trip()
            .await
            .expect("a request was to be answered");
    }

    /// As [`round_trip`](Self::round_trip).
    ///
    /// # Errors
    /// The client ended first.
    pub async fn try_round_trip(&mut self) -> Result<(), ClientError> {
        self.markers += 1;
        let (id, data) = (u64::MAX - self.markers, "\"conformance\"");
        self.request(id, data);
        let reply = Message::Reply {
            id,
            data: data.into(),
        };
        let mut seen = 0;
        within("a reply", async {
            loop {
                if let Some(at) = self
                    .inbox
                    .iter()
                    .skip(seen)
                    .position(|message| *message == reply)
                {
                    self.inbox.remove(seen + at);
                    return Ok(());
                }
                seen = self.inbox.len();
                self.fill().await?;
            }
        })
        .await
    }

    /// Everything that has reached this session's mailbox up to now: what comes before a marker that the peer sends itself. What isn't
    /// there was not sent.
    pub async fn settled(&mut self) -> Vec<Message> {
        self.markers += 1;
        let marker = self.tell(Audience::Sender, MARKER, &self.markers.to_string());
        let mut messages = Vec::new();
        loop {
            match self.next().await {
                message if message == marker => return messages,
                message => messages.push(message),
            }
        }
    }

    /// The next `count` messages.
    pub async fn take(&mut self, count: usize) -> Vec<Message> {
        let mut messages = Vec::with_capacity(count);
        for _ in 0..count {
            messages.push(self.next().await);
        }
        messages
    }

    /// What another connection needs to go on, and the messages received but not yet looked at. The connection is cut without a word.
    pub fn cut(self) -> (Ticket, Vec<Message>) {
        (self.client.ticket(), self.inbox.into())
    }

    /// One read, which brings at least one message or the end.
    async fn fill(&mut self) -> Result<(), ClientError> {
        if let Some(error) = self.ended.take() {
            return Err(error);
        }
        let (client, inbox) = (&mut self.client, &mut self.inbox);
        let before = inbox.len();
        let result =
            poll_fn(|cx| client.poll(cx, &mut |incoming| inbox.extend(Message::new(&incoming))))
                .await;
        match result {
            Err(error) if self.inbox.len() > before => {
                self.ended = Some(error);
                Ok(())
            }
            result => result,
        }
    }
}

impl Message {
    /// A welcome is no message: it is in [`Client::welcome`].
    fn new(incoming: &Incoming<'_>) -> Option<Self> {
        Some(match incoming {
            Incoming::Welcome { .. } => return None,
            Incoming::Event { event, from, data } => Self::Event {
                event: event.to_string(),
                from: from.to_string(),
                data: (*data).to_owned(),
            },
            Incoming::Reply { id, data } => Self::Reply {
                id: *id,
                data: (*data).to_owned(),
            },
            Incoming::Gap { missed } => Self::Gap(*missed),
            Incoming::Error { code, .. } => Self::Error(code.to_string()),
        })
    }

    /// The number in an event's data, for tests that count.
    ///
    /// # Panics
    /// It is no event, or its data is no number.
    pub fn number(&self) -> u64 {
        match self {
            Self::Event { data, .. } => data.parse().expect("a counting test sends numbers"),
            other => panic!("{other:?} came where an event with a number was to come"),
        }
    }
}
