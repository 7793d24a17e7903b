//! An arm a row, and below it whatever a number alone would hide.

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets,
};
use measure::summary::Arm;
use measure::{Folder, Outcome, RunRow};

use super::notes::notes;
use super::sentence::is_left_out_for_losses;
use crate::figure::{Kind, bytes, count, duration, kind, range};

/// Of the table.
const COLUMNS: usize = 13;

/// The one that only a table with peers shows.
const EXPECTED: usize = 5;

/// How a table looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Whether the reader is a terminal that shows bold and struck-through text. Without it, what would be struck through
    /// stands between tildes.
    pub styled: bool,
}

/// The table of a result folder with its notes, a line each. Latencies, rates and costs are medians over the valid trials,
/// with their 95 % interval below them; numbers of messages are sums.
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
    let head_of_latency = format!("{latency} p50");
    // Who is compared with strangers shows what was to be delivered as well.
    let has_peers = !folder.manifest.run.peers.is_empty();
    let heads: [&str; COLUMNS] = [
        "transport",
        &head_of_latency,
        "p99",
        "max",
        "msg/s",
        "expected",
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
    for (index, point) in summary.points.iter().enumerate() {
        if !point.label.is_empty() {
            table.add_row([Cell::new(format!("{}:", point.label))]);
        }
        for arm in summary.arms_at(index) {
            table.add_row(row(
                arm,
                &rows_of(folder, arm),
                look,
                &verdict_in(folder, arm),
            ));
            table.add_row(intervals(arm));
            if let Some(said) = predicted(arm) {
                table.add_row(said);
            }
        }
    }
    if !has_peers && let Some(column) = table.column_mut(EXPECTED) {
        column.set_constraint(ColumnConstraint::Hidden);
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
    let mut lines: Vec<String> = table
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    for (index, point) in summary.points.iter().enumerate() {
        for arm in summary.arms_at(index) {
            let at = if point.label.is_empty() {
                String::new()
            } else {
                format!("{}: ", point.label)
            };
            let notes = notes(arm, &rows_of(folder, arm));
            lines.extend(notes.iter().map(|note| format!("{at}{note}")));
        }
    }
    lines.extend(peers(folder));
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("  {}", line.trim_end()))
        .collect();
    lines.join("\n")
}

/// The rows of an arm's trials that count.
pub(crate) fn rows_of<'a>(folder: &'a Folder, arm: &Arm) -> Vec<&'a RunRow> {
    let label = folder
        .summary
        .points
        .get(arm.point)
        .map_or("", |point| point.label.as_str());
    let counts = |row: &&RunRow| {
        let key = &row.key;
        let is_it = |trial: &measure::summary::Trial| {
            trial.counted && trial.trial == key.trial && trial.attempt == key.attempt
        };
        key.arm == arm.arm && key.point == label && arm.trials.iter().any(is_it)
    };
    folder.runs.iter().filter(counts).collect()
}

/// What was received, and what should have been and wasn't: events, or replies.
pub(crate) struct Balance {
    pub(crate) expected: u64,
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
                    expected: 0,
                    delivered: 0,
                    lost: 0,
                    duplicated: 0,
                },
                |sum, row| match &row.delivery {
                    Some(events) => Self {
                        expected: sum.expected + events.expected,
                        delivered: sum.delivered + events.delivered,
                        lost: sum.lost + events.lost,
                        duplicated: sum.duplicated + events.duplicated,
                    },
                    None => Self {
                        expected: sum.expected + row.counts.completed + row.counts.censored,
                        delivered: sum.delivered + row.counts.completed,
                        lost: sum.lost + row.counts.censored,
                        duplicated: sum.duplicated,
                    },
                },
            )
        })
    }
}

