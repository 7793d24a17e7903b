//! Whether an `[[expect]]` held.
//!
//! A figure is judged by its median over the valid trials. A count is judged by its worst trial instead: a loss in one of
//! five trials is a loss. What can't be judged (an arm that is not ranked, a figure that nobody has) does not hold: a guard that
//! was asleep must not say that all is well.

use scenario::{Axis, Expect, Figure, Op, Side, Unit};
use serde::{Deserialize, Serialize};

use super::Point;
use super::arm::{Arm, Spread};

/// One expectation at one point, for one arm (or pair of arms).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// As the scenario has it.
    pub that: String,
    /// The place in the summary's `points`.
    pub point: usize,
    /// The arm whose figure is judged.
    pub arm: String,
    /// The arm on the other side, if a figure is compared with a figure.
    pub other: Option<String>,
    /// Whether it held.
    pub judgement: Judgement,
    /// What was measured: the figure of `arm`, in the metric's unit.
    pub measured: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// What it was compared with, its factor included, in the same unit.
    pub limit: Option<f64>,
    /// The metric.
    pub metric: String,
    /// Why it can't be judged; empty otherwise.
    pub reason: String,
}

/// Whether an expectation held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It held.
    Held,
    /// It held, but the interval reaches beyond the limit: another run may see it fail.
    HeldBarely,
    /// It didn't.
    Failed,
    /// There is no figure to judge by.
    NotJudged,
}

impl Judgement {
    /// Whether the run may be called good.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Held | Self::HeldBarely)
    }
}

/// All expectations, point by point and arm by arm.
pub(super) fn judge(expects: &[Expect], points: &[Point], arms: &[Arm]) -> Vec<Expectation> {
    let mut all = Vec::new();
    for expect in expects {
        for (index, point) in points.iter().enumerate() {
            if !applies(&expect.at, point) {
                continue;
            }
            let here: Vec<&Arm> = arms.iter().filter(|arm| arm.point == index).collect();
            for (left, right) in pairs(expect, &here) {
                all.push(one(expect, index, &here, left.as_deref(), right.as_deref()));
            }
        }
    }
    all
}

