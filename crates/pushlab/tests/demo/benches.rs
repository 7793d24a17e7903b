//! Benches: their life, what they are told and what they tell.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::rig::{Demo, Socket, http, until};

#[test]
fn a_bench_lives_while_it_is_watched_and_leaves_nothing() {
    let demo = Demo::start();
    let before = demo.threads();
    let bench = demo.bench(&json!({}));
    let (address, _) = bench.place("websocket");
    assert!(demo.threads() > before);
    // Watched again within the ten seconds, it lives on.
    let id = bench.leave();
    let again = demo.watch(&id).unwrap();
    let mut second = demo.watch(&id).unwrap();
    drop(again);
    second.send(r#"{"op":"clock","at":1}"#);
    until("the clock", || second.next().unwrap().contains("\"clock\""));
    drop(second);
    until("the end of its threads", || demo.threads() == before);
    assert_eq!(demo.watch(&id).err(), Some(404));
    assert!(TcpStream::connect(address).is_err(), "its ports are free");
}

#[test]
fn one_that_nobody_watches_ends_as_well() {
    let demo = Demo::start();
    let before = demo.threads();
    let made = demo.post("/benches", "{}").json();
    let id = made["bench"].as_str().unwrap().to_owned();
    until("the end of its threads", || demo.threads() == before);
    assert_eq!(demo.watch(&id).err(), Some(404));
}

#[test]
fn settings_are_strict() {
    let demo = Demo::start();
    for (body, word) in [
        (r#"{"colour":"red"}"#, "colour"),
        (r#"{"link":{"rtt":1}}"#, "rtt"),
        (r#"{"link":{"rtt_ms":-1}}"#, "rtt_ms"),
        (r#"{"hub":"common","mailbox":1}"#, "mailbox"),
        ("{", "EOF"),
    ] {
        let answer = demo.post("/benches", body);
        assert_eq!(answer.status, 400, "{body}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(word), "{body}: {message}");
    }
    let large = format!("{{\"hub\":\"{}\"}}", "x".repeat(20_000));
    assert_eq!(demo.post("/benches", &large).status, 413);
}

#[test]
fn benches_and_watchers_are_limited() {
    let demo = Demo::start_with(&["--max-benches", "2"]);
    let one = demo.bench(&json!({}));
    let _two = demo.bench(&json!({}));
    let third = demo.post("/benches", "{}");
    assert_eq!(third.status, 429);
    let message = third.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("--max-benches"), "{message}");
    let others: Vec<Socket> = (1..16).map(|_| demo.watch(one.id()).unwrap()).collect();
    assert_eq!(demo.watch(one.id()).err(), Some(429));
    drop(others);
    until("a place", || demo.watch(one.id()).is_ok());
}

#[test]
fn what_cannot_be_done_is_answered_with_an_error() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    for (frame, word) in [
        ("nonsense", "expected"),
        (r#"{"op":"dance"}"#, "dance"),
        (r#"{"op":"stall","ms":1,"now":true}"#, "now"),
        (
            r#"{"op":"cut","how":"reset","transport":"pigeon"}"#,
            "pigeon",
        ),
        (
            r#"{"op":"neighbours","transport":"sse","count":501}"#,
            "500",
        ),
        (r#"{"op":"source","rate":1e9}"#, "rate"),
    ] {
        bench.say(frame);
        let error = bench.until_op("error");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(word), "{frame}: {message}");
        bench.forget();
    }
    // It has come to no harm.
    bench.tell(&json!({"op": "clock", "at": "here"}));
    assert_eq!(bench.until_op("clock")["at"], "here");
}

#[test]
fn connections_are_limited_and_the_bench_lives_on() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    let (address, _) = bench.place("long-poll");
    let crowd: Vec<TcpStream> = (0..310)
        .filter_map(|_| TcpStream::connect(address).ok())
        .collect();
    // Whoever came too late was reset.
    let counts = bench.until("all that came", |message| {
        message["op"] == "counts" && message["opened"].as_u64() >= Some(302)
    });
    assert!(counts["open"].as_u64() <= Some(300), "{counts}");
    bench.client(demo.origin());
    drop(crowd);
    bench.until("the end of all", |message| {
        message["op"] == "counts" && message["transport"] == "long-poll" && message["open"] == 0
    });
}

#[test]
fn a_frame_that_is_too_large_ends_the_watch_and_not_the_bench() {
    let demo = Demo::start();
    let bench = demo.bench(&json!({}));
    let mut other = demo.watch(bench.id()).unwrap();
    other.send(&format!(
        r#"{{"op":"clock","at":"{}"}}"#,
        "x".repeat(200_000)
    ));
    until("the end of the watch", || other.next().is_none());
    assert!(demo.watch(bench.id()).is_ok());
}

/// When publishes were made, microseconds from the first.
fn times(bench: &mut crate::rig::Bench, source: &Value) -> Vec<f64> {
    bench.forget();
    bench.tell(source);
    bench.until("the source's end", |message| {
        message["op"] == "source" && message["rate"] == 0.0
    });
    let at: Vec<f64> = bench
        .all("published")
        .iter()
        .map(|published| published["at_us"].as_f64().unwrap())
        .collect();
    at.iter().map(|time| time - at[0]).collect()
}

#[test]
fn a_source_keeps_its_rate_and_its_seed_decides() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    let mut client = bench.client(demo.origin());
    let periodic = json!({"op": "source", "rate": 50, "law": "periodic", "count": 20, "payload": 100, "burst": 2});
    let times_of_bursts = times(&mut bench, &periodic);
    assert_eq!(times_of_bursts.len(), 40);
    // The schedule is an open loop: whatever a publish was late, those after it are not.
    let end = times_of_bursts[39];
    assert!(end > 370_000.0, "{end}");
    for n in 1..=40 {
        let text = client.next().unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&event["event"], &event["data"]["n"]),
            (&"tick".into(), &n.into())
        );
        // As it was written: a number may end with a zero.
        let (_, data) = text.split_once(r#""data":"#).unwrap();
        assert_eq!(data.len() - 1, 100, "{data}");
    }
    // The same seed gives the same times; what a busy machine adds is no more than its delay of each.
    let poisson = |seed: u64| json!({"op": "source", "rate": 100, "law": "poisson", "count": 50, "seed": seed});
    let (first, second, other) = (
        times(&mut bench, &poisson(7)),
        times(&mut bench, &poisson(7)),
        times(&mut bench, &poisson(8)),
    );
    let apart = |one: &[f64], two: &[f64]| {
        let mut gaps: Vec<f64> = one.iter().zip(two).map(|(a, b)| (a - b).abs()).collect();
        gaps.sort_by(f64::total_cmp);
        gaps[gaps.len() / 2]
    };
    assert!(
        apart(&first, &second) < apart(&first, &other) / 2.0,
        "{first:?} {second:?} {other:?}"
    );
}

#[test]
fn counts_are_what_clients_have_done() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    let (address, _) = bench.place("long-poll");
    let request = format!("POST /session HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    let sent = request.len() + "Connection: close\r\n".len();
    let answers: Vec<usize> = (0..3)
        .map(|_| {
            let answer = http(address, &request);
            let fields: usize = answer
                .headers
                .iter()
                .map(|(name, value)| name.len() + value.len() + 4)
                .sum();
            assert_eq!(answer.status, 201);
            "HTTP/1.1 201 Created\r\n".len() + fields + 2 + answer.body.len()
        })
        .collect();
    let counts = bench.until("three requests", |message| {
        message["op"] == "counts"
            && message["transport"] == "long-poll"
            && message["requests"] == 3
            && message["messages_down"] == 3
            && message["open"] == 0
    });
    assert_eq!(counts["opened"], 3);
    assert_eq!(counts["overhead_up"], 3 * sent);
    assert_eq!(counts["payload_up"], 0);
    let down = counts["payload_down"].as_u64().unwrap() + counts["overhead_down"].as_u64().unwrap();
    assert_eq!(down, answers.iter().sum::<usize>() as u64);
    assert_eq!(bench.all("opened").len(), 3);
    assert_eq!(bench.all("closed").len(), 3);
    let messages = bench.all("message");
    assert_eq!(messages.len(), 6);
    assert!(messages.iter().all(|message| {
        message["arrived_us"].as_f64() >= message["sent_us"].as_f64()
            && message["transport"] == "long-poll"
            && message["connection"].as_u64() > Some(0)
    }));
}

#[test]
fn the_link_changes_while_connections_live() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({"link": {"rtt_ms": 0}}));
    let mut client = bench.client(demo.origin());
    let round_trip = |client: &mut Socket| {
        let start = std::time::Instant::now();
        client.send(r#"{"op":"request","id":2,"data":null}"#);
        client.next().unwrap();
        start.elapsed()
    };
    // A busy machine may be slow once, but never faster than the link.
    let short = (0..5).map(|_| round_trip(&mut client)).min().unwrap();
    bench.tell(&json!({"op": "link", "rtt_ms": 400}));
    let told = bench.until("the new link", |message| message["rtt_ms"] == 400.0);
    assert_eq!(
        (&told["op"], &told["plugged"]),
        (&"link".into(), &true.into())
    );
    until("the new delay", || {
        round_trip(&mut client) >= Duration::from_millis(400)
    });
    assert!(short < Duration::from_millis(400));
    bench.tell(&json!({"op": "link"}));
    until("the old delay", || {
        round_trip(&mut client) < Duration::from_millis(400)
    });
}

#[test]
fn a_cable_that_is_pulled_cuts_and_keeps_out_until_it_is_back() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    let mut client = bench.client(demo.origin());
    bench.tell(&json!({"op": "cable", "plugged": false}));
    assert_eq!(client.next(), None);
    let (mut told, mut closed) = (false, Value::Null);
    bench.until("the news, and the connection's end", |message| {
        told |= message["plugged"] == false;
        if message["op"] == "closed" {
            closed = message.clone();
        }
        told && !closed.is_null()
    });
    assert_eq!(
        (&closed["how"], &closed["by"]),
        (&"reset".into(), &"link".into())
    );
    // One who comes to watch is told how it stands.
    let mut other = demo.watch(bench.id()).unwrap();
    assert!(other.next().unwrap().contains(r#""plugged":false"#));
    bench.tell(&json!({"op": "cable", "plugged": true}));
    bench.until("the news", |message| message["plugged"] == true);
    let mut client = bench.client(demo.origin());
    bench.tell(&json!({"op": "cut", "how": "reset", "transport": "long-poll"}));
    bench.tell(&json!({"op": "publish", "event": "still", "data": [1]}));
    let event: Value = serde_json::from_str(&client.next().unwrap()).unwrap();
    assert_eq!(
        (&event["event"], &event["data"]),
        (&"still".into(), &json!([1]))
    );
    bench.tell(&json!({"op": "cut", "how": "reset", "transport": "websocket"}));
    assert_eq!(client.next(), None);
}

#[test]
fn own_benches_are_apart_and_common_ones_meet() {
    let demo = Demo::start();
    let mut benches = [
        json!({}),
        json!({}),
        json!({"hub": "common"}),
        json!({"hub": "common"}),
    ]
    .map(|settings| demo.bench(&settings));
    let mut clients = benches.each_ref().map(|bench| bench.client(demo.origin()));
    for (number, bench) in benches.iter_mut().enumerate() {
        bench.tell(&json!({"op": "publish", "event": "from", "data": number}));
        bench.until_op("published");
    }
    // Each hears its own last of all, or the other's as well.
    for (client, expected) in clients.iter_mut().zip([&[0][..], &[1], &[2, 3], &[2, 3]]) {
        for number in expected {
            let event: Value = serde_json::from_str(&client.next().unwrap()).unwrap();
            assert_eq!(event["data"], *number);
        }
    }
    for bench in &mut benches {
        bench.tell(&json!({"op": "publish", "event": "last", "data": bench.id()}));
        bench.until("last", |message| message["event"] == "last");
    }
    for (client, bench) in clients.iter_mut().zip(&benches).take(2) {
        let event: Value = serde_json::from_str(&client.next().unwrap()).unwrap();
        assert_eq!(
            event["data"],
            bench.id(),
            "and nothing of another bench before it"
        );
    }
}

#[test]
fn neighbours_come_and_go() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    for transport in ["long-poll", "sse", "websocket", "request-response"] {
        bench.tell(
            &json!({"op": "neighbours", "transport": transport, "count": 5, "interval_ms": 100}),
        );
        bench.until(transport, |message| {
            message["op"] == "neighbours"
                && message["transport"] == transport
                && message["connected"] == 5
        });
    }
    bench.tell(&json!({"op": "neighbours", "transport": "websocket", "count": 2}));
    bench.until("fewer", |message| {
        message["op"] == "neighbours"
            && message["transport"] == "websocket"
            && message["connected"] == 2
    });
    bench.settle();
    assert!(
        bench.all("opened").is_empty(),
        "they don't come through the cables"
    );
}

#[test]
fn a_watcher_that_takes_nothing_hinders_nobody() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    let _asleep = demo.watch(bench.id()).unwrap();
    let _client = bench.client(demo.origin());
    let flood = json!({"op": "source", "rate": 500, "burst": 10, "payload": 500, "count": 1000, "law": "periodic"});
    bench.tell(&flood);
    bench.until("the source's end", |message| {
        message["op"] == "source" && message["rate"] == 0.0
    });
    bench.settle();
}

#[test]
fn its_end_leaves_nothing() {
    let demo = Demo::start();
    let mut bench = demo.bench(&json!({}));
    let _common = demo.bench(&json!({"hub": "common"}));
    bench.tell(&json!({"op": "source", "rate": 100}));
    bench.tell(&json!({"op": "neighbours", "transport": "long-poll", "count": 3}));
    bench.until("neighbours", |message| message["connected"] == 3);
    let mut client = bench.client(demo.origin());
    let (address, pid) = (demo.address(), demo.pid());
    let (place, _) = bench.place("websocket");
    assert_eq!(demo.stop(), (Some(0), String::new()));
    until("the client's end", || client.next().is_none());
    assert!(TcpStream::connect(address).is_err() && TcpStream::connect(place).is_err());
    let parents = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let status = std::fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
        status
            .contains(&format!("\nPPid:\t{pid}\n"))
            .then_some(status)
    });
    assert_eq!(parents.count(), 0);
}
