//! Servers that others wrote: small ones made here, in Python, each with a fault of its own, and the real ones.

mod commands;
mod shelf;

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use self::shelf::{Shelf, scenario};
use crate::common::{Place, Running, json_file, only_folder, outcome, until};

#[test]
fn a_peer_is_measured_beside_the_lab() {
    for kind in ["echo", "broadcast", "idle"] {
        let shelf = Shelf::new(&scenario(kind, ""), "none");
        let (code, text, errors) = shelf.run(&["--peer", "fake"]);
        assert!(code == 0, "{code} {errors} {text}");
        let (arm, manifest) = shelf.result("fake");
        assert_eq!(arm["trials"][0]["outcome"], "completed", "{errors}");
        assert!(
            text.contains(
                "fake: a peer of the tests, fake 1.2.3 (PyPI; fake 1.2.3); made for a test"
            ),
            "{text}"
        );
        assert!(
            text.contains("expected") && text.contains("websocket"),
            "{text}"
        );
        let peer = &manifest["run"]["peers"][0];
        assert_eq!(
            (&peer["name"], &peer["version"]),
            (&"fake".into(), &"1.2.3".into())
        );
        let protocol = if kind == "broadcast" {
            "shootout"
        } else {
            "echo"
        };
        assert_eq!(peer["arms"][0]["protocol"], protocol);
        assert_eq!(
            manifest["run"]["arms"],
            serde_json::json!(["websocket", "fake"])
        );
        let metrics = &arm["metrics"];
        if kind == "idle" {
            assert!(
                metrics["server_bytes_per_connection"].is_object(),
                "{metrics}"
            );
        } else {
            assert!(
                metrics["server_cpu_us_per_message"].is_object(),
                "{metrics}"
            );
        }
        // A run with peers can be read and drawn again like any other.
        let folder = only_folder(&shelf.place.out());
        let (code, _, errors) = outcome(&["report", folder.to_str().unwrap()]);
        assert_eq!(code, 0, "{errors}");
        let page = fs::read_to_string(folder.join("report.html")).unwrap();
        assert!(page.contains("Written by others") && page.contains("--peer fake"));
    }
}

#[test]
fn a_link_lies_before_a_peer_too() {
    let link = "[link]\nrtt = '20ms'\n";
    let text = scenario("echo", "").replace("[population]", &format!("{link}[population]"));
    let shelf = Shelf::new(&text, "none");
    let (code, text, errors) = shelf.run(&["--peer", "fake", "--json"]);
    assert_eq!(code, 0, "{errors} {text}");
    let (arm, _) = shelf.result("fake");
    let median = arm["metrics"]["latency_p50_ns"]["median"].as_f64().unwrap();
    assert!(median >= 20e6, "{median}");
}

#[test]
fn who_drops_is_struck_out_whatever_its_latency() {
    let shelf = Shelf::new(&scenario("broadcast", ""), "drops");
    let (code, text, errors) = shelf.run(&["--peer", "fake"]);
    assert_eq!(code, 0, "{errors} {text}");
    let (arm, _) = shelf.result("fake");
    assert_eq!(arm["ranked"], false, "{arm}");
    assert!(
        arm["metrics"]["lost"]["median"].as_f64().unwrap() > 0.0,
        "{arm}"
    );
    assert!(
        text.contains("fake lost ") && !text.contains("fake is lowest"),
        "{text}"
    );
    let row = text
        .lines()
        .find(|line| line.trim_start().starts_with("fake "))
        .unwrap();
    assert!(row.contains('~'), "{row}");
}

#[test]
fn a_scenario_names_peers_and_a_transport_on_the_command_line_leaves_them_out() {
    let shelf = Shelf::new(&scenario("echo", "peers = ['fake']"), "none");
    let (code, text, errors) = shelf.run(&[]);
    assert_eq!(code, 0, "{errors} {text}");
    shelf.result("fake");
    let (code, text, errors) = shelf.run(&["--transport", "websocket"]);
    assert_eq!(code, 0, "{errors}");
    assert!(!text.contains("fake"), "{text}");
}

