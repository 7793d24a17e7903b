//! A small folder that is right, and what makes it wrong.

mod altered;

use std::fs;
use std::path::{Path, PathBuf};

use scenario::{AXES, ArmInfo};
use tempfile::TempDir;

use crate::counts::IpTraffic;
use crate::folder::tests::measured;
use crate::folder::{
    Folder, FolderError, FolderWriter, Histograms, INTERVALS, LOG, MANIFEST, RUNS, SUMMARY,
};
use crate::latency::Which;
use crate::manifest::{RunInfo, Status};
use crate::{Distribution, Key, Little, Measurement, Pauses, Slip, Traffic};

const TEXT: &str = "\
name = \"shout\"
question = \"Who hears it?\"
kind = \"broadcast\"
duration = \"3s\"

[load]
mode = \"open\"
rate = \"100/s\"
payload = \"64 B\"

[population]
subscribers = 30

[[expect]]
that = \"*.lost <= 12\"

[[expect]]
that = \"a.delivery.p50 < 80 us\"
";

/// A case with something in every column.
fn case(arm: &str, trial: u32, latency: u64) -> Measurement {
    let mut measurement = measured(arm, trial, latency);
    let arms = [ArmInfo {
        name: "a",
        network: true,
        options: &[],
    }];
    let scenario = scenario::parse(&TEXT.replace("*.lost", "a.lost"), "", &arms).unwrap();
    let key = &mut measurement.key;
    key.settings = AXES
        .iter()
        .map(|axis| axis.of(&scenario).filter(|_| !axis.is_option()))
        .collect();
    measurement.connections = 31;
    measurement.connections_alive = 31;
    measurement.connect = Some(Distribution {
        count: 31,
        mean_ns: 1234.5,
        min_ns: 1100,
        p50_ns: 1200,
        p90_ns: 1300,
        p95_ns: 1310,
        p99_ns: 1320,
        p999_ns: 1330,
        max_ns: 1340,
    });
    measurement.slip = Some(Slip {
        p50_ns: 1,
        p99_ns: 12,
        max_ns: 123,
    });
    measurement.little = Some(Little {
        in_flight_mean: 0.001,
        throughput_times_stay: 0.001,
    });
    // Quotients with few digits: what is rounded may be off in the last.
    measurement.traffic = Traffic {
        payload_up_bytes: 19_200,
        payload_down_bytes: 576_000,
        wire_up_bytes: 33_300,
        wire_down_bytes: 666_900,
        requests: 75,
        empty_responses: 15,
        connections: 30,
        ip: Some(IpTraffic {
            segments_up: 400,
            segments_down: 9_500,
            retransmits: 0,
            ip_up_bytes: 45_000,
            ip_down_bytes: 780_000,
        }),
    };
    measurement.usage.memory = crate::MemoryUsage {
        connections: 800,
        server_rss_before_bytes: Some(4_096_000),
        server_rss_after_bytes: Some(8_192_000),
        kernel_before_bytes: Some(1_000_000),
        kernel_after_bytes: Some(2_000_000),
    };
    measurement.usage.generator.cpu_ns = 1_500_000_000;
    measurement.usage.generator.spin_ns = 1_050_000_000;
    measurement.generator_pauses = Some(Pauses::default());
    measurement.judge(&crate::Guards::default());
    measurement
}

fn run() -> RunInfo {
    RunInfo {
        scenario: "shout".into(),
        kind: "broadcast".into(),
        question: "Who hears it?".into(),
        arms: vec!["a".into(), "b".into()],
        trials: 2,
        seed: 7,
        ..RunInfo::default()
    }
}

fn cases() -> Vec<Measurement> {
    vec![
        case("a", 1, 50_000),
        case("b", 1, 70_000),
        case("b", 2, 71_000),
        case("a", 2, 52_000),
    ]
}

fn expects() -> Vec<scenario::Expect> {
    let arms = ["a", "b"].map(|name| ArmInfo {
        name,
        network: true,
        options: &[],
    });
    scenario::parse(TEXT, "", &arms).unwrap().expects
}

/// A writer with these cases.
fn writer(out: &Path, cases: &[Measurement]) -> FolderWriter {
    let mut writer = FolderWriter::create(out, run(), TEXT).unwrap();
    writer.expect(expects());
    for case in cases {
        writer.add(case).unwrap();
    }
    writer
}

/// A complete folder.
fn complete() -> (TempDir, PathBuf) {
    let out = tempfile::tempdir().unwrap();
    let writer = writer(out.path(), &cases());
    let path = writer.path().to_owned();
    writer.finish(Status::Complete, None).unwrap();
    (out, path)
}

fn check(path: &Path) -> Result<Histograms, FolderError> {
    Folder::read(path)?.verify()
}

/// Demands that the folder is refused with `text` as this file, and that the file is named.
#[track_caller]
fn refused(path: &Path, name: &str, text: &[u8], what: &str) -> String {
    let file = path.join(name);
    let good = fs::read(&file).unwrap();
    fs::write(&file, text).unwrap();
    let result = check(path);
    fs::write(&file, good).unwrap();
    let error = match result {
        Ok(_) => panic!("{name}, {what}: taken for right"),
        Err(error) => error.to_string(),
    };
    assert!(error.contains(name), "{name}, {what}: {error}");
    error
}

