//! An SVG file to pixels, with a font of its own: the same picture on every machine.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

/// The picture can't be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The SVG text is wrong.
    #[error("the SVG can't be read: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// It has no size, or too large a one.
    #[error("a picture of {width} x {height} pixels can't be made")]
    Size {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The pixels can't be encoded.
    #[error("the PNG can't be written: {0}")]
    Encode(String),
}

/// A PNG file of an SVG document, `scale` pixels for each of its own.
///
/// # Errors
/// The text is no SVG, or the size can't be drawn.
pub(crate) fn png(svg: &str, scale: f32) -> Result<Vec<u8>, PngError> {
    let options = Options {
        font_family: "DejaVu Sans".to_owned(),
        fontdb: Arc::clone(&FONTS),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options)?;
    let size = tree.size().to_int_size().scale_by(scale);
    let (width, height) = size.map_or((0, 0), |size| (size.width(), size.height()));
    let mut pixels = Pixmap::new(width, height).ok_or(PngError::Size { width, height })?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    pixels
        .encode_png()
        .map_err(|error| PngError::Encode(error.to_string()))
}

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_drawn_with_the_font_that_comes_along() {
        let with = |text: &str| {
            let svg = format!(
                r##"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20" viewBox="0 0 60 20"><text x="2" y="14" font-family="system-ui, sans-serif" font-size="12" fill="#000">{text}</text></svg>"##
            );
            png(&svg, 2.0).unwrap()
        };
        assert_eq!(&with("")[1..4], b"PNG");
        assert!(with("1 ms").len() > with("").len());
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        assert!(matches!(png("<svg", 1.0), Err(PngError::Svg(_))));
    }
}
