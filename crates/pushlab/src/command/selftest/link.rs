//! The network between: what its relay does to bytes on real sockets, against what it was asked.
//!
//! Both ends are this thread's, which does nothing but send, read and look at the clock, so that its own waking up is no part of a delay. The relay
//! is a process of its own on the server's CPU, as in a run. Nothing is subtracted: two passes through loopback are within the limits.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, anyhow};
use measure::selftest::Row;
use measure::{LinkReport, now};
use scenario::{JitterLaw, Link, Path};

use super::lab::{Halt, Lab, ms, us};
use super::law;
use super::waits::{self, Judged, Waits};
use crate::command::link::Request;
use crate::command::link_process::LinkProcess;

const NAME: &str = "link";

/// What a delay may be off: so much, and a share of itself. Nanoseconds.
const OFF: f64 = 100_000.0;
const OFF_SHARE: f64 = 0.01;
/// What a message may take where there is no delay. The relay looks out for what is due soon, but for what passes at once it has to be woken, and
/// so has the reader: that is the machine's time. Nanoseconds.
const OFF_WOKEN: f64 = 200_000.0;

/// Delays to hold, nanoseconds.
const DELAYS: [u64; 3] = [0, 5_000_000, 50_000_000];

/// Mean and standard deviation of a delay with jitter, nanoseconds.
const MEAN: u64 = 20_000_000;
const DEVIATION: u64 = 2_000_000;

/// Bandwidths to hold, bits a second: up, down.
const BANDWIDTHS: [f64; 2] = [10e6, 100e6];

/// Greatest error of a bandwidth, percent.
const BANDWIDTH_LIMIT: f64 = 2.0;

/// Longer than anything here takes without news, nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// Bytes of a message.
const MESSAGE: usize = 64;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let mut rows = Vec::new();
    for delay in DELAYS {
        rows.extend(waits::quiet(lab, || delays(lab, delay))?);
    }
    for law in [JitterLaw::Normal, JitterLaw::Exponential] {
        rows.extend(waits::quiet(lab, || jitter(lab, law))?);
    }
    rows.extend(waits::quiet(lab, || bandwidths(lab))?);
    Ok(rows)
}

/// Small messages through a constant delay, each way.
///
/// The median is compared: it says what the relay does, and the tail how long the machine takes to wake a CPU, which a row shows.
fn delays(lab: &Lab<'_>, delay: u64) -> Result<Judged, Halt> {
    let path = Path {
        delay: Duration::from_nanos(delay),
        ..Path::CLEAR
    };
    let mut wire = Wire::new(lab, path, path)?;
    let pairs = wire.pairs(1)?;
    let off = if delay == 0 { OFF_WOKEN } else { OFF };
    let limit = us(off + OFF_SHARE * delay as f64);
    let mut rows = Vec::new();
    let mut medians = [0.0; 2];
    wire.forget();
    for (way, name) in [(UP, "up"), (DOWN, "down")] {
        let count = lab.either(60, 400);
        let mut seen = travel(lab, &pairs, way, count, 4_000_000)?;
        seen.sort_by(f64::total_cmp);
        let [median, tail] = [0.5, 0.99].map(|q| law::quantile(&seen, q).unwrap_or(f64::NAN));
        medians[way] = median;
        let what = format!("{} ms {name}, p50 of {count} messages", ms(delay as f64));
        let row = Row::absolute(NAME, what, us(delay as f64), us(median), "us", limit);
        rows.push(row.noted(format!(
            "{:.0} us and 1 %; p99 is {:.0} us more",
            us(off),
            us(tail - median)
        )));
    }
    let (told, disturbance) = wire.end()?;
    for (way, name, told) in [(UP, "up", told.up), (DOWN, "down", told.down)] {
        let own = told.delay.map_or(f64::NAN, |delay| delay.p50_ns as f64);
        let what = format!("{} ms {name}, as the link itself tells", ms(delay as f64));
        rows.push(Row::absolute(
            NAME,
            what,
            us(medians[way]),
            us(own),
            "us",
            limit,
        ));
    }
    Ok((rows, disturbance))
}

/// Mean and standard deviation of delays with jitter. Messages go round over many connections, so that none waits for the one before it.
fn jitter(lab: &Lab<'_>, law: JitterLaw) -> Result<Judged, Halt> {
    let path = Path {
        delay: Duration::from_nanos(MEAN),
        jitter: Duration::from_nanos(DEVIATION),
        law,
        ..Path::CLEAR
    };
    let mut wire = Wire::new(lab, path, path)?;
    let pairs = wire.pairs(64)?;
    let count = lab.either(1_200, 8_000);
    let seen = travel(lab, &pairs, UP, count, 500_000)?;
    let (_, disturbance) = wire.end()?;
    Ok((judge_jitter(law, &seen), disturbance))
}

