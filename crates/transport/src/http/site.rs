//! The connections of one worker thread: accepted, swept for late ones, drained.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hub::Door;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, HeaderMap, HeaderValue, VARY,
};
use hyper::server::conn::http1::{self, UpgradeableConnection};
use hyper::service::service_fn;
use pin_project_lite::pin_project;
use slab::Slab;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::answer::error;
use super::gate::admit;
use super::guarded::{Guarded, Io, Open, Order, Phase, Watch};
use super::{Handler, Response, Upload};
use crate::listener::TOO_MANY;
use crate::origin::Policy;
use crate::server::Permit;
use crate::{Config, Server, listener};

/// Most bytes of a request's head.
const MAX_HEAD: usize = 16 << 10;
/// Most bytes read or written at once: a large body comes and goes in few system calls, and an idle connection keeps little.
const MAX_BUFFER: usize = 32 << 10;
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Serves HTTP on a worker thread until a drain is over.
///
/// While draining, new requests get 503 on old and new connections alike; after [`Config::drain_notice`] the listener closes and so do idle
/// connections, and what is under way has [`Config::drain_grace`] to finish. Upgraded connections count as long as their [`Held`](super::Held)
/// lives; ending them in time is up to who upgraded them.
///
/// # Errors
/// The listener failed for good.
pub async fn serve<H: Handler>(server: Server, handler: Rc<H>) -> io::Result<()> {
    let site = Rc::new(Site::new(&server)?);
    let serving = async {
        let accepted = listener::accept(
            &server,
            |stream, permit| site.open(stream, permit, &handler),
            refuse,
        )
        .await;
        let grace = server.config.drain_grace;
        drop(server);
        site.tell_all(Order::Finish);
        if timeout(grace, site.open.none()).await.is_err() {
            site.tell_all(Order::Cut);
        }
        accepted
    };
    tokio::select! {
        biased;
        ended = serving => ended,
        () = site.sweep() => Ok(()),
    }
}

struct Site {
    config: Arc<Config>,
    door: Door,
    policy: Policy,
    builder: http1::Builder,
    open: Arc<Open>,
    watches: RefCell<Slab<Arc<Watch>>>,
    clock: Arc<AtomicU64>,
}

impl Site {
    fn new(server: &Server) -> io::Result<Self> {
        let mut builder = http1::Builder::new();
        // Head and body in one piece: gathering them from two costs more than copying the body (4 % of an echo of 64 bytes).
        builder
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_BUFFER)
            .writev(false);
        Ok(Self {
            config: Arc::clone(&server.config),
            door: server.door.clone(),
            policy: Policy::new(&server.config.allow_origins, server.listener.local_addr()?),
            builder,
            open: Arc::default(),
            watches: RefCell::default(),
            clock: Arc::default(),
        })
    }

    /// Serves a connection in a task of its own.
    fn open<H: Handler>(self: &Rc<Self>, stream: TcpStream, permit: Permit, handler: &Rc<H>) {
        let watch = Arc::new(Watch::new(Arc::clone(&self.clock)));
        let io = Io::new(Guarded::new(stream, permit, &self.open, Arc::clone(&watch)));
        let key = self.watches.borrow_mut().insert(Arc::clone(&watch));
        let place = Rc::new(Place {
            site: Rc::clone(self),
            watch,
            key,
        });
        let service = {
            let (handler, place) = (Rc::clone(handler), Rc::clone(&place));
            service_fn(move |request| place.answer(&handler, request))
        };
        let mut connection = Some(self.builder.serve_connection(io, service).with_upgrades());
        spawn_local(async move {
            let mut is_known = false;
            poll_fn(|cx| {
                let watch = &place.watch;
                if !is_known {
                    // A task's waker is the same at every poll.
                    watch.set_waker(cx.waker());
                    is_known = true;
                }
                let Some(http) = &mut connection else {
                    return Poll::Ready(());
                };
                match (watch.take_order(), watch.phase()) {
                    (Order::None, _)
                    | (
                        Order::Late,
                        Phase::Body | Phase::BodyLate | Phase::Busy | Phase::Streaming,
                    ) => {}
                    (Order::Finish, _) | (Order::Late, Phase::Idle) => {
                        Pin::new(&mut *http).graceful_shutdown();
                    }
                    (Order::Late, Phase::Head) => {
                        if let Some(parts) = connection
                            .take()
                            .and_then(UpgradeableConnection::into_parts)
                        {
                            parts.io.inner().say_late();
                        }
                        return Poll::Ready(());
                    }
                    (
                        Order::Late,
                        Phase::Sending | Phase::Stalled | Phase::Responding | Phase::Lingering,
                    )
                    | (Order::Cut, _) => {
                        return Poll::Ready(());
                    }
                }
                // An error is the client's: its connection broke, or it doesn't speak HTTP/1.1.
                if let Err(error) = ready!(Pin::new(http).poll(cx))
                    && error.is_parse()
                    && matches!(watch.phase(), Phase::Idle | Phase::Head)
                    && let Some(parts) = connection
                        .take()
                        .and_then(UpgradeableConnection::into_parts)
                {
                    parts.io.inner().say_no_http();
                }
                Poll::Ready(())
            })
            .await;
        });
    }

    fn tell_all(&self, order: Order) {
        for (_, watch) in &*self.watches.borrow() {
            watch.give(order);
        }
    }

    /// Ends late connections, for ever.
    async fn sweep(&self) {
        let shortest = self
            .config
            .header_timeout
            .min(self.config.body_timeout)
            .min(self.config.idle_timeout);
        let period = (shortest / 8).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let slack = period.as_millis() as u64;
        let start = Instant::now();
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = start.elapsed().as_millis() as u64;
            self.clock.store(now, Relaxed);
            for (_, watch) in &*self.watches.borrow() {
                watch.sweep(now, slack, &self.config);
            }
        }
    }
}

