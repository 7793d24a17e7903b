//! `pushlab claims`: what has been published about transports, and the lessons of the course, put to the test.
//!
//! | module | concern |
//! | --- | --- |
//! | `claim` | what a claim is made of, and when a figure agrees |
//! | `lessons`, `sources` | the claims themselves |
//! | `seen` | the figures of the scenarios that were run |
//! | `replay` | printed headers on the wire |
//! | `table` | what came of it, for people and for programs |

mod claim;
mod lessons;
pub(super) mod replay;
mod seen;
mod sources;
mod table;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow};
use measure::{Folder, Status};
use rustix::process::geteuid;
use scenario::{Backend, Scenario};

use crate::cli::{ClaimsArgs, ExperimentArgs};
use crate::command::experiment::Bench;
use crate::exit::{Exit, Failure};
use crate::scenarios;
use claim::{Claim, Verdict};
use seen::Seen;
use table::Report;

/// Where the claims' results go when nothing else is said.
const RESULTS: &str = "results/claims";

/// All claims: the lessons, then the sources.
fn all() -> Vec<Claim> {
    let mut claims = lessons::lessons();
    claims.extend(sources::sources());
    claims
}

/// What may be asked for, in order.
pub(crate) fn ids() -> Vec<&'static str> {
    all().iter().map(|claim| claim.id).collect()
}

/// Each claim with its title, for the help.
pub(crate) fn titles() -> Vec<(&'static str, &'static str)> {
    all().iter().map(|claim| (claim.id, claim.title)).collect()
}

/// Runs the scenarios of the claims that are asked for, each once, and judges.
pub(crate) fn claims(args: &ClaimsArgs) -> Result<Exit, Failure> {
    let wanted = |claim: &Claim| args.ids.is_empty() || args.ids.iter().any(|id| id == claim.id);
    let claims: Vec<Claim> = all().into_iter().filter(wanted).collect();
    if let Some(from) = args.from.as_deref().filter(|from| !from.is_dir()) {
        let shown = from.display();
        return Err(Failure::Usage(anyhow!(
            "--from {shown} is no folder; results/claims would be one"
        )));
    }
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(RESULTS));
    let bench = Bench::set_up(&ExperimentArgs {
        quick: args.quick,
        out: Some(out.clone()),
        retries: RETRIES,
        ..ExperimentArgs::default()
    })?
    .without_pages();
    let began = Instant::now();
    let mut seen = Seen::default();
    let mut exit = Exit::Fine;
    for name in names(&claims) {
        let scenario = scenarios::find(&path(name)).map_err(Failure::usage)?;
        let scenario = if args.quick {
            scenario.quick()
        } else {
            scenario
        };
        let known = args.from.as_deref().and_then(|from| kept(from, &scenario));
        let folder = if let Some(folder) = known {
            seen_folder(folder)
        } else if let Some(reason) = lacking(&scenario) {
            Err(reason)
        } else {
            let (folder, ended) = bench.study(&scenario)?;
            exit = exit.or(ended);
            seen_folder(folder)
        };
        seen.add(name, folder);
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
    }
    if claims.iter().any(|claim| claim.replays) {
        seen.replay = Some(replay::replay().context("can't replay the printed headers")?);
    }
    let report = judge(&claims, &seen);
    let json = report.json()?;
    fs::create_dir_all(&out).with_context(|| format!("can't make {}", out.display()))?;
    // A part of the claims, or a quick look, is not kept in place of all.
    if args.ids.is_empty() && !args.quick {
        write_whole(&out.join("claims.json"), &json)?;
        write_whole(&out.join("claims.md"), &report.markdown())?;
    }
    if args.json {
        std::io::stdout().write_all(json.as_bytes())?;
    } else {
        let seconds = began.elapsed().as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let text = report.text();
        let results = out.display();
        // A reader that has closed the pipe has seen what it wanted; the folders stand.
        let _ = writeln!(
            std::io::stdout(),
            "\n{text}{minutes} min {seconds} s; results: {results}"
        );
    }
    Ok(if report.count(Verdict::NotReproduced) > 0 {
        exit.or(Exit::ExpectationFailed)
    } else {
        exit
    })
}

