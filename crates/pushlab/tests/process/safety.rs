//! Results are safe: whatever happens to a run, its folder can be read and says what happened, or nothing ran at all.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Place, Running, children_of, json_file, only_folder, outcome, until};

const SCENARIO: &str = "
name = 'safe'
question = 'Is it kept?'
kind = 'echo'
transports = ['request-response', 'websocket']
duration = '100ms'
warm-up = '20ms'
trials = 3
[load]
mode = 'closed'
payload = '64 B'
[population]
clients = 2
";

fn rows(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("runs.csv")).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

/// Runs the program in a mount namespace of its own, in which `out` is a small file system; gives exit code, standard
/// error, and what `then` prints before the file system is gone.
fn on_small_disk(options: &str, arguments: &str, then: &str) -> Option<(i32, String, String)> {
    let out = tempfile::tempdir().unwrap();
    let (out, program) = (out.path().display(), env!("CARGO_BIN_EXE_pushlab"));
    let script = format!(
        "mount -t tmpfs -o {options} tmpfs {out} || exit 99; cd {out}; {program} {arguments} --out {out}; code=$?; {then}; exit $code"
    );
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let output = unshare.args(["sh", "-c", &script]).output().ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    let errors = text(&output.stderr);
    // Some containers allow no mounts; there the property tests of the folder have to do.
    if code == 99 || errors.starts_with("unshare:") {
        eprintln!("no small disk here: {errors}");
        return None;
    }
    Some((code, errors, text(&output.stdout)))
}

#[test]
fn a_full_disk_is_told_and_what_was_kept_can_be_read() {
    let place = Place::new(&SCENARIO.replace("trials = 3", "trials = 50"));
    let arguments = format!("run {} --transport inproc --retries 0", place.scenario());
    let then = "cat */manifest.json; echo ----; head -c 100000 */runs.csv; ls -A | wc -l";
    let Some((code, errors, kept)) = on_small_disk("size=380k", &arguments, then) else {
        return;
    };
    assert_eq!(code, 1, "{errors}");
    assert!(
        errors.contains("can't write") && errors.contains("No space left"),
        "{errors}"
    );
    let (manifest, rows) = kept.split_once("----").unwrap();
    let manifest: Value = serde_json::from_str(manifest).unwrap();
    assert_eq!(manifest["status"], "failed");
    assert!(
        manifest["reason"]
            .as_str()
            .unwrap()
            .contains("No space left"),
        "{manifest}"
    );
    assert!(rows.matches("completed").count() > 0, "{rows}");
}

#[test]
fn a_read_only_folder_is_an_error_before_anything_runs() {
    let place = Place::new(SCENARIO);
    let arguments = format!("run {}", place.scenario());
    let Some((code, errors, _)) = on_small_disk("ro", &arguments, "true") else {
        return;
    };
    assert_eq!(code, 1, "{errors}");
    assert!(
        errors.contains("can't write") && errors.contains("Read-only"),
        "{errors}"
    );
    assert!(!errors.contains("trial"), "nothing ran: {errors}");
}

#[test]
fn a_folder_that_is_a_file_is_wrong_usage() {
    let place = Place::new(SCENARIO);
    fs::write(place.out(), "").unwrap();
    let out = place.out();
    let (code, _, errors) = outcome(&["run", place.scenario(), "--out", out.to_str().unwrap()]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("is no folder"), "{errors}");
}

#[test]
fn a_killed_run_is_gone_on_with() {
    let place = Place::new(SCENARIO);
    let out = place.out();
    let mut running = Running::start(&["run", place.scenario(), "--out", out.to_str().unwrap()]);
    let folder_rows = || match fs::read_dir(&out) {
        Ok(mut folders) => folders
            .next()
            .and_then(|folder| fs::read_to_string(folder.ok()?.path().join("runs.csv")).ok())
            .map_or(0, |text| text.lines().count().saturating_sub(1)),
        Err(_) => 0,
    };
    until("two rows", || folder_rows() >= 2);
    // While it is being written nobody else may.
    let folder = only_folder(&out);
    let resume = ["run", "--resume", folder.to_str().unwrap()];
    running.signal(Signal::STOP);
    let (code, _, errors) = outcome(&resume);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("is being written"), "{errors}");
    running.signal(Signal::KILL);
    running.wait();
    let pid = running.child.id();
    until("no server left", || children_of(pid).is_empty());
    assert_eq!(
        json_file(&folder.join("manifest.json"))["status"],
        "running"
    );
    let before = rows(&folder);
    assert!(before.len() < 6, "it was killed too late to show anything");

    let (code, printed, errors) = outcome(&resume);
    assert_eq!(code, 0, "{errors}");
    assert!(printed.contains("websocket"), "{printed}");
    let after = rows(&folder);
    // The last row may have been written when the summary was not yet; it is then measured again.
    let kept = before.len() - 1;
    assert_eq!(after[..kept], before[..kept], "what was measured stays");
    let mut cases: Vec<String> = after
        .iter()
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            format!("{}#{}", cells[2], cells[4])
        })
        .collect();
    cases.sort();
    cases.dedup();
    assert_eq!(cases.len(), 6, "{after:?}");
    let manifest = json_file(&folder.join("manifest.json"));
    assert_eq!(manifest["status"], "complete");
    assert_eq!(manifest["resumed_utc"].as_array().unwrap().len(), 1);
    let log = fs::read_to_string(folder.join("latency.hlog")).unwrap();
    assert_eq!(log.matches("#[Case: ").count(), after.len());
    let summary = json_file(&folder.join("summary.json"));
    for arm in summary["arms"].as_array().unwrap() {
        assert!(
            arm["metrics"]["latency_p50_ns"]["merged"].is_number(),
            "{arm}"
        );
    }

    let (code, _, errors) = outcome(&resume);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("is complete"), "{errors}");
    assert!(!folder.join(".running").exists());
}

