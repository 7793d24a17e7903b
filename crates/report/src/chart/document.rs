//! A chart by itself: an SVG file for papers and slides, on white, with its title and where it is from.

use super::draw::{Drawing, Size, drawing};
use super::svg::escape;
use super::{Chart, Palette, Scale};

const SIZE: Size = Size {
    width: 720,
    height: 400,
};

/// Room above for the title, and below for the source.
const HEAD: u32 = 34;
const FOOT: u32 = 20;

/// An SVG document of a chart; `source` says which run it is of.
pub(crate) fn document(chart: &Chart, palette: &Palette, source: &str) -> String {
    let size = tall(chart, SIZE);
    let Drawing { shapes, .. } = drawing(chart, palette, size);
    let Size { width, height } = size;
    let all = height + HEAD + FOOT;
    let (title, source) = (escape(&chart.title), escape(source));
    let below = height + 12;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{all}\" viewBox=\"0 -{HEAD} {width} {all}\" \
         font-family=\"system-ui, 'DejaVu Sans', sans-serif\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect y=\"-{HEAD}\" width=\"{width}\" height=\"{all}\" fill=\"#ffffff\"/>\n\
         <text class=\"ink\" x=\"8\" y=\"-13\" font-size=\"15\" font-weight=\"600\">{title}</text>\n\
         {shapes}\
         <text class=\"quiet\" x=\"8\" y=\"{below}\" font-size=\"9.5\">{source}</text>\n</svg>\n"
    )
}

/// The roles that `svg` gives, on paper.
const STYLE: &str = ".ink{fill:#1b232c}.quiet{fill:#545f6b}.line{fill:none}.grid{stroke:#dfe4e9}.line.ink{stroke:#1b232c}";

/// Rows need so much room each; a picture of few rows needn't be tall.
pub(crate) fn tall(chart: &Chart, size: Size) -> Size {
    let rows = chart.y.ticks.len() as u32;
    let height = if chart.y.scale == Scale::Slots {
        (70 + 52 * rows).clamp(130, 460)
    } else {
        size.height
    };
    Size { height, ..size }
}
