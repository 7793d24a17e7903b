//! The delivery oracle: for each (subscriber, publisher) what was expected and what came, exactly.
//!
//! Each publisher numbers its messages 0, 1, 2, … A [`Tally`] keeps one [`Stream`] a publisher a subscriber hears.
//! In order, a receipt costs one comparison; a jump ahead notes the numbers skipped, 64 to a word, so that each
//! number is noted at most once: exact, and O(1) amortised over the numbers published.
//!
//! A session that the server has forgotten misses what is published until a new one stands in its place. That is no silent loss: the
//! server said so. What it covers is exact too: the numbers between the last one received before and the first one after, and at most up
//! to the last that had been published when the new session stood. From then on every message must come.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// What became of every message to every subscriber, warm-up included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Published, once for each subscriber that should have it; those that may never have reached the server are not among them.
    pub expected: u64,
    /// Received, each once.
    pub delivered: u64,
    /// Neither received nor announced as missed: silent losses.
    pub lost: u64,
    /// Received once more than once is right.
    pub duplicated: u64,
    /// Received after a later one of the same publisher.
    pub reordered: u64,
    /// Not received, but announced: by a `gap`, or by the end of the session.
    pub gap_missed: u64,
    /// Received with other bytes than were sent.
    pub corrupted: u64,
    /// Received by one that should not have it, or never published.
    pub misrouted: u64,
}

impl Delivery {
    /// Whether every message came exactly once, in order, intact, and to no one else.
    pub fn is_perfect(&self) -> bool {
        *self
            == Self {
                expected: self.expected,
                delivered: self.expected,
                ..Self::default()
            }
    }
}

/// What a receipt was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// New, and later than all before.
    InOrder,
    /// New, but a later one came first.
    Late,
    /// Not new.
    Duplicate,
}

impl Receipt {
    /// Whether the message had not been received before.
    pub fn is_new(self) -> bool {
        self != Self::Duplicate
    }
}

/// What one subscriber received of one publisher.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// One more than the greatest number received.
    next: u64,
    /// Numbers below `next` that were not received: word index -> bits. Absent as long as all is in order.
    #[expect(
        clippy::box_collection,
        reason = "a stream is 16 bytes instead of 56; there is one for each pair of talkers"
    )]
    missing: Option<Box<HashMap<u64, u64>>>,
}

/// What one publisher published.
#[derive(Debug, Clone, Copy, Default)]
pub struct Published<'a> {
    /// How many messages, numbered from 0.
    pub sent: u64,
    /// Of these the ones, rising, that nobody received and that may never have reached the server.
    pub unconfirmed: &'a [u64],
}

/// What a subscriber can't have had of one publisher, since its session was gone.
#[derive(Debug, Clone, Copy)]
struct Break {
    /// The first number that it had not received by then.
    from: u64,
    /// From this number on all must come; the greatest number while no session stands.
    until: u64,
    /// Whether anything came since.
    met: bool,
}

/// What one subscriber received.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    streams: Vec<Stream>,
    /// One for each stream, each time that the session was gone.
    breaks: Vec<Break>,
    /// How many of the last ones wait for the first message since.
    unmet: usize,
    delivered: u64,
    duplicated: u64,
    reordered: u64,
    announced: u64,
    corrupted: u64,
    misrouted: u64,
}

/// What all subscribers received.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    tallies: Vec<Tally>,
}

impl Stream {
    /// Takes down that message `number` came. Numbers must be bounded by what was published: the caller checks.
    #[inline]
    pub fn receive(&mut self, number: u64) -> Receipt {
        if number == self.next {
            self.next += 1;
            return Receipt::InOrder;
        }
        self.receive_out_of_order(number)
    }

    #[cold]
    fn receive_out_of_order(&mut self, number: u64) -> Receipt {
        let missing = self.missing.get_or_insert_default();
        if number > self.next {
            for_each_word(self.next, number, |word, bits| {
                *missing.entry(word).or_default() |= bits;
            });
            self.next = number + 1;
            return Receipt::InOrder;
        }
        let (word, bit) = (number / 64, 1 << (number % 64));
        match missing.get_mut(&word) {
            Some(bits) if *bits & bit != 0 => {
                *bits &= !bit;
                if *bits == 0 {
                    missing.remove(&word);
                }
                Receipt::Late
            }
            _ => Receipt::Duplicate,
        }
    }

    /// Whether message `number` has come.
    pub fn has(&self, number: u64) -> bool {
        let missing = self
            .missing
            .as_ref()
            .and_then(|missing| missing.get(&(number / 64)))
            .copied()
            .unwrap_or(0);
        number < self.next && missing & (1 << (number % 64)) == 0
    }

