use super::*;
use crate::manifest::RunInfo;
use crate::{Breach, Key, Recorder, Stamp};

/// A trial with 100 answers of about this latency, nanoseconds.
fn trial(arm: &str, trial: u32, latency: u64) -> Measurement {
    let mut recorder = Recorder::new(0);
    for sample in 0..100 {
        recorder.answer(Stamp {
            intended: 0,
            sent: 0,
            received: latency + sample,
        });
    }
    let mut measurement = Measurement::new(Key::new("s", "echo", arm, trial, 1));
    measurement.latencies = recorder.finish(1_000_000_000);
    measurement.verdict = Verdict::Valid;
    measurement
}

fn invalid(mut measurement: Measurement) -> Measurement {
    measurement.verdict = Verdict::Invalid {
        breaches: vec![Breach {
            guard: "slip-p99".into(),
            value: 2.0,
            limit: 1.0,
            unit: "us".into(),
        }],
    };
    measurement
}

fn again(mut measurement: Measurement) -> Measurement {
    measurement.key.attempt += 1;
    measurement
}

fn manifest() -> Manifest {
    Manifest::new(RunInfo {
        arms: vec!["slow".into(), "fast".into()],
        trials: 5,
        ..RunInfo::default()
    })
}

fn summary(cases: &[Measurement]) -> Summary {
    Summary::of_measurements("folder", &manifest(), cases)
}

fn finding(summary: &Summary) -> Option<Finding> {
    let of_median = |one: &&Comparison| one.metric == "latency_p50_ns";
    summary
        .comparisons
        .iter()
        .find(of_median)
        .map(|one| one.finding)
}

fn five(arm: &str, latencies: [u64; 5]) -> Vec<Measurement> {
    (1..=5)
        .zip(latencies)
        .map(|(number, latency)| trial(arm, number, latency))
        .collect()
}

#[test]
fn arms_are_told_apart_by_the_interval_of_their_ratio() {
    let mut cases = five("fast", [100_100, 100_500, 100_300, 100_200, 100_400]);
    cases.extend(five("slow", [199_000, 200_500, 201_000, 200_000, 199_500]));
    let told = summary(&cases);
    assert_eq!(finding(&told), Some(Finding::Lower));
    assert_eq!(told.arms[0].arm, "slow");
    let one = &told.comparisons[0];
    assert!((one.ratio - 0.5).abs() < 0.01, "{one:?}");
    assert!(one.low.unwrap() < one.ratio && one.ratio < one.high.unwrap());
    assert!(one.least_detectable.unwrap() < 1.1, "{one:?}");
    let spread = &told.arm("fast").unwrap().metrics["latency_p50_ns"];
    assert!(spread.low.unwrap() <= spread.median && spread.median <= spread.high.unwrap());

    let few: Vec<_> = cases
        .iter()
        .filter(|case| case.key.trial < 3)
        .cloned()
        .collect();
    assert_eq!(
        finding(&summary(&few)),
        None,
        "two of five trials rank nothing"
    );

    let mut alike = five("fast", [100_100, 140_000, 90_000, 120_000, 110_000]);
    alike.extend(five("slow", [118_000, 95_000, 125_000, 104_000, 139_000]));
    let told = summary(&alike);
    assert_eq!(finding(&told), Some(Finding::NoDifferenceSeen));
    assert!(told.comparisons[0].least_detectable.unwrap() > 1.1);
}

#[test]
fn a_repeated_trial_counts_by_its_valid_attempt() {
    let mut cases = five("fast", [100_000; 5]);
    cases[1] = invalid(trial("fast", 2, 900_000));
    cases.push(again(trial("fast", 2, 100_000)));
    let told = summary(&cases);
    let arm = told.arm("fast").unwrap();
    assert!(arm.ranked);
    assert_eq!((arm.trials.len(), arm.tried(), arm.valid()), (6, 5, 5));
    let counted: Vec<bool> = arm.trials.iter().map(|trial| trial.counted).collect();
    assert_eq!(counted, [true, false, true, true, true, true]);
    assert_eq!(arm.metrics["latency_max_ns"].max as u64 / 1000, 100);
}

