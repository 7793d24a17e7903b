//! A page that lists runs, the newest first, with what each showed.

use maud::{Markup, PreEscaped, html};

use super::document;
use crate::chart::Palette;

/// A run in the list.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The folder's name.
    pub(crate) folder: String,
    pub(crate) said: Said,
}

/// What the list says of it.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// It can be read.
    Run {
        scenario: String,
        question: String,
        answer: String,
        started: String,
        /// `complete`, `interrupted`, …; with "quick" if it was.
        status: String,
        has_report: bool,
    },
    /// It can't.
    Unreadable(String),
}

pub(crate) fn index(entries: &[Entry]) -> String {
    let body = html! {
        main {
            h1 { "Runs" }
            p.quiet { "What was measured here, the newest first. Each folder holds the rows, the histograms, the manifest and the plots; results/README.md says what every \
                       column means." }
            div.scroll tabindex="0" role="region" aria-label="Runs" {
                table.runs {
                    thead { tr { th scope="col" { "run" } th scope="col" { "what it showed" } } }
                    tbody { @for entry in entries { (row(entry)) } }
                }
            }
        }
    };
    let style = html! { style { (PreEscaped(LIST)) } };
    let body = html! { (style) (body) };
    document("pushlab: runs", &Palette::new([]), &body).into_string()
}

const LIST: &str = "table.runs td, table.runs th { white-space: normal; text-align: left; padding: .7rem .8rem .7rem 0; } table.runs td:first-child { min-width: 11rem; }";

fn row(entry: &Entry) -> Markup {
    let folder = &entry.folder;
    match &entry.said {
        Said::Run {
            scenario,
            question,
            answer,
            started,
            status,
            has_report,
        } => html! {
            tr {
                th scope="row" {
                    @if *has_report { a href=(format!("{folder}/report.html")) { (scenario) } } @else { (scenario) }
                    span.range { (started) } span.range { (status) }
                }
                td { b { (question) } p { (answer) } }
            }
        },
        Said::Unreadable(why) => html! {
            tr { th scope="row" { (folder) } td { s { "can't be read" } p.quiet { (why) } } }
        },
    }
}
