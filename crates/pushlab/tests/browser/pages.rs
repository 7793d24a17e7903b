//! The pages to look at: those of runs made just now, and those that are committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A page.
pub(crate) struct Sheet {
    /// What its pictures are called.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of one run without a sweep.
    Plain,
    /// Of a run that sweeps an axis.
    Sweep,
    /// Of a run that searches for the limit of a promise: it has no point to compare the arms at.
    Search,
    /// Of all runs.
    Index,
}

impl Sheet {
    fn of_run(name: &str, folder: &Path) -> Self {
        let manifest = json_file(&folder.join("manifest.json"));
        let summary = json_file(&folder.join("summary.json"));
        let has = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
        let kind = if has(&summary["searches"]) {
            Kind::Search
        } else if has(&manifest["run"]["axes"]) {
            Kind::Sweep
        } else {
            Kind::Plain
        };
        Self {
            name: name.into(),
            path: folder.join("report.html"),
            kind,
        }
    }

    /// Its path, as a browser is given it.
    pub(crate) fn place(&self) -> &str {
        self.path.to_str().expect("a path in UTF-8")
    }

    /// A file beside it.
    pub(crate) fn beside(&self, file: &str) -> PathBuf {
        self.path.with_file_name(file)
    }
}

/// Runs made just now; gone when dropped.
pub(crate) struct Fresh {
    folder: TempDir,
}

/// Small, and with everything that a chart needs: a schedule, so that there is something to correct, and a full second.
const PLAIN: &str = "
name = 'plain'
question = 'Which one answers first?'
kind = 'echo'
transports = ['inproc', 'request-response', 'long-poll', 'websocket']
duration = '1s'
warm-up = '50ms'
trials = 1
[load]
mode = 'open'
arrivals = 'poisson'
rate = '200/s'
payload = '64 B'
[population]
clients = 4
";

const SWEEP: &str = "
name = 'sweep'
question = 'From which rate on?'
kind = 'echo'
transports = ['request-response', 'websocket']
duration = '300ms'
warm-up = '50ms'
trials = 2
[load]
mode = 'open'
payload = '64 B'
[population]
clients = 2
[sweep]
rate = ['50/s', '200/s', '400/s']
";

impl Fresh {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, scenario) in [("plain", PLAIN), ("sweep", SWEEP)] {
            let path = folder.path().join(format!("{name}.toml"));
            fs::write(&path, scenario).unwrap();
            let output = Command::new(env!("CARGO_BIN_EXE_pushlab"))
                .arg("run")
                .arg(path)
                .args(["--quick", "--retries", "0", "--out"])
                .arg(folder.path().join(name))
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {errors}");
        }
        Self { folder }
    }

    pub(crate) fn sheets(&self) -> Vec<Sheet> {
        let sheet = |name: &str| {
            let runs = folders(&self.folder.path().join(name));
            assert_eq!(runs.len(), 1, "{runs:?}");
            Sheet::of_run(&format!("fresh-{name}"), &runs[0])
        };
        vec![sheet("plain"), sheet("sweep")]
    }
}

/// Every run in `results/`, and the page that lists them.
pub(crate) fn committed() -> Vec<Sheet> {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
    let results = results.canonicalize().unwrap();
    let runs = folders(&results);
    assert!(!runs.is_empty(), "{} has no runs", results.display());
    let mut sheets: Vec<Sheet> = runs
        .iter()
        .map(|run| Sheet::of_run(run.file_name().unwrap().to_str().unwrap(), run))
        .collect();
    sheets.push(Sheet {
        name: "index".into(),
        path: results.join("index.html"),
        kind: Kind::Index,
    });
    sheets
}

pub(crate) fn json_file(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

/// The folders of runs below a folder, by name.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = paths
        .filter(|path| path.join("manifest.json").is_file())
        .collect();
    folders.sort();
    folders
}
