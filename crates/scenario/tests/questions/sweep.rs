use std::collections::HashMap;

use proptest::prelude::*;
use scenario::{Pace, Population, Scenario, axis, parse};

use super::{ARMS, CLOSED, ECHO, IDLE, ROOMS, good, wrong};

fn labels(scenario: &Scenario) -> Vec<&str> {
    let sweep = scenario.sweep.as_ref().unwrap();
    sweep
        .points
        .iter()
        .map(|point| point.label.as_str())
        .collect()
}

fn values(scenario: &Scenario) -> Vec<f64> {
    let sweep = scenario.sweep.as_ref().unwrap();
    sweep.points.iter().map(|point| point.values[0]).collect()
}

#[test]
fn a_grid_has_every_combination_and_the_last_axis_is_fastest() {
    let text = "[sweep]\nrate = ['100/s', '1000/s']\nmembers = [5, 2, 10]\n";
    let scenario = good(ROOMS, text);
    assert_eq!(
        labels(&scenario),
        [
            "rate=100/s members=5",
            "rate=100/s members=2",
            "rate=100/s members=10",
            "rate=1000/s members=5",
            "rate=1000/s members=2",
            "rate=1000/s members=10"
        ]
    );
    let sweep = scenario.sweep.as_ref().unwrap();
    assert_eq!(
        sweep.axes,
        [axis("rate").unwrap(), axis("members").unwrap()]
    );
    assert_eq!(sweep.points[4].values, [1000.0, 2.0]);
    let point = &sweep.points[4].scenario;
    assert!(matches!(
        point.load.unwrap().pace,
        Pace::Open { rate: 1000.0, .. }
    ));
    let rooms = Population::Rooms {
        rooms: 10,
        members: 2,
        publishers: 2,
        others: false,
    };
    assert_eq!(point.population, rooms);
    assert!(point.sweep.is_none() && point.find.is_none() && point.expects.is_empty());
    assert_eq!(point.text, scenario.text);
    assert_eq!((point.name.as_str(), point.trials, point.seed), ("x", 5, 1));
}

#[test]
fn a_list_takes_the_axes_side_by_side() {
    let text = "[sweep]\nmembers = [5, 50]\nrooms = [100, 10]\ncombine = 'list'\n";
    let scenario = good(ROOMS, text);
    assert_eq!(
        labels(&scenario),
        ["members=5 rooms=100", "members=50 rooms=10"]
    );
    let message = "f.toml:19:9: field `rooms` in `[sweep]`: with combine = \"list\" each axis has as many values: `members` has 2 and `rooms` 3";
    wrong(
        ROOMS,
        "[sweep]\nmembers = [5, 50]\nrooms = [1, 2, 3]\ncombine = 'list'\n",
        message,
    );
}

#[test]
fn the_axes_stand_in_the_order_of_the_file() {
    let text = "sweep.threads = [1, 2]\nsweep.clients = [7]\n";
    assert_eq!(
        labels(&good(ECHO, text)),
        ["threads=1 clients=7", "threads=2 clients=7"]
    );
}

#[test]
fn a_range_rises_from_end_to_end() {
    let range = |range: &str| good(ROOMS, &format!("[sweep]\n{range}\n"));
    let scenario = range("rate = { from = '100/s', to = '10000/s', steps = 5 }");
    assert_eq!(values(&scenario), [100.0, 316.0, 1000.0, 3160.0, 10_000.0]);
    let scenario = range("rate = { from = '100/s', to = '300/s', steps = 3, scale = 'linear' }");
    assert_eq!(values(&scenario), [100.0, 200.0, 300.0]);
    let scenario = range("payload = { from = '64 B', to = '64 KiB', steps = 6 }");
    assert_eq!(
        labels(&scenario),
        ["64B", "256B", "1KiB", "4KiB", "16KiB", "64KiB"].map(|size| format!("payload={size}"))
    );
    let scenario = range("rooms = { from = 1, to = 100, steps = 4, scale = 'log' }");
    assert_eq!(values(&scenario), [1.0, 5.0, 22.0, 100.0]);
    let scenario = range("poll-interval = { from = '10ms', to = '1s', steps = 3 }");
    assert_eq!(
        labels(&scenario),
        ["10ms", "100ms", "1s"].map(|time| format!("poll-interval={time}"))
    );
    let scenario = range("rate = { from = '1000/s', to = '1001/s', steps = 3, scale = 'linear' }");
    assert_eq!(
        values(&scenario),
        [1000.0, 1000.5, 1001.0],
        "digits enough to tell them apart"
    );
}

