//! One connection: what each direction is saying, and which response answers which request.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::body::Body;
use crate::draft::{Draft, Meaning, Stamp};
use crate::events::Events;
use crate::frames::Frames;
use crate::head::{Framing, Gathered, Gatherer, HEAD, Method, Request, Response, Start};
use crate::message::{Kind, Message, Role, Way};

/// Most requests that wait for their responses.
const ASKS: usize = 1024;

/// What it costs to hold bytes back, beside the bytes.
const HOLDING: usize = 64;

/// What two sides of one connection say to each other.
#[derive(Debug, Default)]
pub struct Conversation {
    up: State,
    down: State,
    /// Requests that wait for their responses.
    asks: VecDeque<Ask>,
    /// How many requests there have been.
    exchanges: u64,
    /// What came behind a request that may turn the connection into something else, until that is known.
    held: Vec<(Stamp, Vec<u8>)>,
    held_bytes: usize,
}

/// What a direction is saying.
#[derive(Debug)]
enum State {
    /// The head of an HTTP message.
    Head(Gatherer),
    /// The body of one.
    Body(Box<Whole>),
    /// An event stream.
    Stream(Box<Stream>),
    /// Frames, since that exchange.
    Frames(Box<Frames>, u64),
    /// What it says can't be known before a response is here.
    Held,
    /// Something that can't be read.
    Other,
}

/// A message whose body is coming in.
#[derive(Debug)]
struct Whole {
    draft: Draft,
    body: Body,
    kind: Kind,
    meaning: Meaning,
    /// It asked for changes, or polls: what to look at when it is whole.
    ask: Option<Ask>,
}

#[derive(Debug)]
struct Stream {
    body: Body,
    events: Events,
    exchange: u64,
}

/// What is to be known of a request when its response is here.
#[derive(Debug, Clone, Copy)]
struct Ask {
    exchange: u64,
    method: Method,
    preflight: bool,
    polls: bool,
    upgrades: bool,
}

impl Default for State {
    fn default() -> Self {
        State::Head(Gatherer::default())
    }
}

impl Conversation {
    /// A connection that was just opened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes of one direction, in order; `sent` and `arrived` are when, nanoseconds. Messages that they complete are added to `messages`.
    ///
    /// However the bytes of a direction are split, the messages are the same; but what can't be read is a message each time.
    pub fn feed(
        &mut self,
        way: Way,
        sent: u64,
        arrived: u64,
        bytes: &[u8],
        messages: &mut Vec<Message>,
    ) {
        self.take(way, Stamp { sent, arrived }, bytes, messages);
        while !self.held.is_empty() && !matches!(self.up, State::Held) {
            self.held_bytes = 0;
            for (at, bytes) in std::mem::take(&mut self.held) {
                self.take(Way::Up, at, &bytes, messages);
            }
        }
    }

    /// The connection has ended: of what is under way, this is all. It says so in its title.
    pub fn end(&mut self, messages: &mut Vec<Message>) {
        for way in [Way::Up, Way::Down] {
            let state = std::mem::replace(self.state(way), State::Other);
            messages.extend(state.finish(way));
        }
        for (at, bytes) in std::mem::take(&mut self.held) {
            messages.push(other(Way::Up, at, &bytes));
        }
    }

    fn state(&mut self, way: Way) -> &mut State {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    fn take(&mut self, way: Way, at: Stamp, bytes: &[u8], messages: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let state = std::mem::take(self.state(way));
            let (state, taken) = self.step(way, state, at, rest, messages);
            *self.state(way) = state;
            rest = &rest[taken..];
        }
    }

    /// Takes what belongs to the state, and says which one is next and how much was taken. Where that is nothing, the state is another one.
    fn step(
        &mut self,
        way: Way,
        state: State,
        at: Stamp,
        bytes: &[u8],
        messages: &mut Vec<Message>,
    ) -> (State, usize) {
        match state {
            State::Head(mut head) => {
                let (gathered, taken) = head.take(way, bytes, at);
                let state = match gathered {
                    Gathered::Partial => State::Head(head),
                    Gathered::Whole(Start::Request(request), framing, draft) => {
                        self.request(request, framing, draft, messages)
                    }
                    Gathered::Whole(Start::Response(response), framing, draft) => {
                        self.response(&response, framing, draft, messages)
                    }
                    Gathered::Unreadable(draft) => {
                        messages.push(unreadable(way, draft));
                        State::Other
                    }
                };
                (state, taken)
            }
            State::Body(whole) => self.body(way, whole, at, bytes, messages),
            State::Stream(stream) => Self::stream(stream, at, bytes, messages),
            State::Frames(mut frames, exchange) => match frames.take(way, exchange, bytes, at) {
                Ok((taken, frame)) => {
                    messages.extend(frame);
                    (State::Frames(frames, exchange), taken)
                }
                Err(no) => {
                    messages.push(unreadable(way, no.draft));
                    (State::Other, no.taken)
                }
            },
            State::Held => (self.hold(at, bytes, messages), bytes.len()),
            State::Other => {
                messages.push(other(way, at, bytes));
                (State::Other, bytes.len())
            }
        }
    }

