//! A server in memory that errs on request and keeps a ledger of its errors.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use measure::now;
use transport::{
    Audience, Capabilities, Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket,
    Traffic, Welcome,
};

/// What is to go wrong; zero is never.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    /// Every so many deliveries one is not made …
    pub(super) lose_every: u64,
    /// … and announced by a gap.
    pub(super) announce: bool,
    pub(super) duplicate_every: u64,
    /// Every so many deliveries one comes after the next one of the same session.
    pub(super) swap_every: u64,
    pub(super) corrupt_every: u64,
    /// Every so many deliveries the sender gets it as well.
    pub(super) misroute_every: u64,
    /// No reply after so many.
    pub(super) silent_after: u64,
    /// All connections break after so many deliveries.
    pub(super) die_after: u64,
    /// One session more is refused.
    pub(super) most_sessions: usize,
    /// The so-manieth reply, or each one …
    pub(super) block_at: u64,
    /// … keeps the whole thread so long.
    pub(super) block: Duration,
    /// Nothing is delivered for so long, once in so long.
    pub(super) freeze: Option<(Duration, Duration)>,
    /// How long a reply takes, by the time since the first request.
    pub(super) delay: Option<fn(Duration) -> Duration>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ledger {
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) swapped: u64,
    pub(super) corrupted: u64,
    pub(super) misrouted: u64,
    /// Most requests that a session sent with one poll.
    pub(super) most_at_once: usize,
}

thread_local! {
    static SERVER: RefCell<Option<Rc<RefCell<World>>>> = const { RefCell::new(None) };
}

/// A server of this thread, and its ledger.
pub(super) fn serve(faults: Faults) -> (Target, impl Fn() -> Ledger) {
    let world = Rc::new(RefCell::new(World {
        faults,
        began: now(),
        ..World::default()
    }));
    SERVER.set(Some(Rc::clone(&world)));
    (Target::new("memory:"), move || {
        let world = world.borrow();
        // What was held back and never followed by anything is lost in the end.
        let held = world
            .sessions
            .iter()
            .filter(|session| session.held.is_some());
        Ledger {
            lost: world.ledger.lost + held.count() as u64,
            ..world.ledger
        }
    })
}

pub(super) struct Faulty;

#[derive(Default)]
struct World {
    faults: Faults,
    began: u64,
    /// The first request that is no confirmation of a join.
    first: Option<u64>,
    ledger: Ledger,
    sessions: Vec<Session>,
    deliveries: u64,
    replies: u64,
    dead: bool,
}

#[derive(Default)]
struct Session {
    room: Option<String>,
    inbox: VecDeque<Message>,
    /// Replies that take their time, and until when.
    slow: VecDeque<(u64, Message)>,
    /// Waits for the next message, to come after it.
    held: Option<Message>,
    waker: Option<Waker>,
}

#[derive(Clone)]
enum Message {
    Event(String),
    Reply(u64, String),
    Gap,
}

pub(super) struct FaultyClient {
    world: Rc<RefCell<World>>,
    number: usize,
    welcome: Welcome,
    queue: Vec<Queued>,
    thaw: Option<Pin<Box<tokio::time::Sleep>>>,
    traffic: Traffic,
}

enum Queued {
    Join(String),
    Emit(Audience<'static>, String),
    Request(u64, String),
}

impl Protocol for Faulty {
    const INFO: Info = Info {
        name: "faulty",
        title: "errs on request",
        url: None,
        options: &[],
        browser: None,
        capabilities: Capabilities::FULL,
    };

    type Client = FaultyClient;

    async fn connect(_: &Target) -> Result<FaultyClient, ClientError> {
        let world = SERVER.with_borrow(|server| server.clone().unwrap());
        let number = {
            let world = &mut *world.borrow_mut();
            let most = world.faults.most_sessions;
            if most > 0 && world.sessions.len() == most {
                return Err(ClientError::Refused {
                    status: 429,
                    message: "full".into(),
                });
            }
            world.sessions.push(Session::default());
            world.sessions.len() - 1
        };
        let welcome = Welcome {
            session: number.to_string(),
            token: String::new(),
            resumed: false,
        };
        Ok(FaultyClient {
            world,
            number,
            welcome,
            queue: Vec::new(),
            thaw: None,
            traffic: Traffic::default(),
        })
    }
}

impl Client for FaultyClient {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        self.queue.push(match command {
            Command::Join { room } => Queued::Join(room.to_string()),
            Command::Emit { to, data, .. } => {
                Queued::Emit(to.clone().into_owned(), (*data).to_owned())
            }
            Command::Request { id, data } => {
                self.traffic.payload_up += data.len() as u64;
                Queued::Request(*id, (*data).to_owned())
            }
            other => panic!("{other:?}"),
        });
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        let mut inbox = {
            let world = &mut *self.world.borrow_mut();
            let requests = self
                .queue
                .iter()
                .filter(|command| matches!(command, Queued::Request(..)));
            world.ledger.most_at_once = world.ledger.most_at_once.max(requests.count());
            for command in self.queue.drain(..) {
                world.carry_out(self.number, command);
            }
            if world.dead {
                return Poll::Ready(Err(ClientError::Broken(
                    io::ErrorKind::ConnectionReset.into(),
                )));
            }
            world.sessions[self.number].waker = Some(cx.waker().clone());
            if let Some(left) = world.frozen() {
                let mut thaw = Box::pin(tokio::time::sleep(left));
                if thaw.as_mut().poll(cx).is_pending() {
                    self.thaw = Some(thaw);
                    return Poll::Pending;
                }
            }
            let session = &mut world.sessions[self.number];
            while let Some((_, reply)) = session.slow.pop_front_if(|(due, _)| *due <= now()) {
                session.inbox.push_back(reply);
            }
            if let Some((due, _)) = session.slow.front() {
                let left = Duration::from_nanos(due.saturating_sub(now()));
                let mut sleep = Box::pin(tokio::time::sleep(left));
                // If its time has come meanwhile, the timer says so at once.
                if sleep.as_mut().poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                self.thaw = Some(sleep);
            }
            std::mem::take(&mut session.inbox)
        };
        if inbox.is_empty() {
            return Poll::Pending;
        }
        for message in inbox.drain(..) {
            match &message {
                Message::Event(data) => each(Incoming::Event {
                    event: "load".into(),
                    from: "".into(),
                    data,
                }),
                Message::Reply(id, data) => each(Incoming::Reply { id: *id, data }),
                Message::Gap => each(Incoming::Gap { missed: 1 }),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            token: String::new(),
            received: 0,
        }
    }

