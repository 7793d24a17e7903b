//! `pushlab claims`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};

use crate::command;

/// Which claims to put to the test.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct ClaimsArgs {
    /// A lesson (1 to 15) or a source; none for all of them
    #[arg(value_name = "ID", value_parser = PossibleValuesParser::new(command::claim_ids()), hide_possible_values = true)]
    pub(crate) ids: Vec<String>,

    /// Print {"claims": […]}, an object a figure, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// Take the results of scenarios that DIR has already, and run only the others
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) from: Option<PathBuf>,

    /// A quick look: at most 1 s and 2 trials a scenario, so most figures miss. Not a result to keep
    #[arg(long)]
    pub(crate) quick: bool,

    /// Folder for the scenarios' result folders and, when all claims are run, claims.json and claims.md [default: results/claims]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

fn help() -> String {
    let claims = command::claim_titles();
    let lines = claims
        .iter()
        .map(|(id, title)| format!("  {id:<15}{title}"));
    let lines: Vec<String> = lines.collect();
    format!(
        "Claims:\n{}\n\nExamples:\n  pushlab claims                all of them, a quarter of an hour\n  \
         pushlab claims 3 4 rfc6202    some\n  \
         pushlab claims --from results/claims   the verdicts again, of what was measured\n\n\
         13 loses packets, which needs root. Exit codes: 0 what could be measured agrees, 3 a figure was not reproduced, 1 a case failed.",
        lines.join("\n")
    )
}
