//! Sessions that go and come back, and what that means for the messages they had to send or to receive.

use measure::{Delivery, Published, Recovery};

use super::{Book, SenderBook};

impl Book {
    /// A session ended by itself. The case goes on as long as what is left can still say something: not without a
    /// sender, not with a closed loop that would wait for it for ever, not with half of the sessions.
    pub(crate) fn session_ended(&mut self, client: usize, kind: &str, message: &str, at: u64) {
        self.error(kind, at, || message.to_owned());
        self.gone += 1;
        if let Some(recovering) = &mut self.recovering {
            recovering.broke(client, at);
            return self.doubt(client);
        }
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

    /// What a session had handed to its connection when that broke may never have reached the server. In order, the server has had
    /// whatever was sent before something that anyone received.
    fn doubt(&mut self, client: usize) {
        let Some(sender) = self.plan.clients[client].sender else {
            return;
        };
        let own = &mut self.senders[sender];
        let from = if self.is_ordered { own.reached } else { 0 };
        let until = own.outstanding.sent();
        if self.plan.has_events() && from < until {
            own.in_doubt.push((from, until));
        }
        if self.depth.is_some() {
            own.outstanding.doubt();
        }
    }

    /// A session attempts to stand again.
    pub(crate) fn attempt(&mut self, at: u64) {
        if let Some(recovering) = &mut self.recovering {
            recovering.attempt(at);
        }
    }

    /// The server has forgotten a session.
    pub(crate) fn lose_session(&mut self, client: usize) {
        self.oracle.tally(client).lose_session();
    }

    /// A session stands again.
    pub(crate) fn stood(&mut self, client: usize, resumed: bool, at: u64) {
        self.gone -= 1;
        if let Some(recovering) = &mut self.recovering {
            recovering.stood(client, resumed, at);
        }
        if let Some(sender) = self.plan.clients[client].sender {
            self.senders[sender].stood = at;
        }
        if resumed {
            return;
        }
        let (first, heard) = self.plan.clients[client].hears;
        let senders = &mut self.senders;
        let sent = |slot: usize| senders[first + slot].outstanding.sent();
        self.oracle.tally(client).stand(sent);
        if self.depth.is_some() && self.plan.has_events() {
            // What this session will never have is awaited no longer.
            for own in &mut senders[first..first + heard] {
                own.outstanding.doubt();
                if let Some(waker) = &own.waker {
                    waker.wake_by_ref();
                }
            }
        }
    }

    /// A session received something.
    #[inline]
    pub(crate) fn heard(&mut self, client: usize, at: u64) {
        if let Some(recovering) = &mut self.recovering {
            recovering.heard(client, at);
        }
    }

    /// What became of each event (none in a kind without events), and of the sessions.
    pub(crate) fn balance(&mut self) -> (Option<Delivery>, Option<Recovery>) {
        if let Some(recovering) = &self.recovering {
            // Whoever is gone at the end has been told nothing else, but knows that much.
            for client in (0..self.plan.clients.len()).filter(|client| recovering.is_gone(*client))
            {
                self.oracle.tally(client).lose_session();
            }
        }
        let unconfirmed: Vec<Vec<u64>> = self.senders.iter().map(SenderBook::unconfirmed).collect();
        let published = |client: usize, slot: usize| {
            let sender = self.plan.clients[client].hears.0 + slot;
            Published {
                sent: self.senders[sender].outstanding.sent(),
                unconfirmed: &unconfirmed[sender],
            }
        };
        let has_events = self.plan.has_events();
        let delivery = has_events.then(|| self.oracle.finish(published));
        let count = unconfirmed.iter().map(|numbers| numbers.len() as u64).sum();
        let recovering = self.recovering.as_mut();
        (delivery, recovering.map(|own| own.finish(count)))
    }
}

impl SenderBook {
    /// The numbers, rising, that nobody has received and that may never have reached the server.
    fn unconfirmed(&self) -> Vec<u64> {
        let ranges = self.in_doubt.iter();
        let mut numbers: Vec<u64> = ranges
            .flat_map(|range| self.outstanding.untouched(*range))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrivals::Arrival;
    use crate::book::Window;
    use crate::plan::Plan;
    use crate::recovering::Recovering;

    /// Sender 0 and three who hear it, in an open loop that is measured from the beginning.
    fn book() -> Book {
        let arms = [scenario::ArmInfo {
            name: "any",
            network: true,
            options: &[],
        }];
        let text = "name = 'x'\nquestion = '?'\nkind = 'broadcast'\nduration = '1s'\npopulation.subscribers = 3\n\
                    load = { mode = 'open', rate = '10/s', payload = '40 B' }";
        let scenario = scenario::parse(text, "", &arms).unwrap();
        let mut book = Book::new(Plan::new(&scenario));
        let hears = book.plan.clients.iter().map(|role| role.hears.1 > 0);
        book.recovering = Some(Recovering::new(hears.collect::<Vec<_>>().into_iter(), None));
        book.measure(Window {
            start: 0,
            end: 1_000_000_000,
        });
        book
    }

    /// Publishes so many messages at `at`, and gives their payloads.
    fn publish(book: &mut Book, count: usize, at: u64) -> Vec<String> {
        let one = |_| {
            book.release(Arrival { due: at, sender: 0 });
            book.next_send(0, at).unwrap().1.to_owned()
        };
        (0..count).map(one).collect()
    }

    fn receive(book: &mut Book, client: usize, payloads: &[String], at: u64) {
        for payload in payloads {
            book.event(client, payload, at);
        }
    }

    #[test]
    fn only_what_nobody_received_is_in_doubt() {
        let mut book = book();
        let sent = publish(&mut book, 6, 10);
        receive(&mut book, 1, &sent[..3], 20);
        receive(&mut book, 2, &sent[..2], 20);
        receive(&mut book, 3, &[sent[0].clone(), sent[2].clone()], 20);
        // The fourth may have been lost with the publisher's connection; the third reached the server, so its second is owed to session 3.
        book.session_ended(0, "broken", "", 30);
        book.stood(0, true, 40);
        let later = publish(&mut book, 2, 50);
        for client in 1..4 {
            receive(&mut book, client, &later, 60);
        }
        let (delivery, recovery) = book.balance();
        let delivery = delivery.unwrap();
        assert_eq!(recovery.unwrap().unconfirmed, 3);
        assert_eq!((delivery.expected, delivery.delivered), (3 * 5, 7 + 6));
        assert_eq!((delivery.lost, delivery.gap_missed), (2, 0));
    }

    #[test]
    fn a_loss_behind_a_standing_publisher_stays_a_loss() {
        let mut book = book();
        let sent = publish(&mut book, 4, 10);
        receive(&mut book, 1, &sent, 20);
        // A receiver that breaks and resumes is owed everything, and the publisher's connection stood.
        book.session_ended(2, "broken", "", 30);
        book.stood(2, true, 40);
        let (delivery, recovery) = book.balance();
        assert_eq!(delivery.unwrap().lost, 8);
        assert_eq!(recovery.unwrap().unconfirmed, 0);
    }

    #[test]
    fn a_new_session_is_owed_what_is_sent_when_it_stands() {
        let mut book = book();
        let sent = publish(&mut book, 4, 10);
        for client in 1..4 {
            receive(&mut book, client, &sent[..2], 20);
        }
        book.session_ended(1, "broken", "", 30);
        // Session 2 is gone at the end.
        book.session_ended(2, "broken", "", 30);
        book.lose_session(1);
        book.stood(1, false, 40);
        let later = publish(&mut book, 3, 50);
        receive(&mut book, 1, &later[..1], 60);
        receive(&mut book, 1, &later[2..], 60);
        receive(&mut book, 3, &sent[2..], 60);
        receive(&mut book, 3, &later, 60);
        let (delivery, recovery) = book.balance();
        let delivery = delivery.unwrap();
        assert_eq!((delivery.expected, delivery.lost), (21, 1));
        assert_eq!(delivery.gap_missed, 2 + 5);
        assert_eq!(recovery.unwrap().fresh, 1);
    }

    #[test]
    fn a_send_that_waits_for_its_session_is_no_slip() {
        let mut book = book();
        book.session_ended(0, "broken", "", 1_000);
        book.release(Arrival {
            due: 2_000,
            sender: 0,
        });
        book.stood(0, true, 900_000_000);
        assert!(book.next_send(0, 900_000_100).is_some());
        assert_eq!(book.slip.max(), 100);
    }

    #[test]
    fn a_closed_loop_waits_for_nothing_that_may_be_gone() {
        let mut book = book();
        book.begin_loop(1);
        assert!(book.next_send(0, 10).is_some() && book.next_send(0, 11).is_none());
        book.session_ended(3, "broken", "", 20);
        book.lose_session(3);
        book.stood(3, false, 30);
        assert!(book.wants_to_send(0) && book.next_send(0, 31).is_some());
        book.session_ended(0, "broken", "", 40);
        book.stood(0, true, 50);
        assert!(book.wants_to_send(0));
    }
}
