//! Scenario files: what one experiment asks, as typed values.
//!
//! A scenario is a TOML file that names a question, a kind of traffic, the transports to compare (the *arms*) and how
//! long, how hard and how often to measure. This crate turns its text into a [`Scenario`] once, strictly: a field that is
//! unknown, of the wrong type, out of range, or that nothing in this scenario would execute is an error which names file,
//! line, column and field, and says what would be right. Whatever comes out can be run as it stands; nothing downstream
//! checks it again.
//!
//! It is cut off from everything that runs so that a file can be judged without a server, and knows the transports only as
//! names with the options that each executes ([`ArmInfo`]).
//!
//! | module | holds |
//! | --- | --- |
//! | `model` | the types: [`Scenario`], [`Kind`], [`Load`], [`Population`], the settings |
//! | `link` | the network between: [`Link`], and [`PROFILES`] with their sources |
//! | `faults` | what goes wrong on purpose, and who comes back: [`Fault`], [`Reconnect`] |
//! | `questions` | what is asked beyond one setting: [`Sweep`], [`Find`], [`Expect`] |
//! | `axes` | [`AXES`]: every numeric setting, which a sweep varies and a search moves |
//! | `figures` | [`FIGURES`]: every figure that a search or an expectation may name |
//! | `cases` | [`Scenario::cases`]: one [`Case`] for each arm, point and trial, in interleaved order |
//! | `overrides` | what the command line may change: [`Scenario::quick`] and the `with_…` functions |
//! | `parse` | [`parse`] and [`load`]: text to [`Scenario`], one file a section |
//! | `fields` | a TOML table that is read field by field, and complains about what is left |
//! | `unit` | durations, sizes and rates with their units |
//! | `limits` | the ranges of the settings |
//! | `error` | [`ScenarioError`] |

mod axes;
mod cases;
mod error;
mod faults;
mod fields;
mod figures;
mod limits;
mod link;
mod model;
mod overrides;
mod parse;
mod questions;
mod unit;

pub use axes::{AXES, Axis, axis};
pub use cases::Case;
pub use error::ScenarioError;
pub use faults::{Cut, Fault, Reconnect, What};
pub use figures::{FIGURES, Figure, Unit, figure};
pub use limits::{LEAST_LINK_QUEUE, LONGEST_DELAY, MOST_BANDWIDTH, MOST_LINK_QUEUE, MOST_SET_UP};
pub use link::{Backend, Between, JitterLaw, Link, PROFILES, Path, Profile, profile};
pub use model::{
    Arrivals, ClientSettings, Connection, Kind, Load, Pace, PollPacing, Population, Scenario,
    ServerSettings, SlowConsumer,
};
pub use parse::{ArmInfo, load, parse};
pub use questions::{Condition, Expect, Find, Op, Point, Side, Sweep};
pub use unit::{parse_bit_rate, parse_duration, parse_rate, parse_share, parse_size};
