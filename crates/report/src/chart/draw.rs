//! A chart to shapes, by plotters: axes and grid, then one layer over the other.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, TextStyle};

use super::palette::{Marker, Palette};
use super::svg::{Backend, Canvas, GRID, INK, OWN, QUIET, TENTHS, text_width};
use super::{Axis, Chart, Layer, Mark, Point, Scale};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A chart in a size.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    pub(crate) size: Size,
    /// What goes into an `<svg>` element with that size as its view box.
    pub(crate) shapes: String,
    /// Where the points are that speak, in pixels, in the order of [`speaking`].
    pub(crate) spots: Vec<(f64, f64)>,
}

/// The layers' points that a reader may point at, with their layers.
pub(crate) fn speaking(chart: &Chart) -> impl Iterator<Item = (&Layer, &Point)> {
    chart
        .layers
        .iter()
        .flat_map(|layer| layer.points.iter().map(move |point| (layer, point)))
        .filter(|(_, point)| point.speaks())
}

type Failed = DrawingAreaErrorKind<std::convert::Infallible>;
type Area = DrawingArea<Backend, Shift>;
type Context<'a> = ChartContext<'a, Backend, Cartesian2d<Coordinate, Coordinate>>;

const TEXT: f64 = 12.0;
const LEGEND_LINE: f64 = 20.0;

/// Draws a chart, without its title.
///
/// # Panics
/// Never: a canvas in memory does not fail.
pub(crate) fn drawing(chart: &Chart, palette: &Palette, size: Size) -> Drawing {
    draw(chart, palette, size).expect("a canvas in memory does not fail")
}

fn draw(chart: &Chart, palette: &Palette, size: Size) -> Result<Drawing, Failed> {
    let canvas = Canvas::default();
    let backend = Backend {
        canvas: canvas.clone(),
        size: (
            tenths(f64::from(size.width)) as u32,
            tenths(f64::from(size.height)) as u32,
        ),
    };
    let root = backend.into_drawing_area();
    let top = legend(&root, &canvas, chart, palette, size)?;
    let spots = {
        let mut context = axes(&root, chart, size, top)?;
        for layer in &chart.layers {
            let colour = layer.arm.as_deref().map(|arm| palette.shade(arm).light);
            canvas.open(layer.arm.as_deref(), colour);
            let marker = layer
                .arm
                .as_deref()
                .map_or(Marker::Circle, |arm| palette.marker(arm));
            draw_layer(&mut context, &canvas, layer, marker)?;
            canvas.close();
        }
        speaking(chart)
            .map(|(layer, point)| spot(&context, layer.mark, point))
            .collect()
    };
    drop(root);
    Ok(Drawing {
        size,
        shapes: canvas.into_text(),
        spots,
    })
}

/// The y axis's title, and the arms with their markers; how far down they reach, in pixels.
fn legend(
    root: &Area,
    canvas: &Canvas,
    chart: &Chart,
    palette: &Palette,
    size: Size,
) -> Result<f64, Failed> {
    let mut bottom = 4.0;
    // A row of its own has its name beside it already.
    let arms = if chart.y.scale == Scale::Slots && chart.x.scale != Scale::Slots {
        Vec::new()
    } else {
        chart.arms()
    };
    if !arms.is_empty() {
        let (mut x, mut y) = (8.0, 10.0);
        for arm in arms {
            let width = 16.0 + text_width(arm, TEXT) + 18.0;
            if x + width > f64::from(size.width) && x > 8.0 {
                (x, y) = (8.0, y + LEGEND_LINE);
            }
            canvas.open(Some(arm), Some(palette.shade(arm).light));
            canvas.marker(place(x + 4.0, y), palette.marker(arm), true);
            root.draw(&Text::new(
                arm.to_owned(),
                place(x + 14.0, y),
                text(INK, HPos::Left, VPos::Center),
            ))?;
            canvas.close();
            x += width;
        }
        bottom = y + LEGEND_LINE * 0.75;
    }
    if !chart.y.title.is_empty() {
        let style = text(QUIET, HPos::Left, VPos::Top);
        root.draw(&Text::new(chart.y.title.clone(), place(2.0, bottom), style))?;
        bottom += TEXT + 6.0;
    }
    Ok(bottom)
}

