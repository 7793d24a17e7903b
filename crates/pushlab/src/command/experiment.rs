//! A scenario from its first case to its result folder.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use measure::manifest::RunInfo;
use measure::{Folder, FolderWriter, Measurement, Outcome, Status, Verdict};
use report::Look;
use scenario::{Case, Scenario};
use tokio::runtime;

use crate::command::case::{self, Place};
use crate::command::progress::Progress;
use crate::cpus::{self, Pins};
use crate::exit::{Exit, Failure};
use crate::process;
use crate::stop::Stop;

/// Where results go when nothing else is said.
const RESULTS: &str = "results";

/// What is the same for all scenarios of a command.
pub(crate) struct Bench {
    stop: Stop,
    out: PathBuf,
    allowed: Vec<u32>,
    json: bool,
    strict: bool,
}

/// A scenario that was run.
struct Done {
    folder: Folder,
    /// `summary.json`, to the letter.
    summary: String,
    exit: Exit,
}

impl Bench {
    /// Listens for Ctrl-C, and raises limits.
    pub(crate) fn set_up(out: Option<&Path>, json: bool, strict: bool) -> Result<Self, Failure> {
        let out = out.unwrap_or(Path::new(RESULTS)).to_owned();
        if out.exists() && !out.is_dir() {
            let shown = out.display();
            return Err(Failure::Usage(anyhow!(
                "--out {shown} exists and is no folder; results need a folder, old or new"
            )));
        }
        process::raise_file_limit();
        let stop = Stop::listen().context("can't listen for signals")?;
        let allowed = cpus::allowed();
        if allowed.len() < 2 {
            eprintln!(
                "pushlab: one CPU only: server and generator share it, so expect invalid cases"
            );
        }
        Ok(Self {
            stop,
            out,
            allowed,
            json,
            strict,
        })
    }

    /// Which CPUs a scenario gives to its server and the generator.
    pub(crate) fn pins(&self, scenario: &Scenario) -> Pins {
        Pins::new(&self.allowed, scenario.server.threads)
    }

    /// Runs scenarios one after the other, tells what each showed, and how it all ended.
    pub(crate) fn run(
        &self,
        scenarios: &[Scenario],
        place: impl Fn(&Scenario) -> Place,
    ) -> Result<Exit, Failure> {
        let mut exits = Vec::new();
        let mut summaries = Vec::new();
        for scenario in scenarios {
            let done = self.run_one(scenario, &place(scenario))?;
            if self.json {
                eprintln!("results: {}", done.folder.path.display());
                summaries.push(done.summary);
            } else {
                let text = report::text(
                    &done.folder,
                    Look {
                        styled: is_styled(),
                    },
                );
                let results = done.folder.path.display();
                // A reader that has closed the pipe has seen what it wanted; the folder stands.
                let _ = writeln!(io::stdout(), "\n{text}results: {results}\n");
            }
            exits.push(done.exit);
            if done.exit == Exit::Interrupted {
                break;
            }
        }
        if self.json {
            let text = match summaries.as_slice() {
                [one] if scenarios.len() == 1 => one.clone(),
                all => format!(
                    "[\n{}\n]\n",
                    all.iter()
                        .map(|text| text.trim_end())
                        .collect::<Vec<_>>()
                        .join(",\n")
                ),
            };
            io::stdout()
                .write_all(text.as_bytes())
                .context("can't print the summary")?;
        }
        Ok(worst(&exits))
    }

