//! One connection of a client, and the one to the server that belongs to it.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_linger, socket_error};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use super::lane::Lane;

/// A side of the relay, and the direction of what comes from there.
pub(super) const CLIENT: usize = 0;
/// The other one.
pub(super) const SERVER: usize = 1;

/// A client, a server, and what is under way between them.
#[derive(Debug)]
pub(super) struct Connection {
    /// Counted from the relay's first on.
    pub(super) number: u64,
    /// By side.
    pub(super) ends: [End; 2],
    /// By the side that it comes from.
    pub(super) lanes: [Lane; 2],
    /// When it carries its client's first byte, by the link's clock.
    pub(super) opens: u64,
    /// Nothing passes any more.
    pub(super) silent: bool,
    /// The next bytes for the client are its last, and half of them.
    pub(super) breaks_off: bool,
    /// The side whose FIN was passed on first.
    pub(super) first: Option<usize>,
}

/// A socket.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what the kernel tells of a socket are flags, independent of each other"
)]
pub(super) struct End {
    /// None once it has been reset, by its peer or by us.
    pub(super) stream: Option<TcpStream>,
    /// Whether it is connected yet.
    pub(super) connected: bool,
    /// Whether there may be something to read.
    pub(super) readable: bool,
    /// Whether there may be room to write.
    pub(super) writable: bool,
    /// The peer's end can be read, behind what it sent before.
    closing: bool,
    /// It has failed, which can be read, behind what came before.
    failed: bool,
    /// The peer's FIN was read.
    finished: bool,
    /// Our FIN was sent.
    pub(super) shut: bool,
    /// It stands in the line of those that are to be read.
    pub(super) queued: bool,
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Bytes(usize),
    /// Nothing so far.
    Nothing,
    Fin,
    Reset,
}

impl Connection {
    pub(super) fn new(number: u64, client: TcpStream, server: End, opens: u64) -> Self {
        Self {
            number,
            ends: [End::accepted(client), server],
            lanes: [Lane::default(), Lane::default()],
            opens,
            silent: false,
            breaks_off: false,
            first: None,
        }
    }

    /// Nothing passes from now on; sockets stay as they are.
    pub(super) fn silence(&mut self) {
        self.silent = true;
        self.lanes.iter_mut().for_each(Lane::clear);
    }

    /// Whether neither peer is there any more.
    pub(super) fn is_deserted(&self) -> bool {
        self.ends
            .iter()
            .all(|end| end.stream.is_none() || end.closing || end.failed || end.finished)
    }

    /// Whether both directions have ended in peace.
    pub(super) fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.shut)
    }
}

impl End {
    fn new(stream: Option<TcpStream>, connected: bool) -> Self {
        Self {
            stream,
            connected,
            readable: false,
            writable: connected,
            closing: false,
            failed: false,
            finished: false,
            shut: false,
            queued: false,
        }
    }

    /// One that was accepted.
    pub(super) fn accepted(stream: TcpStream) -> Self {
        Self::new(Some(stream), true)
    }

    /// Begins to connect.
    ///
    /// # Errors
    /// It can't even begin.
    pub(super) fn dial(to: SocketAddr) -> io::Result<Self> {
        let family = match to {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket: OwnedFd = socket_with(family, SocketType::STREAM, flags, None)?;
        let connected = match connect(&socket, &to) {
            Ok(()) => true,
            Err(Errno::INPROGRESS) => false,
            Err(error) => return Err(error.into()),
        };
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        Ok(Self::new(Some(stream), connected))
    }

    /// One that could not be dialled.
    pub(super) fn missing() -> Self {
        Self::new(None, false)
    }

    /// Takes what an event says.
    pub(super) fn learn(&mut self, flags: EventFlags) {
        if !self.connected
            && flags.contains(EventFlags::OUT)
            && let Some(stream) = &self.stream
        {
            // Asking for an error takes it away.
            match socket_error(stream) {
                Ok(Ok(())) => self.connected = true,
                _ => self.failed = true,
            }
        }
        self.failed |= flags.contains(EventFlags::ERR);
        self.closing |= flags.intersects(EventFlags::RDHUP | EventFlags::HUP);
        self.readable |= self.failed || self.closing || flags.contains(EventFlags::IN);
        self.writable |= flags.contains(EventFlags::OUT);
    }

    /// Whether reading could bring something.
    pub(super) fn can_read(&self) -> bool {
        self.stream.is_some() && self.readable && (!self.finished || self.failed)
    }

    /// Whether writing could bring something away.
    pub(super) fn can_write(&self) -> bool {
        self.stream.is_some() && self.connected && self.writable && !self.shut
    }

    /// Writing failed: what is read next is the end.
    pub(super) fn fail(&mut self) {
        self.failed = true;
        self.readable = true;
        self.writable = false;
    }

    /// Reads once.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Heard {
        let Some(stream) = &self.stream else {
            return Heard::Nothing;
        };
        match rustix::io::read(stream, &mut *into) {
            Ok(0) if self.failed => Heard::Reset,
            Ok(0) => {
                self.readable = false;
                self.finished = true;
                Heard::Fin
            }
            Ok(count) => {
                // Less than there was room for was all (epoll(7)), unless the end is behind it.
                self.readable = count == into.len() || self.closing || self.failed;
                Heard::Bytes(count)
            }
            Err(Errno::INTR) => Heard::Nothing,
            Err(Errno::AGAIN) if !self.failed => {
                (self.readable, self.closing) = (false, false);
                Heard::Nothing
            }
            Err(_) => Heard::Reset,
        }
    }

    /// Closes it with RST, now (socket(7), `SO_LINGER` of zero).
    pub(super) fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            // Where that is refused it is closed all the same.
            let _ = set_socket_linger(&stream, Some(Duration::ZERO));
        }
    }
}
