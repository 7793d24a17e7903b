//! The network between the generator and the server: what it does to bytes or packets, and where it comes from.

use std::time::Duration;

/// A network between the clients of the generator and the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The named profile that it was made from, for a reader; none if every value is the scenario's own.
    pub profile: Option<&'static str>,
    /// What makes it.
    pub backend: Backend,
    /// Whose connections go through it; the others have loopback.
    pub between: Between,
    /// From the clients to the server.
    pub up: Path,
    /// From the server to the clients.
    pub down: Path,
    /// Round trips before a new connection carries its first byte: 1 is TCP, 3 is TCP with TLS 1.2, 2 with TLS 1.3. At packet level
    /// the kernel's own handshake is the one and more can't be had.
    pub set_up: u32,
}

/// One direction of a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// One-way delay; its mean, with jitter.
    pub delay: Duration,
    /// Standard deviation of the delay. A byte stream stays in order: what would overtake waits.
    pub jitter: Duration,
    /// The law of the jitter.
    pub law: JitterLaw,
    /// Bits of IP packets (relay: of the byte stream) a second; none: as fast as it goes.
    pub bandwidth: Option<f64>,
    /// Bytes that may wait for the bandwidth. A relay stops reading when it is full, a packet link drops (drop-tail).
    pub queue: usize,
    /// Share of packets that are lost, 0 to 1; independent of each other.
    pub loss: f64,
    /// Share of packets that are sent without delay, and so overtake others.
    pub reorder: f64,
    /// Share of packets that are sent twice.
    pub duplicate: f64,
}

/// What makes a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A process that takes connections and passes bytes on: needs no rights, can lose nothing.
    Relay,
    /// Network namespaces and a forwarder of IP packets: needs root; the kernel's TCP sees loss and recovers.
    Packets,
}

impl Backend {
    /// The name used in scenario files, flags and results.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Relay => "relay",
            Backend::Packets => "packets",
        }
    }
}

/// Whose connections go through a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Everyone's.
    All,
    /// Those of sessions that send; so what is measured is the way to the server alone.
    Senders,
    /// Those of sessions that only receive; so what is measured is the way from the server alone.
    Receivers,
}

impl Between {
    /// The name used in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Between::All => "all",
            Between::Senders => "senders",
            Between::Receivers => "receivers",
        }
    }
}

/// How delays scatter around their mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JitterLaw {
    /// Gaussian.
    Normal,
    /// Equally likely within `sqrt(3)` standard deviations.
    Uniform,
    /// Never less than the delay less the jitter, with a tail upwards: what a queue behind others' traffic does.
    Exponential,
}

impl JitterLaw {
    /// The name used in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            JitterLaw::Normal => "normal",
            JitterLaw::Uniform => "uniform",
            JitterLaw::Exponential => "exponential",
        }
    }
}

impl Path {
    /// Neither delay nor limit.
    pub const CLEAR: Path = Path {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        law: JitterLaw::Normal,
        bandwidth: None,
        queue: 64 * 1024,
        loss: 0.0,
        reorder: 0.0,
        duplicate: 0.0,
    };

    /// Whether packets come to harm, which only the packet level can do.
    pub fn harms_packets(&self) -> bool {
        self.loss > 0.0 || self.reorder > 0.0 || self.duplicate > 0.0
    }
}

impl Default for Link {
    /// A relay that does nothing, with TCP's one round trip to connect.
    fn default() -> Self {
        Self {
            profile: None,
            backend: Backend::Relay,
            between: Between::All,
            up: Path::CLEAR,
            down: Path::CLEAR,
            set_up: 1,
        }
    }
}

impl Link {
    /// Both delays together.
    pub fn round_trip(&self) -> Duration {
        self.up.delay + self.down.delay
    }
}

/// A link with a name.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// As written: `4g`.
    pub name: &'static str,
    /// What it stands for.
    pub title: &'static str,
    /// Where its numbers come from.
    pub source: &'static str,
    /// From the clients to the server.
    pub up: Path,
    /// From the server to the clients.
    pub down: Path,
}

