//! Comparisons of made-up runs.

use std::path::PathBuf;

use measure::manifest::RunInfo;
use measure::summary::{Search, SearchEnd};
use measure::{
    Breach, Delivery, Folder, Key, Manifest, Measurement, ProcessUsage, Recorder, RunRow, Stamp,
    Status, Summary, Verdict,
};
use report::diff::{Finding, Which};
use report::{Diff, Look};

/// One completed, valid trial with 1000 deliveries of the same latency.
fn trial(arm: &str, point: &str, trial: u32, latency_us: u64) -> Measurement {
    let mut recorder = Recorder::new(0);
    for sample in 0..1000 {
        let (sent, received) = (sample * 1_000_000, sample * 1_000_000 + latency_us * 1000);
        recorder.delivery(sent, received);
        let stamp = Stamp {
            intended: sent,
            sent,
            received,
        };
        recorder.fanout(received, received, stamp);
    }
    let mut measurement = Measurement::new(Key::new("made-up", "broadcast", arm, trial, 1));
    point.clone_into(&mut measurement.key.point);
    measurement.latencies = recorder.finish(1_000_000_000);
    measurement.verdict = Verdict::Valid;
    measurement.measured_s = 1.0;
    measurement.counts.delivered = 1000;
    measurement.delivery = Some(Delivery {
        expected: 1000,
        delivered: 1000,
        ..Delivery::default()
    });
    measurement.traffic.wire_up_bytes = 100_000;
    measurement.traffic.wire_down_bytes = 150_000;
    measurement.usage.server = Some(ProcessUsage {
        cpu_user_ns: 10_000_000 + u64::from(trial) * 100_000,
        ..ProcessUsage::default()
    });
    measurement
}

/// Five trials that scatter by a few per cent.
fn five(arm: &str, latency_us: u64) -> Vec<Measurement> {
    five_at(arm, "", latency_us)
}

fn five_at(arm: &str, point: &str, latency_us: u64) -> Vec<Measurement> {
    let trials = (1..=5).zip([98, 100, 102, 99, 101]);
    trials
        .map(|(number, percent)| trial(arm, point, number, latency_us * percent / 100))
        .collect()
}

fn folder(name: &str, trials: &[Measurement]) -> Folder {
    let mut run = RunInfo {
        scenario: "made-up".into(),
        kind: "broadcast".into(),
        question: "Which one?".into(),
        trials: 5,
        ..RunInfo::default()
    };
    for one in trials {
        if !run.arms.contains(&one.key.arm) {
            run.arms.push(one.key.arm.clone());
        }
    }
    let mut manifest = Manifest::new(run);
    manifest.status = Status::Complete;
    Folder {
        path: PathBuf::from("results").join(name),
        scenario: "name = \"made-up\"\n".to_owned(),
        runs: trials.iter().map(RunRow::of).collect(),
        intervals: Vec::new(),
        summary: Summary::of_measurements(name, &manifest, trials),
        manifest,
    }
}

#[test]
fn what_changed_is_told_first_and_the_rest_is_there() {
    let mut before = five("long-poll", 300);
    before.extend(five("websocket", 100));
    let mut after = five("long-poll", 300);
    after.extend(five("websocket", 131));
    let (a, mut b) = (folder("a", &before), folder("b", &after));
    b.manifest.build.rustc = Some("rustc 9.99.0".into());
    b.manifest
        .machine
        .sysctls
        .insert("net.core.somaxconn".into(), "1".into());
    let diff = Diff::of(&a, &b);
    let sentence = diff.sentence();
    assert!(
        sentence
            .starts_with("2 of 10 figures changed: websocket median latency 1.31 times (95 %: 1.2"),
        "{sentence}"
    );
    assert!(
        sentence.ends_with(
            "; 8 show no difference. Even if nothing has changed, 0.50 of 10 comparisons differ by chance in the mean (5 %)."
        ),
        "{sentence}"
    );
    let what: Vec<&str> = diff
        .circumstances
        .iter()
        .map(|one| one.what.as_str())
        .collect();
    assert_eq!(what, ["rustc", "net.core.somaxconn"]);
    let text = diff.text(Look::default());
    assert!(
        text.contains("no difference seen (one of ") && text.contains("higher (worse)"),
        "{text}"
    );
    let widest = text.lines().skip(1).map(|line| line.chars().count()).max();
    assert!(widest <= Some(130), "{text}");
    let markdown = diff.markdown();
    assert!(markdown.contains("| rustc | "), "{markdown}");
    assert!(
        markdown.contains("8 without a difference, or not judged"),
        "{markdown}"
    );
    // Whatever is serialised is read back.
    let json = serde_json::to_string(&diff).unwrap();
    assert_eq!(serde_json::from_str::<Diff>(&json).unwrap(), diff);
}