/// What chance alone does to a deviation of so many draws, once in a thousand times: its standard error is `sqrt((kurtosis - 1) / 4n)`.
fn judge_jitter(law: JitterLaw, seen: &[f64]) -> Vec<Row> {
    let count = seen.len() as f64;
    let mean = seen.iter().sum::<f64>() / count;
    let squares: f64 = seen.iter().map(|delay| (delay - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    let kurtosis: f64 = match law {
        JitterLaw::Normal => 3.0,
        JitterLaw::Uniform => 1.8,
        JitterLaw::Exponential => 9.0,
    };
    let chance = 3.29 * ((kurtosis - 1.0) / (4.0 * count)).sqrt();
    let name = law.name();
    let limit = us(OFF + OFF_SHARE * MEAN as f64);
    vec![
        Row::absolute(
            NAME,
            format!("{name} jitter, mean"),
            us(MEAN as f64),
            us(mean),
            "us",
            limit,
        ),
        Row::relative(
            NAME,
            format!("{name} jitter, standard deviation"),
            us(DEVIATION as f64),
            us(deviation),
            "us",
            100.0 * chance,
        )
        .noted(format!("what chance allows {count} draws, once in 1000")),
    ]
}

/// As many bytes as go, one way after the other.
fn bandwidths(lab: &Lab<'_>) -> Result<Judged, Halt> {
    let [up, down] = BANDWIDTHS.map(|bandwidth| Path {
        bandwidth: Some(bandwidth),
        ..Path::CLEAR
    });
    let mut wire = Wire::new(lab, up, down)?;
    let pairs = wire.pairs(1)?;
    wire.forget();
    let seconds = lab.either(600_000_000, 4_000_000_000);
    let rates = [
        flood(lab, &pairs, UP, seconds)?,
        flood(lab, &pairs, DOWN, seconds)?,
    ];
    let (told, disturbance) = wire.end()?;
    let told = [told.up, told.down].map(|way| way.busy_bit_per_s.unwrap_or(f64::NAN));
    let mut rows = Vec::new();
    for ((truth, rate), told) in BANDWIDTHS.into_iter().zip(rates).zip(told) {
        let shown = truth / 1e6;
        for (what, measured) in [
            (format!("{shown} Mbit/s, bytes as they arrive"), rate),
            (format!("{shown} Mbit/s, as the link itself tells"), told),
        ] {
            let (truth, measured) = (truth / 1e6, measured / 1e6);
            rows.push(Row::relative(
                NAME,
                what,
                truth,
                measured,
                "Mbit/s",
                BANDWIDTH_LIMIT,
            ));
        }
    }
    Ok((rows, disturbance))
}

/// The directions, as places in a [`Pair`].
const UP: usize = 0;
const DOWN: usize = 1;

/// A link with a listener of ours behind it.
struct Wire {
    server: TcpListener,
    link: LinkProcess,
    waits: Waits,
}

/// The client's socket and the server's, neither of which blocks.
type Pair = [TcpStream; 2];

impl Wire {
    fn new(lab: &Lab<'_>, up: Path, down: Path) -> Result<Self, Halt> {
        let link = Link {
            up,
            down,
            set_up: 0,
            ..Link::default()
        };
        let server = TcpListener::bind("127.0.0.1:0").context("can't listen")?;
        let to = server.local_addr()?.to_string();
        let link = LinkProcess::start(&link, &to, &lab.pins.server, 1)?;
        // The link looked whether anyone is here.
        server.accept()?;
        server.set_nonblocking(true)?;
        let waits = Waits::begin(link.pid());
        Ok(Self {
            server,
            link,
            waits,
        })
    }

    fn pairs(&mut self, count: usize) -> Result<Vec<Pair>, Halt> {
        (0..count).map(|_| self.pair()).collect()
    }

    fn pair(&mut self) -> Result<Pair, Halt> {
        let client =
            TcpStream::connect(self.link.address()).context("can't connect to the link")?;
        let deadline = now() + PATIENCE;
        let server = loop {
            match self.server.accept() {
                Ok((server, _)) => break server,
                Err(error) if error.kind() == ErrorKind::WouldBlock && now() < deadline => {}
                Err(error) => return Err(anyhow!("the link does not connect: {error}").into()),
            }
        };
        for end in [&client, &server] {
            end.set_nonblocking(true)?;
            end.set_nodelay(true)?;
        }
        Ok([client, server])
    }

    fn forget(&mut self) {
        self.link.ask(Request::Reset(now()));
    }

    /// What the link tells of itself, and what disturbed it or us.
    fn end(mut self) -> Result<(LinkReport, Option<String>), Halt> {
        self.link.ask(Request::Report(now()));
        let report = self.link.report()?;
        let disturbance = self.waits.disturbance();
        self.link.stop()?;
        Ok((report, disturbance))
    }
}

/// Sends messages every so often, a connection after the other, and gives how long each was under way, nanoseconds.
fn travel(
    lab: &Lab<'_>,
    pairs: &[Pair],
    way: usize,
    count: usize,
    gap: u64,
) -> Result<Vec<f64>, Halt> {
    let mut sent: Vec<VecDeque<u64>> = vec![VecDeque::new(); pairs.len()];
    // What has come of a message that isn't whole yet.
    let mut parts = vec![0; pairs.len()];
    let (mut delays, mut number) = (Vec::with_capacity(count), 0);
    let (mut next, mut news) = (now(), now());
    let mut buffer = [0; 16 * MESSAGE];
    while delays.len() < count {
        let at = now();
        if number < count && at >= next {
            let index = number % pairs.len();
            sent[index].push_back(now());
            let written = (&pairs[index][way]).write(&[7; MESSAGE])?;
            if written < MESSAGE {
                return Err(anyhow!("a socket took only {written} bytes of a message").into());
            }
            number += 1;
            next += gap;
        }
        for (index, pair) in pairs.iter().enumerate() {
            if sent[index].is_empty() {
                continue;
            }
            match (&pair[1 - way]).read(&mut buffer) {
                Ok(0) => return Err(anyhow!("the link ended a connection").into()),
                Ok(read) => {
                    news = now();
                    parts[index] += read;
                    while parts[index] >= MESSAGE {
                        parts[index] -= MESSAGE;
                        let from = sent[index].pop_front().context("bytes that no one sent")?;
                        delays.push((news - from) as f64);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        patient(lab, at, news)?;
    }
    Ok(delays)
}

/// Sends as much as goes, and gives the bits a second that arrive, from a fifth of a second on when queues are full.
fn flood(lab: &Lab<'_>, pairs: &[Pair], way: usize, time: u64) -> Result<f64, Halt> {
    let bytes = vec![7; 64 << 10];
    let mut buffer = bytes.clone();
    let (mut count, mut news) = (0_u64, now());
    let begins = news + 200_000_000;
    let mut first = None;
    loop {
        for pair in pairs {
            match (&pair[way]).write(&bytes) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            match (&pair[1 - way]).read(&mut buffer) {
                Ok(0) => return Err(anyhow!("the link ended a connection").into()),
                Ok(read) => {
                    news = now();
                    // The window begins and ends with an arrival; the bytes of the first one came before it.
                    match first {
                        None if news >= begins => first = Some(news),
                        None => {}
                        Some(first) => {
                            count += read as u64;
                            if news >= first + time {
                                return Ok(count as f64 * 8e9 / (news - first) as f64);
                            }
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        patient(lab, now(), news)?;
    }
}

/// Whether to go on: not when the user stops it, nor when nothing has come for long.
fn patient(lab: &Lab<'_>, at: u64, news: u64) -> Result<(), Halt> {
    if lab.stop.is_asked() {
        return Err(Halt::Interrupted);
    }
    if at > news + PATIENCE {
        return Err(anyhow!(
            "nothing came through the link for {} s",
            PATIENCE / 1_000_000_000
        )
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use link::Dice;

    use super::*;

    /// Delays drawn with another mean and deviation than the true ones.
    fn judged(law: JitterLaw, mean: u64, deviation: u64) -> [bool; 2] {
        let path = Path {
            delay: Duration::from_nanos(mean),
            jitter: Duration::from_nanos(deviation),
            law,
            ..Path::CLEAR
        };
        let mut dice = Dice::new(&path, 11);
        let seen: Vec<f64> = (0..2_000).map(|_| dice.delay() as f64).collect();
        let rows = judge_jitter(law, &seen);
        [rows[0].passed, rows[1].passed]
    }

    #[test]
    fn a_wrong_mean_or_deviation_is_a_miss() {
        for law in [JitterLaw::Normal, JitterLaw::Exponential] {
            assert_eq!(judged(law, MEAN, DEVIATION), [true, true], "{law:?}");
            assert_eq!(
                judged(law, MEAN + 600_000, DEVIATION),
                [false, true],
                "{law:?}"
            );
            assert_eq!(
                judged(law, MEAN, DEVIATION * 5 / 4),
                [true, false],
                "{law:?}"
            );
        }
    }
}
