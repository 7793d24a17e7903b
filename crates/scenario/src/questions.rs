//! What a scenario asks beyond the figures of one setting: sweeps, searches and expectations.

use std::cmp::Ordering;
use std::fmt;

use crate::{Axis, Figure, Scenario};

/// Settings to vary, and every combination of their values that is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// What varies, in the file's order.
    pub axes: Vec<&'static Axis>,
    /// Where it is measured: at least one, and no two alike. In a grid the last axis varies fastest.
    pub points: Vec<Point>,
}

/// One combination of a sweep's values.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// For a reader: `rate=100/s clients=10`.
    pub label: String,
    /// One value for each axis of the sweep, in the unit of its column.
    pub values: Vec<f64>,
    /// The settings here: no sweep, no search and no expectations, and the text of the whole file.
    pub scenario: Scenario,
}

/// A search for the highest or lowest value of an axis, for each arm, at which all conditions hold. It starts at the
/// value that stands in the axis's section.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// As written.
    pub text: String,
    /// Whether the highest value is wanted, or the lowest.
    pub highest: bool,
    /// What is moved.
    pub axis: &'static Axis,
    /// Where to look, in the unit of the axis's column; the scenario's value lies within. `None`: wherever the axis can go
    /// ([`Axis::range`]).
    pub between: Option<(f64, f64)>,
    /// What must hold; at least one.
    pub conditions: Vec<Condition>,
}

/// A figure of the arm compared with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As written.
    pub text: String,
    /// What is looked at.
    pub figure: &'static Figure,
    /// How it is compared.
    pub op: Op,
    /// In the unit of the figure's metric.
    pub value: f64,
}

impl Condition {
    /// Whether a measured `value`, in the metric's unit, meets the condition.
    pub fn holds(&self, value: f64) -> bool {
        self.op.holds(value, self.value)
    }
}

/// Something that must hold, or the run fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// As written.
    pub text: String,
    /// What stands before the comparison. At least one of the two sides is a figure.
    pub left: Side,
    /// How the sides are compared.
    pub op: Op,
    /// What stands after it.
    pub right: Side,
    /// The points of the sweep for which it must hold: those with all of these values. Empty: everywhere.
    pub at: Vec<(&'static Axis, f64)>,
}

impl Expect {
    /// Whether it must hold at this point of the sweep.
    pub fn concerns(&self, sweep: &Sweep, point: &Point) -> bool {
        self.at.iter().all(|(axis, wanted)| {
            let mut values = sweep.axes.iter().zip(&point.values);
            values.any(|(other, value)| other == axis && value.total_cmp(wanted).is_eq())
        })
    }
}

/// One side of an [`Expect`].
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A value, in the unit of the other side's metric.
    Value(f64),
    /// A figure times a factor.
    Figure {
        /// As written, or 1. Where one side's metric is in microseconds and the other's in nanoseconds, the right side's
        /// factor includes the step to the left one's unit.
        factor: f64,
        /// Whose figure. `None`: it must hold for every arm; on both sides, for each arm against itself.
        arm: Option<String>,
        /// Which one.
        figure: &'static Figure,
    },
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`, for counts only.
    Equal,
    /// `!=`, for counts only.
    Unequal,
}

impl Op {
    /// Every comparison.
    pub const ALL: [Op; 6] = [
        Op::Less,
        Op::AtMost,
        Op::More,
        Op::AtLeast,
        Op::Equal,
        Op::Unequal,
    ];

    /// Whether it holds; never where a side is not a number.
    #[expect(
        clippy::float_cmp,
        reason = "equality is for counts, which are whole and exact"
    )]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Op::Less => left < right,
            Op::AtMost => left <= right,
            Op::More => left > right,
            Op::AtLeast => left >= right,
            Op::Equal => left == right,
            Op::Unequal => left.partial_cmp(&right).is_some_and(Ordering::is_ne),
        }
    }

    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Op::Less => "<",
            Op::AtMost => "<=",
            Op::More => ">",
            Op::AtLeast => ">=",
            Op::Equal => "==",
            Op::Unequal => "!=",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.sign())
    }
}
