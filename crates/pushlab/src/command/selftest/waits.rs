//! Whether the CPUs were those of what is measured and of who measures it: what the kernel says that they waited for them.

use std::fs;
use std::path::Path;
use std::process;

use measure::now;
use measure::selftest::Row;
use rustix::thread::gettid;

use super::lab::{Halt, Lab, vouch};

/// How much of the time the link, or this process, may wait for its CPU, percent. Waking up some thousand times a second takes about one.
const LIMIT: f64 = 5.0;

/// The same where the slowest hundredth of what a run shows is to be the measured thing's and not the waiting's, percent.
pub(super) const STILL: f64 = 1.5;

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

/// Whose waiting is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// A process with all its threads, by its id.
    Process(u32),
    /// A thread of this process, by its id.
    Thread(u32),
}

/// What two have waited since it began.
#[derive(Debug)]
pub(super) struct Waits {
    began: u64,
    /// By name: what each had waited by then, nanoseconds.
    tasks: [(&'static str, Task, u64); 2],
}

impl Waits {
    /// Of the link with this process id, and of this process.
    pub(super) fn of_link(link: u32) -> Self {
        Self::begin([
            ("link", Task::Process(link)),
            ("self-test", Task::Process(process::id())),
        ])
    }

    /// Of these two, by name.
    pub(super) fn begin(tasks: [(&'static str, Task); 2]) -> Self {
        Self {
            began: now(),
            tasks: tasks.map(|(name, task)| (name, task, task.waited())),
        }
    }

    /// Who waited most since, and which share of the time, percent.
    pub(super) fn most(&self) -> (&'static str, f64) {
        let time = (now() - self.began) as f64;
        let share = |&(name, task, before): &(&'static str, Task, u64)| {
            let waited = task.waited().saturating_sub(before) as f64;
            (name, 100.0 * waited / time)
        };
        let shares = self.tasks.iter().map(share);
        shares
            .max_by(|one, other| one.1.total_cmp(&other.1))
            .unwrap_or(("", 0.0))
    }

    /// Who waited for too long.
    pub(super) fn disturbance(&self) -> Option<String> {
        let (name, share) = self.most();
        (share > LIMIT).then(|| {
            format!("the {name} waited {share:.0} % of the time for its CPU (limit {LIMIT:.0} %)")
        })
    }
}

impl Task {
    /// The calling thread.
    pub(super) fn this_thread() -> Self {
        Self::Thread(gettid().as_raw_nonzero().get().unsigned_abs())
    }

    /// How long it has been ready to run without a CPU, nanoseconds (proc(5), `schedstat`); 0 where the kernel doesn't tell.
    fn waited(self) -> u64 {
        let wait = |thread: &Path| {
            let text = fs::read_to_string(thread.join("schedstat")).ok()?;
            text.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        match self {
            Self::Process(pid) => {
                let threads = fs::read_dir(format!("/proc/{pid}/task"));
                let threads = threads.into_iter().flatten().flatten();
                threads.filter_map(|thread| wait(&thread.path())).sum()
            }
            Self::Thread(tid) => {
                wait(&Path::new("/proc/self/task").join(tid.to_string())).unwrap_or(0)
            }
        }
    }
}
