//! What the self-test says while it runs, on standard error: a bar on a terminal, and a line a check everywhere.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use load::Phase;
use report::duration;

/// How often the bar is drawn anew: rarely, since it takes a little of a measured machine.
const TICK: Duration = Duration::from_millis(250);

/// The progress of a self-test.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    checks: usize,
    current: RefCell<(usize, &'static str, Instant)>,
}

impl Progress {
    /// Begins.
    pub(super) fn new(checks: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(checks as u64),
                ProgressDrawTarget::stderr_with_hz(4),
            );
            let style =
                ProgressStyle::with_template("  {bar:30} {pos}/{len}  {elapsed_precise}  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            bar,
            checks,
            current: RefCell::new((0, "", Instant::now())),
        }
    }

    /// A check begins.
    pub(super) fn begin(&self, name: &'static str, asks: &str) {
        let number = self.current.borrow().0 + 1;
        self.current.replace((number, name, Instant::now()));
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{name}: {asks}"));
        }
    }

    /// What the running case is doing; called some times a second.
    pub(super) fn tell(&self, now: &load::Progress) {
        let Some(bar) = &self.bar else { return };
        let name = self.current.borrow().1;
        let doing = match now.phase {
            Phase::Connecting => "connecting".to_owned(),
            Phase::WarmUp => "warm-up".to_owned(),
            Phase::Measuring => format!("measuring, {}", duration(now.elapsed.as_nanos() as f64)),
            Phase::Draining => "draining".to_owned(),
        };
        bar.set_message(format!("{name}: {doing}"));
    }

    /// A check has ended: how, in a few words.
    pub(super) fn end(&self, how: &str) {
        let (number, name, began) = *self.current.borrow();
        let seconds = began.elapsed().as_secs_f64();
        self.say(&format!(
            "[{number}/{}] {name}: {how}, {seconds:.1} s",
            self.checks
        ));
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// A line.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("  {line}")),
            // With standard error closed there is no one left to tell.
            None => drop(writeln!(std::io::stderr(), "  {line}")),
        }
    }

    /// All checks have ended.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
