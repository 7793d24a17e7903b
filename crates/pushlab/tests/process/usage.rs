//! What the command line says without running anything: help, lists, completions, and every wrong use.

use crate::common::{outcome, output};
use serde_json::Value;

#[test]
fn help_has_examples_everywhere() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["serve", "--help"],
        &["link", "--help"],
        &["load", "--help"],
        &["watch", "--help"],
        &["diff", "--help"],
        &["list", "--help"],
        &["selftest", "--help"],
        &["completions", "--help"],
    ] {
        let (code, help, _) = outcome(arguments);
        assert_eq!(code, 0);
        assert!(
            help.contains("Example") && help.contains("pushlab "),
            "{help}"
        );
        assert!(
            !help.contains("die-with-parent") && !help.contains("--control"),
            "{help}"
        );
    }
}

#[test]
fn version_is_told() {
    let (code, text, _) = outcome(&["--version"]);
    assert_eq!(
        (code, text),
        (0, format!("pushlab {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn lists_are_text_or_json() {
    let (code, text, _) = outcome(&["list"]);
    assert_eq!(code, 0);
    for name in [
        "inproc",
        "tcp",
        "request-response",
        "long-poll",
        "sse",
        "websocket",
        "socket-io",
        "socket-io-polling",
        "socket-io-websocket",
        "echo",
        "tour-broadcast",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    let (_, json, _) = outcome(&["list", "transports", "--json"]);
    let transports: Value = serde_json::from_str(&json).unwrap();
    let served: Vec<&str> = transports
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["served"].as_bool().unwrap())
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        served,
        [
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
    let (_, json, _) = outcome(&["list", "scenarios", "--json"]);
    let scenarios: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(scenarios[0]["name"], "echo");
    let (_, json, _) = outcome(&["list", "--json"]);
    let both: Value = serde_json::from_str(&json).unwrap();
    assert!(both["transports"].is_array() && both["scenarios"].is_array());
}

#[test]
fn completions_know_the_transports() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = outcome(&["completions", shell]);
        assert_eq!(code, 0);
        assert!(
            script.contains("long-poll") && script.contains("--trials")
                || script.contains("trials"),
            "{shell}"
        );
    }
}

#[track_caller]
pub(crate) fn refused(arguments: &[&str], code: i32, says: &[&str]) {
    let (exit, out, errors) = outcome(arguments);
    assert_eq!((exit, out.as_str()), (code, ""), "{arguments:?}: {errors}");
    for piece in says {
        assert!(
            errors.contains(piece),
            "{arguments:?} should say {piece:?}: {errors}"
        );
    }
}

#[test]
fn wrong_use_of_serve_is_named_and_exits_with_2() {
    refused(&["serve"], 2, &["<TRANSPORT|--all>"]);
    refused(
        &["serve", "websockets"],
        2,
        &["'websockets'", "'websocket'"],
    );
    refused(
        &["serve", "inproc"],
        2,
        &["inproc has no network", "pushlab run"],
    );
    refused(&["serve", "--all", "long-poll"], 2, &["--all"]);
    refused(
        &["serve", "--all", "--listen", "8080"],
        2,
        &["--listen 8080", "HOST:PORT is right"],
    );
    refused(
        &["serve", "--all", "--listen", "127.0.0.1:65535"],
        2,
        &["65536", "choose a lower one"],
    );
    refused(&["serve", "--all", "--threads", "0"], 2, &["--threads"]);
    refused(
        &["serve", "--all", "--pin", "x"],
        2,
        &["--pin", "a list of CPU numbers is right"],
    );
    refused(
        &["serve", "--all", "--pin", "1000"],
        2,
        &["--pin", "CPU 1000 can't be used"],
    );
    refused(
        &["serve", "--all", "--slow-consumer", "drop"],
        2,
        &["'drop'", "drop-oldest"],
    );
    refused(
        &["serve", "--all", "--retention", "60"],
        2,
        &["--retention", "\"60\" is not a duration", "250ms"],
    );
    refused(
        &["serve", "--all", "--max-message", "0"],
        2,
        &["--max-message", "1 byte"],
    );
    refused(
        &["serve", "--all", "--allow-origin", "example.org"],
        2,
        &["--allow-origin", "http://localhost:3000"],
    );
}

#[test]
fn wrong_use_of_what_measures_is_named_too() {
    refused(&["run", "--trials", "0"], 2, &["--trials"]);
    refused(
        &["run", "--transport", "longpoll"],
        2,
        &["'longpoll'", "'long-poll'"],
    );
    refused(
        &["run", "no-such.toml"],
        2,
        &["no-such.toml: cannot read the scenario: No such file"],
    );
    refused(&["run", "--seed", "x"], 2, &["--seed"]);
    refused(&["run", "--jsn"], 2, &["'--jsn'", "'--json'"]);
    refused(
        &["load", "--transport", "websocket", "echo"],
        2,
        &["--target"],
    );
    refused(
        &[
            "load",
            "--transport",
            "websocket",
            "--target",
            "http://127.0.0.1:1",
            "echo",
        ],
        2,
        &[
            "no URL of a websocket server",
            "ws://127.0.0.1:8080/ws would be one",
        ],
    );
    refused(
        &["load", "--transport", "inproc", "--target", "x", "echo"],
        2,
        &["inproc has no network"],
    );
    refused(
        &["selftest", "--only", "nonsense"],
        2,
        &[
            "'nonsense'",
            "freeze",
            "a-a",
            "end-in-freeze",
            "starved",
            "link",
        ],
    );
    refused(&["list", "transport"], 2, &["'transport'", "'transports'"]);
}

#[test]
fn a_bad_scenario_names_file_line_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "name = 'bad'\nquestion = '?'\nkind = 'ecko'\n").unwrap();
    let path = path.to_str().unwrap();
    refused(
        &["run", path],
        2,
        &[&format!(
            "pushlab: {path}:3:8: field `kind`: \"ecko\" is unknown: did you mean \"echo\"?"
        )],
    );
}

#[test]
fn a_place_that_takes_no_results_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    refused(
        &["run", "--out", file],
        2,
        &[&format!("--out {file} exists and is no folder")],
    );
    refused(
        &["run", "--out", "/proc/none"],
        1,
        &["can't write /proc/none"],
    );
}

#[test]
fn nothing_to_load_is_told_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let target = format!("ws://127.0.0.1:{port}/ws");
    let arguments = [
        "load",
        "--transport",
        "websocket",
        "--target",
        &target,
        "echo",
        "--out",
        out.to_str().unwrap(),
    ];
    refused(
        &arguments,
        1,
        &[
            &format!("nothing answers at {target}: Connection refused"),
            "pushlab serve websocket",
        ],
    );
    assert!(!out.exists());
}

#[test]
fn a_reader_that_leaves_early_is_no_crash() {
    let output = output(&["list", "--json"]);
    assert!(output.status.success());
    let mut child = crate::common::pushlab(&["list"]).spawn().unwrap();
    drop(child.stdout.take());
    let errors = child.wait_with_output().unwrap().stderr;
    assert!(!String::from_utf8(errors).unwrap().contains("panicked"));
}
