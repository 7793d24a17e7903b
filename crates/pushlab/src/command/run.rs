//! `pushlab run`: compares transports, a server process for each case.

use std::path::Path;

use anyhow::anyhow;
use measure::FolderWriter;
use scenario::Scenario;

use crate::cli::RunArgs;
use crate::command::case::Place;
use crate::command::experiment::Bench;
use crate::exit::{Exit, Failure};
use crate::registry;
use crate::scenarios::{self, TOUR};

/// Runs the scenarios, or the default tour; or goes on with a run that was cut off.
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    if let Some(folder) = &args.resume {
        return resume(args, folder);
    }
    let scenarios = wanted(args)?;
    let bench = Bench::set_up(&args.experiment)?;
    bench.run(&scenarios, &|scenario| Place::Started(bench.pins(scenario)))
}

fn resume(args: &RunArgs, folder: &Path) -> Result<Exit, Failure> {
    // Its text has the cause already; as a chain it would be told twice.
    let writer =
        FolderWriter::resume(folder).map_err(|error| Failure::Usage(anyhow!("{error}")))?;
    let run = &writer.manifest().run;
    if run.command_line.get(1).is_some_and(|word| word == "load") {
        return Err(Failure::Usage(anyhow!(
            "{} was left by `pushlab load`, whose server is not ours to start; load it again",
            folder.display()
        )));
    }
    let text = folder.join("scenario.toml");
    let mut scenario = scenario::load(&text, &registry::arms()).map_err(Failure::usage)?;
    if let Some(name) = &run.link {
        let profile = scenario::profile(name)
            .ok_or_else(|| Failure::Usage(anyhow!("{name} is the name of no link any more")))?;
        scenario = scenario.with_link(profile);
    }
    if run.quick {
        scenario = scenario.quick();
    }
    scenario = scenario
        .with_trials(run.trials)
        .with_seed(run.seed)
        .with_transports(&run.arms);
    let bench = Bench::set_up(&args.experiment)?;
    bench.resume(&scenario, writer, &|scenario| {
        Place::Started(bench.pins(scenario))
    })
}

fn wanted(args: &RunArgs) -> Result<Vec<Scenario>, Failure> {
    let tour = TOUR.map(Path::new);
    let paths: Vec<&Path> = if args.scenarios.is_empty() {
        tour.into()
    } else {
        args.scenarios.iter().map(AsRef::as_ref).collect()
    };
    let adapt = |path: &Path| {
        let scenario = args.experiment.adapt(scenarios::find(path)?);
        Ok(if args.transports.is_empty() {
            scenario
        } else {
            scenario.with_transports(&once(&args.transports))
        })
    };
    let scenarios: Result<_, scenario::ScenarioError> = paths.into_iter().map(adapt).collect();
    scenarios.map_err(Failure::usage)
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
