//! The totals at the end, for people.

use std::fmt::Write as _;

use measure::Measurement;
use measure::latency::Which;
use report::{bytes, count, duration};
use scenario::Scenario;

use super::observer::Totals;

/// What was seen and measured, altogether.
pub(super) fn of(totals: &Totals, measurement: &Measurement, scenario: &Scenario) -> String {
    let counts = &totals.counts;
    let mut text = format!("\n{:<22}{:>12}{:>12}\n", "", "up", "down");
    let mut row = |name: &str, up: String, down: String| {
        let _ = writeln!(text, "{name:<22}{up:>12}{down:>12}");
    };
    let many = |number: u64| count(number as f64);
    row(
        "messages",
        many(counts.messages_up),
        many(counts.messages_down),
    );
    row(
        "payload",
        size(counts.payload_up),
        size(counts.payload_down),
    );
    row(
        "overhead",
        size(counts.overhead_up),
        size(counts.overhead_down),
    );
    row(
        "overhead, share",
        share(counts.overhead_up, counts.payload_up + counts.overhead_up),
        share(
            counts.overhead_down,
            counts.payload_down + counts.overhead_down,
        ),
    );
    let _ = writeln!(
        text,
        "\n{} requests, {} of them useless ({}); {} connections, {} at once at most",
        many(counts.requests),
        many(counts.useless),
        share(counts.useless, counts.requests),
        many(counts.opened),
        many(totals.most_open),
    );
    if scenario.load.is_some() {
        text += &generator(measurement);
    }
    if measurement.errors.total() > 0 {
        let _ = writeln!(text, "errors: {}", measurement.errors.brief());
    }
    if totals.lost > 0 {
        let _ = writeln!(text, "{} never arrived", size(totals.lost));
    }
    if counts.skipped > 0 {
        let _ = writeln!(
            text,
            "{} lines are counted above and were not shown: more passed than was read here",
            many(counts.skipped)
        );
    }
    text
}

/// What came of the messages, and how long it took.
fn generator(measurement: &Measurement) -> String {
    let which = measurement.key.headline();
    let counts = &measurement.counts;
    let (what, came, how_long) = match which {
        Which::DeliveryAge => ("messages sent", counts.delivered, ["received", "age"]),
        _ => ("requests sent", counts.completed, ["answered", "after"]),
    };
    let [done, how_long] = how_long;
    let figures = measurement.latencies.distribution(which).map(|age| {
        format!(
            "; {how_long} p50 {}, p99 {}",
            duration(age.p50_ns as f64),
            duration(age.p99_ns as f64)
        )
    });
    format!(
        "{} {what}, {} {done}{}\n",
        count(counts.sent as f64),
        count(came as f64),
        figures.unwrap_or_default()
    )
}

fn size(number: u64) -> String {
    bytes(number as f64)
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "none".to_owned();
    }
    format!("{:.0} %", 100.0 * part as f64 / whole as f64)
}
