//! The client's handshake (RFC 6455 section 4.1).

use std::io;
use std::net::SocketAddr;

use crate::stream::{Counted, Meter, connect};
use crate::{ClientError, Target};
use http::Uri;
use hub::wire::Incoming;
use tokio::net::lookup_host;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Most bytes of a server's answer.
const MAX_ANSWER: usize = 64 << 10;
const MAX_HEADERS: usize = 64;

/// What a client says in its handshake beside what every one says.
#[derive(Debug, Clone, Copy)]
pub struct Handshake<'a> {
    /// The transport's name, for errors.
    pub transport: &'static str,
    /// The query of the request, where the target's URL has none.
    pub query: Option<&'a str>,
    /// The token of an `Authorization: Bearer` header.
    pub bearer: Option<&'a str>,
    /// The subprotocol that is asked for; a server may choose none (section 4.2.2).
    pub subprotocol: Option<&'a str>,
}

impl Handshake<'_> {
    /// Connects and shakes hands; returns the stream and what was read beyond the answer.
    ///
    /// # Errors
    /// As [`Protocol::connect`](crate::Protocol::connect).
    pub async fn dial(
        &self,
        target: &Target,
        meter: &Meter,
    ) -> Result<(Counted, Vec<u8>), ClientError> {
        let (authority, path) = self.place(&target.url)?;
        let address = resolve(&authority).await?;
        let stream = connect(target, address, meter).await?;
        let key = generate_key();
        let request = self.request(&authority, &path, &key);
        write_all(&stream, request.as_bytes())
            .await
            .map_err(ClientError::Broken)?;

        let mut read = Vec::new();
        let size = loop {
            if let Some(size) = check_answer(&read, &key, self.subprotocol)? {
                break size;
            }
            if read.len() > MAX_ANSWER {
                return Err(protocol("the handshake's answer has no end"));
            }
            if read_some(&stream, &mut read)
                .await
                .map_err(ClientError::Broken)?
                == 0
            {
                return Err(ended_early(&read));
            }
        };
        read.drain(..size);
        Ok((stream, read))
    }

    /// The authority and the path of a target's URL.
    fn place(&self, url: &str) -> Result<(String, String), ClientError> {
        let wrong = |reason| ClientError::Target {
            url: url.to_owned(),
            transport: self.transport,
            reason,
        };
        let uri: Uri = url
            .parse()
            .map_err(|_| wrong("a URL like ws://127.0.0.1:8080/ws is"))?;
        let authority = match (uri.scheme_str(), uri.authority()) {
            (Some("ws"), Some(authority)) if !authority.as_str().contains('@') => authority,
            (Some("wss"), _) => return Err(wrong("without TLS, one that begins with ws:// is")),
            _ => return Err(wrong("one that begins with ws:// and names a host is")),
        };
        if uri.query().is_some() && self.query.is_some() {
            return Err(wrong(
                "one without a query is: the transport brings its own",
            ));
        }
        let path = match (self.query, uri.path_and_query()) {
            (Some(query), _) => format!("{}?{query}", uri.path()),
            (None, Some(whole)) => whole.to_string(),
            (None, None) => "/".to_owned(),
        };
        Ok((authority.to_string(), path))
    }

    fn request(&self, authority: &str, path: &str, key: &str) -> String {
        let field = |name: &str, value: Option<&str>| {
            value.map_or_else(String::new, |value| format!("{name}{value}\r\n"))
        };
        format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{}{}\r\n",
            field("Sec-WebSocket-Protocol: ", self.subprotocol),
            field("Authorization: Bearer ", self.bearer),
        )
    }
}

async fn resolve(authority: &str) -> Result<SocketAddr, ClientError> {
    let unreachable = |cause| ClientError::Unreachable {
        address: authority.to_owned(),
        cause,
    };
    let is_bare = authority
        .rsplit(':')
        .next()
        .is_none_or(|port| port.parse::<u16>().is_err());
    let with_port = if is_bare {
        format!("{authority}:80")
    } else {
        authority.to_owned()
    };
    if let Ok(address) = with_port.parse() {
        return Ok(address);
    }
    let mut addresses = lookup_host(&with_port).await.map_err(unreachable)?;
    addresses
        .next()
        .ok_or_else(|| unreachable(io::ErrorKind::AddrNotAvailable.into()))
}

