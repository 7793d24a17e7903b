//! A connection on which the server speaks when it likes.

/// Age of an event when it is received: one way down and the server's own time. Exact without a queue.
pub fn age(down: f64, server: f64) -> f64 {
    down + server
}
