//! The link of packets, seen from outside: datagrams with a number and a time in each, sent in one of its namespaces and received in the other.
//!
//! Sender and receiver are one thread that never sleeps, so that what is measured is the link's: the way through the kernel and waking the
//! forwarder included, waking a receiver not. The link is a process of its own on the server's CPU, as in a run.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use anyhow::{Error, anyhow};
use link::packets::{self, Namespace};
use measure::selftest::Row;
use measure::statistics::binomial;
use measure::{Impairment, LinkReport, now};
use scenario::{Backend, Link, Path};

use super::lab::{Halt, Lab, ms, us};
use super::law;
use super::waits::{self, Judged, Waits};
use crate::command::link::{Ends, Request};
use crate::command::link_process::LinkProcess;

const NAME: &str = "packet-link";

/// The delay up and down.
const DELAYS: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];

/// Greatest error of a delay: so much, microseconds, and a share of it.
const DELAY_LIMIT_US: f64 = 100.0;
const DELAY_LIMIT_SHARE: f64 = 0.01;

/// Share of packets to lose.
const LOSS: f64 = 0.02;

/// Bits a second, and the greatest error of that, percent.
const BANDWIDTH: f64 = 20e6;
const BANDWIDTH_LIMIT: f64 = 2.0;

/// Bytes of a packet, and of the headers of IPv4 and UDP in it.
const PACKET: usize = 1000;
const HEADERS: usize = 28;

/// A link that has passed nothing for so long beyond its delay has nothing left, nanoseconds.
const QUIET: u64 = 100_000_000;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    if let Err(error) = packets::check() {
        let why = format!("needs root: {error}");
        return Ok(vec![Row::skipped(NAME, "delay, loss, bandwidth", why)]);
    }
    let mut rows = Vec::new();
    for part in [delays, loss, bandwidth] {
        let run = || {
            if lab.stop.is_asked() {
                return Err(Halt::Interrupted);
            }
            Ok(part(lab)?)
        };
        rows.extend(waits::quiet(lab, run)?);
    }
    Ok(rows)
}

fn delays(lab: &Lab<'_>) -> Result<Judged, Error> {
    let [up, down] = DELAYS.map(|delay| Path {
        delay,
        ..Path::CLEAR
    });
    let bench = Bench::start(up, down, &lab.pins.server)?;
    let volley = Volley {
        count: lab.either(200, 1000),
        // Longer than a CPU takes to fall asleep.
        gap: 3_100_000,
        size: 100,
    };
    let mut rows = Vec::new();
    for (from, to, delay, way) in [
        (&bench.near, &bench.far, DELAYS[0], "up"),
        (&bench.far, &bench.near, DELAYS[1], "down"),
    ] {
        let mut times: Vec<f64> = volley
            .fire(from, to, delay)?
            .iter()
            .map(|arrival| us((arrival.received - arrival.sent) as f64))
            .collect();
        times.sort_by(f64::total_cmp);
        let [p50, p99] = [0.5, 0.99].map(|q| law::quantile(&times, q).unwrap_or(f64::NAN));
        let row = judge_delay(&format!("delay {way}, p50"), delay, p50);
        rows.push(row.noted(format!("100 us and 1 %; p99 is {:.0} us more", p99 - p50)));
    }
    let (counted, disturbance) = bench.end()?;
    for (counted, delay, way) in [
        (counted.up, DELAYS[0], "up"),
        (counted.down, DELAYS[1], "down"),
    ] {
        let p50 = counted
            .delay
            .map_or(f64::NAN, |told| us(told.p50_ns as f64));
        let what = format!("delay {way}, p50 by the link's own count");
        rows.push(judge_delay(&what, delay, p50));
    }
    Ok((rows, disturbance))
}

fn judge_delay(what: &str, delay: Duration, measured: f64) -> Row {
    let truth = us(delay.as_nanos() as f64);
    let limit = DELAY_LIMIT_US + DELAY_LIMIT_SHARE * truth;
    Row::absolute(NAME, what, truth, measured, "us", limit)
}

fn loss(lab: &Lab<'_>) -> Result<Judged, Error> {
    let up = Path {
        loss: LOSS,
        ..Path::CLEAR
    };
    let bench = Bench::start(up, Path::CLEAR, &lab.pins.server)?;
    let volley = Volley {
        count: lab.either(5_000, 20_000),
        gap: 200_000,
        size: 100,
    };
    let arrived = volley.fire(&bench.near, &bench.far, Duration::ZERO)?;
    let (counted, disturbance) = bench.end()?;
    let rows = judge_loss(volley.count, arrived.len() as u64, &counted.up);
    Ok((rows, disturbance))
}

fn judge_loss(sent: u64, arrived: u64, counted: &Impairment) -> Vec<Row> {
    let missed = sent - arrived;
    // Each bound is passed by chance once in a thousand self-tests.
    let least = sent - binomial::upper_bound(sent, 1.0 - LOSS);
    let most = binomial::upper_bound(sent, LOSS);
    let held = if (least..=most).contains(&missed) {
        "inside"
    } else {
        "outside"
    };
    vec![
        Row::words(NAME, "packets lost and their interval", "inside", held).noted(format!(
            "{missed} of {sent} at {} %; 99.8 % interval {least} to {most}",
            LOSS * 100.0
        )),
        Row::absolute(
            NAME,
            "packets lost by the link's own count",
            missed as f64,
            (counted.lost + counted.dropped) as f64,
            "",
            0.0,
        ),
    ]
}

