//! A scenario as the list of its cases.

use std::sync::Arc;

use crate::Scenario;

/// One arm at one point in one trial: the unit that is run and that leaves a row.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is run: the scenario of the point.
    pub scenario: Arc<Scenario>,
    /// The arm.
    pub transport: String,
    /// The label of the point of a sweep or search; empty without one.
    pub point: String,
    /// Counted from 1.
    pub trial: u32,
    /// How often this case has been tried, counted from 1.
    pub attempt: u32,
    /// The seed of this trial's arrivals. All arms of a trial share it, at every point, so that they meet the same schedule.
    pub seed: u64,
}

impl Scenario {
    /// Every case in the order in which to run it: trial by trial, and within each pair of trials all pairs of an arm and a
    /// point are shuffled (seeded) for the first and reversed for the second (ABBA), so that a drift of the machine favours
    /// no arm and no point.
    pub fn cases(&self) -> Vec<Case> {
        let points: Vec<(&str, Arc<Scenario>)> = match &self.sweep {
            Some(sweep) => sweep
                .points
                .iter()
                .map(|point| (point.label.as_str(), Arc::new(point.scenario.clone())))
                .collect(),
            None => vec![("", Arc::new(self.clone()))],
        };
        let mut random = SplitMix(self.seed);
        let mut order: Vec<(usize, usize)> = (0..points.len())
            .flat_map(|point| (0..self.transports.len()).map(move |arm| (arm, point)))
            .collect();
        let mut cases = Vec::new();
        for trial in 1..=self.trials {
            if trial % 2 == 1 {
                shuffle(&mut order, &mut random);
            } else {
                order.reverse();
            }
            let seed = random.next();
            cases.extend(order.iter().map(|&(arm, point)| Case {
                scenario: Arc::clone(&points[point].1),
                transport: self.transports[arm].clone(),
                point: points[point].0.to_owned(),
                trial,
                attempt: 1,
                seed,
            }));
        }
        cases
    }
}

/// Fisher and Yates, from the back.
fn shuffle<T>(order: &mut [T], random: &mut SplitMix) {
    for last in (1..order.len()).rev() {
        let pick = (random.next() % (last as u64 + 1)) as usize;
        order.swap(last, pick);
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): a few lines, and the same order on every platform and version.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use crate::{ArmInfo, Scenario, parse};

    fn scenario(arms: &[&str]) -> Scenario {
        let arms: Vec<ArmInfo<'_>> = arms
            .iter()
            .map(|name| ArmInfo {
                name,
                network: true,
                options: &[],
            })
            .collect();
        let text = "name = 'x'\nquestion = 'x'\nkind = 'idle'\nduration = '1s'\ntrials = 6\npopulation.clients = 1";
        parse(text, "x.toml", &arms).unwrap()
    }

    fn order(scenario: &Scenario) -> Vec<(u32, String)> {
        scenario
            .cases()
            .into_iter()
            .map(|case| (case.trial, case.transport))
            .collect()
    }

    #[test]
    fn every_arm_runs_once_a_trial_and_pairs_are_mirrored() {
        let scenario = scenario(&["a", "b", "c"]);
        let order = order(&scenario);
        assert_eq!(order.len(), 18);
        for (index, block) in order.chunks(3).enumerate() {
            assert!(block.iter().all(|(trial, _)| *trial as usize == index + 1));
            let mut names: Vec<&str> = block.iter().map(|(_, name)| name.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, ["a", "b", "c"]);
        }
        for pair in order.chunks(6) {
            let there = pair[..3].iter().map(|(_, name)| name);
            let back = pair[3..].iter().rev().map(|(_, name)| name);
            assert!(there.eq(back));
        }
    }

    #[test]
    fn the_order_of_a_seed_stays() {
        let arms = ["inproc", "request-response", "long-poll", "websocket"];
        let order: Vec<String> = scenario(&arms)
            .cases()
            .into_iter()
            .take(12)
            .map(|case| format!("{}#{}", case.transport, case.trial))
            .collect();
        // From the manifest of results/20261124T011541-234Z-tour-echo-44361f2.
        let kept = "long-poll#1 inproc#1 websocket#1 request-response#1 request-response#2 websocket#2 inproc#2 long-poll#2 \
                    inproc#3 websocket#3 long-poll#3 request-response#3";
        assert_eq!(order.join(" "), kept);
    }

    #[test]
    fn the_seed_decides() {
        let scenario = scenario(&["a", "b", "c", "d"]);
        assert_eq!(order(&scenario), order(&scenario.clone()));
        assert!((2..20).any(|seed| order(&scenario.clone().with_seed(seed)) != order(&scenario)));
        let cases = scenario.cases();
        assert_eq!(
            cases[0].seed, cases[3].seed,
            "the arms of a trial meet the same schedule"
        );
        assert_ne!(cases[0].seed, cases[4].seed, "trials differ");
    }

    #[test]
    fn quick_shortens_and_says_so() {
        let quick = scenario(&["a"]).quick();
        assert!(quick.quick);
        assert_eq!(
            (
                quick.trials,
                quick.duration.as_secs_f64(),
                quick.warm_up.as_secs_f64()
            ),
            (2, 1.0, 0.25)
        );
    }
}