#[test]
fn beside_servers_that_others_wrote_who_loses_is_not_ranked() {
    let mut cases = five("slow", [300_000; 5]);
    cases.extend(five("fast", [100_000; 5]));
    let delivered = |case: &Measurement| RunRow::of(case).is_delivered();
    assert!(cases.iter().all(delivered));
    let slow = cases
        .iter_mut()
        .find(|case| case.key.arm == "slow")
        .unwrap();
    match &mut slow.delivery {
        Some(events) => events.lost = 1,
        None => slow.counts.censored = 1,
    }
    assert!(!delivered(slow));
    let ranked = |manifest: &Manifest, arm: &str| {
        let told = Summary::of_measurements("folder", manifest, &cases);
        told.arm(arm).unwrap().ranked
    };
    let mut manifest = manifest();
    assert!(ranked(&manifest, "slow"));
    manifest
        .run
        .peers
        .push(crate::manifest::PeerInfo::default());
    assert!(!ranked(&manifest, "slow"));
    assert!(ranked(&manifest, "fast"));
}

#[test]
fn figures_are_of_valid_trials_only_and_too_few_are_not_ranked() {
    let mut cases = five("fast", [100_000; 5]);
    cases[4] = invalid(trial("fast", 5, 900_000));
    let told = summary(&cases);
    let arm = told.arm("fast").unwrap();
    assert!(arm.ranked && arm.valid() == 4);
    let spread = &arm.metrics["latency_p50_ns"];
    assert!(spread.max < 200_000.0 && spread.values[4].is_none());

    cases[3] = invalid(trial("fast", 4, 900_000));
    cases[2] = invalid(trial("fast", 3, 900_000));
    cases.extend(five("slow", [200_000; 5]));
    let told = summary(&cases);
    assert!(!told.arm("fast").unwrap().ranked);
    assert!(told.arm("fast").unwrap().median("latency_p50_ns").is_some());
    assert!(told.comparisons.is_empty());

    let mut failed = five("slow", [200_000; 5]);
    failed[0] = Measurement::failed(failed[0].key.clone(), "gone");
    assert!(
        !summary(&failed).arm("slow").unwrap().ranked,
        "a failure is no noise"
    );
}

#[test]
fn percentiles_of_all_trials_are_read_from_merged_histograms() {
    // One of five trials is slow: its samples are a fifth of all, so they are the merged p90 and not the merged p50.
    let cases = five("fast", [100_000, 100_000, 100_000, 100_000, 900_000]);
    let told = summary(&cases);
    let metrics = &told.arm("fast").unwrap().metrics;
    let merged = |metric: &str| metrics[metric].merged.unwrap() as u64 / 1000;
    assert_eq!(merged("latency_p50_ns"), 100);
    assert_eq!(merged("latency_p90_ns"), 900);
    assert_eq!(metrics["latency_p90_ns"].median as u64 / 1000, 100);
    let p90 = &metrics["latency_p90_ns"];
    assert!(p90.merged_low.unwrap() <= 101_000.0 && p90.merged_high.unwrap() >= 899_000.0);
}

fn scenario(expects: &str) -> scenario::Scenario {
    let arms = ["slow", "fast"].map(|name| scenario::ArmInfo {
        name,
        network: true,
        options: &[],
    });
    let text = format!(
        "name = 'x'\nquestion = 'x'\nkind = 'echo'\nduration = '1s'\npopulation.clients = 1\n\
         load = {{ mode = 'closed', payload = '64 B' }}\n{expects}"
    );
    scenario::parse(&text, "x.toml", &arms).unwrap()
}

