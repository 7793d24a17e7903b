//! Everything counted while a case runs.
//!
//! One thread, one book: users write into it while they are polled, the pacer while it hands out arrivals. It knows
//! nothing of transports.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use hdrhistogram::Histogram;
use measure::{Counts, Delivery, Errors, Flight, Oracle, Recorder, Stamp, Which};
use tokio::sync::Notify;

use crate::arrivals::Arrival;
use crate::outstanding::{Open, Outstanding, Step};
use crate::plan::Plan;
use crate::run::Samples;
use crate::stamp::{Label, Stamper};

/// The times of a case, in nanoseconds of [`measure::now`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The first send: the warm-up begins.
    pub(crate) begin: u64,
    /// The measured part begins.
    pub(crate) start: u64,
    /// It ends, and nothing more is sent.
    pub(crate) end: u64,
}

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
    /// How much later than due arrivals were handed out.
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
    /// Notified when `fatal` was set, and when nothing is outstanding any more.
    pub(crate) changed: Rc<Notify>,
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
}

impl Book {
    pub(crate) fn new(plan: Plan) -> Self {
        let hears = plan
            .clients
            .iter()
            .map(|role| if plan.has_events() { role.hears.1 } else { 0 });
        let never = Window {
            begin: u64::MAX,
            start: u64::MAX,
            end: u64::MAX,
        };
        Self {
            window: never,
            recorder: Recorder::new(u64::MAX / 2),
            flight: Flight::new(u64::MAX, u64::MAX),
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
            stamps: None,
            sends: None,
            oracle: Oracle::new(hears),
            stamper: Stamper::new(plan.payload),
            senders: plan.senders.iter().map(|_| SenderBook::default()).collect(),
            pending: 0,
            plan,
        }
    }

    /// The load begins: in a closed loop with `depth` outstanding a sender.
    pub(crate) fn begin(&mut self, window: Window, depth: Option<u32>) {
        self.window = window;
        self.recorder = Recorder::new(window.start);
        self.flight = Flight::new(window.start, window.end);
        self.depth = depth.map(u64::from);
        if depth.is_some() {
            self.wake_senders();
        }
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
    pub(crate) fn release(&mut self, arrival: Arrival, now: u64) -> bool {
        if arrival.due >= self.window.start {
            self.counts.intended += 1;
            self.slip.saturating_record(now.saturating_sub(arrival.due));
        }
        let due = &mut self.senders[arrival.sender].due;
        due.push_back(arrival.due);
        due.len() == 1
    }

    /// Whether a sender may have something to send: saves a reading of the clock in most polls.
    #[inline]
    pub(crate) fn wants_to_send(&self, sender: usize) -> bool {
        let own = &self.senders[sender];
        match self.depth {
            None => !own.due.is_empty(),
            Some(depth) => own.outstanding.pending() < depth,
        }
    }

    /// What a sender is to send at `now`, if anything: the intended time, the number and the payload.
    pub(crate) fn next_send(&mut self, sender: usize, now: u64) -> Option<(u64, &str)> {
        let own = &mut self.senders[sender];
        let intended = match self.depth {
            None => own.due.pop_front()?,
            Some(depth) => {
                (own.outstanding.pending() < depth && now < self.window.end).then_some(now)?
            }
        };
        let receivers = self.plan.senders[sender].receivers;
        let number = own.outstanding.send(intended, now, receivers);
        self.pending += u64::from(receivers > 0);
        self.flight.enter(now);
        self.recorder.sent(now);
        if let Some(sends) = &self.sends
            && intended >= self.window.start
        {
            sends.borrow_mut().push((intended, now));
        }
        if intended >= self.window.start && now < self.window.end + LATE {
            self.counts.sent += 1;
            self.counts.intended += u64::from(self.depth.is_some());
        }
        let label = Label {
            publisher: sender as u32,
            number,
            intended,
        };
        Some((number, self.stamper.write(label)))
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
        let outstanding = &mut self.senders[publisher].outstanding;
        if outstanding
            .intended(label.number)
            .is_some_and(|intended| intended != label.intended)
        {
            return self.oracle.tally(client).corrupted();
        }
        if !self
            .oracle
            .tally(client)
            .receive(slot, label.number)
            .is_new()
        {
            return;
        }
        self.recorder.delivery(label.intended, at);
        self.counts.delivered += u64::from(self.window.contains(at));
        if let Step::Done(open) = outstanding.receive(label.number, at) {
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

    /// A session ended by itself. The case goes on as long as what is left can still say something: not without a
    /// sender, not with a closed loop that would wait for it for ever, not with half of the sessions.
    pub(crate) fn session_ended(&mut self, client: usize, kind: &str, message: &str, at: u64) {
        self.error(kind, at, || message.to_owned());
        self.gone += 1;
        let total = self.plan.clients.len() as u64;
        let needed = self.plan.clients[client].sender.is_some() || self.depth.is_some();
        let few = self.gone * 2 > total || self.gone == total;
        if self.fatal.is_none() && (needed || few) {
            self.fatal = Some(format!(
                "{} of {total} sessions ended; the last one: {message}",
                self.gone
            ));
            self.changed.notify_one();
        }
    }

    /// Messages that not all receivers have.
    pub(crate) fn pending(&self) -> u64 {
        self.pending
    }

    /// Takes down what is still missing at `at` as at least so late.
    pub(crate) fn censor(&mut self, at: u64) {
        let events = self.plan.has_events();
        for sender in &self.senders {
            // What was never handed to the transport waited all the same.
            for intended in &sender.due {
                self.recorder.censored(Which::Response, *intended, at);
                note(&mut self.counts, self.window, *intended, at);
            }
            for open in sender.outstanding.unfinished() {
                self.flight.abandon(at);
                self.recorder.censored(Which::Response, open.intended, at);
                note(&mut self.counts, self.window, open.intended, at);
                if events {
                    self.recorder.censored(Which::FanoutLast, open.intended, at);
                    for _ in open.received..open.receivers {
                        self.recorder
                            .censored(Which::DeliveryAge, open.intended, at);
                    }
                }
            }
        }
    }

    /// What became of each event; none in a kind without events.
    pub(crate) fn delivery(&self) -> Option<Delivery> {
        let sent: Vec<u64> = self
            .senders
            .iter()
            .map(|sender| sender.outstanding.sent())
            .collect();
        let expected = |client: usize| {
            let (first, heard) = self.plan.clients[client].hears;
            sent[first..first + heard].iter().sum()
        };
        self.plan.has_events().then(|| self.oracle.finish(expected))
    }

    fn complete(&mut self, client: usize, sender: usize, open: Open, at: u64) {
        let stamp = Stamp {
            intended: open.intended,
            sent: open.sent,
            received: at,
        };
        if self.plan.has_events() {
            self.recorder.fanout(open.first, open.median, stamp);
        } else {
            self.recorder.answer(stamp);
        }
        if let Some(stamps) = &self.stamps
            && open.intended >= self.window.start
        {
            stamps.borrow_mut().push(stamp);
        }
        self.flight.leave(open.sent, at);
        self.counts.completed += u64::from(self.window.contains(at));
        self.pending -= 1;
        if self.pending == 0 {
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