/// The size of the answer's head once it is whole and accepts the handshake; `None` until it is whole (with its body, where it refuses).
fn check_answer(read: &[u8], key: &str, asked: Option<&str>) -> Result<Option<usize>, ClientError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let size = match answer.parse(read) {
        Ok(httparse::Status::Complete(size)) => size,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(protocol(&format!("its handshake: {error}"))),
    };
    let field = |name: &str| {
        let found = answer
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        str::from_utf8(found.value).ok()
    };
    let status = answer.code.unwrap_or_default();
    if status != 101 {
        let length = field("content-length").and_then(|length| length.parse::<usize>().ok());
        let body = &read[size..];
        if length.is_some_and(|length| body.len() < length.min(MAX_ANSWER)) {
            return Ok(None);
        }
        return Err(refused(status, body));
    }
    let is = |name, value: &str| field(name).is_some_and(|found| found.eq_ignore_ascii_case(value));
    if !is("upgrade", "websocket") || !is("connection", "upgrade") {
        return Err(protocol("a 101 that doesn't upgrade to a WebSocket"));
    }
    if field("sec-websocket-accept") != Some(&derive_accept_key(key.as_bytes())) {
        return Err(protocol("the answer to another handshake"));
    }
    if field("sec-websocket-extensions").is_some() {
        return Err(protocol("an extension that nobody offered"));
    }
    if field("sec-websocket-protocol").is_some_and(|chosen| asked != Some(chosen)) {
        return Err(protocol("a subprotocol that nobody offered"));
    }
    Ok(Some(size))
}

fn refused(status: u16, body: &[u8]) -> ClientError {
    let message = match Incoming::parse(body) {
        Ok(Incoming::Error { message, .. }) => message.into_owned(),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    ClientError::Refused { status, message }
}

/// The server closed before its answer was whole; a refusal without a length ends so.
fn ended_early(read: &[u8]) -> ClientError {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match (answer.parse(read), answer.code) {
        (Ok(httparse::Status::Complete(size)), Some(status)) => refused(status, &read[size..]),
        _ => ClientError::Broken(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn write_all(stream: &Counted, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Appends what one read brings; 0 at the end of the stream.
async fn read_some(stream: &Counted, read: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        let mut piece = [0; 1024];
        match stream.try_read(&mut piece) {
            Ok(size) => {
                read.extend_from_slice(&piece[..size]);
                return Ok(size);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn protocol(what: &str) -> ClientError {
    ClientError::Protocol(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_ws_url() {
        let handshake = |query| Handshake {
            transport: "websocket",
            query,
            bearer: None,
            subprotocol: None,
        };
        let place = |url| {
            let placed = handshake(None).place(url);
            placed.map_err(|error| error.to_string())
        };
        let with_query = |url| handshake(Some("a=1")).place(url);
        assert_eq!(
            place("ws://127.0.0.1:80/ws"),
            Ok(("127.0.0.1:80".into(), "/ws".into()))
        );
        assert_eq!(place("ws://[::1]:9"), Ok(("[::1]:9".into(), "/".into())));
        assert_eq!(
            place("ws://a/b?c=d"),
            Ok(("a".into(), "/b?c=d".into())),
            "a foreign server's URL may have a query"
        );
        assert_eq!(
            with_query("ws://a/b").unwrap(),
            ("a".into(), "/b?a=1".into())
        );
        assert!(with_query("ws://a/b?c=d").is_err());
        for bad in [
            "http://a/ws",
            "wss://a/ws",
            "/ws",
            "ws://u@a/ws",
            "",
            "ws://",
        ] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_must_be_the_one_to_this_handshake() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let answer = |accept: &str, more: &str| {
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n{more}\r\n"
            )
        };
        // The key and its answer of RFC 6455 section 1.3.
        let right = answer("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "");
        assert_eq!(
            check_answer(right.as_bytes(), key, None).unwrap(),
            Some(right.len())
        );
        assert_eq!(
            check_answer(&right.as_bytes()[..right.len() - 1], key, None).unwrap(),
            None
        );
        for wrong in [
            answer("s3pPLMBiTxaQ9kYGzzhZRbK+xOO=", ""),
            answer(
                "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "sec-websocket-extensions: x\r\n",
            ),
            answer(
                "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "sec-websocket-protocol: x\r\n",
            ),
            "HTTP/1.1 101 Switching Protocols\r\n\r\n".into(),
            "SSH-2.0\r\n\r\n".into(),
        ] {
            assert!(
                matches!(
                    check_answer(wrong.as_bytes(), key, None),
                    Err(ClientError::Protocol(_))
                ),
                "{wrong}"
            );
        }
        let refused = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 42\r\n\r\n{\"op\":\"error\",\"code\":\"x\",\"message\":\"full\"}";
        assert!(
            check_answer(&refused.as_bytes()[..refused.len() - 1], key, None)
                .unwrap()
                .is_none()
        );
        let error = check_answer(refused.as_bytes(), key, None).unwrap_err();
        assert!(
            matches!(error, ClientError::Refused { status: 429, message } if message == "full")
        );
    }
}
