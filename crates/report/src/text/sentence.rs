//! What a run shows, in one sentence that claims nothing the trials don't bear out.

use measure::summary::{Arm, Comparison, Finding, Summary};
use measure::{Folder, RunRow};

use super::table::{Balance, rows_of};
use crate::figure::{bytes, count, duration, significant};

/// One sentence: the ranked arms by the median of what the scenario asks about, those that can't be told apart named as
/// such, the others left out by name, and any loss. Of a sweep the two ends are told.
pub fn sentence(folder: &Folder) -> String {
    let summary = &folder.summary;
    let question = Question::of(summary);
    let last = summary.points.len().saturating_sub(1);
    let mut parts: Vec<String> = if last == 0 {
        at_point(folder, &question, 0)
    } else {
        [0, last]
            .into_iter()
            .map(|point| {
                let label = &summary.points[point].label;
                format!(
                    "at {label} {}",
                    at_point(folder, &question, point).join(", ")
                )
            })
            .collect()
    };
    parts.extend(losses(folder));
    let mut text = parts.join("; ");
    text.push('.');
    text
}

fn at_point(folder: &Folder, question: &Question, point: usize) -> Vec<String> {
    let summary = &folder.summary;
    let all: Vec<&Arm> = summary.arms_at(point).collect();
    let (floor, arms): (Vec<&Arm>, Vec<&Arm>) = all.iter().partition(|arm| is_floor(folder, arm));
    let mut ranked: Vec<(&Arm, f64)> = arms
        .iter()
        .filter(|arm| arm.ranked)
        .filter_map(|arm| Some((*arm, arm.median(question.metric)?)))
        .collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));

    let mut parts = vec![ranking(summary, question, &ranked)];
    for arm in floor.iter().filter(|arm| arm.ranked) {
        if let Some(value) = arm.median(question.metric) {
            parts.push(format!(
                "the floor without a network ({}) is {}",
                arm.arm,
                (question.show)(value)
            ));
        }
    }
    let left_out = all.iter().filter(|arm| !arm.ranked);
    let (dropping, invalid): (Vec<&Arm>, Vec<&Arm>) =
        left_out.partition(|arm| is_left_out_for_losses(folder, arm));
    let reasons = [
        (invalid, "for want of valid trials"),
        (dropping, "since not every message came once"),
    ];
    for (arms, why) in reasons {
        let names: Vec<&str> = arms.iter().map(|arm| arm.arm.as_str()).collect();
        if all.iter().any(|arm| arm.ranked) && !names.is_empty() {
            let verb = if names.len() == 1 { "is" } else { "are" };
            parts.push(format!("{} {verb} left out {why}", list(&names)));
        }
    }
    parts
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
    let found: Vec<Option<&Comparison>> = rest
        .iter()
        .map(|(arm, _)| comparison(summary, question, first.0, arm))
        .collect();
    let finding = |one: Option<&Comparison>| one.map(|one| one.finding);
    if found
        .iter()
        .any(|one| matches!(finding(*one), None | Some(Finding::TooFewTrials)))
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
        .zip(&found)
        .partition(|(_, one)| finding(**one) == Some(Finding::NoDifferenceSeen));
    let lowest = if alike.is_empty() {
        format!("{}: {} is lowest", question.name, shown(first))
    } else {
        let mut names = vec![shown(first)];
        names.extend(alike.iter().map(|(arm, _)| shown(arm)));
        let least = alike
            .iter()
            .filter_map(|(_, one)| one.as_ref()?.least_detectable)
            .fold(f64::NAN, f64::max);
        let least = if least.is_nan() {
            String::new()
        } else {
            let percent = significant((least - 1.0) * 100.0);
            format!(" (one of {percent} % would have been seen)")
        };
        format!(
            "{}: no difference seen between {}{least}",
            question.name,
            list(&names)
        )
    };
    let others = apart.iter().map(|((arm, value), one)| {
        let times = one
            .as_ref()
            .filter(|_| first.1 > 0.0)
            .map_or(String::new(), |one| times(one, first.0, value / first.1));
        format!("{} {}{times}", arm.arm, (question.show)(*value))
    });
    let all: Vec<String> = std::iter::once(lowest).chain(others).collect();
    all.join(", ")
}

/// " (92 times websocket, 95 %: 88 to 95)".
fn times(one: &Comparison, first: &Arm, value: f64) -> String {
    // The comparison may be the other way round.
    let is_forward = one.a == first.arm;
    let interval = one.low.zip(one.high).map(|(low, high)| {
        if is_forward {
            (low, high)
        } else {
            (1.0 / high, 1.0 / low)
        }
    });
    let interval = interval.map_or(String::new(), |(low, high)| {
        format!(", 95 %: {} to {}", ratio(low), ratio(high))
    });
    format!(" ({} times {}{interval})", ratio(value), first.arm)
}

/// What the summary says about two arms, whichever of them it names first.
fn comparison<'a>(
    summary: &'a Summary,
    question: &Question,
    a: &Arm,
    b: &Arm,
) -> Option<&'a Comparison> {
    summary.comparison(a.point, question.metric, &a.arm, &b.arm)
}

/// An arm whose clients opened no connection: what the harness itself costs, no rival of the others.
pub(crate) fn is_floor(folder: &Folder, arm: &Arm) -> bool {
    let rows = rows_of(folder, arm);
    let silent = rows
        .iter()
        .all(|row| row.traffic.wire_up_bytes == 0 && row.traffic.wire_down_bytes == 0);
    !rows.is_empty() && silent && rows.iter().all(|row| row.usage.server.is_none())
}

/// Whether an arm isn't ranked for what it lost, and for nothing else: beside servers that others wrote, who drops can't win.
pub(crate) fn is_left_out_for_losses(folder: &Folder, arm: &Arm) -> bool {
    let is_valid = 2 * arm.valid() > arm.tried();
    let delivers = |row: &&RunRow| row.is_delivered();
    !folder.manifest.run.peers.is_empty()
        && !arm.ranked
        && is_valid
        && !rows_of(folder, arm).iter().all(delivers)
}

fn losses(folder: &Folder) -> Vec<String> {
    let arms = &folder.summary.arms;
    let mut balances: Vec<(&str, Balance)> = Vec::new();
    for arm in arms {
        let Some(balance) = Balance::of(&rows_of(folder, arm)) else {
            continue;
        };
        match balances.iter_mut().find(|(name, _)| *name == arm.arm) {
            None => balances.push((&arm.arm, balance)),
            Some((_, sum)) => {
                sum.lost += balance.lost;
                sum.duplicated += balance.duplicated;
            }
        }
    }
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
