//! What is answered before a handler is asked.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION, HOST, HeaderMap, HeaderValue, ORIGIN,
};
use hyper::{Method, StatusCode, Version};

use super::answer::{error, json, no_content, refuse};
use super::{Handler, Response};
use crate::origin::{Origin, Policy};

/// Most bytes of a request's target (RFC 9110 section 4.1 wants 8,000 at least).
const MAX_TARGET: usize = 8192;
/// How long a browser may remember a preflight's answer, in seconds: Chromium's most. Without it, 5 s.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, last-event-id");

/// The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

/// Whether a handler should be asked; with the origin to allow where a page of another origin may read the answer.
pub(super) fn admit<B, H: Handler>(
    request: &hyper::Request<B>,
    policy: &Policy,
    draining: bool,
    handler: &H,
) -> Result<Option<Box<HeaderValue>>, Box<Response>> {
    let headers = request.headers();
    let host = host(request)?;
    if let Some(host) = host
        && !policy.admits_host(host)
    {
        return Err(refuse(
            403,
            "origin",
            "this server is on the loopback interface: its name is localhost, 127.0.0.1 or [::1]",
        ));
    }
    let allowed = match headers.get(ORIGIN) {
        None => None,
        Some(origin) => match policy.judge(origin.as_bytes(), host.unwrap_or_default()) {
            Origin::Same => None,
            Origin::Allowed => Some(origin),
            Origin::Foreign => {
                return Err(refuse(
                    403,
                    "origin",
                    "pages of this origin may not use this server; see --allow-origin",
                ));
            }
        },
    };
    if draining {
        let mut refusal = refuse(
            503,
            "draining",
            "the server is draining; connect again elsewhere or later",
        );
        // A page that may use this server may read why it can't.
        if let Some(origin) = allowed {
            super::site::allow_origin(refusal.headers_mut(), origin.clone());
        }
        return Err(refusal);
    }
    let path = request.uri().path();
    let target = path.len() + request.uri().query().map_or(0, str::len);
    if target > MAX_TARGET {
        return Err(refuse(
            414,
            "too-large",
            "a request's target may have 8192 bytes",
        ));
    }
    let methods = handler.methods(path);
    if methods.is_some_and(|methods| methods.contains(request.method())) {
        return Ok(allowed.cloned().map(Box::new));
    }
    let mut response = if path == "/healthz" {
        health(request)
    } else if let Some(methods) = methods {
        other_method(request, methods)
    } else {
        error(404, "not-found", "there is nothing at this path")
    };
    if let Some(origin) = allowed {
        super::site::allow_origin(response.headers_mut(), origin.clone());
    }
    Err(Box::new(response))
}

/// The authority that the request is for. An absolute target overrides `Host` (RFC 9112 section 3.2.2); HTTP/1.0 may go without.
fn host<B>(request: &hyper::Request<B>) -> Result<Option<&[u8]>, Box<Response>> {
    let headers = request.headers();
    // Looking for a second Host is only worth it where some field is there twice.
    if headers.len() > headers.keys_len() && headers.get_all(HOST).iter().nth(1).is_some() {
        return Err(refuse(400, "malformed", "more than one Host"));
    }
    if let Some(authority) = request.uri().authority() {
        return Ok(Some(authority.as_str().as_bytes()));
    }
    match headers.get(HOST) {
        Some(host) if is_authority(host.as_bytes()) => Ok(Some(host.as_bytes())),
        Some(_) => Err(refuse(400, "malformed", "Host is not host:port")),
        None if request.version() == Version::HTTP_10 => Ok(None),
        None => Err(refuse(400, "malformed", "no Host")),
    }
}

/// Whether this may be a host and a port (RFC 3986 section 3.2.2, without user information).
fn is_authority(host: &[u8]) -> bool {
    const ALLOWED: [bool; 256] = {
        let mut allowed = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            allowed[byte] = (byte as u8).is_ascii_alphanumeric()
                || matches!(
                    byte as u8,
                    b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']' | b'%'
                );
            byte += 1;
        }
        allowed
    };
    !host.is_empty() && host.iter().all(|byte| ALLOWED[usize::from(*byte)])
}

fn health<B>(request: &hyper::Request<B>) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => json(
            HeaderMap::new(),
            StatusCode::OK,
            &br#"{"status":"ready"}"#[..],
        ),
        _ => other_method(request, &[Method::GET, Method::HEAD]),
    }
}

/// The answer to `OPTIONS`, a CORS preflight or not, and to methods that a path doesn't have.
fn other_method<B>(request: &hyper::Request<B>, methods: &[Method]) -> Response {
    let names: Vec<&str> = methods
        .iter()
        .map(Method::as_str)
        .chain(["OPTIONS"])
        .collect();
    let names =
        HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"));
    if request.method() != Method::OPTIONS {
        let mut response = error(
            405,
            "method",
            "this path doesn't have this method; see Allow",
        );
        response.headers_mut().insert(ALLOW, names);
        return response;
    }
    let mut response = no_content(HeaderMap::new());
    let headers = response.headers_mut();
    if request.headers().contains_key(ORIGIN)
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, names.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    headers.insert(ALLOW, names);
    response
}
