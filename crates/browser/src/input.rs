//! Mouse and keyboard, as real as a test can make them: the browser itself finds out what lies under the pointer and what has the focus.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::BrowserError;
use crate::page::{Page, quoted};

impl Page {
    /// Moves the mouse to the middle of an element and clicks.
    ///
    /// # Errors
    /// There is no such element, or another one lies over its middle: a person couldn't click it either.
    pub async fn click(&self, selector: &str) -> Result<(), BrowserError> {
        let spot = self.spot(selector, 0.5, 0.5).await?;
        if let Some(other) = &spot.covered_by {
            return Err(BrowserError::Element {
                selector: selector.into(),
                problem: format!("is covered by {other}"),
            });
        }
        self.mouse("mouseMoved", &spot, 0).await?;
        self.mouse("mousePressed", &spot, 1).await?;
        self.mouse("mouseReleased", &spot, 1).await
    }

    /// Moves the mouse over an element: `x` and `y` are shares of its width and height, from its top left corner.
    ///
    /// # Errors
    /// There is no such element, or it has no area.
    pub async fn hover(&self, selector: &str, x: f64, y: f64) -> Result<(), BrowserError> {
        let mut spot = self.spot(selector, x, y).await?;
        // From beside it, so that it moves even if it was there.
        spot.x -= 1.0;
        self.mouse("mouseMoved", &spot, 0).await?;
        spot.x += 1.0;
        self.mouse("mouseMoved", &spot, 0).await
    }

    /// Presses a key and lets it go: a named one (`ArrowRight`, `Escape`, `Enter`, `Tab`, …) or a character.
    ///
    /// # Errors
    /// No key has this name.
    pub async fn press(&self, key: &str) -> Result<(), BrowserError> {
        let (number, text) = number_and_text(key)?;
        let mut params = json!({ "key": key, "windowsVirtualKeyCode": number });
        params["type"] = if text.is_empty() {
            "rawKeyDown".into()
        } else {
            "keyDown".into()
        };
        params["text"] = text.into();
        self.call("Input.dispatchKeyEvent", &params).await?;
        params["type"] = "keyUp".into();
        params["text"] = "".into();
        self.call("Input.dispatchKeyEvent", &params).await?;
        Ok(())
    }

    /// Types a text where the focus is, a key for each character.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn type_text(&self, text: &str) -> Result<(), BrowserError> {
        for character in text.chars() {
            self.press(character.encode_utf8(&mut [0; 4])).await?;
        }
        Ok(())
    }

    /// Scrolls a spot of an element into the middle of the view and finds where it then is.
    async fn spot(&self, selector: &str, x: f64, y: f64) -> Result<Spot, BrowserError> {
        let name = quoted(selector);
        let script = format!("({FIND_SPOT})(document.querySelector({name}), {x}, {y})");
        let spot: Option<Spot> = self.eval(&script).await?;
        let problem = match spot {
            Some(spot) if spot.has_area && spot.in_view => return Ok(spot),
            Some(spot) if spot.has_area => "can't be scrolled into view",
            Some(_) => "has no area: it is hidden or empty",
            None => "is not on the page",
        };
        Err(BrowserError::Element {
            selector: selector.into(),
            problem: problem.into(),
        })
    }

    async fn mouse(&self, event: &str, at: &Spot, clicks: u32) -> Result<(), BrowserError> {
        let button = if clicks > 0 { "left" } else { "none" };
        let params: Value =
            json!({ "type": event, "x": at.x, "y": at.y, "button": button, "clickCount": clicks });
        self.call("Input.dispatchMouseEvent", &params).await?;
        Ok(())
    }
}

/// A place in the view, in CSS pixels.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spot {
    x: f64,
    y: f64,
    has_area: bool,
    in_view: bool,
    /// What a click there would reach instead.
    covered_by: Option<String>,
}

const FIND_SPOT: &str = include_str!("scripts/spot.js");

/// Name, number, text.
const KEYS: &[(&str, u32, &str)] = &[
    ("Backspace", 8, ""),
    ("Tab", 9, ""),
    ("Enter", 13, "\r"),
    ("Escape", 27, ""),
    ("PageUp", 33, ""),
    ("PageDown", 34, ""),
    ("End", 35, ""),
    ("Home", 36, ""),
    ("ArrowLeft", 37, ""),
    ("ArrowUp", 38, ""),
    ("ArrowRight", 39, ""),
    ("ArrowDown", 40, ""),
    ("Delete", 46, ""),
];

/// What a keyboard's driver says of a key: its number on Windows, and the text that it enters.
fn number_and_text(key: &str) -> Result<(u32, String), BrowserError> {
    if let Some((_, number, text)) = KEYS.iter().find(|(name, ..)| *name == key) {
        return Ok((*number, (*text).into()));
    }
    let mut characters = key.chars();
    match (characters.next(), characters.next()) {
        // Keys of letters, digits and the space have the number of their character. Where others lie depends on the keyboard, and the numbers of
        // their characters are other keys': an opening parenthesis would be an arrow down.
        (Some(one), None) if one.is_ascii_alphanumeric() || one == ' ' => {
            Ok((one.to_ascii_uppercase().into(), key.into()))
        }
        (Some(_), None) => Ok((0, key.into())),
        _ => Err(BrowserError::Key(key.into())),
    }
}