#[test]
fn a_switch_is_swept_as_true_and_false() {
    let scenario = good(ECHO, "[sweep]\nbatching = [true, false]\n");
    assert_eq!(labels(&scenario), ["batching=true", "batching=false"]);
    assert_eq!(values(&scenario), [1.0, 0.0]);
    let sweep = scenario.sweep.unwrap();
    assert!(sweep.points[0].scenario.server.batching && !sweep.points[1].scenario.server.batching);
}

#[test]
fn the_swept_field_itself_is_the_default_or_absent() {
    let absent = ROOMS.replace("rate = \"500/s\"\n", "");
    let scenario = good(&absent, "[sweep]\nrate = ['100/s', '1000/s']\n");
    let rate = axis("rate").unwrap();
    assert_eq!(rate.of(&scenario), Some(100.0), "the first point's");
    let scenario = good(ROOMS, "[sweep]\nrate = ['100/s', '1000/s']\n");
    assert_eq!(rate.of(&scenario), Some(500.0), "the file's");
    // Each point fits, and so does the file without the sweep; the first point's mailbox would be too small for its payload.
    let text = "[sweep]\npayload = ['64 B']\nmailbox-bytes = ['1 KiB']\n";
    let scenario = good(ROOMS, text);
    assert_eq!(scenario.server.mailbox_bytes, 1 << 20, "the default");
    assert_eq!(labels(&scenario), ["payload=64B mailbox-bytes=1KiB"]);
    // A section that holds nothing else may be absent too, and one value is a sweep as well.
    assert_eq!(
        labels(&good(ROOMS, "[sweep]\npoll-interval = ['5s']\n")),
        ["poll-interval=5s"]
    );
    let message = "f.toml:9:8: field `rate` in `[load]`: \"500\" is not a rate: write a number and /s or /min, as in \"500/s\"";
    wrong(
        &ROOMS.replace("500/s", "500"),
        "[sweep]\nrate = ['100/s']\n",
        message,
    );
}

#[test]
fn every_check_of_a_file_is_made_at_every_point() {
    wrong(
        ROOMS,
        "[sweep]\nrate = ['100/s', '0/s']\n",
        "f.toml:18:18: field `rate` in `[sweep]`: \"0/s\" is out of range: more than 0/s and at most 10000000/s are right \
         (at the point rate=0/s of the sweep)",
    );
    wrong(
        ROOMS,
        "[sweep]\nrate = ['100/s', '0.1/s']\n",
        "f.toml:18:18: field `rate` in `[sweep]`: at this rate only 0.50 messages are expected in the measured 5s; a higher rate \
         or a longer duration is right (at the point rate=0.1/s of the sweep)",
    );
    wrong(
        ROOMS,
        "[sweep]\nrate = ['100/s', 100]\n",
        "f.toml:18:18: field `rate` in `[sweep]`: it must be a text, not a whole number; write, for example, rate = [\"500/s\"] \
         (at the point rate=100 of the sweep)",
    );
    wrong(
        ROOMS,
        "[sweep]\nmembers = [5, 1]\n",
        "f.toml:15:14: field `publishers` in `[population]`: a room has 1 members, so 2 of them can't publish: 1 to 1 are right \
         (at the point members=1 of the sweep)",
    );
    wrong(
        ROOMS,
        "[sweep]\nmembers = [5, 10]\npublishers = [2, 7]\n",
        "f.toml:19:18: field `publishers` in `[sweep]`: a room has 5 members, so 7 of them can't publish: 1 to 5 are right \
         (at the point members=5 publishers=7 of the sweep)",
    );
    wrong(
        ROOMS,
        "[sweep]\npayload = { from = '64 B', to = '4 MiB', steps = 2 }\n",
        "f.toml:18:11: field `payload` in `[sweep]`: one message of 4 MiB doesn't fit into a mailbox of 1 MiB: a smaller payload, \
         or a larger `mailbox-bytes` in `[server]`, is right (at the point payload=4 MiB of the sweep)",
    );
    wrong(
        CLOSED,
        "[sweep]\nclients = [2, 4, 5]\n",
        "f.toml:8:18: field `clients` in `[sweep]`: private clients write to each other in pairs, and 5 is odd: 6 is right \
         (at the point clients=5 of the sweep)",
    );
    wrong(
        CLOSED,
        "[sweep]\nclients = { from = 1, to = 9, steps = 2 }\n",
        "f.toml:8:11: field `clients` in `[sweep]`: 1 is out of range: 2 to 1000000 are right (at the point clients=1 of the sweep)",
    );
}

