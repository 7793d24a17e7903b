//! `pushlab run`: compares transports, a server process for each case.

use std::path::Path;

use anyhow::anyhow;
use measure::FolderWriter;
use scenario::Scenario;

use crate::cli::RunArgs;
use crate::command::experiment::Bench;
use crate::exit::{Exit, Failure};
use crate::peers::Guests;
use crate::registry;
use crate::scenarios::{self, TOUR};

/// Runs the scenarios, or the default tour; or goes on with a run that was cut off.
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    if let Some(folder) = &args.resume {
        return resume(args, folder);
    }
    let (scenarios, guests) = wanted(args)?;
    let bench = Bench::set_up(&args.experiment)?;
    bench.run(&scenarios, &|number, scenario| {
        bench.started(scenario, &guests[number])
    })
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
    let folder_of_peers = args.peers.folder.as_deref();
    let (scenario, guests) = Guests::again(scenario, run, folder_of_peers)?;
    let scenario = scenario
        .with_trials(run.trials)
        .with_seed(run.seed)
        .with_transports(&run.arms);
    let bench = Bench::set_up(&args.experiment)?;
    bench.resume(&scenario, writer, &|scenario| {
        bench.started(scenario, &guests)
    })
}

/// The scenarios, each with the peers that it or the command line asks for.
fn wanted(args: &RunArgs) -> Result<(Vec<Scenario>, Vec<Guests>), Failure> {
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
    let scenarios: Result<Vec<_>, scenario::ScenarioError> = paths.into_iter().map(adapt).collect();
    let scenarios = scenarios.map_err(Failure::usage)?;
    // Who names transports wants these and no others, but for the peers named beside them.
    let own = args.transports.is_empty();
    let invite = |scenario: Scenario| {
        Guests::invite(
            scenario,
            &args.peer_names,
            own,
            args.peers.folder.as_deref(),
        )
    };
    let both: Result<Vec<_>, Failure> = scenarios.into_iter().map(invite).collect();
    Ok(both?.into_iter().unzip())
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
