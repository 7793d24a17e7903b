use std::fmt::Write;

use proptest::prelude::*;
use scenario::{AXES, Scenario, axis, parse};

use super::{ARMS, CLOSED, ECHO, IDLE, ROOMS, good};

const BROADCAST: &str = "name = 'x'\nquestion = '?'\nkind = 'broadcast'\nduration = '1s'\npopulation.subscribers = 3\n\
                         load = { mode = 'open', rate = '10/s', payload = '64 B' }\n";

fn had(scenario: &Scenario) -> Vec<&'static str> {
    let had = AXES.iter().filter(|axis| axis.of(scenario).is_some());
    had.map(|axis| axis.name).collect()
}

const SETTINGS: [&str; 7] = [
    "poll-interval",
    "hold",
    "pool",
    "threads",
    "mailbox-messages",
    "mailbox-bytes",
    "batching",
];

#[test]
fn a_scenario_has_the_axes_of_its_kind_and_pace() {
    let all = |own: &[&'static str]| [own, &SETTINGS].concat();
    assert_eq!(had(&good(ECHO, "")), all(&["rate", "payload", "clients"]));
    assert_eq!(
        had(&good(CLOSED, "")),
        all(&["depth", "payload", "clients"])
    );
    assert_eq!(
        had(&good(ROOMS, "")),
        all(&["rate", "payload", "rooms", "members", "publishers"])
    );
    assert_eq!(
        had(&good(BROADCAST, "")),
        all(&["rate", "payload", "subscribers"])
    );
    assert_eq!(
        had(&good(IDLE, "")),
        ["clients", "poll-interval", "hold", "pool", "threads"]
    );
}

#[test]
fn values_are_in_the_unit_of_their_column() {
    let scenario = good(ROOMS, "[client]\npoll-interval = '20ms'\n");
    let of = |name: &str| axis(name).unwrap().of(&scenario);
    assert_eq!(
        [
            "rate",
            "payload",
            "rooms",
            "members",
            "publishers",
            "poll-interval",
            "hold",
            "batching"
        ]
        .map(of),
        [500.0, 1024.0, 10.0, 5.0, 2.0, 0.02, 25.0, 1.0].map(Some)
    );
    let shown = AXES
        .iter()
        .filter_map(|axis| Some(axis.show(axis.of(&scenario)?)));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "500/s", "1 KiB", "10", "5", "2", "20ms", "25s", "1", "1", "4096", "1 MiB", "true"
        ]
    );
}

#[test]
fn columns_and_names_are_each_there_once() {
    for (index, axis) in AXES.iter().enumerate() {
        for other in &AXES[index + 1..] {
            assert!(
                axis.name != other.name && axis.column != other.column,
                "{}",
                axis.name
            );
        }
        assert_eq!(scenario::axis(axis.name), Some(axis));
    }
    assert_eq!(axis("kind"), None);
    let options = AXES
        .iter()
        .filter(|axis| axis.is_option())
        .map(|axis| axis.name);
    assert_eq!(
        options.collect::<Vec<_>>(),
        ["poll-interval", "hold", "pool", "batching"]
    );
}

#[test]
fn clients_in_pairs_stay_even() {
    let clients = axis("clients").unwrap();
    let mut scenario = good(CLOSED, "");
    clients.set(&mut scenario, 7.2);
    assert_eq!(clients.of(&scenario), Some(8.0));
    clients.set(&mut scenario, 0.0);
    assert_eq!(clients.of(&scenario), Some(2.0));
}

#[test]
fn what_a_scenario_has_not_is_not_set() {
    let scenario = good(ECHO, "");
    let mut other = scenario.clone();
    for name in ["depth", "rooms", "members", "publishers", "subscribers"] {
        axis(name).unwrap().set(&mut other, 3.0);
    }
    assert_eq!(scenario, other);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is set, what comes out is a scenario that the parser would take: the settings, shown as one writes them and
    /// parsed as the one point of a sweep, are the same.
    #[test]
    fn what_is_set_is_right(
        base in prop::sample::select(&[ECHO, CLOSED, ROOMS, IDLE, BROADCAST][..]),
        steps in prop::collection::vec((0..AXES.len(), prop_oneof![-10.0..2000.0, 0.0..1e9, Just(f64::NAN), Just(f64::INFINITY)]), 1..6),
    ) {
        let mut scenario = parse(base, "f.toml", ARMS).unwrap();
        for (index, value) in steps {
            let axis = &AXES[index];
            axis.set(&mut scenario, value);
            if let (Some(value), Some((least, most))) = (axis.of(&scenario), axis.range(&scenario)) {
                prop_assert!(least <= value && value <= most, "{axis:?} {value}");
                prop_assert!(!axis.is_whole() || value.fract() == 0.0, "{axis:?} {value}");
            }
        }
        let mut text = format!("{base}[sweep]\n");
        let executed = |name: &str| ARMS.iter().any(|arm| scenario.transports.iter().any(|t| t == arm.name) && arm.options.contains(&name));
        for axis in AXES {
            if let Some(value) = axis.of(&scenario).filter(|_| !axis.is_option() || executed(axis.name)) {
                let plain = axis.show(value);
                let quote = if plain.contains(|c: char| c.is_ascii_alphabetic()) && axis.name != "batching" { "'" } else { "" };
                let _ = writeln!(text, "{} = [{quote}{plain}{quote}]", axis.name);
            }
        }
        let parsed = parse(&text, "f.toml", ARMS);
        let parsed = parsed.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let point = &parsed.sweep.unwrap().points[0].scenario;
        let settings = |scenario: &Scenario| (scenario.load, scenario.population, scenario.server);
        prop_assert_eq!(settings(point), settings(&scenario));
        let polls = |scenario: &Scenario| (scenario.client.poll_interval, scenario.client.hold, scenario.client.pool);
        if ARMS.len() == scenario.transports.len() {
            prop_assert_eq!(polls(point), polls(&scenario));
        }
    }
}