fn judgements(cases: &[Measurement], that: &str) -> Vec<(String, Judgement)> {
    let scenario = scenario(&format!("[[expect]]\nthat = '{that}'\n"));
    let kept: Vec<Kept> = cases.iter().map(Kept::of).collect();
    let told = Summary::of(
        "folder",
        &manifest(),
        &kept,
        &[],
        &scenario.expects,
        Depth::Whole,
    );
    let one = |one: &Expectation| (one.arm.clone(), one.judgement);
    told.expectations.iter().map(one).collect()
}

#[test]
fn expectations_are_judged_by_figures_and_each_other() {
    let mut cases = five("fast", [100_100, 100_500, 100_300, 100_200, 100_400]);
    cases.extend(five("slow", [199_000, 200_500, 201_000, 200_000, 199_500]));
    let only = |that: &str| {
        let all = judgements(&cases, that);
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].1
    };
    assert_eq!(only("fast.response.p50 < 1 ms"), Judgement::Held);
    assert_eq!(only("fast.response.p50 > 1 ms"), Judgement::Failed);
    assert_eq!(only("1 ms > fast.response.p50"), Judgement::Held);
    assert_eq!(
        only("fast.response.p50 < 0.6 * slow.response.p50"),
        Judgement::Held
    );
    assert_eq!(
        only("fast.response.p50 < 0.4 * slow.response.p50"),
        Judgement::Failed
    );
    assert_eq!(only("fast.response.p50 < 100.4 us"), Judgement::HeldBarely);
    assert_eq!(only("fast.cpu < 1 ms"), Judgement::NotJudged);
    let each = judgements(&cases, "*.response.p99 < 150 us");
    assert_eq!(
        each,
        [
            ("slow".to_owned(), Judgement::Failed),
            ("fast".to_owned(), Judgement::Held)
        ]
    );
}

#[test]
fn one_bad_trial_spoils_a_count() {
    let mut cases = five("fast", [100_000; 5]);
    cases.extend(five("slow", [100_000; 5]));
    cases[3].counts.censored = 1;
    assert_eq!(
        judgements(&cases, "*.censored == 0"),
        [
            ("slow".to_owned(), Judgement::Held),
            ("fast".to_owned(), Judgement::Failed)
        ]
    );
}

#[test]
fn what_cannot_be_judged_did_not_hold() {
    let mut cases = five("fast", [100_000; 5]);
    for case in &mut cases {
        *case = invalid(case.clone());
    }
    let all = judgements(&cases, "fast.response.p50 < 1 s");
    assert_eq!(all, [("fast".to_owned(), Judgement::NotJudged)]);
    assert!(!Judgement::NotJudged.is_good());
}

#[test]
fn points_are_in_the_order_of_their_axes() {
    let column = AXES
        .iter()
        .position(|axis| axis.column == "rate_per_s")
        .unwrap();
    let mut cases = Vec::new();
    for rate in [1000.0, 50.0, 200.0] {
        for mut case in five("fast", [100_000; 5]) {
            case.key.point = format!("rate={rate}/s");
            case.key.settings = vec![None; AXES.len()];
            case.key.settings[column] = Some(rate);
            cases.push(case);
        }
    }
    let mut manifest = manifest();
    manifest.run.axes = vec!["rate_per_s".into()];
    let told = Summary::of_measurements("folder", &manifest, &cases);
    let labels: Vec<&str> = told
        .points
        .iter()
        .map(|point| point.label.as_str())
        .collect();
    assert_eq!(labels, ["rate=50/s", "rate=200/s", "rate=1000/s"]);
    assert!((told.points[1].axes["rate_per_s"] - 200.0).abs() < 1e-9);
    assert_eq!(told.arms_at(2).count(), 2);
}

#[test]
fn survives_json() {
    let mut cases = five("fast", [100_000, 110_000, 105_000, 99_000, 101_000]);
    cases.push(again(invalid(trial("fast", 1, 5))));
    let told = summary(&cases);
    let text = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), told);
}
