//! Reports, plots and the index of made-up runs, as files.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::trial;
use measure::manifest::RunInfo;
use measure::{FolderWriter, Key, Status};
use report::{
    CustomKind, DrawError, Run, Wanted, write_index, write_page, write_plot, write_report,
};
use scenario::{AXES, ArmInfo, Axis, Case};

const SCENARIO: &str = r#"
name = "made-up"
question = "Which one is <faster> & better?"
kind = "echo"
transports = ["long-poll", "websocket"]
duration = "1s"
warm-up = "1s"
trials = 5
seed = 1
[load]
mode = "open"
arrivals = "constant"
rate = "1000/s"
payload = "64 B"
[population]
clients = 10
"#;

/// A complete run of a scenario whose latencies, in microseconds, are made up.
fn folder(out: &Path, text: &str, latency_us: impl Fn(&Case) -> u64) -> PathBuf {
    let arms = ["long-poll", "websocket"].map(|name| ArmInfo {
        name,
        network: true,
        options: &[],
    });
    let scenario = scenario::parse(text, "", &arms).unwrap();
    let axes = scenario.sweep.iter().flat_map(|sweep| &sweep.axes);
    let run = RunInfo {
        scenario: scenario.name.clone(),
        kind: scenario.kind.name().to_owned(),
        question: scenario.question.clone(),
        arms: scenario.transports.clone(),
        trials: scenario.trials,
        seed: scenario.seed,
        axes: axes.map(|axis| axis.column.to_owned()).collect(),
        ..RunInfo::default()
    };
    let mut writer = FolderWriter::create(out, run, text).unwrap();
    for case in scenario.cases() {
        let latency_us = latency_us(&case) + u64::from(case.trial % 3);
        let mut measurement = trial("echo", &case.transport, case.trial, latency_us);
        let setting = |axis: &Axis| axis.of(&case.scenario).filter(|_| !axis.is_option());
        measurement.key = Key {
            scenario: scenario.name.clone(),
            kind: scenario.kind.name().to_owned(),
            arm: case.transport.clone(),
            point: case.point.clone(),
            trial: case.trial,
            attempt: 1,
            seed: case.seed,
            settings: AXES.iter().map(setting).collect(),
        };
        measurement.connections = 10;
        measurement.connections_alive = 10;
        writer.add(&measurement).unwrap();
    }
    let path = writer.path().to_owned();
    writer.finish(Status::Complete, None).unwrap();
    path
}

fn plain(out: &Path) -> PathBuf {
    folder(out, SCENARIO, |case| match case.transport.as_str() {
        "websocket" => 100,
        _ => 300,
    })
}

/// A sweep over the rate along which the better arm changes.
fn swept(out: &Path) -> PathBuf {
    let text = format!("{SCENARIO}[sweep]\nrate = [\"100/s\", \"200/s\", \"400/s\"]\n");
    folder(out, &text, |case| {
        let latencies = match case.point.as_str() {
            "rate=100/s" => [100, 300],
            "rate=200/s" => [200, 200],
            _ => [400, 100],
        };
        latencies[usize::from(case.transport == "websocket")]
    })
}

#[test]
fn a_report_is_one_file_with_nothing_to_load_and_plots_beside_it() {
    let out = tempfile::tempdir().unwrap();
    let run = Run::read(&plain(out.path())).unwrap();
    let page = fs::read_to_string(write_report(&run).unwrap()).unwrap();
    assert!(page.contains("Which one is &lt;faster&gt; &amp; better?"));
    assert!(!page.contains("<faster>"));
    assert!(
        !page.contains("http://") && !page.contains("https://")
            || page.matches("http").count() == page.matches("http://www.w3.org/2000/svg").count()
    );
    for kind in [
        "trials",
        "percentiles",
        "distribution",
        "time",
        "correction",
        "bytes",
        "costs",
        "memory",
    ] {
        assert!(page.contains(&format!("data-chart=\"{kind}\"")), "{kind}");
        let svg = run.folder.path.join(format!("plots/{kind}.svg"));
        let svg = fs::read_to_string(svg).unwrap();
        assert!(svg.contains("data-arm=\"websocket\""), "{kind}");
        let png = fs::read(run.folder.path.join(format!("plots/{kind}.png"))).unwrap();
        assert_eq!(&png[1..4], b"PNG", "{kind}");
    }
    // Made again, it is the same to the byte.
    assert_eq!(
        page,
        fs::read_to_string(write_report(&run).unwrap()).unwrap()
    );
}

