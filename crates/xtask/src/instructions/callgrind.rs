//! Runs hot paths under callgrind and counts.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::children::Running;

/// A hot path, as the program that has them all names it.
#[derive(Debug, Deserialize)]
pub(super) struct HotPath {
    pub(super) name: String,
    /// Turns after which it is in its steady state.
    warm: u64,
    /// Of what it is counted, in a turn.
    elements: u64,
}

/// All hot paths of `program`.
pub(super) fn paths(program: &Path) -> anyhow::Result<Vec<HotPath>> {
    let said = Running::start(&mut Command::new(program), None)?.output()?;
    let paths = said
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()));
    paths.collect()
}

impl HotPath {
    /// Instructions for each element.
    pub(super) fn count(&self, program: &Path, folder: &Path) -> anyhow::Result<f64> {
        let few = self.total(program, folder, self.warm)?;
        let many = self.total(program, folder, 3 * self.warm)?;
        ensure!(many > few, "{}: more turns, but no more work", self.name);
        Ok((many - few) as f64 / (2 * self.warm * self.elements) as f64)
    }

    /// All instructions of a run of so many turns, all threads together.
    fn total(&self, program: &Path, folder: &Path, turns: u64) -> anyhow::Result<u64> {
        let profile = folder.join(format!("{}.out", self.name.replace('/', "-")));
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--tool=callgrind"]);
        valgrind.env("GLIBC_TUNABLES", NO_REP_MOVSB);
        let mut file = OsString::from("--callgrind-out-file=");
        file.push(&profile);
        valgrind.arg(file).arg(program);
        valgrind.args([&self.name, &turns.to_string()]);
        Running::start(&mut valgrind, None)?.output()?;
        let text = fs::read_to_string(&profile)
            .with_context(|| format!("no profile {}", profile.display()))?;
        total(&text).with_context(|| format!("no total in {}", profile.display()))
    }
}

/// On some processors the C library copies a few KiB and more with one instruction, `rep movsb`, which callgrind counts once a byte. What
/// is copied would then be most of a count on one machine and little of it on another.
const NO_REP_MOVSB: &str = "glibc.cpu.x86_rep_movsb_threshold=1000000000";

/// The total of a profile.
fn total(profile: &str) -> Option<u64> {
    let total = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    total.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_a_total() {
        let profile = "version: 1\nevents: Ir\nsummary: 11\n\nfn=(1) main\n3 11\n\ntotals: 11\n";
        assert_eq!(total(profile), Some(11));
        assert_eq!(total("version: 1\n"), None);
    }
}
