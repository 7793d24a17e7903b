//! What the command line may change in a scenario.

use std::time::Duration;

use crate::{Profile, Scenario, Side};

impl Scenario {
    /// Shortens the run to at most one measured second, 0.25 s of warm-up and two trials, and says so in
    /// [`Scenario::quick`]. Faults, and how sessions come back from them, are on a clock that is as much faster. Enough to see that everything works; too little for a number to be kept.
    pub fn quick(mut self) -> Self {
        self.everywhere(|scenario| {
            let duration = scenario.duration.min(Duration::from_secs(1));
            if duration < scenario.duration {
                // What goes wrong in the middle of the measured part still does.
                let factor = duration.as_secs_f64() / scenario.duration.as_secs_f64();
                let faults = scenario.faults.iter_mut();
                faults.for_each(|fault| *fault = fault.scaled(factor));
                let reconnect = &mut scenario.reconnect;
                *reconnect = reconnect.map(|reconnect| reconnect.scaled(factor));
            }
            scenario.duration = duration;
            scenario.warm_up = scenario.warm_up.min(Duration::from_millis(250));
            scenario.trials = scenario.trials.min(2);
            scenario.quick = true;
        });
        self
    }

    /// Runs these arms instead of the file's. Expectations about others are left out: there is nothing to judge them by.
    pub fn with_transports(mut self, transports: &[String]) -> Self {
        let is_there = |side: &Side| match side {
            Side::Figure { arm: Some(arm), .. } => transports.contains(arm),
            _ => true,
        };
        self.expects
            .retain(|expect| is_there(&expect.left) && is_there(&expect.right));
        self.everywhere(|scenario| transports.clone_into(&mut scenario.transports));
        self
    }

    /// Runs each arm this often.
    pub fn with_trials(mut self, trials: u32) -> Self {
        self.everywhere(|scenario| scenario.trials = trials);
        self
    }

    /// Uses another seed.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.everywhere(|scenario| scenario.seed = seed);
        self
    }

    /// Puts this network between, instead of the file's.
    pub fn with_link(mut self, profile: &Profile) -> Self {
        self.everywhere(|scenario| scenario.link = Some(profile.link()));
        self
    }

    /// Changes the scenario and that of each point of its sweep.
    fn everywhere(&mut self, change: impl Fn(&mut Scenario)) {
        change(self);
        let points = self.sweep.iter_mut().flat_map(|sweep| &mut sweep.points);
        points.for_each(|point| change(&mut point.scenario));
    }
}
