//! What a measurement is, how it is taken down, when it may be believed, and the files it is kept in.
//!
//! The crate is cut between *taking* and *keeping*. What takes (the recorder, the tallies) sits in the load
//! generator's innermost loop and allocates nothing; what keeps (rows, summary, folder) runs once a case and may
//! take its time. Between the two stands one value, the [`Measurement`]: one arm, one trial, its outcome and all
//! that was seen. Histograms are carried whole until percentiles are written down, so nothing is ever averaged that
//! must not be.
//!
//! Nothing here knows a transport or a socket; of scenarios it knows the axes, the figures and the expectations.
//!
//! - [`clock`]: the one monotonic clock, and the stamp of a message
//! - [`latency`]: the seven histograms and what is read from them
//! - [`recovery`]: what faults did to the sessions, and how they came back
//! - [`recorder`]: takes latencies down, in one-second intervals, without allocating
//! - [`delivery`]: the oracle: expected, delivered, lost, duplicated, reordered, a count for each
//! - [`counts`]: counts, bytes and errors apart by kind
//! - [`usage`]: CPU and memory of the server and of the generator
//! - [`pauses`]: a thread that notices when the whole process was stopped
//! - [`flight`]: requests in flight, integrated over time, for Little's law
//! - [`verdict`]: the guards that decide whether a measurement may be believed
//! - [`statistics`]: intervals, comparisons and tests over trials, and the self-test's formulas
//! - [`measurement`]: all of it together
//! - [`rows`]: a row of `runs.csv` and of `intervals.csv`
//! - [`summary`]: medians over the trials and comparisons: `summary.json`
//! - [`selftest`]: what the lab's last self-test showed: `selftest.json`
//! - [`manifest`]: the machine, the build, the command: `manifest.json`
//! - [`folder`]: the result folder, written so that an interrupted run can be read

pub mod clock;
pub mod counts;
pub mod delivery;
pub mod flight;
pub mod folder;
pub mod latency;
pub mod link;
pub mod manifest;
pub mod measurement;
pub mod pauses;
pub mod prediction;
pub mod recorder;
pub mod recovery;
mod replace;
pub mod rows;
pub mod selftest;
pub mod statistics;
pub mod summary;
pub mod usage;
pub mod verdict;

pub use clock::{Stamp, now};
pub use counts::{Counts, Errors, IpTraffic, Traffic};
pub use delivery::{Delivery, Oracle, Published, Receipt, Tally};
pub use flight::Flight;
pub use folder::{Folder, FolderError, FolderWriter, Histograms};
pub use latency::{Distribution, Latencies, Which};
pub use link::{Impairment, LinkReport};
pub use manifest::{Manifest, Status};
pub use measurement::{Key, Little, Measurement, Outcome, Slip};
pub use pauses::{PauseMonitor, Pauses};
pub use prediction::Prediction;
pub use recorder::Recorder;
pub use recovery::Recovery;
pub use replace::replace;
pub use rows::{IntervalRow, RunRow};
pub use selftest::SelfTest;
pub use summary::Summary;
pub use usage::{CpuTime, GeneratorUsage, MemoryUsage, ProcessUsage, Usage};
pub use verdict::{Breach, Guards, Verdict};
