//! The colour and the marker of each arm: the same in every chart, on paper and on a dark screen.
//!
//! The colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008), which stay apart for people with any of the
//! common kinds of colour blindness; for a dark ground they are lightened, and for thin lines on white the lightest of them are
//! left out. Each arm has a marker of its own as well, so that colour is never the only difference.

/// A colour for a light and for a dark ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shade {
    pub(crate) light: &'static str,
    pub(crate) dark: &'static str,
}

const BLUE: Shade = shade("#0072b2", "#56a8e8");
const VERMILION: Shade = shade("#c24e00", "#ff8a4c");
const ORANGE: Shade = shade("#a87400", "#f0b429");
const GREEN: Shade = shade("#00795a", "#35c698");
const PURPLE: Shade = shade("#a8457c", "#e08fbd");
const SKY: Shade = shade("#2b7da6", "#8fd3f5");
const BLACK: Shade = shade("#2d333a", "#dfe4ea");
const GREY: Shade = shade("#5f6b76", "#a3adb8");

/// Transports that everybody knows keep their colour from report to report, whichever of them are in a run.
const KNOWN: [(&str, Shade); 7] = [
    ("inproc", GREY),
    ("request-response", ORANGE),
    ("long-poll", VERMILION),
    ("websocket", BLUE),
    ("sse", GREEN),
    ("socket-io", PURPLE),
    ("tcp", BLACK),
];

/// What the others get, in turn.
const OTHERS: [Shade; 4] = [SKY, GREEN, PURPLE, GREY];

/// An arm's marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
}

const MARKERS: [Marker; 4] = [
    Marker::Diamond,
    Marker::Square,
    Marker::Triangle,
    Marker::Circle,
];

/// The arms of a run with their looks.
#[derive(Debug, Clone)]
pub(crate) struct Palette {
    arms: Vec<(String, Shade, Marker)>,
}

impl Palette {
    /// Of arms in the order of the scenario.
    pub(crate) fn new<'a>(arms: impl IntoIterator<Item = &'a str>) -> Self {
        let mut palette = Self { arms: Vec::new() };
        let mut others = 0;
        for arm in arms {
            if palette.arms.iter().any(|(name, ..)| name == arm) {
                continue;
            }
            let known = KNOWN.iter().position(|(name, _)| *name == arm);
            let (shade, place) = if let Some(index) = known {
                (KNOWN[index].1, index)
            } else {
                others += 1;
                (OTHERS[(others - 1) % OTHERS.len()], KNOWN.len() + others)
            };
            let marker = MARKERS[place % MARKERS.len()];
            palette.arms.push((arm.to_owned(), shade, marker));
        }
        palette
    }

    pub(crate) fn arms(&self) -> impl Iterator<Item = (&str, Shade, Marker)> {
        self.arms
            .iter()
            .map(|(name, shade, marker)| (name.as_str(), *shade, *marker))
    }

    pub(crate) fn marker(&self, arm: &str) -> Marker {
        let found = self.arms().find(|(name, ..)| *name == arm);
        found.map_or(Marker::Circle, |(_, _, marker)| marker)
    }

    pub(crate) fn shade(&self, arm: &str) -> Shade {
        let found = self.arms().find(|(name, ..)| *name == arm);
        found.map_or(GREY, |(_, shade, _)| shade)
    }
}

const fn shade(light: &'static str, dark: &'static str) -> Shade {
    Shade { light, dark }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_has_its_colour_whoever_else_is_there() {
        let alone = Palette::new(["websocket"]);
        let together = Palette::new(["nchan", "long-poll", "websocket"]);
        assert_eq!(alone.shade("websocket"), together.shade("websocket"));
        assert_eq!(alone.marker("websocket"), together.marker("websocket"));
        assert_ne!(together.shade("nchan"), together.shade("long-poll"));
    }

    #[test]
    fn every_colour_can_be_read_on_its_ground() {
        let known = KNOWN.iter().map(|(_, shade)| *shade);
        for shade in known.chain(OTHERS) {
            assert!(contrast(shade.light, "#ffffff") >= 3.0, "{shade:?}");
            assert!(contrast(shade.dark, "#14181d") >= 3.0, "{shade:?}");
        }
    }

    /// WCAG 2.2, "contrast ratio".
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |text: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&text[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.04045 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }
}
