//! Shapes to SVG: a backend of plotters whose colours are roles, so that one drawing serves a light page, a dark one and paper.
//!
//! plotters knows colours only as numbers. Four numbers stand for roles here (ink, quiet ink, grid, and the arm's own colour); each becomes
//! a class or `currentColor`, and a style sheet says what they look like. Coordinates are tenths of a pixel, for plotters counts in whole ones.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write;
use std::rc::Rc;

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle, FontTransform,
};

use super::palette::Marker;

/// Text.
pub(super) const INK: RGBColor = RGBColor(0, 0, 0);
/// Text that is less important.
pub(super) const QUIET: RGBColor = RGBColor(0, 0, 1);
/// Lines that only help the eye.
pub(super) const GRID: RGBColor = RGBColor(0, 0, 2);
/// The colour of the arm whose group is open.
pub(super) const OWN: RGBColor = RGBColor(0, 0, 3);

/// Units of a coordinate in a pixel.
pub(super) const TENTHS: f64 = 10.0;

/// Width of a character of a proportional sans-serif font, on average, in its size.
const CHARACTER: f64 = 0.56;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// The text of the shapes so far. Copies write to the same text.
#[derive(Debug, Clone, Default)]
pub(super) struct Canvas(Rc<RefCell<String>>);

impl Canvas {
    /// What is drawn until [`Canvas::close`] is of this arm, or of none.
    pub(super) fn open(&self, arm: Option<&str>, colour: Option<&str>) {
        let mut text = self.0.borrow_mut();
        text.push_str("<g");
        if let Some(arm) = arm {
            let _ = write!(text, r#" data-arm="{}""#, escape(arm));
        }
        if let Some(colour) = colour {
            let _ = write!(text, r#" color="{colour}""#);
        }
        text.push('>');
    }

    pub(super) fn close(&self) {
        self.0.borrow_mut().push_str("</g>\n");
    }

    /// A dashed path, which plotters would cut into many.
    pub(super) fn dashed(&self, path: impl IntoIterator<Item = BackendCoord>) {
        let d = path_of(path);
        let _ = writeln!(
            self.0.borrow_mut(),
            r#"<path d="{d}" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="5 4" stroke-linejoin="round"/>"#
        );
    }

    /// An arm's marker, full or hollow.
    pub(super) fn marker(&self, at: BackendCoord, shape: Marker, is_full: bool) {
        let (x, y) = (pixels(at.0), pixels(at.1));
        let outline = match shape {
            Marker::Circle => "a3.6 3.6 0 1 1 0.01 0Z",
            Marker::Square => "m-3.2 -3.2h6.4v6.4h-6.4Z",
            Marker::Triangle => "m0 -4.4l4.2 7.4h-8.4Z",
            Marker::Diamond => "m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6Z",
        };
        // A circle is drawn from its lowest point.
        let y = if shape == Marker::Circle { y + 3.6 } else { y };
        let fill = if is_full { "currentColor" } else { "none" };
        self.add(format_args!(
            "<path d=\"M{x} {y:.1}{outline}\" fill=\"{fill}\" stroke=\"currentColor\" stroke-width=\"1.2\"/>\n"
        ));
    }

    pub(super) fn into_text(self) -> String {
        self.0.take()
    }

    fn add(&self, shape: std::fmt::Arguments) {
        let _ = self.0.borrow_mut().write_fmt(shape);
    }
}

/// plotters' way to a [`Canvas`].
pub(super) struct Backend {
    pub(super) canvas: Canvas,
    /// In tenths of a pixel.
    pub(super) size: (u32, u32),
}

impl DrawingBackend for Backend {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        let (x, y, fill) = (pixels(x), pixels(y), fill(colour));
        self.canvas.add(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"0.1\" height=\"0.1\"{fill}/>\n"
        ));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        is_filled: bool,
    ) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let (x, y) = (pixels(left.min(right)), pixels(top.min(bottom)));
        let (width, height) = (pixels((right - left).abs()), pixels((bottom - top).abs()));
        let look = if is_filled {
            fill(style.color())
        } else {
            stroke(style)
        };
        self.canvas.add(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{look}/>\n"
        ));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let (d, look) = (path_of(path), stroke(style));
        self.canvas.add(format_args!(
            "<path d=\"{d}\"{look} stroke-linejoin=\"round\"/>\n"
        ));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        is_filled: bool,
    ) -> Drawn {
        let (x, y, radius) = (pixels(x), pixels(y), f64::from(radius) / TENTHS);
        let look = if is_filled {
            fill(style.color())
        } else {
            stroke(style)
        };
        self.canvas.add(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{look}/>\n"
        ));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let (d, look) = (path_of(corners), fill(style.color()));
        self.canvas.add(format_args!("<path d=\"{d}Z\"{look}/>\n"));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let size = style.size() / TENTHS;
        let anchor = style.anchor();
        let alignment = match anchor.h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // The baseline, from where the anchor is: not every viewer knows `dominant-baseline`.
        let down = match anchor.v_pos {
            VPos::Top => 0.78 * size,
            VPos::Center => 0.35 * size,
            VPos::Bottom => -0.2 * size,
        };
        let (x, y) = (pixels(x), pixels(y));
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            FontTransform::Rotate90 => format!(r#" transform="rotate(90 {x} {y})""#),
            FontTransform::Rotate180 => format!(r#" transform="rotate(180 {x} {y})""#),
            FontTransform::Rotate270 => format!(r#" transform="rotate(-90 {x} {y})""#),
        };
        let weight = if matches!(style.style(), FontStyle::Bold) {
            r#" font-weight="600""#
        } else {
            ""
        };
        let (baseline, look, text) = (y + down, fill(style.color()), escape(text));
        self.canvas.add(format_args!(
            "<text x=\"{x}\" y=\"{baseline:.1}\" font-size=\"{size}\" text-anchor=\"{alignment}\"{weight}{look}{turn}>{text}</text>\n"
        ));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((text_width(text, style.size()) as u32, style.size() as u32))
    }
}

