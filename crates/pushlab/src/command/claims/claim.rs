//! What a claim is made of: figures, each with what was published, what a model says and what is measured.

use measure::statistics::{median, median_interval};

use super::seen::{Measured, Seen};

/// Something that was published, or a lesson of the course.
pub(super) struct Claim {
    /// As on the command line: `4`, `rfc6202`.
    pub(super) id: &'static str,
    /// What it says, in a few words.
    pub(super) title: &'static str,
    /// Who said it, and how well it is known here.
    pub(super) source: Option<(&'static str, Mark)>,
    /// The scenarios that are run for it.
    pub(super) scenarios: &'static [&'static str],
    /// Whether it also replays the printed headers.
    pub(super) replays: bool,
    pub(super) figures: Vec<Figure>,
    /// What is missing, if it can't be put to the test yet.
    pub(super) open: Option<&'static str>,
}

/// How well a published number is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The text was read.
    Read,
    /// Only its abstract was.
    Abstract,
    /// Recalled, never read.
    Unverified,
}

impl Mark {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Abstract => "abstract",
            Self::Unverified => "unverified",
        }
    }
}

/// One number.
pub(super) struct Figure {
    /// Of what.
    pub(super) what: &'static str,
    /// `ms`, `%`, `B`, `x` (a ratio), `/s`.
    pub(super) unit: &'static str,
    pub(super) published: Option<f64>,
    pub(super) predicted: Option<f64>,
    agree: Agree,
    because: Option<&'static str>,
    measure: Box<dyn Fn(&Seen) -> Measured>,
}

/// When a measured value agrees.
#[derive(Clone, Copy, Debug)]
enum Agree {
    /// With the prediction, or without one with what was published: within a share of it, or so much.
    Near { share: f64, slack: f64 },
    /// It is at most what was published, or predicted.
    AtMost,
    /// It is at least that.
    AtLeast,
}

/// The rule where a model is exact: 5 %, or 2 ms.
const EXACT: Agree = Agree::Near {
    share: 0.05,
    slack: 2.0,
};

impl Figure {
    /// A latency in milliseconds, to agree within 5 % or 2 ms.
    pub(super) fn ms(what: &'static str, measure: impl Fn(&Seen) -> Measured + 'static) -> Self {
        Self::new(what, "ms", EXACT, measure)
    }

    /// Any other number, to agree within a share.
    pub(super) fn of(
        what: &'static str,
        unit: &'static str,
        share: f64,
        measure: impl Fn(&Seen) -> Measured + 'static,
    ) -> Self {
        Self::new(what, unit, Agree::Near { share, slack: 0.0 }, measure)
    }

    fn new(
        what: &'static str,
        unit: &'static str,
        agree: Agree,
        measure: impl Fn(&Seen) -> Measured + 'static,
    ) -> Self {
        Self {
            what,
            unit,
            published: None,
            predicted: None,
            agree,
            because: None,
            measure: Box::new(measure),
        }
    }

    pub(super) fn published(self, value: f64) -> Self {
        Self {
            published: Some(value),
            ..self
        }
    }

    pub(super) fn predicted(self, value: f64) -> Self {
        Self {
            predicted: Some(value),
            ..self
        }
    }

    /// Differences up to so much don't count, whatever share they are.
    pub(super) fn give_or_take(self, slack: f64) -> Self {
        let agree = match self.agree {
            Agree::Near { share, .. } => Agree::Near { share, slack },
            other => other,
        };
        Self { agree, ..self }
    }

    /// What was said is an upper limit.
    pub(super) fn at_most(self) -> Self {
        Self {
            agree: Agree::AtMost,
            ..self
        }
    }

    /// What was said is a lower limit.
    pub(super) fn at_least(self) -> Self {
        Self {
            agree: Agree::AtLeast,
            ..self
        }
    }

    /// Why what was published isn't what the model says, or what is measured.
    pub(super) fn because(self, reason: &'static str) -> Self {
        Self {
            because: Some(reason),
            ..self
        }
    }

    /// Holds what was seen against it.
    pub(super) fn judge(&self, seen: &Seen) -> Judged {
        let values = match (self.measure)(seen) {
            Ok(values) => values,
            Err(reason) => {
                return Judged {
                    measured: None,
                    interval: None,
                    verdict: Verdict::NotMeasured,
                    reason,
                };
            }
        };
        let interval = median_interval(&values, SEED).map(|own| (own.low, own.high));
        let Some(measured) = median(&values) else {
            return Judged {
                measured: None,
                interval: None,
                verdict: Verdict::NotMeasured,
                reason: "no trial has this figure".to_owned(),
            };
        };
        let (verdict, reason) = self.verdict(measured);
        Judged {
            measured: Some(measured),
            interval,
            verdict,
            reason,
        }
    }

