//! A comparison for a pull request: what changed is in sight, the rest can be unfolded.

use super::figures::Figure;
use super::{Diff, Which, words};
use crate::figure::name;

/// The answer, what differs around the runs, what changed, and folded up whatever didn't.
pub(super) fn markdown(diff: &Diff) -> String {
    let mut parts = vec![format!("**{}**", escaped(&diff.sentence()))];
    if let Some(difference) = &diff.scenario_difference {
        parts.push(format!("Not the same scenario: {}", escaped(difference)));
    }
    parts.push(circumstances(diff));
    let (changed, others): (Vec<_>, Vec<_>) =
        diff.figures.iter().partition(|figure| figure.is_changed());
    if !changed.is_empty() {
        parts.push(figures(&changed));
    }
    let mut notes: Vec<String> = diff.searches.iter().map(words::search).collect();
    notes.extend(diff.counts.iter().map(words::count));
    notes.extend(diff.only.iter().map(|only| {
        let run = if only.run == Which::A { "A" } else { "B" };
        let at = if only.point.is_empty() {
            String::new()
        } else {
            format!(" at {}", only.point)
        };
        format!("only in {run}: {}{at}", only.arm)
    }));
    if !notes.is_empty() {
        let notes: Vec<String> = notes
            .iter()
            .map(|note| format!("- {}", escaped(note)))
            .collect();
        parts.push(notes.join("\n"));
    }
    if !others.is_empty() {
        let heading = format!("{} without a difference, or not judged", others.len());
        parts.push(format!(
            "<details>\n<summary>{heading}</summary>\n\n{}\n\n</details>",
            figures(&others)
        ));
    }
    parts.join("\n\n") + "\n"
}

/// The two runs and in what they differ.
fn circumstances(diff: &Diff) -> String {
    let quick = |is: bool| if is { " (quick)" } else { "" };
    let mut lines = vec![
        row(&["", "A", "B"].map(str::to_owned)),
        "| --- | --- | --- |".to_owned(),
        row(&[
            "run".to_owned(),
            format!("{}{}", escaped(&diff.a.folder), quick(diff.a.quick)),
            format!("{}{}", escaped(&diff.b.folder), quick(diff.b.quick)),
        ]),
    ];
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "unknown".to_owned(), escaped)
    };
    lines.extend(
        diff.circumstances
            .iter()
            .map(|one| row(&[escaped(&one.what), value(&one.a), value(&one.b)])),
    );
    lines.join("\n")
}

fn figures(figures: &[&Figure]) -> String {
    let has_points = figures.iter().any(|figure| !figure.point.is_empty());
    let heads = ["transport", "figure", "A", "B", "B / A", "95 %", "finding"];
    let point = |cell: &str| {
        if has_points {
            format!("| {} ", escaped(cell))
        } else {
            String::new()
        }
    };
    let mut lines = vec![
        point("point") + &row(&heads.map(str::to_owned)),
        point("---") + "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ];
    lines.extend(figures.iter().map(|figure| {
        let side = |(text, is_struck): (String, bool)| {
            if is_struck {
                format!("~~{text}~~")
            } else {
                text
            }
        };
        let (ratio, interval) = words::ratios(figure);
        let finding = escaped(&words::finding(figure));
        let cells = [
            escaped(&figure.arm),
            name(&figure.metric),
            side(words::side(figure, figure.a)),
            side(words::side(figure, figure.b)),
            ratio,
            interval,
            if figure.worse {
                format!("**{finding}**")
            } else {
                finding
            },
        ];
        point(&figure.point) + &row(&cells)
    }));
    lines.join("\n")
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// Text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\|`*_~<>[]#".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(if letter.is_control() { ' ' } else { letter });
    }
    escaped
}
