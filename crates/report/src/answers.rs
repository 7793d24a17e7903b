//! What was asked for by name: where the better arm changes, what a search found, whether expectations held.

use measure::summary::{Expectation, Judgement, Search, SearchEnd, Summary};
use scenario::AXES;

use crate::figure::{kind, metric, name, range};

/// All answers, a line each.
pub(crate) fn all(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary.searches.iter().map(search).collect();
    lines.extend(crossovers(summary));
    let expectations = summary.expectations.iter();
    lines.extend(expectations.map(|one| expectation(summary, one)));
    lines
}

/// The value of a setting as one would write it in a scenario.
pub(crate) fn setting(column: &str, value: f64) -> String {
    AXES.iter()
        .find(|axis| axis.column == column)
        .map_or_else(|| value.to_string(), |axis| axis.show(value))
}

fn search(search: &Search) -> String {
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
    let found = match search.end {
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
    };
    format!("{}, {}: {found}", search.arm, search.find)
}

fn crossovers(summary: &Summary) -> Vec<String> {
    let line = |one: &measure::summary::Crossover| {
        let shown = |value: f64| setting(&one.axis, value);
        // One without an interval is in fewer than half of the resamples: it may be nothing.
        let (low, high) = one.low.zip(one.high)?;
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
