//! Everything counted while a case runs.
//!
//! One thread, one book: users write into it while they are polled, the pacer while it hands out arrivals. It knows
//! nothing of transports. What it says of sessions that go and come back stands in `sessions`.

mod sessions;

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use hdrhistogram::Histogram;
use measure::{Counts, Errors, Flight, Oracle, Recorder, Stamp};
use tokio::sync::Notify;

use crate::arrivals::Arrival;
use crate::hooks::Samples;
use crate::outstanding::{Open, Outstanding, Step};
use crate::plan::Plan;
use crate::recovering::Recovering;
use crate::stamp::{Label, Stamper};
use crate::warm_up::WarmUp;

/// The times of a case, in nanoseconds of [`measure::now`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The measured part begins; the greatest number while that isn't known.
    pub(crate) start: u64,
    /// It ends, and nothing more is sent.
    pub(crate) end: u64,
}

const NEVER: Window = Window {
    start: u64::MAX,
    end: u64::MAX,
};

/// A send that was due within the measured part counts as sent on time up to this long after its end, nanoseconds.
const LATE: u64 = 10_000_000;

/// Everything counted while a case runs.
pub(crate) struct Book {
    pub(crate) plan: Plan,
    pub(crate) window: Window,
    pub(crate) recorder: Recorder,
    pub(crate) flight: Flight,
    pub(crate) errors: Errors,
    pub(crate) counts: Counts,
    /// How much later than due messages were sent.
    pub(crate) slip: Histogram<u64>,
    /// Time spent spinning for arrivals to come due, nanoseconds.
    pub(crate) spin_ns: u64,
    /// Polls of users so far: tells the pacer whether anyone had something to do.
    pub(crate) polls: u64,
    /// The last reading of the clock by a user that received something.
    pub(crate) clock: u64,
    /// Closed loop: outstanding a sender; none until the load begins, and in an open loop.
    pub(crate) depth: Option<u64>,
    /// Sessions that have ended.
    pub(crate) gone: u64,
    /// Why the case can't go on.
    pub(crate) fatal: Option<String>,
    /// Notified when `fatal` was set, and in the drain when nothing is outstanding any more.
    pub(crate) changed: Rc<Notify>,
    pub(crate) is_draining: bool,
    /// The case is over: nobody comes back any more.
    pub(crate) is_over: bool,
    /// Who is gone and who came back, in a case in which sessions may go.
    pub(crate) recovering: Option<Recovering>,
    /// Whether what one session sends reaches the server in order.
    pub(crate) is_ordered: bool,
    /// Takes the latencies of the warm-up, while there is one.
    pub(crate) warm_up: Option<WarmUp>,
    /// Takes each measured completion, for a caller who asked for raw samples.
    pub(crate) stamps: Option<Samples<Stamp>>,
    /// Takes each measured send: intended and sent.
    pub(crate) sends: Option<Samples<(u64, u64)>>,
    oracle: Oracle,
    stamper: Stamper,
    senders: Vec<SenderBook>,
    /// Messages that not all receivers have.
    pending: u64,
}

#[derive(Debug, Default)]
struct SenderBook {
    outstanding: Outstanding,
    /// Intended times of arrivals that the sender has yet to send.
    due: VecDeque<u64>,
    waker: Option<Waker>,
    /// One more than the greatest number that anyone has received.
    reached: u64,
    /// Numbers that were handed to a connection which broke, and which it may not have passed on.
    in_doubt: Vec<(u64, u64)>,
    /// When its session last stood again, nanoseconds: nothing could be sent before.
    stood: u64,
}

impl Book {
    pub(crate) fn new(plan: Plan) -> Self {
        let hears = plan
            .clients
            .iter()
            .map(|role| if plan.has_events() { role.hears.1 } else { 0 });
        Self {
            window: NEVER,
            recorder: Recorder::new(u64::MAX / 2),
            flight: Flight::new(),
            errors: Errors::default(),
            counts: Counts::default(),
            slip: measure::latency::histogram(),
            spin_ns: 0,
            polls: 0,
            clock: 0,
            depth: None,
            gone: 0,
            fatal: None,
            changed: Rc::new(Notify::new()),
            is_draining: false,
            is_over: false,
            recovering: None,
            is_ordered: true,
            warm_up: None,
            stamps: None,
            sends: None,
            oracle: Oracle::new(hears),
            stamper: Stamper::new(plan.payload),
            senders: plan.senders.iter().map(|_| SenderBook::default()).collect(),
            pending: 0,
            plan,
        }
    }