    /// How many of the numbers `from..until` have not come.
    fn absent(&self, from: u64, until: u64) -> u64 {
        let mut absent = until.saturating_sub(from.max(self.next));
        if let Some(missing) = &self.missing {
            for_each_word(from, until.min(self.next), |word, bits| {
                let missing = missing.get(&word).copied().unwrap_or(0);
                absent += u64::from((missing & bits).count_ones());
            });
        }
        absent
    }

    /// How many numbers were skipped and have not come.
    fn skipped(&self) -> u64 {
        let words = self.missing.iter().flat_map(|missing| missing.values());
        words.map(|bits| u64::from(bits.count_ones())).sum()
    }
}

impl Tally {
    /// A subscriber that hears `publishers` publishers.
    pub fn new(publishers: usize) -> Self {
        Self {
            streams: vec![Stream::default(); publishers],
            ..Self::default()
        }
    }

    /// Message `number` of the subscriber's `slot`-th publisher came.
    ///
    /// # Panics
    /// If there is no such slot.
    #[inline]
    pub fn receive(&mut self, slot: usize, number: u64) -> Receipt {
        if self.unmet > 0 {
            self.meet(slot, number);
        }
        let receipt = self.streams[slot].receive(number);
        match receipt {
            Receipt::InOrder => self.delivered += 1,
            Receipt::Late => {
                self.delivered += 1;
                self.reordered += 1;
            }
            Receipt::Duplicate => self.duplicated += 1,
        }
        receipt
    }

    /// Whether message `number` of the `slot`-th publisher has come.
    pub fn has(&self, slot: usize, number: u64) -> bool {
        self.streams[slot].has(number)
    }

    /// The server said that `missed` messages will not come.
    pub fn gap(&mut self, missed: u64) {
        self.announced = self.announced.saturating_add(missed);
    }

    /// The session is gone, and with it whatever it had yet to receive. Until another one [stands](Self::stand), nothing has to come.
    pub fn lose_session(&mut self) {
        for open in self.last_breaks() {
            // No session stood since the one before either.
            if open.until == u64::MAX {
                open.until = open.from;
            }
        }
        // What was announced and skipped nothing so far was of the messages that are gone now.
        let skipped = self.streams.iter().map(Stream::skipped).sum();
        self.announced = self.announced.min(skipped);
        self.breaks.extend(self.streams.iter().map(|stream| Break {
            from: stream.next,
            until: u64::MAX,
            met: false,
        }));
        self.unmet = self.streams.len();
    }

    /// Another session stands in the place of the one that is gone: what is published from now on has to come. `sent` says how many messages
    /// the publisher of each slot has published so far.
    pub fn stand(&mut self, sent: impl Fn(usize) -> u64) {
        for (slot, open) in self.last_breaks().iter_mut().enumerate() {
            open.until = open.until.min(sent(slot));
        }
    }

    /// Those of the last time that the session was gone, by slot.
    fn last_breaks(&mut self) -> &mut [Break] {
        let first = self.breaks.len().saturating_sub(self.streams.len());
        &mut self.breaks[first..]
    }

    /// Message `number` is perhaps the first of its publisher since the session was gone: what comes after it must not be missing.
    #[cold]
    fn meet(&mut self, slot: usize, number: u64) {
        if let Some(open) = self.last_breaks().get_mut(slot)
            && !open.met
        {
            (open.met, open.until) = (true, open.until.min(number));
            self.unmet -= 1;
        }
    }

    /// How many messages of the `slot`-th publisher the subscriber can't have had.
    fn excused(&self, slot: usize, published: Published<'_>) -> u64 {
        let (mut excused, mut done) = (0, 0);
        for open in self.breaks.iter().skip(slot).step_by(self.streams.len()) {
            let (from, until) = (open.from.max(done), open.until.min(published.sent));
            if from < until {
                let unconfirmed = published.unconfirmed;
                let below = |number| unconfirmed.partition_point(|other| *other < number) as u64;
                excused += self.streams[slot].absent(from, until) - (below(until) - below(from));
                done = until;
            }
        }
        excused
    }

    /// Something came that was not what had been sent.
    pub fn corrupted(&mut self) {
        self.corrupted += 1;
    }

    /// Something came that was not for this subscriber.
    pub fn misrouted(&mut self) {
        self.misrouted += 1;
    }

