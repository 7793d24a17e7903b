use proptest::prelude::*;
use scenario::{Op, axis, figure, parse};

use super::{ARMS, CLOSED, ECHO, IDLE, ROOMS, good, wrong};

/// `find` has to stand before the sections.
fn with(base: &str, find: &str) -> String {
    written(base, &format!("\"{find}\""))
}

/// The same with a value as TOML has it.
fn written(base: &str, find: &str) -> String {
    let line = format!("question = \"?\"\nfind = {find}\n");
    base.replace("question = \"?\"\n", &line)
}

#[test]
fn a_search_has_an_axis_and_conditions() {
    let text = "highest rate between 100/s and 60000/s with p99 < 10 ms and nothing lost and cpu<=5us and throughput >= 90/s";
    let find = good(&with(ROOMS, text), "").find.unwrap();
    assert_eq!(find.text, text);
    assert!(find.highest);
    assert_eq!(find.axis, axis("rate").unwrap());
    assert_eq!(find.between, Some((100.0, 60_000.0)));
    let conditions: Vec<_> = find
        .conditions
        .iter()
        .map(|condition| {
            (
                condition.text.as_str(),
                condition.figure.metric,
                condition.op,
                condition.value,
            )
        })
        .collect();
    assert_eq!(
        conditions,
        [
            ("p99 < 10 ms", "latency_p99_ns", Op::Less, 1e7),
            ("nothing lost", "lost", Op::Equal, 0.0),
            ("cpu<=5us", "server_cpu_us_per_message", Op::AtMost, 5.0),
            ("throughput >= 90/s", "messages_per_s", Op::AtLeast, 90.0),
        ]
    );
    assert!(find.conditions[0].holds(9_999_999.0) && !find.conditions[0].holds(1e7));
    assert!(find.conditions[1].holds(0.0) && !find.conditions[1].holds(1.0));
}

#[test]
fn a_search_goes_down_too() {
    let find = good(
        &with(
            ROOMS,
            "lowest poll-interval with wire > 1 KiB and no errors",
        ),
        "",
    )
    .find
    .unwrap();
    assert!(!find.highest && find.between.is_none());
    assert_eq!(Some(find.conditions[0].value), Some(1024.0));
    assert_eq!(find.conditions[1].figure, figure("errors").unwrap());
    let find = good(
        &with(
            CLOSED,
            "highest depth between 1 and 64 with p99.9 < 1ms and delivery.p99.9 < 1ms",
        ),
        "",
    )
    .find
    .unwrap();
    assert_eq!(find.between, Some((1.0, 64.0)));
    assert_eq!(find.conditions[1].figure.metric, "delivery_age_p999_ns");
    good(
        &with(
            IDLE,
            "highest clients with memory < 30 KiB and connect.p99 < 1 s and max < 2 s",
        ),
        "",
    );
}

/// The message, which points to the column of the bad word.
#[track_caller]
fn refused(base: &str, find: &str, column: usize, message: &str) {
    wrong(
        &with(base, find),
        "",
        &format!("f.toml:3:{column}: field `find`: {message}"),
    );
}