#[test]
fn an_axis_that_nothing_executes_is_useless() {
    wrong(
        CLOSED,
        "[sweep]\nrate = ['100/s']\n",
        "f.toml:8:1: field `rate` in `[sweep]` is useless: with mode = \"closed\" a sender sends when an answer lets it; remove it, \
         or write mode = \"open\" (at the point rate=100/s of the sweep)",
    );
    wrong(
        ECHO,
        "[sweep]\nrooms = [1, 2]\n",
        "f.toml:9:1: field `rooms` in `[sweep]` is useless: in kind = \"echo\" the population is given by `clients`; remove it \
         (at the point rooms=1 of the sweep)",
    );
    wrong(
        ECHO,
        "[sweep]\npoll-interval = ['1s']\n",
        "f.toml:9:1: field `poll-interval` in `[sweep]` is useless: none of this scenario's transports (long-poll, websocket) \
         executes it; remove it (at the point poll-interval=1s of the sweep)",
    );
    wrong(
        IDLE,
        "[sweep]\nrate = ['100/s']\n",
        "f.toml:7:1: field `rate` in `[sweep]` is useless: in kind = \"idle\" clients connect and send nothing; remove it",
    );
    wrong(
        IDLE,
        "[sweep]\nmailbox-bytes = ['1 MiB']\n",
        "f.toml:7:1: field `mailbox-bytes` in `[sweep]` is useless: in kind = \"idle\" nothing is sent, so mailboxes stay empty; \
         remove it (at the point mailbox-bytes=1 MiB of the sweep)",
    );
    wrong(
        ECHO,
        "[sweep]\nclients = [1, 2]\ncombine = 'list'\n",
        "f.toml:10:1: field `combine` in `[sweep]` is useless: there is only one axis, so nothing to combine; remove it",
    );
}

#[test]
fn what_is_no_axis_says_what_it_is() {
    wrong(
        ECHO,
        "[sweep]\nrates = ['1/s']\n",
        "f.toml:9:1: unknown axis `rates` in `[sweep]`: did you mean `rate`?",
    );
    wrong(
        ECHO,
        "[sweep]\nzzz = [1]\n",
        "f.toml:9:1: unknown axis `zzz` in `[sweep]`: `rate`, `depth`, `payload`, `clients`, `subscribers`, `rooms`, `members`, \
         `publishers`, `poll-interval`, `hold`, `pool`, `threads`, `mailbox-messages`, `mailbox-bytes`, `batching`, \
         `rtt`, `jitter`, `bandwidth`, `loss`, `set-up` are right",
    );
    wrong(
        ECHO,
        "[sweep]\narrivals = ['poisson', 'constant']\n",
        "f.toml:9:1: unknown axis `arrivals` in `[sweep]`: `arrivals` in `[load]` has no numeric value; write a scenario for each",
    );
    wrong(
        ECHO,
        "[sweep]\ntrials = [1, 2]\n",
        "f.toml:9:1: unknown axis `trials` in `[sweep]`: `trials` holds for the scenario as a whole; write a scenario for each",
    );
    wrong(
        ECHO,
        "[sweep]\n",
        "f.toml:8:2: `[sweep]` names no axis: write, for example, rate = [\"100/s\", \"1000/s\"]",
    );
    wrong(
        ECHO,
        "sweep = 3\n",
        "f.toml:8:9: field `sweep`: it must be a section, not a whole number; write, for example, [sweep]",
    );
}

