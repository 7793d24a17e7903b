//! The lessons, and what is known of each before its experiment: what somebody published, what the models say, and what the lab's own generator measured.
//!
//! A page measures in the browser and compares with what is computed here; its experiment's settings come from here too, so that models and
//! experiment can't differ. Titles and labels are those of `pushlab claims`, which runs the same experiments with native clients.
//!
//! | module | holds |
//! | --- | --- |
//! | `figure` | [`Facts`], [`Figure`] |
//! | `tolerance` | how far a browser's figure may be from the model's |
//! | `requests` | lessons of headers, connections and polls: 1, 2, 6, 7, 8, 9 |
//! | `held` | lessons of long-polls: 3, 4, 5, 14 |
//! | `limits` | lessons of what a browser limits: 11, 12, 15 |
//! | `kept` | figures of the kept run of `pushlab claims` |

mod figure;
mod held;
mod kept;
mod limits;
mod readings;
mod requests;
mod tolerance;

pub use figure::{Facts, Figure};
pub use readings::readings;

/// A lesson.
#[derive(Debug, Clone, Copy)]
pub struct Lesson {
    /// Its number, as it stands in its address and in `pushlab claims`.
    pub id: &'static str,
    /// What it is about, a few words.
    pub title: &'static str,
    /// What is known of its experiment.
    pub facts: fn() -> Facts,
}

/// All lessons that a page can show, in the order in which they are taught. 10 needs HTTP/2 and 13 a link that loses packets; those are for `pushlab claims`.
pub const LESSONS: &[Lesson] = &[
    lesson(
        "1",
        "871 bytes, 665 Mbit/s, 500:1?",
        requests::bytes_of_headers,
    ),
    lesson("2", "150 -> 50 ms?", requests::fresh_connections),
    lesson("3", "\"long-poll is slower\"", held::slow_events),
    lesson("4", "three transits", held::three_transits),
    lesson("5", "unbatched collapse", held::unbatched),
    lesson("6", "polling's delay is T/2", requests::half_an_interval),
    lesson("7", "useless requests", requests::useless_polls),
    lesson("8", "when polling wins", requests::when_polling_wins),
    lesson("9", "keep-alive", requests::keep_alive),
    lesson("11", "the seventh tab", limits::seventh_tab),
    lesson("12", "compression isn't free", limits::compression),
    lesson("14", "lost in the gap", held::lost_in_the_gap),
    lesson("15", "reconnect storm", limits::storm),
];

const fn lesson(id: &'static str, title: &'static str, facts: fn() -> Facts) -> Lesson {
    Lesson { id, title, facts }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn lessons_and_figures_are_told_apart_and_predictions_lie_in_their_ranges() {
        let ids: HashSet<&str> = LESSONS.iter().map(|lesson| lesson.id).collect();
        assert_eq!(ids.len(), LESSONS.len());
        for lesson in LESSONS {
            let facts = (lesson.facts)();
            let names: HashSet<&str> = facts.figures.iter().map(|figure| figure.name).collect();
            assert_eq!(names.len(), facts.figures.len(), "{}", lesson.id);
            for figure in facts.figures {
                if let Some((predicted, low, high)) = figure.prediction() {
                    assert!(
                        (low..=high).contains(&predicted),
                        "{} {figure:?}",
                        lesson.id
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_lesson_says_of_delays_can_be_told_apart() {
        // A tolerance that swallowed the effect would prove nothing.
        let range = |id: &str, name: &str| {
            let lesson = LESSONS.iter().find(|lesson| lesson.id == id).unwrap();
            let figures = (lesson.facts)().figures;
            let figure = figures.iter().find(|figure| figure.name == name).unwrap();
            (figure.low.unwrap(), figure.high.unwrap())
        };
        for (id, lesser, greater) in [
            ("2", "websocket", "fresh"),
            ("2", "kept", "fresh"),
            ("2", "fresh", "tls"),
            ("4", "websocket-10", "long-poll-10"),
            ("4", "websocket-200", "long-poll-200"),
            ("4", "long-poll-200", "long-poll-200-p99"),
            ("9", "delay-kept", "delay-fresh"),
            ("9", "rate-added", "delay-added"),
            ("14", "cursor", "no-cursor"),
        ] {
            let (lesser, greater) = (range(id, lesser), range(id, greater));
            assert!(lesser.1 < greater.0, "{id}: {lesser:?} {greater:?}");
        }
    }
}