#[test]
fn the_grammar_is_kept() {
    let wanted = "stands where `highest` or `lowest` is right";
    refused(
        ECHO,
        "most rate with p99 < 1 ms",
        9,
        &format!("`most` {wanted}"),
    );
    refused(
        ECHO,
        "",
        9,
        "the text ends where `highest` or `lowest` is right",
    );
    refused(
        ECHO,
        "highest",
        16,
        "the text ends where a setting such as `rate` is right",
    );
    refused(
        ECHO,
        "highest rate",
        21,
        "the text ends where `between` or `with` is right",
    );
    refused(
        ECHO,
        "highest rate p99 < 10 ms",
        22,
        "`p99` stands where `between` or `with` is right",
    );
    refused(
        ECHO,
        "highest rate with",
        26,
        "the text ends where a condition such as `p99 < 10 ms` or `nothing lost` is right",
    );
    refused(
        ECHO,
        "highest rate with p99",
        30,
        "the text ends where a comparison (`<`, `<=`, `>`, `>=`, `==`, `!=`) is right",
    );
    refused(
        ECHO,
        "highest rate with p99 = 10 ms",
        31,
        "`=` has no meaning here",
    );
    refused(
        ECHO,
        "highest rate with p99 < ms",
        33,
        "`ms` stands where a number is right",
    );
    refused(
        ECHO,
        "highest rate with p99 < 10 ms or no errors",
        39,
        "`or` stands where `and` or the end is right",
    );
    refused(
        ECHO,
        "highest rate with p99 < -10 ms",
        33,
        "`-` has no meaning here",
    );
    refused(
        ECHO,
        "highest rate with no problems",
        30,
        "`problems` stands where `errors` is right",
    );
    refused(
        ECHO,
        "highest rate with nothing wrong",
        35,
        "`wrong` stands where `lost`, `duplicated`, `reordered`, `corrupted`, `misrouted`, `censored` is right",
    );
    wrong(
        &written(ECHO, "3"),
        "",
        "f.toml:3:8: field `find`: it must be a text, not a whole number; write, for example, \
         find = \"highest rate with p99 < 10 ms and nothing lost\"",
    );
    // A text with escapes or of several lines has no such column.
    wrong(
        &with(ECHO, "highest \\u0072ate with x"),
        "",
        "f.toml:3:8: field `find`: the figure `x` is unknown: `p99`, `response.p99`, `service.p99`, `send-delay.p99`, `connect.p99`, \
         `slip.p99`, `censored`, `errors`, `throughput`, `cpu`, `generator-cpu`, `wire`, `ip`, `overhead`, `requests`, `useless`, \
         `memory`, `kernel-memory` are right, and p50, p90, p95, p999, max, mean in place of p99",
    );
    good(&written(ECHO, "'''\nhighest rate\nwith p99 < 1 ms'''"), "");
}

#[test]
fn the_axis_is_one_of_the_scenario() {
    refused(
        ECHO,
        "highest rates with no errors",
        17,
        "`rates` is no numeric setting: did you mean `rate`?",
    );
    refused(
        ECHO,
        "highest kind with no errors",
        17,
        "`kind` is no numeric setting: `rate`, `payload`, `clients`, `poll-interval`, `hold`, `pool`, `threads`, \
         `mailbox-messages`, `mailbox-bytes` are right",
    );
    refused(
        ECHO,
        "highest depth with no errors",
        17,
        "this scenario's `[load]` has no `depth`: it has `rate`, `payload`",
    );
    refused(
        IDLE,
        "highest rate with no errors",
        17,
        "this scenario's `[load]` has no `rate`",
    );
    refused(
        ECHO,
        "highest rooms with no errors",
        17,
        "this scenario's `[population]` has no `rooms`: it has `clients`",
    );
    refused(
        ECHO,
        "lowest poll-interval with no errors",
        16,
        "none of this scenario's transports (long-poll, websocket) executes `poll-interval`, so a search of it finds nothing",
    );
    refused(
        ECHO,
        "highest batching with no errors",
        17,
        "`batching` is true or false, which leaves nothing to search: sweep it, `batching = [true, false]` in `[sweep]`",
    );
}

#[test]
fn the_ends_of_a_search_are_in_order() {
    refused(
        ECHO,
        "highest rate between 100 and 200/s with no errors",
        30,
        "`rate`: \"100\" is not a rate: write a number and /s or /min, as in \"500/s\"",
    );
    refused(
        ECHO,
        "highest clients between 1.5 and 200 with no errors",
        33,
        "`clients`: \"1.5\" is not a whole number: write it in digits, as in 30",
    );
    refused(
        ECHO,
        "highest rate between 0.1/s and 1000/s with no errors",
        30,
        "`rate`: \"0.1 /s\" is out of range: 1/s to 10000000/s are right here",
    );
    refused(
        ECHO,
        "highest rate between 900/s and 900/s with no errors",
        40,
        "900/s is not more than 900/s: the lower end is written first",
    );
    refused(
        ECHO,
        "highest rate between 600/s and 900/s with no errors",
        40,
        "the search starts at the scenario's own `rate`, 500/s, which isn't between 600/s and 900/s: write another `rate` in `[load]`, \
         or other ends",
    );
    refused(
        ECHO,
        "highest rate between 1/s or 900/s with no errors",
        34,
        "`or` stands where `and` is right",
    );
    refused(
        ECHO,
        "highest rate between 1/s and 900/s",
        43,
        "the text ends where `with` is right",
    );
}

