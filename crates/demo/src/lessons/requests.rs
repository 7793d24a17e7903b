//! Lessons of headers, connections and polls on a clock.

use model::request::{KEPT, TCP, TCP_TLS13, one_way};
use model::{bytes, poll};

use super::figure::{Facts, Figure};
use super::tolerance::{
    ANSWERED, CLOCK, HANDED, TAIL, TIMER, TURN, quantiles, ratio, sampling, sent, wider,
};

/// Milliseconds of a second.
const MS: f64 = 1e3;
/// Round trip of these lessons, and one way, seconds.
const ROUND_TRIP: f64 = 0.1;
const ONE_WAY: f64 = 0.05;

pub(super) fn bytes_of_headers() -> Facts {
    let (heads, printed, frame) = (909.0, 871.0, bytes::frame_header(20.0));
    let clients = 100_000.0;
    // Linux may let an acknowledgement wait or ride on the next message: one in five more or less, for a poll's three segments and a message's two.
    let ip = |spare: f64| {
        let poll = bytes::poll(heads, 0.0, 0.0, bytes::SEGMENT) + spare * bytes::SEGMENT;
        let message = frame + (2.0 - spare) * bytes::SEGMENT;
        poll / message
    };
    let pad = 128.0;
    Facts::new(
        "1",
        [("pad", pad), ("polls", 5.0), ("interval_ms", 200.0)],
        [
            Figure::new("headers", "headers of a poll", "B")
                .published(871.0)
                .exactly(heads)
                .because("they counted the printed lines without line ends"),
            Figure::new("frames", "printed headers : a frame's", "x")
                .published(500.0)
                .exactly(printed / frame)
                .because("871 / 2 is 435"),
            Figure::new("ip", "the same on IP", "x")
                .published(500.0)
                .predicted(ip(0.0), (ip(-0.2), ip(0.2)))
                .because("a segment has 52 bytes of headers by itself, on both sides"),
            Figure::new("traffic", "100,000 clients polling each second", "Mbit/s")
                .published(665.0)
                .exactly(heads * 8.0 * clients / 1e6)
                .because("line ends, and they took a Mbit for 2^20 bits"),
            Figure::new("browser", "headers of a poll by this browser", "B")
                .published(588.0)
                .because("that was Chrome 60; headers depend on the browser and the site, so no model says how many there are"),
            // With the pad a message is longer than 125 bytes, so that its length takes two bytes more.
            Figure::new("message", "headers of a message to this browser", "B")
                .exactly(bytes::frame_header(pad)),
        ],
    )
}

pub(super) fn fresh_connections() -> Facts {
    let way = |set_up| one_way(set_up, ROUND_TRIP, ONE_WAY) * MS;
    // A new connection is one handover more: the socket is opened, then written to.
    let (fresh, websocket) = (sent(way(TCP), 2.0), sent(way(KEPT), 1.0));
    Facts::new(
        "2",
        [
            ("rtt_ms", ROUND_TRIP * MS),
            ("set_up_tcp", TCP),
            ("set_up_tls", TCP_TLS13),
            ("messages", 9.0),
        ],
        [
            Figure::ms("fresh", "a fresh connection")
                .published(150.0)
                .predicted(way(TCP), fresh),
            Figure::ms("websocket", "WebSocket")
                .published(50.0)
                .predicted(way(KEPT), websocket),
            Figure::ms("kept", "a kept connection, POST")
                .published(150.0)
                .predicted(way(KEPT), websocket)
                .because("the published one was opened for the message"),
            Figure::ms("tls", "a fresh connection with TLS 1.3")
                .predicted(way(TCP_TLS13), sent(way(TCP_TLS13), 2.0)),
            Figure::new("ratio", "fresh : WebSocket", "x")
                .published(3.0)
                .predicted(way(TCP) / way(KEPT), ratio(fresh, websocket)),
        ],
    )
}

/// The range of the mean age when polls are `interval` seconds apart, or later by `late` milliseconds, over so many events.
fn mean_range(interval: f64, late: f64, events: f64) -> (f64, f64) {
    let of = |interval: f64| {
        let error = sampling(poll::age_deviation(interval) * MS, events);
        (poll::mean_age(interval, ONE_WAY, 0.0) * MS, error)
    };
    let (least, most) = (of(interval), of(interval + late / MS));
    (
        least.0 - CLOCK - least.1,
        most.0 + ANSWERED + CLOCK + most.1,
    )
}