#[test]
fn a_good_folder_gives_its_histograms() {
    let (_out, path) = complete();
    let histograms = check(&path).unwrap();
    for case in cases() {
        for which in Which::ALL {
            let (own, right) = (
                histograms.get(&case.key, which),
                case.latencies.total(which),
            );
            assert_eq!(own.map(Distribution::of), Some(Distribution::of(right)));
        }
        let other = Key {
            attempt: 2,
            ..case.key
        };
        assert!(histograms.get(&other, Which::Response).is_none());
    }
    assert!(histograms.get(&Key::default(), Which::Response).is_none());
}

#[test]
fn failed_interrupted_and_repeated_cases_are_right_too() {
    let out = tempfile::tempdir().unwrap();
    let mut cases = cases();
    cases[1] = Measurement::failed(cases[1].key.clone(), "said \"no\", twice;\nand went");
    let mut again = case("b", 1, 60_000);
    again.key.attempt = 2;
    cases.insert(2, again);
    cases.push(Measurement::interrupted(case("a", 3, 1).key));
    let writer = writer(out.path(), &cases);
    let path = writer.path().to_owned();
    writer.finish(Status::Interrupted, None).unwrap();
    check(&path).unwrap();

    let mut resumed = FolderWriter::resume(&path).unwrap();
    check(&path).unwrap();
    resumed.add(&case("a", 3, 51_000)).unwrap();
    check(&path).unwrap();
    resumed.expect(expects());
    resumed.finish(Status::Complete, None).unwrap();
    check(&path).unwrap();
}

#[test]
fn an_idle_case_has_seconds_without_samples() {
    let out = tempfile::tempdir().unwrap();
    let text = TEXT
        .replace("broadcast", "idle")
        .replace("subscribers", "clients");
    let text = text.split("[load]").next().unwrap().replace("3s", "2500ms")
        + "[population]\nclients = 30\n";
    let info = RunInfo {
        kind: "idle".into(),
        ..run()
    };
    let mut writer = FolderWriter::create(out.path(), info, &text).unwrap();
    let mut idle = Measurement::new(Key::new("shout", "idle", "a", 1, 7));
    idle.latencies = crate::Recorder::new(0).finish(2_500_000_000);
    idle.measured_s = 2.5;
    idle.connect = case("a", 1, 1).connect;
    idle.judge(&crate::Guards::default());
    writer.add(&idle).unwrap();
    let path = writer.path().to_owned();
    writer.finish(Status::Complete, None).unwrap();
    check(&path).unwrap();
    let rows = fs::read_to_string(path.join(INTERVALS)).unwrap();
    let cut = rows.lines().take(2).collect::<Vec<_>>().join("\n") + "\n";
    let error = refused(&path, INTERVALS, cut.as_bytes(), "cut");
    assert!(
        error.contains("intervals.csv:2: the seconds of a#1 in intervals.csv end after 1 s"),
        "{error}"
    );
}

#[test]
fn a_killed_run_may_be_one_case_apart() {
    let out = tempfile::tempdir().unwrap();
    let cases = cases();
    let mut writer = writer(out.path(), &cases[..2]);
    let path = writer.path().to_owned();
    let files = [RUNS, INTERVALS, LOG, SUMMARY];
    let old = files.map(|name| fs::read(path.join(name)).unwrap());
    writer.add(&cases[2]).unwrap();
    let new = files.map(|name| fs::read(path.join(name)).unwrap());
    writer.add(&cases[3]).unwrap();
    drop(writer);
    check(&path).unwrap();
    // The files are written in this order, and the run is killed after each of them.
    for written in 0..=files.len() {
        for (at, name) in files.iter().enumerate() {
            let text = if at < written { &new[at] } else { &old[at] };
            fs::write(path.join(name), text).unwrap();
        }
        check(&path).unwrap_or_else(|error| panic!("{written} files written: {error}"));
        // Two cases apart is no kill.
        if written == 1 {
            let log = fs::read_to_string(path.join(LOG)).unwrap();
            let cut = &log[..log.find("#[Case: b").unwrap()];
            refused(&path, LOG, cut.as_bytes(), "two cases apart");
        }
    }
}

#[test]
fn what_is_no_result_or_another_schema_says_what_to_do() {
    let out = tempfile::tempdir().unwrap();
    let error = Folder::read(out.path()).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{} is no result folder: it has no manifest.json",
            out.path().display()
        )
    );
    let error = Folder::read(&out.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("can't read") && error.contains("No such file"),
        "{error}"
    );

    let (_out, path) = complete();
    let file = path.join(MANIFEST);
    let text = fs::read_to_string(&file).unwrap();
    let with = |from: &str, to: &str| {
        fs::write(&file, text.replace(from, to)).unwrap();
        Folder::read(&path).unwrap_err().to_string()
    };
    let shown = path.display();
    assert_eq!(
        with("\"schema_version\": 3", "\"schema_version\": 9"),
        format!(
            "{shown} was written by a newer pushlab (schema 9, this one reads 3): update pushlab"
        )
    );
    let error = with("\"schema_version\": 3", "\"schema_version\": 2");
    let begin = format!(
        "{shown} was measured with schema 2, which this pushlab no longer reads (it reads 3): measure it again with \
         `pushlab run {shown}/scenario.toml`, or use the pushlab of "
    );
    assert!(error.starts_with(&begin), "{error}");
    let error = with("\"schema_version\": 3,", "");
    assert!(
        error.ends_with(
            "manifest.json:1: no number `schema_version`: this is no manifest of pushlab"
        ),
        "{error}"
    );
}
