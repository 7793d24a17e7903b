//! The first sentence, and findings in words.

use measure::summary::SearchEnd;

use super::counts::Count;
use super::figures::{Figure, Finding, Side};
use super::{Diff, Search};
use crate::figure::{count as whole, metric, name, significant};
use crate::text::setting;

/// So many changes are told in the sentence; the table has all.
const TOLD: usize = 4;

/// From so many comparisons on, the sentence says how many differ by chance.
const MANY: usize = 10;

/// "3 of 24 figures changed: …; 20 show no difference; 1 not judged."
pub(super) fn sentence(diff: &Diff) -> String {
    let all = &diff.figures;
    let mut changed: Vec<&Figure> = all.iter().filter(|figure| figure.is_changed()).collect();
    let judged = all.iter().filter(|figure| figure.is_judged()).count();
    let (alike, unjudged) = (judged - changed.len(), all.len() - judged);
    // What moved most comes first.
    let size = |figure: &&Figure| -figure.ratio.map_or(0.0, |ratio| ratio.ln().abs());
    changed.sort_by(|a, b| size(a).total_cmp(&size(b)));
    let mut parts = Vec::new();
    if all.is_empty() && diff.searches.is_empty() {
        parts.push("Nothing can be compared: no arm was run at the same point in both".to_owned());
    }
    if !changed.is_empty() {
        let mut told: Vec<String> = changed
            .iter()
            .take(TOLD)
            .map(|figure| change(figure))
            .collect();
        if changed.len() > TOLD {
            told.push(format!("and {} more", changed.len() - TOLD));
        }
        parts.push(format!(
            "{} of {} changed: {}",
            changed.len(),
            figures(all.len()),
            told.join(", ")
        ));
        if alike > 0 {
            parts.push(format!(
                "{alike} {} no difference",
                verb(alike, "shows", "show")
            ));
        }
    } else if alike > 0 {
        let of = if unjudged > 0 {
            format!("{alike} of {}", figures(all.len()))
        } else {
            figures(alike)
        };
        parts.push(format!("No difference seen in {of}"));
    }
    if unjudged > 0 {
        let number = if judged > 0 {
            unjudged.to_string()
        } else {
            figures(unjudged)
        };
        parts.push(format!("{number} not judged"));
    }
    parts.extend(diff.searches.iter().map(search));
    parts.extend(diff.counts.iter().filter(|count| count.worse).map(count));
    let text = parts.join("; ") + ".";
    match chance(diff, judged) {
        Some(chance) => format!("{text} {chance}"),
        None => text,
    }
}

fn figures(number: usize) -> String {
    format!("{number} {}", verb(number, "figure", "figures"))
}

fn verb<'a>(number: usize, one: &'a str, more: &'a str) -> &'a str {
    if number == 1 { one } else { more }
}

/// What chance does where much is compared, and something seems to have changed.
fn chance(diff: &Diff, judged: usize) -> Option<String> {
    let is_changed = diff.figures.iter().any(Figure::is_changed);
    (is_changed && judged >= MANY).then(|| {
        format!(
            "Even if nothing has changed, {} of {judged} comparisons differ by chance in the mean (5 %).",
            significant(diff.by_chance)
        )
    })
}

/// "websocket p99 latency 1.31 times (95 %: 1.12 to 1.52)".
pub(super) fn change(figure: &Figure) -> String {
    let at = at(&figure.point);
    let ratio = figure
        .ratio
        .map_or_else(String::new, |own| format!(" {} times", ratio(own)));
    let interval = figure.interval().map_or_else(String::new, |(low, high)| {
        format!(" (95 %: {} to {})", self::ratio(low), self::ratio(high))
    });
    format!(
        "{}{at} {}{ratio}{interval}",
        figure.arm,
        name(&figure.metric)
    )
}

/// "websocket lost 12 of 3,000 messages (before 0 of 3,000)".
pub(super) fn count(count: &Count) -> String {
    let at = at(&count.point);
    let number = |own: u64, of: u64| format!("{} of {}", whole(own as f64), whole(of as f64));
    let (now, before) = (number(count.b, count.b_of), number(count.a, count.a_of));
    let arm = &count.arm;
    match count.what.as_str() {
        "failed" => format!("{arm}{at} failed in {now} trials (before {before})"),
        what => format!("{arm}{at} {what} {now} messages (before {before})"),
    }
}

/// "websocket, highest rate …: 4000/s in A, 4200/s in B (1.05 times)".
pub(super) fn search(search: &Search) -> String {
    let shown = |value: Option<f64>, end: SearchEnd| match (value, end) {
        (None, SearchEnd::NeverHeld) => "nowhere in the range".to_owned(),
        (None, _) => "unknown".to_owned(),
        (Some(value), SearchEnd::Found) => setting(&search.axis, value),
        (Some(value), SearchEnd::AlwaysHeld) => {
            format!("{}, the end of the range,", setting(&search.axis, value))
        }
        (Some(value), _) => format!("{} or beyond", setting(&search.axis, value)),
    };
    let (a, b) = (shown(search.a, search.a_end), shown(search.b, search.b_end));
    let is_exact = [search.a_end, search.b_end] == [SearchEnd::Found; 2];
    let times = search.a.zip(search.b).filter(|(a, _)| is_exact && *a > 0.0);
    let times = times.map_or_else(String::new, |(a, b)| format!(" ({} times)", ratio(b / a)));
    format!("{}, {}: {a} in A, {b} in B{times}", search.arm, search.find)
}

/// What may be said, for a table.
pub(super) fn finding(figure: &Figure) -> String {
    let change = |word: &str| {
        let quality = if figure.worse { "worse" } else { "better" };
        format!("{word} ({quality})")
    };
    match figure.finding {
        Finding::Lower => change("lower"),
        Finding::Higher => change("higher"),
        Finding::TooFewTrials => "too few trials".to_owned(),
        Finding::NotCompared => format!("not compared: {}", figure.reason),
        Finding::NoDifferenceSeen => match figure.least_detectable {
            Some(least) if least > 1.000_05 => format!(
                "no difference seen (one of {} % would have been)",
                significant((least - 1.0) * 100.0)
            ),
            _ => "no difference seen".to_owned(),
        },
    }
}

/// The ratio and its interval, for two columns of a table.
pub(super) fn ratios(figure: &Figure) -> (String, String) {
    let own = figure.ratio.map_or_else(|| "-".to_owned(), ratio);
    let interval = figure.interval().map_or_else(
        || "-".to_owned(),
        |(low, high)| format!("{} to {}", ratio(low), ratio(high)),
    );
    (own, interval)
}

/// A median, and whether it is to be struck through.
pub(super) fn side(figure: &Figure, side: Option<Side>) -> (String, bool) {
    side.map_or_else(
        || ("-".to_owned(), false),
        |side| (metric(&figure.metric, side.median), !side.ranked),
    )
}

/// Three digits behind the point where two would only say 1.
fn ratio(value: f64) -> String {
    if (value - 1.0).abs() < 0.0995 {
        format!("{value:.3}")
    } else {
        significant(value)
    }
}

fn at(point: &str) -> String {
    if point.is_empty() {
        String::new()
    } else {
        format!(" at {point}")
    }
}
