//! What was asked for by name: where the better arm changes, what a search found, whether expectations held.

use measure::summary::{Expectation, Judgement, Search, SearchEnd, Summary};
use scenario::AXES;

use crate::figure::{kind, metric, name, range};

/// All answers, a line each.
pub(crate) fn all(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary.searches.iter().map(search).collect();
    lines.extend(crossovers(summary));
    lines.extend(expectations(summary));
    lines
}

/// The value of a setting as one would write it in a scenario.
pub(crate) fn setting(column: &str, value: f64) -> String {
    AXES.iter()
        .find(|axis| axis.column == column)
        .map_or_else(|| value.to_string(), |axis| axis.show(value))
}

fn search(search: &Search) -> String {
    format!("{}, {}: {}", search.arm, search.find, found(search))
}

/// The answers of searches for the same thing in one sentence, an arm after the other.
pub(crate) fn found_together(searches: &[Search]) -> Vec<String> {
    let same = |a: &Search, b: &Search| a.find == b.find;
    let mut sorted = searches.to_vec();
    // Stable: the arms stay in their order.
    sorted.sort_by(|a, b| a.find.cmp(&b.find));
    let groups = sorted.chunk_by(same).map(|group| {
        let arms: Vec<String> = group
            .iter()
            .map(|search| format!("{} {}", search.arm, found(search)))
            .collect();
        format!("{}: {}", group[0].find, arms.join("; "))
    });
    groups.collect()
}

fn found(search: &Search) -> String {
    let at = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| setting(&search.axis, value))
    };
    let (holds, fails) = (at(search.holds_at), at(search.fails_at));
    let beyond = search
        .probes
        .iter()
        .rev()
        .find(|probe| Some(probe.value) == search.fails_at)
        .map_or(String::new(), |probe| format!(" ({})", probe.reason));
    match search.end {
        SearchEnd::Found => format!("{holds}; not at {fails}{beyond}"),
        SearchEnd::AlwaysHeld => format!("at least {holds}, the end of the range"),
        SearchEnd::NeverHeld => format!("nowhere in the range; not at {fails}{beyond}"),
        SearchEnd::GeneratorLimited if search.holds_at.is_some() => {
            format!("at least {holds}; at {fails} the generator could not keep up{beyond}")
        }
        SearchEnd::GeneratorLimited => {
            format!("unknown: at {fails} the generator could not keep up{beyond}")
        }
        SearchEnd::Interrupted if search.holds_at.is_some() => {
            format!("at least {holds} when it was interrupted")
        }
        SearchEnd::Interrupted => "interrupted".to_owned(),
    }
}

/// A crossover is told if it is in at least this share of the resamples; the summary has the others too.
const SURE: f64 = 0.9;

pub(crate) fn crossovers(summary: &Summary) -> Vec<String> {
    let line = |one: &measure::summary::Crossover| {
        // Three digits: more would only look exact.
        let shown = |value: f64| {
            let scale = 10_f64.powf(2.0 - value.abs().log10().floor());
            setting(&one.axis, (value * scale).round() / scale)
        };
        let (low, high) = one.low.zip(one.high).filter(|_| one.support >= SURE)?;
        let interval = format!("95 %: {} to {}", shown(low), shown(high));
        let within = if one.within.is_empty() {
            String::new()
        } else {
            format!(", at {}", one.within)
        };
        Some(format!(
            "{}: {} is lower up to {} = {} ({interval}), {} beyond it{within}",
            name(&one.metric),
            one.lower_before,
            measure::summary::axis_name(&one.axis),
            shown(one.at),
            one.lower_after,
        ))
    };
    summary.crossovers.iter().filter_map(line).collect()
}

/// A line for each that failed or barely held, and one for all others of the same text together.
pub(crate) fn expectations(summary: &Summary) -> Vec<String> {
    let same = |a: &Expectation, b: &Expectation| a.that == b.that;
    let mut lines = Vec::new();
    for group in summary.expectations.chunk_by(same) {
        let held = group.iter().filter(|one| one.judgement == Judgement::Held);
        let held = held.count();
        if let [only] = group {
            lines.push(expectation(summary, only));
            continue;
        }
        let others = group.iter().filter(|one| one.judgement != Judgement::Held);
        lines.extend(others.map(|one| expectation(summary, one)));
        if held > 0 {
            let of = group.len();
            lines.push(format!(
                "expect {}: held in {held} of {of} cases",
                group[0].that
            ));
        }
    }
    lines
}

fn expectation(summary: &Summary, one: &Expectation) -> String {
    let word = match one.judgement {
        Judgement::Held => "held",
        Judgement::HeldBarely => "held, but its interval reaches the limit",
        Judgement::Failed => "FAILED",
        Judgement::NotJudged => "NOT JUDGED",
    };
    let label = summary
        .points
        .get(one.point)
        .map_or("", |point| point.label.as_str());
    let at = if label.is_empty() {
        String::new()
    } else {
        format!(" at {label}")
    };
    let shown = |value: Option<f64>| value.map(|value| metric(&one.metric, value));
    let figures = match (shown(one.measured), shown(one.limit)) {
        (Some(measured), Some(limit)) => {
            let interval = one.low.zip(one.high).filter(|(low, high)| low < high);
            let interval = interval.map_or(String::new(), |(low, high)| {
                format!(" (95 %: {})", range(kind(&one.metric), low, high))
            });
            format!("measured {measured}{interval}, the limit is {limit}")
        }
        _ => one.reason.clone(),
    };
    format!("expect {}: {word}: {}{at}: {figures}", one.that, one.arm)
}
