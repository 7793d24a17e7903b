//! Brings sessions back whose connection has ended.
//!
//! Each session that is gone has one timer, and an attempt is all that it does then. Attempts of many sessions are not held apart: when
//! ten thousand are due at once, ten thousand begin, since that is what a storm is. Only jitter and back-off spread them.

use std::cell::RefCell;
use std::rc::Rc;

use measure::now;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use scenario::{Kind, Reconnect};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use transport::{Client, ClientError, Protocol, Target};

use crate::book::Book;
use crate::gather::{Crowd, PATIENCE, destination, join, source};
use crate::pacer::Pacer;
use crate::plan::To;
use crate::targets::Targets;
use crate::user::{User, kind, take};

/// A dead session is found so many times within the silence that makes it one.
const LOOKS: u32 = 4;

/// After so many sessions were looked at, others have a turn.
const PIECE: usize = 16;

/// How sessions come back.
pub(crate) struct Returning<T: Protocol> {
    targets: Targets,
    rules: Reconnect,
    seed: u64,
    book: Rc<RefCell<Book>>,
    /// All users, once they have gathered.
    crowd: RefCell<Crowd<T>>,
}

/// A user's life: it is polled until its session ends, and comes back if it may.
pub(crate) async fn live<T: Protocol>(
    user: Rc<RefCell<User<T>>>,
    pacer: Rc<Pacer<T>>,
    returning: Option<Rc<Returning<T>>>,
) {
    loop {
        std::future::poll_fn(|cx| {
            let polled = user.borrow_mut().poll(cx);
            pacer.catch_up();
            polled
        })
        .await;
        let Some(returning) = &returning else { return };
        if !returning.bring_back(&user).await {
            return;
        }
    }
}

impl<T: Protocol> Returning<T> {
    pub(crate) fn new(
        targets: &Targets,
        rules: Reconnect,
        seed: u64,
        book: &Rc<RefCell<Book>>,
    ) -> Self {
        Self {
            targets: targets.clone(),
            rules,
            seed,
            book: Rc::clone(book),
            crowd: RefCell::default(),
        }
    }

    /// All have gathered.
    pub(crate) fn set_crowd(&self, crowd: &Crowd<T>) {
        self.crowd.borrow_mut().clone_from(crowd);
    }

    /// Finds sessions that have heard nothing for too long, with one sweep for all; ends with the case. Does nothing if silence is no death.
    pub(crate) async fn watch(self: Rc<Self>) {
        let Some(dead_after) = self.rules.dead_after else {
            return;
        };
        let mut ticks = interval(dead_after / LOOKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let crowd = self.crowd.borrow().clone();
        while !self.book.borrow().is_over {
            ticks.tick().await;
            for users in crowd.chunks(PIECE) {
                for user in users.iter().flatten() {
                    user.borrow_mut().look_whether_dead(now(), dead_after);
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Attempts until the session stands again. False if the case is over before that.
    async fn bring_back(&self, user: &RefCell<User<T>>) -> bool {
        let mut random = {
            let user = user.borrow();
            self.random(user.number(), user.times_gone())
        };
        sleep(self.rules.jitter.mul_f64(random.random_range(0.0..=1.0))).await;
        let mut backoff = self.rules.backoff;
        loop {
            if self.book.borrow().is_over {
                return false;
            }
            self.book.borrow_mut().attempt(now());
            let number = user.borrow().number();
            match timeout(PATIENCE, self.attempt(user, number)).await {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => {
                    let kind = kind(&error);
                    let book = &mut *self.book.borrow_mut();
                    book.error(&kind, now(), || error.to_string());
                }
                Err(_elapsed) => {
                    let book = &mut *self.book.borrow_mut();
                    book.error("connect-timeout", now(), || {
                        format!("no session after {} s", PATIENCE.as_secs())
                    });
                }
            }
            sleep(backoff.mul_f64(random.random_range(0.5..=1.0))).await;
            backoff = (2 * backoff).min(self.rules.longest_backoff);
        }
    }

    /// One attempt: the old session, or else a new one that takes the old one's part.
    async fn attempt(&self, user: &RefCell<User<T>>, number: usize) -> Result<(), ClientError> {
        let (target, sessions, room, confirm) = {
            let plan = &self.book.borrow().plan;
            let role = &plan.clients[number];
            let (target, room) = (self.targets.of(role), role.room.clone());
            let confirm = plan.kind != Kind::Idle && T::INFO.capabilities.requests;
            (target, plan.clients.len(), room, confirm)
        };
        let ticket = user.borrow().ticket();
        let target = Target {
            source: source(&target.url, number, sessions),
            resume: ticket,
            ..target.clone()
        };
        let mut client = match T::connect(&target).await {
            Ok(client) => client,
            Err(error) => {
                // The server has said that there is nothing to resume.
                if is_final(&error) {
                    user.borrow_mut().forget_ticket();
                }
                return Err(error);
            }
        };
        let resumed = client.welcome().resumed;
        if !resumed {
            self.book.borrow_mut().lose_session(number);
            join(&mut client, room, confirm, &mut |message, at| {
                let book = &mut *self.book.borrow_mut();
                book.heard(number, at);
                take(book, number, message, at);
            })
            .await?;
            self.tell_peers(number, &client.welcome().session);
        }
        let at = now();
        self.book.borrow_mut().stood(number, resumed, at);
        user.borrow_mut().stand(client, at);
        Ok(())
    }

    /// Whoever writes to this session alone learns its new id.
    fn tell_peers(&self, number: usize, session: &str) {
        let plan = &self.book.borrow().plan;
        let (first, heard) = plan.clients[number].hears;
        for sender in plan.senders.iter().skip(first).take(heard) {
            let peer = self.crowd.borrow().get(sender.client).cloned().flatten();
            if let (To::Client(_), Some(peer)) = (&sender.to, peer) {
                peer.borrow_mut()
                    .address(destination(&sender.to, || session.to_owned()));
            }
        }
    }

    /// The waits of a session that is gone for the `times`-th time.
    fn random(&self, number: usize, times: u32) -> StdRng {
        let number = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        StdRng::seed_from_u64(self.seed ^ number ^ u64::from(times).rotate_left(40))
    }
}

/// Whether a refusal is about what was to be resumed: to ask again would change nothing.
fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::Refused { status, .. } => (400..500).contains(status) && *status != 429,
        ClientError::Closed { code, .. } => *code == 1008,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_ticket_is_final() {
        let refused = |status| ClientError::Refused {
            status,
            message: String::new(),
        };
        let closed = |code| ClientError::Closed {
            code,
            reason: String::new(),
        };
        assert!(is_final(&refused(400)) && is_final(&refused(410)) && is_final(&closed(1008)));
        assert!(!is_final(&refused(429)) && !is_final(&refused(503)));
        assert!(!is_final(&closed(1006)) && !is_final(&closed(1012)));
        let broken = ClientError::Broken(std::io::ErrorKind::ConnectionReset.into());
        assert!(!is_final(&broken));
    }
}
