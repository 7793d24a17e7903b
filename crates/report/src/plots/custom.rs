//! A chart of one's own: any figure against any other, or one of the report's charts by name, of one run or of several.

use measure::summary::{Arm, figure};
use scenario::AXES;

use super::sweep::spans;
use super::{all, name_of, with_interval};
use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::{kind, name};
use crate::run::Run;
use crate::text::{capital, setting};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which kind of chart.
    pub kind: Kind,
    /// For a line or a scatter plot: a setting (`rate_per_s`, or `rate`) or a metric, as `summary.json` names them.
    pub x: Option<String>,
    /// For a line, a scatter plot or bars: a metric or a setting.
    pub y: Option<String>,
    /// The point of a sweep, by its label; the first one otherwise.
    pub point: Option<String>,
    /// Only these arms; all of them if there are none.
    pub arms: Vec<String>,
}

/// A kind of chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Medians along `x`, with the band of their interval.
    Line,
    /// A mark for each trial.
    Scatter,
    /// A bar for each arm.
    Bars,
    /// One of the report's, such as `percentiles`.
    Report(String),
}

/// Why there is no such chart.
#[derive(Debug, thiserror::Error)]
pub enum CustomError {
    /// An axis has no name.
    #[error("a {kind} chart needs --{axis}; one of: {choice}")]
    NoAxis {
        /// The kind of chart.
        kind: &'static str,
        /// `x` or `y`.
        axis: &'static str,
        /// What there is.
        choice: String,
    },
    /// The run has no such figure.
    #[error("no figure `{name}` in {run}; it has: {choice}")]
    NoFigure {
        /// What was asked for.
        name: String,
        /// The run's folder.
        run: String,
        /// What there is.
        choice: String,
    },
    /// The run has no such point.
    #[error("no point `{name}` in {run}; it has: {choice}")]
    NoPoint {
        /// What was asked for.
        name: String,
        /// The run's folder.
        run: String,
        /// What there is.
        choice: String,
    },
    /// The run has no such arm.
    #[error("no arm `{name}` in {run}; it has: {choice}")]
    NoArm {
        /// What was asked for.
        name: String,
        /// The run's folder.
        run: String,
        /// What there is.
        choice: String,
    },
    /// The run has no such chart.
    #[error("no {name} chart of {run}; it has: {choice}")]
    NoChart {
        /// What was asked for.
        name: String,
        /// The run's folder.
        run: String,
        /// What there is.
        choice: String,
    },
    /// Charts of several runs that don't go together.
    #[error("a {name} chart is of one run; `line`, `scatter` and `bars` take several")]
    OneRun {
        /// The kind.
        name: String,
    },
}

/// The chart that is wanted, of at least one run.
///
/// # Errors
/// There is no such figure, point, arm or chart; the error lists what there is.
pub(crate) fn custom(runs: &[Run], wanted: &Wanted) -> Result<Chart, CustomError> {
    for arm in &wanted.arms {
        for run in runs {
            known_arm(run, arm)?;
        }
    }
    let mut chart = match (&wanted.kind, runs) {
        (Kind::Report(name), [run]) => of_report(run, name, wanted)?,
        (Kind::Report(name), _) => {
            let name = name.clone();
            return Err(CustomError::OneRun { name });
        }
        (Kind::Bars, runs) => bars(runs, wanted)?,
        (Kind::Line, runs) => across(runs, wanted, "line", medians)?,
        (Kind::Scatter, runs) => across(runs, wanted, "scatter", trials)?,
    };
    let is_wanted = |arm: &str| wanted.arms.is_empty() || wanted.arms.iter().any(|own| own == arm);
    chart
        .layers
        .retain(|layer| layer.arm.as_deref().is_none_or(is_wanted));
    Ok(chart)
}

fn of_report(run: &Run, name: &str, wanted: &Wanted) -> Result<Chart, CustomError> {
    let point = point_of(run, wanted)?;
    let charts = all(run);
    let mut names: Vec<&str> = Vec::new();
    for chart in &charts {
        if !names.contains(&chart.kind) {
            names.push(chart.kind);
        }
    }
    let choice = names.join(", ");
    let is_it = |chart: &&Chart| {
        let is_named = chart.name == name || chart.kind == name;
        is_named && chart.point.is_none_or(|own| own == point)
    };
    let found = charts.iter().find(is_it).cloned();
    found.ok_or_else(|| CustomError::NoChart {
        name: name.to_owned(),
        run: run.summary().folder.clone(),
        choice,
    })
}

