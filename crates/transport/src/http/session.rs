//! The routes that every server with sessions over HTTP has: `POST /session`, `POST /commands`, `GET /events`, `DELETE /session` and `POST /echo`.
//!
//! How such servers differ is an implementation of [`Events`]: where the replies go, and what becomes of `GET /events`.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll as TaskPoll, ready};
use std::time::Duration;

use bytes::Bytes;
use hub::wire::{Command, write_welcome};
use hub::{Door, Poll, Refused, SessionId, Token};
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use pin_project_lite::pin_project;

use super::answer::refuse;
use super::query::{After, Query, last_event_id};
use super::{
    Handler, ReadBody, Request, Response, bearer, echo, error, json, no_content, read_body, refused,
};
use crate::{Config, Server};

/// Most seconds that a poll is held.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

/// What tells one server with sessions over HTTP from another.
pub trait Events: 'static {
    /// Whether replies stand in the answer to `POST /commands`; else they are messages like any other.
    const REPLIES_IN_ANSWER: bool;
    /// How `GET /events` is answered, and so what it takes.
    const FORM: Form;

    /// Answers `GET /events`. Dropping the future, as happens when the client vanishes, drops `poll` and so gives the place back.
    fn events(self: Rc<Self>, poll: Poll, asked: Asked)
    -> impl Future<Output = Response> + 'static;
}

/// How `GET /events` is answered.
///
/// Whatever the form, the session's token stands in an `Authorization` header or, for pages, in the query as `token`: an `EventSource` can set no
/// header, and to a poll of another origin one costs a preflight for each new cursor. A secret in a URL is no good habit: URLs are kept in histories
/// and written to logs (RFC 6750 section 5.3). Here the page's script asks for it and no history has it, the answer is never stored, no server of the
/// lab writes down what it is asked, and the token is random, one session's alone and soon over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// At once: with `after`.
    AtOnce,
    /// When there is something to say: with `after`, which may be `now`, and `wait`.
    Held,
    /// With a stream (HTML section 9.2): with `Last-Event-ID`, which counts for more than `after`.
    Stream,
}

/// What `GET /events` asks for beside the messages.
#[derive(Debug)]
pub struct Asked {
    /// How long to hold the poll, at most [`MAX_WAIT`]; `None` when not said.
    pub wait: Option<Duration>,
    /// The request's header map, for its memory.
    pub headers: HeaderMap,
}

/// A server with sessions over HTTP.
#[derive(Debug)]
pub struct Sessions<E> {
    door: Door,
    config: Arc<Config>,
    events: Rc<E>,
}

impl<E: Events> Sessions<E> {
    /// A handler for `server`.
    pub fn new(server: &Server, events: E) -> Rc<Self> {
        Rc::new(Self {
            door: server.door.clone(),
            config: Arc::clone(&server.config),
            events: Rc::new(events),
        })
    }
}

impl<E: Events> Handler for Sessions<E> {
    fn handle(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static {
        let errand = match (request.uri().path(), request.method()) {
            ("/echo", _) => Errand::Echo,
            ("/commands", _) if bearer(request.headers()).is_none() => {
                return Route::Known {
                    response: no_token(),
                };
            }
            ("/commands", _) => Errand::Commands,
            ("/events", _) => {
                return match self.poll(request) {
                    Ok((poll, asked)) => Route::Events {
                        future: Rc::clone(&self.events).events(poll, asked),
                    },
                    Err(response) => Route::Known { response },
                };
            }
            (_, &Method::POST) => Errand::Open,
            _ => Errand::Close,
        };
        let (head, body) = request.into_parts();
        let body = read_body(body, self.config.max_message);
        Route::Errand {
            future: WithBody {
                sessions: self,
                errand,
                headers: head.headers,
                body,
            },
        }
    }

    fn methods(&self, path: &str) -> Option<&'static [Method]> {
        match path {
            "/commands" | "/echo" => Some(&[Method::POST]),
            "/events" => Some(&[Method::GET]),
            "/session" => Some(&[Method::POST, Method::DELETE]),
            _ => None,
        }
    }
}

