//! What is drawn from results: `report` and `plot`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use report::CustomKind;

/// Which runs to report on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab report results/20260102T030405-678Z-echo-0123456     its report.html and plots/, made anew
  pushlab report results                                       of every run there, and results/index.html
  pushlab report results/*-echo-* --out echo.html              several runs on one page

Every page is one file that opens offline. It is made from the files of the run alone, after they were checked against each
other: a file that was cut or edited is an error that names the file and the line, and nothing is drawn.

Exit codes: 0 done, 1 a file can't be written, 2 a folder is no result or its files disagree.")]
pub(crate) struct ReportArgs {
    /// Result folders, or folders that hold some
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::DirPath)]
    pub(crate) runs: Vec<PathBuf>,

    /// One page of all of them, in this file, instead of a report in each folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// What to draw.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab plot results/*-sweep-rate-* --kind line --x rate --y server_cpu_us_per_message --out cpu.svg
  pushlab plot results/*-echo-* --kind scatter --x slip_p99_ns --y latency_p99_ns --out slip.png
  pushlab plot results/*-echo-* --kind bars --y ip_bytes_per_message --arm websocket --arm long-poll --out bytes.svg
  pushlab plot results/*-sweep-rate-* --kind percentiles --point rate=400/s --out tail.svg

Figures go by their names in summary.json (results/README.md), settings by their names in scenarios. Of several runs the later
ones are dashed. What a run doesn't have is an error that lists what it has.")]
pub(crate) struct PlotArgs {
    /// Result folders
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::DirPath)]
    pub(crate) runs: Vec<PathBuf>,

    /// `line` (medians along --x), `scatter` (a mark a trial), `bars` (an arm each), or a chart of the report, such as `percentiles`
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    pub(crate) kind: CustomKind,

    /// The setting or figure along the bottom, for `line` and `scatter`
    #[arg(long, value_name = "NAME")]
    pub(crate) x: Option<String>,

    /// The figure up the side, or for `bars` along them
    #[arg(long, value_name = "NAME")]
    pub(crate) y: Option<String>,

    /// The point of a sweep, as its label has it (`rate=400/s`), for `bars` and charts of the report [default: the first]
    #[arg(long, value_name = "LABEL")]
    pub(crate) point: Option<String>,

    /// Only this arm; may be given several times
    #[arg(long = "arm", value_name = "ARM")]
    pub(crate) arms: Vec<String>,

    /// The file: .svg or .png
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
}

#[allow(clippy::unnecessary_wraps)] // what clap wants of a parser
fn parse_kind(text: &str) -> Result<CustomKind, String> {
    Ok(match text {
        "line" => CustomKind::Line,
        "scatter" => CustomKind::Scatter,
        "bars" => CustomKind::Bars,
        other => CustomKind::Report(other.to_owned()),
    })
}
