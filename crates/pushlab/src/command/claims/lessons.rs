//! The fifteen lessons of the course, each with its expected numbers: what the models say of its scenario.

use model::request::{KEPT, TCP, TCP_TLS13, one_way};
use model::{bytes, long_poll, poll, push, recovery};

use super::claim::{Claim, Figure};
use super::seen::{Seen, at, difference, ratio};

/// Milliseconds.
const MS: f64 = 1e3;
/// The round trip of most lessons, and one way, seconds.
const ROUND_TRIP: f64 = 0.1;
const ONE_WAY: f64 = 0.05;

const MEAN: &str = "latency_mean_ns";
const P99: &str = "latency_p99_ns";

/// All of them, in order.
pub(super) fn lessons() -> Vec<Claim> {
    vec![
        bytes_of_headers(),
        fresh_connections(),
        slow_events(),
        three_transits(),
        unbatched(),
        half_an_interval(),
        useless_polls(),
        when_polling_wins(),
        keep_alive(),
        open(
            "10",
            "HTTP/2 changes the bytes",
            "it needs a transport over HTTP/2",
        ),
        open(
            "11",
            "the seventh tab",
            "it needs server-sent events and HTTP/2 in a browser",
        ),
        open(
            "12",
            "compression isn't free",
            "it needs permessage-deflate",
        ),
        loss(),
        lost_in_the_gap(),
        storm(),
    ]
}

fn claim(
    id: &'static str,
    title: &'static str,
    scenarios: &'static [&'static str],
    figures: Vec<Figure>,
) -> Claim {
    Claim {
        id,
        title,
        source: None,
        scenarios,
        replays: false,
        figures,
        open: None,
    }
}

fn open(id: &'static str, title: &'static str, what_is_missing: &'static str) -> Claim {
    Claim {
        open: Some(what_is_missing),
        ..claim(id, title, &[], Vec::new())
    }
}

fn bytes_of_headers() -> Claim {
    let heads = 909.0;
    let poll_ip = bytes::poll(heads, 0.0, 0.0, bytes::SEGMENT);
    let message_ip = bytes::websocket_down(20.0, 0.0, bytes::SEGMENT) - 20.0;
    let figures = vec![
        Figure::of("headers of a poll", "B", 0.01, |seen| {
            Ok(vec![seen.replayed()?.heads])
        })
        .published(871.0)
        .predicted(heads)
        .because("they counted the printed lines without line ends"),
        Figure::of("printed headers : a frame's", "x", 0.01, |seen| {
            let replay = seen.replayed()?;
            Ok(vec![replay.printed / replay.frame])
        })
        .published(500.0)
        .predicted(871.0 / 2.0)
        .because("871 / 2 is 435"),
        Figure::of("the same on IP", "x", 0.05, |seen| {
            let replay = seen.replayed()?;
            Ok(vec![replay.poll_ip / replay.message_ip])
        })
        .published(500.0)
        .predicted(poll_ip / message_ip)
        .because("a segment has 52 bytes of headers by itself, on both sides"),
        Figure::of(
            "100,000 clients polling each second",
            "Mbit/s",
            0.01,
            |seen| Ok(vec![seen.replayed()?.heads * 8.0 * 100_000.0 / 1e6]),
        )
        .published(665.0)
        .predicted(heads * 8.0 / 10.0)
        .because("line ends, and they took a Mbit for 2^20 bits"),
    ];
    Claim {
        replays: true,
        ..claim("1", "871 bytes, 665 Mbit/s, 500:1?", &[], figures)
    }
}

