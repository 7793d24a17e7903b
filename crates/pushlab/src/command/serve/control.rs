//! What `pushlab run` asks of the server that it started: pauses of this process within the measured part.
//!
//! Requests are lines on standard input, so that they need no port, and answers are lines on standard output, read when
//! the measured part is over.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread;

use measure::PauseMonitor;

/// What an answer begins with.
pub(crate) const PAUSES: &str = "pauses ";

/// A line on standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The measured part begins: forget the pauses so far.
    Reset,
    /// The measured part is over: tell them.
    Report,
}

impl Request {
    /// The line.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Report => "report",
        }
    }
}

/// The pause monitor, and the thread that listens.
#[derive(Debug)]
pub(super) struct Control {
    _monitor: Arc<PauseMonitor>,
}

impl Control {
    /// Starts both; they inherit the caller's pins.
    ///
    /// # Errors
    /// A thread can't be started.
    pub(super) fn start() -> io::Result<Self> {
        let monitor = Arc::new(PauseMonitor::start()?);
        let asked = Arc::clone(&monitor);
        // It blocks in a read until the parent closes the pipe, and ends with the process at the latest.
        thread::Builder::new()
            .name("control".into())
            .stack_size(128 << 10)
            .spawn(move || listen(&asked))?;
        Ok(Self { _monitor: monitor })
    }
}

fn listen(monitor: &PauseMonitor) {
    for line in io::stdin().lock().lines() {
        match line {
            Ok(line) if line == Request::Reset.line() => monitor.reset(),
            Ok(line) if line == Request::Report.line() => {
                let Ok(json) = serde_json::to_string(&monitor.read()) else {
                    return;
                };
                if writeln!(io::stdout(), "{PAUSES}{json}").is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
