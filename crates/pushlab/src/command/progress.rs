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
    cases: usize,
    begun: usize,
}

impl Progress {
    /// Begins with the scenario's question.
    pub(crate) fn new(scenario: &Scenario, cases: usize) -> Self {
        let each = scenario.warm_up + scenario.duration;
        let about = each.as_secs_f64() * cases as f64;
        eprintln!("{}: {}", scenario.name, scenario.question);
        eprintln!(
            "  {} x {} trials, {} measured each: at least {about:.0} s",
            scenario.transports.join(", "),
            scenario.trials,
            duration(scenario.duration.as_nanos() as f64),
        );
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(cases as u64),
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
            cases,
            begun: 0,
        }
    }

    /// A case begins.
    pub(crate) fn begin(&mut self, case: &Case) {
        self.begun += 1;
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}, trial {}", case.transport, case.trial));
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
        bar.set_message(format!(
            "{}, trial {}: {doing}{errors}",
            case.transport, case.trial
        ));
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
        let line = format!(
            "  [{}/{}] {} trial {}: {}{ended}",
            self.begun,
            self.cases,
            key.arm,
            key.trial,
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
