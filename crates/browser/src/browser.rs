//! Starting a browser and opening pages in it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::chromium::Chromium;
use crate::error::BrowserError;
use crate::page::Page;
use crate::wire::Wire;

/// A browser of this test's own. When it is dropped the process is killed and its profile removed.
///
/// It lives in the Tokio runtime that started it. A call that gets no answer within half a minute fails.
pub struct Browser {
    wire: Arc<Wire>,
    process: Chromium,
}

/// What a page is looked at with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewport {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// What `prefers-color-scheme` says.
    pub theme: Theme,
    /// A phone heeds `<meta name="viewport">`, can be touched, and lays its scroll bars over the page.
    pub phone: bool,
}

/// The colours that a person prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Browser {
    /// Starts `chromium`, with a profile of its own, and waits until it answers.
    ///
    /// # Errors
    /// It isn't installed, or doesn't start; with what it said.
    pub async fn start() -> Result<Self, BrowserError> {
        let (process, pipes) = Chromium::start()?;
        let wire = Arc::new(Wire::new(pipes));
        wire.call(None, "Browser.getVersion", &json!({})).await?;
        Ok(Self { wire, process })
    }

    /// Opens a URL, or a file by its path, and waits until it is loaded with everything in it.
    ///
    /// # Errors
    /// It can't be loaded.
    pub async fn open(&self, place: &str, viewport: Viewport) -> Result<Page, BrowserError> {
        let page = self.page(viewport).await?;
        page.goto(place).await?;
        Ok(page)
    }

    /// An empty page that shares no cookies, storage or cache with any other one.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn page(&self, viewport: Viewport) -> Result<Page, BrowserError> {
        Page::new(self.wire.clone(), viewport).await
    }

    /// The folder of its profile, which is gone when the browser is.
    pub fn home(&self) -> &Path {
        self.process.home()
    }
}

impl Viewport {
    /// The screen of a desk.
    pub const fn wide(width: u32, theme: Theme) -> Self {
        let phone = false;
        Self {
            width,
            height: width * 9 / 16,
            theme,
            phone,
        }
    }

    /// The screen of a phone.
    pub const fn phone(width: u32, theme: Theme) -> Self {
        let phone = true;
        Self {
            width,
            height: width * 16 / 9,
            theme,
            phone,
        }
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}
