//! CPU and memory of the server and of the generator, read from `/proc`.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

/// What was spent within the measured part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The server's process; none when it runs inside the generator, or on another host.
    pub server: Option<ProcessUsage>,
    /// The generator's thread.
    pub generator: GeneratorUsage,
    /// Memory of the connections.
    pub memory: MemoryUsage,
}

/// What a process spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessUsage {
    /// CPU time in user mode, nanoseconds.
    pub cpu_user_ns: u64,
    /// CPU time in the kernel, nanoseconds.
    pub cpu_system_ns: u64,
    /// Resident memory at the end, without pages of the program file, bytes.
    pub rss_bytes: u64,
    /// Time that its threads were ready but waited for a CPU, nanoseconds; none where the kernel keeps no account of it.
    pub run_queue_wait_ns: Option<u64>,
}

/// What the generator spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorUsage {
    /// CPU time of the thread that drives all users, nanoseconds.
    pub cpu_ns: u64,
    /// Of it, spent spinning for the next send to come due, nanoseconds. It is idle time by intention and not counted as load.
    pub spin_ns: u64,
    /// The wall-clock time of the measured part, nanoseconds.
    pub wall_ns: u64,
}

/// What the connections cost in memory: before the first one, and when all stood and were idle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUsage {
    /// Connections that stood.
    pub connections: u64,
    /// Resident memory of the server before, bytes.
    pub server_rss_before_bytes: Option<u64>,
    /// Resident memory of the server with all of them, bytes.
    pub server_rss_after_bytes: Option<u64>,
    /// Socket buffers and unreclaimable slab of the whole machine before, bytes: both ends of each connection.
    pub kernel_before_bytes: Option<u64>,
    /// The same with all of them, bytes.
    pub kernel_after_bytes: Option<u64>,
}

/// A reading of a process; the difference of two is a [`ProcessUsage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessReading {
    user_ns: u64,
    system_ns: u64,
    /// Resident memory without pages of the program file, bytes.
    pub rss_bytes: u64,
    run_queue_wait_ns: Option<u64>,
}

impl ProcessUsage {
    /// User and kernel mode together, nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_user_ns + self.cpu_system_ns
    }
}

impl GeneratorUsage {
    /// The share of its one core that it needed, spinning apart: 0 to 1.
    pub fn load(&self) -> f64 {
        self.cpu_ns.saturating_sub(self.spin_ns) as f64 / self.wall_ns.max(1) as f64
    }
}

impl MemoryUsage {
    /// Resident memory of the server for each connection, bytes.
    pub fn server_bytes_per_connection(&self) -> Option<f64> {
        self.per_connection(self.server_rss_before_bytes, self.server_rss_after_bytes)
    }

    /// Kernel memory for each connection, both ends of it, bytes.
    pub fn kernel_bytes_per_connection(&self) -> Option<f64> {
        self.per_connection(self.kernel_before_bytes, self.kernel_after_bytes)
    }

    fn per_connection(&self, before: Option<u64>, after: Option<u64>) -> Option<f64> {
        (self.connections > 0)
            .then(|| Some(after?.saturating_sub(before?) as f64 / self.connections as f64))?
    }
}

impl ProcessReading {
    /// Reads process `pid`. CPU time comes in clock ticks (10 ms) or, where the kernel keeps scheduler statistics, in nanoseconds.
    ///
    /// # Errors
    /// There is no such process, or `/proc` is not readable.
    pub fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
        Self::parse(&stat, &statm, scheduler_statistics(pid)).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("/proc/{pid}/stat is not as proc(5) says"),
            )
        })
    }

    /// What was spent since `earlier`.
    pub fn since(&self, earlier: &Self) -> ProcessUsage {
        ProcessUsage {
            cpu_user_ns: self.user_ns.saturating_sub(earlier.user_ns),
            cpu_system_ns: self.system_ns.saturating_sub(earlier.system_ns),
            rss_bytes: self.rss_bytes,
            run_queue_wait_ns: self
                .run_queue_wait_ns
                .zip(earlier.run_queue_wait_ns)
                .map(|(now, then)| now.saturating_sub(then)),
        }
    }

    /// proc(5): utime and stime are fields 14 and 15 of `stat`, counted after the name in parentheses; resident and shared pages the second and third of `statm`.
    fn parse(stat: &str, statm: &str, exact: Option<(u64, u64)>) -> Option<Self> {
        let after_name = &stat[stat.rfind(')')? + 1..];
        let mut fields = after_name.split_ascii_whitespace().skip(11);
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        let user = fields.next()?.parse::<u64>().ok()? * tick;
        let system = fields.next()?.parse::<u64>().ok()? * tick;
        let mut pages = statm
            .split_ascii_whitespace()
            .skip(1)
            .map(str::parse::<u64>);
        // Without the pages of the program file: code that runs for the first time is no cost of a connection.
        let pages = pages.next()?.ok()?.saturating_sub(pages.next()?.ok()?);
        // Threads that have ended are missing in the exact figure: it may only refine the ticks, not contradict them.
        let (user_ns, system_ns) = match exact {
            Some((cpu, _)) if cpu + 2 * tick >= user + system => {
                let share = if user + system == 0 {
                    0.5
                } else {
                    user as f64 / (user + system) as f64
                };
                let user = (cpu as f64 * share) as u64;
                (user, cpu - user)
            }
            _ => (user, system),
        };
        let rss_bytes = pages * rustix::param::page_size() as u64;
        Some(Self {
            user_ns,
            system_ns,
            rss_bytes,
            run_queue_wait_ns: exact.map(|(_, wait)| wait),
        })
    }
}

/// Kernel memory that sockets use, on the whole machine, in bytes: TCP buffers and unreclaimable slab.
pub fn kernel_memory() -> Option<u64> {
    let sockets = fs::read_to_string("/proc/net/sockstat").ok()?;
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let tcp = sockets.lines().find(|line| line.starts_with("TCP:"))?;
    let pages: u64 = tcp
        .split_ascii_whitespace()
        .skip_while(|word| *word != "mem")
        .nth(1)?
        .parse()
        .ok()?;
    let slab = memory
        .lines()
        .find(|line| line.starts_with("SUnreclaim:"))?;
    let kib: u64 = slab.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64 + kib * 1024)
}

/// Time on a CPU and time waiting for one, nanoseconds, over all threads; none on a kernel without `CONFIG_SCHEDSTATS`.
fn scheduler_statistics(pid: u32) -> Option<(u64, u64)> {
    let mut sum = (0, 0);
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
        sum.0 += fields.next()?.ok()?;
        sum.1 += fields.next()?.ok()?;
    }
    // Some kernels show the file and count nothing in it.
    (sum.0 > 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_no_obstacle() {
        let stat =
            "7 (a ) b) S 1 1 1 0 -1 4194304 103 0 0 0 150 50 0 0 20 0 1 0 144150 3133440 390";
        let reading = ProcessReading::parse(stat, "765 390 1 1 0 1 0", None).unwrap();
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        assert_eq!(
            (reading.user_ns, reading.system_ns),
            (150 * tick, 50 * tick)
        );
        assert_eq!(reading.rss_bytes, 389 * rustix::param::page_size() as u64);
    }

    #[test]
    fn reads_this_process() {
        let reading = ProcessReading::of(std::process::id()).unwrap();
        assert!(reading.rss_bytes > 0);
        assert!(ProcessReading::of(u32::MAX).is_err());
        assert!(kernel_memory().is_some_and(|bytes| bytes > 0));
    }
}
