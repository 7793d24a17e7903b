//! `pushlab diff` as a process: what it refuses, what it prints, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use measure::manifest::RunInfo;
use measure::{FolderWriter, Guards, Key, Measurement, Recorder, Stamp, Status};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Place, Running, only_folder, outcome, until};
use crate::usage::refused;

const TEXT: &str = "
name = 'made-up'
question = 'Did it change?'
kind = 'echo'
duration = '1s'
[load]
mode = 'closed'
payload = '64 B'
[population]
clients = 2
";

/// The folder of a run of five valid trials with this latency, which scatters by a few per cent.
fn made(out: &Path, scenario: &str, latency_us: u64) -> PathBuf {
    let info = RunInfo {
        scenario: "made-up".into(),
        kind: "echo".into(),
        question: "Did it change?".into(),
        arms: vec!["websocket".into()],
        trials: 5,
        ..RunInfo::default()
    };
    let mut writer = FolderWriter::create(out, info, scenario).unwrap();
    for (trial, percent) in (1..).zip([98, 100, 102, 99, 101]) {
        let mut recorder = Recorder::new(0);
        for sample in 0..1000_u64 {
            let sent = sample * 1_000_000;
            recorder.answer(Stamp {
                intended: sent,
                sent,
                received: sent + latency_us * 10 * percent,
            });
        }
        let mut measurement = Measurement::new(Key::new("made-up", "echo", "websocket", trial, 1));
        measurement.latencies = recorder.finish(1_000_000_000);
        measurement.measured_s = 1.0;
        measurement.counts.completed = 1000;
        measurement.usage.generator.wall_ns = 1_000_000_000;
        measurement.judge(&Guards::default());
        writer.add(&measurement).unwrap();
    }
    let path = writer.path().to_owned();
    writer.finish(Status::Complete, None).unwrap();
    path
}

/// Two folders, of a run before and a run after.
struct Pair {
    _out: TempDir,
    a: String,
    b: String,
}

impl Pair {
    fn new((scenario_a, us_a): (&str, u64), (scenario_b, us_b): (&str, u64)) -> Self {
        let out = tempfile::tempdir().unwrap();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        Self {
            a: text(made(&out.path().join("a"), scenario_a, us_a)),
            b: text(made(&out.path().join("b"), scenario_b, us_b)),
            _out: out,
        }
    }

