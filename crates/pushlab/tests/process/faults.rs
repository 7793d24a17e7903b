//! Faults of the server, carried out on real processes while a case is measured.

use std::collections::HashMap;
use std::fs;

use crate::common::{PATIENCE, Place, Running, children_of, only_folder, outcome, until};
use rustix::process::Signal;

/// What all of these have in common; a fault comes after it.
const SMALL: &str = "
name = 'faulty'
question = 'Does it come back?'
kind = 'rooms'
transports = ['tcp', 'request-response', 'long-poll', 'sse', 'websocket']
duration = '1500ms'
warm-up = '0s'
trials = 1
[load]
mode = 'open'
arrivals = 'constant'
rate = '100/s'
payload = '64 B'
[population]
rooms = 2
members = 3
publishers = 1
[client]
poll-interval = '20ms'
hold = '100ms'
[reconnect]
jitter = '50ms'
backoff = '20ms'
longest-backoff = '100ms'
";

const KILL: &str = "[[fault]]\nat = '300ms'\nwhat = 'kill-server'\nfor = '200ms'\n";
const FREEZE: &str = "[[fault]]\nat = '300ms'\nwhat = 'freeze-server'\nfor = '400ms'\n";

/// The cells of a row of `runs.csv` by column.
struct Row(HashMap<String, String>);

impl Row {
    fn text(&self, column: &str) -> &str {
        &self.0[column]
    }

    fn number(&self, column: &str) -> f64 {
        let text = self.text(column);
        text.parse()
            .unwrap_or_else(|_| panic!("`{column}` is `{text}`: {:?}", self.0))
    }
}