    /// Messages received, each once.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The balance, when the publisher of each slot has published what `published` says.
    pub fn finish<'a>(&self, published: impl Fn(usize) -> Published<'a>) -> Delivery {
        let (mut expected, mut excused) = (0, 0);
        for slot in 0..self.streams.len() {
            let published = published(slot);
            expected += published.sent - published.unconfirmed.len() as u64;
            if !self.breaks.is_empty() {
                excused += self.excused(slot, published);
            }
        }
        let absent = expected.saturating_sub(self.delivered);
        let gap_missed = absent.min(self.announced.saturating_add(excused));
        Delivery {
            expected,
            delivered: self.delivered,
            lost: absent - gap_missed,
            duplicated: self.duplicated,
            reordered: self.reordered,
            gap_missed,
            corrupted: self.corrupted,
            misrouted: self.misrouted,
        }
    }
}

impl Oracle {
    /// Subscribers, each with the number of publishers it hears.
    pub fn new(publishers_heard: impl IntoIterator<Item = usize>) -> Self {
        Self {
            tallies: publishers_heard.into_iter().map(Tally::new).collect(),
        }
    }

    /// The tally of one subscriber.
    ///
    /// # Panics
    /// If there is no such subscriber.
    #[inline]
    pub fn tally(&mut self, subscriber: usize) -> &mut Tally {
        &mut self.tallies[subscriber]
    }

    /// The balance; `published` says what was published for each subscriber, by the publisher of each slot.
    pub fn finish<'a>(&self, published: impl Fn(usize, usize) -> Published<'a>) -> Delivery {
        let balances = self
            .tallies
            .iter()
            .enumerate()
            .map(|(subscriber, tally)| tally.finish(|slot| published(subscriber, slot)));
        balances.fold(Delivery::default(), |sum, one| sum + one)
    }
}

impl std::ops::Add for Delivery {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            expected: self.expected + other.expected,
            delivered: self.delivered + other.delivered,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            reordered: self.reordered + other.reordered,
            gap_missed: self.gap_missed + other.gap_missed,
            corrupted: self.corrupted + other.corrupted,
            misrouted: self.misrouted + other.misrouted,
        }
    }
}

