//! A scenario from its first case to its result folder.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use measure::manifest::{LeftOut, RunInfo};
use measure::selftest::SelfTest;
use measure::{Folder, FolderWriter, Status, Summary};
use report::{DrawError, Look, Run};
use scenario::Scenario;

use crate::cli::ExperimentArgs;
use crate::command::case::Place;
use crate::command::measuring::{Measuring, Went};
use crate::command::progress::Progress;
use crate::command::search;
use crate::cpus::{self, Pins};
use crate::exit::{Exit, Failure};
use crate::peers::Guests;
use crate::process;
use crate::stop::Stop;

/// Where results go when nothing else is said.
pub(crate) const RESULTS: &str = "results";

/// What is the same for all scenarios of a command.
pub(crate) struct Bench {
    stop: Stop,
    out: PathBuf,
    allowed: Vec<u32>,
    json: bool,
    strict: bool,
    retries: u32,
    /// Whether each result folder gets its page and pictures.
    draws: bool,
    /// What `--link` put between.
    link: Option<&'static str>,
}

/// A scenario that was run.
struct Done {
    folder: Folder,
    /// Its page; none if it could not be drawn.
    report: Option<PathBuf>,
    /// `summary.json`, to the letter.
    summary: String,
    exit: Exit,
}

impl Bench {
    /// Listens for Ctrl-C, and raises limits.
    pub(crate) fn set_up(args: &ExperimentArgs) -> Result<Self, Failure> {
        let out = args.out.as_deref().unwrap_or(Path::new(RESULTS)).to_owned();
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
            json: args.json,
            strict: args.strict,
            retries: args.retries,
            link: args.link.map(|profile| profile.name),
            draws: true,
        })
    }

    /// Results without pages and pictures: `pushlab report` draws them when they are wanted.
    pub(crate) fn without_pages(self) -> Self {
        Self {
            draws: false,
            ..self
        }
    }

    /// Runs one scenario, a server process for each case, and says nothing at its end.
    pub(crate) fn study(&self, scenario: &Scenario) -> Result<(Folder, Exit), Failure> {
        let place = |scenario: &Scenario| self.started(scenario, &Guests::default());
        let folder = self.folder(scenario, &place(scenario))?;
        let done = self.carry_out(scenario, &place, folder)?;
        Ok((done.folder, done.exit))
    }

    /// Which CPUs a scenario gives to its server and the generator.
    pub(crate) fn pins(&self, scenario: &Scenario) -> Pins {
        Pins::new(&self.allowed, scenario.server.threads)
    }

    /// A server of its own for each case, where a scenario wants it; some of them are these guests'.
    pub(crate) fn started(&self, scenario: &Scenario, guests: &Guests) -> Place {
        Place::Started(self.pins(scenario), guests.clone())
    }

    /// Runs scenarios one after the other, tells what each showed, and how it all ended. `place` is asked with a scenario's number.
    pub(crate) fn run(
        &self,
        scenarios: &[Scenario],
        place: &dyn Fn(usize, &Scenario) -> Place,
    ) -> Result<Exit, Failure> {
        let mut exits = Vec::new();
        let mut summaries = Vec::new();
        for (number, scenario) in scenarios.iter().enumerate() {
            let place = |scenario: &Scenario| place(number, scenario);
            let folder = self.folder(scenario, &place(scenario))?;
            let done = self.carry_out(scenario, &place, folder)?;
            self.tell(&done);
            let exit = done.exit;
            summaries.push(done.summary);
            exits.push(exit);
            if exit == Exit::Interrupted {
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
            print(&text)?;
        }
        Ok(worst(&exits))
    }

    /// A new result folder.
    fn folder(&self, scenario: &Scenario, place: &Place) -> Result<FolderWriter, Failure> {
        let info = self.info(scenario, place);
        let mut folder = FolderWriter::create(&self.out, info, &scenario.text)?;
        folder.tell_self_test(SelfTest::last(&self.out));
        Ok(folder)
    }

    /// Goes on with a run that was cut off, in its folder.
    pub(crate) fn resume(
        &self,
        scenario: &Scenario,
        folder: FolderWriter,
        place: &dyn Fn(&Scenario) -> Place,
    ) -> Result<Exit, Failure> {
        let done = self.carry_out(scenario, place, folder)?;
        self.tell(&done);
        if self.json {
            print(&done.summary)?;
        }
        Ok(done.exit)
    }

    fn tell(&self, done: &Done) {
        let report = done.report.as_ref();
        let report = report.map_or(String::new(), |page| {
            format!("\nreport: {}", page.display())
        });
        let results = done.folder.path.display();
        if self.json {
            eprintln!("results: {results}{report}");
            return;
        }
        let styled = is_styled();
        let text = report::text(&done.folder, Look { styled });
        // A reader that has closed the pipe has seen what it wanted; the folder stands.
        let _ = writeln!(io::stdout(), "\n{text}results: {results}{report}\n");
    }

    fn carry_out(
        &self,
        scenario: &Scenario,
        place: &dyn Fn(&Scenario) -> Place,
        mut folder: FolderWriter,
    ) -> Result<Done, Failure> {
        folder.expect(scenario.expects.clone());
        for LeftOut { name, reason } in &folder.manifest().run.left_out {
            eprintln!("pushlab: left out: {name} {reason}");
        }
        let path = folder.path().to_owned();
        let went = self.pinned(|| self.measure(scenario, place, &mut folder));
        let (status, reason) = match &went {
            Ok(went) => (went.status, None),
            Err(Failure::Lab(error) | Failure::Usage(error)) => {
                (Status::Failed, Some(format!("{error:#}")))
            }
        };
        let finished = folder.finish(status, reason);
        let went = went?;
        let exit = went.exit(self.strict).or(judged(&finished?));
        let run = Run::read(&path)?;
        let drawn = self.draws.then(|| draw(&run)).transpose();
        let (report, exit) = match drawn {
            Ok(report) => (report, exit),
            // What was measured stands; only its pictures are missing.
            Err(error) => {
                eprintln!(
                    "pushlab: no report: {error}; `pushlab report` draws it when that is put right"
                );
                (None, exit.or(Exit::NotDrawn))
            }
        };
        let folder = run.folder;
        let summary = path.join("summary.json");
        let summary = fs::read_to_string(&summary)
            .with_context(|| format!("can't read {}", summary.display()))?;
        Ok(Done {
            folder,
            report,
            summary,
            exit,
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

    fn measure(
        &self,
        scenario: &Scenario,
        place: &dyn Fn(&Scenario) -> Place,
        folder: &mut FolderWriter,
    ) -> Result<Went, Failure> {
        let cases = scenario.cases();
        let expected = scenario.find.is_none().then_some(cases.len());
        let mut measuring = Measuring {
            place,
            stop: &self.stop,
            retries: self.retries,
            folder,
            progress: Progress::new(scenario, expected),
            went: Went::new(),
        };
        match &scenario.find {
            Some(find) => search::run(&mut measuring, scenario, find)?,
            None => measuring.all(&cases)?,
        }
        measuring.progress.finish();
        Ok(measuring.went)
    }

    fn info(&self, scenario: &Scenario, place: &Place) -> RunInfo {
        let pins = match place {
            Place::Started(pins, _) | Place::Watched(pins, _) => pins.clone(),
            Place::Elsewhere(_) => Pins {
                server: Vec::new(),
                ..self.pins(scenario)
            },
        };
        let nobody = Guests::default();
        let guests = match place {
            Place::Started(_, guests) => guests,
            Place::Watched(..) | Place::Elsewhere(_) => &nobody,
        };
        RunInfo {
            scenario: scenario.name.clone(),
            kind: scenario.kind.name().to_owned(),
            question: scenario.question.clone(),
            arms: scenario.transports.clone(),
            trials: scenario.trials,
            seed: scenario.seed,
            axes: axes(scenario),
            order: Vec::new(),
            retries: self.retries,
            quick: scenario.quick,
            link: self.link.map(str::to_owned),
            peers: guests.infos().to_vec(),
            left_out: guests.left_out().to_vec(),
            command_line: std::env::args_os()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            server_cpus: pins.server,
            generator_cpus: pins.generator,
        }
    }
}

/// Draws the report of a run, and lists it among its neighbours.
fn draw(run: &Run) -> Result<PathBuf, DrawError> {
    let page = report::write_report(run)?;
    if let Some(results) = run.folder.path.parent() {
        report::write_index(results)?;
    }
    Ok(page)
}

/// The columns of the settings that the scenario varies.
fn axes(scenario: &Scenario) -> Vec<String> {
    let swept = scenario.sweep.iter().flat_map(|sweep| sweep.axes.iter());
    let searched = scenario.find.iter().map(|find| &find.axis);
    swept
        .chain(searched)
        .map(|axis| axis.column.to_owned())
        .collect()
}

/// What the expectations ask for.
fn judged(summary: &Summary) -> Exit {
    let is_good = |one: &measure::summary::Expectation| one.judgement.is_good();
    if summary.expectations.iter().all(is_good) {
        Exit::Fine
    } else {
        Exit::ExpectationFailed
    }
}

fn worst(exits: &[Exit]) -> Exit {
    exits.iter().copied().fold(Exit::Fine, Exit::or)
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout()
        .write_all(text.as_bytes())
        .context("can't print the summary")?;
    Ok(())
}

/// Whether standard output shows bold and struck-through text, and the reader wants it (<https://no-color.org>).
pub(crate) fn is_styled() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !unwanted && !dumb
}
