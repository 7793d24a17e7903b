//! A scenario's `find`: the greatest (or least) value of a setting at which its conditions hold, for each arm.
//!
//! From the scenario's own value it doubles (or halves) until the conditions change sides, and then halves the rest on a
//! logarithmic scale until the two sides are within 5 % of each other. At each value more than half of up to three trials
//! decide. The arms take turns, so that a change of the machine meets all of them.
//!
//! A trial whose generator couldn't keep up says nothing about the transport. Where that is what stopped the search, the
//! answer is "at least".

use std::sync::Arc;

use measure::summary::{self, Probe, Search, SearchEnd};
use measure::{Outcome, Verdict};
use scenario::{Case, Find, Scenario};

use crate::command::measuring::{Measured, Measuring};
use crate::exit::Failure;

/// The two sides of the answer end up this near: the greater is at most so many times the lesser.
const PRECISION: f64 = 1.05;

/// Without `between`, the search stays within this factor of the scenario's own value.
const REACH: f64 = 1024.0;

/// Guards that tell of the generator, not of what it loads.
const GENERATOR_GUARDS: [&str; 4] = [
    "generator-cpu",
    "slip-p99",
    "achieved-rate",
    "pauses-generator",
];

/// Searches for every arm and leaves what was found in the folder.
pub(crate) fn run(
    measuring: &mut Measuring<'_>,
    scenario: &Scenario,
    find: &Find,
) -> Result<(), Failure> {
    let hunts = scenario.transports.iter().map(|arm| Arm {
        name: arm.clone(),
        hunt: Hunt::new(find, scenario),
        probes: Vec::new(),
        end: None,
    });
    let mut arms: Vec<Arm> = hunts.collect();
    while arms.iter().any(|arm| arm.end.is_none()) {
        for arm in arms.iter_mut().filter(|arm| arm.end.is_none()) {
            match arm.hunt.next() {
                Next::Done(end) => arm.end = Some(end),
                Next::Probe(value) => match probe(measuring, scenario, find, &arm.name, value)? {
                    None => arm.end = Some(SearchEnd::Interrupted),
                    Some(probe) => {
                        arm.hunt.learn(value, probe.held);
                        arm.probes.push(probe);
                    }
                },
            }
        }
    }
    for arm in arms {
        measuring.folder.found(Search {
            arm: arm.name,
            find: find.text.clone(),
            axis: find.axis.column.to_owned(),
            end: arm.end.unwrap_or(SearchEnd::Interrupted),
            holds_at: arm.hunt.holds,
            fails_at: arm.hunt.fails.map(|(value, _)| value),
            probes: arm.probes,
        });
    }
    measuring.went.forgive_failures();
    Ok(())
}

struct Arm {
    name: String,
    hunt: Hunt,
    probes: Vec<Probe>,
    end: Option<SearchEnd>,
}

/// Tries one value; none when the user has stopped the run.
fn probe(
    measuring: &mut Measuring<'_>,
    scenario: &Scenario,
    find: &Find,
    arm: &str,
    value: f64,
) -> Result<Option<Probe>, Failure> {
    let mut point = scenario.clone();
    find.axis.set(&mut point, value);
    let point = Arc::new(point);
    let most = scenario.trials.clamp(1, 3);
    let mut votes = Votes::default();
    for trial in 1..=most {
        let mut case = Case {
            scenario: Arc::clone(&point),
            transport: arm.to_owned(),
            point: format!("{}={}", find.axis.name, find.axis.show(value)),
            trial,
            attempt: 1,
            seed: scenario.seed.wrapping_add(u64::from(trial)),
        };
        let vote = loop {
            let Some(measured) = measuring.case(&case)? else {
                return Ok(None);
            };
            let vote = judge(find, &measured);
            if vote.is_ok() || case.attempt > measuring.retries {
                break vote;
            }
            case.attempt += 1;
        };
        let is_undecided = vote.is_err();
        votes.add(vote);
        // A generator that can't keep up won't in the next trial either.
        if is_undecided || votes.is_decided(most) {
            break;
        }
    }
    Ok(Some(votes.probe(value)))
}

