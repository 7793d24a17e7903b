//! Waits until a time of the monotonic clock, more exactly than tokio's timer, whose unit is a millisecond.

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A `timerfd` that the runtime polls like a socket.
#[derive(Debug)]
pub(crate) struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// # Errors
    /// No file is left, or there is no runtime with I/O.
    #[expect(
        deprecated,
        reason = "its successor is unsafe for types that may change their file; an `OwnedFd` doesn't"
    )]
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self(AsyncFd::new(timer)?))
    }

    /// Sleeps until `at`, in nanoseconds of [`measure::now`]; not at all if that is past.
    ///
    /// # Errors
    /// The kernel refuses the timer.
    pub(crate) async fn until(&self, at: u64) -> io::Result<()> {
        if at <= measure::now() {
            return Ok(());
        }
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let time = Timespec {
            tv_sec: (at / 1_000_000_000).cast_signed(),
            tv_nsec: (at % 1_000_000_000).cast_signed(),
        };
        let once = Itimerspec {
            it_interval: none,
            it_value: time,
        };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut expirations = [0_u8; 8];
            match ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut expirations)?)) {
                Ok(read) => {
                    read?;
                    return Ok(());
                }
                Err(_not_yet) => {}
            }
        }
    }
}
