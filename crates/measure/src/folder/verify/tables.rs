//! `runs.csv` against the manifest, and `intervals.csv` against `runs.csv`.

use std::collections::HashSet;
use std::ops::Range;

use super::Check;
use crate::folder::{FolderError, INTERVALS, RUNS};
use crate::latency::Which;
use crate::manifest::Status;
use crate::measurement::Outcome;
use crate::rows::{IntervalRow, RunRow};

impl Check<'_> {
    /// Whether there is a row for each case that was run and no other, in that order.
    pub(super) fn order(&self) -> Result<(), FolderError> {
        let rows: Vec<String> = self.folder.runs.iter().map(|row| row.key.brief()).collect();
        let mut seen = HashSet::new();
        for (case, line) in rows.iter().zip(&self.run_lines) {
            if !seen.insert(case) {
                return Err(self.wrong(RUNS, *line, format!("the case {case} has a row already")));
            }
        }
        // While a run goes on its manifest knows no order.
        if self.manifest.status == Status::Running {
            return Ok(());
        }
        let order = &self.manifest.run.order;
        for (place, line) in self.run_lines.iter().enumerate() {
            let own = &rows[place];
            let reason = match order.get(place) {
                Some(right) if right == own => continue,
                Some(right) => format!(
                    "this is the case {own}; {right} would be right by `run.order` in manifest.json"
                ),
                None => format!("`run.order` in manifest.json has no case {own} after the others"),
            };
            return Err(self.wrong(RUNS, *line, reason));
        }
        let missing = &order[rows.len().min(order.len())..];
        match missing {
            [] => Ok(()),
            // The last case couldn't be written.
            [_] if !self.is_closed() => Ok(()),
            [first, ..] => {
                let line = self.run_lines.last().map_or(1, |line| line + 1);
                let reason = format!(
                    "the row of the case {first} is missing: `run.order` in manifest.json has {} cases, here are {}",
                    order.len(),
                    rows.len()
                );
                Err(self.wrong(RUNS, line, reason))
            }
        }
    }

    /// Which rows of `intervals.csv` each case has.
    pub(super) fn seconds(&self) -> Result<Vec<Range<usize>>, FolderError> {
        let (runs, intervals) = (&self.folder.runs, &self.folder.intervals);
        let mut ranges = vec![0..0; runs.len()];
        let (mut start, mut next) = (0, 0);
        for group in intervals.chunk_by(same_case) {
            let range = start..start + group.len();
            start = range.end;
            let is_it = |row: &RunRow| is_of(&group[0], row);
            if let Some(offset) = runs[next..].iter().position(is_it) {
                ranges[next + offset] = range;
                next += offset + 1;
            } else if self.is_closed() || range.end < intervals.len() {
                let reason = if runs.iter().any(is_it) {
                    "the seconds of this case stand elsewhere too, or not in the order of runs.csv"
                } else {
                    "runs.csv has no such case"
                };
                let line = self.interval_lines[range.start];
                let case = name(&group[0]);
                return Err(self.wrong(INTERVALS, line, format!("{case}: {reason}")));
            }
        }
        Ok(ranges)
    }

    /// Whether the seconds of a case follow each other and add up to what its row says, as far as they must.
    pub(super) fn sums(&self, case: usize, seconds: Range<usize>) -> Result<(), FolderError> {
        let row = &self.folder.runs[case];
        let own = &self.folder.intervals[seconds.clone()];
        let lines = &self.interval_lines[seconds];
        let headline = row.key.headline().name();
        for (number, (second, line)) in own.iter().zip(lines).enumerate() {
            let is_last = number + 1 == own.len();
            let is_whole = (second.duration_s - 1.0).abs() < f64::EPSILON;
            let is_right = is_whole || is_last && (0.0..1.0).contains(&second.duration_s);
            let reason = if (second.start_s - number as f64).abs() > 0.0 {
                format!("`start_s` is {}; {number} would be right", second.start_s)
            } else if !is_right {
                let found = second.duration_s;
                format!(
                    "`duration_s` is {found}; 1 would be right, or less in a case's last second"
                )
            } else if second.latency != headline {
                format!("`latency` is {}; {headline} would be right", second.latency)
            } else {
                continue;
            };
            return Err(self.wrong(INTERVALS, *line, reason));
        }
        if let Some(problem) = intended_problem(row) {
            return Err(self.wrong(RUNS, self.run_lines[case], problem));
        }
        let problem = Sums::of(own, row.measured_s).problem(row);
        problem.map_or(Ok(()), |problem| {
            let (file, line) = match lines.first() {
                Some(line) => (INTERVALS, *line),
                None => (RUNS, self.run_lines[case]),
            };
            let case = row.key.brief();
            let reason = format!("the seconds of {case} in intervals.csv {problem}");
            Err(self.wrong(file, line, reason))
        })
    }
}