fn applies(at: &[(&'static Axis, f64)], point: &Point) -> bool {
    at.iter().all(|(axis, value)| {
        let own = point.axes.get(axis.column);
        own.is_some_and(|own| (own - value).abs() <= value.abs() * 1e-9)
    })
}

/// The arms that stand on the two sides: `*` is each arm, on both sides the same one. An arm that has no such figure by
/// its nature (bytes on the wire, where there is no wire) is not among them, unless none has it.
fn pairs(expect: &Expect, here: &[&Arm]) -> Vec<(Option<String>, Option<String>)> {
    let named = |side: &Side| match side {
        Side::Figure { arm, .. } => arm.clone(),
        Side::Value(_) => None,
    };
    let is_every = |side: &Side| matches!(side, Side::Figure { arm: None, .. });
    let (left, right) = (named(&expect.left), named(&expect.right));
    if !is_every(&expect.left) && !is_every(&expect.right) {
        return vec![(left, right)];
    }
    let each = |name: &Arm| {
        let fill = |side: &Side, own: &Option<String>| {
            if is_every(side) {
                Some(name.arm.clone())
            } else {
                own.clone()
            }
        };
        (fill(&expect.left, &left), fill(&expect.right, &right))
    };
    let has = |arm: &&&Arm, side: &Side| match figure(side) {
        Some(figure) if is_every(side) => !arm.ranked || arm.metrics.contains_key(figure.metric),
        _ => true,
    };
    let able: Vec<_> = here
        .iter()
        .filter(|arm| has(arm, &expect.left) && has(arm, &expect.right))
        .map(|arm| each(arm))
        .collect();
    if able.is_empty() {
        here.iter().map(|arm| each(arm)).collect()
    } else {
        able
    }
}

/// A side with its arm filled in: the value it is judged by, and its spread if it is a figure.
struct Found<'a> {
    value: f64,
    factor: f64,
    spread: Option<&'a Spread>,
}

fn one(
    expect: &Expect,
    point: usize,
    here: &[&Arm],
    left: Option<&str>,
    right: Option<&str>,
) -> Expectation {
    // The figure that is judged stands on the left, or alone on the right.
    let is_left = matches!(expect.left, Side::Figure { .. });
    let (subject, subject_arm, limit, limit_arm, op) = if is_left {
        (&expect.left, left, &expect.right, right, expect.op)
    } else {
        (
            &expect.right,
            right,
            &expect.left,
            left,
            mirrored(expect.op),
        )
    };
    let mut expectation = Expectation {
        that: expect.text.clone(),
        point,
        arm: subject_arm.unwrap_or_default().to_owned(),
        other: limit_arm.map(str::to_owned),
        judgement: Judgement::NotJudged,
        measured: None,
        low: None,
        high: None,
        limit: None,
        metric: figure(subject).map_or(String::new(), |figure| figure.metric.to_owned()),
        reason: String::new(),
    };
    let found = find(limit, limit_arm, here, op, false)
        .and_then(|limit| Ok((find(subject, subject_arm, here, op, true)?, limit)));
    let (subject_found, limit_found) = match found {
        Ok(found) => found,
        Err(reason) => {
            expectation.reason = reason;
            return expectation;
        }
    };
    let scaled =
        |of: fn(&Spread) -> Option<f64>| Some(of(subject_found.spread?)? * subject_found.factor);
    let (low, high) = (scaled(|spread| spread.low), scaled(|spread| spread.high));
    let limit = limit_found.value;
    let ends = [low, high].into_iter().flatten();
    expectation.judgement = if !op.holds(subject_found.value, limit) {
        Judgement::Failed
    } else if ends.clone().all(|end| op.holds(end, limit)) {
        Judgement::Held
    } else {
        Judgement::HeldBarely
    };
    expectation.measured = Some(subject_found.value);
    expectation.limit = Some(limit);
    (expectation.low, expectation.high) = (low, high);
    expectation
}

fn find<'a>(
    side: &Side,
    arm: Option<&str>,
    here: &[&'a Arm],
    op: Op,
    is_subject: bool,
) -> Result<Found<'a>, String> {
    let (factor, figure) = match side {
        Side::Value(value) => {
            return Ok(Found {
                value: *value,
                factor: 1.0,
                spread: None,
            });
        }
        Side::Figure { factor, figure, .. } => (*factor, figure),
    };
    let name = arm.unwrap_or_default();
    let arm = here
        .iter()
        .find(|arm| arm.arm == name)
        .ok_or_else(|| format!("{name} was not run"))?;
    if !arm.ranked {
        return Err(format!("{name} has too few valid trials"));
    }
    let spread = arm
        .metrics
        .get(figure.metric)
        .ok_or_else(|| format!("{name} has no {}", figure.name))?;
    let value = if figure.unit == Unit::Count && is_subject {
        worst(spread, op)
    } else {
        spread.median
    };
    Ok(Found {
        value: value * factor,
        factor,
        spread: Some(spread),
    })
}

/// The trial that is most against the expectation.
fn worst(spread: &Spread, op: Op) -> f64 {
    match op {
        Op::More | Op::AtLeast => spread.min,
        Op::Less | Op::AtMost | Op::Equal | Op::Unequal => spread.max,
    }
}

fn figure(side: &Side) -> Option<&'static Figure> {
    match side {
        Side::Figure { figure, .. } => Some(*figure),
        Side::Value(_) => None,
    }
}

/// `a < b` said from the other side.
fn mirrored(op: Op) -> Op {
    match op {
        Op::Less => Op::More,
        Op::AtMost => Op::AtLeast,
        Op::More => Op::Less,
        Op::AtLeast => Op::AtMost,
        Op::Equal | Op::Unequal => op,
    }
}
