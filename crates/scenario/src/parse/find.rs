//! `find = "highest rate with p99 < 10 ms and nothing lost"`.
//!
//! ```text
//! FIND      = ("highest" | "lowest") AXIS ["between" VALUE "and" VALUE] "with" CONDITION ("and" CONDITION)*
//! CONDITION = FIGURE OP VALUE | "nothing" COUNT | "no" "errors"
//! ```

use super::words::{Problem, Value, Word, Words, check_op, figure_of};
use crate::axes::Quantity;
use crate::error::ScenarioError;
use crate::fields::{Fields, hint};
use crate::unit::shown;
use crate::{AXES, Axis, Condition, Find, Op, Scenario, axis};

/// The search that the file asks for. `executes` tells whether any arm executes an option.
pub(super) fn find(
    root: &Fields<'_>,
    scenario: &Scenario,
    executes: impl Fn(&str) -> bool,
) -> Result<Option<Find>, ScenarioError> {
    let Some(field) = root.get("find") else {
        return Ok(None);
    };
    if scenario.sweep.is_some() {
        return Err(field.wrong(
            "a search moves an axis by itself and `[sweep]` lays out all points beforehand: write two scenarios and run both",
        ));
    }
    let text = field.text(EXAMPLE)?;
    read(text, scenario, executes)
        .map(Some)
        .map_err(|problem| field.wrong_within(problem.at, problem.message))
}

fn read(text: &str, scenario: &Scenario, executes: impl Fn(&str) -> bool) -> Result<Find, Problem> {
    let mut words = Words::new(text)?;
    let highest = words.take(Word::Name("highest"));
    if !highest && !words.take(Word::Name("lowest")) {
        return Err(words.expected("`highest` or `lowest`"));
    }
    let axis = searched(&mut words, scenario, executes)?;
    let between = if words.take(Word::Name("between")) {
        let low = bound(&mut words, axis, scenario)?;
        if !words.take(Word::Name("and")) {
            return Err(words.expected("`and`"));
        }
        let at = words.at();
        let high = bound(&mut words, axis, scenario)?;
        check_between(at, axis, scenario, low, high)?;
        Some((low, high))
    } else {
        None
    };
    if !words.take(Word::Name("with")) {
        let wanted = match between {
            Some(_) => "`with`",
            None => "`between` or `with`",
        };
        return Err(words.expected(wanted));
    }
    let mut conditions = vec![condition(&mut words, scenario)?];
    while words.take(Word::Name("and")) {
        conditions.push(condition(&mut words, scenario)?);
    }
    if words.peek().is_some() {
        return Err(words.expected("`and` or the end"));
    }
    Ok(Find {
        text: text.to_owned(),
        highest,
        axis,
        between,
        conditions,
    })
}

fn searched(
    words: &mut Words<'_>,
    scenario: &Scenario,
    executes: impl Fn(&str) -> bool,
) -> Result<&'static Axis, Problem> {
    let (at, name) = words.name("a setting such as `rate`")?;
    let Some(axis) = axis(name) else {
        let known: Vec<&str> = AXES
            .iter()
            .filter(|axis| axis.of(scenario).is_some() && axis.quantity() != Quantity::Switch)
            .map(|axis| axis.name)
            .collect();
        let hint = hint(name, &known, '`');
        let message = format!("`{}` is no numeric setting: {hint}", shown(name));
        return Err(Problem::new(at, message));
    };
    let name = axis.name;
    if axis.quantity() == Quantity::Switch {
        let message = format!(
            "`{name}` is true or false, which leaves nothing to search: sweep it, `{name} = [true, false]` in `[sweep]`"
        );
        return Err(Problem::new(at, message));
    }
    if axis.of(scenario).is_none() {
        let known: Vec<String> = AXES
            .iter()
            .filter(|other| other.section == axis.section && other.of(scenario).is_some())
            .map(|other| format!("`{}`", other.name))
            .collect();
        let instead = if known.is_empty() {
            String::new()
        } else {
            format!(": it has {}", known.join(", "))
        };
        let message = format!(
            "this scenario's `[{}]` has no `{name}`{instead}",
            axis.section
        );
        return Err(Problem::new(at, message));
    }
    if axis.is_option() && !executes(name) {
        let message = format!(
            "none of this scenario's transports ({}) executes `{name}`, so a search of it finds nothing",
            scenario.transports.join(", ")
        );
        return Err(Problem::new(at, message));
    }
    Ok(axis)
}