impl<E: Events> Sessions<E> {
    /// Opens a session; with the token of one that is still there that one is found again, as a WebSocket's resume does.
    fn open(&self, headers: &HeaderMap) -> Response {
        match self.find(headers) {
            Some((session, token)) => welcome(StatusCode::OK, session, token, true),
            None => match self.door.open_detached() {
                Ok((session, token)) => welcome(StatusCode::CREATED, session, token, false),
                Err(error) => refused(&error),
            },
        }
    }

    fn close(&self, headers: HeaderMap) -> Response {
        match token(&headers).map(|token| self.door.close(token)) {
            Ok(Ok(())) => no_content(headers),
            Ok(Err(error)) => refused(&error),
            Err(response) => *response,
        }
    }

    /// The session whose token the request has.
    fn find(&self, headers: &HeaderMap) -> Option<(SessionId, Token)> {
        let token = bearer(headers)?;
        Some((self.door.identify(token).ok()?, token.parse().ok()?))
    }

    fn carry_out(&self, headers: HeaderMap, body: &Bytes) -> Response {
        let is_array = body.trim_ascii_start().first() == Some(&b'[');
        // The usual single command needs no list.
        let (one, many);
        let commands: &[Command<'_>] = if is_array {
            many = Command::parse_many(body);
            match &many {
                Ok(commands) => commands,
                Err(malformed) => return error(400, "malformed", &malformed.to_string()),
            }
        } else {
            one = Command::parse(body);
            match &one {
                Ok(command) => std::slice::from_ref(command),
                Err(malformed) => return error(400, "malformed", &malformed.to_string()),
            }
        };
        if let Some(message) = commands.iter().find_map(foreign) {
            return error(400, "malformed", message);
        }
        let token = match token(&headers) {
            Ok(token) => token,
            Err(response) => return *response,
        };
        if E::REPLIES_IN_ANSWER {
            let mut answer = Vec::with_capacity(body.len() + 32);
            answer.extend_from_slice(br#"{"replies":["#);
            match self.door.apply(token, commands, Some(&mut answer)) {
                Ok(()) => {
                    answer.extend_from_slice(b"]}");
                    json(headers, StatusCode::OK, answer)
                }
                Err(error) => refused(&error),
            }
        } else {
            match self.door.apply(token, commands, None) {
                Ok(()) => super::recycle(headers, StatusCode::ACCEPTED, super::Body::empty()),
                Err(error) => refused(&error),
            }
        }
    }

    /// Begins the poll that `GET /events` asks for.
    fn poll(&self, request: Request) -> Result<(Poll, Asked), Box<Response>> {
        use hyper::body::Body as _;
        let malformed = |message| refuse(400, "malformed", message);
        let headers = request.headers();
        let query = Query::parse(request.uri().query().unwrap_or_default(), E::FORM);
        let token = match (bearer(headers), query) {
            // RFC 6750 section 2.
            (Some(_), Ok(Query { token: Some(_), .. })) => {
                return Err(malformed("a token is told once"));
            }
            (Some(token), _)
            | (
                None,
                Ok(Query {
                    token: Some(token), ..
                }),
            ) => token,
            // Who can't be understood may have told one.
            (None, Err(message)) if E::FORM == Form::Stream => return Err(malformed(message)),
            (None, _) => return Err(no_token()),
        };
        let query = query.map_err(malformed)?;
        if !request.body().is_end_stream() {
            return Err(malformed("a poll has no body"));
        }
        let last = if E::FORM == Form::Stream {
            last_event_id(headers).map_err(malformed)?
        } else {
            None
        };
        let poll = match (last, query.after) {
            (None, Some(After::Now)) => self.door.poll_from_now(token),
            (None, Some(After::Cursor(received))) | (Some(received), _) => {
                self.door.poll(token, Some(received))
            }
            (None, None) => self.door.poll(token, None),
        };
        let poll = match poll {
            // HTML section 9.2.2: so a browser is told to come back no more.
            Err(Refused::UnknownToken | Refused::Gone) if last.is_some() => {
                return Err(Box::new(no_content(HeaderMap::new())));
            }
            poll => poll.map_err(|error| Box::new(refused(&error)))?,
        };
        let wait = query.wait;
        let (head, _) = request.into_parts();
        Ok((
            poll,
            Asked {
                wait,
                headers: head.headers,
            },
        ))
    }
}

/// What is right in place of a command that other wires have.
fn foreign(command: &Command<'_>) -> Option<&'static str> {
    match command {
        Command::Resume { .. } => {
            Some("`resume` is for WebSockets and TCP; over HTTP a session goes on with its token")
        }
        Command::End => Some("`end` is for TCP; over HTTP a session ends with DELETE /session"),
        _ => None,
    }
}

/// `{"events":[…],"next":N}` for the answer to `GET /events`; 204 where nothing was there.
///
/// `taken` is what [`Poll::poll_take`] or [`Poll::take_now`] gave for an `answer` begun with [`begin_events`].
pub fn events_answer(
    headers: HeaderMap,
    mut answer: Vec<u8>,
    taken: Result<Option<u64>, Refused>,
) -> Response {
    match taken {
        Ok(Some(next)) => {
            use std::io::Write as _;
            // Writing to a Vec can't fail.
            let _ = write!(answer, r#"],"next":{next}}}"#);
            json(headers, StatusCode::OK, answer)
        }
        // A drain ends a held poll as its time-out would; the next request is told more.
        Ok(None) | Err(Refused::Draining) => no_content(headers),
        Err(error) => refused(&error),
    }
}

/// The beginning of an answer to `GET /events`.
pub fn begin_events() -> Vec<u8> {
    br#"{"events":["#.to_vec()
}

fn welcome(status: StatusCode, session: SessionId, token: Token, resumed: bool) -> Response {
    let mut body = Vec::with_capacity(128);
    write_welcome(&mut body, session, token, resumed);
    json(HeaderMap::new(), status, body)
}

fn token(headers: &HeaderMap) -> Result<&str, Box<Response>> {
    bearer(headers).ok_or_else(no_token)
}

fn no_token() -> Box<Response> {
    refuse(
        401,
        "unauthorized",
        "this needs `Authorization: Bearer <token>`, from POST /session",
    )
}

/// What is done once the request's body is there; where it says nothing, the next request still begins behind it.
#[derive(Debug, Clone, Copy)]
enum Errand {
    Echo,
    Commands,
    Open,
    Close,
}

/// An errand until the body is there.
struct WithBody<E> {
    sessions: Rc<Sessions<E>>,
    errand: Errand,
    headers: HeaderMap,
    body: ReadBody,
}

impl<E: Events> Future for WithBody<E> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> TaskPoll<Response> {
        let body = match ready!(Pin::new(&mut self.body).poll(cx)) {
            Ok(body) => body,
            Err(response) => return TaskPoll::Ready(*response),
        };
        let headers = std::mem::take(&mut self.headers);
        let sessions = &self.sessions;
        TaskPoll::Ready(match self.errand {
            Errand::Echo => echo(headers, body),
            Errand::Commands => sessions.carry_out(headers, &body),
            Errand::Open => sessions.open(&headers),
            Errand::Close => sessions.close(headers),
        })
    }
}

pin_project! {
    /// The future of a route. Made by hand, since an `async` block keeps room for the whole request beside it while a poll is held.
    #[project = Project]
    enum Route<E, F> {
        Known { response: Box<Response> },
        Errand { future: WithBody<E> },
        Events { #[pin] future: F },
    }
}

impl<E: Events, F: Future<Output = Response>> Future for Route<E, F> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> TaskPoll<Response> {
        match self.project() {
            Project::Known { response } => TaskPoll::Ready(std::mem::take(&mut **response)),
            Project::Errand { future } => Pin::new(future).poll(cx),
            Project::Events { future } => future.poll(cx),
        }
    }
}
