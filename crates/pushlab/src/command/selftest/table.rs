//! The self-test as a table: truth, measured, error, limit.

use measure::selftest::{Row, SelfTest, Value};

/// A line a row with its notes, and a sentence at the end.
pub(super) fn text(record: &SelfTest) -> String {
    let heads = ["check", "what", "truth", "measured", "error", "limit", ""];
    let mut lines = vec![heads.map(str::to_owned)];
    lines.extend(record.rows.iter().map(cells));
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            let width = |line: &[String; 7]| line[column].chars().count();
            lines.iter().map(width).max().unwrap_or(0)
        })
        .collect();
    let notes = std::iter::once("").chain(record.rows.iter().map(|row| row.note.as_str()));
    let mut text = String::new();
    for (line, note) in lines.iter().zip(notes) {
        let cell = |(column, (cell, &width)): (usize, (&String, &usize))| {
            // Words begin where the column does, figures end where it does.
            if (2..=5).contains(&column) {
                format!("  {cell:>width$}")
            } else {
                format!("  {cell:<width$}")
            }
        };
        let line: String = line.iter().zip(&widths).enumerate().map(cell).collect();
        text.push_str(line.trim_end());
        if !note.is_empty() {
            text.push_str("\n      ");
            text.push_str(note);
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&sentence(record));
    text.push('\n');
    text
}

/// What it comes to.
fn sentence(record: &SelfTest) -> String {
    let compared = record.rows.iter().filter(|row| is_compared(row)).count();
    let missed: Vec<String> = record
        .rows
        .iter()
        .filter(|row| !row.passed)
        .map(|row| format!("{}: {}", row.check, row.what))
        .collect();
    if missed.is_empty() {
        format!("The lab measured what is true: all {compared} comparisons hold.")
    } else {
        format!(
            "{} of {compared} comparisons miss: {}.",
            missed.len(),
            missed.join("; ")
        )
    }
}

/// A row that can miss.
fn is_compared(row: &Row) -> bool {
    row.truth.is_some() || !row.passed
}

fn cells(row: &Row) -> [String; 7] {
    let with = |figure: Option<f64>, unit: &str| {
        figure.map_or_else(String::new, |figure| unit_of(number(figure), unit))
    };
    [
        row.check.clone(),
        row.what.clone(),
        row.truth
            .as_ref()
            .map_or_else(String::new, |truth| value(truth, &row.unit)),
        value(&row.measured, &row.unit),
        with(row.error, &row.error_unit),
        with(row.limit, &row.error_unit),
        match (is_compared(row), row.passed) {
            (false, _) => "",
            (true, true) => "ok",
            (true, false) => "MISS",
        }
        .to_owned(),
    ]
}

fn value(value: &Value, unit: &str) -> String {
    match value {
        Value::Number(figure) => unit_of(number(*figure), unit),
        Value::Word(word) => word.clone(),
    }
}

fn unit_of(figure: String, unit: &str) -> String {
    if unit.is_empty() {
        figure
    } else {
        format!("{figure} {unit}")
    }
}

/// Four significant digits: one more than the histograms keep. Whole numbers stay whole.
fn number(figure: f64) -> String {
    let size = figure.abs();
    let decimals = match size {
        _ if figure.fract() == 0.0 => 0,
        _ if size >= 1000.0 => 0,
        _ if size >= 100.0 => 1,
        _ if size >= 10.0 => 2,
        _ if size >= 0.1 => 3,
        _ => 5,
    };
    format!("{figure:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rows: Vec<Row>) -> SelfTest {
        SelfTest::new(measure::clock::utc(), true, true, rows)
    }

    #[test]
    fn every_row_has_its_line_and_a_miss_is_named() {
        let rows = vec![
            Row::relative("freeze", "p90", 400.0, 401.2, "ms", 1.0).noted("frozen 4 times"),
            Row::shown("freeze", "p99 of a closed loop", 0.5, "ms"),
            Row::words("starved", "verdict", "invalid", "valid"),
        ];
        let shown = text(&record(rows.clone()));
        for piece in [
            "400 ms  401.2 ms  0.300 %    1 %  ok\n      frozen 4 times\n",
            "0.500 ms",
            "invalid     valid                  MISS\n",
            "1 of 2 comparisons miss: starved: verdict.",
        ] {
            assert!(shown.contains(piece), "{piece:?} in\n{shown}");
        }
        let shown = text(&record(rows[..2].into()));
        assert!(shown.ends_with("all 1 comparisons hold.\n"), "{shown}");
    }
}
