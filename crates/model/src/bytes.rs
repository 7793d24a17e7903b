//! Bytes on the wire: what headers, frames, records and segments add to a payload.

/// Headers of IPv4 and TCP without options; with the timestamps that Linux adds it is [`SEGMENT`].
pub const BARE_SEGMENT: f64 = 40.0;
/// Headers of IPv4 (20), TCP (20) and its timestamp option (12, RFC 7323), a segment.
pub const SEGMENT: f64 = 52.0;
/// A TLS 1.3 record: header (5), content type (1), tag (16) (RFC 8446 section 5.2).
pub const TLS_RECORD: f64 = 22.0;
/// A masking key, on a WebSocket's way up (RFC 6455 section 5.3).
pub const MASK: f64 = 4.0;

/// A WebSocket frame's header without a mask (RFC 6455 section 5.2).
pub fn frame_header(payload: f64) -> f64 {
    if payload <= 125.0 {
        2.0
    } else if payload <= 65_535.0 {
        4.0
    } else {
        10.0
    }
}

/// A poll with its answer: headers of both, the body, a record each, and three segments (request, answer, acknowledgement).
pub fn poll(headers: f64, body: f64, record: f64, segment: f64) -> f64 {
    headers + body + 2.0 * record + 3.0 * segment
}

/// Of a poller that polls every `interval` seconds, bytes a second.
pub fn poll_per_s(headers: f64, body: f64, record: f64, segment: f64, interval: f64) -> f64 {
    poll(headers, body, record, segment) / interval
}

/// Of a message by long-poll with batching, when an answer brings so many events ([`crate::long_poll::events_per_request`]).
pub fn long_poll(
    payload: f64,
    headers: f64,
    record: f64,
    segment: f64,
    events_per_request: f64,
) -> f64 {
    payload + poll(headers, 0.0, record, segment) / events_per_request
}

/// Of a WebSocket message from the server that goes out alone: frame, record, and two segments (it and its acknowledgement).
pub fn websocket_down(payload: f64, record: f64, segment: f64) -> f64 {
    payload + frame_header(payload) + record + 2.0 * segment
}

/// The same from the client, whose frames are masked.
pub fn websocket_up(payload: f64, record: f64, segment: f64) -> f64 {
    websocket_down(payload, record, segment) + MASK
}

/// A server-sent event's text over HTTP/1.1: `data: ` and two line ends, its id line, and the chunk around it (HTML section 9.2, RFC 9112 section 7.1).
pub fn server_sent_event(payload: f64, id_line: f64) -> f64 {
    let event = payload + 8.0 + id_line;
    let digits = (event.log2() / 4.0).floor() + 1.0;
    event + digits + 4.0
}

/// From how many events an answer on a batched long-poll costs fewer bytes a message than a WebSocket that sends each by itself.
pub fn events_to_beat_websocket(payload: f64, headers: f64, record: f64, segment: f64) -> f64 {
    let each = websocket_down(payload, record, segment) - payload;
    poll(headers, 0.0, record, segment) / each
}

/// Bytes that DEFLATE makes of what it can't compress: it is stored as it is, with five bytes before each 65,535 (RFC 1951 section 3.2.4).
pub fn deflate_stored(bytes: f64) -> f64 {
    bytes + 5.0 * (bytes / 65_535.0).ceil().max(1.0)
}

/// What so many random decimal digits take at least, however they are compressed: log2(10) bits each (Shannon's entropy).
pub fn digits(count: f64) -> f64 {
    count * 10_f64.log2() / 8.0
}
