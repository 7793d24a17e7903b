//! `[[expect]]`: what must hold of the figures.
//!
//! ```text
//! THAT = SIDE OP SIDE
//! SIDE = NUMBER [UNIT] | [NUMBER "*"] ARM "." FIGURE        ARM is a transport, or "*" for each of them
//! ```

use super::words::{Problem, Value, Word, Words, check_op, figure_of};
use crate::error::ScenarioError;
use crate::fields::{Field, Fields, hint};
use crate::unit::shown;
use crate::{AXES, Axis, Expect, Figure, Scenario, Side, Sweep, axis, figure};

pub(super) const FIELDS: &[&str] = &["that", "at"];

pub(super) fn expects(
    root: &Fields<'_>,
    scenario: &Scenario,
) -> Result<Vec<Expect>, ScenarioError> {
    let sections = root.sections("expect")?;
    if let (Some(field), Some(_), false) = (root.get("expect"), &scenario.find, sections.is_empty())
    {
        return Err(field.useless(
            "`find` moves a setting until its conditions are met, so there is no one run to judge; write them into `find`, or two scenarios",
        ));
    }
    sections
        .iter()
        .map(|section| expect(section, scenario))
        .collect()
}

fn expect(section: &Fields<'_>, scenario: &Scenario) -> Result<Expect, ScenarioError> {
    section.only(FIELDS, &[])?;
    let field = section.need("that", EXAMPLE)?;
    let text = field.text("\"*.lost == 0\"")?;
    let mut expect =
        read(text, scenario).map_err(|problem| field.wrong_within(problem.at, problem.message))?;
    if let Some(field) = section.get("at") {
        let Some(sweep) = &scenario.sweep else {
            return Err(field.useless("there is no `[sweep]` to choose points from; remove it"));
        };
        expect.at = at(&field, sweep)?;
        if !sweep
            .points
            .iter()
            .any(|point| expect.concerns(sweep, point))
        {
            return Err(field.wrong(
                "no point of `[sweep]` has these values together: remove one of them, or add the point",
            ));
        }
    }
    Ok(expect)
}

/// Which values the points must have.
fn at(field: &Field<'_>, sweep: &Sweep) -> Result<Vec<(&'static Axis, f64)>, ScenarioError> {
    let table = field.table("expect.at".into(), "at = { rate = \"100/s\" }")?;
    let swept: Vec<&str> = sweep.axes.iter().map(|axis| axis.name).collect();
    let mut at = Vec::new();
    for (offset, name) in table.names() {
        let Some(axis) = axis(name).filter(|axis| sweep.axes.contains(axis)) else {
            let what = if AXES.iter().any(|axis| axis.name == name) {
                "isn't swept"
            } else {
                "is no axis"
            };
            let hint = hint(name, &swept, '`');
            return Err(field.wrong_at(offset, format!("`{}` {what}: {hint}", shown(name))));
        };
        let value = table.need(axis.name, "")?;
        let wanted = value.quantity(axis)?;
        let place = sweep.axes.iter().position(|other| *other == axis);
        let mut there: Vec<f64> = place
            .iter()
            .flat_map(|place| sweep.points.iter().map(|point| point.values[*place]))
            .collect();
        there.sort_by(f64::total_cmp);
        there.dedup_by(|a, b| a.total_cmp(b).is_eq());
        if !there.iter().any(|value| value.total_cmp(&wanted).is_eq()) {
            let there: Vec<String> = there.iter().map(|value| axis.show(*value)).collect();
            return Err(value.wrong(format!(
                "{} isn't among the values of `[sweep]`: {} are",
                axis.show(wanted),
                there.join(", ")
            )));
        }
        at.push((axis, wanted));
    }
    if at.is_empty() {
        return Err(field.wrong("it names no axis: remove it to judge every point"));
    }
    Ok(at)
}