#[test]
fn lists_are_sane() {
    wrong(
        ECHO,
        "[sweep]\nclients = []\n",
        "f.toml:9:11: field `clients` in `[sweep]`: the list is empty: write at least one value",
    );
    wrong(
        ECHO,
        "[sweep]\nclients = 3\n",
        "f.toml:9:11: field `clients` in `[sweep]`: it must be a list of values or a range, not a whole number; write, for example, \
         clients = [1, 10]",
    );
    wrong(
        ECHO,
        "[sweep]\nrate = '1/s'\n",
        "f.toml:9:8: field `rate` in `[sweep]`: it must be a list of values or a range, not a text; write, for example, \
         rate = [\"100/s\", \"1000/s\"]",
    );
    wrong(
        ECHO,
        "[sweep]\nclients = [1, '2']\n",
        "f.toml:9:11: field `clients` in `[sweep]`: its items must all be whole numbers; write, for example, clients = [10, 100]",
    );
    wrong(
        ECHO,
        "[sweep]\nclients = [1, 2.5]\n",
        "f.toml:9:15: field `clients` in `[sweep]`: it must be a whole number, not a fraction; write, for example, clients = [1] \
         (at the point clients=2.5 of the sweep)",
    );
    wrong(
        ECHO,
        "[sweep]\nclients = [1, 2, 0x1]\n",
        "f.toml:9:18: the point clients=1 is in `[sweep]` twice: list each once",
    );
    wrong(
        ECHO,
        "[sweep]\nthreads = [1, 2]\nrate = ['60/min', '2/s', '1/s']\n",
        "f.toml:10:26: the point threads=1 rate=1/s is in `[sweep]` twice: list each once",
    );
    wrong(
        ECHO,
        "[sweep]\nthreads = [1, 2, 1]\nclients = [3, 4, 3]\ncombine = 'list'\n",
        "f.toml:9:18: the point threads=1 clients=3 is in `[sweep]` twice: list each once",
    );
    good(
        ECHO,
        "[sweep]\nthreads = [1, 2, 1]\nclients = [3, 3, 4]\ncombine = 'list'\n",
    );
    let many = (1..=40)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    wrong(
        ECHO,
        &format!("[sweep]\nthreads = [{many}]\nclients = [{many}]\n"),
        "f.toml:8:2: `[sweep]` has 40 x 40 points: at most 1000 are right",
    );
}

#[test]
fn ranges_are_sane() {
    let range =
        |range: &str, message: &str| wrong(ECHO, &format!("[sweep]\nclients = {range}\n"), message);
    range(
        "{ from = 1, to = 10 }",
        "f.toml:9:1: field `steps` in `[sweep.clients]` is missing: write, for example, steps = 5",
    );
    range(
        "{ to = 10, steps = 3 }",
        "f.toml:9:1: field `from` in `[sweep.clients]` is missing: write, for example, from = 1",
    );
    range(
        "{ from = 1, to = 10, step = 3 }",
        "f.toml:9:32: unknown field `step` in `[sweep.clients]`: did you mean `steps`?",
    );
    range(
        "{ from = 10, to = 10, steps = 3 }",
        "f.toml:9:29: field `to` in `[sweep.clients]`: 10 is not more than 10: a range goes upwards",
    );
    range(
        "{ from = 1, to = 4, steps = 5 }",
        "f.toml:9:39: field `steps` in `[sweep.clients]`: 1 to 4 is too little for 5 different values: fewer steps are right",
    );
    range(
        "{ from = 0, to = 4, steps = 2 }",
        "f.toml:9:20: field `from` in `[sweep.clients]`: a logarithmic scale begins above 0: write more, or scale = \"linear\"",
    );
    range(
        "{ from = 1, to = 4, steps = 1 }",
        "f.toml:9:39: field `steps` in `[sweep.clients]`: 1 is out of range: 2 to 1000 are right",
    );
    range(
        "{ from = 1, to = 4, steps = 2, scale = 'lin' }",
        "f.toml:9:50: field `scale` in `[sweep.clients]`: \"lin\" is unknown: did you mean \"linear\"?",
    );
    wrong(
        ECHO,
        "[sweep.rate]\nfrom = 100\nto = '1/s'\nsteps = 3\n",
        "f.toml:9:8: field `from` in `[sweep.rate]`: it must be a text, not a whole number; write, for example, from = \"100/s\"",
    );
    wrong(
        ECHO,
        "[sweep]\nbatching = { from = false, to = true, steps = 2 }\n",
        "f.toml:9:12: field `batching` in `[sweep]`: there is nothing between true and false: write batching = [true, false]",
    );
    wrong(
        ECHO,
        "[sweep]\nclients = [1, 2]\nthreads = [1, 2]\ncombine = 'zip'\n",
        "f.toml:11:11: field `combine` in `[sweep]`: \"zip\" is unknown: \"grid\", \"list\" are right",
    );
}