#[test]
fn a_run_of_another_build_is_not_gone_on_with() {
    let place = Place::new(SCENARIO);
    let out = place.out();
    let (code, _, errors) = outcome(&[
        "run",
        place.scenario(),
        "--transport",
        "inproc",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{errors}");
    let folder = only_folder(&out);
    let path = folder.join("manifest.json");
    let mut manifest = json_file(&path);
    manifest["status"] = "interrupted".into();
    manifest["machine"]["cpus_online"] = 1024.into();
    fs::write(&path, manifest.to_string()).unwrap();
    let (code, _, errors) = outcome(&["run", "--resume", folder.to_str().unwrap()]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("number of CPUs was 1024"), "{errors}");
    let (code, _, errors) = outcome(&["run", "--resume", place.folder.path().to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(
        errors.contains("is no result folder: it has no manifest.json"),
        "{errors}"
    );
}

/// Loads a server of the test's own and gives exit code, the first trial and standard error.
fn load_against(url: &str) -> (i32, Value, String) {
    let place = Place::new(
        &SCENARIO
            .replace("trials = 3", "trials = 1")
            .replace("'100ms'", "'2s'"),
    );
    let out = place.out();
    let (code, printed, errors) = outcome(&[
        "load",
        "--transport",
        "request-response",
        "--target",
        url,
        place.scenario(),
        "--json",
        "--out",
        out.to_str().unwrap(),
    ]);
    let summary: Value = serde_json::from_str(&printed).unwrap();
    let folder = only_folder(&out);
    assert_eq!(
        json_file(&folder.join("manifest.json"))["status"],
        "complete"
    );
    assert_eq!(rows(&folder).len(), 1, "the failure left a row");
    (code, summary["arms"][0]["trials"][0].clone(), errors)
}

/// Answers every connection with `answer` until the test ends; the address.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer);
        }
    });
    format!("http://{address}")
}

#[test]
fn a_server_that_answers_garbage_is_a_failed_case() {
    for garbage in [
        &b"\x00\xff\x17 what is this\r\n\r\n"[..],
        b"HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n{\"op\": 7}",
        b"HTTP/1.1 201 Created\r\ncontent-length: 99999999999999\r\n\r\n{",
        b"",
    ] {
        let (code, trial, errors) = load_against(&answering(garbage));
        assert_eq!(code, 1, "{errors}");
        assert_eq!(trial["outcome"], "failed", "{trial}");
        assert!(
            trial["outcome_reason"].as_str().unwrap().len() > 10,
            "{trial}"
        );
    }
}

#[test]
fn a_server_that_vanishes_is_a_failed_case() {
    let mut server = Running::start(&["serve", "request-response"]);
    let url = server.url();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(700));
        server.signal(Signal::KILL);
        server.wait();
    });
    let (code, trial, errors) = load_against(&url);
    killer.join().unwrap();
    assert_eq!(code, 1, "{errors}");
    assert_eq!(trial["outcome"], "failed", "{trial}");
}

#[test]
fn a_failed_expectation_is_told_with_its_figures() {
    let expects = "
[[expect]]
that = '*.response.p50 < 1 s'
[[expect]]
that = 'websocket.response.p50 < 1 ns'
";
    let place = Place::new(&format!("{SCENARIO}{expects}"));
    let out = place.out();
    let (code, printed, errors) =
        outcome(&["run", place.scenario(), "--out", out.to_str().unwrap()]);
    assert_eq!(code, 3, "{printed}{errors}");
    assert!(
        printed.contains("expect *.response.p50 < 1 s: held in 2 of 2 cases"),
        "{printed}"
    );
    assert!(
        printed.contains("expect websocket.response.p50 < 1 ns: FAILED: websocket: measured")
            && printed.contains("the limit is 1.00 ns"),
        "{printed}"
    );
    let summary = json_file(&only_folder(&out).join("summary.json"));
    assert_eq!(
        summary["expectations"][2]["judgement"], "failed",
        "{summary}"
    );
}

#[test]
fn a_sweep_has_a_column_an_axis_and_a_search_finds_a_limit() {
    let place = Place::new(&format!("{SCENARIO}\n[sweep]\ndepth = [1, 4]\n"));
    let out = place.out();
    let arguments = [
        "run",
        place.scenario(),
        "--json",
        "--retries",
        "0",
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, printed, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    let summary: Value = serde_json::from_str(&printed).unwrap();
    let labels: Vec<&str> = summary["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["label"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["depth=1", "depth=4"]);
    assert_eq!(summary["arms"].as_array().unwrap().len(), 4);
    let text = fs::read_to_string(only_folder(&out).join("runs.csv")).unwrap();
    let depth = text
        .lines()
        .next()
        .unwrap()
        .split(',')
        .position(|name| name == "depth");
    let depths: Vec<&str> = text
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(depth.unwrap()).unwrap())
        .collect();
    assert_eq!(
        depths.iter().filter(|depth| **depth == "4").count(),
        6,
        "{depths:?}"
    );

    let find = "find = 'highest depth between 1 and 8 with no errors'\n";
    let place = Place::new(&format!("{find}{SCENARIO}"));
    let out = place.out();
    let arguments = [
        "run",
        place.scenario(),
        "--transport",
        "websocket",
        // Other tests disturb it, which isn't what is tested.
        "--retries",
        "50",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, printed, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    let summary: Value = serde_json::from_str(&printed).unwrap();
    let search = &summary["searches"][0];
    assert_eq!(search["arm"], "websocket", "{summary}");
    assert!(search["probes"].as_array().unwrap().len() >= 2, "{search}");
}
