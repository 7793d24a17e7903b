//! The lessons, and what the models say of each: a page measures, and compares with what is computed here.

use serde::Serialize;

/// A lesson.
#[derive(Debug, Clone, Copy)]
pub struct Lesson {
    /// Its number, as it stands in its address.
    pub id: &'static str,
    /// What it is about, a few words.
    pub title: &'static str,
    /// What the models say of its experiment.
    pub facts: fn() -> Vec<Fact>,
}

/// A figure of a lesson's experiment before it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fact {
    /// Its name on the page: `data-figure`.
    pub figure: &'static str,
    /// What a reader sees beside it.
    pub label: &'static str,
    /// The unit of all its numbers; empty for a share or a ratio.
    pub unit: &'static str,
    /// What somebody has published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<f64>,
    /// What the model says.
    pub predicted: f64,
    /// From where on a measured figure is what the model says.
    pub low: f64,
    /// Up to where it is.
    pub high: f64,
}

/// All lessons, in the order in which they are taught.
pub const LESSONS: &[Lesson] = &[Lesson {
    id: "1",
    title: "How old news is when you poll for it",
    facts: || {
        let interval = 1_000.0;
        let mean = model::poll::mean_age(interval, 0.0, 0.0);
        let deviation = model::poll::age_deviation(interval);
        vec![
            Fact {
                figure: "mean",
                label: "mean age of an event",
                unit: "ms",
                published: None,
                predicted: mean,
                low: mean * 0.8,
                high: mean * 1.2,
            },
            Fact {
                figure: "deviation",
                label: "standard deviation of the age",
                unit: "ms",
                published: None,
                predicted: deviation,
                low: deviation * 0.8,
                high: deviation * 1.2,
            },
        ]
    },
}];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_told_apart_and_predictions_lie_in_their_ranges() {
        for (place, lesson) in LESSONS.iter().enumerate() {
            let twice = LESSONS[..place].iter().any(|other| other.id == lesson.id);
            assert!(!twice, "{}", lesson.id);
            for fact in (lesson.facts)() {
                let range = fact.low..=fact.high;
                assert!(range.contains(&fact.predicted), "{} {fact:?}", lesson.id);
            }
        }
    }
}
