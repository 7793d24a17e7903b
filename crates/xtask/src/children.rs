//! Child processes that never outlive the task: whatever is running is known here by its handle,
//! and killed when its [`Running`] is dropped or when the task is told to end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::io::Errno;
use rustix::param::clock_ticks_per_second;
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
    pub(crate) fn output(self) -> anyhow::Result<String> {
        Ok(self.output_and_cpu()?.0)
    }

    /// The same, and the CPU time of all of its threads from beginning to end.
    pub(crate) fn output_and_cpu(mut self) -> anyhow::Result<(String, Duration)> {
        let mut output = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut output)?;
        }
        let name = self.name.clone();
        self.wait_for_end()?;
        let cpu = cpu(self.pid).with_context(|| format!("no CPU time of {name}"));
        let status = self.reap()?;
        if !status.success() {
            bail!("{name}: {status}");
        }
        Ok((output, cpu?))
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

    /// Waits until it has ended; it stays to be asked.
    fn wait_for_end(&self) -> anyhow::Result<()> {
        // Not waited for under the lock: a signal must get through.
        let pid = Pid::from_raw(self.pid.cast_signed()).context("a child has a process id")?;
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), ended).is_err_and(|error| error == Errno::INTR) {}
        Ok(())
    }

    fn reap(self) -> anyhow::Result<ExitStatus> {
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
    let running = Running::spawn(command, None)?;
    running.wait_for_end()?;
    running.reap()
}

/// CPU time of a process, all threads that it has or had: user and system time of `/proc/PID/stat`
/// (the 14th and the 15th field), which the kernel scales to what its scheduler counted. A process that
/// has ended keeps it until it is waited for.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field, the program's name, may hold anything; what follows it is numbers.
    let (_, fields) = text.rsplit_once(')').context("no name")?;
    let ticks: Vec<u64> = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let seconds = ticks.iter().sum::<u64>() as f64 / clock_ticks_per_second() as f64;
    Ok(Duration::from_secs_f64(seconds))
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
    fn an_ended_child_has_its_cpu_time() {
        let cpu = |script: &str| {
            let running = Running::start(Command::new("sh").args(["-c", script]), None);
            running.expect("sh").output_and_cpu().expect("a good end").1
        };
        let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        assert!(cpu(busy) > cpu("exit 0"));
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
