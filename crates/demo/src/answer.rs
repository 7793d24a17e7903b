//! Responses, with what a browser is told to forbid.
//!
//! Scripts and styles come from the demo's own files alone: a page that shows what other users wrote has no second line of defence otherwise.

use hyper::StatusCode;
use hyper::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use maud::Markup;
use transport::http::{Body, Request, Response, recycle};

/// What the answer to a request needs to know of it.
#[derive(Debug)]
pub(crate) struct Asked {
    policy: HeaderValue,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        let authority = request.uri().authority().map_or_else(
            || request.headers().get(HOST).map(HeaderValue::as_bytes),
            |authority| Some(authority.as_str().as_bytes()),
        );
        let authority = authority.and_then(|text| std::str::from_utf8(text).ok());
        Self {
            policy: policy(authority.unwrap_or_default()),
        }
    }

    /// A page.
    pub(crate) fn html(&self, status: StatusCode, page: Markup) -> Response {
        self.bytes(status, "text/html; charset=utf-8", page.into_string())
    }

    /// JSON.
    pub(crate) fn json(&self, status: StatusCode, json: impl Into<Body>) -> Response {
        self.bytes(status, "application/json", json)
    }

    /// Bytes of a type.
    pub(crate) fn bytes(
        &self,
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Body>,
    ) -> Response {
        let mut response = recycle(HeaderMap::new(), status, body.into());
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static(content_type);
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        for (name, value) in ALWAYS {
            headers.insert(name, value);
        }
        response
    }
}

const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// What pages called by `authority` (`host[:port]`) may load and connect to: the demo itself, and servers on other ports of the same host.
fn policy(authority: &str) -> HeaderValue {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let servers = if is_name {
        format!("http://{name}:* ws://{name}:*")
    } else {
        // A policy can't name an IPv6 address (CSP 3 section 2.3.1).
        "http: ws:".to_owned()
    };
    let policy = format!(
        "default-src 'self'; connect-src 'self' {servers}; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_connect_to_their_own_host_alone() {
        let connect = |authority: &str| {
            let policy = policy(authority).to_str().unwrap().to_owned();
            let part = policy.split("; ").nth(1).unwrap();
            part.strip_prefix("connect-src 'self' ").unwrap().to_owned()
        };
        assert_eq!(
            connect("localhost:7000"),
            "http://localhost:* ws://localhost:*"
        );
        assert_eq!(connect("10.0.0.7"), "http://10.0.0.7:* ws://10.0.0.7:*");
        for odd in ["[::1]:7000", "[::1]", "", "a b", "a;script-src *"] {
            assert_eq!(connect(odd), "http: ws:", "{odd}");
        }
    }
}
