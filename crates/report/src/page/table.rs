//! The comparison and the delivery as tables.

use maud::{Markup, html};
use measure::summary::Arm;
use measure::{Delivery, RunRow};

use super::Place;
use crate::figure::{Kind, count, kind, range};
use crate::run::Run;
use crate::text::{rows_of, setting, verdict};

/// A column: its head and its metric.
const COLUMNS: [(&str, &str); 13] = [
    ("mean predicted", "predicted_mean_ns"),
    ("mean", "latency_mean_ns"),
    ("p50", "latency_p50_ns"),
    ("p99 predicted", "predicted_p99_ns"),
    ("p99", "latency_p99_ns"),
    ("max", "latency_max_ns"),
    ("messages a second", "messages_per_s"),
    ("server CPU a message", "server_cpu_us_per_message"),
    ("bytes a message", "wire_bytes_per_message"),
    ("on IP", "ip_bytes_per_message"),
    (
        "requests a message, predicted",
        "predicted_requests_per_message",
    ),
    ("requests a message", "requests_per_message"),
    ("memory a connection", "server_bytes_per_connection"),
];

pub(super) fn comparison(run: &Run, place: Place) -> Markup {
    let summary = run.summary();
    let latency = match summary.latency.as_str() {
        "delivery-age" => "age",
        "connect" => "connect",
        _ => "response",
    };
    // A column of dashes tells nothing.
    let has = |metric: &str| summary.arms.iter().any(|arm| arm.median(metric).is_some());
    // The mean is for the models' sake.
    let is_modelled = has("predicted_mean_ns");
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(_, metric)| has(metric) && (*metric != "latency_mean_ns" || is_modelled))
        .collect();
    html! {
        div.scroll id=(place.id("comparison")) tabindex="0" role="region" aria-label="Comparison" {
            table {
                thead { tr {
                    th scope="col" { "transport" }
                    @for (head, metric) in &columns {
                        th scope="col" { @if metric.starts_with("latency_") { (latency) " " } (head) }
                    }
                    th.verdict scope="col" { "verdict" }
                } }
                @for (index, point) in summary.points.iter().enumerate() {
                    tbody {
                        @if !point.label.is_empty() {
                            tr { th.point scope="rowgroup" colspan=(columns.len() + 2) { (point.label) } }
                        }
                        @for arm in summary.arms_at(index) {
                            tr {
                                th scope="row" { (arm.arm) }
                                @for (_, metric) in &columns { td { (cell(arm, metric)) } }
                                td.verdict { (verdict(arm)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a search found for each arm.
pub(super) fn searches(run: &Run, place: Place) -> Markup {
    let heads = [
        "search",
        "held up to",
        "not at",
        "because",
        "values tried",
        "trials",
    ];
    html! {
        div.scroll id=(place.id("comparison")) tabindex="0" role="region" aria-label="What was found" {
            table {
                thead { tr { th scope="col" { "transport" } @for head in heads { th scope="col" { (head) } } } }
                tbody { @for search in &run.summary().searches {
                    @let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| setting(&search.axis, value));
                    @let beyond = search.probes.iter().rev().find(|probe| Some(probe.value) == search.fails_at);
                    tr {
                        th scope="row" { (search.arm) }
                        td { (search.find) }
                        td { (shown(search.holds_at)) }
                        td { (shown(search.fails_at)) }
                        td { (beyond.map_or("-", |probe| probe.reason.as_str())) }
                        td { (search.probes.len()) }
                        td { (search.probes.iter().map(|probe| probe.trials).sum::<u32>()) }
                    }
                } }
            }
        }
    }
}

fn cell(arm: &Arm, metric: &str) -> Markup {
    let Some(spread) = arm.metrics.get(metric) else {
        return html! { "-" };
    };
    let unit = kind(metric);
    let shown = match unit {
        Kind::PerSecond => count(spread.median),
        unit => unit.show(spread.median),
    };
    let interval = spread
        .interval()
        .filter(|interval| interval.low < interval.high);
    html! {
        @if arm.ranked { (shown) } @else { s { (shown) } }
        @if let Some(interval) = interval.filter(|_| arm.ranked) {
            @let unit = if unit == Kind::PerSecond { Kind::Count } else { unit };
            span.range { (range(unit, interval.low, interval.high)) }
        }
    }
}

/// A number of messages in a row.
type Sum = fn(&RunRow) -> u64;

/// What may become of a message.
const SUMS: [(&str, Sum); 9] = [
    ("expected", |row| {
        delivery_of(row).map_or(row.counts.intended, |own| own.expected)
    }),
    ("delivered", |row| {
        delivery_of(row).map_or(row.counts.completed, |own| own.delivered)
    }),
    ("lost", |row| {
        delivery_of(row).map_or(row.counts.censored, |own| own.lost)
    }),
    ("duplicated", |row| {
        delivery_of(row).map_or(0, |own| own.duplicated)
    }),
    ("out of order", |row| {
        delivery_of(row).map_or(0, |own| own.reordered)
    }),
    ("missed by a gap", |row| {
        delivery_of(row).map_or(0, |own| own.gap_missed)
    }),
    ("corrupted", |row| {
        delivery_of(row).map_or(0, |own| own.corrupted)
    }),
    ("for someone else", |row| {
        delivery_of(row).map_or(0, |own| own.misrouted)
    }),
    ("errors", |row| row.errors),
];

/// What became of every message, summed over the trials that count.
pub(super) fn delivery(run: &Run, place: Place) -> Markup {
    let summary = run.summary();
    if summary.kind == "idle" {
        return html! { p { "Nothing is sent in this scenario." } };
    }
    let mut names: Vec<&str> = Vec::new();
    for arm in &summary.arms {
        if !names.contains(&arm.arm.as_str()) {
            names.push(&arm.arm);
        }
    }
    let sums = |name: &str| {
        let own = summary.arms.iter().filter(|arm| arm.arm == name);
        let rows: Vec<&RunRow> = own.flat_map(|arm| rows_of(&run.folder, arm)).collect();
        SUMS.map(|(_, sum)| rows.iter().map(|row| sum(row)).sum::<u64>())
    };
    html! {
        p.quiet { "Each message carries its number and its sender; every subscriber is checked for what it got. All trials that count, all points together." }
        div.scroll id=(place.id("delivery")) tabindex="0" role="region" aria-label="Delivery" {
            table {
                thead { tr { th scope="col" { "transport" } @for (head, _) in SUMS { th scope="col" { (head) } } } }
                tbody { @for name in names {
                    tr { th scope="row" { (name) } @for sum in sums(name) { td { (count(sum as f64)) } } }
                } }
            }
        }
    }
}

fn delivery_of(row: &RunRow) -> Option<&Delivery> {
    row.delivery.as_ref()
}
