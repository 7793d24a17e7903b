//! What others have published, as far as the transports of the day can put it to the test.

use super::claim::{Claim, Figure, Mark};
use super::lessons::useless;
use super::seen::{Seen, at, ratio};

/// All of them, in the order of their years.
pub(super) fn sources() -> Vec<Claim> {
    vec![
        bozdag_2007(),
        webtide_2007(),
        bozdag_2009(),
        quantum_leap(),
        rfc6202(),
        agarwal_2012(),
        pimentel_2012(),
        puranik_2013(),
        aquil_2017(),
        signalr_2293(),
    ]
}

fn claim(
    id: &'static str,
    title: &'static str,
    source: (&'static str, Mark),
    scenarios: &'static [&'static str],
    figures: Vec<Figure>,
) -> Claim {
    Claim {
        id,
        title,
        source: Some(source),
        scenarios,
        replays: false,
        figures,
        open: None,
    }
}

/// Server CPU within the measured part, seconds.
fn cpu(seen: &Seen, arm: &'static str) -> Result<Vec<f64>, String> {
    seen.rows(at("bozdag", arm), |row| {
        Some(row.usage.server?.cpu_ns() as f64 / 1e9)
    })
}

fn bozdag_2007() -> Claim {
    let figures = vec![
        Figure::of("server CPU, long-poll : polling", "x", 0.3, |seen| {
            ratio(cpu(seen, "long-poll"), cpu(seen, "request-response"))
        })
        .published(7.0)
        .because("their push server blocked a thread for each client; its authors took the claim back in 2009"),
        Figure::of("server CPU, WebSocket : polling", "x", 0.3, |seen| {
            ratio(cpu(seen, "websocket"), cpu(seen, "request-response"))
        }),
    ];
    claim(
        "bozdag-2007",
        "push costs 7 times the CPU of pull",
        ("Bozdag, Mesbah, van Deursen, arXiv 0706.3984", Mark::Read),
        &["bozdag"],
        figures,
    )
}

fn webtide_2007() -> Claim {
    let figures = vec![
        Figure::of(
            "age of a message, 5,000 users, 2,000 a second",
            "ms",
            0.0,
            |seen| seen.ms(at("webtide", "long-poll"), "latency_mean_ns"),
        )
        .published(100.0)
        .at_most(),
    ];
    claim(
        "webtide-2007",
        "5,000 long-polling chatters within 100 ms",
        ("CometD on EC2", Mark::Read),
        &["webtide"],
        figures,
    )
}

fn bozdag_2009() -> Claim {
    let segments = |seen: &Seen, arm| {
        seen.rows(at("bozdag", arm), |row| {
            let ip = row.traffic.ip?;
            Some((ip.segments_up + ip.segments_down) as f64)
        })
    };
    let figures = vec![
        Figure::of("polls that find nothing", "%", 0.01, useless)
            .published(96.0)
            .predicted(98.0)
            .because("250 polls for 10 events were counted; a poll a second for 50 s is 500"),
        Figure::of(
            "TCP segments, pull : push, 5 polls a publish",
            "x",
            0.25,
            move |seen| {
                ratio(
                    segments(seen, "request-response"),
                    segments(seen, "long-poll"),
                )
            },
        )
        .published(7.0)
        .predicted(5.0)
        .because("the ratio is the number of polls for a publish, which here is 5"),
    ];
    claim(
        "bozdag-2009",
        "96 % of requests useless, 7 times the packets",
        (
            "Bozdag, Mesbah, van Deursen, performance testing of data delivery techniques for AJAX",
            Mark::Read,
        ),
        &["lesson-7", "bozdag"],
        figures,
    )
}

/// Bits a second of the headers of so many clients that poll once a second, in Mbit/s.
fn header_traffic(heads: f64, clients: f64) -> f64 {
    heads * 8.0 * clients / 1e6
}

fn quantum_leap() -> Claim {
    let of = |scenario, arm| move |seen: &Seen| seen.ms(at(scenario, arm), "latency_mean_ns");
    let (fresh, kept) = (
        of("lesson-2-fresh", "request-response"),
        of("lesson-2-kept", "long-poll"),
    );
    let (fresh_way, kept_way) = (
        model::request::one_way(model::request::TCP, 0.1, 0.05),
        model::request::one_way(model::request::KEPT, 0.1, 0.05),
    );
    let websocket = of("lesson-2-kept", "websocket");
    let figures = vec![
        Figure::of(
            "10,000 clients polling each second",
            "Mbit/s",
            0.01,
            |seen| Ok(vec![header_traffic(seen.replayed()?.heads, 10_000.0)]),
        )
        .published(69.68)
        .predicted(header_traffic(909.0, 10_000.0))
        .because("the printed lines were counted without line ends"),
        Figure::of("10,000 clients told each second", "Mbit/s", 0.01, |seen| {
            Ok(vec![header_traffic(seen.replayed()?.frame, 10_000.0)])
        })
        .published(0.16),
        Figure::of("headers, polling : WebSocket", "x", 0.05, |seen| {
            let replay = seen.replayed()?;
            Ok(vec![replay.heads / replay.frame])
        })
        .published(500.0)
        .predicted(909.0 / 2.0)
        .because("it is rounded up"),
        Figure::of("latency, polling : WebSocket", "x", 0.05, move |seen| {
            ratio(fresh(seen), websocket(seen))
        })
        .published(3.0)
        .predicted(fresh_way / kept_way),
        Figure::of("the same over a kept connection", "x", 0.05, move |seen| {
            ratio(kept(seen), websocket(seen))
        })
        .published(3.0)
        .predicted(1.0)
        .because("their polls opened a connection each"),
    ];
    Claim {
        replays: true,
        ..claim(
            "quantum-leap",
            "500:1 in headers, 3:1 in latency",
            (
                "Lubbers and Greco, HTML5 WebSocket: A Quantum Leap in Scalability for the Web",
                Mark::Read,
            ),
            &["lesson-2-fresh", "lesson-2-kept"],
            figures,
        )
    }
}

