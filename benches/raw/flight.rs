//! The publishes of a closed-loop broadcast.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The publishes in flight, oldest first: who still lacks them, and since when.
pub struct Flight {
    subscribers: usize,
    oldest: u64,
    lacking: VecDeque<(usize, Instant)>,
}

impl Flight {
    /// `in_flight` publishes that were sent just now to so many subscribers.
    pub fn new(subscribers: usize, in_flight: usize, now: Instant) -> Self {
        Self {
            subscribers,
            oldest: 0,
            lacking: VecDeque::from(vec![(subscribers, now); in_flight]),
        }
    }

    /// One more subscriber has the publish of this number, counted from 0.
    pub fn delivered(&mut self, number: u64) {
        self.lacking[(number - self.oldest) as usize].0 -= 1;
    }

    /// Takes off the oldest publish if it is complete, and puts a new one behind the youngest;
    /// the answer is how long it took.
    pub fn complete(&mut self, now: Instant) -> Option<Duration> {
        let &(lacking, sent) = self.lacking.front()?;
        if lacking > 0 {
            return None;
        }
        self.lacking.pop_front();
        self.oldest += 1;
        self.lacking.push_back((self.subscribers, now));
        Some(now - sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_is_complete_when_all_have_it_and_the_next_takes_its_place() {
        let start = Instant::now();
        let later = start + Duration::from_millis(5);
        let mut flight = Flight::new(2, 2, start);
        flight.delivered(0);
        flight.delivered(1);
        assert_eq!(flight.complete(later), None);
        flight.delivered(0);
        assert_eq!(flight.complete(later), Some(Duration::from_millis(5)));
        assert_eq!(flight.complete(later), None);
        flight.delivered(1);
        flight.delivered(2);
        flight.delivered(2);
        assert_eq!(flight.complete(later), Some(Duration::from_millis(5)));
        assert_eq!(flight.complete(later), Some(Duration::ZERO));
    }
}
