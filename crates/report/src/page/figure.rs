//! A chart on the page: drawn wide and narrow, with what its points say and all of it as a table.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::Place;
use crate::chart::{Chart, Drawing, Palette, Size, drawing, speaking, tall};

const WIDE: Size = Size {
    width: 640,
    height: 360,
};
const NARROW: Size = Size {
    width: 350,
    height: 300,
};

pub(super) fn figure(chart: &Chart, palette: &Palette, place: Place) -> Markup {
    let says: Vec<[&str; 4]> = speaking(chart)
        .map(|(layer, point)| {
            let arm = layer.arm.as_deref().unwrap_or_default();
            [
                arm,
                layer.name.as_str(),
                point.at.as_str(),
                point.value.as_str(),
            ]
        })
        .collect();
    // In a script element nothing but `</` ends the text.
    let json = serde_json::to_string(&says)
        .unwrap_or_default()
        .replace('<', "\\u003c");
    html! {
        figure.chart id=(place.id(&chart.name)) data-chart=(chart.kind) data-point=[chart.point] {
            h3 { (chart.title) }
            @for (class, size) in [("wide", WIDE), ("narrow", NARROW)] {
                (svg(class, chart, &drawing(chart, palette, tall(chart, size))))
            }
            figcaption { (chart.caption) }
            script.says type="application/json" { (PreEscaped(json)) }
            details.data {
                summary { "Data" }
                div.scroll tabindex="0" role="region" aria-label=(format!("Data of: {}", chart.title)) {
                    table {
                        thead { tr { th scope="col" { "what" } th scope="col" { "where" } th scope="col" { "value" } } }
                        tbody { @for [_, name, at, value] in &says {
                            tr { th scope="row" { (name) } td { (at) } td { (value) } }
                        } }
                    }
                }
            }
        }
    }
}

fn svg(class: &str, chart: &Chart, drawing: &Drawing) -> Markup {
    let Size { width, height } = drawing.size;
    let mut spots = String::new();
    for (x, y) in &drawing.spots {
        let _ = write!(spots, "{x},{y} ");
    }
    html! {
        svg class=(class) viewBox=(format!("0 0 {width} {height}")) role="img" tabindex="0" aria-label=(label(chart)) data-spots=(spots.trim_end()) {
            (PreEscaped(&drawing.shapes))
        }
    }
}

/// What a reader who can't see it is told first.
fn label(chart: &Chart) -> String {
    format!(
        "{}. {} Arrow keys walk over the points; the data stand below as a table.",
        chart.title, chart.caption
    )
}
