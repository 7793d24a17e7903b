use proptest::prelude::*;
use scenario::{Expect, Op, Side, axis, figure, parse};

use super::{ARMS, CLOSED, ECHO, IDLE, ROOMS, good, wrong};

fn that(that: &str) -> String {
    format!("[[expect]]\nthat = \"{that}\"\n")
}

#[track_caller]
fn one(base: &str, text: &str) -> Expect {
    let mut expects = good(base, &that(text)).expects;
    assert_eq!(expects.len(), 1);
    expects.remove(0)
}

fn side(factor: f64, arm: Option<&str>, name: &str) -> Side {
    Side::Figure {
        factor,
        arm: arm.map(str::to_owned),
        figure: figure(name).unwrap(),
    }
}

#[test]
fn two_figures_are_compared() {
    let expect = one(
        ROOMS,
        "websocket.delivery.p99 < 0.5 * request-response.delivery.p99",
    );
    assert_eq!(
        expect.text,
        "websocket.delivery.p99 < 0.5 * request-response.delivery.p99"
    );
    assert_eq!(expect.op, Op::Less);
    assert_eq!(expect.left, side(1.0, Some("websocket"), "delivery.p99"));
    assert_eq!(
        expect.right,
        side(0.5, Some("request-response"), "delivery.p99")
    );
    assert!(expect.at.is_empty());
    // Both are times, one in microseconds: the factor brings the right side into the left one's.
    let expect = one(ROOMS, "*.cpu<2*websocket.p50");
    assert_eq!(expect.left, side(1.0, None, "cpu"));
    assert_eq!(expect.right, side(0.002, Some("websocket"), "p50"));
}

#[test]
fn a_figure_is_compared_with_a_value() {
    let expect = one(ROOMS, "*.lost == 0");
    assert_eq!(
        (expect.left, expect.op, expect.right),
        (side(1.0, None, "lost"), Op::Equal, Side::Value(0.0))
    );
    let expect = one(ROOMS, "1.5 ms >= 2 * websocket.p99.9");
    assert_eq!(
        (expect.left, expect.op, expect.right),
        (
            Side::Value(1.5e6),
            Op::AtLeast,
            side(2.0, Some("websocket"), "p999")
        )
    );
    assert_eq!(
        one(ROOMS, "websocket.cpu < 100 us").right,
        Side::Value(100.0)
    );
    assert_eq!(
        one(ROOMS, "websocket.wire < 1.5 KiB").right,
        Side::Value(1536.0)
    );
    assert_eq!(
        one(ROOMS, "websocket.throughput > 60/min").right,
        Side::Value(1.0)
    );
    assert_eq!(
        one(ROOMS, "request-response.useless<0.9").right,
        Side::Value(0.9)
    );
    one(IDLE, "*.memory < 100 KiB");
    one(CLOSED, "*.gap != 1");
}

#[test]
fn comparisons_hold_or_not() {
    let holds = |left: f64, right: f64| Op::ALL.map(|op| op.holds(left, right));
    assert_eq!(holds(1.0, 2.0), [true, true, false, false, false, true]);
    assert_eq!(holds(2.0, 2.0), [false, true, false, true, true, false]);
    assert_eq!(holds(3.0, 2.0), [false, false, true, true, false, true]);
    assert_eq!(holds(f64::NAN, 2.0), [false; 6]);
    assert_eq!(
        Op::ALL.map(|op| op.to_string()),
        ["<", "<=", ">", ">=", "==", "!="]
    );
}

const SWEEP: &str = "[sweep]\nrate = ['100/s', '1000/s']\nmembers = [5, 10]\n";

