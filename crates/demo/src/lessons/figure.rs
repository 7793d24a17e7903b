//! What is known of a lesson's experiment before it is run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::kept;

/// An experiment's settings, and its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// What the page's experiment is set to, with units in the names.
    pub settings: BTreeMap<&'static str, f64>,
    /// What it measures, in the order of the page's table.
    pub figures: Vec<Figure>,
}

/// A figure of a lesson's experiment before it was measured. All its numbers have the same unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// Its name on the page: `data-figure`.
    #[serde(rename = "figure")]
    pub name: &'static str,
    /// What a reader sees beside it.
    pub label: &'static str,
    /// The unit; `x` for a ratio, empty for a count.
    pub unit: &'static str,
    /// What somebody has published.
    pub published: Option<f64>,
    /// Whether its source was `read`, only in its `abstract`, or is `unverified`.
    pub mark: Option<&'static str>,
    /// What the model says.
    pub predicted: Option<f64>,
    /// From where on a measured figure is what the model says.
    pub low: Option<f64>,
    /// Up to where it is.
    pub high: Option<f64>,
    /// Why published and measured differ, where they do.
    pub because: Option<&'static str>,
    /// What the kept run of `pushlab claims` measured, with native clients.
    pub native: Option<f64>,
}

impl Facts {
    /// Facts of the lesson `id`: figures whose labels its native twin has too get what that measured.
    pub(super) fn new(
        id: &str,
        settings: impl IntoIterator<Item = (&'static str, f64)>,
        figures: impl IntoIterator<Item = Figure>,
    ) -> Self {
        let with_native = |figure: Figure| Figure {
            native: kept::measured(id, figure.label),
            ..figure
        };
        Self {
            settings: settings.into_iter().collect(),
            figures: figures.into_iter().map(with_native).collect(),
        }
    }
}

impl Figure {
    pub(super) const fn new(name: &'static str, label: &'static str, unit: &'static str) -> Self {
        Self {
            name,
            label,
            unit,
            published: None,
            mark: None,
            predicted: None,
            low: None,
            high: None,
            because: None,
            native: None,
        }
    }

    pub(super) const fn ms(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, "ms")
    }

    /// What a source that was read says.
    pub(super) const fn published(self, value: f64) -> Self {
        self.published_as(value, "read")
    }

    pub(super) const fn published_as(mut self, value: f64, mark: &'static str) -> Self {
        (self.published, self.mark) = (Some(value), Some(mark));
        self
    }

    /// The model's value, and the range in which a browser's may be.
    pub(super) const fn predicted(mut self, value: f64, range: (f64, f64)) -> Self {
        self.predicted = Some(value);
        self.within(range)
    }

    /// A value without any tolerance: counted, not timed.
    pub(super) const fn exactly(self, value: f64) -> Self {
        self.predicted(value, (value, value))
    }

    /// A range, where a model gives no single value.
    pub(super) const fn within(mut self, (low, high): (f64, f64)) -> Self {
        (self.low, self.high) = (Some(low), Some(high));
        self
    }

    pub(super) const fn because(mut self, reason: &'static str) -> Self {
        self.because = Some(reason);
        self
    }

    /// What the model says and its range, if it says a value.
    pub fn prediction(&self) -> Option<(f64, f64, f64)> {
        Some((self.predicted?, self.low?, self.high?))
    }
}
