//! The five things one wants to know: which was best, by how much, how sure that is, at what cost, and where it changes.

use maud::{Markup, html};
use measure::summary::{Arm, Comparison, Finding};

use super::Place;
use crate::figure::{kind, name, significant};
use crate::plots;
use crate::run::Run;
use crate::text;

pub(super) fn facts(run: &Run, place: Place) -> Markup {
    let summary = run.summary();
    if !summary.searches.is_empty() {
        return html! {};
    }
    let last = summary.points.len() - 1;
    // Of a sweep its two ends; between them the map says more than words.
    let points: Vec<usize> = if last == 0 { vec![0] } else { vec![0, last] };
    let standings: Vec<Standing> = points
        .iter()
        .map(|point| Standing::at(run, *point))
        .collect();
    let each = |of: &dyn Fn(&Standing) -> String| -> Vec<String> {
        standings
            .iter()
            .map(|standing| {
                let label = run.label(standing.point);
                let at = if label.is_empty() {
                    String::new()
                } else {
                    format!("{label}: ")
                };
                format!("{at}{}", of(standing))
            })
            .collect()
    };
    let metric = plots::asked(run);
    let entries = [
        (
            format!("Lowest {}", name(metric)),
            each(&|standing| standing.best()),
        ),
        ("By how much".to_owned(), each(&|standing| standing.lead())),
        ("How sure".to_owned(), each(&|standing| standing.sure())),
        ("At what cost".to_owned(), each(&|standing| standing.cost())),
        ("Where that changes".to_owned(), changes(run)),
    ];
    html! {
        dl.facts id=(place.id("facts")) {
            @for (question, answers) in &entries {
                div { dt { (question) } dd { @for answer in answers { p { (answer) } } } }
            }
        }
    }
}

/// The arms at a point that may be ranked, the lowest first.
struct Standing<'a> {
    run: &'a Run,
    point: usize,
    metric: &'static str,
    ranked: Vec<(&'a Arm, f64)>,
}

impl<'a> Standing<'a> {
    fn at(run: &'a Run, point: usize) -> Self {
        let metric = plots::asked(run);
        let mut ranked: Vec<(&Arm, f64)> = run
            .summary()
            .arms_at(point)
            .filter(|arm| arm.ranked && !run.is_floor(arm))
            .filter_map(|arm| Some((arm, arm.median(metric)?)))
            .collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
        Self {
            run,
            point,
            metric,
            ranked,
        }
    }

    /// The first arm and those that can't be told from it; none without a comparison that tells anything.
    fn leaders(&self) -> Vec<&(&'a Arm, f64)> {
        let Some(first) = self.ranked.first() else {
            return Vec::new();
        };
        let alike = self.ranked[1..]
            .iter()
            .filter(|other| !self.is_apart(first.0, other.0));
        std::iter::once(first).chain(alike).collect()
    }

    fn is_apart(&self, a: &Arm, b: &Arm) -> bool {
        self.comparison(a, b)
            .is_some_and(|one| matches!(one.finding, Finding::Lower | Finding::Higher))
    }