    fn verdict(&self, measured: f64) -> (Verdict, String) {
        let agrees = |target: f64| self.agree.holds(measured, target);
        let differs = || {
            let reason = self.because.unwrap_or_default();
            (Verdict::Differs, reason.to_owned())
        };
        match (self.predicted, self.published) {
            (Some(predicted), published) => {
                if !agrees(predicted) {
                    (Verdict::NotReproduced, self.off(measured, predicted))
                } else if published.is_some_and(|published| !agrees(published)) {
                    differs()
                } else {
                    (Verdict::Reproduced, String::new())
                }
            }
            (None, Some(published)) if agrees(published) => (Verdict::Reproduced, String::new()),
            (None, Some(_)) if self.because.is_some() => differs(),
            (None, Some(published)) => (Verdict::NotReproduced, self.off(measured, published)),
            (None, None) => (Verdict::Shown, String::new()),
        }
    }

    /// By how much it is off.
    fn off(&self, measured: f64, target: f64) -> String {
        let (by, unit) = (measured - target, self.unit);
        let share = by / target * 100.0;
        if target.abs() > 0.0 {
            format!("by {by:+.3} {unit} ({share:+.0} %)")
        } else {
            format!("by {by:+.3} {unit}")
        }
    }
}

impl Agree {
    fn holds(self, measured: f64, target: f64) -> bool {
        match self {
            Self::Near { share, slack } => {
                (measured - target).abs() <= (share * target.abs()).max(slack)
            }
            Self::AtMost => measured <= target,
            Self::AtLeast => measured >= target,
        }
    }
}

/// Seeds the intervals.
const SEED: u64 = 0x0063_6c61_696d_7321;

/// What came of a figure.
#[derive(Debug)]
pub(super) struct Judged {
    /// Median over the trials.
    pub(super) measured: Option<f64>,
    /// Its 95 % interval; none with fewer than three trials.
    pub(super) interval: Option<(f64, f64)>,
    pub(super) verdict: Verdict,
    /// By how much it isn't, why it differs, or why there is nothing.
    pub(super) reason: String,
}

/// What is said of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Measured as predicted, and as published.
    Reproduced,
    /// Measured otherwise.
    NotReproduced,
    /// Measured as the model says, or for a reason that is known, and not as published.
    Differs,
    /// Nobody said a number.
    Shown,
    /// There is no number: it failed, was invalid, or needs what isn't here.
    NotMeasured,
    /// It can't be put to the test yet.
    Open,
}

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::Differs => "differs because",
            Self::Shown => "shown",
            Self::NotMeasured => "not measured",
            Self::Open => "open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(mut figure: Figure, measured: &'static [f64]) -> Judged {
        figure.measure = Box::new(|_| Ok(measured.to_vec()));
        figure.judge(&Seen::default())
    }

    fn ms() -> Figure {
        Figure::ms("x", |_| Ok(Vec::new()))
    }

    #[test]
    fn a_model_is_exact_to_5_percent_or_2_ms() {
        for (measured, word) in [
            (&[104.9][..], Verdict::Reproduced),
            (&[94.0], Verdict::NotReproduced),
        ] {
            assert_eq!(verdict(ms().predicted(100.0), measured).verdict, word);
        }
        assert_eq!(
            verdict(ms().predicted(5.0), &[6.9]).verdict,
            Verdict::Reproduced
        );
        let off = verdict(ms().predicted(100.0), &[110.0]);
        assert_eq!(off.reason, "by +10.000 ms (+10 %)");
    }

    #[test]
    fn what_was_published_may_differ_for_a_reason() {
        let claim = || {
            ms().published(150.0)
                .predicted(50.0)
                .because("a fresh connection")
        };
        let judged = verdict(claim(), &[50.0, 51.0, 52.0]);
        assert_eq!(judged.verdict, Verdict::Differs);
        assert_eq!(judged.reason, "a fresh connection");
        assert_eq!(judged.measured, Some(51.0));
        assert!(judged.interval.is_some());
        assert_eq!(verdict(claim(), &[150.0]).verdict, Verdict::NotReproduced);
    }

    #[test]
    fn limits_are_one_sided() {
        let most = || Figure::of("x", "x", 0.0, |_| Ok(Vec::new())).published(5.0);
        assert_eq!(
            verdict(most().at_most(), &[1.0]).verdict,
            Verdict::Reproduced
        );
        assert_eq!(
            verdict(most().at_most(), &[6.0]).verdict,
            Verdict::NotReproduced
        );
        assert_eq!(
            verdict(most().at_least(), &[6.0]).verdict,
            Verdict::Reproduced
        );
    }

    #[test]
    fn nothing_measured_is_no_verdict() {
        assert_eq!(
            verdict(ms().predicted(1.0), &[]).verdict,
            Verdict::NotMeasured
        );
        assert_eq!(verdict(ms(), &[1.0]).verdict, Verdict::Shown);
    }
}
