//! When a long-polling client asks: whenever it isn't asking.

use std::task::{Context, Poll};
use std::time::Duration;

use transport::http::client::Polls;

/// One poll always under way, each to be held for the same time.
#[derive(Debug)]
pub struct Always {
    parameters: String,
}

impl Always {
    /// Polls that ask to be held for `hold`.
    pub fn new(hold: Duration) -> Self {
        Self {
            parameters: format!("&wait={}", hold.as_secs_f64()),
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
}
