//! The browser's process, its profile, and the certainty that neither is left behind.
//!
//! A shell starts chromium, for two things that need no code of ours in the child then. It gives chromium the pipes as file
//! descriptors 3 and 4, where the protocol is spoken; and it removes the profile when chromium has ended. So there are two ways out, and
//! both are clean: dropped, the group of processes is killed and the profile removed; and if the test is killed itself,
//! its ends of the pipes close, chromium ends by itself, and the shell removes the profile.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tempfile::TempDir;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use crate::error::BrowserError;

/// A running browser; killed when dropped.
pub(crate) struct Chromium {
    shell: Child,
    home: TempDir,
}

/// Our ends of its pipes.
pub(crate) struct Pipes {
    /// Commands go in here.
    pub(crate) commands: ChildStdin,
    /// Answers and events come from here.
    pub(crate) answers: ChildStdout,
    /// What it grumbles.
    pub(crate) words: ChildStderr,
}

/// `$0` is the home to remove, the rest is the browser's command line. A straggler among the browser's processes may still be writing, or make its folder
/// anew: all of the group but the shell are ended, and removing is tried again until it lasts; and nobody may be left to read a complaint.
const SHELL: &str = r#""$@" 3<&0 4>&1 </dev/null >/dev/null
trap '' TERM
for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -TERM 0
    rm -rf "$0" 2>/dev/null
    sleep 0.1
    [ -e "$0" ] || exit
done"#;

/// Nothing that this browser does is for a user: no questions, no updates, no reports, no second thoughts about windows that nobody sees.
const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-domain-reliability",
    "--disable-search-engine-choice-screen",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Shared memory is small in containers.
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--force-color-profile=srgb",
    "--lang=en-US",
    "--mute-audio",
    "--no-pings",
    "--password-store=basic",
];

impl Chromium {
    /// Starts it, with a home and a profile of its own.
    pub(crate) fn start() -> Result<(Self, Pipes), BrowserError> {
        if !is_installed() {
            return Err(BrowserError::NoChromium);
        }
        let home = tempfile::Builder::new()
            .prefix("pushlab-browser-")
            .tempdir()
            .map_err(BrowserError::io("no temporary folder"))?;
        let mut shell = Command::new("sh")
            .args(["-c", SHELL])
            .arg(home.path())
            .arg("chromium")
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile(home.path())))
            // Its sandbox refuses to work for root.
            .args(geteuid().is_root().then_some("--no-sandbox"))
            // Whatever it keeps, it keeps there.
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env("XDG_CONFIG_HOME", home.path().join("config"))
            .env("XDG_CACHE_HOME", home.path().join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Killed as one; and Ctrl-C in a terminal is for the test, not for its browser.
            .process_group(0)
            .spawn()
            .map_err(BrowserError::io("cannot start sh"))?;
        let pipes = Pipes::of(&mut shell);
        let chromium = Self { shell, home };
        Ok((chromium, pipes?))
    }

    /// The folder that is gone when the browser is.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The shell's id is the group's. It is a child of ours that wasn't waited for, so the number can't be another's.
        if let Some(group) = Pid::from_raw(self.shell.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.shell.wait();
        // One of the killed may still have been creating a file when the folder was listed.
        for _ in 0..100 {
            if !self.home.path().exists() || std::fs::remove_dir_all(self.home.path()).is_ok() {
                break;
            }
            std::thread::yield_now();
        }
    }
}

impl Pipes {
    fn of(shell: &mut Child) -> Result<Self, BrowserError> {
        let pipes = (shell.stdin.take(), shell.stdout.take(), shell.stderr.take());
        let (Some(commands), Some(answers), Some(words)) = pipes else {
            unreachable!("all three are piped")
        };
        let failed = || BrowserError::io("chromium's pipes");
        Ok(Self {
            commands: ChildStdin::from_std(commands).map_err(failed())?,
            answers: ChildStdout::from_std(answers).map_err(failed())?,
            words: ChildStderr::from_std(words).map_err(failed())?,
        })
    }
}

fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("chromium").is_file())
}

fn profile(home: &Path) -> String {
    home.join("profile").display().to_string()
}