fn axes<'a>(root: &'a Area, chart: &Chart, size: Size, top: f64) -> Result<Context<'a>, Failed> {
    let widest = chart
        .y
        .ticks
        .iter()
        .map(|(_, text)| text_width(text, TEXT))
        .fold(0.0, f64::max);
    let left = (widest + 14.0).min(f64::from(size.width) * 0.45);
    let bottom = if chart.x.title.is_empty() { 24.0 } else { 42.0 };
    // The last text is centred on its tick.
    let last = chart.x.ticks.last();
    let right = last
        .map_or(0.0, |(_, text)| text_width(text, TEXT) / 2.0)
        .clamp(12.0, 48.0);
    let across = f64::from(size.width) - left - right;
    let x = Coordinate::new(&chart.x, Some(across));
    let y = Coordinate::new(&chart.y, None);
    let mut builder = ChartBuilder::on(root);
    builder
        .margin_top(tenths(top))
        .margin_right(tenths(right))
        .set_label_area_size(LabelAreaPosition::Left, tenths(left))
        .set_label_area_size(LabelAreaPosition::Bottom, tenths(bottom));
    let mut context = builder.build_cartesian_2d(x, y)?;
    let is_rows = chart.y.scale == Scale::Slots;
    let mut mesh = context.configure_mesh();
    mesh.bold_line_style(GRID.stroke_width(8))
        .light_line_style(GRID.mix(0.0))
        .axis_style(GRID.stroke_width(10))
        .set_all_tick_mark_size(tenths(3.0))
        .max_light_lines(0)
        .label_style(text(QUIET, HPos::Left, VPos::Top))
        .axis_desc_style(text(QUIET, HPos::Center, VPos::Top))
        .x_labels(64)
        .y_labels(64);
    if is_rows {
        mesh.disable_y_mesh();
    }
    if is_rows && chart.x.scale == Scale::Slots {
        mesh.disable_x_mesh()
            .axis_style(GRID.mix(0.0).stroke_width(0));
    }
    if !chart.x.title.is_empty() {
        mesh.x_desc(chart.x.title.clone());
    }
    mesh.draw()?;
    Ok(context)
}

fn draw_layer(
    context: &mut Context,
    canvas: &Canvas,
    layer: &Layer,
    shape: Marker,
) -> Result<(), Failed> {
    let along = || layer.points.iter().map(|point| (point.x, point.y));
    match layer.mark {
        Mark::Line | Mark::Thread => {
            let style = if layer.mark == Mark::Line {
                OWN.stroke_width(20)
            } else {
                OWN.mix(0.45).stroke_width(10)
            };
            let path: Vec<_> = along().collect();
            context.draw_series([PathElement::new(path, style)])?;
        }
        Mark::Dashed => canvas.dashed(along().map(|at| context.backend_coord(&at))),
        Mark::Band | Mark::Ridge => {
            let is_ridge = layer.mark == Mark::Ridge;
            let back = layer.points.iter().rev().map(|point| (point.x2, point.y2));
            let outline: Vec<_> = along().chain(back).collect();
            let style = OWN.mix(if is_ridge { 0.3 } else { 0.16 }).filled();
            context.draw_series([Polygon::new(outline, style)])?;
            if is_ridge {
                let path: Vec<_> = along().collect();
                context.draw_series([PathElement::new(path, OWN.stroke_width(14))])?;
            }
        }
        Mark::Dot | Mark::Hollow => {
            for at in along() {
                canvas.marker(context.backend_coord(&at), shape, layer.mark == Mark::Dot);
            }
        }
        Mark::Span => {
            let path = |point: &Point| vec![(point.x, point.y), (point.x2, point.y2)];
            let style = OWN.stroke_width(16);
            context.draw_series(
                layer
                    .points
                    .iter()
                    .map(|point| PathElement::new(path(point), style)),
            )?;
        }
        Mark::Block => blocks(context, &layer.points)?,
    }
    Ok(())
}

fn blocks(context: &mut Context, points: &[Point]) -> Result<(), Failed> {
    context.draw_series(points.iter().map(|point| {
        let corners = [(point.x, point.y), (point.x2, point.y2)];
        Rectangle::new(corners, OWN.mix(point.weight).filled())
    }))?;
    context.draw_series(points.iter().map(|point| {
        let corners = [(point.x, point.y), (point.x2, point.y2)];
        Rectangle::new(corners, OWN.stroke_width(8))
    }))?;
    // A text that is wider than its block would be read as its neighbour's.
    let fits = |point: &&Point| {
        let (left, _) = context.backend_coord(&(point.x, point.y));
        let (right, _) = context.backend_coord(&(point.x2, point.y2));
        f64::from((right - left).abs()) > text_width(&point.label, TEXT * TENTHS) + 4.0 * TENTHS
    };
    let labelled: Vec<&Point> = points
        .iter()
        .filter(|point| !point.label.is_empty())
        .filter(fits)
        .collect();
    context.draw_series(labelled.iter().map(|point| {
        let middle = (
            f64::midpoint(point.x, point.x2),
            f64::midpoint(point.y, point.y2),
        );
        Text::new(
            point.label.clone(),
            middle,
            text(INK, HPos::Center, VPos::Center),
        )
    }))?;
    Ok(())
}

