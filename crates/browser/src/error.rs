//! What can go wrong with a browser, told so that a failed test needs no debugger.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a browser or a page didn't do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// There is no browser on this machine.
    #[error(
        "`chromium` is not on the search path: `cargo xtask test` installs it (Debian: apt-get install chromium)"
    )]
    NoChromium,
    /// What npm brings isn't there.
    #[error("{} is missing: `cargo xtask test` installs it (npm ci)", .0.display())]
    NoAxe(PathBuf),
    /// The process or its profile couldn't be made, or a file couldn't be written.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The browser has ended by itself.
    #[error("chromium has ended; its last words: {0}")]
    Gone(String),
    /// The browser doesn't do what it was told.
    #[error("{method}: {message}")]
    Refused {
        /// The command.
        method: &'static str,
        /// The browser's reason.
        message: String,
    },
    /// An answer isn't what the protocol promises.
    #[error("{method} answered something else: {source}")]
    Answer {
        /// The command.
        method: &'static str,
        /// What was wrong with it.
        source: serde_json::Error,
    },
    /// It took too long.
    #[error("{what}: not within {after:?}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// A page couldn't be loaded.
    #[error("{url}: {reason}")]
    Load {
        /// The page's address.
        url: String,
        /// The browser's reason.
        reason: String,
    },
    /// A script threw.
    #[error("script threw {0}")]
    Script(String),
    /// No element can be pointed at there.
    #[error("`{selector}` {problem}")]
    Element {
        /// Which element was wanted.
        selector: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A key that the rig has no code for.
    #[error("no key is named {0:?}")]
    Key(String),
}

impl BrowserError {
    /// Makes an [`io::Error`] say what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
