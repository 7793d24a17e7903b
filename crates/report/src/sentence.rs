//! What a run shows, in one sentence that claims nothing the trials don't bear out.

use measure::Folder;
use measure::summary::{Arm, Finding, Summary};

use crate::figure::{bytes, count, duration, significant};
use crate::table::{Balance, rows_of};

/// One sentence: the valid arms by the median of what the scenario asks about, those that can't be told apart named as
/// such, invalid ones left out by name, and any loss.
pub fn sentence(folder: &Folder) -> String {
    let summary = &folder.summary;
    let question = Question::of(summary);
    let (floor, arms): (Vec<&Arm>, Vec<&Arm>) =
        summary.arms.iter().partition(|arm| is_floor(folder, arm));
    let mut ranked: Vec<(&Arm, f64)> = arms
        .iter()
        .filter(|arm| arm.ranked)
        .filter_map(|arm| Some((*arm, arm.median(question.metric)?)))
        .collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));

    let mut parts = vec![ranking(summary, &question, &ranked)];
    for arm in floor.iter().filter(|arm| arm.ranked) {
        if let Some(value) = arm.median(question.metric) {
            parts.push(format!(
                "the floor without a network ({}) is {}",
                arm.arm,
                (question.show)(value)
            ));
        }
    }
    let left_out: Vec<&str> = summary
        .arms
        .iter()
        .filter(|arm| !arm.ranked)
        .map(|arm| arm.arm.as_str())
        .collect();
    let any_valid = summary.arms.iter().any(|arm| arm.ranked);
    if any_valid && !left_out.is_empty() {
        let verb = if left_out.len() == 1 { "is" } else { "are" };
        parts.push(format!(
            "{} {verb} left out for want of valid trials",
            list(&left_out)
        ));
    }
    parts.extend(losses(folder));
    let mut text = parts.join("; ");
    text.push('.');
    text
}

/// What the scenario asks about.
struct Question {
    metric: &'static str,
    name: &'static str,
    show: fn(f64) -> String,
}

impl Question {
    fn of(summary: &Summary) -> Self {
        let (metric, name, show): (_, _, fn(f64) -> String) = match summary.latency.as_str() {
            "connect" => (
                "server_bytes_per_connection",
                "server memory a connection",
                bytes,
            ),
            "delivery-age" => ("latency_p50_ns", "median delivery age", duration),
            _ => ("latency_p50_ns", "median response time", duration),
        };
        Self { metric, name, show }
    }
}

fn ranking(summary: &Summary, question: &Question, ranked: &[(&Arm, f64)]) -> String {
    let shown = |(arm, value): &(&Arm, f64)| format!("{} {}", arm.arm, (question.show)(*value));
    let (first, rest) = match ranked {
        [] => return "no arm with a network has a valid figure, so nothing is compared".to_owned(),
        [only] => {
            return format!(
                "{} of {}; with no other valid arm there is nothing to compare it with",
                question.name,
                shown(only)
            );
        }
        [first, rest @ ..] => (first, rest),
    };
    let findings: Vec<Option<Finding>> = rest
        .iter()
        .map(|(arm, _)| finding(summary, question, first.0, arm))
        .collect();
    if findings
        .iter()
        .any(|finding| matches!(finding, None | Some(Finding::TooFewTrials)))
    {
        let all: Vec<String> = ranked.iter().map(shown).collect();
        return format!(
            "{}: {}, from too few trials to rank them",
            question.name,
            list(&all)
        );
    }
    let (alike, apart): (Vec<_>, Vec<_>) = rest
        .iter()
        .zip(&findings)
        .partition(|(_, finding)| **finding == Some(Finding::NoDifferenceSeen));
    let lowest = if alike.is_empty() {
        format!("{}: {} is lowest", question.name, shown(first))
    } else {
        let mut names = vec![shown(first)];
        names.extend(alike.iter().map(|(arm, _)| shown(arm)));
        format!(
            "{}: no clear difference between {} (their trials overlap)",
            question.name,
            list(&names)
        )
    };
    let others = apart.iter().map(|((arm, value), _)| {
        let times = ratio(value / first.1);
        let times = if first.1 > 0.0 {
            format!(" ({times} times {})", first.0.arm)
        } else {
            String::new()
        };
        format!("{} {}{times}", arm.arm, (question.show)(*value))
    });
    let all: Vec<String> = std::iter::once(lowest).chain(others).collect();
    all.join(", ")
}

/// What the summary says about two arms, whichever of them it names first.
fn finding(summary: &Summary, question: &Question, a: &Arm, b: &Arm) -> Option<Finding> {
    let pair = |one: &&measure::summary::Comparison| {
        one.metric == question.metric
            && (one.a == a.arm && one.b == b.arm || one.a == b.arm && one.b == a.arm)
    };
    summary.comparisons.iter().find(pair).map(|one| one.finding)
}

/// An arm whose clients opened no connection: what the harness itself costs, no rival of the others.
fn is_floor(folder: &Folder, arm: &Arm) -> bool {
    let rows = rows_of(folder, arm);
    let silent = rows
        .iter()
        .all(|row| row.traffic.wire_up_bytes == 0 && row.traffic.wire_down_bytes == 0);
    !rows.is_empty() && silent && rows.iter().all(|row| row.usage.server.is_none())
}

fn losses(folder: &Folder) -> Vec<String> {
    let arms = &folder.summary.arms;
    let balances: Vec<(&str, Balance)> = arms
        .iter()
        .filter_map(|arm| Some((arm.arm.as_str(), Balance::of(&rows_of(folder, arm))?)))
        .collect();
    let faulty: Vec<String> = balances
        .iter()
        .filter(|(_, balance)| balance.lost + balance.duplicated > 0)
        .map(|(arm, balance)| {
            let (lost, duplicated) = (count(balance.lost as f64), count(balance.duplicated as f64));
            format!("{arm} lost {lost} messages and duplicated {duplicated}")
        })
        .collect();
    match (balances.is_empty(), faulty.is_empty()) {
        (true, _) => Vec::new(),
        (false, true) => vec!["nothing was lost or duplicated".to_owned()],
        (false, false) => faulty,
    }
}

fn ratio(ratio: f64) -> String {
    if ratio >= 9.95 {
        count(ratio)
    } else if ratio >= 1.05 {
        format!("{ratio:.1}")
    } else {
        significant(ratio)
    }
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [all @ .., last] => {
            let all: Vec<&str> = all.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", all.join(", "), last.as_ref())
        }
    }
}