impl Profile {
    /// A link like this.
    pub fn link(&self) -> Link {
        Link {
            profile: Some(self.name),
            up: self.up,
            down: self.down,
            ..Link::default()
        }
    }
}

/// The profile of that name.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// Half a round trip, so many microseconds of jitter, and kbit/s with the queue that holds them for `queue_ms`.
const fn path(
    delay_us: u64,
    jitter_us: u64,
    law: JitterLaw,
    kbit_per_s: u32,
    queue_ms: u32,
) -> Path {
    Path {
        delay: Duration::from_micros(delay_us),
        jitter: Duration::from_micros(jitter_us),
        law,
        bandwidth: Some(kbit_per_s as f64 * 1000.0),
        queue: (kbit_per_s as usize * queue_ms as usize) / 8,
        ..Path::CLEAR
    }
}

/// Every named profile, from near to far. None loses packets, so that each can be had without root; `loss` may be added.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "lan",
        title: "a wired office network",
        source: "0.3 ms round trip and 1 Gbit/s: switched Gigabit Ethernet (IEEE 802.3ab); the lab's own round value",
        up: path(150, 20, JitterLaw::Exponential, 1_000_000, 5),
        down: path(150, 20, JitterLaw::Exponential, 1_000_000, 5),
    },
    Profile {
        name: "fibre",
        title: "fibre to the home",
        source: "8 ms and 100/20 Mbit/s: the order of the FCC's Measuring Broadband America reports for fibre (latency of 8 to 12 ms); the lab's own round values",
        up: path(4_000, 300, JitterLaw::Exponential, 20_000, 50),
        down: path(4_000, 300, JitterLaw::Exponential, 100_000, 50),
    },
    Profile {
        name: "dsl",
        title: "ADSL2+ at the end of a long line",
        source: "50 ms and 1.5 Mbit/s down, 384 kbit/s up: the \"DSL\" preset of WebPageTest",
        up: path(25_000, 1_000, JitterLaw::Exponential, 384, 200),
        down: path(25_000, 1_000, JitterLaw::Exponential, 1_500, 200),
    },
    Profile {
        name: "4g",
        title: "LTE in town",
        source: "170 ms and 9 Mbit/s both ways: the \"4G\" preset of WebPageTest; the jitter is the lab's own",
        up: path(85_000, 5_000, JitterLaw::Normal, 9_000, 200),
        down: path(85_000, 5_000, JitterLaw::Normal, 9_000, 200),
    },
    Profile {
        name: "3g",
        title: "UMTS/HSPA",
        source: "300 ms, 1.6 Mbit/s down and 768 kbit/s up: the \"3G\" preset of WebPageTest; the jitter is the lab's own",
        up: path(150_000, 15_000, JitterLaw::Normal, 768, 300),
        down: path(150_000, 15_000, JitterLaw::Normal, 1_600, 300),
    },
    Profile {
        name: "satellite",
        title: "a geostationary satellite",
        source: "600 ms: four times 35,786 km at the speed of light are 477 ms, and the rest is access and ground; 25/3 Mbit/s as the FCC's benchmark of 2015",
        up: path(300_000, 10_000, JitterLaw::Normal, 3_000, 300),
        down: path(300_000, 10_000, JitterLaw::Normal, 25_000, 300),
    },
    Profile {
        name: "train",
        title: "a mobile network on a moving train",
        source: "the lab's own: 4g with a jitter of 40 ms and a third of its bandwidth; add `[[fault]]` stalls for tunnels",
        up: path(85_000, 40_000, JitterLaw::Exponential, 3_000, 500),
        down: path(85_000, 40_000, JitterLaw::Exponential, 3_000, 500),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_by_name_and_lose_nothing() {
        for own in PROFILES {
            let found = profile(own.name).map(|found| found.name);
            assert_eq!(found, Some(own.name));
            assert!(!own.up.harms_packets() && !own.down.harms_packets());
            assert!(own.up.queue > 1500 && own.down.queue > 1500, "{}", own.name);
        }
        assert!(profile("5g").is_none());
        assert_eq!(
            profile("4g").map(|profile| profile.link().round_trip()),
            Some(Duration::from_millis(170))
        );
    }
}
