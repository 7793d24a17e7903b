//! An arm a row, and below it whatever a number alone would hide.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use measure::summary::Arm;
use measure::{Breach, Folder, Outcome, RunRow, Verdict};

use crate::figure::{bytes, count, duration};

/// How a table looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Whether the reader is a terminal that shows bold and struck-through text. Without it, what would be struck through
    /// stands between tildes.
    pub styled: bool,
}

/// The table of a result folder with its notes, a line each; fits 120 columns. Latencies, rates and costs are medians over
/// the trials, numbers of messages are sums.
pub fn table(folder: &Folder, look: Look) -> String {
    let summary = &folder.summary;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if look.styled {
        table.enforce_styling().style_text_only();
    } else {
        table.force_no_tty();
    }
    let latency = match summary.latency.as_str() {
        "delivery-age" => "age",
        "connect" => "connect",
        _ => "response",
    };
    let heads = [
        "transport",
        &format!("{latency} p50"),
        "p99",
        "max",
        "msg/s",
        "delivered",
        "lost",
        "dup",
        "B/msg",
        "CPU/msg",
        "mem/conn",
        "verdict",
    ];
    table.set_header(heads.map(|head| {
        let cell = Cell::new(head);
        if look.styled {
            cell.add_attribute(Attribute::Bold)
        } else {
            cell
        }
    }));
    for arm in &summary.arms {
        table.add_row(row(arm, &rows_of(folder, arm), look));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        let is_text = index == 0 || index == heads.len() - 1;
        column.set_cell_alignment(if is_text {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        });
    }
    let mut lines: Vec<String> = table.lines().collect();
    lines.extend(
        summary
            .arms
            .iter()
            .flat_map(|arm| notes(arm, &rows_of(folder, arm))),
    );
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("  {}", line.trim_end()))
        .collect();
    lines.join("\n")
}

/// The rows of an arm's completed trials.
pub(crate) fn rows_of<'a>(folder: &'a Folder, arm: &Arm) -> Vec<&'a RunRow> {
    let completed = |row: &&RunRow| row.key.arm == arm.arm && row.outcome == Outcome::Completed;
    folder.runs.iter().filter(completed).collect()
}

/// What was received, and what should have been and wasn't: events, or replies.
pub(crate) struct Balance {
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
}

impl Balance {
    /// The sum over the trials; none where nothing is sent.
    pub(crate) fn of(rows: &[&RunRow]) -> Option<Self> {
        let sent = rows.iter().any(|row| row.key.kind != "idle");
        sent.then(|| {
            rows.iter().fold(
                Self {
                    delivered: 0,
                    lost: 0,
                    duplicated: 0,
                },
                |sum, row| match &row.delivery {
                    Some(events) => Self {
                        delivered: sum.delivered + events.delivered,
                        lost: sum.lost + events.lost,
                        duplicated: sum.duplicated + events.duplicated,
                    },
                    None => Self {
                        delivered: sum.delivered + row.counts.completed,
                        lost: sum.lost + row.counts.censored,
                        duplicated: sum.duplicated,
                    },
                },
            )
        })
    }
}

fn row(arm: &Arm, rows: &[&RunRow], look: Look) -> Vec<Cell> {
    let figure = |metric: &str, show: fn(f64) -> String| arm.median(metric).map(show);
    let balance = Balance::of(rows);
    let number =
        |of: fn(&Balance) -> u64| balance.as_ref().map(|balance| count(of(balance) as f64));
    let figures = [
        figure("latency_p50_ns", duration),
        figure("latency_p99_ns", duration),
        figure("latency_max_ns", duration),
        figure("messages_per_s", count),
        number(|balance| balance.delivered),
        number(|balance| balance.lost),
        number(|balance| balance.duplicated),
        figure("wire_bytes_per_message", count),
        figure("server_cpu_us_per_message", |us| duration(us * 1e3)),
        figure("server_bytes_per_connection", bytes),
    ];
    let mut cells = vec![Cell::new(&arm.arm)];
    cells.extend(figures.map(|figure| match figure {
        None => Cell::new("-"),
        Some(text) if arm.ranked => Cell::new(text),
        Some(text) if look.styled => Cell::new(text).add_attribute(Attribute::CrossedOut),
        Some(text) => Cell::new(format!("~{text}~")),
    }));
    cells.push(Cell::new(verdict(arm)));
    cells
}

