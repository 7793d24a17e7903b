//! The figures that expectations and searches may name.

use crate::{Kind, Pace, Scenario};

/// A figure of an arm, and where it stands in `summary.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// As in a scenario file: `delivery.p99`.
    pub name: &'static str,
    /// The metric in `summary.json`: `delivery_age_p99_ns`.
    pub metric: &'static str,
    /// What it counts.
    pub unit: Unit,
}

/// What a figure counts, and so how a value to compare it with is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A time, as in `10 ms`. The metric is in nanoseconds, or in microseconds where its name says `_us`
    /// ([`Figure::nanoseconds`]).
    Time,
    /// A size in bytes, as in `1 KiB`.
    Bytes,
    /// A number a second, as in `1000/s`.
    PerSecond,
    /// A number of things, as in `0`; written without a unit.
    Count,
    /// A ratio, as in `0.5`; written without a unit.
    Ratio,
}

/// Every figure. Those without a word before the percentile are of the latency that answers the scenario's question.
pub const FIGURES: &[Figure] = &[
    time("p50", "latency_p50_ns"),
    time("p90", "latency_p90_ns"),
    time("p95", "latency_p95_ns"),
    time("p99", "latency_p99_ns"),
    time("p999", "latency_p999_ns"),
    time("max", "latency_max_ns"),
    time("mean", "latency_mean_ns"),
    time("response.p50", "response_p50_ns"),
    time("response.p90", "response_p90_ns"),
    time("response.p95", "response_p95_ns"),
    time("response.p99", "response_p99_ns"),
    time("response.p999", "response_p999_ns"),
    time("response.max", "response_max_ns"),
    time("response.mean", "response_mean_ns"),
    time("service.p50", "service_p50_ns"),
    time("service.p90", "service_p90_ns"),
    time("service.p95", "service_p95_ns"),
    time("service.p99", "service_p99_ns"),
    time("service.p999", "service_p999_ns"),
    time("service.max", "service_max_ns"),
    time("service.mean", "service_mean_ns"),
    time("send-delay.p50", "send_delay_p50_ns"),
    time("send-delay.p90", "send_delay_p90_ns"),
    time("send-delay.p95", "send_delay_p95_ns"),
    time("send-delay.p99", "send_delay_p99_ns"),
    time("send-delay.p999", "send_delay_p999_ns"),
    time("send-delay.max", "send_delay_max_ns"),
    time("send-delay.mean", "send_delay_mean_ns"),
    time("delivery.p50", "delivery_age_p50_ns"),
    time("delivery.p90", "delivery_age_p90_ns"),
    time("delivery.p95", "delivery_age_p95_ns"),
    time("delivery.p99", "delivery_age_p99_ns"),
    time("delivery.p999", "delivery_age_p999_ns"),
    time("delivery.max", "delivery_age_max_ns"),
    time("delivery.mean", "delivery_age_mean_ns"),
    time("first.p50", "fanout_first_p50_ns"),
    time("first.p90", "fanout_first_p90_ns"),
    time("first.p95", "fanout_first_p95_ns"),
    time("first.p99", "fanout_first_p99_ns"),
    time("first.p999", "fanout_first_p999_ns"),
    time("first.max", "fanout_first_max_ns"),
    time("first.mean", "fanout_first_mean_ns"),
    time("median.p50", "fanout_median_p50_ns"),
    time("median.p90", "fanout_median_p90_ns"),
    time("median.p95", "fanout_median_p95_ns"),
    time("median.p99", "fanout_median_p99_ns"),
    time("median.p999", "fanout_median_p999_ns"),
    time("median.max", "fanout_median_max_ns"),
    time("median.mean", "fanout_median_mean_ns"),
    time("last.p50", "fanout_last_p50_ns"),
    time("last.p90", "fanout_last_p90_ns"),
    time("last.p95", "fanout_last_p95_ns"),
    time("last.p99", "fanout_last_p99_ns"),
    time("last.p999", "fanout_last_p999_ns"),
    time("last.max", "fanout_last_max_ns"),
    time("last.mean", "fanout_last_mean_ns"),
    time("connect.p50", "connect_p50_ns"),
    time("connect.p90", "connect_p90_ns"),
    time("connect.p95", "connect_p95_ns"),
    time("connect.p99", "connect_p99_ns"),
    time("connect.p999", "connect_p999_ns"),
    time("connect.max", "connect_max_ns"),
    time("connect.mean", "connect_mean_ns"),
    time("slip.p50", "slip_p50_ns"),
    time("slip.p99", "slip_p99_ns"),
    time("slip.max", "slip_max_ns"),
    time("reconnect.p50", "reconnect_p50_ns"),
    time("reconnect.p90", "reconnect_p90_ns"),
    time("reconnect.p95", "reconnect_p95_ns"),
    time("reconnect.p99", "reconnect_p99_ns"),
    time("reconnect.p999", "reconnect_p999_ns"),
    time("reconnect.max", "reconnect_max_ns"),
    time("reconnect.mean", "reconnect_mean_ns"),
    time("recovery.p50", "recovery_p50_ns"),
    time("recovery.p90", "recovery_p90_ns"),
    time("recovery.p95", "recovery_p95_ns"),
    time("recovery.p99", "recovery_p99_ns"),
    time("recovery.p999", "recovery_p999_ns"),
    time("recovery.max", "recovery_max_ns"),
    time("recovery.mean", "recovery_mean_ns"),
    count("faults", "faults"),
    count("reconnects", "reconnects"),
    count("attempts", "reconnect_attempts"),
    count("resumed", "resumed"),
    count("fresh", "fresh"),
    count("unconfirmed", "unconfirmed"),
    count("unrecovered", "unrecovered"),
    other("reconnect-rate", "reconnects_per_s_max", Unit::PerSecond),
    count("expected", "expected"),
    count("delivered", "delivered"),
    count("lost", "lost"),
    count("duplicated", "duplicated"),
    count("reordered", "reordered"),
    count("gap", "gap_missed"),
    count("corrupted", "corrupted"),
    count("misrouted", "misrouted"),
    count("censored", "censored"),
    count("errors", "errors"),
    other("throughput", "messages_per_s", Unit::PerSecond),
    time("cpu", "server_cpu_us_per_message"),
    time("generator-cpu", "generator_cpu_us_per_message"),
    other("wire", "wire_bytes_per_message", Unit::Bytes),
    other("ip", "ip_bytes_per_message", Unit::Bytes),
    other("overhead", "overhead_bytes_per_message", Unit::Bytes),
    other("requests", "requests_per_message", Unit::Ratio),
    other("useless", "useless_request_share", Unit::Ratio),
    other("memory", "server_bytes_per_connection", Unit::Bytes),
    other("kernel-memory", "kernel_bytes_per_connection", Unit::Bytes),
];

