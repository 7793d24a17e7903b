//! What changed between two runs, or machines, or commits.
//!
//! First what differs around the runs (the machine, the build, the settings), since a ratio between two machines says little about a
//! commit. Then each figure of each arm at each point, trial values against trial values by the same test that compares two arms of one
//! run ([`measure::statistics::contrast`]), so that a difference within its interval is told as "no difference seen".
//! An arm that is not ranked in both runs is never compared.
//!
//! | module | holds |
//! | --- | --- |
//! | `scenarios` | whether both runs are of the same scenario |
//! | `circumstances` | what differs in the manifests |
//! | `figures` | the comparison of the figures |
//! | `counts` | losses, and trials that failed |
//! | `worse` | what got worse by more than somebody allows |
//! | `words` | the first sentence, and findings in words |
//! | `text`, `markdown` | the whole for a terminal, and for a pull request |

mod circumstances;
mod counts;
mod figures;
mod markdown;
mod scenarios;
mod text;
mod words;
mod worse;

use measure::summary::{SearchEnd, Summary};
use measure::{Folder, Status};
use serde::{Deserialize, Serialize};

pub use circumstances::Circumstance;
pub use counts::Count;
pub use figures::{Figure, Finding, Side};

/// What changed from run `a` to run `b`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// The run before.
    pub a: Run,
    /// The run after.
    pub b: Run,
    /// In what the two scenarios differ, comments apart; none if they are the same.
    pub scenario_difference: Option<String>,
    /// What else differs around the runs.
    pub circumstances: Vec<Circumstance>,
    /// Each figure by which arms are compared, of each arm at each point that both runs have.
    pub figures: Vec<Figure>,
    /// How many of the compared figures differ by chance in the mean, even if nothing has changed: 5 % of them.
    pub by_chance: f64,
    /// Losses and failed trials, where there are any.
    pub counts: Vec<Count>,
    /// What a search found, for each arm that both runs have. The points of a search are its own and not compared.
    pub searches: Vec<Search>,
    /// Arms that only one of the runs has, at a point.
    pub only: Vec<Only>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its folder, as it was given.
    pub folder: String,
    /// The scenario's name.
    pub scenario: String,
    /// The commit of the pushlab that measured it.
    pub commit: Option<String>,
    /// How it ended.
    pub status: Status,
    /// Whether it was cut short for a quick look.
    pub quick: bool,
}

/// The answers to a `find`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The arm.
    pub arm: String,
    /// The search as the scenario has it.
    pub find: String,
    /// The setting, by its column in `runs.csv`.
    pub axis: String,
    /// The answer of run `a`; none if it has none.
    pub a: Option<f64>,
    /// How that search ended.
    pub a_end: SearchEnd,
    /// The answer of run `b`.
    pub b: Option<f64>,
    /// How that search ended.
    pub b_end: SearchEnd,
}

/// An arm that only one of the runs has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Only {
    /// `a` or `b`.
    pub run: Which,
    /// The point's label; empty without a sweep.
    pub point: String,
    /// The arm.
    pub arm: String,
}

/// One of the two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The run before.
    A,
    /// The run after.
    B,
}

impl Diff {
    /// What changed from `a` to `b`. Both should have been [verified](Folder::verify).
    pub fn of(a: &Folder, b: &Folder) -> Self {
        let searched = !a.summary.searches.is_empty() || !b.summary.searches.is_empty();
        let pairs = if searched {
            Vec::new()
        } else {
            figures::pairs(a, b)
        };
        let figures = figures::all(&pairs);
        let compared = figures.iter().filter(|figure| figure.is_judged()).count();
        Self {
            a: Run::of(a),
            b: Run::of(b),
            scenario_difference: scenarios::difference(a, b),
            circumstances: circumstances::all(&a.manifest, &b.manifest),
            figures,
            by_chance: compared as f64 * ALPHA,
            counts: counts::all(a, b, &pairs),
            searches: searches(&a.summary, &b.summary),
            only: if searched {
                Vec::new()
            } else {
                only(&a.summary, &b.summary)
            },
        }
    }

    /// For a terminal.
    pub fn text(&self, look: crate::Look) -> String {
        text::text(self, look)
    }

    /// For a pull request.
    pub fn markdown(&self) -> String {
        markdown::markdown(self)
    }

    /// The answer in one sentence.
    pub fn sentence(&self) -> String {
        words::sentence(self)
    }
}

/// The share of comparisons that claim a difference where there is none.
const ALPHA: f64 = 0.05;

impl Run {
    fn of(folder: &Folder) -> Self {
        Self {
            folder: folder.path.display().to_string(),
            scenario: folder.summary.scenario.clone(),
            commit: folder.manifest.build.git_commit.clone(),
            status: folder.manifest.status,
            quick: folder.summary.quick,
        }
    }
}

fn searches(a: &Summary, b: &Summary) -> Vec<Search> {
    let both = a.searches.iter().filter_map(|own| {
        let is_it =
            |other: &&measure::summary::Search| other.arm == own.arm && other.axis == own.axis;
        let other = b.searches.iter().find(is_it)?;
        Some(Search {
            arm: own.arm.clone(),
            find: own.find.clone(),
            axis: own.axis.clone(),
            a: own.holds_at,
            a_end: own.end,
            b: other.holds_at,
            b_end: other.end,
        })
    });
    both.collect()
}

/// Arms that were run in one of them only.
fn only(a: &Summary, b: &Summary) -> Vec<Only> {
    let of = |run: Which, own: &Summary, other: &Summary| -> Vec<Only> {
        let arms = own.arms.iter().filter(|arm| !arm.trials.is_empty());
        let alone = arms.filter_map(|arm| {
            let point = own.points.get(arm.point)?.label.clone();
            let there = figures::find(other, &point, &arm.arm);
            there.is_none_or(|arm| arm.trials.is_empty()).then(|| Only {
                run,
                point,
                arm: arm.arm.clone(),
            })
        });
        alone.collect()
    };
    let mut all = of(Which::A, a, b);
    all.extend(of(Which::B, b, a));
    all
}
