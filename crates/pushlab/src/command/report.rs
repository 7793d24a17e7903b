//! `pushlab report` and `pushlab plot`: what was measured, drawn from its files.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use report::{DrawError, Run, Wanted};

use crate::cli::{PlotArgs, ReportArgs};
use crate::exit::{Exit, Failure};

/// Draws the reports of runs anew, or one page of all of them.
pub(crate) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let mut folders = Vec::new();
    for path in &args.runs {
        folders.extend(runs_at(path)?);
    }
    if let Some(page) = &args.out {
        let runs = folders.iter().map(|path| read(path));
        report::write_page(&runs.collect::<Result<Vec<_>, _>>()?, page)?;
        return tell(page);
    }
    let mut parents: Vec<PathBuf> = Vec::new();
    for folder in &folders {
        tell(&report::write_report(&read(folder)?)?)?;
        let parent = folder.parent().unwrap_or(Path::new("")).to_owned();
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    for parent in &parents {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        tell(&report::write_index(parent)?)?;
    }
    Ok(Exit::Fine)
}

/// Draws one chart into a file.
pub(crate) fn plot(args: &PlotArgs) -> Result<Exit, Failure> {
    let runs: Vec<Run> = args
        .runs
        .iter()
        .map(|path| read(path))
        .collect::<Result<_, _>>()?;
    let wanted = Wanted {
        kind: args.kind.clone(),
        x: args.x.clone(),
        y: args.y.clone(),
        point: args.point.clone(),
        arms: args.arms.clone(),
    };
    match report::write_plot(&runs, &wanted, &args.out) {
        Ok(()) => tell(&args.out),
        Err(error @ (DrawError::Custom(_) | DrawError::Ending(_))) => Err(Failure::usage(error)),
        Err(error) => Err(error.into()),
    }
}

fn read(folder: &Path) -> Result<Run, Failure> {
    // Its text has the cause already; as a chain it would be told twice.
    Run::read(folder).map_err(|error| Failure::Usage(anyhow!("{error}")))
}

/// The result folder at a path, or those in it.
fn runs_at(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_run = |path: &Path| path.join("manifest.json").is_file();
    if is_run(path) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shown = path.display();
    let entries = path
        .read_dir()
        .with_context(|| format!("can't read {shown}"))
        .map_err(Failure::Usage)?;
    let mut runs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_run(path))
        .collect();
    if runs.is_empty() {
        return Err(Failure::Usage(anyhow!(
            "{shown} is no result folder and holds none: a result folder has a manifest.json"
        )));
    }
    runs.sort();
    Ok(runs)
}

fn tell(path: &Path) -> Result<Exit, Failure> {
    writeln!(std::io::stdout(), "{}", path.display())?;
    Ok(Exit::Fine)
}