/// Runs a scenario that must succeed, and gives its rows.
fn rows(scenario: &str) -> Vec<Row> {
    let place = Place::new(scenario);
    let out = place.out();
    let (code, printed, errors) = outcome(&[
        "run",
        place.scenario(),
        "--retries",
        "0",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{printed}{errors}");
    let text = fs::read_to_string(only_folder(&out).join("runs.csv")).unwrap();
    let mut lines = text.lines().map(cells);
    let names = lines.next().unwrap();
    lines
        .map(|cells| Row(names.iter().cloned().zip(cells).collect()))
        .collect()
}

/// The cells of a line of CSV (RFC 4180) without line breaks in them.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

/// What holds after every fault.
#[track_caller]
fn all_is_accounted_for(row: &Row) {
    let arm = row.text("arm");
    assert_eq!(row.text("outcome"), "completed", "{arm}");
    for column in ["lost", "duplicated", "reordered", "corrupted", "misrouted"] {
        assert_eq!(row.text(column), "0", "{arm}: {column}");
    }
    let count = |column| row.number(column) as u64;
    assert_eq!(
        count("expected"),
        count("delivered") + count("gap_missed"),
        "{arm}"
    );
    assert_eq!(row.text("connections_alive"), "6", "{arm}");
    assert_eq!(row.text("faults"), "1", "{arm}");
    assert_eq!(row.text("unrecovered"), "0", "{arm}");
    assert_eq!(row.text("recovery_count"), "6", "{arm}");
}

#[test]
fn a_killed_server_is_started_again_and_everyone_comes_back() {
    let rows = rows(&format!("{SMALL}{KILL}"));
    assert_eq!(rows.len(), 5);
    for row in rows {
        all_is_accounted_for(&row);
        assert_eq!((row.text("fresh"), row.text("resumed")), ("6", "0"));
        assert!(row.number("reconnect_attempts") >= 6.0);
        assert!(row.number("recovery_min_ns") > 200e6);
        // Half of the truth is none: the server is another process now.
        assert_eq!(row.text("server_cpu_user_ns"), "");
        assert_eq!(row.text("server_pauses"), "");
        assert!(row.number("generator_cpu_ns") > 0.0);
    }
}

#[test]
fn a_frozen_server_goes_on_and_nobody_misses_anything() {
    for row in rows(&format!("{SMALL}{FREEZE}")) {
        all_is_accounted_for(&row);
        assert_eq!(row.text("gap_missed"), "0");
        assert_eq!(row.text("reconnect_attempts"), "0");
        assert!(row.number("recovery_min_ns") >= 400e6);
        assert!(row.number("server_paused_ns") > 300e6);
    }
}

#[test]
fn whoever_hears_nothing_for_too_long_is_replaced() {
    let scenario = SMALL.replace("[reconnect]\n", "[reconnect]\ndead-after = '150ms'\n");
    for row in rows(&format!("{scenario}{FREEZE}")) {
        all_is_accounted_for(&row);
        let kinds = row.text("errors_by_kind");
        assert!(kinds.contains("dead="), "{kinds}");
        // The server was only slow, and still knows them.
        assert!(row.number("resumed") >= 6.0);
        assert_eq!((row.text("fresh"), row.text("gap_missed")), ("0", "0"));
    }
}

/// The same over a link, with sessions that are replaced when they hear nothing.
fn over_a_link(fault: &str) -> Vec<Row> {
    let scenario = SMALL
        .replace("'1500ms'", "'2500ms'")
        .replace("[reconnect]\n", "[reconnect]\ndead-after = '500ms'\n");
    rows(&format!(
        "{scenario}[link]\nrtt = '10ms'\n[[fault]]\nat = '300ms'\n{fault}"
    ))
}

#[test]
fn a_link_that_stalls_loses_nothing() {
    for row in over_a_link("what = 'stall-link'\nfor = '200ms'\n") {
        all_is_accounted_for(&row);
        assert_eq!((row.text("gap_missed"), row.text("fresh")), ("0", "0"));
        assert!(row.number("recovery_min_ns") >= 200e6);
    }
}

#[test]
fn a_link_that_is_cut_costs_nothing_however_it_is() {
    for how in ["reset", "silence", "half-open", "mid-message"] {
        for row in over_a_link(&format!("what = 'cut-link'\nhow = '{how}'\n")) {
            all_is_accounted_for(&row);
            let arm = row.text("arm");
            // The server lives, so everyone goes on where it was.
            assert_eq!(row.text("gap_missed"), "0", "{arm}: {how}");
            assert_eq!(row.text("fresh"), "0", "{arm}: {how}");
            // A poll may be asked again by itself; a lasting connection is gone, and is not always told.
            if ["websocket", "sse", "tcp"].contains(&arm) {
                let kinds = row.text("errors_by_kind");
                assert!(row.number("resumed") >= 6.0, "{arm}: {how}: {kinds}");
                // On TCP nobody pings, so a session that is only quiet is replaced as well.
                if arm != "tcp" {
                    let is_told = how != "silence";
                    assert_eq!(kinds.contains("dead="), !is_told, "{arm}: {how}: {kinds}");
                }
            }
        }
    }
}

#[test]
fn no_server_outlives_an_interrupted_run_with_faults() {
    for fault in [
        KILL.replace("for = '200ms'", "for = '20s'"),
        FREEZE.replace("for = '400ms'", "for = '20s'"),
    ] {
        let scenario = SMALL.replace("'1500ms'", "'60s'");
        let place = Place::new(&format!("{scenario}{fault}"));
        let out = place.out();
        let mut run = Running::start(&[
            "run",
            place.scenario(),
            "--transport",
            "websocket",
            "--out",
            out.to_str().unwrap(),
        ]);
        let pid = run.child.id();
        if fault.contains("kill") {
            until("a server", || !children_of(pid).is_empty());
            until("the kill", || children_of(pid).is_empty());
        } else {
            until("a frozen server", || {
                children_of(pid).iter().any(|child| is_stopped(*child))
            });
        }
        run.signal(Signal::INT);
        let began = std::time::Instant::now();
        assert_eq!(run.wait().code(), Some(130));
        assert!(began.elapsed() < PATIENCE);
        until("the server's end", || children_of(pid).is_empty());
    }
}

/// Whether a process is stopped by a signal (proc(5)).
fn is_stopped(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit_once(") ").map_or("", |(_, rest)| rest);
    state.starts_with('T')
}

#[test]
fn a_server_that_is_not_ours_is_left_alone() {
    let place = Place::new(&format!("{SMALL}{KILL}"));
    let mut server = Running::start(&["serve", "websocket", "--listen", "127.0.0.1:0"]);
    let url = server.url();
    let (code, printed, errors) = outcome(&[
        "load",
        "--transport",
        "websocket",
        "--target",
        &url,
        place.scenario(),
        "--out",
        place.out().to_str().unwrap(),
    ]);
    assert_ne!(code, 0, "{printed}{errors}");
    let all = format!("{printed}{errors}");
    assert!(all.contains("started for the case"), "{all}");
    assert!(server.child.try_wait().unwrap().is_none());
}

#[test]
fn what_has_no_network_has_no_faults() {
    let inproc = format!("{SMALL}{KILL}")
        .replace("'long-poll',", "'inproc',")
        .replace("hold = '100ms'\n", "");
    let place = Place::new(&inproc);
    let (code, _, errors) = outcome(&["run", place.scenario()]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("inproc has no server process"), "{errors}");
}
