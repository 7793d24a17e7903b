//! The virtual user: owns a client, drives all of its I/O, sends what is due, stamps what comes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use measure::now;
use transport::{Audience, Client, ClientError, Command, Incoming, Traffic, Transport};

use crate::book::Book;

/// The name of every event that is emitted.
const EVENT: &str = "load";

/// After so many batches in a row a user lets others have a turn; a transport without I/O would never be pending.
const TURNS: u32 = 16;

/// A virtual user.
pub(crate) struct User<T: Transport> {
    /// None once the session has ended.
    client: Option<T::Client>,
    number: usize,
    sender: Option<usize>,
    to: Audience<'static>,
    traffic: Traffic,
    book: Rc<RefCell<Book>>,
}

impl<T: Transport> User<T> {
    pub(crate) fn new(client: T::Client, number: usize, book: Rc<RefCell<Book>>) -> Self {
        let sender = book.borrow().plan.clients[number].sender;
        Self {
            client: Some(client),
            number,
            sender,
            to: Audience::Others,
            traffic: Traffic::default(),
            book,
        }
    }

    /// The public id of its session.
    pub(crate) fn session(&self) -> Option<String> {
        self.client
            .as_ref()
            .map(|client| client.welcome().session.clone())
    }

    /// Who receives what it emits.
    pub(crate) fn address(&mut self, to: Audience<'static>) {
        self.to = to;
    }

    /// What went over its wire so far, the end of the session included.
    pub(crate) fn traffic(&self) -> Traffic {
        self.client.as_ref().map_or(self.traffic, Client::traffic)
    }

    /// Whether its session is there.
    pub(crate) fn is_alive(&self) -> bool {
        self.client.is_some()
    }

    /// Gives the client away, to say goodbye with.
    pub(crate) fn leave(&mut self) -> Option<T::Client> {
        self.traffic = self.traffic();
        self.client.take()
    }

    /// Does all that can be done now. Ready when the session has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(client) = &mut self.client else {
            return Poll::Ready(());
        };
        let book = &mut *self.book.borrow_mut();
        book.polls += 1;
        if let Some(sender) = self.sender {
            book.enroll(sender, cx.waker());
        }
        for _ in 0..TURNS {
            if let Some(sender) = self.sender {
                send_due(client, book, sender, &self.to);
            }
            // One reading of the clock for all that one read brought, taken before any of it is looked at.
            let mut received = None;
            let polled = client.poll(cx, &mut |message| {
                let at = *received.get_or_insert_with(now);
                take(book, self.number, &message, at);
            });
            book.clock = received.unwrap_or(book.clock);
            match polled {
                Poll::Ready(Ok(())) => {}
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => {
                    book.session_ended(self.number, &kind(&error), &error.to_string(), now());
                    self.traffic = client.traffic();
                    self.client = None;
                    return Poll::Ready(());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn send_due(client: &mut impl Client, book: &mut Book, sender: usize, to: &Audience<'static>) {
    if !book.wants_to_send(sender) {
        return;
    }
    let request = !book.plan.has_events();
    let mut sent = now();
    while let Some((number, data)) = book.next_send(sender, sent) {
        if request {
            client.send(&Command::Request { id: number, data });
        } else {
            let to = match to {
                Audience::Room(room) => Audience::Room(Cow::Borrowed(room)),
                Audience::Session(id) => Audience::Session(Cow::Borrowed(id)),
                other => other.clone(),
            };
            client.send(&Command::Emit {
                to,
                event: Cow::Borrowed(EVENT),
                data,
            });
        }
        sent = now();
    }
}

fn take(book: &mut Book, number: usize, message: &Incoming<'_>, at: u64) {
    match message {
        Incoming::Event { data, .. } => book.event(number, data, at),
        Incoming::Reply { id, data } => book.reply(number, *id, data, at),
        Incoming::Gap { missed } => book.gap(number, *missed, at),
        Incoming::Error { code, message } => {
            book.error(&format!("server-{code}"), at, || message.to_string());
        }
        Incoming::Welcome { .. } => {}
    }
}

/// The kind under which an error is counted.
pub(crate) fn kind(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable { .. } => "unreachable".into(),
        ClientError::Broken(_) => "connection-broken".into(),
        ClientError::Closed { code, .. } => format!("closed-{code}"),
        ClientError::Refused { status, .. } => format!("refused-{status}"),
        ClientError::Protocol(_) => "protocol".into(),
        ClientError::Target { .. } => "target".into(),
    }
}
