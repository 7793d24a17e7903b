//! What loss and broken connections cost.

/// Linux's least retransmission time-out beyond the smoothed round trip, seconds (`TCP_RTO_MIN`; RFC 6298 asks for a second in all).
pub const LEAST_TIME_OUT: f64 = 0.2;

/// A retransmission time-out (RFC 6298 section 2.2 and 2.3, with Linux's least): the smoothed round trip and four of its mean deviations, or at least
/// 200 ms. A lost segment with nothing behind it waits so long.
pub fn time_out(round_trip: f64, deviation: f64) -> f64 {
    round_trip + (4.0 * deviation).max(LEAST_TIME_OUT)
}

/// Attempts a second when so many clients come back at uniformly random times within `jitter` seconds (RFC 6455 section 7.2.3), once the server answers.
pub fn reconnects_per_s(clients: f64, jitter: f64) -> f64 {
    clients / jitter
}

/// The most of them in a second when the server is away for `down` seconds, at most one: who came in vain comes again within that second.
pub fn most_reconnects_per_s(clients: f64, jitter: f64, down: f64) -> f64 {
    reconnects_per_s(clients, jitter) * (1.0 + down.min(1.0))
}
