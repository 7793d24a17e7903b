//! A link between two ends that are both this thread's, and what is sent through it.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, anyhow};
use measure::{LinkReport, now};
use scenario::{Link, Path};

use super::lab::{Halt, Lab};
use super::waits::Waits;
use crate::command::link::Request;
use crate::command::link_process::LinkProcess;

/// Longer than anything here takes without news, nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// Bytes of a message.
const MESSAGE: usize = 64;

/// The directions, as places in a [`Pair`].
pub(super) const UP: usize = 0;
pub(super) const DOWN: usize = 1;

/// A link with a listener of ours behind it.
pub(super) struct Wire {
    server: TcpListener,
    link: LinkProcess,
    waits: Waits,
}

/// The client's socket and the server's, neither of which blocks.
pub(super) type Pair = [TcpStream; 2];

impl Wire {
    pub(super) fn new(lab: &Lab<'_>, up: Path, down: Path) -> Result<Self, Halt> {
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
        let waits = Waits::of_link(link.pid());
        Ok(Self {
            server,
            link,
            waits,
        })
    }

    pub(super) fn pairs(&mut self, count: usize) -> Result<Vec<Pair>, Halt> {
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

    /// What link and self-test wait from now on.
    pub(super) fn waits(&self) -> Waits {
        Waits::of_link(self.link.pid())
    }

    pub(super) fn forget(&mut self) {
        self.link.ask(Request::Reset(now()));
    }

    /// What the link tells of itself, and what disturbed it or us.
    pub(super) fn end(mut self) -> Result<(LinkReport, Option<String>), Halt> {
        self.link.ask(Request::Report(now()));
        let report = self.link.report()?;
        let disturbance = self.waits.disturbance();
        self.link.stop()?;
        Ok((report, disturbance))
    }
}

/// Sends messages every so often, a connection after the other, and gives how long each was under way, nanoseconds.
pub(super) fn travel(
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
pub(super) fn flood(lab: &Lab<'_>, pairs: &[Pair], way: usize, time: u64) -> Result<f64, Halt> {
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
