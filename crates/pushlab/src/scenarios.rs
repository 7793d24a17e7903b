//! The scenarios that the binary carries, and how a command finds one.

use std::path::Path;

use scenario::{Scenario, ScenarioError};

use crate::registry;

/// A scenario within the binary, so that it is there in whichever folder pushlab runs.
pub(crate) struct BuiltIn {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(BuiltIn {
            name: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/", $name, ".toml")),
        }),*]
    };
}

/// All of them, in the order in which they are listed.
pub(crate) const BUILT_IN: &[BuiltIn] = built_in![
    "echo",
    "broadcast",
    "rooms",
    "chat",
    "private",
    "idle",
    "sweep-rate",
    "sweep-payload",
    "slo-rate",
    "map-rate-rtt",
    "tour-echo",
    "tour-broadcast",
    "peers-echo",
    "peers-broadcast",
    "peers-idle",
    "faults/server-killed",
    "faults/server-frozen",
    "faults/storm",
    "faults/storm-jitter",
    "faults/stalled-link",
    "faults/cut-mid-message",
    "faults/burst-in-the-gap",
    "faults/slow-consumer-disconnect",
    "faults/slow-consumer-drop-oldest",
    "faults/slow-consumer-conflate",
];

/// Those of `pushlab claims`.
pub(crate) const CLAIMS: &[BuiltIn] = built_in![
    "claims/lesson-2-fresh",
    "claims/lesson-2-kept",
    "claims/lesson-2-tls",
    "claims/lesson-3",
    "claims/lesson-4",
    "claims/lesson-5",
    "claims/lesson-6",
    "claims/lesson-7",
    "claims/lesson-8",
    "claims/lesson-9-delay-kept",
    "claims/lesson-9-delay-fresh",
    "claims/lesson-9-rate-kept",
    "claims/lesson-9-rate-fresh",
    "claims/lesson-13",
    "claims/lesson-14-cursor",
    "claims/lesson-14-no-cursor",
    "claims/lesson-15-jitter",
    "claims/lesson-15-spike",
    "claims/agarwal",
    "claims/bozdag",
    "claims/signalr",
    "claims/signalr-unbatched",
    "claims/webtide",
];

/// What `pushlab` runs when it isn't told.
pub(crate) const TOUR: [&str; 2] = ["tour-echo", "tour-broadcast"];

/// The scenario in file `path`; if there is no such file, the built-in one of that name.
///
/// # Errors
/// Neither exists, or it isn't a scenario.
pub(crate) fn find(path: &Path) -> Result<Scenario, ScenarioError> {
    match built_in(path) {
        Some(built_in) if !path.exists() => built_in.parse(),
        _ => scenario::load(path, &registry::arms()),
    }
}

impl BuiltIn {
    pub(crate) fn parse(&self) -> Result<Scenario, ScenarioError> {
        scenario::parse(
            self.text,
            &format!("{}.toml (built in)", self.name),
            &registry::arms(),
        )
    }
}

fn built_in(path: &Path) -> Option<&'static BuiltIn> {
    BUILT_IN
        .iter()
        .chain(CLAIMS)
        .find(|built_in| path.as_os_str() == built_in.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_built_in_scenarios_are_right() {
        for built_in in BUILT_IN.iter().chain(CLAIMS) {
            let scenario = built_in.parse().unwrap_or_else(|error| panic!("{error}"));
            let (_, name) = built_in.name.split_once('/').unwrap_or(("", built_in.name));
            assert_eq!(scenario.name, name);
        }
        for name in TOUR {
            assert!(find(Path::new(name)).is_ok());
        }
    }
}
