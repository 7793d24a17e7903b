//! What is timed: echo, throughput, broadcast, connect.
//!
//! Each loop is closed: the next message is sent when the last one is through. A client is polled, as in a run, and the lab's semantics are
//! those of a run: a long-poll is always under way, commands queued together share a request. Everything is connected before the
//! time runs, mailboxes are emptied by each turn, and nothing is left under way at the end of one.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use transport::{Audience, Client, Command, Incoming, Transport};

use super::lab::Lab;
use super::prompted;
use crate::turns::Turns;

/// One request and its reply: `payload` bytes of data there and back.
pub(super) fn echo<T: Transport>(payload: usize) -> Turns {
    let (mut asker, data) = (Asker::<T>::new(), data(payload));
    Box::new(move |turns| asker.ask(turns, 1, &data))
}

/// A reply, of `depth` requests under way at once on one session. What is sent together shares a write or a request, as the transport does it.
pub(super) fn throughput<T: Transport>(depth: u64) -> Turns {
    let (mut asker, data) = (Asker::<T>::new(), data(64));
    Box::new(move |turns| asker.ask(turns, depth, &data))
}

/// A publish of 64 bytes, until each of the `subscribers` has it and its publisher knows that it was carried out: a request sent along
/// with it is answered. On request-response subscribers poll then, once each: see [`prompted`].
pub(super) fn broadcast<T: Transport>(subscribers: u64) -> Turns {
    let mut news = News::<T>::new(subscribers);
    Box::new(move |turns| news.publish(turns))
}

/// A session, from nothing until its welcome is there: TCP connection, handshake or request. Its goodbye isn't timed.
pub(super) fn connect<T: Transport>() -> Turns {
    let lab = Lab::<T>::start();
    Box::new(move |turns| {
        lab.block_on(async {
            let mut took = Duration::ZERO;
            for _ in 0..turns {
                let started = Instant::now();
                let client = lab.connect().await;
                took += started.elapsed();
                client.close().await.expect("a healthy server is left well");
            }
            took
        })
    })
}

/// A client that asks. It goes before its server does.
struct Asker<T: Transport> {
    client: T::Client,
    lab: Lab<T>,
}

impl<T: Transport> Asker<T> {
    fn new() -> Self {
        let lab = Lab::start();
        Self {
            client: lab.block_on(lab.connect()),
            lab,
        }
    }

    /// `turns` requests and their replies, `depth` of them under way at once.
    fn ask(&mut self, turns: u64, depth: u64, data: &str) -> Duration {
        let client = &mut self.client;
        self.lab.block_on(async {
            let (mut sent, mut received) = (0, 0);
            let started = Instant::now();
            poll_fn(|cx| {
                while received < turns {
                    while sent < turns && sent - received < depth {
                        client.send(&Command::Request { id: sent, data });
                        sent += 1;
                    }
                    let polled = client.poll(cx, &mut |message| match message {
                        Incoming::Reply { id, data: back } => {
                            assert_eq!((id, back.len()), (received, data.len()));
                            received += 1;
                        }
                        other => panic!("{other:?} in place of a reply"),
                    });
                    ready!(polled).expect("a healthy server answers");
                }
                Poll::Ready(())
            })
            .await;
            started.elapsed()
        })
    }
}

/// A publisher, with its subscribers as tasks of the lab's event loop.
struct News<T: Transport> {
    publisher: T::Client,
    subscribers: u64,
    heard: Rc<Heard>,
    data: String,
    lab: Lab<T>,
}

impl<T: Transport> News<T> {
    fn new(subscribers: u64) -> Self {
        let (lab, heard) = (Lab::<T>::start(), Rc::new(Heard::default()));
        let publisher = lab.block_on(async {
            for _ in 0..subscribers {
                let subscriber = lab.connect().await;
                tokio::task::spawn_local(listen(subscriber, Rc::clone(&heard)));
            }
            lab.connect().await
        });
        Self {
            publisher,
            subscribers,
            heard,
            data: data(64),
            lab,
        }
    }

    fn publish(&mut self, turns: u64) -> Duration {
        let Self {
            publisher,
            subscribers,
            heard,
            data,
            lab,
        } = self;
        lab.block_on(async {
            let started = Instant::now();
            for turn in 0..turns {
                heard.missing.set(*subscribers);
                publisher.send(&Command::Emit {
                    to: Audience::Others,
                    event: "load".into(),
                    data,
                });
                acknowledge(publisher, turn).await;
                prompted::poll_now();
                poll_fn(|cx| heard.poll_all(cx)).await;
            }
            started.elapsed()
        })
    }
}

/// Asks for a reply, and awaits it: what was sent before has then been carried out.
async fn acknowledge(client: &mut impl Client, id: u64) {
    client.send(&Command::Request { id, data: "0" });
    let mut answered = false;
    while !answered {
        let polled = poll_fn(|cx| {
            client.poll(cx, &mut |message| match message {
                Incoming::Reply { id: back, .. } if back == id => answered = true,
                other => panic!("{other:?} in place of the reply to {id}"),
            })
        });
        polled.await.expect("a healthy server answers");
    }
}

/// Receives events until the lab is gone.
async fn listen(mut client: impl Client, heard: Rc<Heard>) {
    loop {
        let polled = poll_fn(|cx| {
            client.poll(cx, &mut |message| match message {
                Incoming::Event { .. } => heard.one(),
                other => heard.wrong(format!("{other:?}")),
            })
        });
        if let Err(error) = polled.await {
            return heard.wrong(error.to_string());
        }
    }
}

/// What subscribers have heard of a publish.
#[derive(Default)]
struct Heard {
    /// Subscribers that don't have it.
    missing: Cell<u64>,
    /// Waits for them.
    waker: Cell<Option<Waker>>,
    /// A panic of a task would be lost in it; the publisher panics instead.
    wrong: Cell<Option<String>>,
}

impl Heard {
    fn one(&self) {
        match self.missing.get().checked_sub(1) {
            Some(missing) => self.missing.set(missing),
            None => return self.wrong("an event too many".into()),
        }
        if self.missing.get() == 0 {
            self.wake();
        }
    }

    fn wrong(&self, what: String) {
        self.wrong.set(Some(what));
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Ready when each subscriber has it.
    fn poll_all(&self, cx: &Context<'_>) -> Poll<()> {
        if let Some(wrong) = self.wrong.take() {
            panic!("a subscriber received {wrong}");
        }
        if self.missing.get() == 0 {
            return Poll::Ready(());
        }
        self.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

/// A JSON string of so many bytes, its quotes included.
fn data(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length - 2))
}