/// The subscriber of these scenarios is near, and a poller asks every 2 ms.
fn fresh_connections() -> Claim {
    let near_poll = poll::mean_age(0.002, 0.0, 0.0);
    let way = |set_up| one_way(set_up, ROUND_TRIP, ONE_WAY);
    let mean = |scenario, arm| move |seen: &Seen| seen.ms(at(scenario, arm), MEAN);
    let fresh = move || mean("lesson-2-fresh", "request-response");
    let websocket = move || mean("lesson-2-kept", "websocket");
    let figures = vec![
        Figure::ms("a fresh connection", fresh())
            .published(150.0)
            .predicted((way(TCP) + near_poll) * MS),
        Figure::ms("WebSocket", websocket())
            .published(50.0)
            .predicted(way(KEPT) * MS),
        Figure::ms(
            "a kept connection, long-poll's",
            mean("lesson-2-kept", "long-poll"),
        )
        .predicted(way(KEPT) * MS),
        Figure::ms(
            "a kept connection, POST",
            mean("lesson-2-kept", "request-response"),
        )
        .published(150.0)
        .predicted((way(KEPT) + near_poll) * MS)
        .because("the published one was opened for the message"),
        Figure::ms(
            "a fresh connection with TLS 1.3",
            mean("lesson-2-tls", "request-response"),
        )
        .predicted((way(TCP_TLS13) + near_poll) * MS),
        Figure::of("fresh : WebSocket", "x", 0.05, move |seen| {
            ratio(fresh()(seen), websocket()(seen))
        })
        .published(3.0)
        .predicted((way(TCP) + near_poll) / way(KEPT)),
    ];
    claim(
        "2",
        "150 -> 50 ms?",
        &["lesson-2-fresh", "lesson-2-kept", "lesson-2-tls"],
        figures,
    )
}

fn slow_events() -> Claim {
    let mean = |arm| move |seen: &Seen| seen.ms(at("lesson-3", arm), MEAN);
    let figures = vec![
        Figure::ms("long-poll, mean", mean("long-poll")).predicted(push::age(ONE_WAY, 0.0) * MS),
        Figure::ms("WebSocket, mean", mean("websocket")).predicted(push::age(ONE_WAY, 0.0) * MS),
    ];
    claim("3", "\"long-poll is slower\"", &["lesson-3"], figures)
}

/// The points of lesson 4, and the events a second in each room there.
const RATES: [(&str, f64, [&str; 2]); 3] = [
    (
        "rooms=120 rate=120/s",
        1.0,
        ["long-poll at 1/s, mean", "WebSocket at 1/s, mean"],
    ),
    (
        "rooms=20 rate=200/s",
        10.0,
        ["long-poll at 10/s, mean", "WebSocket at 10/s, mean"],
    ),
    (
        "rooms=4 rate=800/s",
        200.0,
        ["long-poll at 200/s, mean", "WebSocket at 200/s, mean"],
    ),
];

fn three_transits() -> Claim {
    let of =
        |arm, point, metric| move |seen: &Seen| seen.ms(at("lesson-4", arm).point(point), metric);
    let mut figures = Vec::new();
    for (point, rate, [polled, pushed]) in RATES {
        let age = long_poll::mean_age(rate, ROUND_TRIP, ONE_WAY, 0.0);
        figures.push(Figure::ms(polled, of("long-poll", point, MEAN)).predicted(age * MS));
        let age = push::age(ONE_WAY, 0.0);
        figures.push(Figure::ms(pushed, of("websocket", point, MEAN)).predicted(age * MS));
    }
    let (point, rate, _) = RATES[2];
    let late = long_poll::age_quantile(0.99, rate, ROUND_TRIP, ONE_WAY, 0.0);
    figures.push(
        Figure::ms("long-poll at 200/s, p99", of("long-poll", point, P99)).predicted(late * MS),
    );
    claim("4", "three transits", &["lesson-4"], figures)
}

fn unbatched() -> Claim {
    let (rate, round_trip) = (4.0, 0.3);
    let of = |arm, point| at("lesson-5", arm).point(point);
    let figures = vec![
        Figure::of(
            "unbatched: ages grow, as received",
            "ms/s",
            0.05,
            move |seen| seen.growth(of("long-poll", "batching=false")),
        )
        .predicted(long_poll::growth_unbatched_as_received(rate, round_trip) * MS),
        Figure::of("batched: greatest age", "ms", 0.0, move |seen| {
            seen.ms(of("long-poll", "batching=true"), P99)
        })
        .predicted(1.5 * round_trip * MS)
        .at_most(),
        Figure::ms("WebSocket, mean", move |seen| {
            seen.ms(of("websocket", "batching=true"), MEAN)
        })
        .predicted(push::age(round_trip / 2.0, 0.0) * MS),
    ];
    claim("5", "unbatched collapse", &["lesson-5"], figures)
}

