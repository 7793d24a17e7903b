//! What a `find` found: the greatest (or least) value of a setting at which its conditions hold.

use serde::{Deserialize, Serialize};

/// What was found for one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The arm.
    pub arm: String,
    /// The search as the scenario has it.
    pub find: String,
    /// The setting, by its column in `runs.csv`.
    pub axis: String,
    /// How it ended.
    pub end: SearchEnd,
    /// The best value at which all conditions held: the answer.
    pub holds_at: Option<f64>,
    /// The nearest value beyond it at which one didn't: the answer lies between the two.
    pub fails_at: Option<f64>,
    /// Every value that was tried, in order.
    pub probes: Vec<Probe>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchEnd {
    /// The two values are as near as was asked for.
    Found,
    /// The conditions hold up to the end of the range: the answer is at least this.
    AlwaysHeld,
    /// They hold nowhere in the range.
    NeverHeld,
    /// Beyond the answer the generator, not the transport, was the limit: the answer is at least this.
    GeneratorLimited,
    /// The user stopped it.
    Interrupted,
}

/// One value that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The value.
    pub value: f64,
    /// Trials at it; more than half of them decide.
    pub trials: u32,
    /// Whether the conditions held; null if no valid trial could tell.
    pub held: Option<bool>,
    /// Which condition didn't, and by how much; or why nothing could be told.
    pub reason: String,
}
