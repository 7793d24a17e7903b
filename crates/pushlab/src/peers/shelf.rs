//! Where peers are found.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::{FILE, Peer, description};
use crate::exit::Failure;

/// Names the folder of peers where no flag does.
const VARIABLE: &str = "PUSHLAB_PEERS";

/// A folder with peers in it.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// The folder that `--peers-dir` names; else the one that `PUSHLAB_PEERS` does; else the first `peers/` with a peer in it, from the current
    /// folder upwards.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn find(flag: Option<&Path>) -> Result<Self, Failure> {
        let variable = env::var_os(VARIABLE).filter(|value| !value.is_empty());
        let named = match (flag, &variable) {
            (Some(folder), _) => Some(("--peers-dir", folder)),
            (None, Some(folder)) => Some((VARIABLE, Path::new(folder))),
            (None, None) => None,
        };
        if let Some((who, folder)) = named {
            let shown = folder.display();
            if !folder.is_dir() {
                let wrong = anyhow!("{who} {shown}: there is no such folder");
                return Err(Failure::Usage(wrong));
            }
            return Self::at(folder);
        }
        let here = env::current_dir().context("there is no current folder")?;
        let mut folders = here.ancestors().map(|folder| folder.join("peers"));
        match folders.find(|folder| holds_peers(folder)) {
            Some(folder) => Self::at(&folder),
            None => Err(Failure::Usage(anyhow!(
                "no folder peers/ with peers in it, here or above ({}): go to the lab's repository, or name the folder with --peers-dir DIR or {VARIABLE}",
                here.display()
            ))),
        }
    }

    fn at(folder: &Path) -> Result<Self, Failure> {
        let root = folder.canonicalize();
        let root = root.with_context(|| format!("can't read {}", folder.display()))?;
        Ok(Self { root })
    }

    /// The names of all peers, in alphabetical order.
    ///
    /// # Errors
    /// The folder can't be read.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        let entries = self.root.read_dir();
        let entries = entries.with_context(|| format!("can't read {}", self.root.display()))?;
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().join(FILE).is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The peer of that name.
    ///
    /// # Errors
    /// There is none, or its description is wrong.
    pub(crate) fn peer(&self, name: &str) -> Result<Peer, Failure> {
        let names = self.names()?;
        if !names.iter().any(|known| known == name) {
            let known = match names.as_slice() {
                [] => "none".to_owned(),
                names => names.join(", "),
            };
            let root = self.root.display();
            let wrong = anyhow!("there is no peer {name} in {root}; there are: {known}");
            return Err(Failure::Usage(wrong));
        }
        let above = self.root.parent().unwrap_or(&self.root);
        let target = above.join("target").join("peers");
        description::read(&self.root.join(name), &target).map_err(Failure::Usage)
    }
}

fn holds_peers(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else {
        return false;
    };
    let mut entries = entries.filter_map(Result::ok);
    entries.any(|entry| entry.path().join(FILE).is_file())
}
