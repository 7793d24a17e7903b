//! Requests: which go to the engine, and in what form.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use engineioxide::{DisconnectReason, TransportType};
use http_body_util::{BodyExt, Full};
use hub::Door;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::service::Service as _;
use hyper::{Method, StatusCode, Uri};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use transport::Server;
use transport::http::{self, Handler, Request, Response, echo, read_body, recycle};

use super::connection::Connection;
use super::engine::{Engine, Opened};
use super::query::{Query, Refusal};
use super::wire::{Stream, Wire};
use crate::Wires;
use crate::app::App;

/// Where Socket.IO lives.
pub(super) const PATH: &str = "/socket.io/";

/// Serves on a worker thread until a drain is over.
///
/// # Errors
/// The listener failed for good.
pub(crate) async fn serve(server: Server, wires: Wires, app: Arc<dyn App>) -> io::Result<()> {
    let engine = server
        .common
        .get_or_make(|| Engine::new(&server.config, wires, app));
    let engine =
        engine.ok_or_else(|| io::Error::other("this server's threads serve something else"))?;
    let entrance = Rc::new(Entrance {
        engine: Arc::clone(&engine),
        door: server.door.clone(),
    });
    let drain = server.drain.clone();
    let watch = async {
        drain.started().await;
        engine.clients.drain();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        result = http::serve(server, entrance) => result,
        () = engine.sweep() => Ok(()),
        () = watch => Ok(()),
    }
}

/// Answers requests on one worker thread.
struct Entrance {
    engine: Arc<Engine>,
    door: Door,
}

impl Handler for Entrance {
    fn handle(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static {
        // A poll is held for long, and all that it needs is boxed within the engine as well.
        Box::pin(async move {
            if request.uri().path() != PATH {
                let (parts, body) = request.into_parts();
                return match read_body(body, self.engine.config.max_message).await {
                    Ok(body) => echo(parts.headers, body),
                    Err(refused) => *refused,
                };
            }
            self.answer(request)
                .await
                .unwrap_or_else(Refusal::into_response)
        })
    }

    fn methods(&self, path: &str) -> Option<&'static [Method]> {
        match path {
            PATH => Some(&[Method::GET, Method::POST]),
            "/echo" => Some(&[Method::POST]),
            _ => None,
        }
    }
}

impl Entrance {
    async fn answer(self: Rc<Self>, request: Request) -> Result<Response, Refusal> {
        let query = request.uri().query().unwrap_or_default();
        let Query { transport, sid } = Query::parse(query, request.method(), self.engine.wires)?;
        let connection = match sid {
            None => None,
            Some(sid) => {
                let known = self.engine.clients.find(sid);
                Some(known.ok_or(Refusal::UnknownSession)?)
            }
        };
        if transport == TransportType::Websocket {
            return self.upgrade(request, connection);
        }
        if connection
            .as_ref()
            .is_some_and(|connection| connection.is_websocket())
        {
            return Err(Refusal::BadRequest);
        }
        match (request.method(), connection) {
            (&Method::POST, Some(connection)) => Ok(self.post(request, connection).await),
            (_, Some(connection)) => Ok(self.poll(request, connection).await),
            (_, None) => Ok(self.open(request).await),
        }
    }