fn spot(context: &Context, mark: Mark, point: &Point) -> (f64, f64) {
    let at = if mark == Mark::Block {
        (
            f64::midpoint(point.x, point.x2),
            f64::midpoint(point.y, point.y2),
        )
    } else {
        (point.x, point.y)
    };
    let (x, y) = context.backend_coord(&at);
    (f64::from(x) / TENTHS, f64::from(y) / TENTHS)
}

fn text(colour: RGBColor, side: HPos, height: VPos) -> TextStyle<'static> {
    ("sans-serif", TEXT * TENTHS)
        .into_font()
        .color(&colour)
        .pos(Pos::new(side, height))
}

fn tenths(pixels: f64) -> i32 {
    (pixels * TENTHS).round() as i32
}

fn place(x: f64, y: f64) -> (i32, i32) {
    (tenths(x), tenths(y))
}

/// An [`Axis`] as plotters wants it.
struct Coordinate {
    scale: Scale,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Coordinate {
    /// Of an axis with so many pixels from end to end: where texts would overlap, some are left out.
    fn new(axis: &Axis, room: Option<f64>) -> Self {
        let scale = axis.scale;
        let (first, last) = (scale.place(axis.low), scale.place(axis.high));
        let mut ticks = axis.ticks.clone();
        if let Some(room) = room {
            let mut end = f64::NEG_INFINITY;
            ticks.retain(|(value, text)| {
                let middle = (scale.place(*value) - first) / (last - first) * room;
                let half = text_width(text, TEXT) / 2.0;
                let fits = middle - half >= end;
                if fits {
                    end = middle + half + 4.0;
                }
                fits
            });
        }
        Self {
            scale,
            low: first,
            high: last,
            ticks,
        }
    }
}

impl Ranged for Coordinate {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (self.scale.place(*value) - self.low) / (self.high - self.low);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(value, _)| *value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Coordinate {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self
            .ticks
            .iter()
            .find(|(at, _)| at.total_cmp(value).is_eq());
        tick.map_or_else(String::new, |(_, text)| text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Kind;

    fn chart() -> Chart {
        let points = vec![
            Point::new(1.0, 100.0).says("1 s", "100 ns"),
            Point::new(2.0, 10_000.0).says("2 s", "10 us"),
        ];
        Chart {
            kind: "time",
            name: "time".into(),
            title: "Over time".into(),
            caption: String::new(),
            point: None,
            x: Axis::linear("s", Kind::Count, [2.0]),
            y: Axis::log("latency", Kind::Nanoseconds, [100.0, 10_000.0]),
            layers: vec![
                Layer::new("a<b", Mark::Line, points.clone()),
                Layer::new("a<b", Mark::Dot, points),
            ],
        }
    }

    #[test]
    fn what_speaks_is_where_it_is_drawn() {
        let palette = Palette::new(["a<b"]);
        let size = Size {
            width: 400,
            height: 300,
        };
        let drawing = drawing(&chart(), &palette, size);
        assert_eq!(drawing.spots.len(), 4);
        let [(x1, y1), (x2, y2)] = [drawing.spots[0], drawing.spots[1]];
        // Later is further right, more is further up, and all is inside.
        assert!(0.0 < x1 && x1 < x2 && x2 < 400.0, "{drawing:?}");
        assert!(0.0 < y2 && y2 < y1 && y1 < 300.0, "{drawing:?}");
        assert!(drawing.shapes.contains(&format!("M{x1} {y1}L{x2} {y2}")));
    }

    #[test]
    fn names_are_escaped_and_groups_are_closed() {
        let shapes = drawing(
            &chart(),
            &Palette::new(["a<b"]),
            Size {
                width: 300,
                height: 200,
            },
        )
        .shapes;
        assert!(shapes.contains(r#"data-arm="a&lt;b""#) && !shapes.contains("a<b"));
        assert_eq!(shapes.matches("<g").count(), shapes.matches("</g>").count());
    }

    #[test]
    fn texts_that_would_overlap_are_left_out() {
        let axis = Axis::at("rate", &[1.0, 2.0, 3.0, 4.0], |value| {
            format!("{value} a second")
        });
        assert_eq!(Coordinate::new(&axis, Some(2000.0)).ticks.len(), 4);
        assert!(Coordinate::new(&axis, Some(150.0)).ticks.len() < 4);
    }
}
