//! The table of bad requests, for all servers over HTTP.

/// What is wrong; the request, with `{host}`, `{token}` and `{other}` (a token nobody has) to fill in; the status; and the error's code,
/// or `""` where HTTP itself is broken and an answer need not be JSON. With status 0 the server may also close without an answer.
pub(super) type Bad = (&'static str, &'static str, u16, &'static str);

pub(super) const REQUESTS: &[Bad] = &[
    // Routes.
    (
        "an unknown path",
        "GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "the WebSocket's path",
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "a path above the root",
        "GET /../session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "a known path with a slash",
        "POST /session/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        404,
        "not-found",
    ),
    (
        "GET for commands",
        "GET /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        405,
        "method",
    ),
    (
        "GET for a session",
        "GET /session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        405,
        "method",
    ),
    (
        "PUT for a session",
        "PUT /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        405,
        "method",
    ),
    (
        "POST for events",
        "POST /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n",
        405,
        "method",
    ),
    (
        "DELETE for events",
        "DELETE /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        405,
        "method",
    ),
    (
        "GET for the echo",
        "GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n",
        405,
        "method",
    ),
    (
        "POST for the health",
        "POST /healthz HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        405,
        "method",
    ),
    (
        "a method nobody knows",
        "BREW /session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        405,
        "method",
    ),
    // Tokens.
    (
        "commands without a token",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n[]",
        401,
        "unauthorized",
    ),
    (
        "events without a token",
        "GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "goodbye without a token",
        "DELETE /session HTTP/1.1\r\nHost: {host}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "commands with nobody's token",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {other}\r\nContent-Length: 2\r\n\r\n[]",
        401,
        "unauthorized",
    ),
    (
        "events with nobody's token",
        "GET /events?after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {other}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "goodbye with nobody's token",
        "DELETE /session HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {other}\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "a garbled token",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer !!\r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "an empty token",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer \r\n\r\n",
        401,
        "unauthorized",
    ),
    (
        "another scheme",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {token}\r\n\r\n",
        401,
        "unauthorized",
    ),
    // Cursors.
    (
        "a cursor that is a word",
        "GET /events?after=all HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "an empty cursor",
        "GET /events?after= HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a negative cursor",
        "GET /events?after=-1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a cursor with a sign",
        "GET /events?after=+0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a cursor beyond what was sent",
        "GET /events?after=1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a cursor beyond 64 bits",
        "GET /events?after=18446744073709551616 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "two cursors",
        "GET /events?after=0&after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "an unknown parameter",
        "GET /events?since=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        400,
        "malformed",
    ),
    // Hosts and origins.
    (
        "no Host",
        "POST /session HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "two Hosts",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "an empty Host",
        "POST /session HTTP/1.1\r\nHost:\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a Host that is a URL",
        "POST /session HTTP/1.1\r\nHost: http://{host}/\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed",
    ),
    (
        "a rebound Host",
        "POST /session HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
        403,
        "origin",
    ),
    (
        "a foreign Origin",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n",
        403,
        "origin",
    ),
    (
        "an opaque Origin",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nOrigin: null\r\nContent-Length: 0\r\n\r\n",
        403,
        "origin",
    ),
    (
        "a foreign Origin's preflight",
        "OPTIONS /commands HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        403,
        "origin",
    ),
    (
        "an Origin on another port",
        "GET /events HTTP/1.1\r\nHost: {host}\r\nOrigin: http://127.0.0.1:1\r\nAuthorization: Bearer {token}\r\n\r\n",
        403,
        "origin",
    ),
    // Bodies.
    (
        "a body announced too large",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 1048577\r\n\r\n",
        413,
        "too-large",
    ),
    (
        "an echo announced too large",
        "POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9999999999\r\n\r\n",
        413,
        "too-large",
    ),
    (
        "a chunk that is no chunk",
        "POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        400,
        "malformed",
    ),
    // HTTP itself.
    (
        "a length that is no number",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: many\r\n\r\n",
        400,
        "",
    ),
    (
        "two lengths",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
        400,
        "",
    ),
    (
        "a wrong version",
        "POST /session HTTP/3.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        400,
        "",
    ),
    ("no version", "POST /session\r\n\r\n", 400, ""),
    (
        "the preface of HTTP/2",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        0,
        "",
    ),
    (
        "the hello of TLS",
        "\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03",
        0,
        "",
    ),
    (
        "no request at all",
        "hello, is anybody there?\r\n\r\n",
        400,
        "",
    ),
    (
        "a field without a colon",
        "POST /session HTTP/1.1\r\nHost {host}\r\n\r\n",
        400,
        "",
    ),
    (
        "a field with a space before its colon",
        "POST /session HTTP/1.1\r\nHost : {host}\r\n\r\n",
        400,
        "",
    ),
    (
        "a folded field",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nX-A: b\r\n c\r\n\r\n",
        400,
        "",
    ),
    (
        "a zero byte in a field",
        "POST /session HTTP/1.1\r\nHost: {host}\r\nX-A: \0\r\n\r\n",
        400,
        "",
    ),
];
