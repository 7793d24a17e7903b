//! When a short-polling client asks.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};
use transport::http::client::Polls;
use transport::{ClientOptions, PollPacing, Welcome};

/// The pace of a client's polls. Each client begins at a moment of its own within the first interval, so that many don't ask in step.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    pacing: PollPacing,
    due: Instant,
    /// `None` for a client that never polls.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// The pace that `options` ask for.
    pub fn new(options: &ClientOptions, welcome: &Welcome) -> Self {
        // tokio's timer has a resolution of 1 ms, and an interval of nothing would never let go of the processor.
        let interval = options.poll_interval.max(Duration::from_millis(1));
        let mut hasher = DefaultHasher::new();
        welcome.session.hash(&mut hasher);
        let phase = interval.mul_f64((hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64);
        let due = Instant::now() + phase;
        let sleep = options.polls.then(|| Box::pin(sleep_until(due)));
        Self {
            interval,
            pacing: options.poll_pacing,
            due,
            sleep,
        }
    }

    fn wait_until(&mut self, due: Instant) {
        self.due = due;
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(due);
        }
    }
}

impl Polls for Pace {
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = &mut self.sleep else {
            return Poll::Pending;
        };
        ready!(sleep.as_mut().poll(cx));
        if self.pacing == PollPacing::FixedRate {
            self.wait_until(next_on_grid(self.due, self.interval, Instant::now()));
        }
        Poll::Ready(())
    }

    fn answered(&mut self) {
        if self.pacing == PollPacing::FixedDelay {
            self.wait_until(Instant::now() + self.interval);
        }
    }

    fn parameters(&self) -> &'static str {
        ""
    }
}

/// The first moment after `now` that lies a whole number of intervals behind `due`: a late poll doesn't shift the next ones, and missed ones are
/// not made up for.
fn next_on_grid(due: Instant, interval: Duration, now: Instant) -> Instant {
    let missed = now.saturating_duration_since(due).as_nanos() / interval.as_nanos().max(1);
    due + interval * u32::try_from(missed + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_rate_keeps_its_grid() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        for (now, next) in [
            (0, 50),
            (3, 50),
            (49, 50),
            (50, 100),
            (120, 150),
            (1_000, 1_050),
        ] {
            assert_eq!(
                next_on_grid(start, ms(50), start + ms(now)),
                start + ms(next),
                "at {now} ms"
            );
        }
    }
}
