//! CPU and memory of the server and of the generator, read from `/proc`.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use crate::clock::{cpu_of, thread_cpu};

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
    /// Of it, in user mode, nanoseconds. The kernel tells the two apart by ticks of 10 ms.
    pub cpu_user_ns: u64,
    /// Of it, in the kernel, nanoseconds.
    pub cpu_system_ns: u64,
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

/// A reading of CPU time: exact in sum, and how it is shared as far as the kernel's ticks tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuTime {
    cpu_ns: u64,
    /// In clock ticks.
    user: u64,
    system: u64,
}

/// A reading of a process; the difference of two is a [`ProcessUsage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessReading {
    cpu: CpuTime,
    /// Resident memory without pages of the program file, bytes.
    pub rss_bytes: u64,
    run_queue_wait_ns: Option<u64>,
}

impl ProcessUsage {
    /// User and kernel mode together, nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_user_ns + self.cpu_system_ns
    }

    /// Takes off what was not spent for the load: `ns` in user mode and in the kernel, as all of it was.
    pub fn take_off(&mut self, ns: u64) {
        let rest = self.cpu_ns().saturating_sub(ns);
        (self.cpu_user_ns, self.cpu_system_ns) = split(rest, self.cpu_user_ns, self.cpu_system_ns);
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

    /// Kernel memory for each connection, both ends of it, bytes. None for fewer than 500 connections ([`LEAST_CONNECTIONS`](Self::LEAST_CONNECTIONS)).
    pub fn kernel_bytes_per_connection(&self) -> Option<f64> {
        (self.connections >= Self::LEAST_CONNECTIONS)
            .then(|| self.per_connection(self.kernel_before_bytes, self.kernel_after_bytes))?
    }

    /// The kernel's memory is read for the whole machine, and the kernel itself keeps such sums to about a MiB a CPU (each CPU adds its own
    /// changes up before it shares them). With fewer connections than this the figure would be noise.
    pub const LEAST_CONNECTIONS: u64 = 500;

    fn per_connection(&self, before: Option<u64>, after: Option<u64>) -> Option<f64> {
        (self.connections > 0)
            .then(|| Some(after?.saturating_sub(before?) as f64 / self.connections as f64))?
    }
}

impl CpuTime {
    /// Of the calling thread: from its clock, and from `/proc` how much of it was spent in user mode.
    ///
    /// # Errors
    /// `/proc` is not readable.
    pub fn of_thread() -> io::Result<Self> {
        let path = "/proc/thread-self/stat";
        let stat = fs::read_to_string(path)?;
        Self::parse(&stat, thread_cpu()).ok_or_else(|| not_as_documented(path))
    }

    fn parse(stat: &str, cpu_ns: u64) -> Option<Self> {
        let (user, system) = ticks(stat)?;
        Some(Self {
            cpu_ns,
            user,
            system,
        })
    }

    /// What was spent since `earlier`, a reading of the same thread or process, in user mode and in the kernel, nanoseconds. Their sum is exact.
    pub fn since(&self, earlier: &Self) -> (u64, u64) {
        let cpu = self.cpu_ns.saturating_sub(earlier.cpu_ns);
        let (user, system) = (
            self.user.saturating_sub(earlier.user),
            self.system.saturating_sub(earlier.system),
        );
        // Between two ticks, as the thread spent its time until now.
        let (user, system) = match user + system {
            0 => (self.user, self.system),
            _ => (user, system),
        };
        split(cpu, user, system)
    }
}

impl ProcessReading {
    /// Reads process `pid` and its descendants: a server may have workers. What one of them spent before it ended is not in it.
    ///
    /// # Errors
    /// There is no such process, or `/proc` is not readable.
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut sum = Self::of_one(pid)?;
        let mut unread = children(pid);
        while let Some(child) = unread.pop() {
            // One that can't be read has just ended.
            if let Ok(reading) = Self::of_one(child) {
                sum = sum.and(&reading);
                unread.extend(children(child));
            }
        }
        Ok(sum)
    }

    fn of_one(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
        Self::parse(&stat, &statm, cpu_of(pid)?, run_queue_wait(pid))
            .ok_or_else(|| not_as_documented(&format!("/proc/{pid}/stat")))
    }

    /// Both together.
    fn and(self, other: &Self) -> Self {
        Self {
            cpu: CpuTime {
                cpu_ns: self.cpu.cpu_ns + other.cpu.cpu_ns,
                user: self.cpu.user + other.cpu.user,
                system: self.cpu.system + other.cpu.system,
            },
            rss_bytes: self.rss_bytes + other.rss_bytes,
            run_queue_wait_ns: self
                .run_queue_wait_ns
                .zip(other.run_queue_wait_ns)
                .map(|(one, other)| one + other),
        }
    }

    /// What was spent since `earlier`.
    pub fn since(&self, earlier: &Self) -> ProcessUsage {
        let (cpu_user_ns, cpu_system_ns) = self.cpu.since(&earlier.cpu);
        ProcessUsage {
            cpu_user_ns,
            cpu_system_ns,
            rss_bytes: self.rss_bytes,
            run_queue_wait_ns: self
                .run_queue_wait_ns
                .zip(earlier.run_queue_wait_ns)
                .map(|(now, then)| now.saturating_sub(then)),
        }
    }

    /// proc(5): resident and shared pages are the second and third field of `statm`.
    fn parse(stat: &str, statm: &str, cpu_ns: u64, run_queue_wait_ns: Option<u64>) -> Option<Self> {
        let mut pages = statm
            .split_ascii_whitespace()
            .skip(1)
            .map(str::parse::<u64>);
        // Without the pages of the program file: code that runs for the first time is no cost of a connection.
        let pages = pages.next()?.ok()?.saturating_sub(pages.next()?.ok()?);
        Some(Self {
            cpu: CpuTime::parse(stat, cpu_ns)?,
            rss_bytes: pages * rustix::param::page_size() as u64,
            run_queue_wait_ns,
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

/// proc(5): utime and stime are fields 14 and 15 of `stat`, counted after the name in parentheses. In clock ticks.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    next().zip(next())
}

/// `cpu` in the ratio of `user` to `system`; in halves if there is none.
fn split(cpu: u64, user: u64, system: u64) -> (u64, u64) {
    let share = if user + system == 0 {
        0.5
    } else {
        user as f64 / (user + system) as f64
    };
    let user = ((cpu as f64 * share) as u64).min(cpu);
    (user, cpu - user)
}

/// The processes that the threads of `pid` have started; none on a kernel without `CONFIG_PROC_CHILDREN`.
fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let of_task = |task: io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(task.ok()?.path().join("children")).ok()?;
        let numbers = text.split_ascii_whitespace().map(str::parse);
        Some(numbers.filter_map(Result::ok).collect::<Vec<u32>>())
    };
    tasks.filter_map(of_task).flatten().collect()
}