/// How often an invalid case is measured again.
const RETRIES: u32 = 1;

/// Where the scenario of that name is.
fn path(name: &str) -> PathBuf {
    Path::new("claims").join(name)
}

/// The newest folder below `from` that has this scenario as it stands now, measured to its end.
fn kept(from: &Path, scenario: &Scenario) -> Option<Folder> {
    let entries = fs::read_dir(from).ok()?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // Their names begin with the time.
    paths.sort_unstable();
    let folders = paths.iter().rev().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.contains(&format!("-{}-", scenario.name))
    });
    let mut folders = folders.filter_map(|path| Folder::read(path).ok());
    folders.find(|folder| {
        let run = &folder.manifest.run;
        run.scenario == scenario.name
            && run.quick == scenario.quick
            && folder.manifest.status == Status::Complete
            && folder.scenario == scenario.text
    })
}

/// The scenarios of the claims, each once.
fn names(claims: &[Claim]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for name in claims.iter().flat_map(|claim| claim.scenarios) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    names
}

/// What this process lacks to run a scenario.
fn lacking(scenario: &Scenario) -> Option<String> {
    let points = scenario.sweep.iter().flat_map(|sweep| &sweep.points);
    let all = std::iter::once(scenario).chain(points.map(|point| &point.scenario));
    let mut links = all.filter_map(|scenario| scenario.link.as_ref());
    let packets = links.any(|link| link.backend == Backend::Packets);
    (packets && !geteuid().is_root())
        .then(|| "it needs root: only a link at packet level can lose packets".to_owned())
}

/// A folder whose every file says the same.
fn seen_folder(folder: Folder) -> Result<Folder, String> {
    match folder.verify() {
        Ok(_) => Ok(folder),
        Err(error) => Err(error.to_string()),
    }
}

fn judge(claims: &[Claim], seen: &Seen) -> Report {
    let mut report = Report::new();
    for claim in claims {
        if let Some(missing) = claim.open {
            report.add_open(claim, missing);
        }
        for figure in &claim.figures {
            report.add(claim, figure, figure.judge(seen));
        }
    }
    report
}

fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let written = measure::replace(path, text.as_bytes());
    written.map_err(|error| Failure::Lab(anyhow!("can't write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_has_a_name_of_its_own_and_its_scenarios() {
        let claims = all();
        for (index, claim) in claims.iter().enumerate() {
            assert!(claims[..index].iter().all(|other| other.id != claim.id));
            assert_eq!(
                claim.open.is_some(),
                claim.figures.is_empty(),
                "{}",
                claim.id
            );
            for name in claim.scenarios {
                scenarios::find(&path(name)).unwrap_or_else(|error| panic!("{error}"));
            }
        }
        assert_eq!(
            ids()[..15],
            [
                "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"
            ]
        );
    }

    /// Whatever was not run is said so, figure by figure, and as JSON.
    #[test]
    fn without_results_nothing_is_reproduced() {
        let claims = all();
        let report = judge(&claims, &Seen::default());
        assert_eq!(report.count(Verdict::Reproduced), 0);
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        let lines = json["claims"].as_array().unwrap();
        let four: Vec<_> = lines.iter().filter(|line| line["id"] == "4").collect();
        assert_eq!(four.len(), 7);
        assert_eq!(four[0]["verdict"], "not measured");
        assert!(four[0]["predicted"].as_f64().unwrap() > 50.0);
        assert!(
            lines
                .iter()
                .any(|line| line["id"] == "10" && line["verdict"] == "open")
        );
        assert!(report.text().contains("three transits"));
    }
}
