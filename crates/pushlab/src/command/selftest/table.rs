//! The self-test as a table: truth, measured, error, limit.

use measure::selftest::{Row, SelfTest, Value};

use super::lab::DISTURBED;

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
    let notes = std::iter::once("").chain(notes(&record.rows));
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

/// The notes of the rows; one that several rows in a row share stands under the last of them.
fn notes(rows: &[Row]) -> impl Iterator<Item = &str> {
    rows.iter().enumerate().map(|(index, row)| {
        let next = rows.get(index + 1);
        let again = next.is_some_and(|next| next.check == row.check && next.note == row.note);
        if again { "" } else { row.note.as_str() }
    })
}

/// What it comes to.
fn sentence(record: &SelfTest) -> String {
    let compared = record.rows.iter().filter(|row| is_compared(row)).count();
    let missed: Vec<&Row> = record.rows.iter().filter(|row| !row.passed).collect();
    if missed.is_empty() {
        return format!("The lab measured what is true: all {compared} comparisons hold.");
    }
    let disturbed = missed
        .iter()
        .filter(|row| row.note.contains(DISTURBED))
        .count();
    let mut checks: Vec<&str> = missed.iter().map(|row| row.check.as_str()).collect();
    checks.dedup();
    let mut text = format!(
        "{} of {compared} comparisons miss ({}).",
        missed.len(),
        checks.join(", ")
    );
    if disturbed > 0 {
        let cause = "the machine was not quiet: close what else is running, and test again";
        text = format!("{text} In {disturbed} of them {cause}.");
    }
    text
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
            "1 of 2 comparisons miss (starved).",
        ] {
            assert!(shown.contains(piece), "{piece:?} in\n{shown}");
        }
        let twice = vec![rows[0].clone(), rows[0].clone()];
        assert_eq!(
            text(&record(twice)).matches("frozen").count(),
            1,
            "a note once"
        );
        let disturbed = Row::failed("queue", "mean", format!("{DISTURBED}: slip-p99"));
        let shown = text(&record(vec![disturbed]));
        assert!(shown.contains("In 1 of them the machine"), "{shown}");
        let shown = text(&record(rows[..2].into()));
        assert!(shown.ends_with("all 1 comparisons hold.\n"), "{shown}");
    }
}
