//! Keeps CPUs from going to sleep, so that no wake-up of a CPU is in anybody's latency.
//!
//! On a virtual machine a halted CPU takes tens of microseconds to come back, because the host has to
//! schedule it. Who spins doesn't pay that, and who waits in epoll does. A loop of the scheduling
//! class `SCHED_IDLE` (sched(7)) runs only when a CPU has nothing else to do, and yields at once.

use std::process::Command;

use crate::children::Running;

/// CPUs that stay awake until this is dropped.
pub(crate) struct Awake {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "they run until they are dropped")
    )]
    loops: Vec<Running>,
}

impl Awake {
    /// Keeps these CPUs awake.
    pub(crate) fn keep(cpus: &[usize]) -> anyhow::Result<Self> {
        let idle_loop = |&cpu: &usize| {
            let mut chrt = Command::new("chrt");
            // One process: chrt becomes the shell, and the loop needs no other.
            chrt.args(["--idle", "0", "sh", "-c", "while :; do :; done"]);
            Running::start(&mut chrt, Some(cpu))
        };
        let loops = cpus.iter().map(idle_loop).collect::<Result<_, _>>()?;
        Ok(Self { loops })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::children::{self, cpu};

    #[test]
    fn a_cpu_that_is_kept_awake_is_busy_until_the_end() {
        let last = children::cpus().expect("some").pop().expect("one");
        let awake = Awake::keep(&[last]).expect("chrt");
        let pid = awake.loops[0].pid();
        let patience = Instant::now() + Duration::from_secs(20);
        while cpu(pid).expect("it runs") < Duration::from_millis(20) {
            assert!(Instant::now() < patience, "the loop gets no CPU time");
            std::thread::yield_now();
        }
        drop(awake);
        assert!(cpu(pid).is_err(), "it has ended");
    }
}