    /// The head of a request is here.
    fn request(
        &mut self,
        request: Request,
        framing: Framing,
        draft: Draft,
        messages: &mut Vec<Message>,
    ) -> State {
        self.exchanges += 1;
        let ask = Ask {
            exchange: self.exchanges,
            method: request.method,
            preflight: request.preflight,
            polls: request.polls,
            upgrades: request.upgrades,
        };
        let body = match framing {
            Framing::Unsaid | Framing::Length(0) => None,
            Framing::Length(length) => Some(Body::Length(length)),
            Framing::Chunked => Some(Body::chunked()),
            Framing::Coded | Framing::Absurd => {
                messages.push(unreadable(Way::Up, draft));
                return State::Other;
            }
        };
        let meaning = Meaning {
            exchange: ask.exchange,
            title: request.title,
            preflight: ask.preflight,
            ..Meaning::default()
        };
        self.asks.push_back(ask);
        let whole = Whole {
            draft,
            body: Body::Length(0),
            kind: Kind::Request,
            meaning,
            ask: Some(ask),
        };
        self.begin(Way::Up, whole, body, messages)
    }

    /// The head of a response is here.
    fn response(
        &mut self,
        response: &Response,
        framing: Framing,
        draft: Draft,
        messages: &mut Vec<Message>,
    ) -> State {
        let status = response.status;
        let is_interim = (100..200).contains(&status) && status != 101;
        let ask = if is_interim {
            self.asks.front().copied()
        } else {
            self.asks.pop_front()
        };
        let method = ask.map_or(Method::Another, |ask| ask.method);
        let tunnels = method == Method::Connect && (200..300).contains(&status);
        let is_bare = method == Method::Head || status < 200 || matches!(status, 204 | 304);
        let body = match framing {
            _ if is_bare || tunnels => None,
            Framing::Length(0) => None,
            Framing::Length(length) => Some(Body::Length(length)),
            Framing::Chunked => Some(Body::chunked()),
            Framing::Unsaid | Framing::Coded => Some(Body::UntilClose),
            Framing::Absurd => {
                messages.push(unreadable(Way::Down, draft));
                return State::Other;
            }
        };
        let streams = response.streams && body.is_some();
        let exchange = ask.map_or(0, |ask| ask.exchange);
        let meaning = Meaning {
            exchange,
            title: status.to_string(),
            status: Some(status),
            preflight: ask.is_some_and(|ask| ask.preflight),
            useless: method == Method::Get && matches!(status, 204 | 304),
            continues: streams,
            frame: None,
        };
        if let Some(ask) = ask.filter(|_| !is_interim) {
            self.settle(ask, status, response.upgrades);
        }
        if streams && let Some(body) = body {
            messages.push(draft.finish(Way::Down, Kind::Response, meaning));
            return State::Stream(Box::new(Stream {
                body,
                events: Events::default(),
                exchange,
            }));
        }
        let next = match (status, tunnels) {
            (101, _) if response.upgrades && ask.is_some_and(|ask| ask.upgrades) => {
                Some(State::Frames(Box::default(), exchange))
            }
            (101, _) | (_, true) => Some(State::Other),
            _ => None,
        };
        let whole = Whole {
            draft,
            body: Body::Length(0),
            kind: Kind::Response,
            meaning,
            ask,
        };
        let state = self.begin(Way::Down, whole, body, messages);
        next.unwrap_or(state)
    }

    /// What the client says behind a request that waited for this status.
    fn settle(&mut self, ask: Ask, status: u16, upgrades: bool) {
        let becomes = match status {
            101 if upgrades && ask.upgrades => State::Frames(Box::default(), ask.exchange),
            101 => State::Other,
            200..300 if ask.method == Method::Connect => State::Other,
            _ => State::default(),
        };
        if ask.waits() && matches!(self.up, State::Held) {
            self.up = becomes;
        }
    }

    /// A head is whole, and its body may be to come.
    fn begin(
        &mut self,
        way: Way,
        mut whole: Whole,
        body: Option<Body>,
        messages: &mut Vec<Message>,
    ) -> State {
        if let Some(body) = body {
            whole.body = body;
            return State::Body(Box::new(whole));
        }
        let state = self.after(way, whole.ask);
        messages.push(whole.message(way));
        state
    }