#[test]
fn arms_and_points_are_shuffled_together_and_mirrored() {
    let scenario = good(
        ECHO,
        "trials = 4\n[sweep]\nclients = [1, 2, 3]\nthreads = [1, 2]\n",
    );
    let cases = scenario.cases();
    assert_eq!(cases.len(), 4 * 2 * 6);
    let unit = |case: &scenario::Case| (case.transport.clone(), case.point.clone());
    let points = &scenario.sweep.as_ref().unwrap().points;
    for (index, block) in cases.chunks(12).enumerate() {
        let mut seen = HashMap::new();
        for case in block {
            assert_eq!((case.trial as usize, case.attempt), (index + 1, 1));
            assert_eq!(
                case.seed, block[0].seed,
                "all cases of a trial meet the same schedule"
            );
            let point = points.iter().find(|point| point.label == case.point);
            assert_eq!(*case.scenario, point.unwrap().scenario);
            *seen.entry(unit(case)).or_insert(0) += 1;
        }
        assert!(seen.len() == 12 && seen.values().all(|count| *count == 1));
    }
    for pair in cases.chunks(24) {
        assert!(
            pair[..12]
                .iter()
                .map(unit)
                .eq(pair[12..].iter().rev().map(unit))
        );
        assert_ne!(pair[0].seed, pair[12].seed, "trials differ");
    }
    let neighbours = cases[..12].windows(2);
    assert!(
        neighbours
            .filter(|pair| pair[0].point != pair[1].point)
            .count()
            > 6,
        "arms aren't run point by point"
    );
}

#[test]
fn overrides_reach_the_points() {
    let scenario = good(ECHO, "[sweep]\nclients = [1, 2]\n")
        .quick()
        .with_seed(9)
        .with_transports(&["websocket".to_owned()]);
    let sweep = scenario.sweep.as_ref().unwrap();
    for point in &sweep.points {
        assert!(point.scenario.quick);
        assert_eq!((point.scenario.trials, point.scenario.seed), (2, 9));
        assert_eq!(point.scenario.transports, ["websocket"]);
    }
    assert_eq!(scenario.cases().len(), 4);
    let scenario = scenario.with_trials(3);
    assert!(
        scenario
            .sweep
            .as_ref()
            .unwrap()
            .points
            .iter()
            .all(|point| point.scenario.trials == 3)
    );
    assert_eq!(scenario.cases().len(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a range is, its points are rising, within its ends, and as many as asked for.
    #[test]
    fn ranges_are_right(from in 1u32..1000, more in 1u32..100_000, steps in 2usize..30, linear: bool) {
        let to = from + more;
        let scale = if linear { "linear" } else { "log" };
        let text = format!("{ECHO}[sweep]\nclients = {{ from = {from}, to = {to}, steps = {steps}, scale = '{scale}' }}\n");
        match parse(&text, "f.toml", ARMS) {
            Ok(scenario) => {
                let values = values(&scenario);
                prop_assert_eq!(values.len(), steps);
                prop_assert_eq!((values[0], values[steps - 1]), (from.into(), to.into()));
                prop_assert!(values.windows(2).all(|pair| pair[0] < pair[1]));
            }
            Err(error) => {
                prop_assert!(error.to_string().contains("too little"), "{}", error);
                prop_assert!((more as usize) < steps || !linear);
            }
        }
    }
}
