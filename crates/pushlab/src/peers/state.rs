//! Whether a peer is installed, and which version.

use std::fs;
use std::hash::Hasher;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error};

use super::Peer;

/// How long a program may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// Folders of a peer that installing it, or running it, makes.
const MADE: [&str; 4] = ["node_modules", "target", ".venv", "__pycache__"];

/// Whether a peer can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It can.
    Installed,
    /// It was installed from other files than its folder has now.
    Outdated,
    /// It can't; what is missing.
    Missing(String),
}

impl Peer {
    /// Whether it can be started.
    pub(crate) fn state(&self) -> State {
        if let Some(program) = self.missing_program() {
            return State::Missing(format!("there is no program {program}"));
        }
        let creates = &self.install.creates;
        if !creates.exists() {
            // As seen from the folder above all peers: results keep this, and where that folder lies is nobody's business.
            let above = self.folder.ancestors().nth(2);
            let shown = above.and_then(|above| creates.strip_prefix(above).ok());
            let shown = shown.unwrap_or(creates).display();
            return State::Missing(format!("there is no {shown}"));
        }
        // Without a stamp it was installed by hand, from what only that hand knows.
        match fs::read_to_string(self.stamp_file()) {
            Ok(stamp) if self.fingerprint().is_ok_and(|now| now != stamp.trim()) => State::Outdated,
            _ => State::Installed,
        }
    }

    /// A program that it needs on the search path and that isn't there.
    pub(crate) fn missing_program(&self) -> Option<&str> {
        let mut programs = self.install.runs.iter();
        programs.find(|name| !is_program(name)).map(String::as_str)
    }

    /// Why it can't be started as it is; none if it can.
    pub(crate) fn obstacle(&self) -> Option<String> {
        match self.state() {
            State::Installed => None,
            State::Outdated => {
                Some("was installed before its folder changed to what it is".to_owned())
            }
            State::Missing(what) => Some(format!("is not installed: {what}")),
        }
    }

    /// Keeps from which files it was installed.
    ///
    /// # Errors
    /// The folder for that can't be written.
    pub(crate) fn stamp(&self) -> Result<(), Error> {
        let file = self.stamp_file();
        let fingerprint = self.fingerprint().context("can't read the peer's files")?;
        fs::create_dir_all(self.target())
            .and_then(|()| fs::write(&file, fingerprint + "\n"))
            .with_context(|| format!("can't write {}", file.display()))
    }

    /// Whether it is known to be installed from what its folder has now.
    pub(crate) fn is_fresh(&self) -> bool {
        self.state() == State::Installed && self.stamp_file().exists()
    }

    /// What the installed program says of its version, where it is asked: the first line with a digit.
    ///
    /// # Errors
    /// It can't be asked, or says nothing.
    pub(crate) fn installed_version(&self) -> Result<Option<String>, Error> {
        let Some(words) = &self.install.version_command else {
            return Ok(None);
        };
        let asked = || format!("{}: `{}`", self.name, words.join(" "));
        let text = said(words, &self.folder).with_context(asked)?;
        let mut lines = text.lines().map(str::trim);
        let line = lines.find(|line| line.bytes().any(|byte| byte.is_ascii_digit()));
        let line = line.with_context(|| format!("{} told no version", asked()))?;
        Ok(Some(line.chars().take(120).collect()))
    }

    fn stamp_file(&self) -> PathBuf {
        self.target().join(format!("{}.installed", self.name))
    }

    /// FNV-1a (64 bit) of the names and contents of its files.
    fn fingerprint(&self) -> io::Result<String> {
        let mut files = Vec::new();
        collect(&self.folder, &mut files)?;
        // What peers share lies beside them, in folders that are none.
        if let Some(shelf) = self.folder.parent() {
            for entry in shelf.read_dir()? {
                let path = entry?.path();
                if path.is_dir() && !path.join(super::FILE).exists() {
                    collect(&path, &mut files)?;
                }
            }
        }
        files.sort_unstable();
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        for file in files {
            let above = self.folder.parent().unwrap_or(&self.folder);
            let name = file.strip_prefix(above).unwrap_or(&file);
            hash.write(name.as_os_str().as_encoded_bytes());
            hash.write(&[0]);
            hash.write(&fs::read(&file)?);
            hash.write(&[0]);
        }
        Ok(format!("{:016x}", hash.finish()))
    }
}

/// The files below `folder`, without those that installing makes.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && !MADE.iter().any(|made| entry.file_name() == *made) {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Whether a program of that name can be run.
pub(crate) fn is_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let runs = |file: PathBuf| {
        let data = file.metadata();
        data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path).any(|folder| runs(folder.join(name)))
}

/// What a command prints, on either output: nginx tells its version on standard error.
fn said(words: &[String], folder: &Path) -> Result<String, Error> {
    let (program, arguments) = words.split_first().context("there is no command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("can't be run")?;
    let readers = [
        child.stdout.take().map(read_all),
        child.stderr.take().map(read_all),
    ];
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("did not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
    let readers = readers.into_iter().flatten();
    Ok(readers.filter_map(|reader| reader.join().ok()).collect())
}

fn read_all(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        // What can't be read can't be told.
        let _ = pipe.by_ref().take(64 << 10).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}