fn half_an_interval() -> Claim {
    let of = |metric| move |seen: &Seen| seen.ms(at("lesson-6", "request-response"), metric);
    let quantile = |q| poll::age_quantile(q, 1.0, ONE_WAY, 0.0) * MS;
    let figures = vec![
        Figure::ms("mean age", of(MEAN)).predicted(poll::mean_age(1.0, ONE_WAY, 0.0) * MS),
        Figure::ms("median", of("latency_p50_ns")).predicted(quantile(0.5)),
        Figure::ms("p99", of(P99)).predicted(quantile(0.99)),
    ];
    claim("6", "polling's delay is T/2", &["lesson-6"], figures)
}

fn useless_polls() -> Claim {
    let figures = vec![
        Figure::of("polls that find nothing", "%", 0.01, useless)
            .published(96.0)
            .predicted(poll::useless_share_periodic(0.1, 5.0) * 100.0)
            .because("250 polls for 10 events were counted; a poll a second for 50 s is 500"),
    ];
    claim("7", "useless requests", &["lesson-7"], figures)
}

/// Of the polls alone: each publish is a request too.
pub(super) fn useless(seen: &Seen) -> Result<Vec<f64>, String> {
    seen.rows(at("lesson-7", "request-response"), |row| {
        let polls = row.traffic.requests.saturating_sub(row.counts.sent);
        Some(row.traffic.empty_responses as f64 / polls as f64 * 100.0)
    })
}

fn when_polling_wins() -> Claim {
    let of = |arm| at("lesson-8", arm);
    let taken = move |arm| {
        move |seen: &Seen| {
            seen.rows(of(arm), |row| {
                let each = row.counts.delivered as f64 / row.setting("subscribers")?;
                Some(each / (row.counts.sent as f64 / 1000.0))
            })
        }
    };
    let figures = vec![
        // A mailbox holds one, so each is an answer.
        Figure::of(
            "answers for 1,000 events, polling",
            "",
            0.3,
            taken("request-response"),
        )
        .predicted(1.0),
        Figure::of(
            "messages for 1,000 events, WebSocket",
            "",
            0.05,
            taken("websocket"),
        )
        .predicted(1000.0),
        Figure::of(
            "bytes to a subscriber, WebSocket : polling",
            "x",
            0.0,
            move |seen| {
                let down = |arm| seen.rows(of(arm), |row| Some(row.traffic.wire_down_bytes as f64));
                ratio(down("websocket"), down("request-response"))
            },
        ),
    ];
    claim("8", "when polling wins", &["lesson-8"], figures)
}

fn keep_alive() -> Claim {
    let mean = |scenario| move |seen: &Seen| seen.ms(at(scenario, "request-response"), MEAN);
    let added = |fresh, kept| move |seen: &Seen| difference(mean(fresh)(seen), mean(kept)(seen));
    let interval = |set_up| poll::interval_of_delay(0.4, ROUND_TRIP, set_up, 0.0);
    let age = |interval| poll::mean_age(interval, ONE_WAY, 0.0);
    let more = (age(interval(TCP_TLS13)) - age(interval(KEPT))) * MS;
    // What two means of some thousand events each may differ by.
    let noise = 6.0;
    let figures = vec![
        Figure::ms("fixed delay, kept", mean("lesson-9-delay-kept"))
            .predicted(age(interval(KEPT)) * MS),
        Figure::ms(
            "fixed delay, fresh with TLS 1.3",
            mean("lesson-9-delay-fresh"),
        )
        .predicted(age(interval(TCP_TLS13)) * MS),
        Figure::ms(
            "fixed delay: a fresh connection adds",
            added("lesson-9-delay-fresh", "lesson-9-delay-kept"),
        )
        .predicted(more)
        .give_or_take(noise),
        Figure::ms(
            "fixed rate: a fresh connection adds",
            added("lesson-9-rate-fresh", "lesson-9-rate-kept"),
        )
        .predicted(0.0)
        .give_or_take(noise),
    ];
    claim(
        "9",
        "keep-alive",
        &[
            "lesson-9-delay-kept",
            "lesson-9-delay-fresh",
            "lesson-9-rate-kept",
            "lesson-9-rate-fresh",
        ],
        figures,
    )
}

