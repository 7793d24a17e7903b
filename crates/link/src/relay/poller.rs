//! Waits for sockets, for commands, or until a time of the monotonic clock.
//!
//! The time is a `timerfd`'s: exact to the kernel's high-resolution timers, where the time-out of `epoll_wait(2)` counts whole milliseconds and is
//! stretched by the thread's timer slack.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// The event of the time; nothing needs to be done about it.
const TIME: u64 = u64::MAX;

/// Events of one wait.
const AT_ONCE: usize = 256;

/// An `epoll(7)` with edges and a timer.
#[derive(Debug)]
pub(super) struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
    /// For when the timer is set, nanoseconds.
    set: u64,
}

impl Poller {
    /// # Errors
    /// No file is left.
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let poller = Self {
            epoll,
            timer,
            set: 0,
        };
        poller.add(&poller.timer, TIME, EventFlags::IN)?;
        Ok(poller)
    }

    /// Tells of each change of `file` that `flags` name, as events with `token`; once at least if it holds already.
    ///
    /// # Errors
    /// The kernel has no room for more.
    pub(super) fn add(&self, file: impl AsFd, token: u64, flags: EventFlags) -> io::Result<()> {
        let data = EventData::new_u64(token);
        Ok(epoll::add(&self.epoll, file, data, flags | EventFlags::ET)?)
    }

    /// Room for the events of a wait.
    pub(super) fn events() -> Vec<Event> {
        Vec::with_capacity(AT_ONCE)
    }

    /// Waits for events until a time, nanoseconds of [`measure::now`]: not at all for 0, and for the greatest number without end. It may return
    /// early, with no event.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn wait(&mut self, events: &mut Vec<Event>, until: u64, now: u64) -> io::Result<()> {
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let waits = until > now;
        // A timer that is set for an earlier time stays: waking for nothing is cheaper than setting it twice.
        if waits && until < u64::MAX && (self.set <= now || until < self.set) {
            self.arm(until)?;
        }
        let timeout = (!waits).then_some(&at_once);
        match epoll::wait(&self.epoll, spare_capacity(events), timeout) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn arm(&mut self, at: u64) -> io::Result<()> {
        self.set = at;
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: (at / 1_000_000_000).cast_signed(),
                tv_nsec: (at % 1_000_000_000).cast_signed(),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(())
    }
}

/// Whether an event is only that it is time.
pub(super) fn is_time(event: &Event) -> bool {
    let data = event.data;
    data.u64() == TIME
}
