//! What can be found wrong with a page without knowing what it is about.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::BrowserError;
use crate::page::Page;

/// A text that is hard to read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Contrast {
    /// The text, shortened, and the element that it is in.
    pub text: String,
    /// Of foreground to background, from 1 to 21 (WCAG 2, relative luminance).
    pub ratio: f64,
    /// What it should be at least: 4.5, or 3 for large text (WCAG 2, success criterion 1.4.3).
    pub needed: f64,
}

impl Page {
    /// Elements that stick out of the view on the right, so that the page scrolls sideways; none if all is well.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn overflow(&self) -> Result<Vec<String>, BrowserError> {
        self.eval(include_str!("scripts/overflow.js")).await
    }

    /// All visible texts whose contrast to what lies behind them is too low, those of drawings too, which axe leaves out.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn low_contrast(&self) -> Result<Vec<Contrast>, BrowserError> {
        self.eval(include_str!("scripts/contrast.js")).await
    }

    /// Elements that a person can use and a screen reader has no name for, by the browser's own accessibility tree.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn unnamed(&self) -> Result<Vec<String>, BrowserError> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({})).await?;
        let nodes = tree["nodes"].as_array().map_or(&[][..], Vec::as_slice);
        let mut unnamed = Vec::new();
        for node in nodes.iter().filter(|node| is_nameless_control(node)) {
            let of = json!({ "backendNodeId": node["backendDOMNodeId"] });
            let html = self.call("DOM.getOuterHTML", &of).await?;
            let html = html["outerHTML"].as_str().unwrap_or_default();
            unnamed.push(html.chars().take(120).collect());
        }
        Ok(unnamed)
    }

    /// Serious and critical violations of axe's rules, one a line: rule, help, and the elements. Contrast is left to [`Page::low_contrast`].
    ///
    /// # Errors
    /// axe isn't installed (`cargo xtask test` does it).
    pub async fn axe(&self) -> Result<Vec<String>, BrowserError> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&path).map_err(|_| BrowserError::NoAxe(path))?;
        self.run(&axe).await?;
        self.eval(include_str!("scripts/axe.js")).await
    }
}

/// Whether a node of the accessibility tree can have the focus and has no name. The document and plain scrollable areas can be focused by the
/// browser's own doing; they are no controls. Nor is the main part, to which a link past the navigation leads.
fn is_nameless_control(node: &Value) -> bool {
    const NO_CONTROLS: [&str; 4] = ["RootWebArea", "generic", "main", "none"];
    let properties = node["properties"].as_array().map_or(&[][..], Vec::as_slice);
    let focusable = properties
        .iter()
        .any(|property| property["name"] == "focusable" && property["value"]["value"] == true);
    let role = node["role"]["value"].as_str().unwrap_or_default();
    let name = node["name"]["value"].as_str().unwrap_or_default();
    node["ignored"] == false && focusable && name.trim().is_empty() && !NO_CONTROLS.contains(&role)
}