fn not_as_documented(path: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{path} is not as proc(5) says"),
    )
}

/// Time that the threads of `pid` were ready and waited for a CPU, nanoseconds; none on a kernel without `CONFIG_SCHEDSTATS`.
fn run_queue_wait(pid: u32) -> Option<u64> {
    let (mut on_cpu, mut waited) = (0, 0);
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
        on_cpu += fields.next()?.ok()?;
        waited += fields.next()?.ok()?;
    }
    // Some kernels show the file and count nothing in it.
    (on_cpu > 0).then_some(waited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_no_obstacle() {
        let stat =
            "7 (a ) b) S 1 1 1 0 -1 4194304 103 0 0 0 150 50 0 0 20 0 1 0 144150 3133440 390";
        let reading = ProcessReading::parse(stat, "765 390 1 1 0 1 0", 2_004, None).unwrap();
        assert_eq!(
            (reading.cpu.user, reading.cpu.system, reading.cpu.cpu_ns),
            (150, 50, 2_004)
        );
        assert_eq!(reading.rss_bytes, 389 * rustix::param::page_size() as u64);
    }

    #[test]
    fn a_thread_spends_its_time_where_it_spends_it() {
        let begun = CpuTime::of_thread().unwrap();
        while thread_cpu() - begun.cpu_ns < 300_000_000 {
            std::hint::black_box((0..1000).sum::<u64>());
        }
        let worked = CpuTime::of_thread().unwrap();
        let (user, system) = worked.since(&begun);
        assert_eq!(user + system, worked.cpu_ns - begun.cpu_ns);
        assert!(user > 3 * system, "{user} {system}");
        while thread_cpu() - worked.cpu_ns < 300_000_000 {
            std::hint::black_box(fs::read("/proc/self/maps").unwrap());
        }
        let read = CpuTime::of_thread().unwrap();
        let (user, system) = read.since(&worked);
        assert!(system > user, "{user} {system}");
    }

    #[test]
    fn without_a_tick_the_past_decides() {
        let at = |cpu_ns, user, system| CpuTime {
            cpu_ns,
            user,
            system,
        };
        assert_eq!(at(900, 3, 1).since(&at(100, 3, 1)), (600, 200));
        assert_eq!(at(900, 5, 7).since(&at(100, 4, 4)), (200, 600));
        assert_eq!(at(900, 0, 0).since(&at(100, 0, 0)), (400, 400));
    }

    #[test]
    fn kernel_memory_of_a_few_connections_is_not_told() {
        let memory = |connections| MemoryUsage {
            connections,
            kernel_before_bytes: Some(1_000_000),
            kernel_after_bytes: Some(6_000_000),
            ..MemoryUsage::default()
        };
        assert_eq!(memory(499).kernel_bytes_per_connection(), None);
        assert_eq!(memory(500).kernel_bytes_per_connection(), Some(10_000.0));
    }

    #[test]
    fn what_is_taken_off_leaves_the_ratio() {
        let mut usage = ProcessUsage {
            cpu_user_ns: 300,
            cpu_system_ns: 100,
            ..ProcessUsage::default()
        };
        usage.take_off(40);
        assert_eq!((usage.cpu_user_ns, usage.cpu_system_ns), (270, 90));
        usage.take_off(400);
        assert_eq!(usage.cpu_ns(), 0);
    }

    #[test]
    fn workers_count_too() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = std::io::BufReader::new(shell.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        let worker: u32 = line.trim().parse().unwrap();
        let alone = ProcessReading::of_one(shell.id()).unwrap();
        let (both, child) = (
            ProcessReading::of(shell.id()).unwrap(),
            ProcessReading::of(worker).unwrap(),
        );
        shell.kill().unwrap();
        shell.wait().unwrap();
        let pid = rustix::process::Pid::from_raw(worker.cast_signed()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        assert!(child.rss_bytes > 0);
        assert!(both.rss_bytes > alone.rss_bytes, "{both:?} {alone:?}");
    }

    #[test]
    fn reads_this_process() {
        let reading = ProcessReading::of(std::process::id()).unwrap();
        let begun = thread_cpu();
        while thread_cpu() < begun + 3_000_000 {
            std::hint::black_box((0..1000).sum::<u64>());
        }
        // Finer than a tick.
        let later = ProcessReading::of(std::process::id()).unwrap();
        assert!(later.since(&reading).cpu_ns() >= 3_000_000);
        assert!(reading.rss_bytes > 0);
        assert!(ProcessReading::of(u32::MAX).is_err());
        assert!(kernel_memory().is_some_and(|bytes| bytes > 0));
    }
}
