//! How a command ends, as an exit code.

use std::io::Write;
use std::process::ExitCode;

/// A command that did what it was asked to. The later ones outrank the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All held.
    Fine,
    /// A case was invalid, and `--strict` asked for this to be told.
    CaseInvalid,
    /// A self-test missed a truth, or could not be recorded.
    Missed,
    /// What was measured is there, but its report could not be drawn.
    NotDrawn,
    /// Something that the scenario expects didn't hold, or got worse by more than was allowed.
    ExpectationFailed,
    /// A case failed, and left a row that says why.
    CaseFailed,
    /// The user stopped it.
    Interrupted,
}

impl Exit {
    /// Whichever outranks the other.
    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

/// A command that could not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for makes no sense.
    Usage(anyhow::Error),
    /// It makes sense, but the lab failed.
    Lab(anyhow::Error),
}

impl Failure {
    /// A wrong use of the command line, or a bad scenario.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Lab(error.into())
    }
}

/// The code for a shell, after telling what went wrong. 130 is 128 + SIGINT, as shells count.
pub(crate) fn report(result: &Result<Exit, Failure>) -> ExitCode {
    let code = match result {
        Ok(Exit::Fine) => 0,
        Ok(Exit::CaseFailed | Exit::Missed | Exit::NotDrawn) | Err(Failure::Lab(_)) => 1,
        Err(Failure::Usage(_)) => 2,
        Ok(Exit::ExpectationFailed) => 3,
        Ok(Exit::CaseInvalid) => 4,
        Ok(Exit::Interrupted) => 130,
    };
    if let Err(Failure::Usage(error) | Failure::Lab(error)) = result {
        // With standard error closed there is no one left to tell.
        let _ = writeln!(std::io::stderr(), "pushlab: {error:#}");
    }
    ExitCode::from(code)
}
