//! One worker thread's hub, with those who wait on it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Instant;

use crate::wire::Audience;
use crate::{Event, Hub, Key, Limits, Mailbox, SessionId};

/// A connection that takes a session's messages the moment they are there.
///
/// The alternative, waking the connection's task, costs a scheduler round for each delivery; a direct write while the socket is ready
/// costs the system call alone. Where the socket is full, messages stay in the mailbox, under its bounds.
pub trait Outlet: Send + Sync {
    /// The mailbox has messages: take as many as can be written now and leave the rest. Called with the shard locked, so it must neither
    /// block nor call back into the hub.
    fn deliver(&self, mailbox: &mut Mailbox);

    /// The session has ended for this connection: note why and wake the connection's task, nothing else.
    fn closed(&self, why: Closing);
}

/// Why a session ended for its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Another connection has resumed it.
    Superseded,
    /// Its mailbox overflowed under the policy `disconnect`.
    Overflow,
    /// The server is draining.
    Draining,
}

/// An event on its way to the other shards.
#[derive(Debug)]
pub(crate) struct Emission {
    pub(crate) from: SessionId,
    pub(crate) to: Audience<'static>,
    pub(crate) event: Arc<Event>,
}

/// A hub behind its lock. A thread locks its own shard once a batch; another thread's only for a request that landed on the wrong thread.
pub(crate) struct Shard {
    state: Mutex<State>,
    inbox: Mutex<Inbox>,
}

/// Emissions of other shards, in the one order of all shards.
#[derive(Default)]
struct Inbox {
    queue: Vec<Arc<Emission>>,
    /// The task of the owning thread that empties the queue.
    pump: Option<Waker>,
}

pub(crate) struct State {
    pub(crate) hub: Hub,
    slots: Vec<Slot>,
    /// The last epoch given out; epochs are never used twice, so a stale handle can't take a newer session for its own.
    epoch: u64,
    ready: Vec<Key>,
    ended: Vec<Key>,
    arrived: Vec<Arc<Emission>>,
}

/// Who has a session now.
#[derive(Default)]
struct Slot {
    epoch: u64,
    holder: Holder,
}

#[derive(Default)]
enum Holder {
    #[default]
    Nobody,
    /// A task that waits for messages.
    Waiting(Waker),
    Outlet(Arc<dyn Outlet>),
}

impl Shard {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = State {
            hub: Hub::new(limits),
            slots: Vec::new(),
            epoch: 0,
            ready: Vec::new(),
            ended: Vec::new(),
            arrived: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            inbox: Mutex::default(),
        }
    }

    /// The state, with everything applied that other shards have sent so far. After changing it, call [`State::settle`].
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.drain_inbox(&mut state);
        state
    }

    /// Takes emissions of another shard (or of this one, which must drain its inbox then).
    pub(crate) fn receive(&self, emissions: &[Arc<Emission>]) -> usize {
        let mut inbox = self.inbox();
        inbox.queue.extend_from_slice(emissions);
        let length = inbox.queue.len();
        let pump = inbox.pump.take();
        drop(inbox);
        if let Some(pump) = pump {
            pump.wake();
        }
        length
    }

    /// Applies what other shards have sent.
    pub(crate) fn drain_inbox(&self, state: &mut State) {
        let mut arrived = std::mem::take(&mut state.arrived);
        std::mem::swap(&mut self.inbox().queue, &mut arrived);
        let any = !arrived.is_empty();
        for emission in arrived.drain(..) {
            state.hub.post(emission.from, &emission.to, &emission.event);
        }
        state.arrived = arrived;
        if any {
            state.settle();
        }
    }

    /// Registers the pump's waker; whether the inbox has something already.
    pub(crate) fn watch(&self, waker: &Waker) -> bool {
        let mut inbox = self.inbox();
        inbox.pump = Some(waker.clone());
        !inbox.queue.is_empty()
    }

    /// A lock that a panicking thread left is used on: each change of a hub is complete before anything that could panic.
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    /// Hands messages to outlets, wakes tasks and tells connections whose session has ended.
    pub(crate) fn settle(&mut self) {
        let (mut ready, mut ended) = (
            std::mem::take(&mut self.ready),
            std::mem::take(&mut self.ended),
        );
        self.hub.settle(&mut ready, &mut ended, Instant::now());
        for &key in &ended {
            self.end(key, Closing::Overflow);
        }
        for &key in &ready {
            let Some(slot) = self.slots.get_mut(key) else {
                continue;
            };
            match &slot.holder {
                Holder::Outlet(outlet) => outlet.deliver(self.hub.mailbox(key)),
                Holder::Waiting(_) => {
                    if let Holder::Waiting(waker) = std::mem::take(&mut slot.holder) {
                        waker.wake();
                    }
                }
                Holder::Nobody => {}
            }
        }
        (self.ready, self.ended) = (ready, ended);
    }

    /// Gives the session to a new holder, which is told apart by the returned epoch; an earlier holder is superseded.
    pub(crate) fn hold(&mut self, key: Key) -> u64 {
        self.end(key, Closing::Superseded);
        self.epoch += 1;
        if self.slots.len() <= key {
            self.slots.resize_with(key + 1, Slot::default);
        }
        self.slots[key].epoch = self.epoch;
        self.hub.attach(key);
        self.epoch
    }

    /// The holder lets go; false if it had been superseded or the session had ended.
    pub(crate) fn release(&mut self, key: Key, epoch: u64) -> bool {
        let held = self.is_held(key, epoch);
        if held {
            self.slots[key] = Slot::default();
            self.hub.detach(key, Instant::now());
        }
        held
    }

    /// Whether the holder with this epoch still has the session.
    pub(crate) fn is_held(&self, key: Key, epoch: u64) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.epoch == epoch)
    }

    pub(crate) fn set_outlet(&mut self, key: Key, outlet: Arc<dyn Outlet>) {
        self.slots[key].holder = Holder::Outlet(outlet);
        self.flush(key);
    }

    /// Hands waiting messages to the session's outlet.
    pub(crate) fn flush(&mut self, key: Key) {
        if let Holder::Outlet(outlet) = &self.slots[key].holder {
            let mailbox = self.hub.mailbox(key);
            if mailbox.has_unsent() {
                outlet.deliver(mailbox);
            }
        }
    }

    pub(crate) fn set_waker(&mut self, key: Key, waker: &Waker) {
        let holder = &mut self.slots[key].holder;
        match holder {
            Holder::Waiting(old) if old.will_wake(waker) => {}
            _ => *holder = Holder::Waiting(waker.clone()),
        }
    }

    /// Ends a session for good, whoever holds it.
    pub(crate) fn close(&mut self, key: Key) {
        self.hub.close(key);
        self.end(key, Closing::Superseded);
    }

    /// Tells every holder that the server is draining; they keep their sessions.
    pub(crate) fn announce_drain(&mut self) {
        for slot in &mut self.slots {
            match &slot.holder {
                Holder::Outlet(outlet) => outlet.closed(Closing::Draining),
                Holder::Waiting(waker) => waker.wake_by_ref(),
                Holder::Nobody => {}
            }
        }
    }

    /// The holder of `key`, if there is one, has it no more.
    fn end(&mut self, key: Key, why: Closing) {
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        match std::mem::take(slot).holder {
            Holder::Outlet(outlet) => outlet.closed(why),
            Holder::Waiting(waker) => waker.wake(),
            Holder::Nobody => {}
        }
    }
}
