//! Warm-up, the measured window, and the JSON line it ends in.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::raw::usage;

/// What every load loop is told.
#[derive(clap::Args, Debug, Clone)]
pub struct Load {
    /// Where the server listens
    pub address: SocketAddr,
    /// How many connections
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Bytes of each payload
    #[arg(long, default_value_t = 64)]
    pub payload: usize,
    /// Measured seconds
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Seconds before them that do not count
    #[arg(long, default_value_t = 0.5)]
    pub warm_up: f64,
    /// The server's process, whose CPU time or memory is measured too
    #[arg(long)]
    pub server: Option<u32>,
}

/// Counts and times what is done within the measured window.
pub struct Window {
    load: Load,
    warm: Instant,
    end: Instant,
    opened: Option<Cost>,
    closed: Option<Cost>,
    count: u64,
    latency: Histogram<u64>,
}

/// A reading of clocks.
struct Cost {
    at: Instant,
    own: u64,
    server: Option<u64>,
}

/// What a load loop prints.
#[derive(Serialize)]
pub struct Outcome {
    connections: usize,
    /// Round trips, or deliveries of a broadcast.
    count: u64,
    seconds: f64,
    client_cpu_ns: u64,
    server_cpu_ns: Option<u64>,
    /// Of the round trip, or from a publish to its last delivery.
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
}

impl Window {
    /// Starts the warm-up now.
    pub fn new(load: &Load) -> io::Result<Self> {
        let warm = Instant::now() + Duration::from_secs_f64(load.warm_up);
        Ok(Self {
            load: load.clone(),
            warm,
            end: warm + Duration::from_secs_f64(load.seconds),
            opened: None,
            closed: None,
            count: 0,
            latency: Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(io::Error::other)?,
        })
    }

    /// Opens and closes the window when it is time; true once it is closed.
    pub fn is_over(&mut self, now: Instant) -> io::Result<bool> {
        if self.opened.is_none() && now >= self.warm {
            self.opened = Some(self.cost()?);
        } else if self.closed.is_none() && now >= self.end {
            self.closed = Some(self.cost()?);
        }
        Ok(self.closed.is_some())
    }

    /// Counts `count` round trips or deliveries.
    pub fn count(&mut self, count: u64) {
        if self.is_open() {
            self.count += count;
        }
    }

    /// Records how long something took.
    pub fn record(&mut self, took: Duration) {
        if self.is_open() {
            self.latency.saturating_record(took.as_nanos() as u64);
        }
    }

    /// Prints the outcome of a closed window as one line of JSON.
    pub fn print(&self) -> anyhow::Result<()> {
        let (Some(opened), Some(closed)) = (&self.opened, &self.closed) else {
            anyhow::bail!("the window is not closed");
        };
        let outcome = Outcome {
            connections: self.load.connections,
            count: self.count,
            seconds: (closed.at - opened.at).as_secs_f64(),
            client_cpu_ns: closed.own - opened.own,
            server_cpu_ns: closed
                .server
                .zip(opened.server)
                .map(|(end, start)| end - start),
            p50_ns: self.latency.value_at_quantile(0.5),
            p99_ns: self.latency.value_at_quantile(0.99),
            max_ns: self.latency.max(),
        };
        println!("{}", serde_json::to_string(&outcome)?);
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.opened.is_some() && self.closed.is_none()
    }

    fn cost(&self) -> io::Result<Cost> {
        Ok(Cost {
            at: Instant::now(),
            own: usage::own_cpu_ns(),
            server: self.load.server.map(usage::cpu_ns).transpose()?,
        })
    }
}

/// Memory a connection: reads the server's private memory, lets `connect` make the connections,
/// waits for rest, reads again and prints one line of JSON. The connections are held meanwhile,
/// and `hold_seconds` longer.
pub fn print_memory<T>(
    load: &Load,
    hold_seconds: f64,
    connect: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<()> {
    let server = load.server;
    let before = server.map(usage::private_bytes).transpose()?;
    let started = Instant::now();
    let held = connect()?;
    let connect_seconds = started.elapsed().as_secs_f64();
    server.map(usage::wait_for_rest).transpose()?;
    let after = server.map(usage::private_bytes).transpose()?;
    let bytes = before
        .zip(after)
        .map(|(before, after)| (after as f64 - before as f64) / load.connections as f64);
    println!(
        "{}",
        serde_json::json!({
            "connections": load.connections,
            "connect_seconds": connect_seconds,
            "private_before": before,
            "private_after": after,
            "bytes_per_connection": bytes,
        })
    );
    std::thread::sleep(Duration::from_secs_f64(hold_seconds));
    drop(held);
    Ok(())
}
