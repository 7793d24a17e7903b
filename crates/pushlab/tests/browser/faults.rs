//! What is wrong with the pages. A test that stops at the first fault of the first page would have to be run as often as there are faults.

use std::fmt::Display;

use browser::BrowserError;

/// What is wrong with one page.
#[derive(Default)]
pub(crate) struct Faults(Vec<String>);

/// What is wrong, and the pages that it is wrong on.
#[derive(Default)]
pub(crate) struct AllFaults(Vec<(String, Vec<String>)>);

impl Faults {
    /// A page is loaded more than once; what it says each time is told once.
    pub(crate) fn add(&mut self, fault: impl Display) {
        let fault = fault.to_string();
        if !self.0.contains(&fault) {
            self.0.push(fault);
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
}

impl AllFaults {
    pub(crate) fn add(&mut self, page: &str, faults: Faults) {
        for fault in faults.0 {
            match self.0.iter_mut().find(|(known, _)| *known == fault) {
                Some((_, pages)) => pages.push(page.into()),
                None => self.0.push((fault, vec![page.into()])),
            }
        }
    }

    /// Fails if there is any fault, and tells all.
    pub(crate) fn assert_none(&self) {
        let lines = self.0.iter();
        let lines = lines.map(|(fault, pages)| format!("{fault}\n    on {}\n", pages.join(", ")));
        let told: String = lines.collect();
        assert!(self.0.is_empty(), "{} faults:\n{told}", self.0.len());
    }
}