/// Whether all conditions held: `Ok("")`, or `Ok` with the first that didn't. `Err`: the trial can't tell, and why.
fn judge(find: &Find, measured: &Measured) -> Result<String, String> {
    match &measured.row.outcome {
        Outcome::Completed => {}
        Outcome::Failed { reason } => return Ok(reason.clone()),
        Outcome::Interrupted => return Err("interrupted".to_owned()),
    }
    if let Verdict::Invalid { breaches } = &measured.verdict
        && let Some(breach) = breaches
            .iter()
            .find(|breach| GENERATOR_GUARDS.contains(&breach.guard.as_str()))
    {
        return Err(breach.to_string());
    }
    for condition in &find.conditions {
        let Some(value) = summary::figure(&measured.row, condition.figure.metric) else {
            return Err(format!("no {}", condition.figure.name));
        };
        if !condition.holds(value) {
            return Ok(format!(
                "{} was {}",
                condition.text,
                report::metric(condition.figure.metric, value)
            ));
        }
    }
    Ok(String::new())
}

#[derive(Default)]
struct Votes {
    held: u32,
    failed: u32,
    undecided: u32,
    reason: String,
}

impl Votes {
    fn add(&mut self, vote: Result<String, String>) {
        match vote {
            Ok(reason) if reason.is_empty() => self.held += 1,
            Ok(reason) => {
                self.failed += 1;
                self.reason = reason;
            }
            Err(reason) => {
                self.undecided += 1;
                self.reason = reason;
            }
        }
    }

    fn is_decided(&self, most: u32) -> bool {
        2 * self.held > most || 2 * self.failed > most
    }

    fn probe(self, value: f64) -> Probe {
        let held = (self.undecided == 0).then_some(self.held > self.failed);
        Probe {
            value,
            trials: self.held + self.failed + self.undecided,
            held,
            reason: if held == Some(true) {
                String::new()
            } else {
                self.reason
            },
        }
    }
}

/// What to do next.
#[derive(Debug, PartialEq)]
enum Next {
    Probe(f64),
    Done(SearchEnd),
}

/// The search along one axis, for one arm: which value to try, given what was seen.
#[derive(Debug)]
struct Hunt {
    start: f64,
    /// The best value there is, and the worst.
    best: f64,
    worst: f64,
    whole: bool,
    /// The best value at which the conditions held.
    holds: Option<f64>,
    /// The nearest value beyond it at which they didn't, and whether that could be told.
    fails: Option<(f64, bool)>,
}

impl Hunt {
    fn new(find: &Find, scenario: &Scenario) -> Self {
        let start = find.axis.of(scenario).unwrap_or(1.0);
        // What the setting can be at all bounds the search too.
        let (least, most) = find.axis.range(scenario).unwrap_or((0.0, f64::MAX));
        let (low, high) = find
            .between
            .unwrap_or(((start / REACH).max(least), (start * REACH).min(most)));
        let (worst, best) = if find.highest {
            (low, high)
        } else {
            (high, low)
        };
        Self {
            start: start.clamp(low, high),
            best,
            worst,
            whole: find.axis.is_whole(),
            holds: None,
            fails: None,
        }
    }

    fn next(&self) -> Next {
        let value = match (self.holds, self.fails) {
            (None, None) => self.start,
            (Some(holds), None) if self.is_same(holds, self.best) => {
                return Next::Done(SearchEnd::AlwaysHeld);
            }
            (Some(holds), None) => step(holds, self.best),
            (None, Some((fails, _))) if self.is_same(fails, self.worst) => {
                return Next::Done(SearchEnd::NeverHeld);
            }
            (None, Some((fails, _))) => step(fails, self.worst),
            (Some(holds), Some((fails, could_tell))) => {
                let is_near = holds.max(fails) <= holds.min(fails) * PRECISION;
                let is_next = self.whole && (holds - fails).abs() <= 1.0;
                if is_near || is_next {
                    return Next::Done(if could_tell {
                        SearchEnd::Found
                    } else {
                        SearchEnd::GeneratorLimited
                    });
                }
                (holds * fails).sqrt()
            }
        };
        Next::Probe(self.rounded(value))
    }

    fn learn(&mut self, value: f64, held: Option<bool>) {
        if held == Some(true) {
            self.holds = Some(value);
        } else {
            self.fails = Some((value, held.is_some()));
        }
    }

