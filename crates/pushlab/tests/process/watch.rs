//! `pushlab watch` as a process: its diagram, its JSON, its end, its errors.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Place, Running, outcome, pushlab};
use crate::usage::refused;

/// Standard output of a watch that ends well, in a locale.
fn watched(arguments: &[&str], locale: &str) -> String {
    let arguments = [&["watch"], arguments].concat();
    let mut command = pushlab(&arguments);
    let output = command.env("LC_ALL", locale).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same with `--json`, line by line.
fn lines(arguments: &[&str]) -> Vec<Value> {
    let text = watched(&[arguments, &["--json"]].concat(), "C.UTF-8");
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

fn with_op<'a>(lines: &'a [Value], op: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["op"] == op).collect()
}

#[test]
fn a_diagram_shows_polls_that_wait_and_says_what_it_is_of() {
    let text = watched(&["long-poll", "--for", "2s"], "C.UTF-8");
    for piece in [
        "1 publisher, 2 subscribers (of 101 sessions); 2 messages a second (of 50)",
        "link: 100 ms round trip (the scenario has none",
        "│─ GET /events?after=0&wait=25 ─",
        "│◀ 200 after ",
        "┆",
        "requests, ",
        "received; age p50 ",
    ] {
        assert!(text.contains(piece), "{piece}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "colours in a pipe: {text}");
}

#[test]
fn ascii_is_drawn_where_there_is_nothing_else() {
    let short = ["websocket", "echo", "--for", "1s", "--rtt", "20ms"];
    for text in [
        watched(&short, "C"),
        watched(&[&short[..], &["--ascii"]].concat(), "C.UTF-8"),
    ] {
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("|- GET /ws --"), "{text}");
        assert!(text.contains("link: 20.0 ms round trip"), "{text}");
    }
}

#[test]
fn every_transport_with_a_network_can_be_watched_and_its_bytes_add_up() {
    let (_, list, _) = outcome(&["list", "transports", "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let all = list.as_array().unwrap().iter();
    for transport in all.filter(|one| one["served"].as_bool().unwrap()) {
        let name = transport["name"].as_str().unwrap();
        let lines = lines(&[
            name,
            "--for",
            "700ms",
            "--rate",
            "10",
            "--rtt",
            "10ms",
            "--poll-interval",
            "100ms",
        ]);
        let messages = with_op(&lines, "message");
        let [.., counts, ages] = &lines[..] else {
            panic!("{name}: {lines:?}");
        };
        assert_eq!(
            (&counts["op"], &ages["op"]),
            (&"counts".into(), &"ages".into())
        );
        assert_eq!(counts["skipped"], 0, "{name}");
        for (way, which) in ["up", "down"].into_iter().zip([
            ["messages_up", "payload_up", "overhead_up"],
            ["messages_down", "payload_down", "overhead_down"],
        ]) {
            let own: Vec<&&Value> = messages.iter().filter(|one| one["way"] == way).collect();
            let sum =
                |field: &str| -> u64 { own.iter().map(|one| one[field].as_u64().unwrap()).sum() };
            let sums = [own.len() as u64, sum("payload"), sum("overhead")];
            assert_eq!(
                which.map(|name| counts[name].as_u64().unwrap()),
                sums,
                "{name}"
            );
            assert!(!own.is_empty(), "{name}");
        }
        // What can't be read is what bare TCP says.
        let others = messages.iter().filter(|one| one["kind"] == "other").count();
        assert_eq!(others > 0, name == "tcp", "{name}");
        let requests = messages
            .iter()
            .filter(|one| one["kind"] == "request")
            .count();
        assert_eq!(counts["requests"], requests, "{name}");
        assert!(ages["delivered"].as_u64().unwrap() > 0, "{name}: {ages}");
        assert_eq!(ages["errors"], 0, "{name}");
        for message in messages {
            let took =
                message["arrived_us"].as_f64().unwrap() - message["sent_us"].as_f64().unwrap();
            assert!(took >= 4_900.0, "faster than the link: {message}");
        }
    }
}

#[test]
fn faults_are_seen() {
    let place = Place::new(
        r#"
name = "cut"
question = "What is seen of a cut?"
kind = "broadcast"
transports = ["websocket"]
duration = "1500ms"
[load]
mode = "open"
arrivals = "constant"
rate = "20/s"
payload = "64 B"
[population]
subscribers = 2
[link]
rtt = "10ms"
[reconnect]
backoff = "50ms"
longest-backoff = "200ms"
[[fault]]
at = "500ms"
what = "cut-link"
how = "mid-message"
"#,
    );
    let lines = lines(&["websocket", place.scenario(), "--rate", "20"]);
    let closed = with_op(&lines, "closed");
    let cut = closed.iter().filter(|one| one["by"] == "link");
    // The publisher's goes on until the next message for it.
    assert!(cut.clone().count() >= 2, "{closed:?}");
    assert!(cut.clone().all(|one| one["how"] == "reset"), "{closed:?}");
    assert!(!with_op(&lines, "lost").is_empty());
    let unfinished = |one: &&&Value| one["title"].as_str().unwrap().ends_with(", unfinished");
    assert!(
        with_op(&lines, "message")
            .iter()
            .any(|one| unfinished(&one))
    );
    assert!(with_op(&lines, "opened").len() >= 5);
}

#[test]
fn an_interrupt_ends_it_with_the_totals() {
    let mut watching = Running::start(&["watch", "sse", "--for", "10m", "--rtt", "10ms"]);
    loop {
        let line = watching.line();
        assert!(!line.is_empty(), "{}", watching.complaints());
        if line.contains(" message, ") {
            break;
        }
    }
    watching.signal(Signal::INT);
    let mut rest = String::new();
    loop {
        match watching.line() {
            line if line.is_empty() => break,
            line => rest += &line,
        }
    }
    assert_eq!(watching.wait().code(), Some(130));
    assert!(rest.contains("requests, 0 of them useless"), "{rest}");
    assert_eq!(watching.complaints(), "");
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let mut child = pushlab(&["watch", "websocket", "--for", "10m", "--rtt", "1ms"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn wrong_use_is_named() {
    refused(&["watch"], 2, &["<TRANSPORT>"]);
    refused(
        &["watch", "websockets"],
        2,
        &["'websockets'", "'websocket'"],
    );
    refused(&["watch", "inproc"], 2, &["inproc has no network"]);
    refused(
        &["watch", "sse", "no-such"],
        2,
        &["no-such: cannot read the scenario"],
    );
    refused(
        &["watch", "sse", "idle", "--rate", "2"],
        2,
        &["--rate: nobody sends"],
    );
    refused(
        &["watch", "sse", "--clients", "1"],
        2,
        &["--clients: broadcast takes 2 sessions"],
    );
    refused(
        &["watch", "sse", "faults/storm", "--for", "10ms"],
        2,
        &["--for: the faults of this scenario happen within"],
    );
    refused(
        &["watch", "sse", "--rtt", "5ms", "--jitter", "50ms"],
        2,
        &["--jitter: 50ms is more than the delay"],
    );
    refused(&["watch", "sse", "--link", "5g"], 2, &["'5g'"]);
    refused(&["watch", "sse", "--rate", "0"], 2, &["a rate from 0.01"]);
    let lossy = Place::new(
        "name = 'l'\nquestion = 'q'\nkind = 'idle'\ntransports = ['sse']\nduration = '1s'\n[population]\nclients = 1\n[link]\nbackend = 'packets'\nrtt = '10ms'\nloss = '1%'\n",
    );
    refused(
        &["watch", "sse", lossy.scenario()],
        2,
        &["loses, reorders or duplicates packets", "--link"],
    );
}
