//! A source of events: an open loop, which publishes when it is due and asks nobody whether they can keep up.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hub::{Audience, Command, Door, Refused, Session};
use measure::now;
use serde::Serialize;
use tokio::task::{AbortHandle, spawn_local, yield_now};
use tokio::time::{Instant, sleep_until};

use super::outbox::Outbox;
use super::schedule::Schedule;
use super::{ROOM, ask, microseconds};

/// Publishes to the room, as a session without a wire.
#[derive(Debug)]
pub(super) struct Publisher {
    session: Session,
    outbox: Arc<Outbox>,
    /// Events so far; each has its number.
    count: Cell<u64>,
}

/// Told of each event.
#[derive(Serialize)]
#[serde(tag = "op", rename = "published")]
struct Published<'a> {
    n: u64,
    at_us: f64,
    event: &'a str,
}

/// What a source does; `rate` is 0 when it does nothing any more.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "op", rename = "source")]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    source: &'a ask::Source,
}

impl<'a> Told<'a> {
    pub(super) fn new(source: &'a ask::Source) -> Self {
        Self { source }
    }
}

/// The event of a source.
const TICK: &str = "tick";

/// Publishes that are made before others have a turn, when many are overdue.
const AT_ONCE: u32 = 64;

impl Publisher {
    /// Its session is one of the hub behind `door`.
    ///
    /// # Errors
    /// The hub takes no more.
    pub(super) fn new(door: &Door, outbox: Arc<Outbox>) -> Result<Self, Refused> {
        Ok(Self {
            session: door.open()?,
            outbox,
            count: Cell::new(0),
        })
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// The hub refuses.
    pub(super) fn publish(&self, event: &str, data: &str) -> Result<(), Refused> {
        let at = now();
        self.session.apply(&[emit(event, data)])?;
        self.tell(event, at);
        Ok(())
    }

    /// Publishes `burst` ticks at once, with `payload` bytes of data each or as few as their number and time take.
    fn tick(&self, burst: u32, payload: usize) -> Result<(), Refused> {
        let at = now();
        let first = self.count.get() + 1;
        let data: Vec<String> = (first..first + u64::from(burst))
            .map(|n| tick(n, at, payload))
            .collect();
        let commands: Vec<Command<'_>> = data.iter().map(|data| emit(TICK, data)).collect();
        self.session.apply(&commands)?;
        (0..burst).for_each(|_| self.tell(TICK, at));
        Ok(())
    }

    fn tell(&self, event: &str, at: u64) {
        let n = self.count.get() + 1;
        self.count.set(n);
        let at_us = microseconds(at);
        self.outbox.tell(&Published { n, at_us, event });
    }
}

fn emit<'a>(event: &'a str, data: &'a str) -> Command<'a> {
    Command::Emit {
        to: Audience::Room(ROOM.into()),
        event: event.into(),
        data,
    }
}

/// A tick's data.
fn tick(n: u64, at: u64, payload: usize) -> String {
    let (whole, part) = (at / 1000, at % 1000);
    let bare = format!(r#"{{"n":{n},"at_us":{whole}.{part:03},"pad":""}}"#);
    let pad = payload.saturating_sub(bare.len());
    let end = bare.len() - 2;
    format!("{}{}{}", &bare[..end], "x".repeat(pad), &bare[end..])
}

/// A source that runs. It stops when this is dropped.
#[derive(Debug)]
pub(super) struct Source(AbortHandle);

impl Source {
    /// Publishes as `asked` from now on; tells when it has come to its end.
    pub(super) fn start(
        asked: ask::Source,
        publisher: Rc<Publisher>,
        ended: Rc<Cell<bool>>,
    ) -> Self {
        let task = spawn_local(async move {
            if let Err(refused) = run(&asked, &publisher).await {
                let message = format!("the source has ended: {refused}");
                publisher.outbox.tell(&super::run::Failed::new(&message));
            }
            ended.set(true);
            let silent = ask::Source { rate: 0.0, ..asked };
            publisher.outbox.tell(&Told::new(&silent));
        });
        Self(task.abort_handle())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(asked: &ask::Source, publisher: &Publisher) -> Result<(), Refused> {
    let start = Instant::now();
    let mut at_once = 0;
    for due in Schedule::new(asked) {
        let due = start + Duration::from_nanos(due);
        if due > Instant::now() {
            sleep_until(due).await;
            at_once = 0;
        } else if at_once == AT_ONCE {
            yield_now().await;
            at_once = 0;
        }
        at_once += 1;
        publisher.tick(asked.burst, asked.payload)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_has_as_many_bytes_as_are_asked_for() {
        for payload in [0, 10, 64, 1000] {
            let data = tick(7, 123_456_789_012, payload);
            let value: serde_json::Value = serde_json::from_str(&data).unwrap();
            assert_eq!(value["n"], 7);
            assert_eq!(value["at_us"], 123_456_789.012);
            assert!(data.len() == payload || payload < 45, "{payload}: {data}");
        }
    }
}