#[test]
fn worse_is_up_for_costs_and_down_for_throughput() {
    let before = five("websocket", 100);
    let mut after = before.clone();
    for one in &mut after {
        one.measured_s = 1.25;
    }
    let diff = Diff::of(&folder("a", &before), &folder("b", &after));
    let figure = diff
        .figures
        .iter()
        .find(|one| one.metric == "messages_per_s")
        .unwrap();
    assert_eq!((figure.finding, figure.worse), (Finding::Lower, true));
    // To 0.8, which is worse by a factor of 1.25.
    assert_eq!(diff.worse_than(0.24).len(), 1);
    assert_eq!(diff.worse_than(0.26), Vec::<String>::new());
    let back = Diff::of(&folder("b", &after), &folder("a", &before));
    assert_eq!(back.worse_than(0.0), Vec::<String>::new());
}

#[test]
fn an_interval_that_reaches_the_limit_does_not_fail() {
    let diff = Diff::of(
        &folder("a", &five("websocket", 1000)),
        &folder("b", &five("websocket", 1110)),
    );
    let figure = &diff.figures[0];
    assert_eq!(figure.finding, Finding::Higher);
    let (low, high) = figure.interval().unwrap();
    assert!(low < 1.1 && high > 1.1, "{low} {high}");
    assert_eq!(diff.worse_than(0.1), Vec::<String>::new());
    assert_eq!(diff.worse_than(0.05).len(), 2);
}

#[test]
fn an_arm_without_enough_valid_trials_is_struck_through_and_not_compared() {
    let mut after = five("websocket", 900);
    for one in &mut after[..3] {
        let breach = Breach {
            guard: "generator-cpu".into(),
            value: 91.0,
            limit: 80.0,
            unit: "%".into(),
        };
        one.verdict = Verdict::Invalid {
            breaches: vec![breach],
        };
    }
    let diff = Diff::of(&folder("a", &five("websocket", 100)), &folder("b", &after));
    assert!(diff.is_blind() && diff.worse_than(0.0).is_empty());
    assert_eq!(diff.sentence(), "5 figures not judged.");
    let first = &diff.figures[0];
    assert_eq!((first.finding, first.ratio), (Finding::NotCompared, None));
    assert_eq!(first.reason, "too few valid trials in B");
    let text = diff.text(Look::default());
    assert!(
        text.contains(" 100 us") && text.contains("~900 us~"),
        "{text}"
    );
    assert!(diff.text(Look { styled: true }).contains("\u{1b}[9m900 us"));
    assert!(diff.markdown().contains("| ~~900 us~~ |"));
}

#[test]
fn too_few_trials_are_no_finding() {
    let (before, after) = (five("websocket", 100), five("websocket", 200));
    let diff = Diff::of(&folder("a", &before[..3]), &folder("b", &after[..3]));
    assert!(
        diff.figures
            .iter()
            .all(|one| one.finding == Finding::TooFewTrials)
    );
    assert!(diff.is_blind());
}

