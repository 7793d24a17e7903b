//! The table and the sentence of made-up runs, to the letter.

mod common;

use std::path::PathBuf;

use common::trial;
use measure::manifest::RunInfo;
use measure::{
    Breach, Delivery, Folder, Key, Manifest, Measurement, RunRow, Status, Summary, Verdict,
};
use report::{Look, sentence, table};

fn folder(kind: &str, trials: &[Measurement]) -> Folder {
    let mut run = RunInfo {
        scenario: "made-up".into(),
        kind: kind.into(),
        question: "Which one?".into(),
        trials: trials.iter().map(|one| one.key.trial).max().unwrap_or(0),
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
        path: PathBuf::from("results/made-up"),
        scenario: String::new(),
        runs: trials.iter().map(RunRow::of).collect(),
        intervals: Vec::new(),
        summary: Summary::of_measurements("made-up", &manifest, trials),
        manifest,
    }
}

/// Five trials: three more or less apart, and the middle one twice more.
fn five(kind: &str, arm: &str, [low, middle, high]: [u64; 3]) -> Vec<Measurement> {
    let latencies_us = [low, middle, high, middle, middle];
    (1..=5)
        .zip(latencies_us)
        .map(|(number, latency)| trial(kind, arm, number, latency))
        .collect()
}

