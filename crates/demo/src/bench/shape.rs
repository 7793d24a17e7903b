//! The link as pages write it: the same in both directions.

use std::time::Duration;

use scenario::{JitterLaw, Link, Path};
use serde::{Deserialize, Serialize};

/// What a link does to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shape {
    /// Both delays together, milliseconds.
    rtt_ms: f64,
    /// The standard deviation of each, milliseconds.
    jitter_ms: f64,
    /// How they scatter.
    law: Law,
    /// Of each direction, kbit/s; none: as fast as it goes.
    bandwidth_kbps: Option<f64>,
    /// Round trips before a connection carries its first byte.
    set_up: u32,
    /// Of the delays.
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Law {
    Normal,
    Uniform,
    Exponential,
}

impl Default for Shape {
    /// No delay and no limit: loopback, by way of a relay.
    fn default() -> Self {
        Self {
            rtt_ms: 0.0,
            jitter_ms: 0.0,
            law: Law::Normal,
            bandwidth_kbps: None,
            set_up: 1,
            seed: 1,
        }
    }
}

const LONGEST_MS: f64 = 10_000.0;
const MOST_KBPS: f64 = 10_000_000.0;
const MOST_SET_UP: u32 = 10;

impl Shape {
    /// Whether a link can be made of it.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (name, value) in [("rtt_ms", self.rtt_ms), ("jitter_ms", self.jitter_ms)] {
            if !(0.0..=LONGEST_MS).contains(&value) {
                return Err(format!("`{name}` is 0 to {LONGEST_MS} milliseconds"));
            }
        }
        if self
            .bandwidth_kbps
            .is_some_and(|kbps| !(1.0..=MOST_KBPS).contains(&kbps))
        {
            return Err(format!(
                "`bandwidth_kbps` is 1 to {MOST_KBPS} kbit/s, or null for no limit"
            ));
        }
        if self.set_up > MOST_SET_UP {
            return Err(format!("`set_up` is 0 to {MOST_SET_UP} round trips"));
        }
        Ok(())
    }

    /// The link.
    pub(crate) fn link(&self) -> Link {
        let path = Path {
            delay: milliseconds(self.rtt_ms / 2.0),
            jitter: milliseconds(self.jitter_ms),
            law: match self.law {
                Law::Normal => JitterLaw::Normal,
                Law::Uniform => JitterLaw::Uniform,
                Law::Exponential => JitterLaw::Exponential,
            },
            bandwidth: self.bandwidth_kbps.map(|kbps| kbps * 1e3),
            ..Path::CLEAR
        };
        Link {
            up: path,
            down: path,
            set_up: self.set_up,
            ..Link::default()
        }
    }
}

fn milliseconds(count: f64) -> Duration {
    Duration::from_secs_f64(count / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_half_of_the_round_trip_each_way() {
        let shape: Shape =
            serde_json::from_str(r#"{"rtt_ms":101,"jitter_ms":2,"bandwidth_kbps":384}"#).unwrap();
        assert_eq!(shape.check(), Ok(()));
        let link = shape.link();
        assert_eq!(link.round_trip(), Duration::from_millis(101));
        assert_eq!(link.up, link.down);
        assert_eq!(link.up.bandwidth, Some(384_000.0));
        for bad in [
            r#"{"rtt_ms":10001}"#,
            r#"{"jitter_ms":-0.1}"#,
            r#"{"bandwidth_kbps":0}"#,
            r#"{"set_up":11}"#,
        ] {
            let shape: Shape = serde_json::from_str(bad).unwrap();
            assert!(shape.check().is_err(), "{bad}");
        }
    }
}
