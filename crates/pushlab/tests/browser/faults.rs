//! What is wrong with a page. A test that stops at the first fault of fourteen pages would have to be run fourteen times.

use std::fmt::Display;

use browser::BrowserError;

/// The faults of one page.
pub(crate) struct Faults {
    page: String,
    lines: Vec<String>,
}

impl Faults {
    pub(crate) fn of(page: &str) -> Self {
        Self {
            page: page.into(),
            lines: Vec::new(),
        }
    }

    /// A page is loaded more than once; what it says each time is told once.
    pub(crate) fn add(&mut self, fault: impl Display) {
        let line = format!("{}: {fault}", self.page);
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    pub(crate) fn unless(&mut self, holds: bool, fault: impl Display) {
        if !holds {
            self.add(fault);
        }
    }

    /// A step that couldn't be done is a fault, and the next step is tried all the same.
    pub(crate) fn try_to(&mut self, step: &str, outcome: Result<(), BrowserError>) {
        if let Err(error) = outcome {
            self.add(format_args!("{step}: {error}"));
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
