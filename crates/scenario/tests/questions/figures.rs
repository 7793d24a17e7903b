use scenario::{AXES, FIGURES, Kind, Unit, figure};

#[test]
fn figures_are_each_there_once_and_named_with_their_unit() {
    for (index, one) in FIGURES.iter().enumerate() {
        for other in &FIGURES[index + 1..] {
            assert!(
                one.name != other.name && one.metric != other.metric,
                "{}",
                one.name
            );
        }
        assert_eq!(figure(one.name), Some(one));
        match one.unit {
            Unit::Time if one.metric.ends_with("_ns") => assert!(one.nanoseconds() < 2.0),
            Unit::Time => {
                assert!(one.metric.contains("_us_"), "{}", one.metric);
                assert!(one.nanoseconds() > 999.0);
            }
            Unit::Bytes => assert!(one.metric.contains("_bytes_"), "{}", one.metric),
            Unit::PerSecond => assert!(one.metric.contains("_per_s"), "{}", one.metric),
            Unit::Count | Unit::Ratio => {}
        }
    }
}

#[test]
fn percentiles_have_two_spellings() {
    assert_eq!(figure("delivery.p99.9"), figure("delivery.p999"));
    assert_eq!(figure("p99.9").unwrap().metric, "latency_p999_ns");
    assert_eq!(figure("delivery.p98"), None);
    assert_eq!(figure("gap").unwrap().metric, "gap_missed");
}

#[test]
fn the_reference_names_every_axis_and_figure() {
    let reference = include_str!("../../../../scenarios/README.md");
    let has = |name: &str| assert!(reference.contains(&format!("`{name}`")), "{name}");
    for axis in AXES {
        has(axis.name);
    }
    for kind in Kind::ALL {
        has(kind.name());
    }
    // What is no axis can still be set.
    for option in ["connection", "poll-pacing", "cursor", "slow-consumer"] {
        has(option);
    }
    for figure in FIGURES {
        match figure.name.split_once('.') {
            Some((group, _)) => has(&format!("{group}.p99")),
            None => has(figure.name),
        }
    }
}

#[test]
fn figures_of_faults_need_some() {
    use super::{ECHO, good};
    const FAULT: &str = "[[fault]]\nat = '1ms'\nwhat = 'kill-server'\nfor = '1ms'\n";
    let expect = |that: &str| format!("[[expect]]\nthat = '{that}'\n");
    let recovery = expect("*.recovery.p99 < 1 s");
    let fresh = expect("*.fresh == 0");
    good(ECHO, &format!("{FAULT}{recovery}"));
    good(ECHO, &format!("[reconnect]\n{fresh}"));
    let reconnect = expect("*.reconnect.max < 1 s");
    good(ECHO, &format!("[reconnect]\n{reconnect}"));
    for (more, end) in [
        (
            recovery,
            "nothing goes wrong here: write `[[fault]]`, as in at = \"3s\", what = \"kill-server\", for = \"1s\"",
        ),
        (fresh, "nobody comes back here: write `[reconnect]`"),
        (
            format!("{FAULT}{}", expect("*.unconfirmed == 0")),
            "in this kind there are no events: `censored` (requests without a reply) and `errors` are right",
        ),
    ] {
        let text = format!("{ECHO}{more}");
        let error = scenario::parse(&text, "f.toml", super::ARMS).unwrap_err();
        assert!(error.to_string().ends_with(end), "{error}");
    }
}
