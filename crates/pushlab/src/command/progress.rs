//! What a run says while it runs, on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use load::Phase;
use measure::Measurement;
use report::duration;
use scenario::{Case, Scenario};

/// How often the bar is drawn anew: rarely, since it takes a little of a measured machine.
const TICK: Duration = Duration::from_millis(250);

/// The progress of one scenario.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// None in a search, which doesn't know.
    cases: Option<usize>,
    begun: usize,
}

impl Progress {
    /// Begins with the scenario's question.
    pub(crate) fn new(scenario: &Scenario, cases: Option<usize>) -> Self {
        eprintln!("{}: {}", scenario.name, scenario.question);
        let arms = scenario.transports.join(", ");
        let each = duration(scenario.duration.as_nanos() as f64);
        // Half of the warm-up is always spent.
        let least = (scenario.warm_up / 2 + scenario.duration).as_secs_f64();
        match (cases, &scenario.find, &scenario.sweep) {
            (Some(cases), _, Some(sweep)) => eprintln!(
                "  {arms} at {} points x {} trials, {each} measured each: at least {:.0} s",
                sweep.points.len(),
                scenario.trials,
                least * cases as f64
            ),
            (Some(cases), ..) => eprintln!(
                "  {arms} x {} trials, {each} measured each: at least {:.0} s",
                scenario.trials,
                least * cases as f64
            ),
            (None, Some(find), _) => {
                eprintln!("  {arms}: {}, {each} measured at a time", find.text);
            }
            (None, None, _) => eprintln!("  {arms}"),
        }
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                cases.map(|cases| cases as u64),
                ProgressDrawTarget::stderr_with_hz(4),
            );
            let style = ProgressStyle::with_template(if cases.is_some() {
                "  {bar:30} {pos}/{len}  {elapsed_precise}  {msg}"
            } else {
                "  {spinner} {pos}  {elapsed_precise}  {msg}"
            });
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            bar,
            cases,
            begun: 0,
        }
    }

    /// Says nothing.
    pub(crate) fn silent() -> Self {
        Self {
            bar: None,
            cases: None,
            begun: 0,
        }
    }

    /// A case begins.
    pub(crate) fn begin(&mut self, case: &Case) {
        self.begun += 1;
        if let Some(bar) = &self.bar {
            bar.set_message(name(case));
        }
    }

    /// So many cases are to be measured again.
    pub(crate) fn expect_more(&mut self, cases: usize) {
        if let Some(all) = &mut self.cases {
            *all += cases;
        }
        if let Some(bar) = self.bar.as_ref().filter(|_| cases > 0) {
            bar.inc_length(cases as u64);
        }
    }

    /// A case was measured before.
    pub(crate) fn skip(&mut self) {
        self.begun += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// What the running case is doing; called some times a second.
    pub(crate) fn tell(&self, case: &Case, now: &load::Progress) {
        let Some(bar) = &self.bar else { return };
        let doing = match now.phase {
            Phase::Connecting => format!("connecting {}/{}", now.connected, now.sessions),
            Phase::WarmUp => "warm-up".to_owned(),
            Phase::Measuring => {
                let latency = now
                    .latency
                    .map(|figures| format!(", p50 {}", duration(figures.p50_ns as f64)));
                format!("measuring{}", latency.unwrap_or_default())
            }
            Phase::Draining => "draining".to_owned(),
        };
        let errors = if now.errors > 0 {
            format!(", {} errors", now.errors)
        } else {
            String::new()
        };
        bar.set_message(format!("{}: {doing}{errors}", name(case)));
    }

    /// A case has ended.
    pub(crate) fn end(&self, measurement: &Measurement) {
        let key = &measurement.key;
        let ended = match measurement.outcome.reason() {
            "" if measurement.outcome.word() == "completed" => {
                measurement.verdict.word().to_owned()
            }
            "" => measurement.outcome.word().to_owned(),
            reason => format!("failed: {reason}"),
        };
        let median = measurement
            .headline()
            .map(|figures| format!("p50 {}, ", duration(figures.p50_ns as f64)));
        let of = self.cases.map_or(String::new(), |all| format!("/{all}"));
        let line = format!(
            "  [{}{of}] {}: {}{ended}",
            self.begun,
            named(&key.arm, &key.point, key.trial, key.attempt),
            median.unwrap_or_default()
        );
        match &self.bar {
            // The bar's own count says the same; only what went wrong is worth a line.
            Some(bar) if measurement.verdict.is_valid() => bar.inc(1),
            Some(bar) => {
                bar.println(line);
                bar.inc(1);
            }
            None => eprintln!("{line}"),
        }
    }

    /// All cases have ended.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn name(case: &Case) -> String {
    named(&case.transport, &case.point, case.trial, case.attempt)
}

fn named(arm: &str, point: &str, trial: u32, attempt: u32) -> String {
    let at = if point.is_empty() {
        String::new()
    } else {
        format!(" at {point}")
    };
    let again = if attempt > 1 {
        format!(", attempt {attempt}")
    } else {
        String::new()
    };
    format!("{arm}{at} trial {trial}{again}")
}
