//! `pushlab run`: compares transports, a server process for each case.

use std::path::Path;

use scenario::Scenario;

use crate::cli::RunArgs;
use crate::command::case::Place;
use crate::command::experiment::Bench;
use crate::exit::{Exit, Failure};
use crate::scenarios::{self, TOUR};

/// Runs the scenarios, or the default tour.
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let scenarios = wanted(args)?;
    let bench = Bench::set_up(args.out.as_deref(), args.json, args.strict)?;
    bench.run(&scenarios, |scenario| Place::Started(bench.pins(scenario)))
}

fn wanted(args: &RunArgs) -> Result<Vec<Scenario>, Failure> {
    let tour = TOUR.map(Path::new);
    let paths: Vec<&Path> = if args.scenarios.is_empty() {
        tour.into()
    } else {
        args.scenarios.iter().map(AsRef::as_ref).collect()
    };
    let adapt = |path: &Path| {
        let mut scenario = scenarios::find(path).map_err(Failure::usage)?;
        if args.quick {
            scenario = scenario.quick();
        }
        if let Some(trials) = args.trials {
            scenario = scenario.with_trials(trials);
        }
        if let Some(seed) = args.seed {
            scenario = scenario.with_seed(seed);
        }
        if !args.transports.is_empty() {
            scenario = scenario.with_transports(once(&args.transports));
        }
        Ok(scenario)
    };
    paths.into_iter().map(adapt).collect()
}

/// The names in order, each once.
fn once(names: &[String]) -> Vec<String> {
    let mut each: Vec<String> = Vec::new();
    for name in names {
        if !each.contains(name) {
            each.push(name.clone());
        }
    }
    each
}
