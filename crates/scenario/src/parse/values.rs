//! The values of an axis in `[sweep]`: a list, or a range.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::DeValue;

use crate::Axis;
use crate::axes::Quantity;
use crate::error::ScenarioError;
use crate::fields::Field;
use crate::limits::MOST_POINTS;

/// The values of one axis: a list, or a range.
pub(super) fn of<'a>(
    field: &Field<'a>,
    axis: &'static Axis,
) -> Result<Vec<Spanned<DeValue<'a>>>, ScenarioError> {
    match field.value().get_ref() {
        DeValue::Array(items) if items.is_empty() => {
            Err(field.wrong("the list is empty: write at least one value"))
        }
        DeValue::Array(items) => {
            // A whole number that is a text is one that a range has made.
            let texts = items.iter().any(|item| item.get_ref().is_str());
            if axis.quantity() == Quantity::Count && texts {
                let example = format!("{} = [10, 100]", axis.name);
                return Err(field.wrong_type("a list of whole numbers", &example));
            }
            Ok(items.iter().cloned().collect())
        }
        DeValue::Table(_) => range(field, axis),
        _ => {
            let example = match axis.quantity() {
                Quantity::Switch => format!("{} = [true, false]", axis.name),
                _ => format!(
                    "{} = [{}, {}]",
                    axis.name,
                    quoted(axis, first_example(axis)),
                    quoted(axis, first_example(axis) * 10.0)
                ),
            };
            Err(field.wrong_type("a list of values or a range", &example))
        }
    }
}

/// `{ from = "100/s", to = "10000/s", steps = 5, scale = "log" }`.
fn range<'a>(
    field: &Field<'a>,
    axis: &'static Axis,
) -> Result<Vec<Spanned<DeValue<'a>>>, ScenarioError> {
    let name = axis.name;
    if axis.quantity() == Quantity::Switch {
        return Err(field.wrong(format!(
            "there is nothing between true and false: write {name} = [true, false]"
        )));
    }
    let table = field.table(Cow::Owned(format!("sweep.{name}")), "")?;
    table.only(&["from", "to", "steps", "scale"], &[])?;
    let [low, high] = [1.0, 100.0].map(|times| quoted(axis, first_example(axis) * times));
    let from = table
        .need("from", &format!("from = {low}"))?
        .quantity(axis)?;
    let end = table.need("to", &format!("to = {high}"))?;
    let to = end.quantity(axis)?;
    if from >= to {
        return Err(end.wrong(format!(
            "{} is not more than {}: a range goes upwards",
            axis.show(to),
            axis.show(from)
        )));
    }
    let count = table.need("steps", "steps = 5")?;
    let steps = count.count(2..=MOST_POINTS as u64)? as usize;
    let scale = table.get("scale");
    let log = scale.as_ref().map_or(Ok(true), |scale| {
        scale.choice(&[("log", true), ("linear", false)])
    })?;
    if log && from <= 0.0 {
        return Err(table
            .need("from", "")?
            .wrong("a logarithmic scale begins above 0: write more, or scale = \"linear\""));
    }
    let values = spread(from, to, steps, log, axis.is_whole()).ok_or_else(|| {
        count.wrong(format!(
            "{} to {} is too little for {steps} different values: fewer steps are right",
            axis.show(from),
            axis.show(to)
        ))
    })?;
    let span = field.value().span();
    let made = |value| Spanned::new(span.clone(), DeValue::String(Cow::Owned(axis.show(value))));
    Ok(values.into_iter().map(made).collect())
}

/// `steps` values from `from` to `to`, rising: wholes, or with as few digits (3 at least) as keep them apart. None if wholes
/// can't be kept apart.
fn spread(from: f64, to: f64, steps: usize, log: bool, whole: bool) -> Option<Vec<f64>> {
    let exact = |index: usize| {
        let part = index as f64 / (steps - 1) as f64;
        if log {
            from * (to / from).powf(part)
        } else {
            from + (to - from) * part
        }
    };
    let rounded = |digits: usize| {
        let value = move |index: usize| match index {
            0 => from,
            _ if index == steps - 1 => to,
            _ if whole => exact(index).round(),
            _ => rounded_to(exact(index), digits),
        };
        (0..steps).map(value).collect::<Vec<f64>>()
    };
    let mut tries = if whole { 3..=3 } else { 3..=15 };
    tries.find_map(|digits| {
        let values = rounded(digits);
        let rising = values.windows(2).all(|pair| pair[0] < pair[1]);
        rising.then_some(values)
    })
}

/// With so many significant digits.
fn rounded_to(value: f64, digits: usize) -> f64 {
    let text = format!("{value:.*e}", digits - 1);
    text.parse().unwrap_or(value)
}

fn quoted(axis: &Axis, value: f64) -> String {
    match axis.quantity() {
        Quantity::Count | Quantity::Switch => axis.show(value),
        _ => format!("\"{}\"", axis.show(value)),
    }
}

fn first_example(axis: &Axis) -> f64 {
    match axis.quantity() {
        Quantity::Rate => 100.0,
        Quantity::Bytes => 64.0,
        Quantity::Seconds | Quantity::Share => 0.01,
        Quantity::BitRate => 1e6,
        Quantity::Count | Quantity::Switch => 1.0,
    }
}
