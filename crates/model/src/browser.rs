//! What a browser lets its pages have. Chromium's numbers, which are constants of its network stack; others differ little.

/// Connections to one host and port over HTTP/1.1, all tabs together (RFC 9112 section 9.4 asks for a limit and names none; RFC 2616 said 2).
pub const CONNECTIONS_A_HOST: f64 = 6.0;

/// `WebSocket`s to one host, all tabs together: they count apart from requests, since each of them is a connection for as long as it is open.
pub const WEBSOCKETS_A_HOST: f64 = 255.0;

/// Event streams that are open when so many are asked for over HTTP/1.1: each holds a connection.
pub fn streams_open(asked: f64) -> f64 {
    asked.min(CONNECTIONS_A_HOST)
}

/// `WebSocket`s that are open when so many are asked for.
pub fn websockets_open(asked: f64) -> f64 {
    asked.min(WEBSOCKETS_A_HOST)
}