    fn rounded(&self, value: f64) -> f64 {
        if self.whole {
            value.round()
        } else {
            // Three digits: what nobody would write, nobody wants to read.
            let scale = 10_f64.powf(2.0 - value.abs().log10().floor());
            (value * scale).round() / scale
        }
    }

    fn is_same(&self, a: f64, b: f64) -> bool {
        self.rounded(a).total_cmp(&self.rounded(b)).is_eq()
    }
}

/// Twice as far from `value` towards `end`, but not beyond it.
fn step(value: f64, end: f64) -> f64 {
    if end > value {
        (value * 2.0).min(end)
    } else {
        (value / 2.0).max(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches where everything up to `limit` holds; the answer, and every value that was tried.
    fn hunt(mut hunt: Hunt, held: impl Fn(f64) -> Option<bool>) -> (SearchEnd, Hunt, Vec<f64>) {
        let mut tried = Vec::new();
        loop {
            match hunt.next() {
                Next::Done(end) => return (end, hunt, tried),
                Next::Probe(value) => {
                    assert!(
                        tried.len() < 64 && !tried.contains(&value),
                        "{tried:?} {value}"
                    );
                    tried.push(value);
                    hunt.learn(value, held(value));
                }
            }
        }
    }

    fn along(start: f64, (worst, best): (f64, f64), whole: bool) -> Hunt {
        Hunt {
            start,
            best,
            worst,
            whole,
            holds: None,
            fails: None,
        }
    }

    #[test]
    fn the_highest_and_the_lowest_are_found_from_either_side() {
        for limit in [731.0, 5_000.0, 47_000.0] {
            for start in [100.0, 3_000.0, 90_000.0] {
                let up = along(start, (10.0, 100_000.0), false);
                let (end, found, tried) = hunt(up, |value| Some(value <= limit));
                assert_eq!(end, SearchEnd::Found, "{tried:?}");
                let (holds, fails) = (found.holds.unwrap(), found.fails.unwrap().0);
                assert!(holds <= limit && limit < fails && fails <= holds * PRECISION);

                let down = along(start, (100_000.0, 10.0), false);
                let (end, found, _) = hunt(down, |value| Some(value >= limit));
                assert_eq!(end, SearchEnd::Found);
                let (holds, fails) = (found.holds.unwrap(), found.fails.unwrap().0);
                assert!(fails < limit && limit <= holds && holds <= fails * PRECISION);
            }
        }
    }

    #[test]
    fn small_whole_settings_are_found_exactly() {
        for limit in [1.0, 2.0, 7.0, 15.0] {
            let (end, found, _) = hunt(along(4.0, (1.0, 64.0), true), |value| Some(value <= limit));
            assert_eq!(end, SearchEnd::Found);
            assert_eq!(found.holds, Some(limit));
        }
    }

    #[test]
    fn the_ends_of_the_range_and_the_generator_are_told() {
        let range = (10.0, 1_000.0);
        let (end, found, _) = hunt(along(100.0, range, false), |_| Some(true));
        assert_eq!((end, found.holds), (SearchEnd::AlwaysHeld, Some(1_000.0)));
        let (end, found, _) = hunt(along(100.0, range, false), |_| Some(false));
        assert_eq!((end, found.holds), (SearchEnd::NeverHeld, None));
        let tired = |value: f64| if value > 300.0 { None } else { Some(true) };
        let (end, found, _) = hunt(along(100.0, range, false), tired);
        assert_eq!(end, SearchEnd::GeneratorLimited);
        assert!(found.holds.unwrap() > 280.0 && found.holds.unwrap() <= 300.0);
    }

    #[test]
    fn most_trials_decide_and_a_tired_generator_decides_nothing() {
        let mut votes = Votes::default();
        for vote in [Ok(String::new()), Ok("p99 was 11 ms".to_owned())] {
            assert!(!votes.is_decided(3));
            votes.add(vote);
        }
        votes.add(Ok(String::new()));
        assert!(votes.is_decided(3));
        let probe = votes.probe(5.0);
        assert_eq!((probe.trials, probe.held), (3, Some(true)));
        let mut votes = Votes::default();
        votes.add(Ok(String::new()));
        votes.add(Err("generator-cpu".to_owned()));
        assert_eq!(votes.probe(5.0).held, None);
    }
}
