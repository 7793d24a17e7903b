//! What was sent and not yet received by all who should.

use std::collections::VecDeque;

/// One message under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    /// When it was to be sent. All times in nanoseconds of [`measure::now`].
    pub(crate) intended: u64,
    /// When it was handed to the transport.
    pub(crate) sent: u64,
    /// How many should have it.
    pub(crate) receivers: u32,
    /// How many have it.
    pub(crate) received: u32,
    /// When the first of them had it.
    pub(crate) first: u64,
    /// When half of them had it.
    pub(crate) median: u64,
    /// Whether it may never be received by all, since a connection broke.
    doubted: bool,
}

/// The messages of one sender, by number. Numbers follow each other, so the table is a queue: finding is indexing, and
/// what is done leaves at the front.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    base: u64,
    open: VecDeque<Open>,
    pending: u64,
    /// Of these, the doubted ones.
    doubted: u64,
}

/// What a receipt led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is no such message, or all have had it before.
    Unknown,
    /// Some are still to receive it.
    Partial,
    /// The last one has it now.
    Done(Open),
}

impl Outstanding {
    /// A message was sent; its number is the count of those before it.
    pub(crate) fn send(&mut self, intended: u64, sent: u64, receivers: u32) -> u64 {
        let number = self.base + self.open.len() as u64;
        self.open.push_back(Open {
            intended,
            sent,
            receivers,
            received: 0,
            first: 0,
            median: 0,
            doubted: false,
        });
        self.pending += u64::from(receivers > 0);
        number
    }

    /// How many were ever sent.
    pub(crate) fn sent(&self) -> u64 {
        self.base + self.open.len() as u64
    }

    /// How many are not with all receivers, and may still get there.
    pub(crate) fn awaited(&self) -> u64 {
        self.pending - self.doubted
    }

    /// A connection broke: whatever is under way may never be received by all. Nobody is to wait for it.
    pub(crate) fn doubt(&mut self) {
        let open = self.open.iter_mut().filter(|open| !open.is_done());
        open.for_each(|open| open.doubted = true);
        self.doubted = self.pending;
    }

    /// The numbers in `from..until` that no receiver has.
    pub(crate) fn untouched(&self, (from, until): (u64, u64)) -> impl Iterator<Item = u64> {
        let numbers = (self.base..).zip(&self.open);
        numbers
            .filter(move |(number, open)| {
                (from..until).contains(number) && open.received == 0 && open.receivers > 0
            })
            .map(|(number, _)| number)
    }

    /// When message `number` was to be sent, if it is still under way.
    pub(crate) fn intended(&self, number: u64) -> Option<u64> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.open
            .get(index)
            .filter(|open| !open.is_done())
            .map(|open| open.intended)
    }

    /// One more receiver has message `number`, at `at`.
    #[inline]
    pub(crate) fn receive(&mut self, number: u64, at: u64) -> Step {
        let Some(index) = number.checked_sub(self.base) else {
            return Step::Unknown;
        };
        let Some(open) = self
            .open
            .get_mut(index as usize)
            .filter(|open| !open.is_done())
        else {
            return Step::Unknown;
        };
        open.received += 1;
        if open.received == 1 {
            open.first = at;
        }
        if open.received == open.receivers.div_ceil(2) {
            open.median = at;
        }
        if !open.is_done() {
            return Step::Partial;
        }
        let done = *open;
        self.pending -= 1;
        self.doubted -= u64::from(done.doubted);
        while self.open.front().is_some_and(Open::is_done) {
            self.open.pop_front();
            self.base += 1;
        }
        Step::Done(done)
    }

    /// Those that some receiver never got.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &Open> {
        self.open.iter().filter(|open| !open.is_done())
    }
}

impl Open {
    /// When the first and half of the receivers had it, as far as they have.
    pub(crate) fn reached(&self) -> (Option<u64>, Option<u64>) {
        let reached = |count: u32, at: u64| (self.received >= count).then_some(at);
        (
            reached(1, self.first),
            reached(self.receivers.div_ceil(2), self.median),
        )
    }

    fn is_done(&self) -> bool {
        self.received >= self.receivers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_half_and_last() {
        let mut table = Outstanding::default();
        assert_eq!(table.send(10, 11, 5), 0);
        for at in [20, 30, 40, 50] {
            assert_eq!(table.receive(0, at), Step::Partial);
        }
        let Step::Done(done) = table.receive(0, 60) else {
            panic!("not done")
        };
        assert_eq!(
            (done.intended, done.sent, done.first, done.median),
            (10, 11, 20, 40)
        );
        assert_eq!(table.receive(0, 70), Step::Unknown);
        assert_eq!(table.awaited(), 0);
    }

    #[test]
    fn nobody_waits_for_what_is_in_doubt() {
        let mut table = Outstanding::default();
        for number in 0..4 {
            table.send(number, number, 2);
        }
        table.receive(1, 9);
        table.receive(2, 9);
        table.receive(2, 9);
        table.doubt();
        assert_eq!(table.awaited(), 0);
        assert_eq!(table.untouched((0, 9)).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(table.untouched((1, 3)).count(), 0);
        table.send(4, 4, 2);
        assert_eq!(table.awaited(), 1);
        // It comes after all.
        table.receive(1, 10);
        table.receive(0, 10);
        table.receive(0, 10);
        assert_eq!(table.awaited(), 1);
        assert_eq!(table.untouched((0, 9)).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn out_of_order_and_unknown() {
        let mut table = Outstanding::default();
        for number in 0..3 {
            assert_eq!(table.send(number, number, 1), number);
        }
        assert!(matches!(table.receive(1, 9), Step::Done(_)));
        assert_eq!(table.receive(1, 9), Step::Unknown);
        assert_eq!(table.receive(7, 9), Step::Unknown);
        assert!(matches!(table.receive(0, 9), Step::Done(_)));
        assert_eq!(table.unfinished().count(), 1);
        assert_eq!((table.awaited(), table.sent()), (1, 3));
        assert!(matches!(table.receive(2, 9), Step::Done(_)));
        assert_eq!(table.send(3, 3, 1), 3);
    }
}
