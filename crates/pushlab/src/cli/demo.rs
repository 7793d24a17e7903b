//! The options of `pushlab demo`.

use clap::Args;

use super::values::parse_origin;

/// Where to serve the course, and for whom.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushlab demo                             on this machine alone
  pushlab demo --open                      and open it in the browser
  pushlab demo --listen 0.0.0.0:8080       for a class: whoever reaches this machine can take part

Prints one line on standard output as soon as it accepts:
  {\"demo\":\"http://127.0.0.1:8080/\"}

SIGTERM or Ctrl-C ends it, and with it everything that it started.")]
pub(crate) struct DemoArgs {
    /// Address of the pages; servers take free ports beside it. Port 0: a free one is chosen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,

    /// Open the first page in the browser
    #[arg(long)]
    pub(crate) open: bool,

    /// Most benches at once: servers with a network of their own, one for each page that wants one
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) max_benches: u32,

    /// Let pages of this origin in, beside the demo's own; may be given several times
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_parser = parse_origin)]
    pub(crate) allow_origins: Vec<String>,
}
