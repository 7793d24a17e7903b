//! `pushlab selftest` as a process: what it prints and records, and that it leaves no server behind, least of all a stopped one.
//!
//! Whether every figure holds is for a quiet machine to say; here it is what happens then.

use std::fs;

use crate::common::{Running, children_of, json_file, outcome, until};
use rustix::process::Signal;
use serde_json::Value;

/// Holds on any machine, however busy: histograms and samples are of the same run.
const CHEAP: [&str; 4] = ["selftest", "--quick", "--only", "histogram"];

#[test]
fn what_holds_is_printed_and_exits_with_0() {
    let (code, printed, errors) = outcome(&CHEAP);
    assert_eq!(code, 0, "{printed}{errors}");
    for piece in [
        "truth",
        "measured",
        "limit",
        "response",
        "ok",
        "all 6 comparisons hold",
    ] {
        assert!(printed.contains(piece), "{piece:?}: {printed}");
    }
    assert!(errors.contains("[1/1] histogram: ok"), "{errors}");
    assert!(!errors.contains("recorded"), "a part is not: {errors}");
    assert!(!printed.contains('\u{1b}'), "plain when not a terminal");
}

#[test]
fn the_record_is_what_json_prints() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new");
    let place = ["--json", "--out", out.to_str().unwrap()];
    let (code, printed, errors) = outcome(&[&CHEAP[..], &place].concat());
    assert_eq!(code, 0, "{errors}");
    let record: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(record, json_file(&out.join("selftest.json")));
    assert_eq!(
        (&record["quick"], &record["complete"], &record["passed"]),
        (&true.into(), &false.into(), &true.into())
    );
    let rows = record["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    for row in rows {
        assert_eq!(row["check"], "histogram");
        assert!(row["error"].as_f64() <= row["limit"].as_f64(), "{row}");
    }
}

#[test]
fn a_verdict_that_is_not_recorded_is_told_all_the_same() {
    let place = ["--out", "/proc/none"];
    let (code, printed, errors) = outcome(&[&CHEAP[..], &place].concat());
    assert_eq!(code, 1);
    assert!(printed.contains("all 6 comparisons hold"), "{printed}");
    assert!(
        errors.contains("warning") && errors.contains("/proc/none/selftest.json"),
        "{errors}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let (code, printed, errors) = outcome(&["selftest", "--out", file]);
    assert_eq!((code, printed.as_str()), (2, ""));
    assert!(errors.contains(&format!("--out {file}")), "{errors}");
}

#[test]
fn a_starved_generator_is_refused() {
    let arguments = ["selftest", "--quick", "--only", "starved", "--json"];
    let (code, printed, errors) = outcome(&arguments);
    let record: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(code, 0, "{printed}{errors}");
    assert_eq!(record["rows"][0]["measured"], "invalid");
}

/// A self-test whose server stands still.
fn frozen() -> (Running, u32) {
    let running = Running::start(&["selftest", "--quick", "--only", "freeze"]);
    let pid = running.child.id();
    let mut server = 0;
    until("a stopped server", || {
        let stopped = children_of(pid)
            .into_iter()
            .find(|&child| is_stopped(child));
        server = stopped.unwrap_or(0);
        stopped.is_some()
    });
    (running, server)
}

/// The state of proc(5)'s `stat`, behind the name in brackets.
fn is_stopped(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| state.starts_with('T'))
}

#[test]
fn ctrl_c_leaves_no_stopped_server() {
    let (mut running, _) = frozen();
    let pid = running.child.id();
    running.signal(Signal::INT);
    assert_eq!(running.wait().code(), Some(130));
    assert_eq!(children_of(pid), Vec::<u32>::new());
}

#[test]
fn a_killed_self_test_takes_its_stopped_server_with_it() {
    let (mut running, server) = frozen();
    let pid = running.child.id();
    running.signal(Signal::KILL);
    running.wait();
    until("no server left", || children_of(pid).is_empty());
    assert_ne!(server, 0);
}