/// Calls `each` with (word index, bits) for the numbers `from..to`.
fn for_each_word(from: u64, to: u64, mut each: impl FnMut(u64, u64)) {
    let mut at = from;
    while at < to {
        let word = at / 64;
        let end = to.min((word + 1) * 64);
        let (low, width) = (at % 64, end - at);
        let ones = if width == 64 {
            u64::MAX
        } else {
            (1 << width) - 1
        };
        each(word, ones << low);
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(sent: u64) -> Published<'static> {
        Published {
            sent,
            unconfirmed: &[],
        }
    }

    /// The same, said plainly: everything received, in a list.
    fn naive(received: &[u64], announced: u64, expected: u64) -> Delivery {
        let mut seen = Vec::new();
        let mut balance = Delivery {
            expected,
            ..Delivery::default()
        };
        for number in received {
            if seen.contains(number) {
                balance.duplicated += 1;
                continue;
            }
            if seen.iter().any(|earlier| earlier > number) {
                balance.reordered += 1;
            }
            seen.push(*number);
            balance.delivered += 1;
        }
        let absent = (0..expected)
            .filter(|number| !seen.contains(number))
            .count() as u64;
        balance.gap_missed = absent.min(announced);
        balance.lost = absent - balance.gap_missed;
        balance
    }

    /// What happens to a subscriber of one publisher.
    #[derive(Debug, Clone, Copy)]
    enum Turn {
        /// The next message is published, and comes if a session hears it.
        Publish,
        /// The next message is published, and the server loses it without a word.
        Lose,
        /// The next message is handed to a connection that breaks: nobody gets it.
        Vanish,
        /// The session is gone; a new one hears what is published next …
        Renew,
        /// … and is known to stand only now.
        Stand,
    }

    fn turn() -> impl Strategy<Value = Turn> {
        prop_oneof![
            8 => Just(Turn::Publish),
            2 => Just(Turn::Lose),
            2 => Just(Turn::Vanish),
            1 => Just(Turn::Renew),
            2 => Just(Turn::Stand),
        ]
    }

    /// The turns, carried out on a tally and in words: a loss is silent if its number is behind the first message that came since the
    /// session was gone, or if it was published when the session stood; but not if the session goes before another message comes.
    fn carried_out(turns: &[Turn]) -> (Delivery, u64) {
        let mut tally = Tally::new(1);
        let (mut published, mut unconfirmed) = (0, Vec::new());
        let (mut stands, mut heard, mut silent) = (true, true, 0);
        // Those of the silent ones that nothing has come behind.
        let mut last = 0;
        for turn in turns {
            match turn {
                Turn::Publish => {
                    tally.receive(0, published);
                    (heard, last, published) = (true, 0, published + 1);
                }
                Turn::Lose => {
                    let is_silent = u64::from(stands || heard);
                    (silent, last) = (silent + is_silent, last + is_silent);
                    published += 1;
                }
                Turn::Vanish => {
                    unconfirmed.push(published);
                    published += 1;
                }
                Turn::Renew => {
                    tally.lose_session();
                    (stands, heard, silent, last) = (false, false, silent - last, 0);
                }
                Turn::Stand if stands => {}
                Turn::Stand => {
                    tally.stand(|_| published);
                    stands = true;
                }
            }
        }
        let balance = tally.finish(|_| Published {
            sent: published,
            unconfirmed: &unconfirmed,
        });
        (balance, silent)
    }

    proptest! {
        #[test]
        fn a_session_that_is_gone_excuses_what_it_cannot_have_had(turns in prop::collection::vec(turn(), 0..300)) {
            let (balance, silent) = carried_out(&turns);
            let count = |wanted: fn(&Turn) -> bool| turns.iter().filter(|turn| wanted(turn)).count() as u64;
            let came = count(|turn| matches!(turn, Turn::Publish));
            let lost = count(|turn| matches!(turn, Turn::Lose));
            prop_assert_eq!((balance.expected, balance.delivered), (came + lost, came));
            prop_assert_eq!((balance.lost, balance.gap_missed), (silent, lost - silent));
        }

        #[test]
        fn agrees_with_the_naive_model(
            received in prop::collection::vec(0_u64..300, 0..400),
            announced in 0_u64..100,
        ) {
            let mut tally = Tally::new(1);
            for number in &received {
                tally.receive(0, *number);
            }
            tally.gap(announced);
            prop_assert_eq!(tally.finish(|_| sent(300)), naive(&received, announced, 300));
            for number in 0..300 {
                prop_assert_eq!(tally.has(0, number), received.contains(&number));
            }
        }

        #[test]
        fn streams_do_not_mix(received in prop::collection::vec((0_usize..3, 0_u64..70), 0..200)) {
            let mut tally = Tally::new(3);
            for (slot, number) in &received {
                tally.receive(*slot, *number);
            }
            let apart = (0..3).map(|slot| {
                let own: Vec<u64> = received.iter().filter(|(of, _)| *of == slot).map(|(_, number)| *number).collect();
                naive(&own, 0, 70)
            });
            let sum = apart.fold(Delivery::default(), |sum, one| sum + one);
            prop_assert_eq!(tally.finish(|_| sent(70)), sum);
        }
    }

    #[test]
    fn a_long_gap_costs_words_not_numbers() {
        let mut stream = Stream::default();
        assert_eq!(stream.receive(1_000_000), Receipt::InOrder);
        assert!(
            stream
                .missing
                .as_ref()
                .is_some_and(|missing| missing.len() <= 1_000_000 / 64 + 1)
        );
        assert_eq!(stream.receive(63), Receipt::Late);
        assert_eq!(stream.receive(63), Receipt::Duplicate);
    }

    #[test]
    fn a_gap_that_was_announced_is_not_counted_again_with_the_session() {
        let mut tally = Tally::new(1);
        for number in [0, 1, 4] {
            tally.receive(0, number);
        }
        // Two that were skipped, and three that were still to be skipped when the session went.
        tally.gap(2);
        tally.gap(3);
        tally.lose_session();
        tally.stand(|_| 10);
        for number in 10..13 {
            tally.receive(0, number);
        }
        let balance = tally.finish(|_| sent(15));
        assert_eq!((balance.gap_missed, balance.lost), (2 + 5, 2));
    }

    #[test]
    fn whoever_hears_nobody_loses_nothing() {
        let mut tally = Tally::new(0);
        tally.lose_session();
        tally.stand(|_| 0);
        assert!(tally.finish(|_| sent(9)).is_perfect());
    }

    #[test]
    fn perfect_means_perfect() {
        let mut oracle = Oracle::new([1, 1]);
        for subscriber in 0..2 {
            for number in 0..5 {
                oracle.tally(subscriber).receive(0, number);
            }
        }
        assert!(oracle.finish(|_, _| sent(5)).is_perfect());
        assert!(!oracle.finish(|_, _| sent(6)).is_perfect());
        oracle.tally(1).corrupted();
        assert!(!oracle.finish(|_, _| sent(5)).is_perfect());
    }
}
