//! Child processes that never outlive the task: whatever is running is known here by its handle,
//! and killed when its [`Running`] is dropped or when the task is told to end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

static CHILDREN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Ends all children, and then the task, on SIGINT, SIGTERM and SIGHUP: politely first, so that a
/// test runner takes its own children along, and by force after two seconds.
pub(crate) fn end_on_signals() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        // Never unlocked again: from here on nothing is started.
        let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        for child in &*children {
            if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        let patience = Instant::now() + Duration::from_secs(2);
        for child in &mut *children {
            while let Ok(None) = child.try_wait()
                && Instant::now() < patience
            {
                thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        std::process::exit(130);
    })
    .context("cannot handle signals")
}

/// A child that runs, killed on drop.
pub(crate) struct Running {
    pid: u32,
    name: String,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts `command`, its standard output piped, on one CPU if one is named.
    pub(crate) fn start(command: &mut Command, cpu: Option<usize>) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        // An error is told in a line.
        command.env("RUST_LIB_BACKTRACE", "0");
        Self::spawn(command, cpu)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The next line of its standard output.
    pub(crate) fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_line(&mut line)?;
        }
        if line.is_empty() {
            bail!("{} ended before it was ready", self.name);
        }
        Ok(line)
    }

    /// The rest of its standard output, once it has ended well.
    pub(crate) fn output(mut self) -> anyhow::Result<String> {
        let mut output = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut output)?;
        }
        let name = self.name.clone();
        let status = self.wait()?;
        if !status.success() {
            bail!("{name}: {status}");
        }
        Ok(output)
    }

    fn spawn(command: &mut Command, cpu: Option<usize>) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child =
            pinned(cpu, || command.spawn())?.with_context(|| format!("cannot start {name}"))?;
        let running = Self {
            pid: child.id(),
            name,
            stdout: child.stdout.take().map(BufReader::new),
        };
        children.push(child);
        Ok(running)
    }

    fn wait(self) -> anyhow::Result<ExitStatus> {
        // Not waited for under the lock: a signal must get through.
        let pid = Pid::from_raw(self.pid.cast_signed()).context("a child has a process id")?;
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), ended).is_err_and(|error| error == Errno::INTR) {}
        Ok(self.with_child(Child::wait)??)
    }

    fn with_child<T>(&self, act: impl FnOnce(&mut Child) -> T) -> anyhow::Result<T> {
        let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        let child = children.iter_mut().find(|child| child.id() == self.pid);
        Ok(act(child.context("a child that is running is in the list")?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = children.iter().position(|child| child.id() == self.pid) {
            let mut child = children.swap_remove(index);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs `command` to its end with the task's own standard streams.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<ExitStatus> {
    Running::spawn(command, None)?.wait()
}

/// The CPUs this process may run on, in ascending order.
pub(crate) fn cpus() -> anyhow::Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .collect())
}

/// Does `act` on one CPU. A child inherits the CPUs of the thread that starts it, so that no code
/// has to run between its fork and its exec.
fn pinned<T>(cpu: Option<usize>, act: impl FnOnce() -> T) -> anyhow::Result<T> {
    let Some(cpu) = cpu else {
        return Ok(act());
    };
    let all = sched_getaffinity(None)?;
    let mut one = CpuSet::new();
    one.set(cpu);
    sched_setaffinity(None, &one)?;
    let done = act();
    sched_setaffinity(None, &all)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_heard_and_ends_with_its_handle() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo ready; exec sleep 60"]);
        let mut running = Running::start(&mut shell, None).expect("sh");
        assert_eq!(running.line().expect("a line"), "ready\n");
        let pid = running.pid();
        drop(running);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn a_failure_is_told() {
        let running = Running::start(Command::new("sh").args(["-c", "exit 3"]), None);
        let error = running.expect("sh").output().expect_err("exit 3");
        assert!(error.to_string().contains('3'), "{error}");
    }

    #[test]
    fn a_child_is_pinned_and_the_task_is_not() {
        let before = cpus().expect("some");
        let last = *before.last().expect("one");
        let mut grep = Command::new("grep");
        grep.args(["Cpus_allowed_list", "/proc/self/status"]);
        let output = Running::start(&mut grep, Some(last)).and_then(Running::output);
        assert!(output.expect("grep").trim().ends_with(&format!("\t{last}")));
        assert_eq!(cpus().expect("some"), before);
    }
}
