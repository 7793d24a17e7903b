//! The table of bad handshakes.

/// What is wrong; the request with `{host}`, `{key}`, `{token}` and `{upgrade}` (the fields of a right handshake) to fill in; the status.
pub(super) const HANDSHAKES: &[(&str, &str, u16)] = &[
    (
        "a plain GET",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\n\r\n",
        426,
    ),
    (
        "a plain GET for the echo",
        "GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n",
        426,
    ),
    (
        "POST",
        "POST /ws HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        405,
    ),
    (
        "an unknown path",
        "GET /nothing HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        404,
    ),
    (
        "another protocol",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: irc\r\n\r\n",
        426,
    ),
    (
        "a version of before the standard",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: {key}\r\n\r\n",
        426,
    ),
    (
        "no version",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {key}\r\n\r\n",
        426,
    ),
    (
        "no key",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
        400,
    ),
    (
        "a key of other than 16 bytes",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n\r\n",
        400,
    ),
    (
        "a foreign Origin",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n{upgrade}\r\n",
        403,
    ),
    (
        "an opaque Origin",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: null\r\n{upgrade}\r\n",
        403,
    ),
    (
        "a foreign Origin at the echo",
        "GET /echo HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n{upgrade}\r\n",
        403,
    ),
    ("no Host", "GET /ws HTTP/1.1\r\n{upgrade}\r\n", 400),
    (
        "two Hosts",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "a rebound Host",
        "GET /ws HTTP/1.1\r\nHost: evil.example\r\n{upgrade}\r\n",
        403,
    ),
    (
        "a cursor that is a word",
        "GET /ws?received=all HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "a negative cursor",
        "GET /ws?received=-1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "a cursor beyond what was sent",
        "GET /ws?received=1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n",
        400,
    ),
    (
        "an unknown parameter",
        "GET /ws?since=1 HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n",
        400,
    ),
    ("no request at all", "hello, is anybody there?\r\n\r\n", 400),
];
