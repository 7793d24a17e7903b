//! What a scenario asks beyond one setting: sweeps, searches and expectations, and every way to write them wrong.

mod axes;
mod expect;
mod figures;
mod find;
mod link;
mod sweep;

use scenario::{ArmInfo, Scenario, parse};

const ARMS: &[ArmInfo<'_>] = &[
    ArmInfo {
        name: "inproc",
        network: false,
        options: &[],
    },
    ArmInfo {
        name: "request-response",
        network: true,
        options: &["connection", "poll-interval", "poll-pacing", "pool"],
    },
    ArmInfo {
        name: "long-poll",
        network: true,
        options: &["hold", "cursor", "pool", "batching"],
    },
    ArmInfo {
        name: "websocket",
        network: true,
        options: &["batching"],
    },
];

/// 17 lines, the last of them empty; what a test is about comes after it.
const ROOMS: &str = r#"name = "x"
question = "?"
kind = "rooms"
transports = ["request-response", "websocket"]
duration = "5s"

[load]
mode = "open"
rate = "500/s"
payload = "1 KiB"

[population]
rooms = 10
members = 5
publishers = 2

"#;

const ECHO: &str = r#"name = "x"
question = "?"
kind = "echo"
transports = ["long-poll", "websocket"]
duration = "1s"
population = { clients = 10 }
load = { mode = "open", rate = "500/s", payload = "64 B" }
"#;

const CLOSED: &str = r#"name = "x"
question = "?"
kind = "private"
duration = "1s"
population = { clients = 10 }
load = { mode = "closed", depth = 2, payload = "64 B" }
"#;

const IDLE: &str = r#"name = "x"
question = "?"
kind = "idle"
duration = "1s"
population = { clients = 10 }
"#;

#[track_caller]
fn good(base: &str, more: &str) -> Scenario {
    let text = format!("{base}{more}");
    parse(&text, "f.toml", ARMS).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn wrong(base: &str, more: &str, message: &str) {
    let text = format!("{base}{more}");
    match parse(&text, "f.toml", ARMS) {
        Ok(_) => panic!("it is taken: {more}"),
        Err(error) => assert_eq!(error.to_string(), message, "{more}"),
    }
}

/// The examples of `scenarios/README.md` are scenarios.
#[test]
fn the_examples_of_the_reference_are_right() {
    let reference = include_str!("../../../../scenarios/README.md");
    let fences = reference.split("```toml\n").skip(1);
    let examples: Vec<&str> = fences.filter_map(|rest| rest.split("```").next()).collect();
    let [link, faults, sweep, find, expect] = examples[..] else {
        panic!("another number of examples: {examples:?}");
    };
    let base = ECHO
        .replace("\"echo\"", "\"chat\"")
        .replace("transports = [\"long-poll\", \"websocket\"]\n", "");
    let long = base
        .replace("\"1s\"", "\"10s\"")
        .replace("duration", "transports = [\"websocket\"]\nduration");
    let scenario = good(&long, &format!("[link]\n{faults}"));
    assert_eq!(scenario.fault_schedule().len(), 3);
    let scenario = good(&base, &format!("{link}{sweep}{expect}"));
    assert!(scenario.link.is_some());
    assert_eq!(scenario.sweep.unwrap().points.len(), 20);
    assert_eq!(scenario.expects.len(), 2);
    assert!(good(&base, find).find.is_some());
}