    fn diff(&self, more: &[&str]) -> (i32, String, String) {
        outcome(&[&["diff", &self.a, &self.b], more].concat())
    }
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let pair = Pair::new((TEXT, 100), (TEXT, 100));
    let (code, text, errors) = outcome(&["diff", &pair.a, &pair.a, "--fail-over", "0%"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    assert!(
        text.starts_with("No difference seen in 3 figures.\n"),
        "{text}"
    );
    assert!(
        text.contains("Machine, build and settings are the same."),
        "{text}"
    );
}

#[test]
fn worse_than_allowed_is_named_and_exits_with_3() {
    let pair = Pair::new((TEXT, 100), (TEXT, 150));
    let (code, text, errors) = pair.diff(&[]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    assert!(
        text.starts_with("2 of 3 figures changed: websocket"),
        "{text}"
    );
    assert!(text.contains("higher (worse)"), "{text}");
    let (code, _, errors) = pair.diff(&["--fail-over", "10%"]);
    assert_eq!(code, 3);
    assert!(
        errors.contains("pushlab: websocket median latency 1.50 times (95 %: 1.4")
            && errors.contains("worse by more than 10.0 %"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 2, "{errors}");
    // Within what is allowed, and in the other direction.
    assert_eq!(pair.diff(&["--fail-over", "60%"]).0, 0);
    let back = ["diff", &pair.b, &pair.a, "--fail-over", "10%"];
    assert_eq!(outcome(&back).0, 0);
}

#[test]
fn it_is_printed_for_pull_requests_and_programs() {
    let pair = Pair::new((TEXT, 100), (TEXT, 150));
    let (_, markdown, _) = pair.diff(&["--format", "markdown"]);
    assert!(
        markdown.starts_with("**2 of 3 figures changed: "),
        "{markdown}"
    );
    assert!(
        markdown.contains("| websocket | median latency | 100 us | 150 us | 1.50 |")
            && markdown.contains("**higher (worse)** |")
            && markdown.contains("<details>"),
        "{markdown}"
    );
    let (_, json, _) = pair.diff(&["--format", "json"]);
    let diff: Value = serde_json::from_str(&json).unwrap();
    let first = &diff["figures"][0];
    assert_eq!(first["metric"], "latency_p50_ns");
    assert_eq!(
        (&first["finding"], &first["worse"]),
        (&"higher".into(), &true.into())
    );
    assert_eq!(diff["scenario_difference"], Value::Null);
    let last = &diff["figures"][2];
    assert_eq!(last["metric"], "messages_per_s");
    assert_eq!(last["finding"], "no-difference-seen");
}

#[test]
fn other_scenarios_are_refused_unless_wanted() {
    let other = TEXT.replace("64 B", "65 B");
    let pair = Pair::new((TEXT, 100), (&other, 100));
    let (code, text, errors) = pair.diff(&[]);
    assert_eq!((code, text.as_str()), (2, ""));
    assert!(
        errors.contains(
            "different scenarios: scenario.toml: line 8 of A is `payload = '64 B'`, line 8 of B is `payload = '65 B'`; --anyway"
        ),
        "{errors}"
    );
    let (code, text, _) = pair.diff(&["--anyway"]);
    assert_eq!(code, 0);
    assert!(
        text.contains("Not the same scenario: scenario.toml: line 8"),
        "{text}"
    );
    let commented = TEXT.replace("kind", "# of course\n\nkind") + "# the end\n";
    assert_eq!(Pair::new((TEXT, 100), (&commented, 100)).diff(&[]).0, 0);
}

#[test]
fn wrong_use_is_named() {
    let over = |percent| ["diff", "a", "b", "--fail-over", percent];
    let help = "a percentage from 0% to 1000% is right, as in 10%";
    refused(&over("0.1"), 2, &["--fail-over", help]);
    refused(&["diff", "a"], 2, &["<B>"]);
    refused(
        &["diff", "no-such-a", "no-such-b"],
        2,
        &["can't read no-such-a/manifest.json: No such file"],
    );
}

#[test]
fn what_is_no_whole_result_is_refused() {
    let pair = Pair::new((TEXT, 100), (TEXT, 100));
    let refuses = |says: &str| {
        let (code, text, errors) = pair.diff(&[]);
        assert_eq!((code, text.as_str()), (2, ""), "{errors}");
        assert!(errors.contains(says), "should say {says:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    };
    let rows = Path::new(&pair.b).join("runs.csv");
    let text = fs::read_to_string(&rows).unwrap();
    let cut: Vec<&str> = text.lines().take(5).collect();
    fs::write(&rows, cut.join("\n") + "\n").unwrap();
    refuses("runs.csv:6: the row of the case websocket#5 is missing");
    fs::write(&rows, text).unwrap();

    let manifest = Path::new(&pair.b).join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let version = format!("\"schema_version\": {}", measure::manifest::SCHEMA_VERSION);
    fs::write(
        &manifest,
        text.replacen(&version, "\"schema_version\": 1", 1),
    )
    .unwrap();
    refuses("was measured with schema 1, which this pushlab no longer reads");
    fs::remove_file(&manifest).unwrap();
    refuses("is no result folder: it has no manifest.json");
}

/// What real runs leave is right, whatever their kind and however they ended.
#[test]
fn folders_of_real_runs_verify() {
    let [closed, open] = ["mode = 'closed'", "mode = 'open'\nrate = '200/s'"]
        .map(|mode| format!("[load]\n{mode}\npayload = '64 B'\n"));
    let sweep =
        "[sweep]\npayload = ['64 B', '256 B']\n[[expect]]\nthat = 'websocket.throughput > 0/s'\n";
    let kinds = [
        (
            "echo",
            open.replace("payload = '64 B'\n", ""),
            format!("clients = 2\n{sweep}"),
        ),
        (
            "broadcast",
            open.clone(),
            "subscribers = 3\n[[expect]]\nthat = '*.lost == 0'".to_owned(),
        ),
        ("rooms", closed.clone(), "rooms = 2\nmembers = 2".to_owned()),
        ("chat", closed.clone(), "clients = 3".to_owned()),
        ("private", open.clone(), "clients = 4".to_owned()),
        ("idle", String::new(), "clients = 3".to_owned()),
    ];
    for (kind, load, population) in kinds {
        let place = Place::new(&format!(
            "name = 'small'\nquestion = '?'\nkind = '{kind}'\ntransports = ['inproc', 'websocket']\nduration = '200ms'\n\
             warm-up = '50ms'\ntrials = 2\n{load}[population]\n{population}\n"
        ));
        let out = place.out();
        let (_, _, errors) = outcome(&["run", place.scenario(), "--out", out.to_str().unwrap()]);
        let folder = only_folder(&out);
        let folder = folder.to_str().unwrap();
        let (code, text, complaint) = outcome(&["diff", folder, folder]);
        assert_eq!(code, 0, "{kind}: {complaint}{text}{errors}");
    }
}

#[test]
fn folders_of_runs_that_were_cut_off_verify() {
    let scenario = TEXT.replace("'1s'", "'150ms'\nwarm-up = '20ms'\ntrials = 1000");
    for signal in [Signal::INT, Signal::KILL] {
        let place = Place::new(&scenario);
        let out = place.out();
        let out = out.to_str().unwrap();
        let mut run = Running::start(&[
            "run",
            place.scenario(),
            "--transport",
            "inproc",
            "--out",
            out,
        ]);
        until("three rows", || {
            let rows = fs::read_dir(out).into_iter().flatten().flatten();
            let rows =
                rows.filter_map(|folder| fs::read_to_string(folder.path().join("runs.csv")).ok());
            rows.map(|rows| rows.lines().count()).max() > Some(3)
        });
        run.signal(signal);
        run.wait();
        let folder = only_folder(&place.out());
        let folder = folder.to_str().unwrap();
        let (code, text, errors) = outcome(&["diff", folder, folder]);
        assert_eq!(code, 0, "{signal:?}: {errors}{text}");
    }
}

#[test]
fn a_quick_look_is_too_little_to_judge() {
    let place = Place::new(
        &TEXT
            .replace("'1s'", "'100ms'")
            .replace("kind", "warm-up = '20ms'\nkind"),
    );
    let run = |name: &str| {
        let out = place.folder.path().join(name);
        let arguments = [
            "run",
            place.scenario(),
            "--transport",
            "inproc",
            "--quick",
            "--retries",
            "0",
            "--out",
        ];
        let (code, _, errors) = outcome(&[&arguments[..], &[out.to_str().unwrap()]].concat());
        assert_eq!(code, 0, "{errors}");
        only_folder(&out).to_str().unwrap().to_owned()
    };
    let (a, b) = (run("a"), run("b"));
    let (code, text, errors) = outcome(&["diff", &a, &b]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    assert!(
        text.contains("not judged") && text.contains("(quick: a look"),
        "{text}"
    );
    let (code, _, errors) = outcome(&["diff", &a, &b, "--fail-over", "10%"]);
    assert_eq!(code, 3);
    assert!(errors.contains("no figure could be judged"), "{errors}");
}
