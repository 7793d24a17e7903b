//! What a request asks of Engine.IO, and what is wrong with it.
//!
//! The engine answers most of this by itself, but with codes that are strings, with a 101 before it looks at a WebSocket's session, and without
//! noticing that a transport isn't served; so it is only asked for requests that passed here.

use engineioxide::TransportType;
use engineioxide::socket::Sid;
use hyper::{Method, StatusCode};
use transport::http::{Response, json};

use crate::Wires;

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query {
    pub(super) transport: TransportType,
    /// The session, unless one is to be opened.
    pub(super) sid: Option<Sid>,
}

/// Why a request fails, with the reference server's code and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownTransport = 0,
    UnknownSession = 1,
    BadHandshakeMethod = 2,
    BadRequest = 3,
    UnsupportedVersion = 5,
}

impl Query {
    /// Parses a request's query, in the order in which the reference server looks at it.
    pub(super) fn parse(query: &str, method: &Method, wires: Wires) -> Result<Self, Refusal> {
        let field = |name: &str| {
            let mut fields = query.split('&').filter_map(|field| field.split_once('='));
            fields.find_map(|(key, value)| (key == name).then_some(value))
        };
        let transport = match field("transport") {
            Some("polling") if wires != Wires::WebSocket => TransportType::Polling,
            Some("websocket") if wires != Wires::Polling => TransportType::Websocket,
            _ => return Err(Refusal::UnknownTransport),
        };
        let sid = match field("sid") {
            None => None,
            Some(sid) => Some(sid.parse().map_err(|_| Refusal::UnknownSession)?),
        };
        if sid.is_none() && *method != Method::GET {
            return Err(Refusal::BadHandshakeMethod);
        }
        if field("EIO") != Some("4") {
            return Err(Refusal::UnsupportedVersion);
        }
        Ok(Self { transport, sid })
    }
}

impl Refusal {
    /// 400, with the code in JSON.
    pub(super) fn into_response(self) -> Response {
        let message = match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSession => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::UnsupportedVersion => "Unsupported protocol version",
        };
        let body = format!(r#"{{"code":{},"message":"{message}"}}"#, self as u8);
        json(hyper::HeaderMap::new(), StatusCode::BAD_REQUEST, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_the_reference_servers_order() {
        let refusal =
            |query: &str, method: Method, wires| Query::parse(query, &method, wires).err();
        let get = |query| refusal(query, Method::GET, Wires::Both);
        for query in ["", "EIO=4", "EIO=4&transport=abc", "transport=abc&sid=x"] {
            assert_eq!(get(query), Some(Refusal::UnknownTransport), "{query}");
        }
        assert_eq!(
            get("EIO=4&transport=polling&sid=abc"),
            Some(Refusal::UnknownSession)
        );
        assert_eq!(
            get("EIO=abc&transport=polling"),
            Some(Refusal::UnsupportedVersion)
        );
        assert_eq!(get("transport=polling"), Some(Refusal::UnsupportedVersion));
        assert_eq!(get("t=x&transport=polling&EIO=4"), None);
        assert_eq!(
            refusal("EIO=4&transport=polling", Method::POST, Wires::Both),
            Some(Refusal::BadHandshakeMethod)
        );
        for (wires, other) in [(Wires::Polling, "websocket"), (Wires::WebSocket, "polling")] {
            let query = format!("EIO=4&transport={other}");
            assert_eq!(
                refusal(&query, Method::GET, wires),
                Some(Refusal::UnknownTransport)
            );
        }
    }
}
