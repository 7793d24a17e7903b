//! The counts in the repository, and when a new one is too high.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// Where they are kept.
const FILE: &str = "benches/instructions.json";

/// More than so much above the baseline is too high.
const MOST: f64 = 1.05;

/// Differences of less than this are none: a path of ten instructions is not measured to 5 %.
const LEAST: f64 = 2.0;

/// What the hot paths executed when somebody looked at it and found it right.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// By which compiler, for which machine.
    pub(super) compiler: String,
    /// Instructions in user mode for each element of a path.
    pub(super) instructions: BTreeMap<String, f64>,
}

/// What a count is beside the baseline's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it was.
    Same,
    /// A regression.
    Higher,
    /// An improvement, which a later regression would hide in.
    Lower,
    /// The baseline doesn't have it.
    New,
}

impl Baseline {
    /// The repository's; an empty one if there is none.
    pub(super) fn read() -> anyhow::Result<Self> {
        match fs::read_to_string(FILE) {
            Ok(text) => serde_json::from_str(&text).context(FILE),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).context(FILE),
        }
    }

    pub(super) fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(FILE, text + "\n").context(FILE)?;
        println!("\nwritten to {FILE}");
        Ok(())
    }

    /// With new counts: in place of all, or of those that were counted.
    pub(super) fn blessed(
        mut self,
        compiler: String,
        counts: BTreeMap<String, f64>,
        all: bool,
    ) -> anyhow::Result<Self> {
        ensure!(
            all || self.compiler == compiler,
            "the rest of the baseline is of {}: bless all of it",
            self.compiler
        );
        if all {
            self.instructions.clear();
        }
        let rounded = |count: f64| (count * 10.0).round() / 10.0;
        let rounded = counts
            .into_iter()
            .map(|(name, count)| (name, rounded(count)));
        self.instructions.extend(rounded);
        self.compiler = compiler;
        Ok(self)
    }

    pub(super) fn verdict(&self, name: &str, count: f64) -> Verdict {
        let Some(&then) = self.instructions.get(name) else {
            return Verdict::New;
        };
        if (count - then).abs() < LEAST {
            Verdict::Same
        } else if count > then * MOST {
            Verdict::Higher
        } else if count * MOST < then {
            Verdict::Lower
        } else {
            Verdict::Same
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, f64)]) -> BTreeMap<String, f64> {
        let counts = counts.iter();
        counts
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    fn baseline(counted: &[(&str, f64)]) -> Baseline {
        Baseline {
            compiler: "rustc 1".to_owned(),
            instructions: counts(counted),
        }
    }

    #[test]
    fn five_percent_more_is_too_high() {
        let before = baseline(&[("parse", 1000.0), ("tiny", 10.0)]);
        for (name, count, verdict) in [
            ("parse", 1000.0, Verdict::Same),
            ("parse", 1049.0, Verdict::Same),
            ("parse", 1051.0, Verdict::Higher),
            ("parse", 960.0, Verdict::Same),
            ("parse", 940.0, Verdict::Lower),
            ("tiny", 11.5, Verdict::Same),
            ("tiny", 12.5, Verdict::Higher),
            ("other", 1.0, Verdict::New),
        ] {
            assert_eq!(before.verdict(name, count), verdict, "{name} {count}");
        }
    }

    #[test]
    fn some_counts_are_blessed_beside_the_others_and_all_replace_them() {
        let before = || baseline(&[("a", 1.0), ("b", 2.0)]);
        let some = before().blessed("rustc 1".to_owned(), counts(&[("b", 3.04)]), false);
        assert_eq!(some.expect("the same"), baseline(&[("a", 1.0), ("b", 3.0)]));
        let all = before().blessed("rustc 1".to_owned(), counts(&[("c", 4.0)]), true);
        assert_eq!(all.expect("all"), baseline(&[("c", 4.0)]));
        let mixed = before().blessed("rustc 2".to_owned(), counts(&[("b", 3.0)]), false);
        assert!(mixed.is_err(), "counts of two compilers in one file");
    }

    #[test]
    fn the_repositorys_baseline_can_be_read() {
        let root = crate::root().expect("a root");
        let text = fs::read_to_string(root.join(FILE)).expect("a baseline");
        let baseline: Baseline = serde_json::from_str(&text).expect("counts");
        assert!(baseline.instructions.contains_key("event/encode"));
    }
}
