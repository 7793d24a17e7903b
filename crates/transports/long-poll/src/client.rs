//! When a long-polling client asks: whenever it isn't asking.

use std::task::{Context, Poll};

use transport::ClientOptions;
use transport::http::client::Polls;

/// One poll always under way, each to be held for the same time.
#[derive(Debug)]
pub struct Always {
    parameters: String,
    has_cursor: bool,
}

impl Always {
    /// Polls as `options` ask for: how long to be held, and with a cursor or without.
    pub fn new(options: &ClientOptions) -> Self {
        Self {
            parameters: format!("&wait={}", options.hold.as_secs_f64()),
            has_cursor: options.cursor,
        }
    }
}

impl Polls for Always {
    fn poll_due(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn answered(&mut self) {}

    fn parameters(&self) -> &str {
        &self.parameters
    }

    fn has_cursor(&self) -> bool {
        self.has_cursor
    }
}
