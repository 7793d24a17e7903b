//! What a process costs, read from `/proc`, and how a yardstick is tied to the one that started it.

use std::time::Duration;
use std::{fs, io, thread};

use rustix::process::{Resource, Rlimit, Signal};
use rustix::time::ClockId;

/// Readies a yardstick's process: as many open files as the hard limit allows, and an end at the
/// latest when the process that started it ends.
pub fn prepare() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    Ok(rustix::process::setrlimit(Resource::Nofile, raised)?)
}

/// CPU time of this process so far, in nanoseconds.
pub fn own_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// CPU time of all living threads of process `pid` so far, in nanoseconds: the scheduler's own
/// count, the first number of `/proc/PID/task/*/schedstat`.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that ended meanwhile has taken its count with it.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        sum += text
            .split_ascii_whitespace()
            .next()
            .and_then(|on_cpu| on_cpu.parse::<u64>().ok())
            .ok_or_else(|| io::Error::other("schedstat without a number"))?;
    }
    Ok(sum)
}

/// Private memory of process `pid` in bytes: the pages that no other process shares
/// (`Private_Clean` and `Private_Dirty` of `/proc/PID/smaps_rollup`).
pub fn private_bytes(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = text
        .lines()
        .filter(|line| line.starts_with("Private_Clean:") || line.starts_with("Private_Dirty:"))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .sum::<u64>();
    Ok(kib * 1024)
}

/// Waits until process `pid` has come to rest: less than 1 ms of CPU time in each of three
/// successive steps of 100 ms. Gives up after 10 s.
pub fn wait_for_rest(pid: u32) -> io::Result<()> {
    let mut before = cpu_ns(pid)?;
    let mut quiet = 0;
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(100));
        let now = cpu_ns(pid)?;
        quiet = if now - before < 1_000_000 {
            quiet + 1
        } else {
            0
        };
        if quiet == 3 {
            return Ok(());
        }
        before = now;
    }
    Err(io::Error::other("the server does not come to rest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reads_its_own_costs() {
        let pid = std::process::id();
        assert!(cpu_ns(pid).expect("schedstat") > 0);
        assert!(private_bytes(pid).expect("smaps_rollup") > 10_000);
        assert!(own_cpu_ns() > 0);
    }
}