    /// A new polling session.
    async fn open(&self, request: Request) -> Response {
        let (parts, _) = request.into_parts();
        let response = self.ask(Method::GET, parts.uri, Bytes::new()).await;
        let (status, content_type, mut body) = response;
        if self.engine.wires == Wires::Polling {
            // The engine offers a WebSocket even where there is none.
            let open = String::from_utf8_lossy(&body);
            body = open
                .replace(r#""upgrades":["websocket"]"#, r#""upgrades":[]"#)
                .into_bytes()
                .into();
        }
        respond(parts.headers, (status, content_type, body))
    }

    /// A poll.
    async fn poll(&self, request: Request, connection: Arc<Connection>) -> Response {
        let uri = {
            // The header fields keep the whole buffer alive that hyper has read them into.
            let (parts, _) = request.into_parts();
            parts.uri
        };
        connection.begin_poll();
        let mut held = HeldPoll(Some(connection));
        let response = self.ask(Method::GET, uri, Bytes::new()).await;
        if let Some(connection) = held.0.take() {
            connection.end_poll();
        }
        respond(HeaderMap::new(), response)
    }

    /// Packets from a client.
    async fn post(&self, request: Request, connection: Arc<Connection>) -> Response {
        let (parts, body) = request.into_parts();
        let body = match read_body(body, self.engine.config.max_message).await {
            Ok(body) => body,
            Err(refused) => return *refused,
        };
        // Answers to what came before must have room before more is asked for.
        connection.unclogged().await;
        let response = self.ask(Method::POST, parts.uri, body).await;
        connection.settle();
        respond(parts.headers, response)
    }

    /// Hands a request to the engine.
    async fn ask(&self, method: Method, uri: Uri, body: Bytes) -> Answer {
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.extensions_mut().insert(Opened {
            door: self.door.clone(),
            wire: None,
        });
        let answered: Result<_, Infallible> = self.engine.service.call(request).await;
        let Ok(response) = answered;
        let (mut parts, body) = response.into_parts();
        // Its bodies are whole already.
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        };
        (parts.status, parts.headers.remove(CONTENT_TYPE), body)
    }

    /// 101, and the TCP stream is the engine's from then on.
    fn upgrade(
        &self,
        mut request: Request,
        connection: Option<Arc<Connection>>,
    ) -> Result<Response, Refusal> {
        if !is_handshake(request.headers()) {
            return Err(Refusal::BadRequest);
        }
        let response = create_response_with_body(&request, http::Body::empty)
            .map_err(|_| Refusal::BadRequest)?;
        let upgrade = hyper::upgrade::on(&mut request);
        let uri = request.uri().clone();
        let wire = Wire::new(&self.engine.clock);
        let is_upgrade = connection.is_some();
        if let Some(connection) = connection
            && !connection.set_wire(&wire)
        {
            return Err(Refusal::BadRequest);
        }
        let (service, door) = (self.engine.service.clone(), self.door.clone());
        tokio::spawn(async move {
            let parts = match upgrade.await {
                Ok(upgraded) => http::upgraded(upgraded),
                // The client vanished during its handshake.
                Err(_) => None,
            };
            let Some(parts) = parts else {
                wire.give_up();
                return;
            };
            let stream = Stream::new(parts, Arc::clone(&wire), is_upgrade);
            let mut request = hyper::Request::new(());
            *request.uri_mut() = uri;
            request.extensions_mut().insert(Opened {
                door,
                wire: (!is_upgrade).then_some(wire),
            });
            // What can be wrong with it was looked at before.
            let _ = service.call((stream, request)).await;
        });
        Ok(response)
    }
}

/// A poll under way. One that its client gives up ends the session, as on the reference server: what was on its way is lost, and only a
/// resume brings it back.
struct HeldPoll(Option<Arc<Connection>>);

impl Drop for HeldPoll {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.close(DisconnectReason::TransportError);
        }
    }
}

/// The engine's answer: status, content type, body.
type Answer = (StatusCode, Option<HeaderValue>, Bytes);

fn respond(headers: HeaderMap, (status, content_type, body): Answer) -> Response {
    let mut response = recycle(headers, status, body.into());
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

/// Whether this is what RFC 6455 section 4.2.1 asks of a handshake, but for the key.
fn is_handshake(headers: &HeaderMap) -> bool {
    let offers = |name, token: &str| {
        let lines = headers.get_all(name).iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .any(|offered| offered.trim().eq_ignore_ascii_case(token))
    };
    offers(CONNECTION, "upgrade")
        && offers(UPGRADE, "websocket")
        && headers
            .get(SEC_WEBSOCKET_VERSION)
            .is_some_and(|version| version == "13")
}