/// One word when all trials agree, else how many are valid.
fn verdict(arm: &Arm) -> String {
    let words: Vec<&str> = arm
        .trials
        .iter()
        .map(|trial| match trial.outcome {
            Outcome::Completed => trial.verdict.word(),
            _ => trial.outcome.word(),
        })
        .collect();
    match words.as_slice() {
        [] => "not run".to_owned(),
        [first, rest @ ..] if rest.iter().all(|word| word == first) => (*first).to_owned(),
        all => format!(
            "{}/{} valid",
            all.iter().filter(|word| **word == "valid").count(),
            all.len()
        ),
    }
}

/// Why trials are not valid, and every kind of fault that has no column.
fn notes(arm: &Arm, rows: &[&RunRow]) -> Vec<String> {
    let mut notes = breaches(arm);
    for trial in &arm.trials {
        let reason = match (&trial.outcome, &trial.verdict) {
            (Outcome::Completed, Verdict::Inconclusive { reason }) => {
                Some(format!("inconclusive: {reason}"))
            }
            (Outcome::Completed, _) => None,
            (Outcome::Failed { reason }, _) => Some(format!("failed: {reason}")),
            (Outcome::Interrupted, _) => Some("interrupted".to_owned()),
        };
        let errors = (trial.errors > 0).then(|| format!("errors: {}", trial.errors_by_kind));
        let all: Vec<String> = reason.into_iter().chain(errors).collect();
        if !all.is_empty() {
            notes.push(format!(
                "{} trial {}: {}",
                arm.arm,
                trial.trial,
                all.join("; ")
            ));
        }
    }
    let events = |of: fn(&measure::Delivery) -> u64| {
        rows.iter()
            .filter_map(|row| row.delivery.as_ref())
            .map(of)
            .sum()
    };
    let faults: [(u64, &str); 4] = [
        (
            events(|delivery| delivery.gap_missed),
            "announced as missed by a gap",
        ),
        (events(|delivery| delivery.reordered), "out of order"),
        (events(|delivery| delivery.corrupted), "corrupted"),
        (events(|delivery| delivery.misrouted), "for someone else"),
    ];
    for (number, fault) in faults.iter().filter(|(number, _)| *number > 0) {
        notes.push(format!(
            "{}: {} messages {fault}",
            arm.arm,
            count(*number as f64)
        ));
    }
    notes
}

/// Each guard that was broken, once, with the worst value of all trials that broke it.
fn breaches(arm: &Arm) -> Vec<String> {
    let mut worst: Vec<(&Breach, Vec<String>)> = Vec::new();
    for trial in arm
        .trials
        .iter()
        .filter(|trial| trial.outcome == Outcome::Completed)
    {
        let Verdict::Invalid { breaches } = &trial.verdict else {
            continue;
        };
        for breach in breaches {
            match worst
                .iter_mut()
                .find(|(known, _)| known.guard == breach.guard)
            {
                None => worst.push((breach, vec![trial.trial.to_string()])),
                Some((known, trials)) => {
                    trials.push(trial.trial.to_string());
                    // A value that is not a number is the worst there is.
                    if breach.value > known.value || breach.value.is_nan() {
                        *known = breach;
                    }
                }
            }
        }
    }
    let note = |(breach, trials): &(&Breach, Vec<String>)| {
        let (word, most) = if trials.len() == 1 {
            ("trial", "")
        } else {
            ("trials", "up to ")
        };
        let Breach {
            guard,
            value,
            limit,
            unit,
        } = breach;
        let trials = trials.join(", ");
        format!(
            "{} {word} {trials} invalid: {guard} {most}{value:.1} {unit}, limit {limit:.1} {unit}",
            arm.arm
        )
    };
    worst.iter().map(note).collect()
}