#[test]
fn a_sweep_has_its_curves_and_says_where_the_better_arm_changes() {
    let out = tempfile::tempdir().unwrap();
    let run = Run::read(&swept(out.path())).unwrap();
    let page = fs::read_to_string(write_report(&run).unwrap()).unwrap();
    for part in [
        "data-chart=\"sweep\"",
        "data-chart=\"crossover\"",
        "id=\"sweep-latency_p50_ns\"",
        "select class=\"point\"",
        "is lower up to rate",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // At 100/s websocket takes three times as long, so the cell is long-poll's; and the other way round at the end.
    assert!(page.contains("Long-poll 101 us, websocket 301 us"));
    assert!(page.contains("Websocket 101 us, long-poll 401 us"));
}

#[test]
fn an_index_lists_what_can_be_read_and_what_cannot() {
    let out = tempfile::tempdir().unwrap();
    let good = plain(out.path());
    let bad = out.path().join("20250101T000000-000Z-cut-abcdef0");
    fs::create_dir(&bad).unwrap();
    fs::write(bad.join("manifest.json"), "{").unwrap();
    fs::create_dir(out.path().join("holiday")).unwrap();
    let index = fs::read_to_string(write_index(out.path()).unwrap()).unwrap();
    let name = good.file_name().unwrap().to_str().unwrap();
    assert!(index.contains("made-up") && !index.contains(&format!("{name}/report.html")));
    assert!(
        index.contains("20250101T000000-000Z-cut-abcdef0") && index.contains("manifest.json:1")
    );
    assert!(!index.contains("holiday"));
    write_report(&Run::read(&good).unwrap()).unwrap();
    let index = fs::read_to_string(write_index(out.path()).unwrap()).unwrap();
    assert!(index.contains(&format!("{name}/report.html")));
}

#[test]
fn several_runs_share_a_page_and_a_name_is_used_once() {
    let out = tempfile::tempdir().unwrap();
    let runs = [&plain, &swept as &dyn Fn(&Path) -> PathBuf].map(|make| {
        // Two folders of one name would be in each other's way.
        std::thread::sleep(std::time::Duration::from_millis(2));
        Run::read(&make(out.path())).unwrap()
    });
    let file = out.path().join("both.html");
    write_page(&runs, &file).unwrap();
    let page = fs::read_to_string(file).unwrap();
    let mut ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert!(page.contains("<h1>2 runs</h1>"));
}

#[test]
fn a_plot_of_ones_own_or_what_there_is_instead() {
    let out = tempfile::tempdir().unwrap();
    let run = [Run::read(&swept(out.path())).unwrap()];
    let wanted = |kind: &str, x: Option<&str>, y: Option<&str>| Wanted {
        kind: match kind {
            "line" => CustomKind::Line,
            "scatter" => CustomKind::Scatter,
            "bars" => CustomKind::Bars,
            other => CustomKind::Report(other.to_owned()),
        },
        x: x.map(str::to_owned),
        y: y.map(str::to_owned),
        point: None,
        arms: Vec::new(),
    };
    let file = out.path().join("plot.svg");
    let drawn = |wanted: &Wanted| {
        write_plot(&run, wanted, &file).map(|()| fs::read_to_string(&file).unwrap())
    };
    let line = drawn(&wanted("line", Some("rate"), Some("latency_p99_ns"))).unwrap();
    assert!(line.contains("P99 latency against rate"), "{line}");
    let scatter = drawn(&wanted(
        "scatter",
        Some("rate_per_s"),
        Some("latency_p50_ns"),
    ))
    .unwrap();
    // Fifteen trials an arm, and a marker an arm in the legend.
    assert_eq!(
        scatter
            .matches("fill=\"currentColor\" stroke=\"currentColor\"")
            .count(),
        32
    );
    assert!(drawn(&wanted("bars", None, Some("ip_bytes_per_message"))).is_err());
    assert!(drawn(&wanted("bars", None, Some("wire_bytes_per_message"))).is_ok());
    let only = Wanted {
        arms: vec!["websocket".to_owned()],
        ..wanted("percentiles", None, None)
    };
    let only = drawn(&only).unwrap();
    assert!(only.contains("websocket") && !only.contains("long-poll"));

    for (wanted, said) in [
        (
            wanted("line", None, Some("latency_p50_ns")),
            "needs --x; one of: rate_per_s, ",
        ),
        (
            wanted("line", Some("rate"), Some("nonsense")),
            "no figure `nonsense`",
        ),
        (wanted("pie", None, None), "it has: crossover, sweep"),
        (
            Wanted {
                point: Some("rate=1/s".to_owned()),
                ..wanted("time", None, None)
            },
            "it has: rate=100/s, rate=200/s, rate=400/s",
        ),
        (
            Wanted {
                arms: vec!["sse".to_owned()],
                ..wanted("time", None, None)
            },
            "it has: long-poll, websocket",
        ),
    ] {
        let error = write_plot(&run, &wanted, &file).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let error = write_plot(&run, &only_bars(), Path::new("plot.pdf")).unwrap_err();
    assert!(matches!(error, DrawError::Ending(_)));
}

fn only_bars() -> Wanted {
    Wanted {
        kind: CustomKind::Bars,
        x: None,
        y: Some("latency_p50_ns".to_owned()),
        point: None,
        arms: Vec::new(),
    }
}
