//! The ceiling: a WebSocket echo server on bare epoll, one thread. All frames of a read are
//! unmasked and turned into answers where they lie, and leave in one write. Any path is the echo.
//!
//! Prints `{"url":"ws://…"}` once it accepts, and runs until it is killed.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;

use benches::raw::poll::{Conn, Poll, READ_BUFFER};
use benches::raw::{frame, http, usage};
use clap::Parser;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// WebSocket echo on bare epoll: the ceiling.
#[derive(Parser)]
struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

fn main() -> anyhow::Result<()> {
    usage::prepare()?;
    let listener = TcpListener::bind(Args::parse().listen)?;
    listener.set_nonblocking(true)?;
    let accepting = listener.as_raw_fd() as usize;
    let mut poll = Poll::new()?;
    poll.add(&listener, accepting)?;
    println!("{{\"url\":\"ws://{}/\"}}", listener.local_addr()?);

    // By file descriptor, which the kernel keeps small and unique.
    let mut conns: Vec<Option<Client>> = Vec::new();
    let mut buffer = vec![0; READ_BUFFER];
    let mut ready = Vec::new();
    loop {
        poll.wait(None, &mut ready)?;
        for key in ready.drain(..) {
            if key == accepting {
                while let Ok((stream, _)) = listener.accept() {
                    let key = stream.as_raw_fd() as usize;
                    conns.resize_with(conns.len().max(key + 1), || None);
                    conns[key] = Some(Client {
                        conn: Conn::new(stream, Vec::new(), &poll, key)?,
                        upgraded: false,
                    });
                }
            } else if let Some(client) = &mut conns[key] {
                // A connection that fails is a connection that is gone.
                if !client.serve(&mut buffer, &poll).unwrap_or(false) {
                    conns[key] = None;
                }
            }
        }
    }
}

struct Client {
    conn: Conn,
    upgraded: bool,
}

impl Client {
    /// Answers what one read brings; false when the connection is over.
    fn serve(&mut self, buffer: &mut [u8], poll: &Poll) -> std::io::Result<bool> {
        let Some(filled) = self.conn.read(buffer, poll)? else {
            return Ok(false);
        };
        let mut bytes = &mut buffer[..filled];
        if !self.upgraded {
            let Some(head) = http::head_len(bytes) else {
                self.conn.keep(bytes);
                return Ok(true);
            };
            let Some(key) = http::field(&bytes[..head], "sec-websocket-key") else {
                return Ok(false);
            };
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            );
            self.conn.write(answer.as_bytes(), poll)?;
            self.upgraded = true;
            bytes = &mut bytes[head..];
        }
        let echoed = frame::echo_in_place(bytes);
        self.conn.keep(&bytes[echoed.read.max(echoed.written)..]);
        self.conn.write(&bytes[..echoed.written], poll)?;
        Ok(!echoed.closed)
    }
}
