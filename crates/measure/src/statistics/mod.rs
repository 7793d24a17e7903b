//! The statistics of the lab: what may be said from a handful of trials, and the truths that the self-test holds it to.
//!
//! Pure functions: values in, values out, and the same seed gives the same answer. Each names its source, and is
//! proved by simulation: where the truth is known, an interval must hold it as often as it says.
//!
//! The trial is the unit everywhere: samples within a trial share its scheduling, its cache and its
//! temperature, and a million of them are still one trial.
//!
//! - [`mod@median`]: the median over trials and its interval
//! - [`mod@contrast`]: two arms: ratio, interval, least detectable effect, finding
//! - [`mod@merged`]: quantiles of merged histograms and their intervals
//! - [`mod@crossover`]: where along an axis the better arm changes
//! - [`mod@trend`]: Mann-Kendall, the test that ends the warm-up
//! - [`mod@fit`]: Kolmogorov-Smirnov and Anderson-Darling, the law of the send times
//! - [`mod@queue`]: M/D/1, M/M/1, Lindley's recursion, the freeze law
//! - [`mod@binomial`]: how many false claims are still chance

pub mod binomial;
pub mod contrast;
pub mod crossover;
mod distributions;
pub mod fit;
pub mod median;
pub mod merged;
pub mod queue;
mod ranks;
mod resample;
pub mod trend;

pub use contrast::{Contrast, Finding, compare};
pub use crossover::{Crossing, Crossover, Point, Side, crossover};
pub use fit::{Fit, anderson_darling, kolmogorov_smirnov};
pub use median::{Interval, LEAST_TRIALS, median, median_interval};
pub use merged::TrialHistograms;
pub use trend::{Trend, mann_kendall};