/// Layers of one arm of one run.
type Marks = fn(&Run, &Arm, &str, &str) -> Vec<(Mark, Point)>;

fn across(
    runs: &[Run],
    wanted: &Wanted,
    word: &'static str,
    marks: Marks,
) -> Result<Chart, CustomError> {
    let x = axis_of(runs, wanted.x.as_deref(), word, "x")?;
    let y = axis_of(runs, wanted.y.as_deref(), word, "y")?;
    let mut layers: Vec<Layer> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        for arm in &run.summary().arms {
            let name = if runs.len() > 1 {
                format!("{}, {}", name_of(arm), run.summary().folder)
            } else {
                name_of(arm)
            };
            for (mark, point) in marks(run, arm, &x, &y) {
                // Of two runs the later one is dashed and hollow.
                let mark = match mark {
                    Mark::Line if number > 0 => Mark::Dashed,
                    Mark::Dot if number > 0 => Mark::Hollow,
                    other => other,
                };
                let same = |layer: &&mut Layer| layer.name == name && layer.mark == mark;
                match layers.iter_mut().find(same) {
                    Some(layer) => layer.points.push(point),
                    None => {
                        layers.push(Layer::new(&arm.arm, mark, vec![point]).named(name.clone()));
                    }
                }
            }
        }
    }
    for layer in &mut layers {
        layer.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    let rank = |mark: Mark| match mark {
        Mark::Band => 0,
        Mark::Line | Mark::Dashed => 1,
        _ => 2,
    };
    layers.sort_by_key(|layer| rank(layer.mark));
    let of = |value: fn(&Point) -> f64| -> Vec<f64> {
        layers
            .iter()
            .flat_map(|layer| layer.points.iter().map(value))
            .collect()
    };
    let scale = |column: &str, values: Vec<f64>| {
        let title = shown(column);
        if spans(&values, 5.0) {
            Axis::log(&title, kind(column), values)
        } else {
            Axis::linear(&title, kind(column), values)
        }
    };
    let (xs, ys) = (of(|point| point.x), of(|point| point.y));
    Ok(Chart {
        kind: word,
        name: format!("{word}-{y}-{x}"),
        title: format!("{} against {}", capital(&shown(&y)), shown(&x)),
        caption: String::new(),
        point: None,
        x: scale(&x, xs),
        y: scale(&y, ys),
        layers,
    })
}

/// The median at each point, with its interval.
fn medians(run: &Run, arm: &Arm, x: &str, y: &str) -> Vec<(Mark, Point)> {
    let point = &run.summary().points[arm.point];
    let at = |column: &str| {
        point
            .axes
            .get(column)
            .copied()
            .or_else(|| arm.median(column))
    };
    let (Some(along), Some(up)) = (at(x), at(y)) else {
        return Vec::new();
    };
    let spread = arm.metrics.get(y);
    let says = spread.map_or_else(|| value(y, up), |spread| with_interval(kind(y), spread));
    let dot = Point::new(along, up).says(value(x, along), says);
    if !arm.ranked {
        return vec![(Mark::Hollow, dot)];
    }
    let mut marks = vec![(Mark::Line, Point::new(along, up)), (Mark::Dot, dot)];
    if let Some(interval) = spread.and_then(measure::summary::Spread::interval) {
        let band = Point::new(along, interval.high).to(along, interval.low);
        marks.push((Mark::Band, band));
    }
    marks
}

/// Each trial.
fn trials(run: &Run, arm: &Arm, x: &str, y: &str) -> Vec<(Mark, Point)> {
    let of =
        |row: &measure::RunRow, column: &str| row.setting(column).or_else(|| figure(row, column));
    run.counted()
        .filter(|(own, _)| std::ptr::eq(*own, arm))
        .filter_map(|(_, row)| {
            let (along, up) = (of(row, x)?, of(row, y)?);
            let says = format!("{}, trial {}", value(x, along), row.key.trial);
            Some((Mark::Dot, Point::new(along, up).says(says, value(y, up))))
        })
        .collect()
}