#[test]
fn what_cannot_run_is_said_before_anything_does() {
    let shelf = Shelf::new(&scenario("echo", ""), "none");
    let refused = |arguments: &[&str], says: &[&str]| {
        let (code, out, errors) = shelf.run(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{errors}");
        for piece in says {
            assert!(errors.contains(piece), "{errors} should say {piece}");
        }
        assert!(!shelf.place.out().exists(), "nothing has run");
    };
    refused(
        &["--peer", "nobody"],
        &["there is no peer nobody", "there are: fake"],
    );
    let fake = shelf.peers.join("fake");
    let good = fs::read_to_string(fake.join("peer.toml")).unwrap();
    let change = |from: &str, to: &str| {
        fs::write(fake.join("peer.toml"), good.replacen(from, to, 1)).unwrap();
    };
    change("\"server.py\"\nruns", "\"node_modules/x\"\nruns");
    refused(
        &["--peer", "fake"],
        &[
            "not installed",
            "node_modules/x",
            "`pushlab peers setup fake`",
        ],
    );
    change("\"python3\"]\nversion", "\"no-such-program\"]\nversion");
    refused(
        &["--peer", "fake"],
        &["not installed: there is no program no-such-program"],
    );
    change("language", "langauge");
    refused(
        &["--peer", "fake"],
        &["peer.toml:2:1: unknown field `langauge`"],
    );
    change(
        "echo = {",
        "rooms = { protocol = \"shootout\", url = \"ws://{address}/\" }\necho = {",
    );
    refused(
        &["--peer", "fake"],
        &["can't carry rooms: it carries echo, broadcast, idle"],
    );
    let without_echo: Vec<&str> = good
        .lines()
        .filter(|line| !line.starts_with("echo"))
        .collect();
    fs::write(fake.join("peer.toml"), without_echo.join("\n")).unwrap();
    refused(
        &["--peer", "fake"],
        &["the peer fake can't carry echo: it carries broadcast and idle"],
    );
    fs::write(fake.join("peer.toml"), &good).unwrap();
    let (code, _, errors) = outcome(&[
        "run",
        shelf.place.scenario(),
        "--peer",
        "fake",
        "--peers-dir",
        "/no/such",
    ]);
    assert!(
        code == 2 && errors.contains("--peers-dir /no/such: there is no such folder"),
        "{errors}"
    );
}

#[test]
fn a_killed_server_needs_one_of_the_lab() {
    let text = scenario("broadcast", "");
    let fault = "[reconnect]\njitter = '10ms'\n[[fault]]\nat = '100ms'\nwhat = 'kill-server'\nfor = '100ms'\n";
    let shelf = Shelf::new(&format!("{text}{fault}"), "none");
    let (code, _, errors) = shelf.run(&["--peer", "fake"]);
    assert_eq!(code, 2, "{errors}");
    assert!(
        errors.contains("the peer fake") && errors.contains("leave the peer or the fault out"),
        "{errors}"
    );
}

#[test]
fn of_all_peers_those_that_cannot_are_named() {
    let shelf = Shelf::new(&scenario("echo", ""), "none");
    for (name, from, to) in [
        ("absent", "\"server.py\"\nruns", "\"x\"\nruns"),
        ("quiet", "echo = {", "# {"),
    ] {
        shelf.add(name, "none");
        let file = shelf.peers.join(name).join("peer.toml");
        let text = fs::read_to_string(&file).unwrap().replacen(from, to, 1);
        fs::write(file, text).unwrap();
    }
    let (code, text, errors) = shelf.run(&["--peer", "all"]);
    assert_eq!(code, 0, "{errors}");
    for said in [
        "left out: absent is not installed",
        "left out: quiet can't carry echo: it carries broadcast and idle",
    ] {
        assert!(
            errors.contains(said) && text.contains(said),
            "{errors} {text}"
        );
    }
    let (_, manifest) = shelf.result("fake");
    let left_out = manifest["run"]["left_out"].as_array().unwrap();
    let names: Vec<&str> = left_out
        .iter()
        .map(|out| out["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["absent", "quiet"]);
}

#[test]
fn a_server_that_breaks_its_contract_leaves_a_row_that_says_how() {
    for (fault, says) in [
        (
            "dies",
            &["ended before it was ready", "I have no luck today"][..],
        ),
        (
            "garbage",
            &["it printed `Listening!`", "{\"ready\":\"127.0.0.1:8080\"}"],
        ),
        (
            "no-such-fault-but-a-bad-end",
            &["ended before it was ready", "what is this?"],
        ),
        ("ends", &["it ended by itself", "exit status: 3"]),
        ("stubborn", &["did not end within", "SIGTERM"]),
    ] {
        let shelf = Shelf::new(&scenario("echo", ""), fault);
        let (code, text, errors) = shelf.run(&["--peer", "fake"]);
        assert_eq!(code, 1, "{fault}: {errors} {text}");
        let (arm, _) = shelf.result("fake");
        let reason = arm["trials"][0]["outcome_reason"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(reason.contains("the peer fake"), "{reason}");
        for piece in says {
            assert!(
                reason.contains(piece),
                "{fault}: {reason} should say {piece}"
            );
        }
        let (own, _) = shelf.result("websocket");
        assert_eq!(own["trials"][0]["outcome"], "completed", "{fault}");
    }
}

#[test]
fn a_silent_server_is_given_up() {
    let shelf = Shelf::new(&scenario("echo", ""), "silent");
    let (code, _, errors) = shelf.run(&["--peer", "fake"]);
    assert_eq!(code, 1, "{errors}");
    let (arm, _) = shelf.result("fake");
    let reason = arm["trials"][0]["outcome_reason"].as_str().unwrap();
    assert!(reason.contains("was not ready within 20s"), "{reason}");
}

#[test]
fn a_peers_server_dies_with_the_lab_and_its_workers_with_it() {
    let shelf = Shelf::new(&scenario("echo", "").replace("600ms", "30s"), "workers");
    let mut run = Running::start(&[
        "run",
        shelf.place.scenario(),
        "--transport",
        "websocket",
        "--peer",
        "fake",
        "--peers-dir",
        shelf.peers(),
        "--out",
        shelf.place.out().to_str().unwrap(),
    ]);
    let pids = shelf.peers.join("fake").join("pids");
    let read = || fs::read_to_string(&pids).unwrap_or_default();
    until("both processes are there", || read().lines().count() == 2);
    run.signal(Signal::KILL);
    run.wait();
    for pid in read().lines() {
        let pid: u32 = pid.parse().unwrap();
        until("it ends", || !is_running(pid));
    }
}

/// The lab's own beside those that `cargo xtask test` installs.
#[test]
fn real_servers_stand_in_one_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers");
    let (_, json, errors) = outcome(&[
        "peers",
        "list",
        "--json",
        "--peers-dir",
        root.to_str().unwrap(),
    ]);
    let list: Value =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} {errors}"));
    let installed = |name: &str| {
        let peers = list.as_array().unwrap();
        let peer = peers.iter().find(|one| one["name"] == name);
        peer.is_some_and(|peer| peer["installed"] == true)
    };
    let there = ["ws", "socket-io", "nchan", "websockets"];
    for name in there {
        assert!(
            installed(name),
            "the peer {name} is not installed: `pushlab peers setup {name}`, or `cargo xtask test`, which does it"
        );
    }
    for kind in ["echo", "broadcast"] {
        let place =
            Place::new(&scenario(kind, "").replace("['websocket']", "['long-poll', 'websocket']"));
        let out = place.out();
        let mut arguments = vec![
            "run",
            place.scenario(),
            "--quick",
            "--retries",
            "0",
            "--out",
            out.to_str().unwrap(),
        ];
        arguments.extend(["--peers-dir", root.to_str().unwrap()]);
        let can: Vec<&str> = there
            .iter()
            .copied()
            .filter(|name| kind != "echo" || *name != "nchan")
            .collect();
        for name in &can {
            arguments.extend(["--peer", name]);
        }
        let (code, text, errors) = outcome(&arguments);
        assert_eq!(code, 0, "{errors} {text}");
        let summary = json_file(&only_folder(&out).join("summary.json"));
        let arms = summary["arms"].as_array().unwrap();
        assert!(arms.len() >= 2 + can.len(), "{text}");
        for arm in arms {
            assert_eq!(arm["trials"][0]["outcome"], "completed", "{arm} {text}");
            assert_eq!(
                arm["metrics"]["lost"]["max"]
                    .as_f64()
                    .unwrap_or(0.0)
                    .to_bits(),
                0,
                "{text}"
            );
        }
    }
}

fn is_running(pid: u32) -> bool {
    // A zombie has ended; whoever inherits it will notice.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