fn row(arm: &Arm, rows: &[&RunRow], look: Look, verdict: &str) -> Vec<Cell> {
    let figure = |metric: &str, show: fn(f64) -> String| arm.median(metric).map(show);
    let balance = Balance::of(rows);
    let number =
        |of: fn(&Balance) -> u64| balance.as_ref().map(|balance| count(of(balance) as f64));
    let figures = [
        figure("latency_p50_ns", duration),
        figure("latency_p99_ns", duration),
        figure("latency_max_ns", duration),
        figure("messages_per_s", count),
        number(|balance| balance.expected),
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
    cells.push(Cell::new(verdict));
    cells
}

/// Below an arm's figures: their intervals.
fn intervals(arm: &Arm) -> Vec<Cell> {
    const METRICS: [Option<&str>; COLUMNS] = [
        None,
        Some("latency_p50_ns"),
        Some("latency_p99_ns"),
        None,
        Some("messages_per_s"),
        None,
        None,
        None,
        None,
        Some("wire_bytes_per_message"),
        Some("server_cpu_us_per_message"),
        Some("server_bytes_per_connection"),
        None,
    ];
    let cell = |metric: Option<&str>| {
        let metric = metric.filter(|_| arm.ranked)?;
        let interval = arm.metrics.get(metric)?.interval()?;
        // Columns that count things a second or bytes have the unit in their head.
        let kind = match kind(metric) {
            Kind::PerSecond => Kind::Count,
            Kind::Bytes if metric == "wire_bytes_per_message" => Kind::Count,
            kind => kind,
        };
        (interval.low < interval.high).then(|| range(kind, interval.low, interval.high))
    };
    let text = METRICS.map(|metric| Cell::new(cell(metric).unwrap_or_default()));
    text.into()
}

/// Below its intervals: what a model says; none where none says anything.
fn predicted(arm: &Arm) -> Option<Vec<Cell>> {
    let said = |metric: &str| arm.median(metric).map(duration);
    let mean = said("predicted_mean_ns")?;
    let seen = said("latency_mean_ns").unwrap_or_default();
    let cells = [
        "  predicted".to_owned(),
        said("predicted_p50_ns").unwrap_or_default(),
        said("predicted_p99_ns").unwrap_or_default(),
    ];
    let mut cells: Vec<Cell> = cells.into_iter().map(Cell::new).collect();
    cells.resize_with(COLUMNS - 1, || Cell::new(""));
    cells.push(Cell::new(format!("mean {mean}, measured {seen}")));
    Some(cells)
}

/// The same, unless an arm is struck through for what it lost.
fn verdict_in(folder: &Folder, arm: &Arm) -> String {
    if is_left_out_for_losses(folder, arm) {
        "loses".to_owned()
    } else {
        verdict(arm)
    }
}

/// Which servers others wrote, with their versions and notes, and who was left out.
fn peers(folder: &Folder) -> Vec<String> {
    let run = &folder.manifest.run;
    let told = run.peers.iter().map(|peer| {
        let arms: Vec<&str> = peer.arms.iter().map(|arm| arm.name.as_str()).collect();
        let name = arms.join(", ");
        let note = peer.note.as_ref();
        let note = note.map_or(String::new(), |note| format!("; {note}"));
        format!("{name}: {}, {}{note}", peer.title, peer.versions())
    });
    let left_out = run.left_out.iter();
    let left_out = left_out.map(|out| format!("left out: {} {}", out.name, out.reason));
    told.chain(left_out).collect()
}

/// One word when all trials agree, else how many are valid.
pub(crate) fn verdict(arm: &Arm) -> String {
    let (valid, tried) = (arm.valid(), arm.tried());
    let last = |trial: &measure::summary::Trial| match trial.outcome {
        Outcome::Completed => trial.verdict.word(),
        _ => trial.outcome.word(),
    };
    match arm.trials.as_slice() {
        [] => "not run".to_owned(),
        _ if valid == tried => "valid".to_owned(),
        [first, rest @ ..] if rest.iter().all(|trial| last(trial) == last(first)) => {
            last(first).to_owned()
        }
        _ => format!("{valid}/{tried} valid"),
    }
}
