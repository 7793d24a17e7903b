//! How far a figure that a browser measured may be from the model's, and why. Nothing here was found by trying: each number is what a browser does
//! between a socket and a script, or follows from a law and the number of events.
//!
//! Models know delays of the link and none of the browser. So a range begins where a browser would take no time and ends where it takes as much as a
//! slow or busy machine's: the constants below. Where events come by chance, it is wider at both ends by [`SIGMAS`] standard errors. Milliseconds.

/// The page's clock against the lab's: the fastest of several exchanges over loopback is off by at most half of its round trip, which is below a
/// millisecond; Chromium's `performance.now()` counts tenths of one.
pub(super) const CLOCK: f64 = 1.0;

/// From a socket to a script's handler, or from a script to a socket. Chromium has a process for the network and one for the page: one change of
/// process and a turn of the page's event loop. 1 to 3 ms on an idle laptop; a machine with two busy cores gives a process the CPU within some 10 ms.
pub(super) const HANDED: f64 = 10.0;

/// From a socket to the parsed body of an answer: head and body are handed over one after the other.
pub(super) const ANSWERED: f64 = 15.0;

/// From an answer on the socket to the next question on it: the answer is handed over, and the question.
pub(super) const TURN: f64 = ANSWERED + HANDED;

/// By how much a timer of a page in front is late: it waits for the turn that is under way.
pub(super) const TIMER: f64 = 5.0;

/// The constants above are for means. The greatest of many ages, or one that 99 in 100 are below, meets a browser's slowest turns too: so many times
/// as long.
pub(super) const TAIL: f64 = 2.0;

/// Standard errors to either side: by chance alone one figure in 15,000 lies outside (two tails of a normal law).
pub(super) const SIGMAS: f64 = 4.0;

/// Age of what is pushed: one way down.
pub(super) fn pushed(down: f64) -> (f64, f64) {
    (down - CLOCK, down + HANDED + CLOCK)
}

/// Age of what an answer brings that was waited for.
pub(super) fn answered(down: f64) -> (f64, f64) {
    (down - CLOCK, down + ANSWERED + CLOCK)
}

/// From a script to the server.
pub(super) fn sent(up: f64, handovers: f64) -> (f64, f64) {
    (up - CLOCK, up + handovers * HANDED + CLOCK)
}

/// A mean over `events` of a law with this deviation differs from its expectation by no more than this.
pub(super) fn sampling(deviation: f64, events: f64) -> f64 {
    SIGMAS * deviation / events.sqrt()
}

/// The `quantile` of a sample of `events` lies between these quantiles of its law: the number below one is binomial.
pub(super) fn quantiles(quantile: f64, events: f64) -> (f64, f64) {
    let error = SIGMAS * (quantile * (1.0 - quantile) / events).sqrt();
    ((quantile - error).max(0.0), (quantile + error).min(1.0))
}

/// A range, wider by `error` at both ends.
pub(super) fn wider((low, high): (f64, f64), error: f64) -> (f64, f64) {
    (low - error, high + error)
}

/// Of two figures, the range of the ratio.
pub(super) fn ratio((low, high): (f64, f64), by: (f64, f64)) -> (f64, f64) {
    (low / by.1, high / by.0)
}
