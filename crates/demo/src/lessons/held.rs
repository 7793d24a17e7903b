//! Lessons of questions that are held until there is an answer.

use model::{long_poll, push};

use super::figure::{Facts, Figure};
use super::tolerance::{
    ANSWERED, CLOCK, TAIL, TURN, answered, pushed, quantiles, ratio, sampling, wider,
};

/// Milliseconds of a second.
const MS: f64 = 1e3;
/// Round trip of these lessons, and one way, seconds.
const ROUND_TRIP: f64 = 0.1;
const ONE_WAY: f64 = 0.05;
/// The slowest turn-round of a browser beyond the round trip, seconds.
const SLOWEST: f64 = TURN / MS;

/// The range of a mean over so many events, whose sampling error is in seconds; the browser's own turn-round is part of the gap.
fn mean_range(rate: f64, round_trip: f64, down: f64, events: f64) -> (f64, f64) {
    let of = |turn_round| {
        (
            long_poll::mean_age(rate, turn_round, down, 0.0) * MS,
            sampling(long_poll::mean_age_deviation(rate, turn_round) * MS, events),
        )
    };
    let (least, most) = (of(round_trip), of(round_trip + SLOWEST));
    (
        least.0 - CLOCK - least.1,
        most.0 + ANSWERED + CLOCK + most.1,
    )
}

pub(super) fn slow_events() -> Facts {
    // Further apart than a turn-round, so that each finds a question waiting.
    let (rate, events) = (4.0, 24.0);
    let age = push::age(ONE_WAY, 0.0) * MS;
    let (polled, told) = (answered(age), pushed(age));
    Facts::new(
        "3",
        [("rate", rate), ("events", events), ("rtt_ms", ROUND_TRIP * MS)],
        [
            Figure::ms("long-poll", "long-poll, mean").predicted(age, polled),
            Figure::ms("websocket", "WebSocket, mean").predicted(age, told),
            Figure::new("ratio", "long-poll : WebSocket", "x")
                .published_as(2.3, "unverified")
                .predicted(1.0, ratio(polled, told))
                .because("2.3 to 4.5 was said of a sensor at 4 Hz; the text was not read. A round trip longer than the gap, or polls that open a connection each, would give it"),
        ],
    )
}

/// Events a second, how many of them, and the labels: slow ones take longest, so they are few.
const RATES: [(f64, f64, [&str; 4]); 3] = [
    (
        1.0,
        12.0,
        [
            "long-poll-1",
            "websocket-1",
            "long-poll at 1/s, mean",
            "WebSocket at 1/s, mean",
        ],
    ),
    (
        10.0,
        120.0,
        [
            "long-poll-10",
            "websocket-10",
            "long-poll at 10/s, mean",
            "WebSocket at 10/s, mean",
        ],
    ),
    (
        200.0,
        800.0,
        [
            "long-poll-200",
            "websocket-200",
            "long-poll at 200/s, mean",
            "WebSocket at 200/s, mean",
        ],
    ),
];

pub(super) fn three_transits() -> Facts {
    let mut figures = Vec::new();
    for (rate, events, [polled, told, polled_label, told_label]) in RATES {
        let age = long_poll::mean_age(rate, ROUND_TRIP, ONE_WAY, 0.0) * MS;
        figures.push(
            Figure::ms(polled, polled_label)
                .predicted(age, mean_range(rate, ROUND_TRIP, ONE_WAY, events)),
        );
        let age = push::age(ONE_WAY, 0.0) * MS;
        figures.push(Figure::ms(told, told_label).predicted(age, pushed(age)));
    }
    let (rate, events, _) = RATES[2];
    let at = |quantile, turn_round| {
        long_poll::age_quantile(quantile, rate, turn_round, ONE_WAY, 0.0) * MS
    };
    let (least, most) = quantiles(0.99, events);
    figures.push(
        Figure::ms("long-poll-200-p99", "long-poll at 200/s, p99")
            .published(3.0 * ONE_WAY * MS)
            .predicted(
                at(0.99, ROUND_TRIP),
                (
                    at(least, ROUND_TRIP) - CLOCK,
                    at(most, ROUND_TRIP + TAIL * SLOWEST) + TAIL * ANSWERED + CLOCK,
                ),
            ),
    );
    Facts::new(
        "4",
        [
            ("rtt_ms", ROUND_TRIP * MS),
            ("rate_1", RATES[0].0),
            ("events_1", RATES[0].1),
            ("rate_2", RATES[1].0),
            ("events_2", RATES[1].1),
            ("rate_3", RATES[2].0),
            ("events_3", RATES[2].1),
        ],
        figures,
    )
}

pub(super) fn unbatched() -> Facts {
    let (rate, round_trip, events) = (4.0, 0.3, 40.0);
    let growth = |turn_round| long_poll::growth_unbatched_as_received(rate, turn_round) * MS;
    let latest = 1.5 * round_trip * MS;
    let age = push::age(round_trip / 2.0, 0.0) * MS;
    Facts::new(
        "5",
        [
            ("rate", rate),
            ("events", events),
            ("rtt_ms", round_trip * MS),
        ],
        [
            Figure::new("growth", "unbatched: ages grow, as received", "ms/s").predicted(
                growth(round_trip),
                // The slope of a straight line, of which a handover at its ends takes as much again as the clock is wrong by over its length.
                wider(
                    (growth(round_trip), growth(round_trip + SLOWEST)),
                    ANSWERED / (events / rate),
                ),
            ),
            Figure::ms("batched", "batched: greatest age").predicted(
                latest,
                // At least the one that is waited for: how events every 250 ms meet gaps of 300 ms is chance, and none waits longer than a gap.
                (
                    round_trip / 2.0 * MS - CLOCK,
                    latest + TAIL * (SLOWEST * MS + ANSWERED) + CLOCK,
                ),
            ),
            Figure::ms("websocket", "WebSocket, mean").predicted(age, pushed(age)),
        ],
    )
}

pub(super) fn lost_in_the_gap() -> Facts {
    // Pages of a seed each: what comes into a gap is chance, so there are several.
    let (rate, events, tries) = (10.0, 120.0, 3.0);
    let share = |turn_round| long_poll::lost_share_without_cursor(rate, turn_round) * 100.0;
    let error = |turn_round| {
        let deviation = long_poll::lost_share_deviation(rate, turn_round) * 100.0;
        sampling(deviation, events * tries)
    };
    let (least, most) = (ROUND_TRIP, ROUND_TRIP + SLOWEST);
    Facts::new(
        "14",
        [
            ("rate", rate),
            ("events", events),
            ("tries", tries),
            ("rtt_ms", ROUND_TRIP * MS),
        ],
        [
            Figure::new("cursor", "lost with a cursor", "%").exactly(0.0),
            Figure::new("no-cursor", "lost without", "%").predicted(
                share(ROUND_TRIP),
                (share(least) - error(least), share(most) + error(most)),
            ),
        ],
    )
}
