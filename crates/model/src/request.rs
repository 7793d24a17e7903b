//! A request and its answer, and a connection that has to be set up first.
//!
//! `set_up` is the number of round trips before a new connection carries its first byte: [`KEPT`], [`TCP`], [`TCP_TLS13`], [`TCP_TLS12`].

/// A connection that is there already.
pub const KEPT: f64 = 0.0;
/// TCP's handshake (RFC 9293 section 3.5): the client may send with its acknowledgement.
pub const TCP: f64 = 1.0;
/// TCP and a full TLS 1.3 handshake (RFC 8446 section 2).
pub const TCP_TLS13: f64 = 2.0;
/// TCP and a full TLS 1.2 handshake (RFC 5246 section 7.3).
pub const TCP_TLS12: f64 = 3.0;
/// QUIC with TLS 1.3 (RFC 9001 section 4.1): both in one.
pub const QUIC: f64 = 1.0;

/// From a client's decision to send until the server has it: the set-up, and one way up. Exact. With up = r/2, the ratios for 0 to 3 round trips of
/// set-up are 1, 3, 5 and 7.
pub fn one_way(set_up: f64, round_trip: f64, up: f64) -> f64 {
    set_up * round_trip + up
}

/// Until the answer is there. Exact.
pub fn response(set_up: f64, round_trip: f64, server: f64) -> f64 {
    (set_up + 1.0) * round_trip + server
}

/// Round trips from nothing to the first datum: the set-up and a request, which for a WebSocket is its handshake (RFC 6455 section 4), whose answer the
/// first message may follow at once. A WebSocket over an HTTP/2 connection that is there (RFC 8441) has no set-up.
pub fn round_trips_to_first_datum(set_up: f64) -> f64 {
    set_up + 1.0
}
