//! What the process that started a link says to it: lines on standard input, answered by lines on standard output.

use std::io::{self, BufRead, Write};
use std::thread;
use std::time::Duration;

use link::{Cut, Handle};

/// What an answer begins with.
pub(crate) const REPORT: &str = "link ";

/// A line on standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The measured part begins at this time of [`measure::now`], the clock of all processes of a machine: forget what was before it.
    Reset(u64),
    /// The measured part was over at this time: tell what was done by now.
    Report(u64),
    /// Nothing passes for so many milliseconds.
    Stall(u64),
    /// All connections are cut.
    Cut(Cut),
}

impl Request {
    /// The line.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Reset(at) => format!("reset {at}"),
            Self::Report(at) => format!("report {at}"),
            Self::Stall(milliseconds) => format!("stall {milliseconds}"),
            Self::Cut(how) => format!("cut {}", how.name()),
        }
    }

    /// What [`line`](Self::line) gave; none for any other line.
    fn parse(line: &str) -> Option<Self> {
        let (word, value) = line.split_once(' ')?;
        match word {
            "reset" => value.parse().ok().map(Self::Reset),
            "report" => value.parse().ok().map(Self::Report),
            "stall" => value.parse().ok().map(Self::Stall),
            "cut" => Cut::named(value).map(Self::Cut),
            _ => None,
        }
    }
}

/// Listens from now on, on a thread that ends with the process at the latest: it blocks in a read until the parent closes the pipe.
///
/// # Errors
/// The thread can't be started.
pub(super) fn start(link: Handle) -> io::Result<()> {
    thread::Builder::new()
        .name("control".into())
        .stack_size(128 << 10)
        .spawn(move || {
            // Without a parent, or a link, there is nothing left to do here.
            let _ = listen(&link);
        })
        .map(drop)
}

fn listen(link: &Handle) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        match Request::parse(&line?) {
            Some(Request::Reset(at)) => link.reset(at)?,
            Some(Request::Report(_)) => {
                let json = serde_json::to_string(&link.report()?)?;
                writeln!(io::stdout(), "{REPORT}{json}")?;
            }
            Some(Request::Stall(milliseconds)) => {
                link.stall(Duration::from_millis(milliseconds))?;
            }
            Some(Request::Cut(how)) => match link.cut(how) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    eprintln!("pushlab: cut {}: {error}", how.name());
                }
                done => done?,
            },
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_understood() {
        let cuts = Cut::ALL.map(Request::Cut);
        let others = [
            Request::Reset(u64::MAX),
            Request::Report(7),
            Request::Stall(0),
        ];
        for request in cuts.into_iter().chain(others) {
            assert_eq!(Request::parse(&request.line()), Some(request));
        }
        for other in [
            "", "cut", "cut all", "stall -1", "stall 1s", "report", "reset x",
        ] {
            assert_eq!(Request::parse(other), None, "{other}");
        }
    }
}
