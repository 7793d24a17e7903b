//! `docs/course/readings.md`: what a class should read on each lesson's page, made of the lessons' facts so that it can't differ from them.

use std::fmt::Write;

use super::{Facts, Figure, LESSONS};

/// The document, in Markdown.
pub fn readings() -> String {
    let mut text = String::from(HEAD);
    for lesson in LESSONS {
        let facts = (lesson.facts)();
        // Writing to a String can't fail.
        let _ = write!(
            text,
            "\n## {}. {}\n\n[The lesson](/lessons/{})\n\n{TABLE}",
            lesson.id, lesson.title, lesson.id
        );
        for figure in &facts.figures {
            let _ = writeln!(text, "{}", row(figure));
        }
        reasons(&facts, &mut text);
    }
    text
}

const HEAD: &str = "# Expected readings

What each lesson's page should show. *Expected* is the model's value, *in the range* what a browser on a slow or busy machine may read: both come from the
same functions as the pages' own marks, and this file is made of them (a test fails if it differs). *Published* is what somebody wrote; *the lab's generator* is
the kept result of `pushlab claims`, with native clients in place of a browser. A dash: nothing was published, no model says it, or no native client can do it.

A figure outside its range on a machine that was busy says so beside the table: run it again. If it stays there, it is worth more than the lesson: tell us.
";

const TABLE: &str = "| figure | expected | in the range | published | the lab's generator |\n| --- | ---: | ---: | ---: | ---: |\n";

fn row(figure: &Figure) -> String {
    let number = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| with_unit(value, figure.unit))
    };
    let range = match (figure.low, figure.high) {
        (Some(low), Some(high)) if low.total_cmp(&high).is_eq() => "exact".to_owned(),
        (Some(low), Some(high)) => format!("{} to {}", short(low), with_unit(high, figure.unit)),
        _ => "–".to_owned(),
    };
    let mark = figure.mark.filter(|mark| *mark != "read");
    let mark = mark.map_or_else(String::new, |mark| format!(" ({mark})"));
    format!(
        "| {} | {} | {range} | {}{mark} | {} |",
        figure.label,
        number(figure.predicted),
        number(figure.published),
        number(figure.native),
    )
}

fn reasons(facts: &Facts, text: &mut String) {
    let mut reasons = facts
        .figures
        .iter()
        .filter_map(|figure| Some((figure.label, figure.because?)))
        .peekable();
    if reasons.peek().is_some() {
        text.push_str("\nWhy what was published differs:\n\n");
    }
    for (label, reason) in reasons {
        let _ = writeln!(text, "- *{label}*: {reason}.");
    }
}

/// A number as it is read: with the unit, `: 1` for a ratio.
fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "" => short(value),
        "x" => format!("{} : 1", short(value)),
        unit => format!("{} {unit}", short(value)),
    }
}

/// Three figures that mean something.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BLESS=1` writes it anew.
    #[test]
    fn the_document_says_what_the_facts_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/course/readings.md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, readings()).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap();
        assert!(
            kept == readings(),
            "docs/course/readings.md differs from the lessons' facts; BLESS=1 cargo nextest run -p demo readings"
        );
    }
}
