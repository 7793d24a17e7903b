//! `report.html`: one file that opens offline, for people who have never seen the lab.
//!
//! It is read from the top: the question, the answer in a sentence, the five things one wants to know, the table, the charts, how it was
//! measured, and the whole manifest. Nothing on it comes from anywhere but the run's files, and nothing is loaded.
//!
//! | module | holds |
//! | --- | --- |
//! | `run` | one run: its parts in order |
//! | `facts` | best, by how much, how sure, at what cost, where it changes |
//! | `table` | the comparison and the delivery, as tables |
//! | `figure` | a chart in its two sizes, with its data |
//! | `methods` | how it was measured, the command that repeats it, the manifest |
//! | `index` | a page that lists runs |

mod facts;
mod figure;
mod index;
mod methods;
mod run;
mod table;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::chart::{Palette, escape};
use crate::run::Run;

pub(crate) use index::{Entry, Said, index};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A page of one run, or of several.
pub(crate) fn page(runs: &[Run]) -> String {
    let arms = runs.iter().flat_map(|run| &run.folder.manifest.run.arms);
    let palette = Palette::new(arms.map(String::as_str));
    let title = match runs {
        [one] => format!("{}: {}", one.summary().scenario, one.summary().question),
        many => format!("{} runs", many.len()),
    };
    let body = html! {
        header.bar {
            span.name { "pushlab" @if let [one] = runs { " " span.quiet { (one.summary().scenario) } } }
            div #arms role="group" aria-label="Arms shown in the charts" {
                @for (arm, ..) in palette.arms() {
                    button type="button" data-arm=(arm) aria-pressed="true" { (arm) }
                }
            }
            button #theme type="button" { "Light or dark" }
        }
        main {
            @if runs.len() > 1 {
                h1 { (runs.len()) " runs" }
                ul { @for (index, run) in runs.iter().enumerate() {
                    li { a href=(format!("#run-{}", index + 1)) { (run.summary().folder) } ": " (run.summary().question) }
                } }
            }
            @for (index, run) in runs.iter().enumerate() {
                (run::section(run, &palette, Place { index, of: runs.len() }))
            }
        }
        div #tip hidden {}
        div #live aria-live="polite" {}
        script { (PreEscaped(SCRIPT)) }
    };
    document(&title, &palette, &body).into_string()
}

/// Where a run stands on its page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// From 0.
    pub(crate) index: usize,
    /// Runs on the page.
    pub(crate) of: usize,
}

impl Place {
    /// A name that is used once on the page.
    pub(crate) fn id(self, name: &str) -> String {
        if self.index == 0 {
            name.to_owned()
        } else {
            format!("{name}-{}", self.index + 1)
        }
    }
}

fn document(title: &str, palette: &Palette, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Without one a browser asks the server for it.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(colours(palette))) }
            }
            body { (body) }
        }
    }
}

/// The arms' colours, of shapes and of buttons.
fn colours(palette: &Palette) -> String {
    let rules = palette.arms().map(|(arm, shade, _)| {
        let (light, dark) = (shade.light, shade.dark);
        // The name stands in a string of CSS within an element of HTML.
        let name = escape(arm).replace(['\\', '\n'], "");
        format!(
            "[data-arm=\"{name}\"] {{ --own: light-dark({light}, {dark}); }} svg [data-arm=\"{name}\"] {{ color: var(--own); }}\n"
        )
    });
    rules.collect()
}
