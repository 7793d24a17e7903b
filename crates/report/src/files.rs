//! The files that are drawn from a run: `report.html`, `plots/`, and the index of the folder above.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use measure::{Folder, Status, replace};

use crate::chart::{Chart, Palette, PngError, document, png};
use crate::page::{Entry, Said, index, page};
use crate::plots::{CustomError, Wanted, all, custom};
use crate::run::Run;
use crate::text;

/// Pixels of a PNG file for each of its picture.
const SCALE: f32 = 1.5;

/// Why something can't be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The disk is full, or may not be written to, or …
    #[error("can't write {}: {cause}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// A picture can't be made into pixels.
    #[error("can't draw {}: {cause}", path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: PngError,
    },
    /// There is no such chart.
    #[error(transparent)]
    Custom(#[from] CustomError),
    /// The file's name doesn't say what it should be.
    #[error("{} ends in neither .svg nor .png, so it is unclear what it should be", .0.display())]
    Ending(PathBuf),
}

/// Writes a run's `report.html` and `plots/` into its folder; what was drawn before is gone.
///
/// # Errors
/// A file can't be written; files that were written stay.
pub fn write_report(run: &Run) -> Result<PathBuf, DrawError> {
    let folder = &run.folder.path;
    let plots = folder.join("plots");
    let writing = |path: &Path, cause| DrawError::Write {
        path: path.to_owned(),
        cause,
    };
    match fs::remove_dir_all(&plots) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(writing(&plots, error));
        }
        _ => {}
    }
    fs::create_dir_all(&plots).map_err(|cause| writing(&plots, cause))?;
    let palette = palette(std::slice::from_ref(run));
    for chart in pictured(run) {
        let svg = document(&chart, &palette, &run.summary().folder);
        for ending in ["svg", "png"] {
            write_picture(&plots.join(format!("{}.{ending}", chart.name)), &svg)?;
        }
    }
    let path = folder.join("report.html");
    put(&path, page(std::slice::from_ref(run)).as_bytes())?;
    Ok(path)
}

/// Writes one page of several runs.
///
/// # Errors
/// The file can't be written.
pub fn write_page(runs: &[Run], path: &Path) -> Result<(), DrawError> {
    put(path, page(runs).as_bytes())
}

/// Draws a chart of one's own into a file that ends in `.svg` or `.png`.
///
/// # Errors
/// There is no such chart, or the file can't be written.
pub fn write_plot(runs: &[Run], wanted: &Wanted, path: &Path) -> Result<(), DrawError> {
    let chart = custom(runs, wanted)?;
    let names: Vec<&str> = runs
        .iter()
        .map(|run| run.summary().folder.as_str())
        .collect();
    write_picture(path, &document(&chart, &palette(runs), &names.join(", ")))
}

/// Lists all runs below `results` in its `index.html`.
///
/// # Errors
/// The folder can't be read, or the file not be written. A run that can't be read is listed as such.
pub fn write_index(results: &Path) -> Result<PathBuf, DrawError> {
    let reading = |cause| DrawError::Write {
        path: results.to_owned(),
        cause,
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(results).map_err(reading)? {
        let path = entry.map_err(reading)?.path();
        if !path.join("manifest.json").is_file() {
            continue;
        }
        let name = path.file_name().unwrap_or_default();
        entries.push(Entry {
            folder: name.to_string_lossy().into_owned(),
            said: said(&path),
        });
    }
    entries.sort_by(|a, b| b.folder.cmp(&a.folder));
    let path = results.join("index.html");
    put(&path, index(&entries).as_bytes())?;
    Ok(path)
}

fn said(path: &Path) -> Said {
    let folder = match Folder::read(path) {
        Ok(folder) => folder,
        Err(error) => return Said::Unreadable(error.to_string()),
    };
    let summary = &folder.summary;
    let quick = if summary.quick { ", quick" } else { "" };
    Said::Run {
        scenario: summary.scenario.clone(),
        question: summary.question.clone(),
        answer: text::answer(&folder),
        started: folder
            .manifest
            .started_utc
            .strftime("%Y-%m-%d %H:%M UTC")
            .to_string(),
        status: match summary.status {
            Status::Complete => format!("{} trials{quick}", summary.trials),
            other => format!("{}{quick}", other.word()),
        },
        has_report: path.join("report.html").is_file(),
    }
}

/// The charts that become files: of a sweep those over the whole of it, and its two ends.
fn pictured(run: &Run) -> impl Iterator<Item = Chart> {
    let last = run.summary().points.len() - 1;
    all(run)
        .into_iter()
        .filter(move |chart| chart.point.is_none_or(|point| point == 0 || point == last))
}

fn palette(runs: &[Run]) -> Palette {
    let arms = runs.iter().flat_map(|run| &run.folder.manifest.run.arms);
    Palette::new(arms.map(String::as_str))
}

fn write_picture(path: &Path, svg: &str) -> Result<(), DrawError> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => put(path, svg.as_bytes()),
        Some("png") => {
            let pixels = png(svg, SCALE).map_err(|cause| DrawError::Png {
                path: path.to_owned(),
                cause,
            })?;
            put(path, &pixels)
        }
        _ => Err(DrawError::Ending(path.to_owned())),
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), DrawError> {
    replace(path, bytes).map_err(|cause| DrawError::Write {
        path: path.to_owned(),
        cause,
    })
}
