//! A client that asks on a clock, `interval` from the start of one poll to the start of the next.
//!
//! An event arrives at any moment between two polls and waits for the next one, so its age is uniform over one interval, plus the way down and
//! the server's own time. With a fixed delay *between* polls the interval is longer by what a poll takes: [`interval_of_delay`].

/// The interval that a fixed `delay` between polls amounts to, with `set_up` round trips to open a connection for each (0 if it is kept).
pub fn interval_of_delay(delay: f64, round_trip: f64, set_up: f64, server: f64) -> f64 {
    delay + round_trip * (1.0 + set_up) + server
}

/// Mean age of an event: half an interval, the way down, the server. Exact.
pub fn mean_age(interval: f64, down: f64, server: f64) -> f64 {
    interval / 2.0 + down + server
}

/// The `quantile` (0 to 1) of the age. Exact.
pub fn age_quantile(quantile: f64, interval: f64, down: f64, server: f64) -> f64 {
    quantile * interval + down + server
}

/// Standard deviation of the age: that of a uniform law. Exact.
pub fn age_deviation(interval: f64) -> f64 {
    interval / 12_f64.sqrt()
}

/// The share of polls that find nothing, of events every `period`, longer than the interval. Exact.
pub fn useless_share_periodic(interval: f64, period: f64) -> f64 {
    (1.0 - interval / period).max(0.0)
}

/// The share of polls that find nothing, of events at Poisson times with that `rate`: none in an interval. Exact.
pub fn useless_share_poisson(interval: f64, rate: f64) -> f64 {
    (-rate * interval).exp()
}

/// Requests for each event, however many find nothing.
pub fn requests_per_event(interval: f64, rate: f64) -> f64 {
    1.0 / (rate * interval)
}
