//! A chart as data: axes, layers of points, what each point says. How it is drawn is another matter.
//!
//! Every chart is made once, from the files of a run, and drawn thrice: wide and narrow for the page, and by itself as an
//! SVG or PNG file. So nothing here knows a size in pixels.
//!
//! | module | holds |
//! | --- | --- |
//! | `axis` | scales and their ticks |
//! | `palette` | the colour and the marker of each arm |
//! | `document` | a chart by itself: an SVG file |
//! | `draw` | a chart to shapes, by plotters |
//! | `svg` | shapes to SVG that a style sheet can recolour: plotters' backend |
//! | `png` | an SVG file to pixels |

mod axis;
mod document;
mod draw;
mod palette;
mod png;
mod svg;

pub(crate) use axis::{Axis, Scale};
pub(crate) use document::{document, tall};
pub(crate) use draw::{Drawing, Size, drawing, speaking};
pub(crate) use palette::Palette;
pub use png::PngError;
pub(crate) use png::png;
pub(crate) use svg::escape;

/// What is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// Which kind of chart, such as `percentiles`.
    pub(crate) kind: &'static str,
    /// Its name among the charts of a run, and that of its files: `percentiles`, `sweep-latency_p99_ns`.
    pub(crate) name: String,
    /// What it shows, in a line.
    pub(crate) title: String,
    /// How to read it, in a sentence or two.
    pub(crate) caption: String,
    /// The point of a sweep that it is of; none if it is of all.
    pub(crate) point: Option<usize>,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// From the back to the front.
    pub(crate) layers: Vec<Layer>,
}

/// Marks of one kind, of one arm.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// The arm that gives the colour, and that a reader may switch off; none for what belongs to all.
    pub(crate) arm: Option<String>,
    /// What a reader is told it is; the arm's name, most often.
    pub(crate) name: String,
    pub(crate) mark: Mark,
    pub(crate) points: Vec<Point>,
}

/// How points are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A line from point to point.
    Line,
    /// A dashed line.
    Dashed,
    /// A faint line: one of many.
    Thread,
    /// The area between `y` and `y2`, faint.
    Band,
    /// The area between `y` and `y2` with a line on top.
    Ridge,
    /// The arm's marker.
    Dot,
    /// The arm's marker, hollow: where something didn't hold.
    Hollow,
    /// A rectangle from (`x`, `y`) to (`x2`, `y2`), as opaque as `weight` says, with its label inside.
    Block,
    /// A thin line from (`x`, `y`) to (`x2`, `y2`): an interval.
    Span,
}

/// A point and what it says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// The other corner of what has one.
    pub(crate) x2: f64,
    pub(crate) y2: f64,
    /// Opacity of a block, 0 to 1; up to 0.45 its label can be read on it, light or dark.
    pub(crate) weight: f64,
    /// Drawn in a block.
    pub(crate) label: String,
    /// What a reader who points at it is told: where it is. Nothing if it is not to be pointed at.
    pub(crate) at: String,
    /// … and what is there.
    pub(crate) value: String,
}

impl Point {
    pub(crate) fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            x2: x,
            y2: y,
            weight: 1.0,
            ..Self::default()
        }
    }

    pub(crate) fn to(self, x2: f64, y2: f64) -> Self {
        Self { x2, y2, ..self }
    }

    pub(crate) fn says(self, at: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            value: value.into(),
            ..self
        }
    }

    pub(crate) fn labelled(self, label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..self
        }
    }

    pub(crate) fn weighing(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// Whether a reader may point at it.
    pub(crate) fn speaks(&self) -> bool {
        !self.value.is_empty()
    }
}

impl Layer {
    pub(crate) fn new(arm: &str, mark: Mark, points: Vec<Point>) -> Self {
        Self {
            arm: Some(arm.to_owned()),
            name: arm.to_owned(),
            mark,
            points,
        }
    }

    pub(crate) fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }
}

impl Chart {
    /// The arms in it, in the order of their first layer.
    pub(crate) fn arms(&self) -> Vec<&str> {
        let mut arms = Vec::new();
        for arm in self.layers.iter().filter_map(|layer| layer.arm.as_deref()) {
            if !arms.contains(&arm) {
                arms.push(arm);
            }
        }
        arms
    }
}
