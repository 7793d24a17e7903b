//! A comparison for a terminal.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use super::figures::Figure;
use super::{Diff, Which, words};
use crate::Look;
use crate::figure::name;

/// The answer, what differs around the runs, every figure, and whatever has no column.
pub(super) fn text(diff: &Diff, look: Look) -> String {
    let mut lines = vec![diff.sentence(), String::new()];
    lines.extend(
        ["A", "B"]
            .iter()
            .zip([&diff.a, &diff.b])
            .map(|(letter, run)| {
                let quick = if run.quick {
                    " (quick: a look, not a result to keep)"
                } else {
                    ""
                };
                format!("  {letter}: {}{quick}", run.folder)
            }),
    );
    lines.push(String::new());
    if let Some(difference) = &diff.scenario_difference {
        lines.push(format!("Not the same scenario: {difference}"));
        lines.push(String::new());
    }
    if diff.circumstances.is_empty() {
        lines.push("Machine, build and settings are the same.".to_owned());
    } else {
        lines.push("Differs around the runs:".to_owned());
        lines.push(circumstances(diff, look));
    }
    lines.push(String::new());
    if !diff.figures.is_empty() {
        lines.push(figures(diff, look));
    }
    lines.extend(
        diff.searches
            .iter()
            .map(|search| format!("  {}", words::search(search))),
    );
    lines.extend(
        diff.counts
            .iter()
            .map(|count| format!("  {}", words::count(count))),
    );
    lines.extend(diff.only.iter().map(|only| {
        let run = if only.run == Which::A { "A" } else { "B" };
        let at = if only.point.is_empty() {
            String::new()
        } else {
            format!(" at {}", only.point)
        };
        format!("  only in {run}: {}{at}", only.arm)
    }));
    lines.join("\n").trim_end().to_owned() + "\n"
}

fn circumstances(diff: &Diff, look: Look) -> String {
    let mut table = plain_table(look);
    table.set_header(["", "A", "B"].map(|head| bold(head, look)));
    for one in &diff.circumstances {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        table.add_row([one.what.clone(), value(&one.a), value(&one.b)]);
    }
    finished(table, 0)
}

fn figures(diff: &Diff, look: Look) -> String {
    let heads = ["transport", "figure", "A", "B", "B/A", "95 %", "finding"];
    let mut table = plain_table(look);
    table.set_header(heads.map(|head| bold(head, look)));
    let mut point = "";
    for figure in &diff.figures {
        if figure.point != point {
            point = &figure.point;
            table.add_row([Cell::new(format!("{point}:"))]);
        }
        table.add_row(row(figure, look));
    }
    finished(table, 2)
}

fn row(figure: &Figure, look: Look) -> Vec<Cell> {
    let side = |(text, is_struck): (String, bool)| match (is_struck, look.styled) {
        (false, _) => Cell::new(text),
        (true, true) => Cell::new(text).add_attribute(Attribute::CrossedOut),
        (true, false) => Cell::new(format!("~{text}~")),
    };
    let (ratio, interval) = words::ratios(figure);
    let finding = words::finding(figure);
    let finding = if figure.is_changed() {
        bold(&finding, look)
    } else {
        Cell::new(finding)
    };
    vec![
        Cell::new(&figure.arm),
        Cell::new(name(&figure.metric)),
        side(words::side(figure, figure.a)),
        side(words::side(figure, figure.b)),
        Cell::new(ratio),
        Cell::new(interval),
        finding,
    ]
}

fn plain_table(look: Look) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if look.styled {
        table.enforce_styling().style_text_only();
    } else {
        table.force_no_tty();
    }
    table
}

fn bold(text: &str, look: Look) -> Cell {
    let cell = Cell::new(text);
    if look.styled {
        cell.add_attribute(Attribute::Bold)
    } else {
        cell
    }
}

/// The table's lines; the columns from `first` on to the last but one are numbers, if `first` isn't 0.
fn finished(mut table: Table, first: usize) -> String {
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        let is_number = first > 0 && (first..last).contains(&index);
        column.set_cell_alignment(if is_number {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    let lines = table.lines().map(|line| format!("  {}", line.trim_end()));
    lines
        .filter(|line| !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}