    /// What follows a message.
    fn after(&self, way: Way, ask: Option<Ask>) -> State {
        let is_up = way == Way::Up;
        match ask {
            // Nobody waits for so many answers, and no one could tell which is whose.
            Some(_) if is_up && self.asks.len() > ASKS => State::Other,
            // Its answer may be here before its body is.
            Some(ask) if is_up && ask.waits() && self.is_waiting(ask) => State::Held,
            _ => State::default(),
        }
    }

    fn is_waiting(&self, ask: Ask) -> bool {
        let mut waiting = self.asks.iter();
        waiting.any(|other| other.exchange == ask.exchange)
    }

    fn hold(&mut self, at: Stamp, bytes: &[u8], messages: &mut Vec<Message>) -> State {
        self.held_bytes += bytes.len() + HOLDING;
        if self.held_bytes <= HEAD {
            self.held.push((at, bytes.to_vec()));
            return State::Held;
        }
        for (at, bytes) in std::mem::take(&mut self.held) {
            messages.push(other(Way::Up, at, &bytes));
        }
        messages.push(other(Way::Up, at, bytes));
        State::Other
    }

    fn body(
        &mut self,
        way: Way,
        mut whole: Box<Whole>,
        at: Stamp,
        bytes: &[u8],
        messages: &mut Vec<Message>,
    ) -> (State, usize) {
        let taken = if let Some(count) = whole.body.payload(bytes.len()) {
            whole.draft.add(Role::Payload, &bytes[..count], at);
            whole.body.advance(count);
            count
        } else if let Some(count) = whole.body.framing(bytes) {
            whole.draft.add(Role::Chunk, &bytes[..count], at);
            count
        } else {
            messages.push(unreadable(way, whole.draft));
            return (State::Other, 0);
        };
        if !whole.body.is_over() {
            return (State::Body(whole), taken);
        }
        let state = self.after(way, whole.ask);
        messages.push(whole.message(way));
        (state, taken)
    }

    fn stream(
        mut stream: Box<Stream>,
        at: Stamp,
        bytes: &[u8],
        messages: &mut Vec<Message>,
    ) -> (State, usize) {
        let (events, body) = (&mut stream.events, &mut stream.body);
        let taken = if let Some(count) = body.payload(bytes.len()) {
            let taken = events.take(&bytes[..count], at);
            body.advance(taken);
            taken
        } else if let Some(count) = body.framing(bytes) {
            events.frame(&bytes[..count], at);
            count
        } else {
            messages.extend(events.finish(stream.exchange));
            return (State::Other, 0);
        };
        let is_over = body.is_over();
        // The end of a chunk belongs to the last event in it.
        if is_over || events.is_whole() && !body.is_behind() {
            messages.extend(events.finish(stream.exchange));
        }
        let state = if is_over {
            State::default()
        } else {
            State::Stream(stream)
        };
        (state, taken)
    }
}

impl State {
    /// What there is of a message that won't go on.
    fn finish(self, way: Way) -> Option<Message> {
        match self {
            State::Head(mut head) => {
                let draft = head.give_up();
                (!draft.is_empty()).then(|| unreadable(way, draft))
            }
            State::Body(mut whole) => {
                if !matches!(whole.body, Body::UntilClose) {
                    whole.meaning.title.push_str(", unfinished");
                }
                Some(whole.message(way))
            }
            State::Stream(mut stream) => stream.events.finish(stream.exchange),
            State::Frames(mut frames, exchange) => frames.finish(way, exchange),
            State::Held | State::Other => None,
        }
    }
}

impl Whole {
    fn message(mut self, way: Way) -> Message {
        let polls = self
            .ask
            .is_some_and(|ask| ask.polls && ask.method == Method::Get);
        if self.kind == Kind::Response && polls && self.meaning.status == Some(200) {
            let packets = self.draft.whole_payload();
            self.meaning.useless = packets.is_some_and(|packets| says_nothing(&packets));
        }
        self.draft.finish(way, self.kind, self.meaning)
    }
}

impl Ask {
    /// What the client says behind it depends on the answer.
    fn waits(self) -> bool {
        self.upgrades || self.method == Method::Connect
    }
}

/// Whether packets of Engine.IO (version 4) are nothing but pings and no-ops.
fn says_nothing(packets: &[u8]) -> bool {
    let mut packets = packets.split(|byte| *byte == 0x1e);
    packets.all(|packet| matches!(packet, b"2" | b"6"))
}

/// Bytes that can't be read, as they came.
fn other(way: Way, at: Stamp, bytes: &[u8]) -> Message {
    let mut draft = Draft::default();
    draft.add(Role::Payload, bytes, at);
    unreadable(way, draft)
}

/// A draft that no message came of.
fn unreadable(way: Way, draft: Draft) -> Message {
    let meaning = Meaning {
        title: format!("{} B", draft.length()),
        ..Meaning::default()
    };
    draft.finish(way, Kind::Other, meaning)
}
