//! `pushlab run` and `pushlab load` as processes: what they print, what they leave, and how they end.

use std::fs;

use crate::common::{
    PATIENCE, Place, Running, children_of, json_file, only_folder, outcome, until,
};
use rustix::process::Signal;
use serde_json::Value;

/// A scenario as small as one that still says something.
const SMALL: &str = "
name = 'small'
question = 'Does it run?'
kind = 'echo'
transports = ['inproc', 'tcp', 'request-response', 'long-poll', 'sse', 'websocket', 'socket-io', 'socket-io-polling', 'socket-io-websocket']
duration = '200ms'
warm-up = '50ms'
trials = 1
[load]
mode = 'closed'
payload = '64 B'
[population]
clients = 2
";

/// The transports of [`SMALL`].
const ALL: &str = "'inproc', 'tcp', 'request-response', 'long-poll', 'sse', 'websocket', 'socket-io', 'socket-io-polling', 'socket-io-websocket'";

#[test]
fn what_is_printed_is_what_is_kept() {
    let place = Place::new(SMALL);
    let out = place.out();
    let (code, printed, errors) = outcome(&[
        "run",
        place.scenario(),
        "--quick",
        "--json",
        "--retries",
        "0",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{errors}");
    let folder = only_folder(&out);
    assert_eq!(
        printed,
        fs::read_to_string(folder.join("summary.json")).unwrap()
    );
    assert_eq!(
        fs::read_to_string(folder.join("scenario.toml")).unwrap(),
        SMALL
    );

    let summary: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(summary["status"], "complete");
    assert_eq!(summary["quick"], true);
    assert_eq!(
        summary["folder"],
        folder.file_name().unwrap().to_str().unwrap()
    );
    let arms: Vec<&str> = summary["arms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arm| arm["arm"].as_str().unwrap())
        .collect();
    assert_eq!(
        arms,
        [
            "inproc",
            "tcp",
            "request-response",
            "long-poll",
            "sse",
            "websocket",
            "socket-io",
            "socket-io-polling",
            "socket-io-websocket"
        ]
    );
    for arm in summary["arms"].as_array().unwrap() {
        assert_eq!(arm["trials"][0]["outcome"], "completed", "{arm}");
        assert!(
            arm["metrics"]["latency_p50_ns"]["median"].as_f64().unwrap() > 0.0,
            "{arm}"
        );
    }

    let manifest = json_file(&folder.join("manifest.json"));
    assert_eq!(manifest["status"], "complete");
    assert_eq!(manifest["run"]["order"].as_array().unwrap().len(), 9);
    assert!(manifest["ended_utc"].is_string());
    let rows = fs::read_to_string(folder.join("runs.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + 9, "{rows}");
    for arm in &summary["arms"].as_array().unwrap()[1..] {
        let cpu = arm["metrics"]["server_cpu_us_per_message"]["median"]
            .as_f64()
            .unwrap();
        assert!(cpu > 0.0, "{arm}");
    }
}

/// What a long-polling client without a cursor isn't told is counted as lost, and the measurement stands: the loss is what was to be measured.
#[test]
fn without_a_cursor_messages_are_lost_and_counted() {
    let scenario = SMALL
        .replace("kind = 'echo'", "kind = 'broadcast'")
        .replace(ALL, "'long-poll'")
        .replace("mode = 'closed'", "mode = 'open'\nrate = '2000/s'")
        .replace("clients = 2", "subscribers = 3");
    let run = |scenario: &str| {
        let place = Place::new(scenario);
        let out = place.out();
        let out = out.to_str().unwrap();
        let arguments = [
            "run",
            place.scenario(),
            "--json",
            "--retries",
            "0",
            "--out",
            out,
        ];
        let (code, printed, errors) = outcome(&arguments);
        assert_eq!(code, 0, "{errors}");
        let summary: Value = serde_json::from_str(&printed).unwrap();
        let trial = &summary["arms"][0]["trials"][0];
        assert_eq!(trial["outcome"], "completed", "{trial}");
        // A busy machine breaks other guards.
        for guard in ["littles-law", "achieved-rate"] {
            assert!(!trial.to_string().contains(guard), "{trial}");
        }
        let metric = |name: &str| summary["arms"][0]["metrics"][name]["median"].as_f64();
        (metric("lost"), metric("duplicated"), metric("errors"))
    };
    assert_eq!(run(&scenario), (Some(0.0), Some(0.0), Some(0.0)));
    let (lost, duplicated, errors) = run(&format!("{scenario}[client]\ncursor = false\n"));
    assert!(lost > Some(0.0), "{lost:?}");
    assert_eq!((duplicated, errors), (Some(0.0), Some(0.0)));
}

#[test]
fn the_table_names_every_arm_and_the_folder() {
    let place = Place::new(SMALL);
    let out = place.out();
    let out = out.to_str().unwrap();
    let arguments = [
        "run",
        place.scenario(),
        "--transport",
        "websocket",
        "--transport",
        "inproc",
        "--out",
        out,
    ];
    let (code, printed, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    assert!(
        printed.contains("websocket")
            && printed.contains("inproc")
            && !printed.contains("long-poll"),
        "{printed}"
    );
    assert!(
        printed.contains("response p50") && printed.contains(&format!("results: {out}/")),
        "{printed}"
    );
    assert!(
        printed
            .lines()
            .all(|line| line.starts_with("results: ") || line.chars().count() <= 400),
        "{printed}"
    );
    assert!(
        !printed.contains('\u{1b}') && !errors.contains('\u{1b}'),
        "plain when not a terminal"
    );
    assert!(errors.contains("[2/2]"), "{errors}");
}

#[test]
fn every_kind_runs_on_every_transport() {
    let load = "[load]\nmode = 'closed'\npayload = '64 B'\n";
    let kinds = [
        ("broadcast", load, "subscribers = 3"),
        ("rooms", load, "rooms = 2\nmembers = 2"),
        ("chat", load, "clients = 3"),
        ("private", load, "clients = 4"),
        ("idle", "", "clients = 3"),
    ];
    for (kind, load, population) in kinds {
        let scenario = format!(
            "name = 'small'\nquestion = '?'\nkind = '{kind}'\nduration = '200ms'\nwarm-up = '50ms'\ntrials = 1\n\
             {load}[population]\n{population}\n"
        );
        let place = Place::new(&scenario);
        let out = place.out();
        let (code, printed, errors) = outcome(&[
            "run",
            place.scenario(),
            "--json",
            "--out",
            out.to_str().unwrap(),
        ]);
        assert_eq!(code, 0, "{kind}: {errors}");
        let summary: Value = serde_json::from_str(&printed).unwrap();
        for arm in summary["arms"].as_array().unwrap() {
            assert_eq!(arm["trials"][0]["outcome"], "completed", "{kind}: {arm}");
            assert_eq!(arm["trials"][0]["errors"], 0, "{kind}: {arm}");
            if kind != "idle" {
                for fault in ["lost", "duplicated", "reordered", "corrupted", "misrouted"] {
                    assert_eq!(arm["metrics"][fault]["max"], 0.0, "{kind}: {fault}: {arm}");
                }
                assert!(
                    arm["metrics"]["delivered"]["median"].as_f64().unwrap() > 0.0,
                    "{kind}: {arm}"
                );
            }
        }
    }
}

#[test]
fn an_invalid_case_is_told_when_asked_strictly() {
    // More than any generator sends: it saturates, and says so.
    let open = SMALL.replace("mode = 'closed'", "mode = 'open'\nrate = '2000000/s'");
    let scenario = format!("{open}[server]\nmailbox-messages = 1000000\nmailbox-bytes = '1 GiB'\n");
    let place = Place::new(&scenario);
    let out = place.out();
    let arguments = [
        "run",
        place.scenario(),
        "--transport",
        "inproc",
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, printed, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    assert!(printed.contains("invalid"), "{printed}");
    let (code, ..) = outcome(&[&arguments[..], &["--strict"]].concat());
    assert_eq!(code, 4);
}

#[test]
fn several_scenarios_are_an_array() {
    let place = Place::new(SMALL);
    let path = place.scenario();
    let out = place.out();
    let arguments = [
        "run",
        path,
        path,
        "--transport",
        "inproc",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, printed, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    let summaries: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(summaries.as_array().unwrap().len(), 2);
    let folders = fs::read_dir(&out).unwrap();
    let folders = folders.filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), 2);
}

#[test]
fn a_server_started_elsewhere_is_loaded() {
    let mut server = Running::start(&["serve", "websocket"]);
    let url = server.url();
    let place = Place::new(SMALL);
    let out = place.out();
    let arguments = [
        "load",
        "--transport",
        "websocket",
        "--target",
        &url,
        place.scenario(),
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, printed, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    let summary: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(summary["arms"][0]["arm"], "websocket");
    assert!(
        summary["arms"][0]["metrics"]["messages_per_s"]["median"]
            .as_f64()
            .unwrap()
            > 0.0,
        "{printed}"
    );
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

/// A run that goes on until it is stopped, with a server that was seen.
fn long_run(place: &Place) -> (Running, Vec<u32>) {
    let running = Running::start(&[
        "run",
        place.scenario(),
        "--transport",
        "websocket",
        "--out",
        place.out().to_str().unwrap(),
    ]);
    let pid = running.child.id();
    let mut servers = Vec::new();
    until("a server", || {
        servers = children_of(pid);
        !servers.is_empty()
    });
    (running, servers)
}

fn long() -> Place {
    Place::new(&SMALL.replace("'200ms'", "'1h'"))
}

#[test]
fn no_server_outlives_a_killed_run() {
    let place = long();
    let (mut running, servers) = long_run(&place);
    let pid = running.child.id();
    running.signal(Signal::KILL);
    running.wait();
    until("no server left", || children_of(pid).is_empty());
    assert!(!servers.is_empty());
    assert_eq!(
        json_file(&only_folder(&place.out()).join("manifest.json"))["status"],
        "running"
    );
}

#[test]
fn ctrl_c_leaves_a_folder_that_can_be_read() {
    let place = long();
    let (mut running, _) = long_run(&place);
    let pid = running.child.id();
    running.signal(Signal::INT);
    assert_eq!(running.wait().code(), Some(130));
    assert_eq!(children_of(pid), Vec::<u32>::new());
    let folder = only_folder(&place.out());
    assert_eq!(
        json_file(&folder.join("manifest.json"))["status"],
        "interrupted"
    );
    assert_eq!(
        json_file(&folder.join("summary.json"))["status"],
        "interrupted"
    );
    let rows = fs::read_to_string(folder.join("runs.csv")).unwrap();
    assert!(
        rows.lines()
            .nth(1)
            .is_some_and(|row| row.contains("interrupted")),
        "{rows}"
    );
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let place = long();
    let (mut running, _) = long_run(&place);
    let pid = running.child.id();
    let began = std::time::Instant::now();
    running.signal(Signal::TERM);
    // The two may be told as one if nobody has looked between them.
    std::thread::sleep(std::time::Duration::from_millis(20));
    running.signal(Signal::TERM);
    running.wait();
    assert!(began.elapsed() < PATIENCE);
    until("no server left", || children_of(pid).is_empty());
}

#[test]
fn a_server_that_dies_is_a_failed_case_and_not_the_end() {
    let place = Place::new(
        &SMALL
            .replace("trials = 1", "trials = 2")
            .replace("'200ms'", "'2s'"),
    );
    let (mut running, servers) = long_run(&place);
    let pid = i32::try_from(servers[0])
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    assert_eq!(running.wait().code(), Some(1));
    let folder = only_folder(&place.out());
    assert_eq!(
        json_file(&folder.join("manifest.json"))["status"],
        "complete"
    );
    let summary = json_file(&folder.join("summary.json"));
    let trials = summary["arms"][0]["trials"].as_array().unwrap();
    assert_eq!(
        (&trials[0]["outcome"], &trials[1]["outcome"]),
        (&"failed".into(), &"completed".into()),
        "{summary}"
    );
}