/// About how wide a text is, in the unit of its size.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * CHARACTER * size
}

/// A text within markup.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

fn pixels(tenths: i32) -> f64 {
    f64::from(tenths) / TENTHS
}

fn path_of(path: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut d = String::new();
    for (index, (x, y)) in path.into_iter().enumerate() {
        let letter = if index == 0 { 'M' } else { 'L' };
        let _ = write!(d, "{letter}{} {}", pixels(x), pixels(y));
    }
    d
}

/// The class of a role; none for the arm's own colour.
fn role(colour: BackendColor) -> Option<&'static str> {
    let is = |role: RGBColor| colour.rgb == (role.0, role.1, role.2);
    if is(OWN) {
        None
    } else if is(QUIET) {
        Some("quiet")
    } else if is(GRID) {
        Some("grid")
    } else {
        Some("ink")
    }
}

fn opacity(colour: BackendColor) -> String {
    if colour.alpha < 1.0 {
        format!(r#" opacity="{:.2}""#, colour.alpha)
    } else {
        String::new()
    }
}

fn fill(colour: BackendColor) -> String {
    let opacity = opacity(colour);
    match role(colour) {
        None => format!(r#" fill="currentColor"{opacity}"#),
        Some(class) => format!(r#" class="{class}"{opacity}"#),
    }
}

fn stroke<S: BackendStyle>(style: &S) -> String {
    let colour = style.color();
    let (opacity, width) = (opacity(colour), f64::from(style.stroke_width()) / TENTHS);
    match role(colour) {
        None => {
            format!(r#" fill="none" stroke="currentColor" stroke-width="{width}"{opacity}"#)
        }
        Some(class) => {
            format!(r#" class="line {class}" stroke-width="{width}"{opacity}"#)
        }
    }
}
