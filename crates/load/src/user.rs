//! The virtual user: owns a client, drives all of its I/O, sends what is due, stamps what comes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use measure::now;
use transport::{Audience, Client, ClientError, Command, Incoming, Protocol, Ticket, Traffic};

use crate::book::Book;

/// The name of every event that is emitted.
const EVENT: &str = "load";

/// After so many batches in a row a user lets others have a turn; a transport without I/O would never be pending.
const TURNS: u32 = 16;

/// A virtual user.
pub(crate) struct User<T: Protocol> {
    /// None while there is no session.
    client: Option<T::Client>,
    number: usize,
    sender: Option<usize>,
    to: Audience<'static>,
    /// Of the connections before this one.
    traffic: Traffic,
    /// What continues a session that has ended.
    ticket: Option<Ticket>,
    /// How often it has ended.
    times_gone: u32,
    /// When something was last received, as far as it is known, nanoseconds.
    heard: u64,
    /// Bytes that this connection had received when that was last looked up.
    down: u64,
    waker: Option<Waker>,
    /// Whether it reads nothing for now.
    is_paused: bool,
    book: Rc<RefCell<Book>>,
}

impl<T: Protocol> User<T> {
    pub(crate) fn new(client: T::Client, number: usize, book: Rc<RefCell<Book>>) -> Self {
        let sender = book.borrow().plan.clients[number].sender;
        Self {
            client: Some(client),
            number,
            sender,
            to: Audience::Others,
            traffic: Traffic::default(),
            ticket: None,
            times_gone: 0,
            heard: now(),
            down: 0,
            waker: None,
            is_paused: false,
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
        let client = self.client.as_ref();
        client.map_or(self.traffic, |client| self.traffic + client.traffic())
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

    /// Its number in the plan.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// How often its session has ended.
    pub(crate) fn times_gone(&self) -> u32 {
        self.times_gone
    }

    /// What continues the session that has ended.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        self.ticket.clone()
    }

    /// There is nothing to be continued.
    pub(crate) fn forget_ticket(&mut self) {
        self.ticket = None;
    }

    /// Its session stands again since `at`, by `client`.
    pub(crate) fn stand(&mut self, client: T::Client, at: u64) {
        self.client = Some(client);
        (self.heard, self.down) = (at, 0);
    }

    /// It stops reading, or goes on.
    pub(crate) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        if let (false, Some(waker)) = (is_paused, &self.waker) {
            waker.wake_by_ref();
        }
    }

    /// Ends a session that has not received a byte for `dead_after`; its task sees that at once. What it has received is looked up only when no
    /// message came lately.
    pub(crate) fn look_whether_dead(&mut self, at: u64, dead_after: Duration) {
        let longest = dead_after.as_nanos() as u64;
        let silent = at.saturating_sub(self.heard);
        let worth_a_look = silent > longest / 4 && !self.is_paused;
        let Some(client) = self.client.as_ref().filter(|_| worth_a_look) else {
            return;
        };
        let down = client.traffic().wire_down;
        if down != self.down {
            (self.down, self.heard) = (down, at);
        } else if silent >= longest {
            self.end("dead", &format!("nothing heard for {dead_after:?}"), at);
            if let Some(waker) = &self.waker {
                waker.wake_by_ref();
            }
        }
    }

    /// The session has ended.
    fn end(&mut self, kind: &str, message: &str, at: u64) {
        if let Some(client) = self.client.take() {
            self.traffic = self.traffic + client.traffic();
            self.ticket = Some(client.ticket());
            self.times_gone += 1;
            let book = &mut *self.book.borrow_mut();
            book.session_ended(self.number, kind, message, at);
        }
    }

    /// Does all that can be done now. Ready when the session has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let known = self.waker.as_ref();
        if known.is_none_or(|known| !known.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        if self.is_paused && self.client.is_some() {
            return Poll::Pending;
        }
        match self.poll_client(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(()),
            Poll::Ready(Some(error)) => {
                self.end(&kind(&error), &error.to_string(), now());
                Poll::Ready(())
            }
        }
    }

    /// The same; says why the session has ended, if it does now.
    fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientError>> {
        let Some(client) = &mut self.client else {
            return Poll::Ready(None);
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
            if let Some(at) = received {
                (book.clock, self.heard) = (at, at);
                book.heard(self.number, at);
            }
            match polled {
                Poll::Ready(Ok(())) => {}
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Some(error)),
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
                Audience::RoomOthers(room) => Audience::RoomOthers(Cow::Borrowed(room)),
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

/// Takes a message of session `number` down.
pub(crate) fn take(book: &mut Book, number: usize, message: &Incoming<'_>, at: u64) {
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