/// A connection's place on its site.
pub(super) struct Place {
    site: Rc<Site>,
    pub(super) watch: Arc<Watch>,
    /// Where the watch is listed.
    key: usize,
}

impl Place {
    /// What becomes of a request.
    fn answer<H: Handler>(
        self: &Rc<Self>,
        handler: &Rc<H>,
        request: hyper::Request<Incoming>,
    ) -> Answer<impl Future<Output = Response> + use<H>> {
        let Self { site, watch, .. } = &**self;
        watch.enter(if request.body().is_end_stream() {
            Phase::Busy
        } else {
            Phase::Body
        });
        let (doing, origin) =
            match admit(&request, &site.policy, site.door.is_draining(), &**handler) {
                Ok(origin) => {
                    let request = request.map(|incoming| Upload::new(incoming, Rc::clone(self)));
                    (
                        Doing::Handling {
                            future: Rc::clone(handler).handle(request),
                        },
                        origin,
                    )
                }
                Err(response) => (Doing::Refused { response }, None),
            };
        Answer {
            doing,
            origin,
            place: Rc::clone(self),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.site.watches.borrow_mut().remove(self.key);
    }
}

pin_project! {
    /// A request being answered.
    struct Answer<F> {
        #[pin]
        doing: Doing<F>,
        // The foreign origin whose pages may read the answer.
        origin: Option<Box<HeaderValue>>,
        place: Rc<Place>,
    }
}

pin_project! {
    #[project = Project]
    enum Doing<F> {
        Refused { response: Box<Response> },
        Handling { #[pin] future: F },
    }
}

impl<F: Future<Output = Response>> Future for Answer<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let watch = &this.place.watch;
        let mut response = match this.doing.project() {
            Project::Refused { response } => std::mem::take(&mut **response),
            Project::Handling { .. } if watch.phase() == Phase::BodyLate => {
                error(408, "timeout", "the request's body took too long")
            }
            Project::Handling { future } => ready!(future.poll(cx)),
        };
        let is_last = !this.place.site.config.keep_alive;
        // An upgrade has use for its connection. (hyper's own setting would tell it to close as well.)
        let is_last = is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, NO_STORE);
        if is_last {
            headers.insert(CONNECTION, CLOSE);
        }
        if let Some(origin) = this.origin.take() {
            allow_origin(headers, *origin);
        }
        if matches!(watch.phase(), Phase::Body | Phase::BodyLate) {
            // Answered before the body was read: its rest can't be told from a next request.
            headers.insert(CONNECTION, CLOSE);
            watch.linger();
        }
        response.body_mut().announce(watch);
        Poll::Ready(Ok(response))
    }
}

/// Tells one connection too many why it is refused, without giving it more than a second.
fn refuse(mut stream: TcpStream) {
    spawn_local(async move {
        let conversation = async {
            // A response before the request was read would be lost in the reset that closing then sends.
            let _ = stream.read(&mut [0; 4096]).await?;
            let head = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncache-control: no-store\r\nretry-after: 1\r\nconnection: close";
            stream
                .write_all(
                    format!(
                        "{head}\r\ncontent-length: {}\r\n\r\n{TOO_MANY}",
                        TOO_MANY.len()
                    )
                    .as_bytes(),
                )
                .await?;
            stream.shutdown().await
        };
        // Whatever becomes of it, the connection ends here.
        let _ = timeout(Duration::from_secs(1), conversation).await;
    });
}

/// Lets pages of `origin` read the answer.
pub(super) fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(VARY, HeaderValue::from_static("origin"));
}