#[test]
fn at_chooses_points_of_the_sweep() {
    let text = format!("{SWEEP}[[expect]]\nthat = '*.lost == 0'\nat = {{ rate = '60000/min' }}\n");
    let scenario = good(ROOMS, &text);
    let (sweep, expect) = (scenario.sweep.unwrap(), &scenario.expects[0]);
    assert_eq!(expect.at, [(axis("rate").unwrap(), 1000.0)]);
    let concerned = sweep
        .points
        .iter()
        .map(|point| expect.concerns(&sweep, point));
    assert_eq!(concerned.collect::<Vec<_>>(), [false, false, true, true]);
    let scenario = good(ROOMS, &format!("{SWEEP}{}", that("*.lost == 0")));
    let sweep = scenario.sweep.unwrap();
    assert!(
        sweep
            .points
            .iter()
            .all(|point| scenario.expects[0].concerns(&sweep, point))
    );

    let at = |at: &str, message: &str| {
        wrong(
            ROOMS,
            &format!("{SWEEP}[[expect]]\nthat = '*.lost == 0'\nat = {at}\n"),
            message,
        );
    };
    at(
        "{ rate = '500/s' }",
        "f.toml:22:15: field `rate` in `[expect.at]`: 500/s isn't among the values of `[sweep]`: 100/s, 1000/s are",
    );
    at(
        "{ rate = 100 }",
        "f.toml:22:15: field `rate` in `[expect.at]`: it must be a text, not a whole number; write, for example, rate = \"100/s\"",
    );
    at(
        "{ rooms = 10 }",
        "f.toml:22:8: field `at` in `[[expect]]`: `rooms` isn't swept: `rate`, `members` are right",
    );
    at(
        "{ rat = 10 }",
        "f.toml:22:8: field `at` in `[[expect]]`: `rat` is no axis: did you mean `rate`?",
    );
    at(
        "{}",
        "f.toml:22:6: field `at` in `[[expect]]`: it names no axis: remove it to judge every point",
    );
    at(
        "3",
        "f.toml:22:6: field `at` in `[[expect]]`: it must be a section, not a whole number; write, for example, at = { rate = \"100/s\" }",
    );
    wrong(
        ROOMS,
        &format!(
            "{SWEEP}combine = 'list'\n[[expect]]\nthat = '*.lost == 0'\nat = {{ rate = '100/s', members = 10 }}\n"
        ),
        "f.toml:23:6: field `at` in `[[expect]]`: no point of `[sweep]` has these values together: remove one of them, or add the point",
    );
    wrong(
        ROOMS,
        "[[expect]]\nthat = '*.lost == 0'\nat = { rate = '100/s' }\n",
        "f.toml:19:1: field `at` in `[[expect]]` is useless: there is no `[sweep]` to choose points from; remove it",
    );
}

/// The message, which points to the column of the bad word.
#[track_caller]
fn refused(base: &str, text: &str, column: usize, message: &str) {
    let line = base.lines().count() + 2;
    wrong(
        base,
        &that(text),
        &format!("f.toml:{line}:{column}: field `that` in `[[expect]]`: {message}"),
    );
}

#[test]
fn the_grammar_is_kept() {
    let wanted = "a figure such as `websocket.delivery.p99` or a value such as `10 ms`";
    refused(
        ROOMS,
        "",
        9,
        &format!("the text ends where {wanted} is right"),
    );
    refused(
        ROOMS,
        "< 3",
        9,
        &format!("`<` stands where {wanted} is right"),
    );
    refused(
        ROOMS,
        "*.lost",
        15,
        "the text ends where a comparison (`<`, `<=`, `>`, `>=`, `==`, `!=`) is right",
    );
    refused(
        ROOMS,
        "*.lost ==",
        18,
        &format!("the text ends where {wanted} is right"),
    );
    refused(ROOMS, "*.lost = 0", 16, "`=` has no meaning here");
    refused(
        ROOMS,
        "*.lost == 0 and",
        19,
        "`*.lost` is a count: write the number without `and`",
    );
    refused(
        ROOMS,
        "*.lost == *.gap 0",
        25,
        "`0` stands where the end is right",
    );
    refused(
        ROOMS,
        "1 ms < 2 ms",
        9,
        "neither side is a figure: one of them has to be, as in `*.lost == 0`",
    );
    refused(
        ROOMS,
        "*.p50 < 0.5 *.p99",
        17,
        "a factor is written with `*`, as in `0.5 * *.p99`",
    );
    refused(
        ROOMS,
        "*.p50 < 0.5 websocket.p99",
        17,
        "a factor is written with `*`, as in `0.5 * websocket.p99`",
    );
    refused(
        ROOMS,
        "*.p50 < 5 ms * *.p99",
        17,
        "a factor has no unit: write it without `ms`",
    );
    refused(ROOMS, "*.p50 < 0 * *.p99", 17, "a factor is more than 0");
    refused(
        ROOMS,
        "*.p50 < 2 *",
        20,
        &format!("the text ends where {wanted} is right"),
    );
    wrong(
        ROOMS,
        "[[expect]]\n",
        "f.toml:17:1: field `that` in `[[expect]]` is missing: write, for example, that = \"*.lost == 0\"",
    );
    wrong(
        ROOMS,
        "[[expect]]\nthis = 3\n",
        "f.toml:18:1: unknown field `this` in `[[expect]]`: did you mean `that`?",
    );
    wrong(
        ROOMS,
        "[expect]\nthat = '*.lost == 0'\n",
        "f.toml:17:1: field `expect`: it must be a list of sections, not a section; write, for example, [[expect]]",
    );
    wrong(
        ECHO,
        "expect = [3]\n",
        "f.toml:8:10: field `expect`: its items must all be sections; write, for example, [[expect]]",
    );
    wrong(
        ECHO,
        "that = '*.lost == 0'\n",
        "f.toml:8:1: unknown field `that`: it belongs in `[[expect]]`",
    );
}