pub(super) fn half_an_interval() -> Facts {
    let (interval, rate, seconds) = (1.0, 100.0, 10.0);
    // Events before the first answer, and those after the last, aren't counted: up to two intervals.
    let events = rate * (seconds - 2.0 * interval);
    let at = |quantile, late| poll::age_quantile(quantile, interval + late / MS, ONE_WAY, 0.0) * MS;
    let quantile = |q, slow: f64| {
        let (least, most) = quantiles(q, events);
        (
            at(least, 0.0) - CLOCK,
            at(most, slow * TIMER) + slow * ANSWERED + CLOCK,
        )
    };
    Facts::new(
        "6",
        [
            ("rtt_ms", ROUND_TRIP * MS),
            ("interval_ms", interval * MS),
            ("rate", rate),
            ("events", rate * seconds),
        ],
        [
            Figure::ms("mean", "mean age").predicted(
                poll::mean_age(interval, ONE_WAY, 0.0) * MS,
                mean_range(interval, TIMER, events),
            ),
            Figure::ms("median", "median").predicted(at(0.5, 0.0), quantile(0.5, 1.0)),
            Figure::ms("p99", "p99").predicted(at(0.99, 0.0), quantile(0.99, TAIL)),
        ],
    )
}

pub(super) fn useless_polls() -> Facts {
    // The published one has a publish every 50 s and a poll every second: ten times this, and the same ratio.
    let (interval, period, periods) = (0.1, 5.0, 2.0);
    let polls = periods * period / interval;
    let useless = |late: f64| poll::useless_share_periodic(interval + late / MS, period) * 100.0;
    let each = |late: f64| poll::requests_per_event(interval + late / MS, 1.0 / period);
    // Each poll may wait for its answer's turn, and counting from answer to answer is out by a poll.
    let late = TIMER + ANSWERED;
    let one = 100.0 / polls;
    Facts::new(
        "7",
        [
            ("interval_ms", interval * MS),
            ("rate", 1.0 / period),
            ("events", periods + 1.0),
        ],
        [
            Figure::new("useless", "polls that find nothing", "%")
                .published(96.0)
                .predicted(
                    useless(0.0),
                    (useless(late) - one / 2.0, useless(0.0) + one / 2.0),
                )
                .because("250 polls for 10 events were counted; a poll a second for 50 s is 500"),
            Figure::new("each", "polls for an event", "")
                .published(25.0)
                .predicted(each(0.0), (each(late) - 1.0, each(0.0) + 1.0))
                .because("see above"),
        ],
    )
}

pub(super) fn when_polling_wins() -> Facts {
    let (interval, rate, seconds) = (1.0, 1000.0, 6.0);
    let answers = |late: f64| poll::requests_per_event(interval + late / MS, rate) * 1000.0;
    // Late polls carry the same answer; a source that is behind for a tenth of a poll has published fewer.
    let behind = 0.1;
    Facts::new(
        "8",
        [
            ("interval_ms", interval * MS),
            ("rate", rate),
            ("events", rate * seconds),
        ],
        [
            Figure::new("answers", "answers for 1,000 events, polling", "").predicted(
                answers(0.0),
                (answers(TIMER + TURN), answers(0.0) * (1.0 + behind)),
            ),
            // One that can't be sent at once is replaced by the next one: the mailbox holds one.
            Figure::new("messages", "messages for 1,000 events, WebSocket", "")
                .predicted(1000.0, (1000.0 * (1.0 - behind), 1000.0)),
            Figure::new("bytes", "bytes to a subscriber, WebSocket : polling", "x"),
        ],
    )
}

pub(super) fn keep_alive() -> Facts {
    let (pause, rate, seconds) = (0.4, 200.0, 10.0);
    let interval = |set_up| poll::interval_of_delay(pause, ROUND_TRIP, set_up, 0.0);
    let mean = |interval| poll::mean_age(interval, ONE_WAY, 0.0) * MS;
    let (kept, fresh) = (interval(KEPT), interval(TCP_TLS13));
    // As in lesson 6: up to two intervals at the ends aren't counted.
    let events = rate * (seconds - 2.0 * fresh);
    let error = |interval| sampling(poll::age_deviation(interval) * MS, events);
    let both = |one: f64, other: f64| error(one).hypot(error(other));
    let added = mean(fresh) - mean(kept);
    Facts::new(
        "9",
        [
            ("rtt_ms", ROUND_TRIP * MS),
            ("interval_ms", pause * MS),
            ("rate", rate),
            ("events", rate * seconds),
            ("set_up_tls", TCP_TLS13),
        ],
        [
            Figure::ms("delay-kept", "fixed delay, kept")
                .predicted(mean(kept), mean_range(kept, TIMER + TURN, events)),
            Figure::ms("delay-fresh", "fixed delay, fresh with TLS 1.3").predicted(
                mean(fresh),
                mean_range(fresh, TIMER + TURN + HANDED, events),
            ),
            // Both are late by what the browser takes; the fresh one opens a socket beside, half of which is in its mean.
            Figure::ms("delay-added", "fixed delay: a fresh connection adds").predicted(
                added,
                wider(
                    (added - TIMER, added + TIMER + HANDED / 2.0),
                    both(kept, fresh),
                ),
            ),
            Figure::ms("rate-added", "fixed rate: a fresh connection adds")
                .predicted(0.0, wider((-HANDED, HANDED), both(pause, pause))),
        ],
    )
}
