//! A generator that is given too little of its CPU must say so.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use measure::selftest::Row;

use super::lab::{Around, Ask, Halt, Kind, Lab};
use crate::cpus;

const NAME: &str = "starved";

/// A hog ends by itself after this, so that not even a scheduler that gives the generator nothing at all can hang the self-test.
const LONGEST: Duration = Duration::from_secs(10);

/// Threads that take the generator's CPU from it.
const HOGS: usize = 3;

pub(super) fn run(lab: &Lab<'_>) -> Result<Vec<Row>, Halt> {
    let ask = Ask {
        kind: Kind::Constant(5000),
        duration: lab.either(Duration::from_secs(1), Duration::from_secs(2)),
        clients: 50,
        seed: 40,
    };
    let server = lab.server(&ask)?;
    // From the measured part on: whether sessions come about is another question.
    let mut hogs = None;
    let around = Around {
        begun: Some(Box::new(|| hogs = Some(Hogs::start(&lab.pins.generator)))),
        drain: None,
    };
    let seen = lab.real(&server, &ask, around)?;
    drop(hogs.transpose()?);
    server.stop()?;
    let verdict = seen.measurement.verdict.word();
    Ok(vec![judge(verdict, seen.disturbance())])
}

fn judge(verdict: &str, guards: Option<String>) -> Row {
    let named = guards.is_some();
    let what = "verdict on a generator without its CPU";
    let row = Row::words(NAME, what, "invalid", verdict);
    let note = guards.unwrap_or_else(|| "no guard of the generator is named".to_owned());
    Row {
        passed: row.passed && named,
        ..row
    }
    .noted(note)
}

/// Threads that spin until they are dropped.
struct Hogs {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Hogs {
    fn start(cpus: &[u32]) -> io::Result<Self> {
        let mut hogs = Self {
            over: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
        };
        for _ in 0..HOGS {
            let (over, cpus) = (Arc::clone(&hogs.over), cpus.to_vec());
            let spin = move || {
                // Left anywhere, they take too little, and the check says so.
                if !cpus.is_empty() {
                    let _ = cpus::pin(&cpus);
                }
                let began = Instant::now();
                while !over.load(Ordering::Relaxed) && began.elapsed() < LONGEST {
                    std::hint::spin_loop();
                }
            };
            let thread = thread::Builder::new().name("hog".into()).spawn(spin)?;
            hogs.threads.push(thread);
        }
        Ok(hogs)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_names_the_generator_passes() {
        assert!(judge("invalid", Some("slip-p99 900 us".into())).passed);
        assert!(!judge("invalid", None).passed, "the server was blamed");
        assert!(!judge("valid", None).passed);
    }
}