    fn comparison(&self, a: &Arm, b: &Arm) -> Option<&'a Comparison> {
        let summary = self.run.summary();
        summary.comparison(self.point, self.metric, &a.arm, &b.arm)
    }

    /// The first arm that is told from the first one.
    fn next(&self) -> Option<&(&'a Arm, f64)> {
        let first = self.ranked.first()?;
        self.ranked[1..]
            .iter()
            .find(|other| self.is_apart(first.0, other.0))
    }

    fn best(&self) -> String {
        let leaders = self.leaders();
        let names: Vec<&str> = leaders.iter().map(|(arm, _)| arm.arm.as_str()).collect();
        match (names.as_slice(), self.ranked.len()) {
            ([], _) => "no arm with a network has valid trials enough".to_owned(),
            ([one], 1) => format!("{one}, the only valid arm"),
            ([one], _) => (*one).to_owned(),
            (several, _) => format!("{}: no difference seen", several.join(" and ")),
        }
    }

    fn lead(&self) -> String {
        let show = |value: f64| kind(self.metric).show(value);
        match (self.ranked.first(), self.next()) {
            (Some((first, low)), Some((next, high))) => format!(
                "{} against {}: {} takes {} times as much as {}",
                show(*low),
                show(*high),
                next.arm,
                times(high / low),
                first.arm
            ),
            (Some((_, low)), None) => {
                let last = self.ranked.last().map_or(*low, |(_, value)| *value);
                format!("{} to {}, and no two told apart", show(*low), show(last))
            }
            _ => "nothing to compare".to_owned(),
        }
    }

    fn sure(&self) -> String {
        let Some((first, _)) = self.ranked.first() else {
            return "nothing to compare".to_owned();
        };
        let trials = format!("{} trials", first.metrics[self.metric].known().len());
        if let Some((next, _)) = self.next() {
            let one = self.comparison(first, next);
            let interval = one.and_then(|one| {
                let (low, high) = one.low.zip(one.high)?;
                Some(if one.a == first.arm {
                    (low, high)
                } else {
                    (1.0 / high, 1.0 / low)
                })
            });
            return match interval {
                Some((low, high)) => format!(
                    "95 %: {} to {} times, from {trials}",
                    times(low),
                    times(high)
                ),
                None => format!("from {trials}"),
            };
        }
        let seen = self
            .ranked
            .get(1)
            .and_then(|(second, _)| self.comparison(first, second)?.least_detectable);
        match seen {
            Some(least) => format!(
                "{trials}; a difference of {} % would most likely have been seen",
                significant((least - 1.0) * 100.0)
            ),
            None => format!("too few trials to say ({trials})"),
        }
    }

    /// What the leader costs beside the next arm, or the second.
    fn cost(&self) -> String {
        const COSTS: [(&str, &str); 3] = [
            ("server CPU", "server_cpu_us_per_message"),
            ("on IP", "ip_bytes_per_message"),
            ("memory a connection", "server_bytes_per_connection"),
        ];
        const TO_CONNECT: (&str, &str) = ("to connect", "connect_p50_ns");
        let Some((first, _)) = self.ranked.first() else {
            return "-".to_owned();
        };
        let other = self.next().or(self.ranked.get(1)).map(|(arm, _)| *arm);
        // Where nothing is sent, connecting is what there is to do.
        let is_idle = self.run.summary().kind == "idle";
        let parts = COSTS
            .iter()
            .chain(is_idle.then_some(&TO_CONNECT))
            .filter(|(_, metric)| *metric != self.metric)
            .filter_map(|(what, metric)| {
                let own = kind(metric).show(first.median(metric)?);
                let against =
                    other.and_then(|arm| Some((arm, kind(metric).show(arm.median(metric)?))));
                Some(match against {
                    Some((_, theirs)) => format!("{what} {own} against {theirs}"),
                    None => format!("{what} {own}"),
                })
            });
        let parts: Vec<String> = parts.collect();
        let versus = other.map_or(String::new(), |arm| format!(" (against {})", arm.arm));
        format!("{}{versus}: {}", first.arm, parts.join(", "))
    }
}

/// Crossovers that are sure enough to tell.
fn changes(run: &Run) -> Vec<String> {
    let summary = run.summary();
    if summary.points.len() < 2 {
        return vec!["one point was measured; a scenario with [sweep] shows where".to_owned()];
    }
    let lines = text::crossovers(summary);
    if lines.is_empty() {
        vec!["nowhere for sure within this sweep".to_owned()]
    } else {
        lines
    }
}

fn times(ratio: f64) -> String {
    if ratio >= 99.5 {
        format!("{ratio:.0}")
    } else {
        significant(ratio)
    }
}
