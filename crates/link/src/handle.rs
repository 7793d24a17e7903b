//! How a running link is spoken to, from any thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use measure::LinkReport;
use rustix::event::{EventfdFlags, eventfd};
use scenario::Link;

use crate::Cut;

/// What a link is told.
#[derive(Debug)]
pub(crate) enum Command {
    Reset(u64),
    Report(Sender<LinkReport>),
    Stall(Duration),
    Cut(Cut),
    /// Another shape, and its seed.
    Shape(Box<Link>, u64),
    Plug(bool),
    Stop,
}

/// Speaks to a link that runs in another thread.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: Sender<Command>,
    bell: Arc<OwnedFd>,
    can: Abilities,
}

/// What a link can do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abilities {
    pub(crate) cuts: &'static [Cut],
    /// Of one that takes another shape while it runs and can be unplugged: whether it can make that shape.
    pub(crate) live: Option<fn(&Link) -> io::Result<()>>,
}

/// The link's end of it: commands, and a file that can be read when there is one.
#[derive(Debug)]
pub(crate) struct Commands {
    commands: Receiver<Command>,
    bell: Arc<OwnedFd>,
}

/// Both ends, of a link that can do so much.
///
/// # Errors
/// No file is left.
pub(crate) fn channel(can: Abilities) -> io::Result<(Handle, Commands)> {
    let bell = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
    let (sender, commands) = mpsc::channel();
    let handle = Handle {
        commands: sender,
        bell: Arc::clone(&bell),
        can,
    };
    Ok((handle, Commands { commands, bell }))
}

impl Handle {
    /// Counts from `at` on, nanoseconds of [`measure::now`], and forgets what was before.
    ///
    /// # Errors
    /// The link has ended.
    pub fn reset(&self, at: u64) -> io::Result<()> {
        self.tell(Command::Reset(at))
    }

    /// What it did since the last reset.
    ///
    /// # Errors
    /// The link has ended.
    pub fn report(&self) -> io::Result<LinkReport> {
        let (answer, answered) = mpsc::channel();
        self.tell(Command::Report(answer))?;
        answered.recv().map_err(|_| ended())
    }

    /// Nothing passes for so long, in either direction; then what waited goes on in order. New connections wait too. Another stall meanwhile
    /// lasts at least its own time.
    ///
    /// # Errors
    /// The link has ended.
    pub fn stall(&self, duration: Duration) -> io::Result<()> {
        self.tell(Command::Stall(duration))
    }

    /// Cuts all connections that there are and that no earlier cut has silenced.
    ///
    /// # Errors
    /// The link can't do it, as one of packets can't cut a message in two; or it has ended.
    pub fn cut(&self, how: Cut) -> io::Result<()> {
        if !self.can.cuts.contains(&how) {
            let names: Vec<&str> = self.can.cuts.iter().map(|cut| cut.name()).collect();
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "this link can't cut connections as \"{}\"; it can {}",
                    how.name(),
                    names.join(", ")
                ),
            ));
        }
        self.tell(Command::Cut(how))
    }

    /// Gives a running relay the delays, jitter, bandwidth and set-up of another link; connections live on, and their bytes stay in order. What travels
    /// already arrives when it would have, what still waits for the bandwidth goes at the new one's pace, and set-up is of new connections.
    ///
    /// # Errors
    /// The link harms packets, which a relay can't; this one is of packets, which keep their shape; or it has ended.
    pub fn shape(&self, link: &Link, seed: u64) -> io::Result<()> {
        self.live("take another shape while it runs")?(link)?;
        self.tell(Command::Shape(Box::new(link.clone()), seed))
    }

    /// Pulls the cable out of a relay: all connections are reset, and new ones as soon as they are accepted, until it is [plugged](Self::plug) in again.
    /// Those that a cut has silenced stay silent.
    ///
    /// # Errors
    /// This link is of packets; or it has ended.
    pub fn unplug(&self) -> io::Result<()> {
        self.live("be unplugged")?;
        self.tell(Command::Plug(false))
    }

    /// Plugs it in again. It may be plugged in already.
    ///
    /// # Errors
    /// This link is of packets; or it has ended.
    pub fn plug(&self) -> io::Result<()> {
        self.live("be plugged in")?;
        self.tell(Command::Plug(true))
    }

    fn live(&self, what: &str) -> io::Result<fn(&Link) -> io::Result<()>> {
        self.can.live.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::Unsupported,
                format!("a link of packets can't {what}; a relay can"),
            )
        })
    }

    /// Ends the link, and with it all connections.
    pub fn stop(&self) {
        // One that has ended needn't be told.
        let _ = self.tell(Command::Stop);
    }

    fn tell(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| ended())?;
        match rustix::io::write(&self.bell, &1_u64.to_ne_bytes()) {
            // It rings already.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Commands {
    /// The next command, if there is one; quiet from now on until another one comes.
    pub(crate) fn next(&self) -> Option<Command> {
        let mut rings = [0; 8];
        // Quiet first: a command that comes in between rings again.
        let _ = rustix::io::read(&self.bell, &mut rings);
        self.commands.try_recv().ok()
    }
}

impl AsFd for Commands {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

fn ended() -> io::Error {
    io::Error::other("the link has ended")
}
