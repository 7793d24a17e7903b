//! The delivery oracle: for each (subscriber, publisher) what was expected and what came, exactly.
//!
//! Each publisher numbers its messages 0, 1, 2, … A [`Tally`] keeps one [`Stream`] a publisher a subscriber hears.
//! In order, a receipt costs one comparison; a jump ahead notes the numbers skipped, 64 to a word, so that each
//! number is noted at most once: exact, and O(1) amortised over the numbers published.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// What became of every message to every subscriber, warm-up included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Published, once for each subscriber that should have it.
    pub expected: u64,
    /// Received, each once.
    pub delivered: u64,
    /// Neither received nor announced as missed: silent losses.
    pub lost: u64,
    /// Received once more than once is right.
    pub duplicated: u64,
    /// Received after a later one of the same publisher.
    pub reordered: u64,
    /// Not received, but announced by a `gap`.
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

/// What one subscriber received.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    streams: Vec<Stream>,
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

    /// The balance when `expected` messages were published for this subscriber.
    pub fn finish(&self, expected: u64) -> Delivery {
        let absent = expected.saturating_sub(self.delivered);
        let gap_missed = absent.min(self.announced);
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

    /// The balance; `expected` says how many messages were published for each subscriber.
    pub fn finish(&self, expected: impl Fn(usize) -> u64) -> Delivery {
        let balances = self
            .tallies
            .iter()
            .enumerate()
            .map(|(subscriber, tally)| tally.finish(expected(subscriber)));
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

    proptest! {
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
            prop_assert_eq!(tally.finish(300), naive(&received, announced, 300));
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
            prop_assert_eq!(tally.finish(210), sum);
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
    fn perfect_means_perfect() {
        let mut oracle = Oracle::new([1, 1]);
        for subscriber in 0..2 {
            for number in 0..5 {
                oracle.tally(subscriber).receive(0, number);
            }
        }
        assert!(oracle.finish(|_| 5).is_perfect());
        assert!(!oracle.finish(|_| 6).is_perfect());
        oracle.tally(1).corrupted();
        assert!(!oracle.finish(|_| 5).is_perfect());
    }
}
