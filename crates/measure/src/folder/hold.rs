//! The mark of a folder that is being written.
//!
//! The file `.running` is locked as long as the writer lives (the kernel lets go of it however the process ends), so two
//! processes never write into one folder. It also keeps a few pages of the disk: when that is full, they are given back,
//! so that the manifest can still say so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::FolderError;

const NAME: &str = ".running";

/// Enough for a manifest and a summary, bytes.
const RESERVE: usize = 256 << 10;

/// A held folder.
#[derive(Debug)]
pub(super) struct Hold {
    file: File,
    path: PathBuf,
}

impl Hold {
    /// Holds `folder`.
    ///
    /// # Errors
    /// Another process does, or the file can't be written.
    pub(super) fn on(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(NAME);
        let writing = |cause: io::Error| FolderError::Write {
            path: path.clone(),
            cause,
        };
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false);
        let mut file = options.open(&path).map_err(writing)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == rustix::io::Errno::WOULDBLOCK {
                FolderError::Busy(folder.to_owned())
            } else {
                writing(error.into())
            }
        })?;
        file.write_all(&vec![0; RESERVE]).map_err(writing)?;
        Ok(Self { file, path })
    }

    /// Gives the reserved room back.
    pub(super) fn spend(&self) {
        // If even this fails, there is nothing left to try.
        let _ = self.file.set_len(0);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A file that stays does no harm: it is no longer locked.
        let _ = fs::remove_file(&self.path);
    }
}