    fn run_one(&self, scenario: &Scenario, place: &Place) -> Result<Done, Failure> {
        let cases = scenario.cases();
        let mut folder = FolderWriter::create(
            &self.out,
            self.info(scenario, place, &cases),
            &scenario.text,
        )?;
        let path = folder.path().to_owned();
        let ran = self.pinned(|| self.run_cases(scenario, &cases, place, &mut folder));
        let (status, reason) = match &ran {
            Ok(ran) => (ran.status, None),
            Err(Failure::Lab(error) | Failure::Usage(error)) => {
                (Status::Failed, Some(format!("{error:#}")))
            }
        };
        let finished = folder.finish(status, reason);
        let ran = ran?;
        finished?;
        let folder = Folder::read(&path)?;
        let summary = path.join("summary.json");
        let summary = fs::read_to_string(&summary)
            .with_context(|| format!("can't read {}", summary.display()))?;
        Ok(Done {
            folder,
            summary,
            exit: ran.exit(self.strict),
        })
    }

    /// Keeps this thread, and those that it starts meanwhile, to the generator's CPU.
    fn pinned<T>(&self, act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let generator = Pins::new(&self.allowed, 1).generator;
        if generator.is_empty() {
            return act();
        }
        cpus::pin(&generator).context("can't pin the generator")?;
        let result = act();
        cpus::pin(&self.allowed).context("can't unpin the generator")?;
        result
    }

    fn run_cases(
        &self,
        scenario: &Scenario,
        cases: &[Case],
        place: &Place,
        folder: &mut FolderWriter,
    ) -> Result<Ran, Failure> {
        let mut progress = Progress::new(scenario, cases.len());
        let mut ran = Ran {
            status: Status::Complete,
            failed: false,
            invalid: false,
        };
        for case in cases {
            if self.stop.is_asked() {
                ran.status = Status::Interrupted;
                break;
            }
            progress.begin(case);
            // One event loop a case: whatever a case leaves on it ends with it.
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build_local(runtime::LocalOptions::default())
                .context("can't start an event loop")?;
            let measurement = runtime.block_on(case::measure(case, place, &self.stop, &progress));
            progress.end(&measurement);
            ran.note(&measurement);
            folder.add(&measurement)?;
        }
        progress.finish();
        Ok(ran)
    }

    fn info(&self, scenario: &Scenario, place: &Place, cases: &[Case]) -> RunInfo {
        let pins = match place {
            Place::Started(pins) => pins.clone(),
            Place::Elsewhere(_) => Pins {
                server: Vec::new(),
                ..self.pins(scenario)
            },
        };
        RunInfo {
            scenario: scenario.name.clone(),
            kind: scenario.kind.name().to_owned(),
            question: scenario.question.clone(),
            arms: scenario.transports.clone(),
            trials: scenario.trials,
            seed: scenario.seed,
            order: cases
                .iter()
                .map(|case| format!("{}#{}", case.transport, case.trial))
                .collect(),
            quick: scenario.quick,
            command_line: std::env::args_os()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            server_cpus: pins.server,
            generator_cpus: pins.generator,
        }
    }
}

/// How the cases of a scenario went.
struct Ran {
    status: Status,
    failed: bool,
    invalid: bool,
}

impl Ran {
    fn note(&mut self, measurement: &Measurement) {
        match measurement.outcome {
            Outcome::Completed => {}
            Outcome::Interrupted => self.status = Status::Interrupted,
            Outcome::Failed { .. } => self.failed = true,
        }
        self.invalid |= matches!(measurement.verdict, Verdict::Invalid { .. });
    }

    fn exit(&self, strict: bool) -> Exit {
        match self {
            Self {
                status: Status::Interrupted,
                ..
            } => Exit::Interrupted,
            Self { failed: true, .. } => Exit::CaseFailed,
            Self { invalid: true, .. } if strict => Exit::CaseInvalid,
            _ => Exit::Fine,
        }
    }
}

fn worst(exits: &[Exit]) -> Exit {
    let order = [Exit::Interrupted, Exit::CaseFailed, Exit::CaseInvalid];
    order
        .into_iter()
        .find(|exit| exits.contains(exit))
        .unwrap_or(Exit::Fine)
}

/// Whether standard output shows bold and struck-through text, and the reader wants it (<https://no-color.org>).
fn is_styled() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !unwanted && !dumb
}
