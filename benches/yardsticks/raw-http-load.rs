//! An HTTP/1.1 load loop on bare epoll, one thread: closed-loop `POST /echo`, and parked
//! long-polls against `pushlab serve long-poll`. Prints one line of JSON.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, ensure};
use benches::raw::poll::{Conn, Poll, READ_BUFFER};
use benches::raw::window::{self, Load, Window};
use benches::raw::{dial, http, usage};
use clap::{Parser, Subcommand};

/// HTTP load on bare epoll.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Every connection posts to /echo, one request after the other
    Echo {
        #[command(flatten)]
        load: Load,
    },
    /// Every connection opens a session and parks one long-poll
    Park {
        #[command(flatten)]
        load: Load,
        /// Seconds to hold the connections after they were measured
        #[arg(long, default_value_t = 0.0)]
        hold: f64,
    },
}

fn main() -> anyhow::Result<()> {
    usage::prepare()?;
    match Args::parse().mode {
        Mode::Echo { load } => echo(&load),
        Mode::Park { load, hold } => window::print_memory(&load, hold, || {
            (0..load.connections)
                .map(|index| park(&load, index))
                .collect::<anyhow::Result<Vec<_>>>()
        }),
    }
}

fn echo(load: &Load) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let body = "x".repeat(load.payload);
    let request = request("POST /echo", load, "", &body);
    let mut conns = Vec::with_capacity(load.connections);
    for index in 0..load.connections {
        let stream = dial::connect(load.address, index)?;
        let conn = Conn::new(stream, Vec::new(), &poll, index)?;
        conns.push((conn, Instant::now()));
    }
    let mut window = Window::new(load)?;
    for (conn, sent) in &mut conns {
        *sent = Instant::now();
        conn.write(request.as_bytes(), &poll)?;
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
            let response = &buffer[..filled];
            if http::response_len(response) != Some(filled) {
                conn.keep(response);
                continue;
            }
            ensure!(
                http::status(response) == Some(200) && response.ends_with(body.as_bytes()),
                "unexpected: {}",
                String::from_utf8_lossy(response)
            );
            let now = Instant::now();
            window.record(now - *sent);
            window.count(1);
            *sent = now;
            conn.write(request.as_bytes(), &poll)?;
        }
        if window.is_over(Instant::now())? {
            return window.print();
        }
    }
}

/// Opens a session and sends its first poll, which the server holds.
fn park(load: &Load, index: usize) -> anyhow::Result<TcpStream> {
    let mut stream = dial::connect(load.address, index)?;
    stream.write_all(request("POST /session", load, "", "").as_bytes())?;
    let mut response = Vec::new();
    dial::read_until(&mut stream, &mut response, http::response_len)?;
    let welcome = String::from_utf8(response)?;
    let token = welcome
        .split_once(r#""token":""#)
        .and_then(|(_, token)| token.split_once('"'))
        .with_context(|| format!("no token: {welcome}"))?
        .0;
    let bearer = format!("Authorization: Bearer {token}\r\n");
    stream.write_all(request("GET /events?after=0&wait=60", load, &bearer, "").as_bytes())?;
    Ok(stream)
}

fn request(line: &str, load: &Load, fields: &str, body: &str) -> String {
    let length = if line.starts_with("POST") {
        format!("Content-Length: {}\r\n", body.len())
    } else {
        String::new()
    };
    format!(
        "{line} HTTP/1.1\r\nHost: {}\r\n{fields}{length}\r\n{body}",
        load.address
    )
}
