//! The server: `GET /events` is a stream.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use hub::Poll;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use socket2::SockRef;
use tokio::net::TcpListener;
use transport::http::session::{Asked, Events, Form, Sessions};
use transport::http::{self, Body, Response, recycle};
use transport::{Config, Server};

use crate::quiet::Quiet;
use crate::stream::EventStream;

/// Serves on a worker thread until a drain is over.
///
/// # Errors
/// The listener failed for good.
pub(crate) async fn serve(server: Server) -> io::Result<()> {
    notice_the_dead(&server.listener, &server.config)?;
    let quiet = Rc::new(Quiet::new(server.config.sse_heartbeat));
    let events = Streams {
        config: Arc::clone(&server.config),
        quiet: Rc::clone(&quiet),
    };
    let handler = Sessions::new(&server, events);
    tokio::select! {
        biased;
        ended = http::serve(server, handler) => ended,
        () = quiet.sweep() => Ok(()),
    }
}

struct Streams {
    config: Arc<Config>,
    quiet: Rc<Quiet>,
}

impl Events for Streams {
    const REPLIES_IN_ANSWER: bool = false;
    const FORM: Form = Form::Stream;

    fn events(
        self: Rc<Self>,
        poll: Poll,
        asked: Asked,
    ) -> impl Future<Output = Response> + 'static {
        let stream = EventStream::new(poll, self.quiet.listen(), &self.config);
        let mut response = recycle(asked.headers, StatusCode::OK, Body::streamed(stream));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        // nginx and who took it up: what is said is to be heard at once.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        std::future::ready(response)
    }
}

/// Has the kernel end connections whose peer confirms nothing of what is sent for as long as a WebSocket may be silent: nobody answers a heartbeat,
/// but a peer that is there confirms it. Accepted sockets inherit it.
fn notice_the_dead(listener: &TcpListener, config: &Config) -> io::Result<()> {
    let most = config.ping_interval + config.ping_timeout;
    SockRef::from(listener).set_tcp_user_timeout(Some(most))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn accepted_sockets_notice_the_dead() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let config = Config {
            ping_interval: Duration::from_secs(3),
            ping_timeout: Duration::from_secs(4),
            ..Config::default()
        };
        notice_the_dead(&listener, &config).unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, _client) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let (accepted, _) = accepted.unwrap();
        assert_eq!(
            SockRef::from(&accepted).tcp_user_timeout().unwrap(),
            Some(Duration::from_secs(7))
        );
    }
}
