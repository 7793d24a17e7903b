//! Hands out arrivals when they are due, and says how late it was.
//!
//! Its task sleeps on a `timerfd` until some time before an arrival and then spins. Each turn of the spin yields to the
//! runtime, which looks after all sockets, so answers are read while it waits. But a task waits in line: after a publish
//! to a thousand subscribers there are a thousand users before it. So every user that has just been polled looks whether
//! an arrival is due meanwhile, and a due arrival is sent there and then, by polling its sender at once.
//!
//! What is overdue keeps its intended time: nothing is dropped, nothing is shifted. A generator that can't keep up sends late, a
//! bounded number at a time, so that answers are still read and an end is still heard; what it has not sent when its time is over is
//! counted as intended and never answered.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::Context;

use measure::now;
use tokio::sync::Notify;
use transport::Protocol;

use crate::alarm::Alarm;
use crate::arrivals::{Arrival, Arrivals};
use crate::book::Book;
use crate::user::User;

/// The alarm is set this much early, nanoseconds: a wake-up takes its time. Measured on a virtual machine whose processor had been asleep for
/// 10 ms or more: one in twenty was more than 0.3 ms late, the latest 2.8 ms. A slow generator rests in between, one of 500 a second or more never.
const SPIN: u64 = 2_000_000;

/// With at least this long to wait, asleep or not, there is time to encode a histogram of the last second, nanoseconds.
const SPARE: u64 = 600_000;

/// Most arrivals that are handed out before others have a turn. As long as sending keeps up with the schedule, far fewer are due at once; when it
/// doesn't, each turn would else find more of them than the one before.
const MOST_AT_ONCE: usize = 256;

/// What one turn of the spin can take by itself, nanoseconds. A longer turn was the kernel's or someone's work.
const TURN: u64 = 5_000;

/// The schedule of an open loop and those who send by it. Without a schedule nothing is ever due.
pub(crate) struct Pacer<T: Protocol> {
    book: Rc<RefCell<Book>>,
    schedule: RefCell<Schedule<T>>,
    /// When the next arrival is due, nanoseconds; the greatest number if there is none.
    due: Cell<u64>,
    /// Notified when another schedule may have changed that.
    changed: Notify,
}

struct Schedule<T: Protocol> {
    arrivals: Option<Arrivals>,
    /// What follows when they are over.
    then: Option<Arrivals>,
    next: Option<Arrival>,
    /// By their number as a sender.
    senders: Vec<Option<Rc<RefCell<User<T>>>>>,
    /// Senders that have something to send now.
    called: Vec<usize>,
}

impl<T: Protocol> Pacer<T> {
    pub(crate) fn new(book: Rc<RefCell<Book>>) -> Self {
        let schedule = Schedule {
            arrivals: None,
            then: None,
            next: None,
            senders: Vec::new(),
            called: Vec::new(),
        };
        Self {
            book,
            schedule: RefCell::new(schedule),
            due: Cell::new(u64::MAX),
            changed: Notify::new(),
        }
    }

    /// Who sends, by their number as a sender.
    pub(crate) fn set_senders(&self, senders: Vec<Option<Rc<RefCell<User<T>>>>>) {
        self.schedule.borrow_mut().senders = senders;
    }

    /// From `start` on, which is to come, `arrivals` are handed out in place of those there were so far.
    pub(crate) fn follow(&self, start: u64, arrivals: Arrivals) {
        let schedule = &mut *self.schedule.borrow_mut();
        match &mut schedule.arrivals {
            Some(before) if schedule.next.is_some_and(|next| next.due < start) => {
                before.end_at(start);
                schedule.then = Some(arrivals);
            }
            _ => {
                schedule.next = schedule.arrivals.insert(arrivals).next();
                self.due.set(schedule.due());
                self.changed.notify_one();
            }
        }
    }

    /// Nothing more is sent. What was due and measured counts as intended all the same, and as unanswered at `at`.
    pub(crate) fn give_up(&self, at: u64) {
        let schedule = &mut *self.schedule.borrow_mut();
        let book = &mut *self.book.borrow_mut();
        while let Some(arrival) = schedule.next.filter(|arrival| arrival.due <= at) {
            book.forgo(arrival, at);
            schedule.advance();
        }
        (schedule.arrivals, schedule.then, schedule.next) = (None, None, None);
        self.due.set(u64::MAX);
        self.changed.notify_one();
    }

    /// Hands out all arrivals, each when it is due.
    ///
    /// # Errors
    /// The kernel refuses the timer.
    pub(crate) async fn pace(self: Rc<Self>) -> io::Result<()> {
        let alarm = Alarm::new()?;
        while self.due.get() < u64::MAX {
            let (at, due) = (now(), self.due.get());
            if at >= due {
                self.release(at);
                // When the schedule can't be kept, users must still read.
                tokio::task::yield_now().await;
                continue;
            }
            if due - at > SPARE && self.book.borrow().recorder.is_untidy() {
                self.book.borrow_mut().recorder.tidy();
            } else if due - at > SPIN {
                tokio::select! {
                    rung = alarm.until(due - SPIN) => rung?,
                    () = self.changed.notified() => {}
                }
            } else {
                let polls = self.book.borrow().polls;
                tokio::task::yield_now().await;
                let book = &mut *self.book.borrow_mut();
                if book.polls == polls {
                    book.spin_ns += (now() - at).min(TURN);
                }
            }
        }
        Ok(())
    }

    /// Hands out what has come due by the book's clock. For users, after each poll.
    #[inline]
    pub(crate) fn catch_up(&self) {
        if self.book.borrow().clock >= self.due.get() {
            self.release(now());
        }
    }

    /// Hands out the next arrival, and with it those that are due at the same time, without waiting for it to come due.
    pub(crate) fn release_next(&self) {
        self.release(self.due.get());
    }

    /// Hands out arrivals that are due at `at`, the most at once, and lets their senders send.
    fn release(&self, at: u64) {
        let mut called = {
            let schedule = &mut *self.schedule.borrow_mut();
            let book = &mut *self.book.borrow_mut();
            for _ in 0..MOST_AT_ONCE {
                let Some(arrival) = schedule.next.filter(|arrival| arrival.due <= at) else {
                    break;
                };
                if book.release(arrival) {
                    schedule.called.push(arrival.sender);
                }
                schedule.advance();
            }
            self.due.set(schedule.due());
            std::mem::take(&mut schedule.called)
        };
        for sender in called.drain(..) {
            let user = self
                .schedule
                .borrow()
                .senders
                .get(sender)
                .cloned()
                .flatten();
            let waker = self.book.borrow().waker(sender);
            if let (Some(user), Some(waker)) = (user, waker) {
                let polled = user.borrow_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_ready() {
                    // The session has ended; its own task is to see that.
                    waker.wake();
                }
            }
        }
        // The list is kept for its memory.
        self.schedule.borrow_mut().called = called;
    }
}

impl<T: Protocol> Schedule<T> {
    fn advance(&mut self) {
        self.next = self.arrivals.as_mut().and_then(Iterator::next);
        if self.next.is_none()
            && let Some(then) = self.then.take()
        {
            self.next = self.arrivals.insert(then).next();
        }
    }

    fn due(&self) -> u64 {
        self.next.map_or(u64::MAX, |arrival| arrival.due)
    }
}