#[test]
fn a_good_run() {
    let mut trials = five("broadcast", "inproc", [10, 11, 12]);
    trials.extend(five(
        "broadcast",
        "request-response",
        [25_000, 25_100, 25_200],
    ));
    trials.extend(five("broadcast", "long-poll", [300, 310, 320]));
    trials.extend(five("broadcast", "websocket", [290, 305, 330]));
    let folder = folder("broadcast", &trials);
    assert_eq!(
        sentence(&folder),
        "median delivery age: no difference seen between websocket 305 us and long-poll 310 us (one of 9.72 % would have been \
         seen), request-response 25.1 ms (82 times websocket, 95 %: 76 to 87); the floor without a network (inproc) is \
         11.0 us; nothing was lost or duplicated."
    );
    let text = table(&folder, Look::default());
    let lines: Vec<&str> = text.lines().collect();
    // Below each arm stand its intervals.
    assert_eq!(lines.len(), 9, "{text}");
    assert!(
        lines.iter().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let row = "long-poll 310 us 310 us 310 us 1,000 5,000 0 0 250 12.3 us 12.1 KiB valid";
    assert_eq!(words(lines[5]), words(row));
    assert!(
        lines[6].trim().starts_with("30") && lines[6].contains('\u{2013}'),
        "{text}"
    );
    assert_eq!(
        words(lines[1]),
        words("inproc 11.0 us 11.0 us 11.0 us 1,000 5,000 0 0 - - - valid")
    );
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn an_invalid_arm_is_struck_through_explained_and_not_ranked() {
    let mut trials = five("echo", "long-poll", [300, 310, 320]);
    trials.extend(five("echo", "websocket", [100, 105, 110]));
    let breach = Breach {
        guard: "generator-cpu".into(),
        value: 91.25,
        limit: 80.0,
        unit: "%".into(),
    };
    // Two valid trials of five rank nothing.
    for trial in &mut trials[6..9] {
        trial.verdict = Verdict::Invalid {
            breaches: vec![breach.clone()],
        };
    }
    trials[6].errors.add("refused", || "no".into());
    let folder = folder("echo", &trials);
    assert_eq!(
        sentence(&folder),
        "median response time of long-poll 310 us; with no other valid arm there is nothing to compare it with; websocket is \
         left out for want of valid trials; nothing was lost or duplicated."
    );
    let plain = table(&folder, Look::default());
    assert!(
        plain.contains("~105 us~") && plain.contains("2/5 valid"),
        "{plain}"
    );
    assert!(
        plain.contains(
            "  websocket trials 2, 3, 4 invalid: generator-cpu up to 91.2 %, limit 80.0 %\n"
        ),
        "{plain}"
    );
    assert!(
        plain.contains("  websocket trial 2: errors: refused=1"),
        "{plain}"
    );
    let styled = table(&folder, Look { styled: true });
    assert!(
        styled.contains("\u{1b}[9m105 us") && !styled.contains("\u{1b}[9m310 us"),
        "{styled:?}"
    );
}

#[test]
fn trials_that_broke_the_same_guard_share_a_note() {
    let mut trials = five("echo", "websocket", [100, 105, 110]);
    for (trial, value) in trials.iter_mut().zip([300.0, 500.0, 400.0, 200.0, 100.0]) {
        let breach = Breach {
            guard: "slip-p99".into(),
            value,
            limit: 100.0,
            unit: "us".into(),
        };
        trial.verdict = Verdict::Invalid {
            breaches: vec![breach],
        };
    }
    let text = table(&folder("echo", &trials), Look::default());
    assert!(
        text.ends_with(
            "\n  websocket trials 1, 2, 3, 4, 5 invalid: slip-p99 up to 500.0 us, limit 100.0 us"
        ),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn a_trial_that_was_measured_again_is_told_and_counts() {
    let mut trials = five("echo", "websocket", [100, 105, 110]);
    let breach = Breach {
        guard: "slip-p99".into(),
        value: 300.0,
        limit: 100.0,
        unit: "us".into(),
    };
    let mut again = trials[1].clone();
    trials[1].verdict = Verdict::Invalid {
        breaches: vec![breach],
    };
    again.key.attempt = 2;
    trials.push(again);
    let text = table(&folder("echo", &trials), Look::default());
    assert!(
        text.contains("5,000") && text.contains(" valid") && !text.contains('~'),
        "{text}"
    );
    assert!(
        text.ends_with(
            "websocket trial 2 invalid: slip-p99 300.0 us, limit 100.0 us; measured again"
        ),
        "{text}"
    );
}

#[test]
fn losses_are_told() {
    let mut trials = five("chat", "long-poll", [300, 310, 320]);
    trials.extend(five("chat", "websocket", [100, 105, 110]));
    trials[0].delivery = Some(Delivery {
        expected: 1000,
        delivered: 990,
        lost: 7,
        gap_missed: 3,
        duplicated: 2,
        ..Delivery::default()
    });
    let folder = folder("chat", &trials);
    assert_eq!(
        sentence(&folder),
        "median delivery age: websocket 105 us is lowest, long-poll 310 us (3.0 times websocket, 95 %: 2.8 to 3.1); \
         long-poll lost 7 messages and duplicated 2."
    );
    let text = table(&folder, Look::default());
    assert!(
        text.contains("long-poll: 3 messages announced as missed by a gap"),
        "{text}"
    );
}

#[test]
fn too_few_trials_rank_nothing() {
    let trials = [
        trial("echo", "long-poll", 1, 300),
        trial("echo", "websocket", 1, 100),
    ];
    assert_eq!(
        sentence(&folder("echo", &trials)),
        "median response time: websocket 100 us and long-poll 300 us, from too few trials to rank them; nothing was lost or \
         duplicated."
    );
}

#[test]
fn runs_without_a_figure_say_so() {
    let failed = Measurement::failed(
        Key::new("made-up", "echo", "websocket", 1, 1),
        "the server didn't start",
    );
    let interrupted = Measurement::interrupted(Key::new("made-up", "echo", "long-poll", 1, 1));
    let folder = folder("echo", &[failed, interrupted]);
    assert_eq!(
        sentence(&folder),
        "no arm with a network has a valid figure, so nothing is compared."
    );
    let text = table(&folder, Look::default());
    assert!(
        text.contains("websocket trial 1: failed: the server didn't start"),
        "{text}"
    );
    assert!(text.contains("long-poll trial 1: interrupted"), "{text}");
}