fn bars(runs: &[Run], wanted: &Wanted) -> Result<Chart, CustomError> {
    let y = axis_of(runs, wanted.y.as_deref(), "bars", "y")?;
    let unit = kind(&y);
    let (mut layers, mut names, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        let point = point_of(run, wanted)?;
        for arm in run.summary().arms_at(point) {
            let is_wanted = wanted.arms.is_empty() || wanted.arms.contains(&arm.arm);
            let Some(spread) = arm.metrics.get(&y).filter(|_| is_wanted) else {
                continue;
            };
            let row = names.len() as f64;
            names.push(if runs.len() > 1 {
                format!("{}, {}", arm.arm, run.summary().folder)
            } else {
                arm.arm.clone()
            });
            let weight = if arm.ranked { 0.7 } else { 0.2 };
            let block = Point::new(0.0, row - 0.3)
                .to(spread.median, row + 0.3)
                .weighing(weight)
                .says("median", with_interval(unit, spread));
            layers.push(Layer::new(&arm.arm, Mark::Block, vec![block]).named(name_of(arm)));
            ends.push(spread.median);
            if let Some(interval) = spread.interval() {
                ends.push(interval.high);
                let span = Point::new(interval.low, row).to(interval.high, row);
                layers.push(Layer::new(&arm.arm, Mark::Span, vec![span]));
            }
        }
    }
    Ok(Chart {
        kind: "bars",
        name: format!("bars-{y}"),
        title: capital(&shown(&y)),
        caption: String::new(),
        point: None,
        x: Axis::linear(&shown(&y), unit, ends),
        y: Axis::slots("", names).downwards(),
        layers,
    })
}

/// The column that a name means, if every run has it.
fn axis_of(
    runs: &[Run],
    name: Option<&str>,
    chart: &'static str,
    axis: &'static str,
) -> Result<String, CustomError> {
    let first = runs.first().map(choice).unwrap_or_default();
    let name = name.ok_or_else(|| CustomError::NoAxis {
        kind: chart,
        axis,
        choice: first.join(", "),
    })?;
    let column = AXES
        .iter()
        .find(|axis| axis.name == name)
        .map_or(name, |axis| axis.column);
    for run in runs {
        let known = choice(run);
        if !known.iter().any(|own| own == column) {
            return Err(CustomError::NoFigure {
                name: name.to_owned(),
                run: run.summary().folder.clone(),
                choice: known.join(", "),
            });
        }
    }
    Ok(column.to_owned())
}

/// The settings and metrics that a run has values of.
fn choice(run: &Run) -> Vec<String> {
    let summary = run.summary();
    let axes = run.folder.manifest.run.axes.iter().cloned();
    let mut names: Vec<String> = summary
        .arms
        .iter()
        .flat_map(|arm| arm.metrics.keys().cloned())
        .collect();
    names.sort();
    names.dedup();
    axes.chain(names).collect()
}

fn point_of(run: &Run, wanted: &Wanted) -> Result<usize, CustomError> {
    let points = &run.summary().points;
    let Some(label) = &wanted.point else {
        return Ok(0);
    };
    let found = points.iter().position(|point| point.label == *label);
    found.ok_or_else(|| CustomError::NoPoint {
        name: label.clone(),
        run: run.summary().folder.clone(),
        choice: points
            .iter()
            .map(|point| point.label.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    })
}

fn known_arm(run: &Run, arm: &str) -> Result<(), CustomError> {
    let arms = &run.folder.manifest.run.arms;
    if arms.iter().any(|own| own == arm) {
        return Ok(());
    }
    Err(CustomError::NoArm {
        name: arm.to_owned(),
        run: run.summary().folder.clone(),
        choice: arms.join(", "),
    })
}

/// What a column is called beside an axis.
fn shown(column: &str) -> String {
    let axis = AXES.iter().find(|axis| axis.column == column);
    axis.map_or_else(|| name(column), |axis| axis.name.to_owned())
}

fn value(column: &str, value: f64) -> String {
    if AXES.iter().any(|axis| axis.column == column) {
        setting(column, value)
    } else {
        kind(column).show(value)
    }
}