fn rfc6202() -> Claim {
    let figures = vec![
        Figure::ms("at best one transit", |seen| {
            seen.ms(at("lesson-3", "long-poll"), "latency_p50_ns")
        })
        .published(50.0),
        Figure::of("at worst three, p99", "ms", 0.0, |seen| {
            seen.ms(
                at("lesson-4", "long-poll").point("rooms=4 rate=800/s"),
                "latency_p99_ns",
            )
        })
        .published(150.0)
        .at_most(),
    ];
    claim(
        "rfc6202",
        "long-poll: one transit at best, three back to back",
        ("RFC 6202", Mark::Read),
        &["lesson-3", "lesson-4"],
        figures,
    )
}

fn agarwal_2012() -> Claim {
    let metric =
        |arm, metric: &'static str| move |seen: &Seen| seen.metric(at("agarwal", arm), metric);
    let over = |name: &'static str| {
        move |seen: &Seen| ratio(metric("websocket", name)(seen), metric("tcp", name)(seen))
    };
    let figures = vec![
        Figure::of(
            "bytes a message, WebSocket : TCP",
            "x",
            0.0,
            over("wire_bytes_per_message"),
        )
        .published(5.0)
        .at_most(),
        Figure::of(
            "round trip, WebSocket : TCP",
            "x",
            0.0,
            over("latency_p50_ns"),
        )
        .published(3.0)
        .at_most(),
        Figure::of("throughput, TCP : WebSocket", "x", 0.0, move |seen| {
            ratio(
                metric("tcp", "messages_per_s")(seen),
                metric("websocket", "messages_per_s")(seen),
            )
        })
        .published(3.0)
        .at_most(),
    ];
    claim(
        "agarwal-2012",
        "WebSocket over TCP: 5 times the bytes, 3 times the delay, at most",
        ("Agarwal", Mark::Abstract),
        &["agarwal"],
        figures,
    )
}

fn pimentel_2012() -> Claim {
    let mean = |arm| move |seen: &Seen| seen.ms(at("lesson-3", arm), "latency_mean_ns");
    let figures = vec![
        Figure::of("one-way latency at 4 Hz, long-poll : WebSocket", "x", 0.05, move |seen| {
            ratio(mean("long-poll")(seen), mean("websocket")(seen))
        })
        .published(2.3)
        .predicted(1.0)
        .because("its round trip was longer than the gap of two events, or its polls were not kept alive: the text was not read"),
    ];
    claim(
        "pimentel-2012",
        "WebSocket 2.3 to 4.5 times faster",
        (
            "Pimentel and Nickerson, IEEE Internet Computing",
            Mark::Unverified,
        ),
        &["lesson-3"],
        figures,
    )
}

fn puranik_2013() -> Claim {
    let bytes = |arm| move |seen: &Seen| seen.metric(at("lesson-3", arm), "ip_bytes_per_message");
    let figures = vec![
        Figure::of(
            "bytes on IP that WebSocket saves over long-poll",
            "%",
            0.0,
            move |seen| {
                let share = ratio(bytes("websocket")(seen), bytes("long-poll")(seen))?;
                Ok(share
                    .into_iter()
                    .map(|share| (1.0 - share) * 100.0)
                    .collect())
            },
        )
        .published(50.0)
        .at_least(),
    ];
    claim(
        "puranik-2013",
        "WebSocket takes half the bandwidth",
        ("Puranik, Feiock, Hill", Mark::Abstract),
        &["lesson-3"],
        figures,
    )
}

fn aquil_2017() -> Claim {
    let figures = vec![
        Figure::of("bytes of an update by long-poll", "B", 0.1, |seen| {
            seen.metric(at("lesson-3", "long-poll"), "wire_bytes_per_message")
        })
        .published(586.0)
        .because("theirs has a browser's headers"),
    ];
    claim(
        "aquil-2017",
        "586 bytes an update",
        ("Aquil.io, HAR files of Chrome 60", Mark::Read),
        &["lesson-3"],
        figures,
    )
}

fn signalr_2293() -> Claim {
    let cpu = |scenario, arm| {
        move |seen: &Seen| seen.metric(at(scenario, arm), "server_cpu_us_per_message")
    };
    let figures = vec![
        Figure::of(
            "messages a server-CPU second, batching long-poll : WebSocket that doesn't",
            "x",
            0.0,
            move |seen| {
                ratio(
                    cpu("signalr-unbatched", "websocket")(seen),
                    cpu("signalr", "long-poll")(seen),
                )
            },
        )
        .published(2.4)
        .at_least()
        .because(
            "here a write to each WebSocket is cheap: batching saves less than a request costs",
        ),
        Figure::of("the same, both batching", "x", 0.0, move |seen| {
            ratio(
                cpu("signalr", "websocket")(seen),
                cpu("signalr", "long-poll")(seen),
            )
        }),
    ];
    claim(
        "signalr-2293",
        "long-poll batches, and so delivers more",
        (
            "dotnet SignalR issue 2293: 2.4 M against 1 M messages a second",
            Mark::Read,
        ),
        &["signalr", "signalr-unbatched"],
        figures,
    )
}
