//! What the command line may change in a scenario.

use std::time::Duration;

use crate::Scenario;

impl Scenario {
    /// Shortens the run to at most one measured second, 0.25 s of warm-up and two trials, and says so in
    /// [`Scenario::quick`]. Enough to see that everything works; too little for a number to be kept.
    pub fn quick(mut self) -> Self {
        self.duration = self.duration.min(Duration::from_secs(1));
        self.warm_up = self.warm_up.min(Duration::from_millis(250));
        self.trials = self.trials.min(2);
        self.quick = true;
        self
    }

    /// Runs these arms instead of the file's.
    pub fn with_transports(mut self, transports: Vec<String>) -> Self {
        self.transports = transports;
        self
    }

    /// Runs each arm this often.
    pub fn with_trials(mut self, trials: u32) -> Self {
        self.trials = trials;
        self
    }

    /// Uses another seed.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}