fn read(text: &str, scenario: &Scenario) -> Result<Expect, Problem> {
    let mut words = Words::new(text)?;
    let left = side(&mut words, scenario)?;
    let (at, op) = words.op()?;
    let right = side(&mut words, scenario)?;
    if words.peek().is_some() {
        return Err(words.expected("the end"));
    }
    for side in [&left, &right] {
        if let Written::Figure(named) = side {
            check_op(at, op, named.figure)?;
        }
    }
    let (left, right) = match (left, right) {
        (Written::Value(value), Written::Value(_)) => {
            return Err(Problem::new(
                value.at,
                "neither side is a figure: one of them has to be, as in `*.lost == 0`",
            ));
        }
        (Written::Value(value), Written::Figure(named)) => (
            Side::Value(value.of(named.figure, named.name)?),
            named.side(1.0),
        ),
        (Written::Figure(named), Written::Value(value)) => {
            let value = value.of(named.figure, named.name)?;
            (named.side(1.0), Side::Value(value))
        }
        (Written::Figure(left), Written::Figure(right)) => {
            if left.figure.unit != right.figure.unit {
                let message = format!(
                    "`{}` is {} and `{}` is {}: only figures of one kind can be compared",
                    left.name,
                    left.figure.unit.name(),
                    right.name,
                    right.figure.unit.name()
                );
                return Err(Problem::new(right.at, message));
            }
            let step = right.figure.nanoseconds() / left.figure.nanoseconds();
            (left.side(1.0), right.side(step))
        }
    };
    Ok(Expect {
        text: text.to_owned(),
        left,
        op,
        right,
        at: Vec::new(),
    })
}

/// One side as written; what a value counts is known from the other side.
enum Written<'a> {
    Value(Value<'a>),
    Figure(Named<'a>),
}

/// A figure of an arm, perhaps with a factor.
struct Named<'a> {
    at: usize,
    /// With the arm.
    name: &'a str,
    factor: f64,
    arm: Option<String>,
    figure: &'static Figure,
}

impl Named<'_> {
    fn side(self, step: f64) -> Side {
        Side::Figure {
            factor: self.factor * step,
            arm: self.arm,
            figure: self.figure,
        }
    }
}

fn side<'a>(words: &mut Words<'a>, scenario: &Scenario) -> Result<Written<'a>, Problem> {
    let factor = match words.peek() {
        Some(Word::Number(_)) => {
            let value = words.value(&[])?;
            if !words.take(Word::Times) {
                return match value.unit {
                    Some(unit) if unit.contains('.') => Err(Problem::new(
                        value.at,
                        format!(
                            "a factor is written with `*`, as in `{} * {}`",
                            shown(value.number),
                            shown(unit)
                        ),
                    )),
                    _ => Ok(Written::Value(value)),
                };
            }
            if let Some(unit) = value.unit {
                let message = format!("a factor has no unit: write it without `{}`", shown(unit));
                return Err(Problem::new(value.at, message));
            }
            let factor = value.plain()?;
            if factor <= 0.0 {
                return Err(Problem::new(value.at, "a factor is more than 0"));
            }
            factor
        }
        _ => 1.0,
    };
    let (at, name) =
        words.name("a figure such as `websocket.delivery.p99` or a value such as `10 ms`")?;
    let Some((arm, plain)) = name.split_once('.').filter(|_| figure(name).is_none()) else {
        let message = format!(
            "`{}` says not whose figure it is: write the transport before it, or `*` for each of them, as in `*.delivery.p99`",
            shown(name)
        );
        return Err(Problem::new(at, message));
    };
    let arm = if arm == "*" {
        None
    } else if scenario.transports.iter().any(|other| other == arm) {
        Some(arm.to_owned())
    } else {
        let known: Vec<&str> = scenario.transports.iter().map(String::as_str).collect();
        let message = format!(
            "`{}` is not among this scenario's transports: {}",
            shown(arm),
            hint(arm, &known, '`')
        );
        return Err(Problem::new(at, message));
    };
    let figure = figure_of(scenario, at + name.len() - plain.len(), plain)?;
    Ok(Written::Figure(Named {
        at,
        name,
        factor,
        arm,
        figure,
    }))
}

const EXAMPLE: &str = "that = \"*.lost == 0\"";
