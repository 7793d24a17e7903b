use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use super::*;
use crate::latency::Which;
use crate::manifest::RunInfo;
use crate::{Delivery, Guards, Key, Measurement, Outcome, Recorder, Stamp, Status};

fn run() -> RunInfo {
    RunInfo {
        scenario: "shout".into(),
        kind: "broadcast".into(),
        arms: vec!["a".into(), "b".into()],
        trials: 3,
        ..RunInfo::default()
    }
}

pub(super) fn measured(arm: &str, trial: u32, latency: u64) -> Measurement {
    let mut recorder = Recorder::new(0);
    for sample in 0..300_u64 {
        let intended = sample * 10_000_000;
        let last = Stamp {
            intended,
            sent: intended + 1_000,
            received: intended + latency,
        };
        recorder.sent(intended);
        recorder.delivery(intended, last.received);
        recorder.fanout(last.received, last.received, last);
    }
    let mut measurement = Measurement::new(Key::new("shout", "broadcast", arm, trial, 7));
    measurement.latencies = recorder.finish(3_000_000_000);
    measurement.measured_s = 3.0;
    measurement.counts.intended = 300;
    measurement.counts.sent = 300;
    measurement.counts.completed = 300;
    measurement.counts.delivered = 300;
    measurement.counts.censored_at_least_ns = Some((5, 6));
    measurement.delivery = Some(Delivery {
        expected: 301,
        delivered: 300,
        lost: 1,
        ..Delivery::default()
    });
    measurement
        .errors
        .add("closed", || "said \"goodbye\", twice".into());
    measurement.usage.server = Some(crate::ProcessUsage {
        cpu_user_ns: 3_000_000,
        ..Default::default()
    });
    measurement.usage.generator.wall_ns = 3_000_000_000;
    measurement.judge(&Guards::default());
    measurement
}

#[test]
fn all_that_was_written_is_read_back() {
    let out = tempfile::tempdir().unwrap();
    let mut writer =
        FolderWriter::create(out.path(), run(), "name = \"shout\" # to the letter\n").unwrap();
    let cases = [
        measured("a", 1, 50_000),
        Measurement::failed(
            Key::new("shout", "broadcast", "b", 1, 7),
            "the server vanished",
        ),
        Measurement::interrupted(Key::new("shout", "broadcast", "b", 2, 7)),
    ];
    for case in &cases {
        writer.add(case).unwrap();
    }
    let path = writer.path().to_owned();
    let summary = writer.finish(Status::Complete, None).unwrap();

    let folder = Folder::read(&path).unwrap();
    assert_eq!(folder.manifest.status, Status::Complete);
    assert_eq!(folder.scenario, "name = \"shout\" # to the letter\n");
    assert_eq!(folder.summary, summary);
    let rows: Vec<RunRow> = cases.iter().map(RunRow::of).collect();
    assert_eq!(folder.runs, rows);
    assert_eq!(
        folder.runs[1].outcome,
        Outcome::Failed {
            reason: "the server vanished".into()
        }
    );
    assert_eq!(folder.runs[0].server_cpu_us_per_message(), Some(10.0));
    assert_eq!(folder.intervals, IntervalRow::all(&cases[0]));
    assert_eq!(folder.intervals.len(), 3);
    assert_eq!(folder.summary.arm("a").unwrap().median("lost"), Some(1.0));
    assert!(
        fs::read_dir(&path).unwrap().all(|file| !file
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("tmp"))
    );
}

#[test]
fn the_log_opens_in_the_stock_reader() {
    let out = tempfile::tempdir().unwrap();
    let mut writer = FolderWriter::create(out.path(), run(), "").unwrap();
    let (first, mut second) = (measured("a", 1, 50_000), measured("b", 1, 70_000));
    second.started = first.started + Duration::from_secs(4);
    writer.add(&first).unwrap();
    writer.add(&second).unwrap();
    let log = fs::read(writer.path().join(LOG)).unwrap();

    let mut merged = crate::latency::histogram::<u64>();
    let mut starts = Vec::new();
    let text = String::from_utf8(log).unwrap();
    for entry in IntervalLogIterator::new(text.as_bytes()) {
        let LogEntry::Interval(interval) = entry.unwrap() else {
            continue;
        };
        starts.push(interval.start_timestamp());
        if interval.tag().unwrap().as_str() == "b.delivery-age" {
            merged += decode(interval.encoded_histogram());
        }
    }
    assert_eq!(&merged, second.latencies.total(Which::DeliveryAge));
    assert!(starts.is_sorted());
    for which in [Which::Response, Which::FanoutFirst, Which::SendDelay] {
        assert!(text.contains(&format!("Tag=a.{},", which.name())));
    }
    assert!(text.contains("#[StartTime: ") && text.contains("#[BaseTime: "));
}

#[test]
fn a_killed_run_reads_as_interrupted() {
    let out = tempfile::tempdir().unwrap();
    let mut writer = FolderWriter::create(out.path(), run(), "").unwrap();
    writer.add(&measured("a", 1, 50_000)).unwrap();
    let path = writer.path().to_owned();
    drop(writer);
    let folder = Folder::read(&path).unwrap();
    assert_eq!(folder.manifest.status, Status::Interrupted);
    assert_eq!(folder.summary.status, Status::Interrupted);
    assert_eq!(folder.runs.len(), 1);
}

