//! Bodies of responses and requests.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::body::{Body as HyperBody, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap};

use super::Response;
use super::answer::{recycle, refuse};
use super::guarded::{Phase, Watch};
use super::site::Place;

/// Most bytes that a body gives at once. hyper copies them behind the head, so that a usual answer is one write of one piece of memory, and keeps
/// the room they took.
const PIECE: usize = 16 << 10;

/// A body that goes on for as long as there is something to say.
pub trait Source: 'static {
    /// The next bytes, which go out in as few writes as they fit in; `None` at the end. Not asked while the client's socket is full, so what
    /// waits stays where it is, under the bounds that hold there.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

/// The body of a response: bytes that are all there, or none, or what a [`Source`] gives.
#[derive(Default)]
pub struct Body {
    bytes: Bytes,
    source: Option<Box<dyn Source>>,
    /// Told when the last of several pieces is handed over.
    watch: Option<Arc<Watch>>,
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self {
            bytes: Bytes::new(),
            source: None,
            watch: None,
        }
    }

    /// A body without an end in sight.
    pub fn streamed(source: impl Source) -> Self {
        let mut body = Self::empty();
        body.source = Some(Box::new(source));
        body
    }

    /// The response goes out now: `watch` shall know when hyper has all of it.
    pub(super) fn announce(&mut self, watch: &Arc<Watch>) {
        if self.source.is_some() {
            watch.enter(Phase::Streaming);
            self.watch = Some(Arc::clone(watch));
        } else if self.bytes.len() > PIECE {
            watch.enter(Phase::Sending);
            self.watch = Some(Arc::clone(watch));
        } else {
            watch.enter(Phase::Responding);
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        let mut body = Self::empty();
        body.bytes = bytes.into();
        body
    }
}

impl HyperBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.source.is_some() {
            ready!(self.poll_source(cx));
        }
        let length = self.bytes.len().min(PIECE);
        if length == self.bytes.len() && self.source.is_none() {
            self.end();
        }
        Poll::Ready((length > 0).then(|| Ok(Frame::data(self.bytes.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && self.source.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.source.is_some() {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

impl Body {
    /// Ready when there are bytes, or the source has come to its end. A source is asked anew only when the socket has taken what it gave before.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_stalled = |watch: &Arc<Watch>| watch.phase() == Phase::Stalled;
        if self.watch.as_ref().is_some_and(is_stalled) {
            // The connection's task is woken when its socket has taken all.
            return Poll::Pending;
        }
        while self.bytes.is_empty()
            && let Some(source) = &mut self.source
        {
            match ready!(source.poll_bytes(cx)) {
                Some(bytes) => self.bytes = bytes,
                None => self.source = None,
            }
        }
        Poll::Ready(())
    }

    fn end(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.enter(Phase::Responding);
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("bytes", &self.bytes)
            .field("is_streamed", &self.source.is_some())
            .finish_non_exhaustive()
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // The answer to HEAD ends without its body.
        self.end();
    }
}

/// The body of a request as it comes in. While it does, the body's time-out runs.
pub struct Upload {
    incoming: Incoming,
    place: Rc<Place>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upload").field(&self.incoming).finish()
    }
}

impl Upload {
    pub(super) fn new(incoming: Incoming, place: Rc<Place>) -> Self {
        Self { incoming, place }
    }
}

impl HyperBody for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || self.incoming.is_end_stream() {
            self.place.watch.enter(Phase::Busy);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The whole body, if it has at most `limit` bytes. One that arrives in one piece is not copied.
///
/// The future gives the answer to give as an error: 413 as soon as the body is known to be too large, 400 when it breaks off or is badly framed.
pub fn read_body(body: Upload, limit: usize) -> ReadBody {
    let got = if body.size_hint().lower() > limit as u64 {
        Got::TooMuch
    } else {
        Got::Nothing
    };
    ReadBody { body, limit, got }
}

/// The future of [`read_body`]. An `async` function would be three state machines within each other, for what is nearly always one piece.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ReadBody {
    body: Upload,
    limit: usize,
    got: Got,
}

#[derive(Debug)]
enum Got {
    Nothing,
    One(Bytes),
    Several(BytesMut),
    TooMuch,
}

impl Future for ReadBody {
    type Output = Result<Bytes, Box<Response>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if matches!(this.got, Got::TooMuch) {
                return Poll::Ready(Err(too_large(this.limit)));
            }
            match ready!(Pin::new(&mut this.body).poll_frame(cx))
                .map(|frame| frame.map(Frame::into_data))
            {
                Some(Ok(Ok(piece))) => this.take(piece),
                // Trailers are passed over.
                Some(Ok(Err(_))) => {}
                Some(Err(_)) => return Poll::Ready(Err(broken())),
                None => return Poll::Ready(Ok(this.whole())),
            }
            if this.body.is_end_stream() && !matches!(this.got, Got::TooMuch) {
                return Poll::Ready(Ok(this.whole()));
            }
        }
    }
}

impl ReadBody {
    fn take(&mut self, piece: Bytes) {
        let before = match &self.got {
            Got::One(bytes) => bytes.len(),
            Got::Several(bytes) => bytes.len(),
            Got::Nothing | Got::TooMuch => 0,
        };
        if before + piece.len() > self.limit {
            self.got = Got::TooMuch;
            return;
        }
        self.got = match std::mem::replace(&mut self.got, Got::Nothing) {
            Got::One(first) => {
                let mut several = BytesMut::from(first);
                several.extend_from_slice(&piece);
                Got::Several(several)
            }
            Got::Several(mut several) => {
                several.extend_from_slice(&piece);
                Got::Several(several)
            }
            Got::Nothing | Got::TooMuch => Got::One(piece),
        };
    }

    fn whole(&mut self) -> Bytes {
        match std::mem::replace(&mut self.got, Got::Nothing) {
            Got::One(bytes) => bytes,
            Got::Several(bytes) => bytes.freeze(),
            Got::Nothing | Got::TooMuch => Bytes::new(),
        }
    }
}

/// The answer to `POST /echo`: the same bytes with the same content type, read by nobody.
pub fn echo(mut headers: HeaderMap, body: Bytes) -> Response {
    let content_type = headers.remove(CONTENT_TYPE);
    let mut response = recycle(headers, StatusCode::OK, body.into());
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

#[cold]
fn broken() -> Box<Response> {
    refuse(
        400,
        "malformed",
        "the request's body is badly framed or not whole",
    )
}

#[cold]
fn too_large(limit: usize) -> Box<Response> {
    refuse(
        413,
        "too-large",
        &format!("a request's body may have {limit} bytes; see --max-message"),
    )
}
