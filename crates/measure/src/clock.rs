//! The one monotonic clock, and the stamp of a message.

use std::io;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`. All times of a measurement are on this clock, the schedule's too.
#[inline]
pub fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// CPU time of the calling thread, in nanoseconds.
pub fn thread_cpu() -> u64 {
    nanoseconds(clock_gettime(ClockId::ThreadCPUTime))
}

/// CPU time of all threads of process `pid`, those that have ended included, in nanoseconds (`clock_getcpuclockid(3)`).
///
/// # Errors
/// There is no such process.
pub fn cpu_of(pid: u32) -> io::Result<u64> {
    let pid = i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
    let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(pid))?;
    let time = clock.now()?;
    Ok(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// CPU time of all threads of this process, in nanoseconds.
pub fn process_cpu() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// The time of day, for people and file names; never for a latency.
pub fn utc() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The three times of a message, each in nanoseconds of [`now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When the schedule wanted it sent. In a closed loop: when it was sent.
    pub intended: u64,
    /// When it was handed to the transport.
    pub sent: u64,
    /// When its answer, or the event itself, was there.
    pub received: u64,
}

impl Stamp {
    /// Received less intended: what a user who came at the intended time waited.
    pub fn response(&self) -> u64 {
        self.received.saturating_sub(self.intended)
    }

    /// Received less sent: what the transport and the server took.
    pub fn service(&self) -> u64 {
        self.received.saturating_sub(self.sent)
    }

    /// Sent less intended: what the generator was late.
    pub fn send_delay(&self) -> u64 {
        self.sent.saturating_sub(self.intended)
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