fn loss() -> Claim {
    let p99 = |point| move |seen: &Seen| seen.ms(at("lesson-13", "websocket").point(point), P99);
    let jump = move |point| move |seen: &Seen| difference(p99(point)(seen), p99("loss=0%")(seen));
    let least = recovery::LEAST_TIME_OUT * MS;
    let figures = vec![
        Figure::ms("WebSocket, p99 without loss", p99("loss=0%")).predicted(ROUND_TRIP * MS),
        Figure::ms("WebSocket, p99 at 1 %", p99("loss=1%")),
        Figure::ms("WebSocket, p99 jumps at 5 % by at least", jump("loss=5%"))
            .predicted(least)
            .at_least(),
        Figure::ms("WebSocket, p99 jumps at 15 % by at least", jump("loss=15%"))
            .predicted(least)
            .at_least(),
    ];
    claim(
        "13",
        "loss and head-of-line blocking",
        &["lesson-13"],
        figures,
    )
}

fn lost_in_the_gap() -> Claim {
    let (rate, turn_round) = (10.0, ROUND_TRIP);
    let lost = |scenario| {
        move |seen: &Seen| {
            seen.rows(at(scenario, "long-poll"), |row| {
                let delivery = row.delivery?;
                Some(delivery.lost as f64 / delivery.expected as f64 * 100.0)
            })
        }
    };
    let figures = vec![
        Figure::of("lost with a cursor", "%", 0.0, lost("lesson-14-cursor")).predicted(0.0),
        Figure::of("lost without", "%", 0.05, lost("lesson-14-no-cursor"))
            .predicted(long_poll::lost_share_without_cursor(rate, turn_round) * 100.0),
    ];
    claim(
        "14",
        "lost in the gap",
        &["lesson-14-cursor", "lesson-14-no-cursor"],
        figures,
    )
}

fn storm() -> Claim {
    let (clients, jitter, down) = (10_000.0, 5.0, 0.5);
    let most = |scenario| {
        move |seen: &Seen| seen.metric(at(scenario, "websocket"), "reconnects_per_s_max")
    };
    let spread = recovery::most_reconnects_per_s(clients, jitter, down);
    let figures = vec![
        Figure::of(
            "most attempts in a second, spread",
            "/s",
            0.1,
            most("lesson-15-jitter"),
        )
        .published(recovery::reconnects_per_s(clients, jitter))
        .predicted(spread)
        .because("who comes back while the server is away for half a second comes again"),
        Figure::of(
            "most attempts in a second, at once",
            "/s",
            0.0,
            most("lesson-15-spike"),
        )
        .predicted(clients / 2.0)
        .at_least(),
    ];
    claim(
        "15",
        "reconnect storm",
        &["lesson-15-jitter", "lesson-15-spike"],
        figures,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_say_the_same_of_the_same_lessons() {
        let native = lessons();
        for page in demo::lessons::LESSONS {
            let twin = native.iter().find(|claim| claim.id == page.id).unwrap();
            assert_eq!(twin.title, page.title);
            let mut shared = 0;
            for shown in (page.facts)().figures {
                let Some(figure) = twin
                    .figures
                    .iter()
                    .find(|figure| figure.what == shown.label)
                else {
                    continue;
                };
                shared += 1;
                assert_eq!(figure.unit, shown.unit, "{} {}", page.id, shown.label);
                // A page's storm has fewer clients; and a page also shows what stands under other claims.
                if page.id != "15" && figure.published.is_some() {
                    assert_eq!(
                        figure.published, shown.published,
                        "{} {}",
                        page.id, shown.label
                    );
                }
            }
            // All that a lesson measures natively, but for lesson 2's POST of a long-poll, which is its POST.
            let left_out = usize::from(page.id == "2");
            assert_eq!(shared + left_out, twin.figures.len(), "{}", page.id);
        }
    }
}
