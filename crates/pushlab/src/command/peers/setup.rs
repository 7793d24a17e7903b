//! Installs peers.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Error, anyhow, bail};

use crate::exit::{Exit, Failure};
use crate::peers::{Peer, Shelf, State, is_program};

/// So many of the last lines of a command that failed are told again.
const LINES: usize = 15;

/// Installs the peers of these names, or all, one after the other; if one fails, the others go on.
pub(super) fn setup(shelf: &Shelf, names: &[String], all: bool) -> Result<Exit, Failure> {
    let names = if all { shelf.names()? } else { names.to_vec() };
    let peers: Result<Vec<Peer>, Failure> = names.iter().map(|name| shelf.peer(name)).collect();
    let mut apt = Apt::default();
    let mut outcomes = Vec::new();
    for peer in peers? {
        eprintln!("==> {}: {} {}", peer.name, peer.package, peer.version);
        let outcome = if peer.is_fresh() {
            Ok("is installed already")
        } else {
            install(&peer, &mut apt).map(|()| "is installed")
        };
        if let Err(error) = &outcome {
            eprintln!("pushlab: {}: {error:#}", peer.name);
        }
        outcomes.push((peer, outcome));
    }
    let mut failed = Vec::new();
    let mut lines = Vec::new();
    for (peer, outcome) in outcomes {
        let name = &peer.name;
        if let Ok(done) = outcome {
            let version = peer.installed_version().ok().flatten();
            let version = version.unwrap_or_else(|| format!("{} {}", peer.package, peer.version));
            lines.push(format!("{name} {done}: {version}\n"));
        } else {
            lines.push(format!("{name} FAILED\n"));
            failed.push(name.clone());
        }
    }
    io::stdout().write_all(lines.concat().as_bytes())?;
    if failed.is_empty() {
        return Ok(Exit::Fine);
    }
    Err(Failure::Lab(anyhow!(
        "not installed: {}",
        failed.join(", ")
    )))
}

fn install(peer: &Peer, apt: &mut Apt) -> Result<(), Error> {
    if let Err(error) = apt.install(&peer.install.debian) {
        // Whoever has the programs from elsewhere, as many have Node.js, can do without Debian's packages.
        if peer.missing_program().is_some() {
            return Err(error);
        }
        eprintln!(
            "pushlab: {}: {error:#}\n  its programs are there all the same, so this goes on",
            peer.name
        );
    }
    for words in &peer.install.commands {
        run(words, &peer.folder)?;
    }
    if let State::Missing(what) = peer.state() {
        bail!("all of its commands ran, and yet {what}");
    }
    peer.stamp()
}

/// Debian's packages; the lists are brought up to date once.
#[derive(Default)]
struct Apt {
    is_updated: bool,
}

impl Apt {
    /// Installs those that are missing.
    fn install(&mut self, packages: &[String]) -> Result<(), Error> {
        let missing = packages.iter().filter(|package| !is_there(package));
        let missing: Vec<String> = missing.cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let root = rustix::process::geteuid().is_root();
        let apt: &[&str] = if root {
            &["apt-get"]
        } else {
            &["sudo", "apt-get"]
        };
        let words = |more: &[&str]| -> Vec<String> {
            let words = apt.iter().chain(more);
            words.map(|word| (*word).to_owned()).collect()
        };
        if !self.is_updated {
            run(&words(&["update"]), Path::new("/"))?;
            self.is_updated = true;
        }
        // What a package merely recommends is for other uses than this.
        let mut install = words(&["install", "--yes", "--no-install-recommends"]);
        install.extend(missing);
        run(&install, Path::new("/"))
    }
}

/// Whether a Debian package is installed, or the program of its name from elsewhere.
fn is_there(package: &str) -> bool {
    let asked = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stdin(Stdio::null())
        .output();
    asked.is_ok_and(|answer| answer.stdout == b"installed") || is_program(package)
}

/// Runs a command and passes on what it says while it says it.
fn run(words: &[String], folder: &Path) -> Result<(), Error> {
    let line = words.join(" ");
    eprintln!("  $ {line}");
    let (program, arguments) = words.split_first().context("there is no command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // Nobody is there to answer questions.
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{line}` can't be run"))?;
    let said = [
        child.stdout.take().map(pass_on),
        child.stderr.take().map(pass_on),
    ];
    let said: Vec<String> = said
        .into_iter()
        .flatten()
        .filter_map(|said| said.join().ok())
        .flatten()
        .collect();
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    let last = said.join("\n    ");
    Err(anyhow!(
        "`{line}` failed ({status}); its last words:\n    {last}"
    ))
}

/// Writes each line to standard error as it comes; the last ones.
fn pass_on(pipe: impl Read + Send + 'static) -> JoinHandle<VecDeque<String>> {
    thread::spawn(move || {
        let mut last = VecDeque::new();
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = pipe.by_ref().take(64 << 10).read_until(b'\n', &mut line);
            if !matches!(read, Ok(bytes) if bytes > 0) {
                return last;
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            // With standard error closed there is no one left to tell.
            let _ = writeln!(io::stderr(), "    {text}");
            if !text.is_empty() {
                last.push_back(text.to_owned());
                if last.len() > LINES {
                    last.pop_front();
                }
            }
        }
    })
}
