//! Responses.

use hub::Refused;
use hub::wire::write_error;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Response as HyperResponse, StatusCode};

use super::{Body, Response};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An error as every server of the lab tells it: `{"op":"error","code":…,"message":…}`.
///
/// # Panics
/// `status` is no status code.
#[cold]
pub fn error(status: u16, code: &str, message: &str) -> Response {
    let mut body = Vec::with_capacity(64 + message.len());
    write_error(&mut body, code, message);
    let status = StatusCode::from_u16(status).expect("an error is given with a constant");
    let mut response = json(HeaderMap::new(), status, body);
    let (name, value) = match status {
        StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Bearer"),
        StatusCode::TOO_MANY_REQUESTS => (RETRY_AFTER, "1"),
        // What follows on this connection would be refused too, or can't be read.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => (CONNECTION, "close"),
        _ => return response,
    };
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

/// [`error`] as the error of a `Result`, which it would make large unboxed.
pub(super) fn refuse(status: u16, code: &str, message: &str) -> Box<Response> {
    Box::new(error(status, code, message))
}

/// What the hub refuses, as an answer.
#[cold]
pub fn refused(refused: &Refused) -> Response {
    error(refused.status(), refused.code(), &refused.to_string())
}

/// An answer with a JSON body. `headers` is the request's header map, of which only the memory is used again (or a new one).
pub fn json(headers: HeaderMap, status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = recycle(headers, status, body.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// 204, which has no body.
pub fn no_content(headers: HeaderMap) -> Response {
    recycle(headers, StatusCode::NO_CONTENT, Body::empty())
}

/// An answer whose header map has the memory of the request's, but nothing in it. hyper takes that memory for the next request again, so that
/// a connection in use allocates none.
pub fn recycle(mut headers: HeaderMap, status: StatusCode, body: Body) -> Response {
    headers.clear();
    let mut response = HyperResponse::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
