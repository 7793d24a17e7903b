//! The options of `pushlab diff`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::values::parse_percentage;

/// Which runs to compare, and how to say it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab diff results/20260102T030405-678Z-echo-0123456 results/20260103T030405-678Z-echo-89abcde
  pushlab diff base new --fail-over 10%            for CI: exit with 3 if something got worse
  pushlab diff base new --format markdown > comment.md
  pushlab diff base new --format json | jq '.figures[] | select(.worse)'

A figure fails if the whole 95 % interval of its ratio is beyond the limit: latency, CPU, bytes and memory above 1.10 for 10%, messages
a second below 1/1.10. A message lost, duplicated or reordered, or a trial failed, more often than before fails as well; and so
does a comparison in which nothing could be judged. It takes 4 valid trials of each run to judge, or 3 against 5.

Exit codes: 0 compared, 2 wrong usage, a folder that can't be read or other scenarios, 3 worse than --fail-over allows.")]
pub(crate) struct DiffArgs {
    /// The result folder of the run before
    #[arg(value_name = "A", value_hint = ValueHint::DirPath)]
    pub(crate) a: PathBuf,

    /// The result folder of the run after
    #[arg(value_name = "B", value_hint = ValueHint::DirPath)]
    pub(crate) b: PathBuf,

    /// Exit with 3 if a figure of B is worse than that of A by more than this, beyond its interval
    #[arg(long, value_name = "PERCENT", value_parser = parse_percentage)]
    pub(crate) fail_over: Option<f64>,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Compare runs of different scenarios too
    #[arg(long)]
    pub(crate) anyway: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for a terminal
    Text,
    /// For a pull request
    Markdown,
    /// As documented in results/README.md
    Json,
}
