//! A WebSocket load loop on bare epoll, one thread: closed-loop echo, closed-loop broadcast against
//! `pushlab serve websocket`, and idle connections. Prints one line of JSON.

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use benches::raw::flight::Flight;
use benches::raw::frame::{self, Frame};
use benches::raw::poll::{Conn, Poll, READ_BUFFER};
use benches::raw::window::{self, Load, Window};
use benches::raw::{dial, usage};
use clap::{Parser, Subcommand};

/// WebSocket load on bare epoll.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Every connection keeps DEPTH messages in flight and counts their echoes
    Echo {
        #[command(flatten)]
        load: Load,
        /// Messages in flight on each connection
        #[arg(long, default_value_t = 1)]
        depth: usize,
        /// The path of the echo
        #[arg(long, default_value = "/echo")]
        path: String,
    },
    /// One publisher emits to the others, CONNECTIONS subscribers, with WINDOW publishes in flight
    Broadcast {
        #[command(flatten)]
        load: Load,
        /// Publishes in flight; one is complete when all subscribers have it
        #[arg(long, default_value_t = 1)]
        window: usize,
    },
    /// Connect and hold
    Idle {
        #[command(flatten)]
        load: Load,
        /// The path to connect to
        #[arg(long, default_value = "/ws")]
        path: String,
        /// Seconds to hold the connections after they were measured
        #[arg(long, default_value_t = 0.0)]
        hold: f64,
    },
}

fn main() -> anyhow::Result<()> {
    usage::prepare()?;
    match Args::parse().mode {
        Mode::Echo { load, depth, path } => echo(&load, depth, &path),
        Mode::Broadcast { load, window } => broadcast(&load, window),
        Mode::Idle { load, path, hold } => window::print_memory(&load, hold, || {
            let connect = |index| Ok(dial::websocket(load.address, index, &path, None)?);
            (0..load.connections)
                .map(connect)
                .collect::<anyhow::Result<Vec<_>>>()
        }),
    }
}

const MASK: [u8; 4] = [0x5a, 0xc3, 0x96, 0x3c];

fn echo(load: &Load, depth: usize, path: &str) -> anyhow::Result<()> {
    let payload = vec![b'x'; load.payload];
    let mut request = Vec::new();
    frame::append(&mut request, 0x80 | frame::TEXT, Some(MASK), &payload);
    let requests = request.repeat(depth);
    let mut reply = Vec::new();
    frame::append(&mut reply, 0x80 | frame::TEXT, None, &payload);

    let mut poll = Poll::new()?;
    let mut conns = Vec::with_capacity(load.connections);
    for index in 0..load.connections {
        let (stream, tail) = dial::websocket(load.address, index, path, None)?;
        conns.push((
            Conn::new(stream, tail, &poll, index)?,
            VecDeque::with_capacity(depth),
        ));
    }
    let mut window = Window::new(load)?;
    for (conn, sent) in &mut conns {
        sent.resize(depth, Instant::now());
        conn.write(&requests, &poll)?;
    }
    let mut buffer = vec![0; READ_BUFFER];
    let mut ready = Vec::new();
    loop {
        poll.wait(Some(10), &mut ready)?;
        for key in ready.drain(..) {
            let (conn, sent) = &mut conns[key];
            let filled = conn
                .read(&mut buffer, &poll)?
                .context("closed by the server")?;
            let now = Instant::now();
            let (mut at, mut replies) = (0, 0);
            loop {
                let rest = &buffer[at..filled];
                if rest.starts_with(&reply) {
                    at += reply.len();
                    replies += 1;
                } else if let Some(other) = Frame::parse(rest) {
                    other_frame(&other, rest, conn, &poll)?;
                    at += other.len();
                } else {
                    conn.keep(rest);
                    break;
                }
            }
            for sent in sent.drain(..replies) {
                window.record(now - sent);
            }
            window.count(replies as u64);
            sent.resize(depth, now);
            conn.write(&requests[..replies * request.len()], &poll)?;
        }
        if window.is_over(Instant::now())? {
            return window.print();
        }
    }
}

fn broadcast(load: &Load, in_flight: usize) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    // The last one is the publisher.
    let mut conns = Vec::with_capacity(load.connections + 1);
    for index in 0..=load.connections {
        let (mut stream, mut tail) =
            dial::websocket(load.address, index, "/ws", Some("pushlab.v1"))?;
        let welcome = dial::first_frame(&mut stream, &mut tail).context("no welcome")?;
        ensure!(
            welcome.windows(14).any(|part| part == br#""op":"welcome""#),
            "not a welcome: {}",
            String::from_utf8_lossy(&welcome)
        );
        conns.push(Subscriber {
            conn: Conn::new(stream, tail, &poll, index)?,
            received: 0,
        });
    }
    let data = "x".repeat(load.payload.saturating_sub(2));
    let command = format!(r#"{{"op":"emit","to":"others","event":"tick","data":"{data}"}}"#);
    let mut publish = Vec::new();
    frame::append(
        &mut publish,
        0x80 | frame::TEXT,
        Some(MASK),
        command.as_bytes(),
    );
    let refill = publish.repeat(in_flight);

    let mut window = Window::new(load)?;
    let publisher = load.connections;
    let mut flight = Flight::new(load.connections, in_flight, Instant::now());
    conns[publisher].conn.write(&refill, &poll)?;
    let mut event_len = None;
    let mut buffer = vec![0; READ_BUFFER];
    let mut ready = Vec::new();
    loop {
        poll.wait(Some(10), &mut ready)?;
        for key in ready.drain(..) {
            let Subscriber { conn, received } = &mut conns[key];
            let filled = conn
                .read(&mut buffer, &poll)?
                .context("closed by the server")?;
            let before = *received;
            let mut at = 0;
            while let Some(frame) = Frame::parse(&buffer[at..filled]) {
                let rest = &buffer[at..filled];
                at += frame.len();
                if frame.opcode() != frame::TEXT {
                    other_frame(&frame, rest, conn, &poll)?;
                    continue;
                }
                // All events of a broadcast are equally long; nothing else is expected.
                if *event_len.get_or_insert(frame.len()) != frame.len() || key == publisher {
                    bail!(
                        "unexpected: {}",
                        String::from_utf8_lossy(&rest[..frame.len()])
                    );
                }
                flight.delivered(*received);
                *received += 1;
            }
            conn.keep(&buffer[at..filled]);
            window.count(*received - before);
        }
        let now = Instant::now();
        let mut complete = 0;
        while let Some(took) = flight.complete(now) {
            window.record(took);
            complete += 1;
        }
        conns[publisher]
            .conn
            .write(&refill[..complete * publish.len()], &poll)?;
        if window.is_over(now)? {
            return window.print();
        }
    }
}

struct Subscriber {
    conn: Conn,
    received: u64,
}

/// Answers a ping; anything else unexpected ends the run.
fn other_frame(frame: &Frame, bytes: &[u8], conn: &mut Conn, poll: &Poll) -> anyhow::Result<()> {
    let payload = &bytes[frame.header..frame.len()];
    if frame.opcode() != frame::PING {
        bail!("unexpected: {}", String::from_utf8_lossy(payload));
    }
    let mut pong = Vec::new();
    frame::append(&mut pong, 0x80 | frame::PONG, Some(MASK), payload);
    Ok(conn.write(&pong, poll)?)
}