#[test]
fn a_run_goes_on_where_it_was_cut_off() {
    let out = tempfile::tempdir().unwrap();
    let mut whole = FolderWriter::create(out.path(), run(), "text").unwrap();
    let mut cut =
        FolderWriter::create_as(&out.path().join("cut"), whole.manifest().clone(), "text").unwrap();
    let mut cases = vec![measured("a", 1, 50_000), measured("b", 1, 90_000)];
    cases[1].key.point = "rate=1/s clients=2".into();
    for case in &cases {
        whole.add(case).unwrap();
        cut.add(case).unwrap();
    }
    cut.add(&Measurement::interrupted(measured("a", 2, 1).key))
        .unwrap();
    let path = cut.path().to_owned();
    assert!(matches!(
        FolderWriter::resume(&path),
        Err(FolderError::Busy(_))
    ));
    drop(cut);

    let mut resumed = FolderWriter::resume(&path).unwrap();
    for case in &cases {
        let (row, verdict) = resumed.recall(&case.key).unwrap();
        assert_eq!((row, verdict), (&RunRow::of(case), &case.verdict));
    }
    assert!(resumed.recall(&measured("a", 2, 1).key).is_none());
    for case in [measured("a", 2, 51_000), measured("a", 3, 52_000)] {
        resumed.add(&case).unwrap();
        whole.add(&case).unwrap();
    }
    let name = whole.path().to_owned();
    let (resumed, whole) = (
        resumed.finish(Status::Complete, None).unwrap(),
        whole.finish(Status::Complete, None).unwrap(),
    );
    assert_eq!(resumed, whole, "the same as if nothing had happened");
    for file in [RUNS, INTERVALS, LOG] {
        let [one, other] =
            [&path, &name].map(|folder| fs::read_to_string(folder.join(file)).unwrap());
        assert_eq!(one, other, "{file}");
    }
    assert!(matches!(
        FolderWriter::resume(&path),
        Err(FolderError::Complete(_))
    ));
}

#[test]
fn two_runs_never_share_a_folder() {
    let out = tempfile::tempdir().unwrap();
    let manifest = Manifest::new(run());
    let first = FolderWriter::create_as(out.path(), manifest.clone(), "").unwrap();
    let error = FolderWriter::create_as(out.path(), manifest, "").unwrap_err();
    assert!(matches!(&error, FolderError::Exists(path) if path == first.path()));
    assert!(error.to_string().contains("exists already"));
}

#[test]
fn what_cannot_be_written_names_the_path() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("file");
    fs::write(&file, "").unwrap();
    let error = FolderWriter::create(&file.join("results"), run(), "").unwrap_err();
    assert!(error.to_string().contains("file/results"), "{error}");

    // The disk is full, or the folder was taken away under the writer: the same path through the code.
    let mut writer = FolderWriter::create(out.path(), run(), "").unwrap();
    fs::remove_dir_all(writer.path()).unwrap();
    let error = writer
        .add(&measured("a", 1, 1_000))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("can't write") && error.contains("runs.csv"),
        "{error}"
    );
}

#[test]
fn what_is_malformed_names_file_and_line() {
    let out = tempfile::tempdir().unwrap();
    let mut writer = FolderWriter::create(out.path(), run(), "").unwrap();
    writer.add(&measured("a", 1, 50_000)).unwrap();
    writer.add(&measured("b", 1, 50_000)).unwrap();
    let path = writer.path().to_owned();
    writer.finish(Status::Complete, None).unwrap();
    let complaint = |name: &str, change: &dyn Fn(String) -> String| {
        let file = path.join(name);
        let good = fs::read_to_string(&file).unwrap();
        fs::write(&file, change(good.clone())).unwrap();
        let error = Folder::read(&path).unwrap_err().to_string();
        fs::write(&file, good).unwrap();
        error
    };
    let error = complaint("runs.csv", &|text| {
        text.replace("broadcast,b,,1,", "broadcast,b,,one,")
    });
    assert!(
        error.ends_with("runs.csv:3: `one` is no value for column `trial`"),
        "{error}"
    );
    let error = complaint("runs.csv", &|text| text.replace("warm_up_s", "warm_up_ms"));
    assert!(
        error.contains("runs.csv:2: no column `warm_up_s`"),
        "{error}"
    );
    let error = complaint("summary.json", &|text| {
        text.replace("\"quick\": false", "\"quick\": 3")
    });
    assert!(error.contains("summary.json:"), "{error}");
    let error = complaint("manifest.json", &|text| {
        text.replace("\"schema_version\": 3", "\"schema_version\": 9")
    });
    assert!(
        error.contains("newer pushlab (schema 9, this one reads 3)"),
        "{error}"
    );
    let error = complaint("intervals.csv", &|text| {
        text.replacen("a,,1,", "a,,1,2,3,", 1)
    });
    assert!(error.contains("intervals.csv:2"), "{error}");
    fs::remove_file(path.join("runs.csv")).unwrap();
    assert!(
        Folder::read(&path)
            .unwrap_err()
            .to_string()
            .contains("can't read")
    );
}

fn decode(base64: &str) -> Histogram<u64> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for symbol in base64.bytes().filter(|byte| *byte != b'=') {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .unwrap()
}
