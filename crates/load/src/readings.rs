//! Readings at the two ends of the measured part: CPU time, memory, and what went over the wire.

use measure::usage::{ProcessReading, kernel_memory};
use measure::{CpuTime, GeneratorUsage, IpTraffic, MemoryUsage, ProcessUsage, Traffic, now};
use transport::Protocol;

use crate::gather::Crowd;

/// After so many sessions were read, others have a turn: what comes meanwhile must not wait for all of them.
const PIECE: usize = 16;

/// CPU time at one end of the measured part.
pub(crate) struct CpuReading {
    at: u64,
    thread: CpuTime,
    spin: u64,
    server: Option<ProcessReading>,
}

/// What the server and the kernel use, bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemoryReading {
    server: Option<u64>,
    kernel: Option<u64>,
}

impl CpuReading {
    /// Reads the generator's thread, which has spun for `spin` nanoseconds so far, and process `server`.
    ///
    /// # Errors
    /// The thread can't be read. A server that can't has ended, which shows elsewhere.
    pub(crate) fn take(spin: u64, server: Option<u32>) -> Result<Self, String> {
        let thread = CpuTime::of_thread()
            .map_err(|error| format!("the generator can't tell its CPU time: {error}"))?;
        Ok(Self {
            at: now(),
            thread,
            spin,
            server: server.and_then(|pid| ProcessReading::of(pid).ok()),
        })
    }

    /// What server and generator spent since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> (Option<ProcessUsage>, GeneratorUsage) {
        let server = self.server.zip(earlier.server);
        let (user, system) = self.thread.since(&earlier.thread);
        let generator = GeneratorUsage {
            cpu_ns: user + system,
            cpu_user_ns: user,
            cpu_system_ns: system,
            spin_ns: self.spin - earlier.spin,
            wall_ns: self.at - earlier.at,
        };
        (server.map(|(now, then)| now.since(&then)), generator)
    }
}

impl MemoryReading {
    pub(crate) fn take(server: Option<u32>) -> Self {
        let server = server.and_then(|pid| ProcessReading::of(pid).ok());
        Self {
            server: server.map(|reading| reading.rss_bytes),
            kernel: kernel_memory(),
        }
    }

    /// What `connections` cost since `before`.
    pub(crate) fn since(self, before: Self, connections: u64) -> MemoryUsage {
        MemoryUsage {
            connections,
            server_rss_before_bytes: before.server,
            server_rss_after_bytes: self.server,
            kernel_before_bytes: before.kernel,
            kernel_after_bytes: self.kernel,
        }
    }
}

/// What went over the wire so far, all sessions together. They are read in the same order each time, so that two readings of one session are as
/// far apart as those of another.
pub(crate) async fn traffic<T: Protocol>(crowd: &Crowd<T>) -> transport::Traffic {
    let mut sum = transport::Traffic::default();
    for users in crowd.chunks(PIECE) {
        let users = users.iter().flatten();
        sum = users.fold(sum, |sum, user| sum + user.borrow().traffic());
        tokio::task::yield_now().await;
    }
    sum
}

/// The same as results have it.
pub(crate) fn kept(traffic: &transport::Traffic) -> Traffic {
    Traffic {
        payload_up_bytes: traffic.payload_up,
        payload_down_bytes: traffic.payload_down,
        wire_up_bytes: traffic.wire_up,
        wire_down_bytes: traffic.wire_down,
        requests: traffic.requests,
        empty_responses: traffic.empty_responses,
        connections: traffic.connections,
        ip: traffic.ip.map(|ip| IpTraffic {
            segments_up: ip.segments_up,
            segments_down: ip.segments_down,
            retransmits: ip.retransmits,
            ip_up_bytes: ip.bytes_up,
            ip_down_bytes: ip.bytes_down,
        }),
    }
}