/// One end of `between`.
fn bound(words: &mut Words<'_>, axis: &Axis, scenario: &Scenario) -> Result<f64, Problem> {
    let written = words.value(&["and", "with"])?;
    let wrong = |message: String| Problem::new(written.at, format!("`{}`: {message}", axis.name));
    let value = axis.quantity().read(&written.text()).map_err(wrong)?;
    match axis.range(scenario) {
        Some((least, most)) if !(least..=most).contains(&value) => Err(wrong(format!(
            "\"{}\" is out of range: {} to {} are right here",
            shown(&written.text()),
            axis.show(least),
            axis.show(most)
        ))),
        _ => Ok(value),
    }
}

/// The search starts at the value of the file, so that has to lie within.
fn check_between(
    at: usize,
    axis: &Axis,
    scenario: &Scenario,
    low: f64,
    high: f64,
) -> Result<(), Problem> {
    let (name, section) = (axis.name, axis.section);
    if low >= high {
        let message = format!(
            "{} is not more than {}: the lower end is written first",
            axis.show(high),
            axis.show(low)
        );
        return Err(Problem::new(at, message));
    }
    match axis.of(scenario) {
        Some(start) if !(low..=high).contains(&start) => {
            let message = format!(
                "the search starts at the scenario's own `{name}`, {}, which isn't between {} and {}: write another `{name}` in `[{section}]`, or other ends",
                axis.show(start),
                axis.show(low),
                axis.show(high)
            );
            Err(Problem::new(at, message))
        }
        _ => Ok(()),
    }
}

fn condition(words: &mut Words<'_>, scenario: &Scenario) -> Result<Condition, Problem> {
    let start = words.at();
    let nothing = match words.peek() {
        Some(Word::Name("nothing")) => NOTHING,
        Some(Word::Name("no")) => &["errors"],
        _ => return comparison(words, scenario),
    };
    words.skip();
    let names: Vec<String> = nothing.iter().map(|name| format!("`{name}`")).collect();
    let wanted = names.join(", ");
    let at = words.at();
    let name = match words.peek() {
        Some(Word::Name(name)) if nothing.contains(&name) => name,
        _ => return Err(words.expected(&wanted)),
    };
    words.skip();
    Ok(Condition {
        figure: figure_of(scenario, at, name)?,
        op: Op::Equal,
        value: 0.0,
        text: words.since(start).to_owned(),
    })
}

fn comparison(words: &mut Words<'_>, scenario: &Scenario) -> Result<Condition, Problem> {
    let (start, name) = words.name("a condition such as `p99 < 10 ms` or `nothing lost`")?;
    if let Some((arm, figure)) = name.split_once('.')
        && (arm == "*" || scenario.transports.iter().any(|other| other == arm))
    {
        let message = format!(
            "a search is made for each transport by itself: write `{}` without `{arm}.`",
            shown(figure)
        );
        return Err(Problem::new(start, message));
    }
    let figure = figure_of(scenario, start, name)?;
    let (at, op) = words.op()?;
    check_op(at, op, figure)?;
    let value: Value<'_> = words.value(&["and"])?;
    Ok(Condition {
        figure,
        op,
        value: value.of(figure, name)?,
        text: words.since(start).to_owned(),
    })
}

const EXAMPLE: &str = "\"highest rate with p99 < 10 ms and nothing lost\"";
/// What there may be nothing of.
const NOTHING: &[&str] = &[
    "lost",
    "duplicated",
    "reordered",
    "corrupted",
    "misrouted",
    "censored",
];