    async fn close(self) -> Result<(), ClientError> {
        Ok(())
    }
}

impl World {
    fn carry_out(&mut self, from: usize, command: Queued) {
        match command {
            Queued::Join(room) => self.sessions[from].room = Some(room),
            Queued::Request(id, data) => {
                self.replies += 1;
                if self.faults.block_at == 0 || self.replies == self.faults.block_at {
                    std::thread::sleep(self.faults.block);
                }
                if self.faults.silent_after == 0 || self.replies <= self.faults.silent_after {
                    self.reply(from, Message::Reply(id, data));
                }
            }
            Queued::Emit(to, data) => {
                for session in 0..self.sessions.len() {
                    let receives = match &to {
                        Audience::Others => session != from,
                        Audience::Room(room) => {
                            self.sessions[session].room.as_deref() == Some(room)
                        }
                        Audience::Session(id) => **id == session.to_string(),
                        other => panic!("{other:?}"),
                    };
                    if receives {
                        self.deliver(from, session, &data);
                    }
                }
            }
        }
    }

    fn reply(&mut self, to: usize, reply: Message) {
        let confirms = self.replies <= self.sessions.len() as u64;
        let session = &mut self.sessions[to];
        match self.faults.delay {
            Some(delay) if !confirms => {
                let first = *self.first.get_or_insert_with(now);
                let since = now() - first;
                let due = now() + delay(Duration::from_nanos(since)).as_nanos() as u64;
                session.slow.push_back((due, reply));
            }
            _ => session.inbox.push_back(reply),
        }
    }

    fn deliver(&mut self, from: usize, session: usize, data: &str) {
        self.deliveries += 1;
        let due = |every: u64| every > 0 && self.deliveries.is_multiple_of(every);
        let faults = self.faults;
        let (lose, duplicate, swap) = (
            due(faults.lose_every),
            due(faults.duplicate_every),
            due(faults.swap_every),
        );
        let (corrupt, misroute, die) = (
            due(faults.corrupt_every),
            due(faults.misroute_every),
            due(faults.die_after),
        );
        let message = Message::Event(data.to_owned());
        let own = &mut self.sessions[session];
        if lose {
            self.ledger.lost += 1;
            if faults.announce {
                own.inbox.push_back(Message::Gap);
            }
        } else if corrupt {
            self.ledger.corrupted += 1;
            let middle = data.len() / 2;
            own.inbox.push_back(Message::Event(format!(
                "{}!{}",
                &data[..middle],
                &data[middle + 1..]
            )));
        } else if swap && own.held.is_none() {
            own.held = Some(message.clone());
        } else {
            own.inbox.push_back(message.clone());
            if duplicate {
                self.ledger.duplicated += 1;
                own.inbox.push_back(message.clone());
            }
            if let Some(held) = own.held.take() {
                self.ledger.swapped += 1;
                own.inbox.push_back(held);
            }
        }
        if misroute {
            self.ledger.misrouted += 1;
            self.sessions[from].inbox.push_back(message);
            self.wake(from);
        }
        self.wake(session);
        if die {
            self.dead = true;
            (0..self.sessions.len()).for_each(|session| self.wake(session));
        }
    }

    fn wake(&self, session: usize) {
        if let Some(waker) = &self.sessions[session].waker {
            waker.wake_by_ref();
        }
    }

    /// How long the freeze will last, if there is one now.
    fn frozen(&self) -> Option<Duration> {
        let (stop, period) = self.faults.freeze?;
        let into = Duration::from_nanos((now() - self.began) % period.as_nanos() as u64);
        stop.checked_sub(into)
    }
}
