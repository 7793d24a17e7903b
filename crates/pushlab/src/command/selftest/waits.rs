//! Whether the CPUs were those of a link and of this thread that asks it: what the kernel says that they waited for them.

use std::fs;
use std::process;

use measure::now;
use measure::selftest::Row;

use super::lab::{Halt, Lab, vouch};

/// How much of the time the link, or this process, may wait for its CPU, percent. Waking up some thousand times a second takes about one.
const LIMIT: f64 = 5.0;

/// Rows, and what disturbed them.
pub(super) type Judged = (Vec<Row>, Option<String>);

/// Runs again while something else takes the CPUs and there is time; then the rows say so.
pub(super) fn quiet(
    lab: &Lab<'_>,
    run: impl Fn() -> Result<Judged, Halt>,
) -> Result<Vec<Row>, Halt> {
    let (rows, disturbance) = lab.quiet_by(run, |(_, disturbance)| disturbance.clone())?;
    let vouched = rows.into_iter().map(|row| vouch(row, disturbance.clone()));
    Ok(vouched.collect())
}

/// What a link and this process have waited since it began.
#[derive(Debug)]
pub(super) struct Waits {
    began: u64,
    /// By name and process id: what each had waited by then, nanoseconds.
    processes: [(&'static str, u32, u64); 2],
}

impl Waits {
    /// Of the link with this process id.
    pub(super) fn begin(link: u32) -> Self {
        let processes = [("link", link), ("self-test", process::id())];
        Self {
            began: now(),
            processes: processes.map(|(name, pid)| (name, pid, waited(pid))),
        }
    }

    /// Who waited for too long.
    pub(super) fn disturbance(&self) -> Option<String> {
        let time = (now() - self.began) as f64;
        self.processes.iter().find_map(|&(name, pid, before)| {
            let share = 100.0 * waited(pid).saturating_sub(before) as f64 / time;
            (share > LIMIT).then(|| {
                format!(
                    "the {name} waited {share:.0} % of the time for its CPU (limit {LIMIT:.0} %)"
                )
            })
        })
    }
}

/// How long the threads of a process have been ready to run without a CPU, nanoseconds (proc(5), `schedstat`); 0 where the kernel doesn't tell.
fn waited(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    let wait = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    threads.flatten().filter_map(wait).sum()
}
