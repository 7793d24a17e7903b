//! One run on the page, its parts in the order in which one asks.

use maud::{Markup, html};
use measure::Status;

use super::{Place, facts, figure, methods, table};
use crate::chart::{Chart, Palette};
use crate::plots;
use crate::run::Run;
use crate::text;

pub(super) fn section(run: &Run, palette: &Palette, place: Place) -> Markup {
    let summary = run.summary();
    let charts = plots::all(run);
    // Of a run without a sweep every chart is of its one point.
    let is_whole = |chart: &&Chart| chart.point.is_none() && summary.points.len() > 1;
    let (whole, single): (Vec<&Chart>, Vec<&Chart>) = charts.iter().partition(is_whole);
    let expected = text::expectations(summary);
    html! {
        section.run id=(format!("run-{}", place.index + 1)) {
            @if place.of == 1 { h1 { (summary.question) } } @else { h2 { (summary.question) } }
            p.answer id=(place.id("answer")) { (text::answer(&run.folder)) }
            (chips(run))
            (facts::facts(run, place))
            @if !expected.is_empty() {
                h2 { "What the scenario expects" }
                ul.notes { @for line in &expected { li { (line.trim_start_matches("expect ")) } } }
            }
            @if !whole.is_empty() {
                h2 { (if summary.searches.is_empty() { "Over the sweep" } else { "The search" }) }
                div.charts { @for chart in &whole { (figure::figure(chart, palette, place)) } }
            }
            h2 { "Comparison" }
            @if summary.searches.is_empty() {
                p.quiet { "Medians over the valid trials, below each its 95 % interval. What is struck through did not pass the guards and is in no comparison." }
                (table::comparison(run, place))
            } @else {
                // A search tries a value two or three times: what it compares is what it found.
                p.quiet { "The best value at which all conditions held, and the nearest one beyond it at which they did not, or at which nothing could be told." }
                (table::searches(run, place))
            }
            (notes(run))
            h2 { "Delivery" }
            (table::delivery(run, place))
            @if !single.is_empty() {
                h2 { (if summary.points.len() > 1 { "At one point" } else { "In detail" }) }
                @if summary.points.len() > 1 { (choice(run, place)) }
                div.charts { @for chart in &single { (figure::figure(chart, palette, place)) } }
            }
            (methods::methods(run, place))
        }
    }
}

/// What a reader must know before believing anything.
fn chips(run: &Run) -> Markup {
    let summary = run.summary();
    let manifest = &run.folder.manifest;
    let (valid, tried) = summary.arms.iter().fold((0, 0), |(valid, tried), arm| {
        (valid + arm.valid(), tried + arm.tried())
    });
    let passed = manifest.self_test.as_ref().map(|test| test.passed);
    html! {
        ul.chips {
            li { (summary.scenario) }
            li { (manifest.started_utc.strftime("%Y-%m-%d %H:%M UTC")) }
            @if summary.status != Status::Complete { li.bad { (summary.status.word()) } }
            @if summary.quick { li.bad { "quick: a look, not a result to keep" } }
            li { (summary.trials) " trials an arm" }
            li.good[valid == tried].bad[valid < tried] { (valid) " of " (tried) " trials valid" }
            @match passed {
                Some(true) => li.good { "self-test passed" },
                Some(false) => li.bad { "self-test missed a limit" },
                None => li { "no self-test on record" },
            }
            @if manifest.build.git_dirty == Some(true) { li.bad { "uncommitted sources" } }
        }
    }
}

fn notes(run: &Run) -> Markup {
    let summary = run.summary();
    let lines: Vec<String> = summary
        .arms
        .iter()
        .flat_map(|arm| {
            let label = run.label(arm.point);
            let at = if label.is_empty() {
                String::new()
            } else {
                format!("{label}: ")
            };
            let notes = text::notes(arm, &text::rows_of(&run.folder, arm));
            notes.into_iter().map(move |note| format!("{at}{note}"))
        })
        .collect();
    html! {
        @if !lines.is_empty() {
            details.print {
                summary { "What the guards and the oracle noticed (" (lines.len()) ")" }
                ul.notes { @for line in &lines { li { (line) } } }
            }
        }
    }
}

fn choice(run: &Run, place: Place) -> Markup {
    html! {
        p { label for=(place.id("point")) { "Point of the sweep: " }
            select.point id=(place.id("point")) {
                @for (index, point) in run.summary().points.iter().enumerate() {
                    option value=(index) { (point.label) }
                }
            }
        }
    }
}
