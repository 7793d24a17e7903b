//! The lab's pages, looked at in a real browser: for tests only.
//!
//! A page can be right in every byte and still be wrong where it counts: it asks another server for a font, overflows on
//! a phone, is grey on grey, or a click does nothing. So tests open it in Debian's `chromium` and use it as a person does, with
//! a real mouse and real keys.
//!
//! The browser is driven over the protocol of Chrome's developer tools, on two pipes (`--remote-debugging-pipe`). The few commands that are
//! needed here are written out as JSON; a client generated from the whole protocol would be the largest thing that this
//! workspace builds. Pipes also make sure of the end: when the test is gone, however it went, they close, and the browser with them.
//!
//! ```no_run
//! # async fn look() -> Result<(), browser::BrowserError> {
//! use browser::{Browser, Theme, Viewport};
//!
//! let browser = Browser::start().await?;
//! let page = browser.open("/tmp/page.html", Viewport::wide(1280, Theme::Dark)).await?;
//! page.click("#more").await?;
//! page.wait_for("document.querySelector('#rest').checkVisibility()").await?;
//! assert!(page.complaints().await?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | `browser` | [`Browser`]: starts it and opens pages |
//! | `page` | [`Page`]: goes to a URL, runs scripts, takes screenshots |
//! | `input` | mouse and keyboard of a [`Page`] |
//! | `audit` | what can be found wrong with any [`Page`]: overflow, contrast, names, print, axe's rules |
//! | `notebook` | what a page asked for and complained about |
//! | `wire` | the protocol: commands out, answers and events in |
//! | `chromium` | the process and its profile, and that nothing of them is left |
//! | `error` | [`BrowserError`] |

mod audit;
mod browser;
mod chromium;
mod error;
mod input;
mod notebook;
mod page;
mod wire;

pub use audit::Contrast;
pub use browser::{Browser, Theme, Viewport};
pub use error::BrowserError;
pub use notebook::Request;
pub use page::Page;
