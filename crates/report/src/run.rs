//! A result folder that has been read and checked: what tables, charts and pages are made from.

use std::path::Path;

use hdrhistogram::Histogram;
use measure::latency::DIGITS;
use measure::summary::{Arm, Summary};
use measure::{Folder, FolderError, Histograms, RunRow, Which};

use crate::text::rows_of;

/// A run, as its files tell it.
#[derive(Debug)]
pub struct Run {
    /// Its tables.
    pub folder: Folder,
    /// Its latencies, case by case.
    histograms: Histograms,
}

impl Run {
    /// Reads the folder at `path` and checks that its files say the same.
    ///
    /// # Errors
    /// A file is missing, malformed, or disagrees with another; the error names file and line.
    pub fn read(path: &Path) -> Result<Self, FolderError> {
        let folder = Folder::read(path)?;
        let histograms = folder.verify()?;
        Ok(Self { folder, histograms })
    }

    pub(crate) fn summary(&self) -> &Summary {
        &self.folder.summary
    }

    /// The latency that answers the scenario's question; none for `idle`.
    pub(crate) fn headline(&self) -> Option<Which> {
        let summary = self.summary();
        Which::ALL
            .into_iter()
            .find(|which| which.name() == summary.latency)
    }

    /// The latencies of an arm, its trials that count merged; none without a sample.
    pub(crate) fn merged(&self, arm: &Arm, which: Which) -> Option<Histogram<u64>> {
        let rows = rows_of(&self.folder, arm);
        // It grows with what is added.
        let mut total = Histogram::new(DIGITS).ok()?;
        for row in rows {
            if let Some(samples) = self.histograms.get(&row.key, which) {
                total.add(samples).ok()?;
            }
        }
        (!total.is_empty()).then_some(total)
    }

    /// Whether an arm's clients opened no connection: what the harness itself costs, no rival of the others.
    pub(crate) fn is_floor(&self, arm: &Arm) -> bool {
        crate::text::is_floor(&self.folder, arm)
    }

    /// The label of a point; empty without a sweep.
    pub(crate) fn label(&self, point: usize) -> &str {
        self.summary()
            .points
            .get(point)
            .map_or("", |point| point.label.as_str())
    }

    /// The rows that count at all points.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (&Arm, &RunRow)> {
        self.summary().arms.iter().flat_map(|arm| {
            rows_of(&self.folder, arm)
                .into_iter()
                .map(move |row| (arm, row))
        })
    }
}
