//! `[sweep]`: which settings vary, over which values, and every combination of them.

use std::borrow::Cow;
use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{SECTIONS, SETTINGS, values};
use crate::error::ScenarioError;
use crate::fields::{Fields, hint};
use crate::limits::MOST_POINTS;
use crate::unit::shown;
use crate::{AXES, Axis, Kind, Point, Scenario, Sweep, axis};

/// What `[sweep]` has beside the axes.
pub(super) const FIELDS: &[&str] = &["combine"];

/// A sweep as written, its values not yet checked.
pub(super) struct Plan<'a> {
    /// Where it stands.
    section: Fields<'a>,
    axes: Vec<&'static Axis>,
    /// The values of each axis, with their places.
    values: Vec<Vec<Spanned<DeValue<'a>>>>,
    /// For each point, the place of its value in the list of each axis.
    points: Vec<Vec<usize>>,
}

/// Reads a document into a scenario; what is done for the file as a whole, and again for each point.
type Read<'r> = &'r dyn Fn(&Fields<'_>) -> Result<Scenario, ScenarioError>;

impl<'a> Plan<'a> {
    pub(super) fn read(root: &Fields<'a>, kind: Kind) -> Result<Option<Self>, ScenarioError> {
        let Some(section) = root.section("sweep")? else {
            return Ok(None);
        };
        let (mut axes, mut values) = (Vec::new(), Vec::new());
        let names = section.names().into_iter();
        for (at, name) in names.filter(|(_, name)| !FIELDS.contains(name)) {
            let Some(known) = axis(name) else {
                let message = format!(
                    "unknown axis `{}` in `[sweep]`: {}",
                    shown(name),
                    no_axis(name)
                );
                return Err(section.source.error(at, message));
            };
            let field = section.need(known.name, "")?;
            if kind == Kind::Idle && known.section == "load" {
                return Err(
                    field.useless("in kind = \"idle\" clients connect and send nothing; remove it")
                );
            }
            values.push(values::of(&field, known)?);
            axes.push(known);
        }
        if axes.is_empty() {
            return Err(section.wrong(
                "`[sweep]` names no axis: write, for example, rate = [\"100/s\", \"1000/s\"]",
            ));
        }
        let points = combine(&section, &axes, &values)?;
        Ok(Some(Self {
            section,
            axes,
            values,
            points,
        }))
    }

    /// The scenario without the sweep: swept fields that stand in their section keep that value. Of the others, those that
    /// have no default have the first point's.
    pub(super) fn base(
        &self,
        root: &Fields<'a>,
        read: Read<'_>,
    ) -> Result<Scenario, ScenarioError> {
        let mut absent = Vec::new();
        let needed = self.axes.iter().enumerate();
        for (index, axis) in needed.filter(|(_, axis)| axis.is_needed()) {
            let section = root.section(axis.section)?;
            if section.is_none_or(|section| section.get(axis.name).is_none()) {
                absent.push(index);
            }
        }
        self.filled(root, &absent, &self.points[0], read)
    }

    /// Every point, checked as a file of its own would be.
    pub(super) fn sweep(self, root: &Fields<'a>, read: Read<'_>) -> Result<Sweep, ScenarioError> {
        let all: Vec<usize> = (0..self.axes.len()).collect();
        // The values of each point so far, as bits.
        let mut seen: HashMap<Vec<u64>, &[usize]> = HashMap::new();
        let mut points = Vec::with_capacity(self.points.len());
        for picks in &self.points {
            let scenario = self.filled(root, &all, picks, read)?;
            // A field that the scenario can't have was an error just now.
            let values = self.axes.iter().filter_map(|axis| axis.of(&scenario));
            let values: Vec<f64> = values.collect();
            let show = |(axis, value): (&&Axis, &f64)| {
                format!("{}={}", axis.name, axis.show(*value).replace(' ', ""))
            };
            let label: Vec<String> = self.axes.iter().zip(&values).map(show).collect();
            let label = label.join(" ");
            let bits = values.iter().map(|value| value.to_bits()).collect();
            if let Some(earlier) = seen.insert(bits, picks) {
                return Err(self.twice(earlier, picks, &label));
            }
            points.push(Point {
                label,
                values,
                scenario,
            });
        }
        Ok(Sweep {
            axes: self.axes,
            points,
        })
    }

    /// Reads the document with the values of a point in place of those fields.
    fn filled(
        &self,
        root: &Fields<'a>,
        which: &[usize],
        picks: &[usize],
        read: Read<'_>,
    ) -> Result<Scenario, ScenarioError> {
        let axes: Vec<&'static Axis> = which.iter().map(|&index| self.axes[index]).collect();
        let mut table = root.part(&[&SETTINGS[..], &["fault"]].concat());
        for &index in which {
            let value = &self.values[index][picks[index]];
            put(
                &mut table,
                self.axes[index],
                self.section.place_of(self.axes[index].name),
                value,
            );
        }
        let document = Fields::root(root.source, &table).sweeping(&axes);
        read(&document).map_err(|error| {
            let label: Vec<String> = which
                .iter()
                .map(|&index| {
                    let value = written(self.values[index][picks[index]].get_ref());
                    format!("{}={}", self.axes[index].name, value)
                })
                .collect();
            if label.is_empty() {
                error
            } else {
                error.at_point(&label.join(" "))
            }
        })
    }

    /// The error of two points that are the same, at a value that the second one took from another place.
    fn twice(&self, earlier: &[usize], picks: &[usize], label: &str) -> ScenarioError {
        let mut differing = (0..picks.len()).filter(|&axis| picks[axis] != earlier[axis]);
        let axis = differing.next().unwrap_or(0);
        let at = self.values[axis][picks[axis]].span().start;
        self.section.source.error(
            at,
            format!("the point {label} is in `[sweep]` twice: list each once"),
        )
    }
}

/// Which value of each axis is together in a point.
fn combine(
    section: &Fields<'_>,
    axes: &[&'static Axis],
    values: &[Vec<Spanned<DeValue<'_>>>],
) -> Result<Vec<Vec<usize>>, ScenarioError> {
    let field = section.get("combine");
    let grid = field.as_ref().map_or(Ok(true), |field| {
        field.choice(&[("grid", true), ("list", false)])
    })?;
    if let (Some(field), [_]) = (&field, axes) {
        return Err(field.useless("there is only one axis, so nothing to combine; remove it"));
    }
    let first = values[0].len();
    let count = if grid {
        values
            .iter()
            .try_fold(1_usize, |all, list| all.checked_mul(list.len()))
    } else {
        Some(first)
    };
    if let Some(odd) = values.iter().position(|list| list.len() != first)
        && !grid
    {
        return Err(section.need(axes[odd].name, "")?.wrong(format!(
            "with combine = \"list\" each axis has as many values: `{}` has {first} and `{}` {}",
            axes[0].name,
            axes[odd].name,
            values[odd].len()
        )));
    }
    let Some(count) = count.filter(|count| *count <= MOST_POINTS) else {
        let lists: Vec<String> = values.iter().map(|list| list.len().to_string()).collect();
        return Err(section.wrong(format!(
            "`[sweep]` has {} points: at most {MOST_POINTS} are right",
            lists.join(if grid { " x " } else { ", " })
        )));
    };
    let point = |index: usize| {
        let mut rest = index;
        let mut picks: Vec<usize> = values
            .iter()
            .rev()
            .map(|list| {
                let pick = if grid { rest % list.len() } else { index };
                rest /= list.len();
                pick
            })
            .collect();
        picks.reverse();
        picks
    };
    Ok((0..count).map(point).collect())
}

/// Puts a value in place of the axis's field; the section comes into being if need be.
fn put<'a>(table: &mut DeTable<'a>, axis: &'static Axis, at: usize, value: &Spanned<DeValue<'a>>) {
    let key = |name| Spanned::new(at..at, Cow::Borrowed(name));
    let section = table
        .entry(key(axis.section))
        .or_insert_with(|| Spanned::new(at..at, DeValue::Table(DeTable::new())));
    // A section of another type has been refused.
    if let DeValue::Table(fields) = section.get_mut() {
        // The old key goes too: a complaint about the field is to point to the sweep.
        fields.remove(&key(axis.name));
        fields.insert(key(axis.name), value.clone());
    }
}

/// Why a name is no axis, and what is.
fn no_axis(name: &str) -> String {
    let home = SECTIONS.iter().find(|(_, fields)| fields.contains(&name));
    match home {
        Some(("", _)) => {
            format!("`{name}` holds for the scenario as a whole; write a scenario for each")
        }
        Some((section, _)) => {
            format!("`{name}` in `[{section}]` has no numeric value; write a scenario for each")
        }
        None => hint(
            name,
            &AXES.iter().map(|axis| axis.name).collect::<Vec<_>>(),
            '`',
        ),
    }
}

/// A value as it stands in the file, for messages.
fn written(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => shown(text),
        DeValue::Integer(number) => shown(number.as_str()),
        DeValue::Float(number) => shown(number.as_str()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => "…".to_owned(),
    }
}
