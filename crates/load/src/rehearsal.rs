//! An open loop that doesn't wait: what an arrival costs the pacer, by itself.
//!
//! In a run the pacer sleeps and spins between arrivals, and what it does for one of them is lost in that. Here they are handed out one
//! after the other, as fast as that goes, by the same code: schedule, books, sender, client, and the reply taken down. For benchmarks;
//! latencies mean nothing, since nobody waits for the intended times.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

use measure::now;
use scenario::{Case, Pace};
use transport::Protocol;

use crate::arrivals::Arrivals;
use crate::book::{Book, Window};
use crate::pacer::Pacer;
use crate::plan::Plan;
use crate::user::User;

/// The senders of an open loop and their schedule.
pub struct Rehearsal<T: Protocol> {
    book: Rc<RefCell<Book>>,
    pacer: Pacer<T>,
}

impl<T: Protocol> Rehearsal<T> {
    /// An open loop over `clients`, one for each session of `case`, with its schedule drawn from the case's seed and without an end. None if the
    /// case's load is no open loop.
    ///
    /// Only sessions that send are polled, and only when they have something to send: the clients must have their replies ready at once, as
    /// those of a transport without a wire do.
    pub fn new(case: &Case, clients: Vec<T::Client>) -> Option<Self> {
        let Pace::Open { arrivals, rate } = case.scenario.load?.pace else {
            return None;
        };
        let window = Window {
            start: now(),
            // A century; the books add to it.
            end: u64::MAX / 4,
        };
        let mut book = Book::new(Plan::new(&case.scenario));
        book.measure(window);
        let book = Rc::new(RefCell::new(book));
        let mut senders = vec![None; book.borrow().plan.senders.len()];
        for (number, client) in clients.into_iter().enumerate() {
            let mut user = User::<T>::new(client, number, Rc::clone(&book));
            // Tells the books how to wake it: not at all.
            let _ = user.poll(&mut Context::from_waker(Waker::noop()));
            if let Some(sender) = book.borrow().plan.clients[number].sender {
                senders[sender] = Some(Rc::new(RefCell::new(user)));
            }
        }
        let span = (window.start, window.end);
        let arrivals = Arrivals::new(arrivals, rate, senders.len(), span, case.seed);
        let pacer = Pacer::new(Rc::clone(&book));
        pacer.set_senders(senders);
        pacer.follow(window.start, arrivals);
        Some(Self { book, pacer })
    }

    /// Hands out at least `count` arrivals: two may be due in the same nanosecond.
    pub fn hand_out(&self, count: u64) {
        let until = self.handed_out() + count;
        while self.handed_out() < until {
            self.pacer.release_next();
        }
    }

    /// Arrivals handed out so far.
    pub fn handed_out(&self) -> u64 {
        self.book.borrow().counts.intended
    }

    /// Of these, the ones that were answered.
    pub fn answered(&self) -> u64 {
        self.book.borrow().counts.completed
    }
}

#[cfg(test)]
mod tests {
    use hub::{Door, Limits};
    use inproc::InProc;
    use scenario::{ArmInfo, parse};
    use transport::Target;

    use super::*;

    const OPEN: &str = "[load]\nmode = \"open\"\narrivals = \"poisson\"\nrate = \"1000000/s\"\npayload = \"64 B\"\n";
    const CLOSED: &str = "[load]\nmode = \"closed\"\ndepth = 1\npayload = \"64 B\"\n";

    async fn rehearsal(load: &str) -> Option<Rehearsal<InProc>> {
        let text = format!(
            "name = \"test\"\nquestion = \"?\"\nkind = \"echo\"\nduration = \"1s\"\ntrials = 1\n\n{load}\n[population]\nclients = 8\n"
        );
        let arms = [ArmInfo {
            name: "inproc",
            network: false,
            options: &[],
        }];
        let case = parse(&text, "the test", &arms).unwrap().cases().remove(0);
        let door = Door::new(&Limits::default(), 1).remove(0);
        let mut clients = Vec::new();
        for _ in 0..8 {
            let target = Target {
                door: Some(door.clone()),
                ..Target::new("")
            };
            clients.push(InProc::connect(&target).await.unwrap());
        }
        Rehearsal::new(&case, clients)
    }

    #[tokio::test]
    async fn every_arrival_is_sent_and_answered() {
        let rehearsal = rehearsal(OPEN).await.unwrap();
        rehearsal.hand_out(1000);
        rehearsal.hand_out(1000);
        assert!((2000..2010).contains(&rehearsal.handed_out()));
        assert_eq!(rehearsal.answered(), rehearsal.handed_out());
        assert_eq!(rehearsal.book.borrow().errors.brief(), "");
    }

    #[tokio::test]
    async fn a_closed_loop_has_no_schedule() {
        assert!(rehearsal(CLOSED).await.is_none());
    }
}