/// The seconds of a case together.
#[derive(Default)]
struct Sums {
    sent: Sum,
    completed: Sum,
    delivered: Sum,
    errors: u64,
    length_s: f64,
}

/// A count over all seconds, and over those that were over when the measured part was.
#[derive(Default)]
struct Sum {
    all: u64,
    within: u64,
}

impl Sum {
    fn add(&mut self, count: u64, is_within: bool) {
        self.all += count;
        self.within += if is_within { count } else { 0 };
    }

    /// What is wrong if the row has `own` of them, of which as many as `more` are in no second.
    fn problem(&self, name: &str, column: &str, own: u64, more: u64) -> Option<String> {
        let (least, most) = (self.within, self.all + more);
        (!(least..=most).contains(&own)).then(|| {
            let right = if least == most {
                least.to_string()
            } else {
                format!("{least} to {most}")
            };
            format!(
                "have {} {name}; the `{column}` of runs.csv is {own}, {right} would be right",
                self.all
            )
        })
    }
}

impl Sums {
    fn of(seconds: &[IntervalRow], measured_s: f64) -> Self {
        let mut sums = Self::default();
        for second in seconds {
            sums.length_s = second.start_s + second.duration_s;
            let is_within = sums.length_s <= measured_s;
            sums.sent.add(second.sent, is_within);
            sums.completed.add(second.completed, is_within);
            sums.delivered.add(second.delivered, is_within);
            sums.errors += second.errors;
        }
        sums
    }

    /// What they can't be if the row is right.
    fn problem(&self, row: &RunRow) -> Option<String> {
        let samples = |which: Which| row.latency(which).map_or(0, |figures| figures.count);
        let (answers, ages) = (samples(Which::Response), samples(Which::DeliveryAge));
        let counts = &row.counts;
        if self.completed.all + counts.censored != answers {
            return Some(format!(
                "have {} completed; with the {} censored of runs.csv its `response_count`, {answers}, would be right",
                self.completed.all, counts.censored
            ));
        }
        // Of a censored event some receivers have a sample all the same.
        if self.delivered.all > ages || counts.censored == 0 && self.delivered.all != ages {
            return Some(format!(
                "have {} delivered; the `delivery_age_count` of runs.csv, {ages}, would be right",
                self.delivered.all
            ));
        }
        if self.sent.all > counts.intended {
            return Some(format!(
                "have {} sent, more than the `intended` of runs.csv, {}",
                self.sent.all, counts.intended
            ));
        }
        // The row counts what happened within the measured part. What was sent after it is in a second all the same, and what was
        // intended in the warm-up is in none.
        let warm_up = counts.warm_up_discarded;
        let bounds = self
            .sent
            .problem("sent", "sent", counts.sent, 0)
            .or_else(|| {
                self.completed
                    .problem("completed", "completed", counts.completed, warm_up)
            })
            .or_else(|| {
                let own = counts.delivered;
                self.delivered
                    .problem("delivered", "delivered_measured", own, warm_up)
            });
        if bounds.is_some() {
            return bounds;
        }
        // Errors before the measured part are in no second.
        if self.errors > row.errors {
            return Some(format!(
                "have {} errors, more than the {} of runs.csv",
                self.errors, row.errors
            ));
        }
        (self.length_s < row.measured_s - 1e-9).then(|| {
            format!(
                "end after {} s, before the `measured_s` of runs.csv, {}",
                self.length_s, row.measured_s
            )
        })
    }
}

/// Of a schedule each send has a sample, if only of how long it waited in vain; without one, what is sent is what was intended.
fn intended_problem(row: &RunRow) -> Option<String> {
    let own = row.counts.intended;
    let (right, column) = if row.setting("rate_per_s").is_some() {
        let answers = row.latency(Which::Response);
        (answers.map_or(0, |figures| figures.count), "response_count")
    } else {
        (row.counts.sent, "sent")
    };
    (own != right && row.outcome == Outcome::Completed)
        .then(|| format!("`intended` is {own}; {right} would be right by `{column}`"))
}

fn same_case(a: &IntervalRow, b: &IntervalRow) -> bool {
    a.arm == b.arm && a.point == b.point && a.trial == b.trial && a.attempt == b.attempt
}

fn is_of(second: &IntervalRow, row: &RunRow) -> bool {
    let key = &row.key;
    second.arm == key.arm
        && second.point == key.point
        && second.trial == key.trial
        && second.attempt == key.attempt
}

fn name(second: &IntervalRow) -> String {
    let key = crate::Key {
        arm: second.arm.clone(),
        point: second.point.clone(),
        trial: second.trial,
        attempt: second.attempt,
        ..crate::Key::default()
    };
    key.brief()
}
