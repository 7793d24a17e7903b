//! The load generator without a wire: what it costs to take an answer down, to check a receipt, and to hand out an arrival.

use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::Instant;

use load::Rehearsal;
use measure::delivery::Tally;
use measure::{Recorder, Stamp};
use scenario::{ArmInfo, Case, parse};
use transport::{
    Capabilities, Client, ClientError, Command, Incoming, Info, Protocol, Target, Ticket, Traffic,
    Welcome,
};

use super::timed;
use crate::turns::Turns;

/// One answer: response, service time and send delay, each into its histogram.
pub(super) fn record() -> Turns {
    let mut recorder = Recorder::new(0);
    let mut number = 0_u64;
    timed(move || {
        // Within the first second, so that what is measured is the sample and not the encoding of a second.
        number = (number + 7919) % 900_000_000;
        let stamp = Stamp {
            intended: number,
            sent: number + 200,
            received: number + 50_000 + number % 4096,
        };
        assert!(recorder.answer(black_box(stamp)));
    })
}

/// One receipt in the oracle's books: in order, or with every 64th message late by one.
pub(super) fn receive(late: bool) -> Turns {
    let mut tally = Tally::new(1);
    let mut number = 0_u64;
    timed(move || {
        let swapped = match number % 64 {
            0 if late => number + 1,
            1 if late => number - 1,
            _ => number,
        };
        number += 1;
        assert!(tally.receive(0, black_box(swapped)).is_new());
    })
}

/// One arrival of an open loop of 64 senders: drawn, handed out, labelled, sent, and its reply taken down. The reply comes from
/// [`Mirror`], so that all of it is the generator's own.
pub(super) fn hand_out() -> Turns {
    let clients = (0..SENDERS).map(|_| Mirrored::new()).collect();
    let rehearsal = Rehearsal::<Mirror>::new(&open_loop(), clients).expect("an open loop");
    Box::new(move |turns| {
        let started = Instant::now();
        rehearsal.hand_out(turns);
        let took = started.elapsed();
        assert_eq!(rehearsal.answered(), rehearsal.handed_out());
        took
    })
}

const SENDERS: usize = 64;

fn open_loop() -> Case {
    let text = format!(
        "name = \"bench\"\nquestion = \"What does an arrival cost the generator?\"\nkind = \"echo\"\nduration = \"1s\"\n\
         trials = 1\n\n[load]\nmode = \"open\"\narrivals = \"poisson\"\nrate = \"1000000/s\"\npayload = \"64 B\"\n\n\
         [population]\nclients = {SENDERS}\n"
    );
    let arms = [ArmInfo {
        name: Mirror::INFO.name,
        network: Mirror::INFO.url.is_some(),
        options: Mirror::INFO.options,
    }];
    let scenario = parse(&text, "the benchmark", &arms).expect("a scenario");
    scenario.cases().pop().expect("one arm, one trial")
}

/// A transport without server or wire: a request comes back as its reply.
struct Mirror;

/// Its client.
struct Mirrored {
    welcome: Welcome,
    /// The data of what was asked since the last poll, one behind the other; each with its id and its end.
    text: String,
    asked: Vec<(u64, usize)>,
}

impl Mirrored {
    fn new() -> Self {
        Self {
            welcome: Welcome {
                session: String::new(),
                token: String::new(),
                resumed: false,
            },
            text: String::new(),
            asked: Vec::new(),
        }
    }
}

impl Client for Mirrored {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn send(&mut self, command: &Command<'_>) {
        let Command::Request { id, data } = command else {
            unreachable!("an echo only asks");
        };
        self.text.push_str(data);
        self.asked.push((*id, self.text.len()));
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Poll<Result<(), ClientError>> {
        if self.asked.is_empty() {
            return Poll::Pending;
        }
        let mut start = 0;
        for (id, end) in self.asked.drain(..) {
            let data = &self.text[start..end];
            each(Incoming::Reply { id, data });
            start = end;
        }
        self.text.clear();
        Poll::Ready(Ok(()))
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
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

impl Protocol for Mirror {
    const INFO: Info = Info {
        name: "mirror",
        title: "no server: a request is its own reply",
        url: None,
        options: &[],
        capabilities: Capabilities::FULL,
        browser: None,
    };

    type Client = Mirrored;

    async fn connect(_: &Target) -> Result<Mirrored, ClientError> {
        Ok(Mirrored::new())
    }
}
