//! Epoll, and a nonblocking connection that keeps what was read or written by halves.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// The size in bytes of the one read buffer a program shares among its connections, and so the
/// largest frame or response a yardstick takes.
pub const READ_BUFFER: usize = 256 * 1024;

/// A level-triggered epoll set whose members are known by a key.
pub struct Poll {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poll {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(1024),
        })
    }

    /// Watches `source` for reading.
    pub fn add(&self, source: impl AsFd, key: usize) -> io::Result<()> {
        let data = epoll::EventData::new_u64(key as u64);
        Ok(epoll::add(
            &self.epoll,
            source,
            data,
            epoll::EventFlags::IN,
        )?)
    }

    /// Waits at most `wait_ms` milliseconds and appends the keys of the ready members to `ready`.
    pub fn wait(&mut self, wait_ms: Option<i64>, ready: &mut Vec<usize>) -> io::Result<()> {
        let timeout = wait_ms.map(|ms| Timespec {
            tv_sec: ms / 1000,
            tv_nsec: ms % 1000 * 1_000_000,
        });
        self.events.clear();
        match epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.events),
            timeout.as_ref(),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        ready.extend(self.events.iter().map(|event| event.data.u64() as usize));
        Ok(())
    }

    fn watch_writing(&self, source: impl AsFd, key: usize, writing: bool) -> io::Result<()> {
        let mut flags = epoll::EventFlags::IN;
        flags.set(epoll::EventFlags::OUT, writing);
        let data = epoll::EventData::new_u64(key as u64);
        Ok(epoll::modify(&self.epoll, source, data, flags)?)
    }
}

/// A nonblocking connection.
pub struct Conn {
    stream: TcpStream,
    key: usize,
    /// Read but not whole yet.
    tail: Vec<u8>,
    /// Not written yet, because the socket was full.
    unsent: Vec<u8>,
}

impl Conn {
    /// Takes over `stream`, with bytes that were read from it already, and watches it under `key`.
    pub fn new(stream: TcpStream, tail: Vec<u8>, poll: &Poll, key: usize) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        poll.add(&stream, key)?;
        Ok(Self {
            stream,
            key,
            tail,
            unsent: Vec::new(),
        })
    }

    /// One read. The answer is how many bytes at the start of `buffer` wait for their reader, what
    /// [`Conn::keep`] kept before them included; `None` when the peer has closed.
    pub fn read(&mut self, buffer: &mut [u8], poll: &Poll) -> io::Result<Option<usize>> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.write(&unsent, poll)?;
            if self.unsent.is_empty() {
                poll.watch_writing(&self.stream, self.key, false)?;
            }
        }
        let kept = self.tail.len();
        if kept == buffer.len() {
            return Err(io::Error::other("a frame larger than the read buffer"));
        }
        buffer[..kept].copy_from_slice(&self.tail);
        let read = match self.stream.read(&mut buffer[kept..]) {
            Ok(0) => return Ok(None),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Some(0)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(error),
        };
        self.tail.clear();
        Ok(Some(kept + read))
    }

    /// Keeps the beginning of something that is not whole yet for the next read.
    pub fn keep(&mut self, beginning: &[u8]) {
        self.tail.extend_from_slice(beginning);
    }

    /// Writes `bytes`, in one call when the socket takes them; the rest goes out when it can.
    pub fn write(&mut self, bytes: &[u8], poll: &Poll) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = match self.stream.write(bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if written < bytes.len() {
            self.unsent.extend_from_slice(&bytes[written..]);
            poll.watch_writing(&self.stream, self.key, true)?;
        }
        Ok(())
    }
}
