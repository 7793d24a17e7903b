//! Bodies of responses and requests.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body as HyperBody, Frame, Incoming, SizeHint};
use hyper::header::CONTENT_TYPE;

use super::answer::{error, recycle};
use super::guarded::Phase;
use super::site::Place;
use super::{Request, Response};

/// The body of a response: bytes that are all there, or none.
#[derive(Debug, Default)]
pub struct Body(Bytes);

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self(Bytes::new())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl HyperBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
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
/// # Errors
/// The answer to give: 413 as soon as the body is known to be too large, 400 when it breaks off or is badly framed.
pub async fn read_body(mut body: Upload, limit: usize) -> Result<Bytes, Response> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let Some(first) = next(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limit {
        return Err(too_large(limit));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while let Some(piece) = next(&mut body).await? {
        if whole.len() + piece.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The answer to `POST /echo`: the same bytes with the same content type, read by nobody.
pub async fn echo(request: Request, limit: usize) -> Response {
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    let content_type = headers.remove(CONTENT_TYPE);
    match read_body(body, limit).await {
        Ok(body) => {
            let mut response = recycle(headers, StatusCode::OK, body.into());
            if let Some(content_type) = content_type {
                response.headers_mut().insert(CONTENT_TYPE, content_type);
            }
            response
        }
        Err(response) => response,
    }
}

/// The next piece of data; trailers are passed over.
async fn next(body: &mut Upload) -> Result<Option<Bytes>, Response> {
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => return Ok(Some(data)),
            Ok(Err(_trailers)) => {}
            Err(_broken) => {
                return Err(error(
                    400,
                    "malformed",
                    "the request's body is badly framed or not whole",
                ));
            }
        }
    }
    Ok(None)
}

#[cold]
fn too_large(limit: usize) -> Response {
    error(
        413,
        "too-large",
        &format!("a request's body may have {limit} bytes; see --max-message"),
    )
}
