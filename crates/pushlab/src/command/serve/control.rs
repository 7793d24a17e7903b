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

const RESET: &str = "reset ";
const REPORT: &str = "report ";

/// A line on standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The measured part begins at this time of [`measure::now`], the clock of all processes of a machine: forget the pauses before it.
    Reset(u64),
    /// The measured part was over at this time: tell those until then.
    Report(u64),
}

impl Request {
    /// The line.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Reset(at) => format!("{RESET}{at}"),
            Self::Report(at) => format!("{REPORT}{at}"),
        }
    }

    /// What [`line`](Self::line) gave; none for any other line.
    fn parse(line: &str) -> Option<Self> {
        let at = |word| line.strip_prefix(word)?.parse().ok();
        at(RESET)
            .map(Self::Reset)
            .or_else(|| at(REPORT).map(Self::Report))
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
        let Ok(line) = line else { return };
        match Request::parse(&line) {
            Some(Request::Reset(at)) => monitor.reset(at),
            Some(Request::Report(at)) => {
                let Ok(json) = serde_json::to_string(&monitor.read(at)) else {
                    return;
                };
                if writeln!(io::stdout(), "{PAUSES}{json}").is_err() {
                    return;
                }
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_understood() {
        for request in [
            Request::Reset(0),
            Request::Reset(u64::MAX),
            Request::Report(7),
        ] {
            assert_eq!(Request::parse(&request.line()), Some(request));
        }
        for other in ["", "reset", "reset x", "reset -1", "report", "reports 1"] {
            assert_eq!(Request::parse(other), None, "{other}");
        }
    }
}