#[test]
fn losses_and_failures_are_worse_whatever_the_limit() {
    let before = five("websocket", 100);
    let mut after = before.clone();
    after[4] = Measurement::failed(after[4].key.clone(), "gone");
    let delivery = after[2].delivery.as_mut().unwrap();
    (delivery.lost, delivery.delivered) = (12, 988);
    let (a, b) = (folder("a", &before), folder("b", &after));
    let right = [
        "websocket failed in 1 of 5 trials (before 0 of 5)",
        "websocket lost 12 of 4,000 messages (before 0 of 5,000)",
    ];
    let diff = Diff::of(&a, &b);
    assert_eq!(diff.worse_than(10.0), right);
    assert!(
        diff.sentence()
            .ends_with("websocket lost 12 of 4,000 messages (before 0 of 5,000).")
    );
    // Fewer than before are told, and are no failure.
    let back = Diff::of(&b, &a);
    assert_eq!(back.worse_than(0.0), Vec::<String>::new());
    assert_eq!(back.counts.len(), 2);
}

#[test]
fn points_and_arms_of_one_run_alone_are_listed() {
    let mut before = five_at("websocket", "rate=1/s", 100);
    before.extend(five_at("websocket", "rate=2/s", 100));
    before.extend(five_at("long-poll", "rate=2/s", 100));
    let mut after = five_at("websocket", "rate=2/s", 100);
    after.extend(five_at("websocket", "rate=3/s", 100));
    let diff = Diff::of(&folder("a", &before), &folder("b", &after));
    assert!(
        diff.figures
            .iter()
            .all(|one| one.point == "rate=2/s" && one.arm == "websocket")
    );
    let only: Vec<(Which, &str, &str)> = diff
        .only
        .iter()
        .map(|one| (one.run, one.point.as_str(), one.arm.as_str()))
        .collect();
    assert_eq!(
        only,
        [
            (Which::A, "rate=1/s", "websocket"),
            (Which::A, "rate=2/s", "long-poll"),
            (Which::B, "rate=3/s", "websocket"),
        ]
    );
    let text = diff.text(Look::default());
    assert!(
        text.contains("  rate=2/s:\n") && text.contains("  only in B: websocket at rate=3/s\n"),
        "{text}"
    );
}

#[test]
fn answers_of_a_search_stand_beside_each_other() {
    let search = |holds_at: f64| Search {
        arm: "websocket".into(),
        find: "highest rate while delivery.p99 < 10 ms".into(),
        axis: "rate_per_s".into(),
        end: SearchEnd::Found,
        holds_at: Some(holds_at),
        fails_at: Some(holds_at * 1.04),
        probes: Vec::new(),
    };
    let mut runs = ["a", "b"].map(|name| folder(name, &five_at("websocket", "rate=1/s", 100)));
    runs[0].summary.searches.push(search(4000.0));
    runs[1].summary.searches.push(search(5000.0));
    let diff = Diff::of(&runs[0], &runs[1]);
    assert!(diff.figures.is_empty() && diff.only.is_empty());
    assert_eq!(
        diff.sentence(),
        "websocket, highest rate while delivery.p99 < 10 ms: 4000/s in A, 5000/s in B (1.25 times)."
    );
}

#[test]
fn other_scenarios_are_told_apart() {
    let a = folder("a", &five("websocket", 100));
    let mut b = a.clone();
    b.scenario = "# x\nname = \"made-up\" # y\n\n".to_owned();
    assert_eq!(Diff::of(&a, &b).scenario_difference, None);
    b.scenario.push_str("trials = 3\n");
    assert_eq!(
        Diff::of(&a, &b).scenario_difference.as_deref(),
        Some("scenario.toml: A has nothing more, line 4 of B is `trials = 3`")
    );
    b.summary.scenario = "other".into();
    let difference = Diff::of(&a, &b).scenario_difference;
    assert_eq!(
        difference.as_deref(),
        Some("A is a run of made-up, B of other")
    );
}
