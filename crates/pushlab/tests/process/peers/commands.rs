//! `pushlab peers`, `load --protocol` and `list protocols`.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use super::shelf::{Shelf, description, scenario};
use crate::common::{Running, outcome};

#[test]
fn peers_are_listed() {
    let shelf = Shelf::new(&scenario("echo", ""), "none");
    let (code, text, errors) = outcome(&["peers", "--peers-dir", shelf.peers()]);
    assert_eq!(code, 0, "{errors}");
    for said in [
        "fake",
        "a peer of the tests (Python; fake 1.2.3, PyPI",
        "arm fake: echo by echo, broadcast by shootout",
        "installed",
    ] {
        assert!(text.contains(said), "{text} should say {said}");
    }
    shelf.add("second", "none");
    fs::write(shelf.peers.join("second/peer.toml"), "title = 1").unwrap();
    let (code, json, errors) = outcome(&["peers", "list", "--json", "--peers-dir", shelf.peers()]);
    assert!(
        code == 2 && errors.contains("second/peer.toml:1:9: invalid type"),
        "{errors}"
    );
    let list: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(
        (&list[0]["name"], &list[0]["installed"]),
        (&"fake".into(), &true.into())
    );
    assert_eq!(list[0]["arms"][0]["kinds"][1]["protocol"], "shootout");
}

#[test]
fn setup_installs_tells_of_failures_and_goes_on() {
    let shelf = Shelf::new(&scenario("echo", ""), "none");
    shelf.add("second", "none");
    let describe = |name: &str, commands: &str| {
        let file = shelf.peers.join(name).join("peer.toml");
        let text = description(name, "command = [\"python3\", \"server.py\", \"none\"]");
        let text = text.replace(
            "creates = \"server.py\"",
            &format!("commands = {commands}\ncreates = \"made/it\""),
        );
        fs::write(file, text).unwrap();
    };
    describe(
        "fake",
        "[[\"sh\", \"-c\", \"echo so far so good; echo oh no >&2; exit 7\"]]",
    );
    describe(
        "second",
        "[[\"mkdir\", \"-p\", \"made\"], [\"touch\", \"made/it\"]]",
    );
    let setup = |names: &[&str]| {
        let mut all = vec!["peers", "--peers-dir", shelf.peers(), "setup"];
        all.extend(names);
        outcome(&all)
    };
    let (code, text, errors) = setup(&["--all"]);
    assert_eq!(code, 1, "{errors}");
    assert_eq!(text, "fake FAILED\nsecond is installed: second 1.2.3\n");
    for said in [
        "fake: `sh -c",
        "failed (exit status: 7)",
        "oh no",
        "not installed: fake",
    ] {
        assert!(errors.contains(said), "{errors} should say {said}");
    }
    let (code, text, errors) = setup(&["second"]);
    assert_eq!(
        (code, text.as_str()),
        (0, "second is installed already: second 1.2.3\n"),
        "{errors}"
    );
    // Whatever is changed in its folder, it isn't the same any more.
    fs::write(shelf.peers.join("second/server.py"), "pass").unwrap();
    let (code, _, errors) = shelf.run(&["--peer", "second"]);
    assert!(
        code == 2 && errors.contains("was installed before its folder changed"),
        "{errors}"
    );
    let (code, text, _) = setup(&["second"]);
    assert_eq!(
        (code, text.as_str()),
        (0, "second is installed: second 1.2.3\n")
    );
    assert_eq!(setup(&["nobody"]).0, 2);
    assert_eq!(setup(&[]).0, 2);
}

#[test]
fn a_peer_serves_in_the_foreground_and_is_loaded_by_its_protocol() {
    let shelf = Shelf::new(&scenario("echo", ""), "none");
    let mut serving = Running::start(&["peers", "--peers-dir", shelf.peers(), "serve", "fake"]);
    let ready = serving.json_line();
    let address = ready["ready"].as_str().unwrap().to_owned();
    let hint = serving.line();
    assert_eq!(
        hint.trim_end(),
        format!("fake echo: pushlab load --protocol echo --target 'ws://{address}/echo' echo")
    );
    let load = |protocol: &str, target: &str| {
        outcome(&[
            "load",
            "--protocol",
            protocol,
            "--target",
            target,
            shelf.place.scenario(),
            "--retries",
            "0",
            "--out",
            shelf.place.out().to_str().unwrap(),
        ])
    };
    let (code, text, errors) = load("echo", &format!("ws://{address}/echo"));
    assert!(code == 0 && text.contains("echo"), "{errors} {text}");
    let (code, _, errors) = load("echo", &format!("http://{address}/echo"));
    assert!(
        code == 2 && errors.contains("ws://127.0.0.1:8080/echo would be one"),
        "{errors}"
    );
    let (code, _, errors) = load("nchan-sse", &format!("http://{address}"));
    assert!(
        code == 2
            && errors.contains("nchan-sse can't carry echo")
            && errors.contains("broadcast, idle"),
        "{errors}"
    );
    let (code, _, errors) = load("pigeon", "x");
    assert!(code == 2 && errors.contains("shootout"), "{errors}");
    serving.signal(Signal::TERM);
    assert!(serving.wait().success());
}

#[test]
fn protocols_and_capabilities_are_listed() {
    let (code, text, _) = outcome(&["list", "protocols"]);
    assert_eq!(code, 0);
    for said in [
        "ws://HOST:PORT/shootout",
        "nchan-long-poll",
        "echo, broadcast, idle",
        "- a broadcast comes back to its sender",
    ] {
        assert!(text.contains(said), "{text} should say {said}");
    }
    let (_, json, _) = outcome(&["list", "protocols", "--json"]);
    let list: Value = serde_json::from_str(&json).unwrap();
    let echo = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "echo")
        .unwrap();
    assert_eq!(
        echo["capabilities"]["kinds"],
        serde_json::json!(["echo", "idle"])
    );
    assert_eq!(echo["capabilities"]["audiences"], serde_json::json!([]));
    let (_, text, _) = outcome(&["list", "transports"]);
    assert!(
        text.contains("audiences") && text.contains("resume"),
        "{text}"
    );
}