    /// A closed loop begins, with `depth` outstanding a sender.
    pub(crate) fn begin_loop(&mut self, depth: u32) {
        self.depth = Some(u64::from(depth));
        self.wake_senders();
    }

    /// What is intended within `window`, which is to come, is measured.
    pub(crate) fn measure(&mut self, window: Window) {
        self.window = window;
        self.recorder.begin(window.start);
        self.flight.open(window.start, window.end);
    }

    /// Remembers how to wake a sender.
    pub(crate) fn enroll(&mut self, sender: usize, waker: &Waker) {
        let own = &mut self.senders[sender].waker;
        if own.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            *own = Some(waker.clone());
        }
    }

    /// How to wake a sender.
    pub(crate) fn waker(&self, sender: usize) -> Option<Waker> {
        self.senders[sender].waker.clone()
    }

    /// Hands an arrival to its sender. True if that one had nothing to send before.
    pub(crate) fn release(&mut self, arrival: Arrival) -> bool {
        self.counts.intended += u64::from(arrival.due >= self.window.start);
        let due = &mut self.senders[arrival.sender].due;
        due.push_back(arrival.due);
        due.len() == 1
    }

    /// An arrival that is never handed to its sender: it waited in vain until `at`.
    pub(crate) fn forgo(&mut self, arrival: Arrival, at: u64) {
        if arrival.due >= self.window.start {
            self.counts.intended += 1;
            self.slip.saturating_record(at.saturating_sub(arrival.due));
        }
        let receivers = self.plan.senders[arrival.sender].receivers;
        self.censor_unsent(arrival.due, receivers, at);
    }

    /// Whether a sender may have something to send: saves a reading of the clock in most polls.
    #[inline]
    pub(crate) fn wants_to_send(&self, sender: usize) -> bool {
        let own = &self.senders[sender];
        match self.depth {
            None => !own.due.is_empty(),
            Some(depth) => own.outstanding.awaited() < depth,
        }
    }

    /// What a sender is to send at `now`, if anything: the intended time, the number and the payload.
    pub(crate) fn next_send(&mut self, sender: usize, now: u64) -> Option<(u64, &str)> {
        let own = &mut self.senders[sender];
        let intended = match self.depth {
            None => own.due.pop_front()?,
            Some(depth) => {
                (own.outstanding.awaited() < depth && now < self.window.end).then_some(now)?
            }
        };
        let since = intended.max(own.stood);
        let receivers = self.plan.senders[sender].receivers;
        let number = own.outstanding.send(intended, now, receivers);
        if receivers > 0 {
            self.pending += 1;
            self.flight.enter(now);
        }
        if intended >= self.window.start {
            self.note_send(intended, since, now);
        }
        let label = Label {
            publisher: sender as u32,
            number,
            intended,
        };
        Some((number, self.stamper.write(label)))
    }

    /// A measured message was sent, which could be sent from `since` on.
    #[inline]
    fn note_send(&mut self, intended: u64, since: u64, now: u64) {
        self.recorder.sent(now);
        if let Some(sends) = &self.sends {
            sends.borrow_mut().push((intended, now));
        }
        let is_open = self.depth.is_none();
        if is_open {
            self.slip.saturating_record(now.saturating_sub(since));
        }
        if now < self.window.end + LATE {
            self.counts.sent += 1;
            self.counts.intended += u64::from(!is_open);
        }
    }

    /// An event reached a session.
    #[inline]
    pub(crate) fn event(&mut self, client: usize, data: &str, at: u64) {
        let Some(label) = self.stamper.read(data) else {
            return self.oracle.tally(client).corrupted();
        };
        let (first, heard) = self.plan.clients[client].hears;
        let publisher = label.publisher as usize;
        let slot = publisher.wrapping_sub(first);
        if slot >= heard || label.number >= self.senders[publisher].outstanding.sent() {
            return self.oracle.tally(client).misrouted();
        }
        let SenderBook {
            outstanding,
            reached,
            ..
        } = &mut self.senders[publisher];
        if outstanding
            .intended(label.number)
            .is_some_and(|intended| intended != label.intended)
        {
            return self.oracle.tally(client).corrupted();
        }
        *reached = (*reached).max(label.number + 1);
        if !self
            .oracle
            .tally(client)
            .receive(slot, label.number)
            .is_new()
        {
            return;
        }
        let is_measured = self.recorder.delivery(label.intended, at);
        self.counts.delivered += u64::from(self.window.contains(at));
        let step = outstanding.receive(label.number, at);
        if !is_measured {
            self.warm(at.saturating_sub(label.intended));
        }
        if let Step::Done(open) = step {
            self.complete(client, publisher, open, at);
        }
    }

    /// A reply reached the session that asked.
    #[inline]
    pub(crate) fn reply(&mut self, client: usize, id: u64, data: &str, at: u64) {
        let Some(sender) = self.plan.clients[client]
            .sender
            .filter(|_| !self.plan.has_events())
        else {
            return self.error("unexpected-reply", at, || format!("a reply with id {id}"));
        };
        let right = self
            .stamper
            .read(data)
            .is_some_and(|label| label.publisher as usize == sender && label.number == id);
        if !right {
            return self.error("corrupted-reply", at, || {
                format!("the reply to {id} has other data")
            });
        }
        match self.senders[sender].outstanding.receive(id, at) {
            Step::Done(open) => self.complete(client, sender, open, at),
            Step::Partial | Step::Unknown => {
                self.error("unexpected-reply", at, || format!("a second reply to {id}"));
            }
        }
    }

    /// A session was told that messages are gone.
    pub(crate) fn gap(&mut self, client: usize, missed: u64, at: u64) {
        if self.plan.has_events() {
            self.oracle.tally(client).gap(missed);
        } else {
            self.error("gap", at, || format!("{missed} messages are gone"));
        }
    }

    /// Something went wrong that is no latency.
    pub(crate) fn error(&mut self, kind: &str, at: u64, message: impl FnOnce() -> String) {
        self.recorder.error(at);
        self.errors.add(kind, message);
    }

    /// Messages that not all receivers have.
    pub(crate) fn pending(&self) -> u64 {
        self.pending
    }

    /// Takes down what is still missing at `at` as at least so late.
    pub(crate) fn censor(&mut self, at: u64) {
        let events = self.plan.has_events();
        for number in 0..self.senders.len() {
            // What was never handed to the transport waited all the same.
            let receivers = self.plan.senders[number].receivers;
            for intended in std::mem::take(&mut self.senders[number].due) {
                self.censor_unsent(intended, receivers, at);
            }
            for open in self.senders[number].outstanding.unfinished() {
                self.flight.leave(open.sent, at);
                self.recorder.censored(open.intended, Some(open.sent), at);
                note(&mut self.counts, self.window, open.intended, at);
                if events {
                    let missing = open.receivers - open.received;
                    self.recorder
                        .censored_fanout(open.intended, open.reached(), missing, at);
                }
            }
        }
    }

    fn censor_unsent(&mut self, intended: u64, receivers: u32, at: u64) {
        self.recorder.censored(intended, None, at);
        note(&mut self.counts, self.window, intended, at);
        if self.plan.has_events() {
            self.recorder
                .censored_fanout(intended, (None, None), receivers, at);
        }
    }

    fn complete(&mut self, client: usize, sender: usize, open: Open, at: u64) {
        let stamp = Stamp {
            intended: open.intended,
            sent: open.sent,
            received: at,
        };
        let is_measured = if self.plan.has_events() {
            self.recorder.fanout(open.first, open.median, stamp)
        } else {
            self.recorder.answer(stamp)
        };
        if is_measured {
            if let Some(stamps) = &self.stamps {
                stamps.borrow_mut().push(stamp);
            }
        } else if !self.plan.has_events() {
            self.warm(stamp.response());
        }
        self.flight.leave(open.sent, at);
        self.counts.completed += u64::from(self.window.contains(at));
        self.pending -= 1;
        if self.pending == 0 && self.is_draining {
            self.changed.notify_one();
        }
        // A user that is polled right now looks again by itself.
        if self.depth.is_some()
            && self.plan.senders[sender].client != client
            && let Some(waker) = &self.senders[sender].waker
        {
            waker.wake_by_ref();
        }
    }

    /// A latency of the kind that answers the scenario's question, of a message that doesn't count.
    fn warm(&mut self, latency: u64) {
        if let Some(warm_up) = &mut self.warm_up {
            warm_up.record(latency);
        }
    }

    fn wake_senders(&self) {
        for waker in self
            .senders
            .iter()
            .filter_map(|sender| sender.waker.as_ref())
        {
            waker.wake_by_ref();
        }
    }
}

impl Window {
    fn contains(&self, at: u64) -> bool {
        (self.start..self.end).contains(&at)
    }
}

fn note(counts: &mut Counts, window: Window, intended: u64, at: u64) {
    if intended < window.start {
        return;
    }
    let waited = at.saturating_sub(intended);
    counts.censored += 1;
    let (least, most) = counts.censored_at_least_ns.unwrap_or((waited, waited));
    counts.censored_at_least_ns = Some((least.min(waited), most.max(waited)));
}