#[test]
fn figures_are_known_and_have_their_units() {
    refused(
        ECHO,
        "highest rate with respons.p99 < 1 ms",
        27,
        "the figure `respons.p99` is unknown: did you mean `response.p99`?",
    );
    refused(
        ECHO,
        "highest rate with p99 < 10",
        33,
        "`p99` is a time: write a unit, as in `10 ms`",
    );
    refused(
        ECHO,
        "highest rate with p99 < 10 KiB",
        33,
        "`p99` is a time: \"10 KiB\" is not a duration: write a number and ns, us, ms, s, m or h, as in \"250ms\" or \"5s\"",
    );
    refused(
        ECHO,
        "highest rate with wire < 10 ms",
        34,
        "`wire` is a size: \"10 ms\" is not a size: write a number and B, kB, KiB, MB, MiB, GB or GiB, as in \"64 B\" or \"1 MiB\"",
    );
    refused(
        ECHO,
        "highest rate with throughput > 10 ms",
        40,
        "`throughput` is a rate: \"10 ms\" is not a rate: write a number and /s or /min, as in \"500/s\"",
    );
    refused(
        ECHO,
        "highest rate with errors < 1 ms",
        36,
        "`errors` is a count: write the number without `ms`",
    );
    refused(
        ECHO,
        "highest rate with useless < 1.2.3",
        37,
        "`1.2.3` is not a number",
    );
    refused(
        ECHO,
        "highest rate with p99 == 10 ms",
        31,
        "`==` compares counts, and `p99` is a time, which is never quite the same twice: `<`, `<=`, `>`, `>=` are right",
    );
    refused(
        ECHO,
        "highest rate with websocket.p99 < 1 ms",
        27,
        "a search is made for each transport by itself: write `p99` without `websocket.`",
    );
}

#[test]
fn figures_that_never_are_are_refused() {
    refused(
        ECHO,
        "highest rate with nothing lost",
        35,
        "there is never a figure `lost`: in kind = \"echo\" there are no events: `censored` (requests without a reply) and `errors` \
         are right",
    );
    refused(
        ECHO,
        "highest rate with delivery.p99 < 1 ms",
        27,
        "there is never a figure `delivery.p99`: in kind = \"echo\" there are no events: `response.p99` is right",
    );
    refused(
        CLOSED,
        "highest depth with slip.p99 < 1 ms",
        28,
        "there is never a figure `slip.p99`: with mode = \"closed\" there is no schedule to be late for",
    );
    refused(
        IDLE,
        "highest clients with cpu < 1 ms",
        30,
        "there is never a figure `cpu`: in kind = \"idle\" clients connect and send nothing: `connect.p99`, `errors`, `memory`, \
         `kernel-memory` and `useless` are right",
    );
}

#[test]
fn a_search_is_alone() {
    wrong(
        &with(ECHO, "highest rate with no errors"),
        "[sweep]\nclients = [1, 2]\n",
        "f.toml:3:8: field `find`: a search moves an axis by itself and `[sweep]` lays out all points beforehand: write two scenarios \
         and run both",
    );
    wrong(
        &with(ECHO, "highest rate with no errors"),
        "[[expect]]\nthat = '*.errors == 0'\n",
        "f.toml:9:3: field `expect` is useless: `find` moves a setting until its conditions are met, so there is no one run to judge; \
         write them into `find`, or two scenarios",
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(find in "\\PC{0,60}") {
        let text = written(ECHO, &format!("'''{}'''", find.replace('\'', "")));
        let _ = parse(&text, "f.toml", ARMS);
    }

    #[test]
    fn no_words_make_it_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..12), glue in prop::sample::select(&["", " "][..])) {
        let find = format!("highest rate {}", words.join(glue));
        for base in [ECHO, CLOSED, IDLE, ROOMS] {
            if let Ok(scenario) = parse(&with(base, &find), "f.toml", ARMS) {
                prop_assert!(!scenario.find.unwrap().conditions.is_empty());
            }
        }
    }
}

const WORDS: &[&str] = &[
    "between",
    "and",
    "with",
    "nothing",
    "no",
    "lost",
    "errors",
    "p99",
    "response.p50",
    "<",
    "<=",
    "==",
    "10",
    "10.",
    "0.5",
    "ms",
    "/s",
    "500/s",
    "KiB",
    "é",
    "µs",
    "*",
    "*.",
    ".",
    "\u{1F600}",
    "99999999999999999999999",
    "9/s",
    "rate",
    "/",
    "websocket.p99",
    "\\u0000",
];
