//! Lessons of what a browser itself limits, and of what it can compute.

use model::{browser, bytes, recovery};

use super::figure::{Facts, Figure};
use super::tolerance::SIGMAS;

pub(super) fn seventh_tab() -> Facts {
    let (streams, websockets) = (7.0, 50.0);
    Facts::new(
        "11",
        [
            ("streams", streams),
            ("websockets", websockets),
            ("patience_ms", 2000.0),
        ],
        [
            Figure::new("streams", "event streams that opened, of 7", "")
                .exactly(browser::streams_open(streams)),
            Figure::new("after", "after one was closed", "").exactly(streams),
            Figure::new("websockets", "WebSockets that opened, of 50", "")
                .exactly(browser::websockets_open(websockets)),
        ],
    )
}

pub(super) fn compression() -> Facts {
    let (messages, random) = (200.0, 1000.0);
    // What differs from message to message can't be left out: its number, and a time of which some eight digits are new.
    let (length, new_digits) = (140.0, 8.0);
    let most = 100.0 * (1.0 - bytes::digits(new_digits) / length);
    Facts::new(
        "12",
        [("messages", messages), ("random", random), ("rate", 50.0)],
        [
            Figure::new("json", "saved on JSON, one window for all", "%").within((80.0, most)),
            Figure::new("alone", "saved on JSON, each message by itself", "%"),
            Figure::new("random", "added to 1,000 random bytes", "B")
                .exactly(bytes::deflate_stored(random) - random),
            Figure::new("time", "to compress a message", "µs"),
        ],
    )
}

pub(super) fn storm() -> Facts {
    let (clients, jitter) = (200.0, 5.0);
    let spread = recovery::most_reconnects_per_s(clients, jitter, 0.0);
    // The fullest of five seconds: each holds a binomial number of clients, and the fullest is no emptier than their mean but for those
    // that are late at the end.
    let share = 1.0 / jitter;
    let deviation = (clients * share * (1.0 - share)).sqrt();
    Facts::new(
        "15",
        [("clients", clients), ("jitter_ms", jitter * 1e3)],
        [
            Figure::new("spread", "most attempts in a second, spread", "/s")
                .published(recovery::reconnects_per_s(clients, jitter))
                .predicted(
                    spread,
                    (spread - deviation / 2.0, spread + SIGMAS * deviation),
                ),
            Figure::new("at-once", "most attempts in a second, at once", "/s")
                .predicted(clients, (clients / 2.0, clients)),
            Figure::new(
                "arrived",
                "of these, most that Chromium lets out in a second",
                "/s",
            ),
        ],
    )
}
