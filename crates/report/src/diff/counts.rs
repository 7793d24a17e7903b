//! What should never happen, counted: messages lost, duplicated or out of order, and trials that failed.

use measure::summary::Arm;
use measure::{Delivery, Folder, Outcome};
use serde::{Deserialize, Serialize};

use super::figures::Pair;
use crate::text::rows_of;

/// A count of one arm at a point, over all its trials that count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// The point's label; empty without a sweep.
    pub point: String,
    /// The arm.
    pub arm: String,
    /// `lost`, `duplicated`, `reordered` (messages) or `failed` (trials).
    pub what: String,
    /// In run `a`.
    pub a: u64,
    /// Of so many messages to be delivered, or trials.
    pub a_of: u64,
    /// In run `b`.
    pub b: u64,
    /// Of so many.
    pub b_of: u64,
    /// Whether `b` has more, as a share.
    pub worse: bool,
}

type Fault = (&'static str, fn(&Delivery) -> u64);

const FAULTS: [Fault; 3] = [
    ("lost", |delivery| delivery.lost),
    ("duplicated", |delivery| delivery.duplicated),
    ("reordered", |delivery| delivery.reordered),
];

/// Every count that isn't zero in both runs.
pub(super) fn all(a: &Folder, b: &Folder, pairs: &[Pair<'_>]) -> Vec<Count> {
    let of_pair = |pair: &Pair<'_>| {
        let count = |what: &str, (a, a_of): (u64, u64), (b, b_of): (u64, u64)| Count {
            point: pair.point.to_owned(),
            arm: pair.a.arm.clone(),
            what: what.to_owned(),
            a,
            a_of,
            b,
            b_of,
            worse: u128::from(b) * u128::from(a_of) > u128::from(a) * u128::from(b_of),
        };
        let mut counts = vec![count("failed", failed(pair.a), failed(pair.b))];
        let faults = FAULTS
            .iter()
            .map(|(what, of)| count(what, events(a, pair.a, *of), events(b, pair.b, *of)));
        counts.extend(faults);
        counts
    };
    let all = pairs.iter().flat_map(of_pair);
    all.filter(|count| count.a > 0 || count.b > 0).collect()
}

/// How many attempts failed, of how many.
fn failed(arm: &Arm) -> (u64, u64) {
    let is_failed =
        |trial: &&measure::summary::Trial| matches!(trial.outcome, Outcome::Failed { .. });
    let failed = arm.trials.iter().filter(is_failed).count();
    (failed as u64, arm.trials.len() as u64)
}

/// A fault, of how many messages.
fn events(folder: &Folder, arm: &Arm, of: fn(&Delivery) -> u64) -> (u64, u64) {
    let rows = rows_of(folder, arm);
    let deliveries = rows.iter().filter_map(|row| row.delivery.as_ref());
    deliveries.fold((0, 0), |(faults, expected), delivery| {
        (faults + of(delivery), expected + delivery.expected)
    })
}
