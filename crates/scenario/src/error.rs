//! What can be wrong with a scenario file.

use std::path::PathBuf;

/// Why a scenario file can't be run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file can't be read.
    #[error("{}: cannot read the scenario: {reason}", path.display())]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The text isn't a scenario.
    #[error("{file}:{line}:{column}: {message}")]
    Invalid {
        /// The file's name, as given.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// The field, what is wrong with it and what would be right.
        message: String,
    },
}

impl ScenarioError {
    /// Says at which point of a sweep the scenario is wrong.
    pub(crate) fn at_point(mut self, label: &str) -> Self {
        if let Self::Invalid { message, .. } = &mut self {
            *message = format!("{message} (at the point {label} of the sweep)");
        }
        self
    }
}
