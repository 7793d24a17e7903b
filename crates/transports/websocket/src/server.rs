//! The server: handshakes, upgrades, and the drain.

use std::borrow::Cow;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use hub::wire::SUBPROTOCOL;
use hub::{Door, Refused, Session};
use hyper::body::Body as _;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Version};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use transport::http::{self, Handler, Request, Response, error};
use transport::push::{Commands, Note};
use transport::{Config, Drain, Server};

use crate::connection::{Conn, Duty, Intake};
use crate::echo::Echo;
use crate::pulse::Pulse;

/// Serves `WebSocket`s on a worker thread until a drain is over.
///
/// # Errors
/// The listener failed for good.
pub(crate) async fn serve(server: Server) -> io::Result<()> {
    let drain = server.drain.clone();
    let handler = Rc::new(Upgrades {
        door: server.door.clone(),
        config: Arc::clone(&server.config),
        drain: drain.clone(),
        pulse: Arc::new(Pulse::new(&server.config)),
    });
    let pulse = Arc::clone(&handler.pulse);
    let watch = async {
        drain.started().await;
        // Sessions are told by the hub; echoes have none.
        pulse.note_all(Note::Draining);
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        biased;
        result = http::serve(server, handler) => result,
        () = pulse.beat() => Ok(()),
        () = watch => Ok(()),
    };
    pulse.note_all(Note::Cut);
    result
}

/// Answers handshakes on one worker thread.
struct Upgrades {
    door: Door,
    config: Arc<Config>,
    drain: Drain,
    pulse: Arc<Pulse>,
}

impl Handler for Upgrades {
    fn handle(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static {
        std::future::ready(self.answer(request).unwrap_or_else(Refusal::into_response))
    }

    fn methods(&self, path: &str) -> Option<&'static [Method]> {
        matches!(path, "/ws" | "/echo").then_some(&[Method::GET])
    }
}

/// Why a handshake fails.
struct Refusal {
    status: u16,
    code: &'static str,
    message: Cow<'static, str>,
}

impl Upgrades {
    /// 101, and a connection from then on; else why not.
    fn answer(&self, mut request: Request) -> Result<Response, Refusal> {
        check_handshake(&request)?;
        let mut response = create_response_with_body(&request, http::Body::empty)
            .map_err(|_| Refusal::malformed("Sec-WebSocket-Key is 16 bytes in base64"))?;
        if offers(request.headers(), &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
            let ours = HeaderValue::from_static(SUBPROTOCOL);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, ours);
        }
        let query = request.uri().query();
        if request.uri().path() == "/echo" {
            if query.is_some() {
                return Err(Refusal::malformed("the echo takes no parameters"));
            }
            self.connect(hyper::upgrade::on(&mut request), |_| Echo);
        } else {
            let session = self.session(query, request.headers())?;
            let door = self.door.clone();
            self.connect(hyper::upgrade::on(&mut request), |conn| {
                Commands::begin(door, session, conn)
            });
        }
        Ok(response)
    }

    /// A fresh session, or the one that `?received=N` and the token in `Authorization` continue.
    fn session(&self, query: Option<&str>, headers: &HeaderMap) -> Result<Session, Refusal> {
        let token = http::bearer(headers);
        let received = match query.map(|query| query.split_once('=')) {
            None if token.is_some() => {
                return Err(Refusal::malformed("a token resumes with `?received=N`"));
            }
            None => return Ok(self.door.open()?),
            Some(Some(("received", count))) => number(count),
            Some(_) => return Err(Refusal::malformed("only `received` is known here")),
        };
        let received = received.ok_or(Refusal::malformed("`received` is a count of messages"))?;
        let token = token.ok_or(Refusal::new(
            401,
            "unauthorized",
            "resuming needs `Authorization: Bearer <token>`",
        ))?;
        Ok(match self.door.resume(token, received) {
            // What can't be continued begins anew, and the welcome says so.
            Err(Refused::UnknownToken | Refused::Gone) => self.door.open(),
            resumed => resumed,
        }?)
    }

    /// Takes the connection over as soon as the 101 has gone out. In a task of its own, so that nothing of the handshake's stays.
    fn connect<D: Duty>(
        &self,
        upgrade: OnUpgrade,
        begin: impl FnOnce(&Arc<Conn>) -> D + Send + 'static,
    ) {
        let pulse = Arc::clone(&self.pulse);
        let terms = (self.config.max_message, self.config.batching);
        let drain = self.drain.clone();
        tokio::spawn(async move {
            // It fails when the client vanishes during its handshake; a session waits for a while then, like any other.
            let Ok(upgraded) = upgrade.await else { return };
            let Some((stream, early, held)) = http::upgraded(upgraded) else {
                return;
            };
            let mut connection = Intake::connect(stream, held, &pulse, terms, begin);
            if drain.is_started() {
                connection.note(Note::Draining);
            }
            if !early.is_empty() {
                // Sent right behind the handshake, without waiting for its answer.
                connection.take_in(&mut Vec::from(early));
            }
            tokio::spawn(connection);
        });
    }
}

impl Refusal {
    const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message: Cow::Borrowed(message),
        }
    }

    const fn malformed(message: &'static str) -> Self {
        Self::new(400, "malformed", message)
    }

    const fn upgrade_required(message: &'static str) -> Self {
        Self::new(426, "upgrade-required", message)
    }

    fn into_response(self) -> Response {
        let mut response = error(self.status, self.code, &self.message);
        if self.status == 426 {
            let headers = response.headers_mut();
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            // RFC 9110 section 7.8: whoever sends Upgrade names it in Connection.
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self {
            status: refused.status(),
            code: refused.code(),
            message: refused.to_string().into(),
        }
    }
}

/// Checks what RFC 6455 section 4.2.1 asks of a handshake, but for the key's form.
fn check_handshake(request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    let is_upgrade = request.version() >= Version::HTTP_11
        && offers(headers, &CONNECTION, "upgrade")
        && offers(headers, &UPGRADE, "websocket");
    if !is_upgrade {
        return Err(Refusal::upgrade_required(
            "this is a WebSocket; see RFC 6455",
        ));
    }
    let mut versions = headers.get_all(SEC_WEBSOCKET_VERSION).iter();
    if versions.next().is_none_or(|version| version != "13") || versions.next().is_some() {
        return Err(Refusal::upgrade_required("the version of RFC 6455 is 13"));
    }
    if headers.get_all(SEC_WEBSOCKET_KEY).iter().count() != 1 {
        return Err(Refusal::malformed("a handshake has one Sec-WebSocket-Key"));
    }
    if !request.body().is_end_stream() {
        return Err(Refusal::malformed("a handshake has no body"));
    }
    Ok(())
}

/// Whether a list of tokens, which may stand in several lines, has `token`.
fn offers(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|offered| offered.trim().eq_ignore_ascii_case(token))
}

/// Digits alone; `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}
