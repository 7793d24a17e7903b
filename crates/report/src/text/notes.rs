//! What a number alone would hide: guards that were broken, errors, faults.

use measure::summary::{Arm, Trial};
use measure::{Breach, Outcome, RunRow, Verdict};

use crate::figure::count;

/// Why trials are not valid, and every kind of fault that has no column.
pub(crate) fn notes(arm: &Arm, rows: &[&RunRow]) -> Vec<String> {
    let mut notes = breaches(arm);
    for trial in &arm.trials {
        let reason = match (&trial.outcome, &trial.verdict) {
            (Outcome::Completed, Verdict::Inconclusive { reason }) => {
                Some(format!("inconclusive: {reason}"))
            }
            (Outcome::Completed, _) => None,
            (Outcome::Failed { reason }, _) => Some(format!("failed: {reason}")),
            (Outcome::Interrupted, _) => Some("interrupted".to_owned()),
        };
        let errors = (trial.errors > 0).then(|| format!("errors: {}", trial.errors_by_kind));
        let all: Vec<String> = reason.into_iter().chain(errors).collect();
        if !all.is_empty() {
            let number = number(trial);
            notes.push(format!("{} trial {number}: {}", arm.arm, all.join("; ")));
        }
    }
    let events = |of: fn(&measure::Delivery) -> u64| {
        rows.iter()
            .filter_map(|row| row.delivery.as_ref())
            .map(of)
            .sum()
    };
    let faults: [(u64, &str); 4] = [
        (
            events(|delivery| delivery.gap_missed),
            "announced as missed by a gap",
        ),
        (events(|delivery| delivery.reordered), "out of order"),
        (events(|delivery| delivery.corrupted), "corrupted"),
        (events(|delivery| delivery.misrouted), "for someone else"),
    ];
    for (number, fault) in faults.iter().filter(|(number, _)| *number > 0) {
        notes.push(format!(
            "{}: {} messages {fault}",
            arm.arm,
            count(*number as f64)
        ));
    }
    notes
}

/// Each guard that was broken, once, with the worst value of all trials that broke it.
fn breaches(arm: &Arm) -> Vec<String> {
    let mut worst: Vec<(&Breach, Vec<String>)> = Vec::new();
    for trial in arm
        .trials
        .iter()
        .filter(|trial| trial.outcome == Outcome::Completed)
    {
        let Verdict::Invalid { breaches } = &trial.verdict else {
            continue;
        };
        for breach in breaches {
            match worst
                .iter_mut()
                .find(|(known, _)| known.guard == breach.guard)
            {
                None => worst.push((breach, vec![number(trial)])),
                Some((known, trials)) => {
                    trials.push(number(trial));
                    // A value that is not a number is the worst there is.
                    if breach.value > known.value || breach.value.is_nan() {
                        *known = breach;
                    }
                }
            }
        }
    }
    let is_good = arm.valid() == arm.tried();
    let again = if is_good { "; measured again" } else { "" };
    let note = |(breach, trials): &(&Breach, Vec<String>)| {
        let (word, most) = if trials.len() == 1 {
            ("trial", "")
        } else {
            ("trials", "up to ")
        };
        let Breach {
            guard,
            value,
            limit,
            unit,
        } = breach;
        let trials = trials.join(", ");
        format!(
            "{} {word} {trials} invalid: {guard} {most}{value:.1} {unit}, limit {limit:.1} {unit}{again}",
            arm.arm
        )
    };
    worst.iter().map(note).collect()
}

/// A trial's number, and that of the attempt if it isn't the first.
fn number(trial: &Trial) -> String {
    if trial.attempt > 1 {
        format!("{}.{}", trial.trial, trial.attempt)
    } else {
        trial.trial.to_string()
    }
}