fn bandwidth(lab: &Lab<'_>) -> Result<Judged, Error> {
    let up = Path {
        bandwidth: Some(BANDWIDTH),
        queue: 20 * PACKET,
        ..Path::CLEAR
    };
    let bench = Bench::start(up, Path::CLEAR, &lab.pins.server)?;
    let volley = Volley {
        count: lab.either(3_000, 10_000),
        // A third more than there is bandwidth for.
        gap: (PACKET as f64 * 8e9 / BANDWIDTH * 0.75) as u64,
        size: PACKET - HEADERS,
    };
    let arrivals = volley.fire(&bench.near, &bench.far, Duration::ZERO)?;
    let (counted, disturbance) = bench.end()?;
    let counted = counted.up;
    let [first, .., last] = arrivals[..] else {
        let row = Row::failed(NAME, "bandwidth", "nothing arrived");
        return Ok((vec![row], disturbance));
    };
    let time = (last.received - first.received) as f64;
    let bits = ((arrivals.len() - 1) * PACKET * 8) as f64;
    let row = |what: &str, bit_per_s: f64| {
        let (truth, measured) = (BANDWIDTH / 1e6, bit_per_s / 1e6);
        Row::relative(NAME, what, truth, measured, "Mbit/s", BANDWIDTH_LIMIT)
    };
    let own = counted.busy_bit_per_s.unwrap_or(f64::NAN);
    let waited = counted.delay.map_or(f64::NAN, |delay| delay.p50_ns as f64);
    let full = up.queue as f64 * 8e9 / BANDWIDTH;
    let rows = vec![
        row("bandwidth", bits * 1e9 / time),
        row("bandwidth by the link's own count", own),
        Row::absolute(
            NAME,
            "wait in a full queue, p50",
            ms(full),
            ms(waited),
            "ms",
            // Of twenty packets' places the last is being filled, and one is partly sent.
            1.0,
        )
        .noted(format!("{} packets dropped", counted.dropped)),
    ];
    Ok((rows, disturbance))
}

/// A datagram that came through.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    sent: u64,
    received: u64,
}

/// Datagrams at equal gaps.
#[derive(Clone, Copy, Debug)]
struct Volley {
    count: u64,
    /// Nanoseconds.
    gap: u64,
    /// Bytes, headers not included.
    size: usize,
}

impl Volley {
    /// Those that arrived, in order of arrival.
    fn fire(
        self,
        from: &UdpSocket,
        to: &UdpSocket,
        delay: Duration,
    ) -> Result<Vec<Arrival>, Error> {
        let patience = delay.as_nanos() as u64 + QUIET;
        let to_address = to.local_addr()?;
        let mut buffer = vec![0; self.size];
        let mut arrivals = Vec::with_capacity(self.count as usize);
        let (mut sent, mut due) = (0, now());
        let mut quiet_since = due;
        loop {
            let at = now();
            if sent < self.count && at >= due {
                buffer[..8].copy_from_slice(&at.to_ne_bytes());
                from.send_to(&buffer, to_address)?;
                sent += 1;
                due += self.gap;
                quiet_since = at;
            }
            match to.recv(&mut buffer) {
                Ok(size) if size == self.size => {
                    let mut sent = [0; 8];
                    sent.copy_from_slice(&buffer[..8]);
                    quiet_since = now();
                    arrivals.push(Arrival {
                        sent: u64::from_ne_bytes(sent),
                        received: quiet_since,
                    });
                }
                Ok(size) => return Err(anyhow!("a datagram of {size} bytes is not ours")),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let all = sent == self.count;
                    if all && (arrivals.len() as u64 == sent || at > quiet_since + patience) {
                        return Ok(arrivals);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A link that runs, and a socket at either end.
struct Bench {
    near: UdpSocket,
    far: UdpSocket,
    link: LinkProcess<Ends>,
    waits: Waits,
}

impl Bench {
    fn start(up: Path, down: Path, cpus: &[u32]) -> Result<Self, Error> {
        let link = Link {
            backend: Backend::Packets,
            up,
            down,
            ..Link::default()
        };
        let link = LinkProcess::packets(&link, cpus, 40)?;
        let ends = link.ends();
        Ok(Self {
            near: socket(&ends.client_namespace, ends.client_address)?,
            far: socket(&ends.server_namespace, ends.server_address)?,
            waits: Waits::of_link(link.pid()),
            link,
        })
    }

    /// What the link says it did, and what disturbed it or us.
    fn end(mut self) -> Result<(LinkReport, Option<String>), Error> {
        self.link.ask(Request::Report(now()));
        let report = self.link.report()?;
        let disturbance = self.waits.disturbance();
        self.link.stop()?;
        Ok((report, disturbance))
    }
}

fn socket(namespace: &std::path::Path, address: Ipv4Addr) -> Result<UdpSocket, Error> {
    let _there = Namespace::enter(namespace)?;
    let socket = UdpSocket::bind((address, 0))?;
    socket.set_nonblocking(true)?;
    // What the kernel allows of it is enough for a moment without the CPU.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 4 << 20);
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_may_be_off_by_a_little() {
        let passed = |measured| judge_delay("w", Duration::from_millis(5), measured).passed;
        assert!(passed(5_149.0) && passed(4_851.0));
        assert!(!passed(5_151.0) && !passed(4_849.0) && !passed(f64::NAN));
    }

    #[test]
    fn a_wrong_share_or_a_wrong_count_is_a_miss() {
        let passed = |lost: u64, counted: u64| {
            let counted = Impairment {
                lost: counted,
                ..Impairment::default()
            };
            let rows = judge_loss(10_000, 10_000 - lost, &counted);
            [rows[0].passed, rows[1].passed]
        };
        assert_eq!(passed(200, 200), [true, true]);
        // 3.09 standard errors of 14 each way.
        assert_eq!(passed(155, 155), [false, true]);
        assert_eq!(passed(246, 246), [false, true]);
        assert_eq!(passed(200, 199), [true, false]);
    }
}
