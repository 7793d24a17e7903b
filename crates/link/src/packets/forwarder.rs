//! The loop that carries packets from one device to the other.

use std::io;
use std::num::NonZeroU64;

use measure::{LinkReport, now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::device::{self, Device};
use super::line::{End, Line};
use super::namespace::Namespace;
use super::severed::{Severed, Toward};
use crate::handle::{Command, Commands};

/// Most packets that one direction takes, or passes on, before the other has a turn and the clock is read again.
const BATCH: usize = 64;

/// Both directions: the first from the first end to the second, the second back.
pub(super) struct Forwarder {
    pub(super) namespaces: [Namespace; 2],
    pub(super) devices: [Device; 2],
    pub(super) lines: [Line; 2],
    pub(super) commands: Commands,
    pub(super) severed: Severed,
    /// Packets of each direction that the kernel had dropped before they could be taken, when counting began.
    pub(super) overflowed: [u64; 2],
    /// Awake for so long before a packet is due, nanoseconds.
    pub(super) spin: u64,
}

impl Forwarder {
    /// Carries packets until it is told to stop.
    ///
    /// # Errors
    /// A device is gone, or has been set down.
    pub(super) fn run(&mut self) -> io::Result<()> {
        // The kernel may be late by this much, to save wake-ups; by default 50 us.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        loop {
            let [up, down, rung] = self.wait()?;
            while rung && let Some(command) = self.commands.next() {
                if let Command::Stop = command {
                    return Ok(());
                }
                self.obey(command);
            }
            let at = now();
            for (direction, ready) in [up, down].into_iter().enumerate() {
                if ready {
                    self.take(direction, at)?;
                }
            }
            for direction in [0, 1] {
                self.give(direction, at);
            }
        }
    }

    /// Until a packet comes, is due, or there is a command: which device has packets, and whether there is a command.
    fn wait(&self) -> io::Result<[bool; 3]> {
        let [up, down] = &self.devices;
        let mut files = [
            PollFd::new(up, PollFlags::IN),
            PollFd::new(down, PollFlags::IN),
            PollFd::new(&self.commands, PollFlags::IN),
        ];
        let next = self.lines.iter().filter_map(Line::next).min();
        let timeout = next.map(|due| {
            let left = due.saturating_sub(now().saturating_add(self.spin));
            Timespec {
                tv_sec: (left / 1_000_000_000).cast_signed(),
                tv_nsec: (left % 1_000_000_000).cast_signed(),
            }
        });
        match poll(&mut files, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // An error of a device shows when it is read.
        Ok(files.map(|file| !file.revents().is_empty()))
    }

    /// Takes what has come.
    fn take(&mut self, direction: usize, at: u64) -> io::Result<()> {
        let (device, line) = (&self.devices[direction], &mut self.lines[direction]);
        for _ in 0..BATCH {
            let mut buffer = line.buffer();
            let received = device.receive(&mut buffer[..]).map_err(|error| {
                let end = ["clients'", "server's"][direction];
                let what = format!("can't read the device in the {end} namespace: {error}");
                io::Error::new(error.kind(), what)
            });
            match received? {
                // The kernel greets its neighbours in IPv6, which is nobody's traffic.
                Some(size) if buffer[0] >> 4 == 4 => line.arrive(buffer, size, at),
                Some(_) => line.recycle(buffer),
                None => {
                    line.recycle(buffer);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Passes on what is due.
    fn give(&mut self, direction: usize, at: u64) {
        let line = &mut self.lines[direction];
        let (near, far) = (&self.devices[direction], &self.devices[1 - direction]);
        for _ in 0..BATCH {
            let Some(packet) = line.leave(at) else { return };
            let toward = [Toward::Server, Toward::Client][direction];
            let end = match self.severed.judge(packet.bytes(), toward) {
                None => match far.send(packet.bytes()) {
                    Ok(()) => End::Passed,
                    Err(_) => End::Refused,
                },
                Some(answers) => {
                    // Whoever can't be told now is told at the next packet.
                    let _ = answers.back.map(|reset| near.send(&reset));
                    let _ = answers.on.map(|reset| far.send(&reset));
                    End::Cut
                }
            };
            line.settle(packet, at, end);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Reset(at) => {
                self.overflowed = self.overflows();
                self.lines.iter_mut().for_each(|line| line.tally.reset(at));
            }
            Command::Report(answer) => {
                let [mut up, mut down] = self.lines.each_ref().map(|line| line.tally.report());
                let since = self.overflows().into_iter().zip(self.overflowed);
                for (way, (overflows, before)) in [&mut up, &mut down].into_iter().zip(since) {
                    way.dropped += overflows.saturating_sub(before);
                }
                // Who asked may have gone.
                let _ = answer.send(LinkReport { up, down });
            }
            Command::Stall(duration) => {
                let at = now();
                for line in &mut self.lines {
                    line.stall(at, duration);
                }
            }
            Command::Cut(cut) => self.severed.cut(cut),
            // The one is the caller's, and the others a handle doesn't send to a link of packets.
            Command::Stop | Command::Shape(..) | Command::Plug(_) => {}
        }
    }

    fn overflows(&self) -> [u64; 2] {
        self.namespaces
            .each_ref()
            .map(|namespace| device::overflowed(&namespace.device_counts()))
    }
}
