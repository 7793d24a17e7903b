//! A row of `runs.csv` and of `intervals.csv`.
//!
//! A row lists its columns once, in a visit, and both the writer and the reader follow that list: they can't disagree.

mod cells;
mod interval;
mod run;

pub(crate) use cells::{Row, read, write};
pub use interval::IntervalRow;
pub use run::RunRow;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Which;

    /// Whoever adds a column says in the results' README what it holds.
    #[test]
    fn every_column_is_documented() {
        let readme = include_str!("../../../../results/README.md");
        let names = |file: Vec<u8>| String::from_utf8(file).unwrap().trim().to_owned();
        let runs = names(write::<RunRow>(&[]).unwrap());
        let intervals = names(write::<IntervalRow>(&[]).unwrap());
        let latencies = || {
            Which::ALL
                .iter()
                .map(|which| which.column())
                .chain(["connect"])
        };
        for column in runs.split(',').chain(intervals.split(',')) {
            let figure =
                latencies().find_map(|latency| column.strip_prefix(latency)?.strip_prefix('_'));
            let entry = figure.map_or(format!("`{column}`"), |figure| {
                format!("`<latency>_{figure}`")
            });
            assert!(
                readme.contains(&entry),
                "results/README.md says nothing of {entry}"
            );
        }
        for metric in crate::summary::metrics() {
            assert!(
                readme.contains(&format!("`{metric}`")),
                "results/README.md says nothing of `{metric}`"
            );
        }
    }
}
