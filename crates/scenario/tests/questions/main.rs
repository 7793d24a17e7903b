//! What a scenario asks beyond one setting: sweeps, searches and expectations, and every way to write them wrong.

mod axes;
mod expect;
mod figures;
mod find;
mod sweep;

use scenario::{ArmInfo, Scenario, parse};

const ARMS: &[ArmInfo<'_>] = &[
    ArmInfo {
        name: "inproc",
        options: &[],
    },
    ArmInfo {
        name: "request-response",
        options: &["connection", "poll-interval", "poll-pacing", "pool"],
    },
    ArmInfo {
        name: "long-poll",
        options: &["hold", "pool", "batching"],
    },
    ArmInfo {
        name: "websocket",
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