#[test]
fn arms_are_those_of_the_scenario() {
    refused(
        ROOMS,
        "websockt.p99 < 1 ms",
        9,
        "`websockt` is not among this scenario's transports: did you mean `websocket`?",
    );
    refused(
        ROOMS,
        "inproc.p99 < 1 ms",
        9,
        "`inproc` is not among this scenario's transports: `request-response`, `websocket` are right",
    );
    for name in ["p99", "delivery.p99", "lost"] {
        refused(
            ROOMS,
            &format!("{name} < 1"),
            9,
            &format!(
                "`{name}` says not whose figure it is: write the transport before it, or `*` for each of them, as in `*.delivery.p99`"
            ),
        );
    }
}

#[test]
fn units_are_needed_and_fit() {
    refused(
        ROOMS,
        "websocket.response.p99 < 10",
        34,
        "`websocket.response.p99` is a time: write a unit, as in `10 ms`",
    );
    refused(
        ROOMS,
        "10 > websocket.wire",
        9,
        "`websocket.wire` is a size: write a unit, as in `1 KiB`",
    );
    refused(
        ROOMS,
        "*.throughput > 10",
        24,
        "`*.throughput` is a rate: write a unit, as in `1000/s`",
    );
    refused(
        ROOMS,
        "*.requests < 10 B",
        22,
        "`*.requests` is a ratio: write the number without `B`",
    );
    refused(
        ROOMS,
        "*.p99 < 10 ms2",
        17,
        "`*.p99` is a time: \"10 ms2\" is not a duration: write a number and ns, us, ms, s, m or h, as in \"250ms\" or \"5s\"",
    );
    refused(
        ROOMS,
        "*.p99 < websocket.wire",
        17,
        "`*.p99` is a time and `websocket.wire` is a size: only figures of one kind can be compared",
    );
    refused(
        ROOMS,
        "*.p99 == *.p50",
        15,
        "`==` compares counts, and `p99` is a time, which is never quite the same twice: `<`, `<=`, `>`, `>=` are right",
    );
}

#[test]
fn figures_are_ones_that_can_be() {
    refused(
        ROOMS,
        "websocket.deliver.p99 < 1 ms",
        19,
        "the figure `deliver.p99` is unknown: did you mean `delivery.p99`?",
    );
    refused(
        ECHO,
        "*.lost == 0",
        11,
        "there is never a figure `lost`: in kind = \"echo\" there are no events: `censored` (requests without a reply) and `errors` \
         are right",
    );
    refused(
        IDLE,
        "*.response.p99 < 1 ms",
        11,
        "there is never a figure `response.p99`: in kind = \"idle\" clients connect and send nothing: `connect.p99`, `errors`, \
         `memory`, `kernel-memory` and `useless` are right",
    );
    refused(
        CLOSED,
        "*.send-delay.p99 < 1 ms",
        11,
        "there is never a figure `send-delay.p99`: with mode = \"closed\" there is no schedule to be late for",
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let text = format!("{ECHO}[[expect]]\nthat = '''{}'''\n", text.replace('\'', ""));
        let _ = parse(&text, "f.toml", ARMS);
    }

    #[test]
    fn no_words_make_it_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..7), glue in prop::sample::select(&["", " "][..])) {
        let text = that(&words.join(glue));
        for base in [ECHO, CLOSED, IDLE, ROOMS] {
            if let Ok(scenario) = parse(&format!("{base}{text}"), "f.toml", ARMS) {
                let expect = &scenario.expects[0];
                prop_assert!(!matches!((&expect.left, &expect.right), (Side::Value(_), Side::Value(_))));
            }
        }
    }
}

const WORDS: &[&str] = &[
    "*",
    "*.",
    "*.lost",
    "*.p99",
    "websocket.p99",
    "websocket.delivery.p99.9",
    "long-poll.errors",
    "lost",
    "<",
    "<=",
    "==",
    "!=",
    "!",
    "0",
    "0.5",
    "10",
    "ms",
    "us",
    "KiB",
    "/s",
    ".",
    "é.p99",
    "µs",
    "\u{1F600}",
    "1.2.3",
    "99999999999999999999999999",
    "\\n",
];
