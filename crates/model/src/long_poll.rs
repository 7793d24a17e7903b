//! A client whose question is held until there is an answer, and which asks again at once.
//!
//! Between an answer and the next question lies the turn-round `g`. An event within it waits for the question; any other goes out at once. Of events at
//! Poisson times with `rate` λ a cycle carries those of its gap, λ g on average, or, if there was none (e^-λg), the one that comes next. All of a
//! gap go into one answer (batching), or one by one.

/// Events for each answer with batching: λ g + e^-λg. Exact for Poisson arrivals and a constant turn-round.
pub fn events_per_request(rate: f64, turn_round: f64) -> f64 {
    let in_gap = rate * turn_round;
    in_gap + (-in_gap).exp()
}

/// Requests for each event with batching. Exact, as [`events_per_request`].
pub fn requests_per_event(rate: f64, turn_round: f64) -> f64 {
    1.0 / events_per_request(rate, turn_round)
}

/// The share of events that had to wait for a question, with batching. Exact, as [`events_per_request`].
pub fn delayed_share(rate: f64, turn_round: f64) -> f64 {
    rate * turn_round / events_per_request(rate, turn_round)
}

/// Mean age of an event with batching: those of a gap wait half of it. Exact, as [`events_per_request`].
pub fn mean_age(rate: f64, turn_round: f64, down: f64, server: f64) -> f64 {
    delayed_share(rate, turn_round) * turn_round / 2.0 + down + server
}

/// What the mean age of `n` events with batching strays by, times the square root of n. Events of one gap belong together, so it is that of a ratio over
/// cycles: m = λ g events come into a gap and wait g/2 each, with a variance of g²/12; e^-m cycles have one that waits for nothing. Exact for many.
pub fn mean_age_deviation(rate: f64, turn_round: f64) -> f64 {
    let in_gap = rate * turn_round;
    let wait = mean_age(rate, turn_round, 0.0, 0.0);
    let beyond = turn_round / 2.0 - wait;
    let of_cycle = in_gap * turn_round * turn_round / 12.0
        + beyond * beyond * in_gap * (1.0 + in_gap)
        + wait * wait * (-in_gap).exp();
    (of_cycle / events_per_request(rate, turn_round)).sqrt()
}

/// Mean age of an event with one event an answer: an M/D/1 queue whose service is the turn-round (Pollaczek and Khinchine), of which the first
/// event of a busy period waits for nothing. None at a rate of 1/g and above, where the queue grows without end.
pub fn mean_age_unbatched(rate: f64, turn_round: f64, down: f64, server: f64) -> Option<f64> {
    let load = rate * turn_round;
    (load < 1.0).then(|| rate * turn_round * turn_round / (2.0 * (1.0 - load)) + down + server)
}

/// Bytes a second of a client that hears nothing: a question and its empty answer for each `hold` and the turn-round after it.
pub fn idle_bytes_per_s(bytes_per_request: f64, hold: f64, turn_round: f64) -> f64 {
    bytes_per_request / (hold + turn_round)
}

/// The `quantile` (0 to 1) of the age with batching: an event that waits does so for a time uniform over the gap. Exact, as [`events_per_request`].
pub fn age_quantile(quantile: f64, rate: f64, turn_round: f64, down: f64, server: f64) -> f64 {
    let delayed = delayed_share(rate, turn_round);
    let at_once = 1.0 - delayed;
    let wait = if quantile <= at_once || delayed <= 0.0 {
        0.0
    } else {
        (quantile - at_once) / delayed * turn_round
    };
    wait + down + server
}

/// By how many seconds a second events age with one event an answer, at a constant rate above 1/g, by the times at which they happen; zero below.
pub fn growth_unbatched(rate: f64, turn_round: f64) -> f64 {
    (rate * turn_round - 1.0).max(0.0)
}

/// The same by the times at which they are received, which are later by their age: 1 - 1/(λ g).
pub fn growth_unbatched_as_received(rate: f64, turn_round: f64) -> f64 {
    let growth = growth_unbatched(rate, turn_round);
    growth / (1.0 + growth)
}

/// The share of rare events that come while the question of a hold that ran out is under way: g / (hold + g).
pub fn gap_share(hold: f64, turn_round: f64) -> f64 {
    turn_round / (hold + turn_round)
}

/// The share of events that are lost if a question hears only what comes while it is held (no cursor): Erlang's loss formula for one server (A. K. Erlang,
/// 1917), whose service is the turn-round. λ g / (1 + λ g); exact for Poisson arrivals.
pub fn lost_share_without_cursor(rate: f64, turn_round: f64) -> f64 {
    let load = rate * turn_round;
    load / (1.0 + load)
}

/// What that share strays by among `n` events, times the square root of n: of each cycle one is heard and m = λ g (a Poisson number) are lost, so the
/// share's deviation is √(m / (1 + m)³). Exact for many.
pub fn lost_share_deviation(rate: f64, turn_round: f64) -> f64 {
    let load = rate * turn_round;
    (load / (1.0 + load).powi(3)).sqrt()
}
