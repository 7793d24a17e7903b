//! A link as one value of one flag, for `pushlab run` and the self-test: every detail of both directions, to the last digit.

use std::time::Duration;

use scenario::{Backend, JitterLaw, Link, Path};
use serde::{Deserialize, Serialize};

/// A [`Link`] on the command line.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exact {
    packets: bool,
    up: ExactPath,
    down: ExactPath,
    set_up: u32,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExactPath {
    delay: Duration,
    jitter: Duration,
    law: Law,
    bandwidth: Option<f64>,
    queue: usize,
    loss: f64,
    reorder: f64,
    duplicate: f64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Law {
    Normal,
    Uniform,
    Exponential,
}

impl Exact {
    /// All of `link` that the process that makes it needs.
    pub(crate) fn of(link: &Link) -> Self {
        Self {
            packets: link.backend == Backend::Packets,
            up: ExactPath::of(&link.up),
            down: ExactPath::of(&link.down),
            set_up: link.set_up,
        }
    }

    /// The flag's value.
    ///
    /// # Errors
    /// None that a link can have.
    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The link; whose connections go through it and what it is called are not its own business.
    pub(super) fn link(&self) -> Link {
        Link {
            backend: if self.packets {
                Backend::Packets
            } else {
                Backend::Relay
            },
            up: self.up.path(),
            down: self.down.path(),
            set_up: self.set_up,
            ..Link::default()
        }
    }
}

/// Reads what [`Exact::text`] gave.
pub(super) fn parse_exact(text: &str) -> Result<Exact, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl ExactPath {
    fn of(path: &Path) -> Self {
        Self {
            delay: path.delay,
            jitter: path.jitter,
            law: match path.law {
                JitterLaw::Normal => Law::Normal,
                JitterLaw::Uniform => Law::Uniform,
                JitterLaw::Exponential => Law::Exponential,
            },
            bandwidth: path.bandwidth,
            queue: path.queue,
            loss: path.loss,
            reorder: path.reorder,
            duplicate: path.duplicate,
        }
    }

    fn path(&self) -> Path {
        Path {
            delay: self.delay,
            jitter: self.jitter,
            law: match self.law {
                Law::Normal => JitterLaw::Normal,
                Law::Uniform => JitterLaw::Uniform,
                Law::Exponential => JitterLaw::Exponential,
            },
            bandwidth: self.bandwidth,
            queue: self.queue,
            loss: self.loss,
            reorder: self.reorder,
            duplicate: self.duplicate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detail_arrives() {
        for profile in scenario::PROFILES {
            let mut link = profile.link();
            link.up.loss = 0.1 + 0.2;
            link.down.delay += Duration::from_nanos(1);
            link.set_up = 3;
            let text = Exact::of(&link).text().unwrap();
            let back = parse_exact(&text).unwrap().link();
            assert_eq!(
                Link {
                    profile: link.profile,
                    ..back
                },
                link
            );
        }
        assert!(parse_exact("{}").is_err());
    }
}