/// The figure of that name; `p99.9` is the same as `p999`.
pub fn figure(name: &str) -> Option<&'static Figure> {
    let plain = name.replace("p99.9", "p999");
    FIGURES.iter().find(|figure| figure.name == plain)
}

impl Figure {
    /// For a time: how many nanoseconds one of its metric is. 1 for everything else.
    pub fn nanoseconds(&self) -> f64 {
        if self.metric.contains("_us_") {
            1000.0
        } else {
            1.0
        }
    }

    /// Why this scenario never has the figure, and which one is right instead; `None` if it has.
    pub(crate) fn why_never(&self, scenario: &Scenario) -> Option<&'static str> {
        let (group, _) = self.name.split_once('.').unwrap_or(("", self.name));
        let closed = matches!(
            scenario.load.map(|load| load.pace),
            Some(Pace::Closed { .. })
        );
        if let Some(why) = self.why_not_back(group, scenario) {
            return why;
        }
        match (scenario.kind, group, self.name) {
            (Kind::Idle, "connect", _)
            | (Kind::Idle, _, "errors" | "memory" | "kernel-memory" | "useless") => None,
            // The headline is the time to connect.
            (Kind::Idle, ..) if self.metric.starts_with("latency_") => None,
            (Kind::Idle, ..) => Some(
                "in kind = \"idle\" clients connect and send nothing: `connect.p99`, `errors`, `memory`, `kernel-memory` and `useless` are right",
            ),
            (Kind::Echo, "delivery" | "first" | "median" | "last", _) => {
                Some("in kind = \"echo\" there are no events: `response.p99` is right")
            }
            (
                Kind::Echo,
                _,
                "expected" | "delivered" | "lost" | "duplicated" | "reordered" | "gap"
                | "corrupted" | "misrouted",
            ) => Some(
                "in kind = \"echo\" there are no events: `censored` (requests without a reply) and `errors` are right",
            ),
            (_, "slip" | "send-delay", _) if closed => {
                Some("with mode = \"closed\" there is no schedule to be late for")
            }
            _ => None,
        }
    }
}

impl Figure {
    /// For the figures of faults and of those who come back: the same as [`Self::why_never`]; `None` for all others.
    #[expect(
        clippy::option_option,
        reason = "the outer one: whether it is such a figure"
    )]
    fn why_not_back(&self, group: &str, scenario: &Scenario) -> Option<Option<&'static str>> {
        const NO_FAULT: &str = "nothing goes wrong here: write `[[fault]]`, as in at = \"3s\", what = \"kill-server\", for = \"1s\"";
        const NO_RETURN: &str = "nobody comes back here: write `[reconnect]`";
        const NO_EVENTS: &str = "in this kind there are no events: `censored` (requests without a reply) and `errors` are right";
        let (faulty, returning) = (!scenario.faults.is_empty(), scenario.reconnect.is_some());
        match (group, self.name) {
            ("recovery", _) | (_, "unrecovered") if scenario.kind == Kind::Idle => Some(Some(
                "in kind = \"idle\" nothing is received: `reconnect.p99` is right",
            )),
            ("recovery", _) | (_, "faults" | "unrecovered") => Some((!faulty).then_some(NO_FAULT)),
            (_, "unconfirmed") if matches!(scenario.kind, Kind::Idle | Kind::Echo) => {
                Some(Some(NO_EVENTS))
            }
            (_, "unconfirmed") if faulty => Some(None),
            ("reconnect", _)
            | (
                _,
                "attempts" | "reconnects" | "reconnect-rate" | "resumed" | "fresh" | "unconfirmed",
            ) => Some((!returning).then_some(NO_RETURN)),
            _ => None,
        }
    }
}

impl Unit {
    /// "a time", for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Time => "a time",
            Unit::Bytes => "a size",
            Unit::PerSecond => "a rate",
            Unit::Count => "a count",
            Unit::Ratio => "a ratio",
        }
    }

    /// A value as one writes it.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Unit::Time => "10 ms",
            Unit::Bytes => "1 KiB",
            Unit::PerSecond => "1000/s",
            Unit::Count => "0",
            Unit::Ratio => "0.5",
        }
    }
}

const fn other(name: &'static str, metric: &'static str, unit: Unit) -> Figure {
    Figure { name, metric, unit }
}

const fn time(name: &'static str, metric: &'static str) -> Figure {
    other(name, metric, Unit::Time)
}

const fn count(name: &'static str, metric: &'static str) -> Figure {
    other(name, metric, Unit::Count)
}
