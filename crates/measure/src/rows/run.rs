//! A row of `runs.csv`: one case, that is one arm in one trial.

use scenario::AXES;

use crate::counts::{Counts, IpTraffic, Traffic};
use crate::delivery::Delivery;
use crate::latency::{Distribution, Which};
use crate::link::LinkReport;
use crate::measurement::{Key, Little, Measurement, Outcome, Slip};
use crate::pauses::Pauses;
use crate::prediction::Prediction;
use crate::recovery::Recovery;
use crate::rows::cells::{Cell, Cells, Row};
use crate::rows::network::{visit_link, visit_prediction};
use crate::rows::recovery::visit_recovery;
use crate::usage::Usage;

/// One arm in one trial.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunRow {
    /// Which case.
    pub key: Key,
    /// How it ended.
    pub outcome: Outcome,
    /// `valid`, `invalid` or `inconclusive`.
    pub verdict: String,
    /// The guards that were broken, with value and limit.
    pub verdict_reasons: String,
    /// Start of the measured part, RFC 3339, UTC.
    pub started_utc: String,
    /// Length of the warm-up, seconds.
    pub warm_up_s: f64,
    /// Whether the headline latency was steady when it ended; none where it couldn't be judged.
    pub warm_up_steady: Option<bool>,
    /// Length of the measured part, seconds.
    pub measured_s: f64,
    /// Sessions wanted.
    pub connections: u64,
    /// Sessions there at the end.
    pub connections_alive: u64,
    /// How many.
    pub counts: Counts,
    /// What became of each event.
    pub delivery: Option<Delivery>,
    /// All errors.
    pub errors: u64,
    /// `kind=count; …`
    pub errors_by_kind: String,
    /// In the order of [`Which::ALL`].
    pub latency: [Option<Distribution>; 7],
    /// Time to connect.
    pub connect: Option<Distribution>,
    /// How late the generator was.
    pub slip: Option<Slip>,
    /// Little's law.
    pub little: Option<Little>,
    /// Bytes and requests.
    pub traffic: Traffic,
    /// CPU and memory.
    pub usage: Usage,
    /// Pauses of the generator's process.
    pub generator_pauses: Option<Pauses>,
    /// Pauses of the server's process.
    pub server_pauses: Option<Pauses>,
    /// What the link did.
    pub link: Option<LinkReport>,
    /// What a model says.
    pub prediction: Option<Prediction>,
    /// What faults did, and who came back.
    pub recovery: Option<Recovery>,
}

impl RunRow {
    /// Whether every message that was due was received, once.
    pub fn is_delivered(&self) -> bool {
        match &self.delivery {
            Some(events) => events.lost + events.duplicated == 0,
            None => self.counts.censored == 0,
        }
    }

    /// The row of `measurement`.
    pub fn of(measurement: &Measurement) -> Self {
        let mut key = measurement.key.clone();
        key.settings.resize(AXES.len(), None);
        Self {
            key,
            outcome: measurement.outcome.clone(),
            verdict: measurement.verdict.word().to_owned(),
            verdict_reasons: measurement.verdict.reasons(),
            started_utc: measurement.started.to_string(),
            warm_up_s: measurement.warm_up_s,
            warm_up_steady: measurement.warm_up_steady,
            measured_s: measurement.measured_s,
            connections: measurement.connections,
            connections_alive: measurement.connections_alive,
            counts: measurement.counts,
            delivery: measurement.delivery,
            errors: measurement.errors.total(),
            errors_by_kind: measurement.errors.brief(),
            latency: Which::ALL.map(|which| measurement.latencies.distribution(which)),
            connect: measurement.connect,
            slip: measurement.slip,
            little: measurement.little,
            traffic: measurement.traffic,
            usage: measurement.usage,
            generator_pauses: measurement.generator_pauses,
            server_pauses: measurement.server_pauses,
            link: measurement.link,
            prediction: measurement.prediction.clone(),
            recovery: measurement.recovery,
        }
    }

    /// The value of a setting, by its column.
    pub fn setting(&self, column: &str) -> Option<f64> {
        let index = AXES.iter().position(|axis| axis.column == column)?;
        self.key.settings.get(index).copied().flatten()
    }

    /// The figures of one latency.
    pub fn latency(&self, which: Which) -> Option<&Distribution> {
        self.latency[which as usize].as_ref()
    }

    /// The latency that answers the scenario's question; for `idle` the time to connect.
    pub fn headline(&self) -> Option<&Distribution> {
        if self.key.kind == "idle" {
            self.connect.as_ref()
        } else {
            self.latency(self.key.headline())
        }
    }

    /// Whether the figures may be ranked.
    pub fn is_valid(&self) -> bool {
        self.verdict == "valid"
    }

    /// Useful messages: events delivered, or requests answered.
    pub fn messages(&self) -> u64 {
        if self.delivery.is_some() {
            self.counts.delivered
        } else {
            self.counts.completed
        }
    }

    /// Useful messages a second.
    pub fn messages_per_s(&self) -> Option<f64> {
        (self.measured_s > 0.0 && self.key.kind != "idle")
            .then(|| self.messages() as f64 / self.measured_s)
    }

    /// CPU time of the server for a useful message, microseconds.
    pub fn server_cpu_us_per_message(&self) -> Option<f64> {
        self.per_message(self.usage.server?.cpu_ns() as f64 / 1e3)
    }

    /// CPU time of the server in user mode for a useful message, microseconds.
    pub fn server_cpu_user_us_per_message(&self) -> Option<f64> {
        self.per_message(self.usage.server?.cpu_user_ns as f64 / 1e3)
    }

    /// CPU time of the server in the kernel for a useful message, microseconds.
    pub fn server_cpu_system_us_per_message(&self) -> Option<f64> {
        self.per_message(self.usage.server?.cpu_system_ns as f64 / 1e3)
    }

    /// CPU time of the generator for a useful message, spinning apart, microseconds.
    pub fn generator_cpu_us_per_message(&self) -> Option<f64> {
        let generator = self.usage.generator;
        self.per_message(generator.cpu_ns.saturating_sub(generator.spin_ns) as f64 / 1e3)
    }

    /// Bytes on the clients' sockets, both directions, for a useful message.
    pub fn wire_bytes_per_message(&self) -> Option<f64> {
        self.on_the_wire(self.traffic.wire_up_bytes + self.traffic.wire_down_bytes)
    }

    /// Bytes of `data`, both directions, for a useful message.
    pub fn payload_bytes_per_message(&self) -> Option<f64> {
        self.per_message(self.payload_bytes() as f64)
    }

    /// What requests, headers and frames add to the payload, both directions, for a useful message.
    pub fn overhead_bytes_per_message(&self) -> Option<f64> {
        let wire = self.traffic.wire_up_bytes + self.traffic.wire_down_bytes;
        self.on_the_wire(wire.saturating_sub(self.payload_bytes()))
    }

    /// Bytes at the IP layer, both directions, for a useful message.
    pub fn ip_bytes_per_message(&self) -> Option<f64> {
        let ip = self.traffic.ip?;
        self.per_message((ip.ip_up_bytes + ip.ip_down_bytes) as f64)
    }

    /// TCP segments, both directions, for a useful message.
    pub fn segments_per_message(&self) -> Option<f64> {
        let ip = self.traffic.ip?;
        self.per_message((ip.segments_up + ip.segments_down) as f64)
    }

    /// TCP connections opened for a useful message.
    pub fn connections_per_message(&self) -> Option<f64> {
        self.on_the_wire(self.traffic.connections)
    }

    /// The share of HTTP requests whose response carried nothing; none where no request was made.
    pub fn useless_request_share(&self) -> Option<f64> {
        let Traffic {
            requests,
            empty_responses,
            ..
        } = self.traffic;
        (requests > 0).then(|| empty_responses as f64 / requests as f64)
    }

    /// HTTP requests for a useful message.
    pub fn requests_per_message(&self) -> Option<f64> {
        self.on_the_wire(self.traffic.requests)
    }

    fn payload_bytes(&self) -> u64 {
        self.traffic.payload_up_bytes + self.traffic.payload_down_bytes
    }

    /// For a useful message; none where there is no wire.
    fn on_the_wire(&self, amount: u64) -> Option<f64> {
        let wire = self.traffic.wire_up_bytes + self.traffic.wire_down_bytes;
        (wire > 0).then(|| self.per_message(amount as f64))?
    }

    fn derive_traffic(&self, cells: &mut impl Cells) {
        cells.derived(
            "payload_bytes_per_message",
            self.payload_bytes_per_message(),
        );
        cells.derived(
            "overhead_bytes_per_message",
            self.overhead_bytes_per_message(),
        );
        cells.derived("wire_bytes_per_message", self.wire_bytes_per_message());
        cells.derived(
            "wire_up_bytes_per_message",
            self.on_the_wire(self.traffic.wire_up_bytes),
        );
        cells.derived(
            "wire_down_bytes_per_message",
            self.on_the_wire(self.traffic.wire_down_bytes),
        );
        cells.derived("ip_bytes_per_message", self.ip_bytes_per_message());
        cells.derived("segments_per_message", self.segments_per_message());
        cells.derived("requests_per_message", self.requests_per_message());
        cells.derived("useless_request_share", self.useless_request_share());
        cells.derived("connections_per_message", self.connections_per_message());
    }

    fn per_message(&self, amount: f64) -> Option<f64> {
        (self.messages() > 0).then(|| amount / self.messages() as f64)
    }
}

impl Row for RunRow {
    fn visit(&mut self, cells: &mut impl Cells) {
        cells.at("scenario", &mut self.key.scenario);
        cells.at("kind", &mut self.key.kind);
        cells.at("arm", &mut self.key.arm);
        cells.at("point", &mut self.key.point);
        cells.at("trial", &mut self.key.trial);
        cells.at("attempt", &mut self.key.attempt);
        cells.at("seed", &mut self.key.seed);
        visit_outcome(cells, &mut self.outcome);
        cells.at("verdict", &mut self.verdict);
        cells.at("verdict_reasons", &mut self.verdict_reasons);
        cells.at("started_utc", &mut self.started_utc);
        self.key.settings.resize(AXES.len(), None);
        for (axis, value) in AXES.iter().zip(&mut self.key.settings) {
            if axis.section == "link" {
                // A run on bare loopback has none of these columns.
                cells.optional(axis.column, value, |cells, value: &mut f64| {
                    cells.at(axis.column, value);
                });
            } else {
                cells.at(axis.column, value);
            }
        }
        cells.at("warm_up_s", &mut self.warm_up_s);
        cells.at("warm_up_steady", &mut self.warm_up_steady);
        cells.at("measured_s", &mut self.measured_s);
        cells.at("connections", &mut self.connections);
        cells.at("connections_alive", &mut self.connections_alive);
        visit_counts(cells, &mut self.counts);
        cells.derived("messages_per_s", self.messages_per_s());
        cells.group("expected", &mut self.delivery, visit_delivery);
        cells.at("errors", &mut self.errors);
        cells.at("errors_by_kind", &mut self.errors_by_kind);
        for which in Which::ALL {
            visit_distribution(cells, which.column(), &mut self.latency[which as usize]);
        }
        visit_distribution(cells, "connect", &mut self.connect);
        cells.group("slip_p50_ns", &mut self.slip, |cells, slip: &mut Slip| {
            cells.at("slip_p50_ns", &mut slip.p50_ns);
            cells.at("slip_p99_ns", &mut slip.p99_ns);
            cells.at("slip_max_ns", &mut slip.max_ns);
        });
        cells.group(
            "in_flight_mean",
            &mut self.little,
            |cells, little: &mut Little| {
                cells.at("in_flight_mean", &mut little.in_flight_mean);
                cells.at("throughput_times_stay", &mut little.throughput_times_stay);
            },
        );
        visit_traffic(cells, &mut self.traffic);
        self.derive_traffic(cells);
        visit_usage(cells, &mut self.usage);
        cells.derived(
            "server_cpu_us_per_message",
            self.server_cpu_us_per_message(),
        );
        cells.derived(
            "server_cpu_user_us_per_message",
            self.server_cpu_user_us_per_message(),
        );
        cells.derived(
            "server_cpu_system_us_per_message",
            self.server_cpu_system_us_per_message(),
        );
        cells.derived(
            "generator_cpu_us_per_message",
            self.generator_cpu_us_per_message(),
        );
        cells.derived(
            "generator_load",
            (self.measured_s > 0.0).then(|| self.usage.generator.load()),
        );
        cells.derived(
            "server_bytes_per_connection",
            self.usage.memory.server_bytes_per_connection(),
        );
        cells.derived(
            "kernel_bytes_per_connection",
            self.usage.memory.kernel_bytes_per_connection(),
        );
        visit_pauses(cells, "generator", &mut self.generator_pauses);
        visit_pauses(cells, "server", &mut self.server_pauses);
        visit_link(cells, &mut self.link);
        visit_prediction(cells, &mut self.prediction);
        visit_recovery(cells, &mut self.recovery);
    }
}

fn visit_outcome(cells: &mut impl Cells, outcome: &mut Outcome) {
    let mut word = OutcomeWord(outcome.word());
    let mut reason = outcome.reason().to_owned();
    cells.at("outcome", &mut word);
    cells.at("outcome_reason", &mut reason);
    *outcome = match word.0 {
        "completed" => Outcome::Completed,
        "interrupted" => Outcome::Interrupted,
        _ => Outcome::Failed { reason },
    };
}

/// One of the three, so that a slip of the pen isn't taken for a failure.
struct OutcomeWord(&'static str);

impl Cell for OutcomeWord {
    fn write(&self) -> String {
        self.0.to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        let words = ["completed", "interrupted", "failed"];
        words.into_iter().find(|word| *word == text).map(Self)
    }
}

fn visit_counts(cells: &mut impl Cells, counts: &mut Counts) {
    cells.at("intended", &mut counts.intended);
    cells.at("sent", &mut counts.sent);
    cells.at("completed", &mut counts.completed);
    cells.at("delivered_measured", &mut counts.delivered);
    cells.at("censored", &mut counts.censored);
    cells.group(
        "censored_at_least_min_ns",
        &mut counts.censored_at_least_ns,
        |cells, (least, most): &mut (u64, u64)| {
            cells.at("censored_at_least_min_ns", least);
            cells.at("censored_at_least_max_ns", most);
        },
    );
    cells.at("warm_up_discarded", &mut counts.warm_up_discarded);
}

fn visit_delivery<C: Cells>(cells: &mut C, delivery: &mut Delivery) {
    cells.at("expected", &mut delivery.expected);
    cells.at("delivered", &mut delivery.delivered);
    cells.at("lost", &mut delivery.lost);
    cells.at("duplicated", &mut delivery.duplicated);
    cells.at("reordered", &mut delivery.reordered);
    cells.at("gap_missed", &mut delivery.gap_missed);
    cells.at("corrupted", &mut delivery.corrupted);
    cells.at("misrouted", &mut delivery.misrouted);
}

pub(super) fn visit_distribution(
    cells: &mut impl Cells,
    name: &str,
    distribution: &mut Option<Distribution>,
) {
    cells.group(
        &format!("{name}_count"),
        distribution,
        |cells, figures: &mut Distribution| {
            cells.at(&format!("{name}_count"), &mut figures.count);
            cells.at(&format!("{name}_mean_ns"), &mut figures.mean_ns);
            cells.at(&format!("{name}_min_ns"), &mut figures.min_ns);
            cells.at(&format!("{name}_p50_ns"), &mut figures.p50_ns);
            cells.at(&format!("{name}_p90_ns"), &mut figures.p90_ns);
            cells.at(&format!("{name}_p95_ns"), &mut figures.p95_ns);
            cells.at(&format!("{name}_p99_ns"), &mut figures.p99_ns);
            cells.at(&format!("{name}_p999_ns"), &mut figures.p999_ns);
            cells.at(&format!("{name}_max_ns"), &mut figures.max_ns);
        },
    );
}

fn visit_traffic(cells: &mut impl Cells, traffic: &mut Traffic) {
    cells.at("payload_up_bytes", &mut traffic.payload_up_bytes);
    cells.at("payload_down_bytes", &mut traffic.payload_down_bytes);
    cells.at("wire_up_bytes", &mut traffic.wire_up_bytes);
    cells.at("wire_down_bytes", &mut traffic.wire_down_bytes);
    cells.at("requests", &mut traffic.requests);
    cells.at("empty_responses", &mut traffic.empty_responses);
    cells.at("tcp_connections", &mut traffic.connections);
    cells.group(
        "segments_up",
        &mut traffic.ip,
        |cells, ip: &mut IpTraffic| {
            cells.at("segments_up", &mut ip.segments_up);
            cells.at("segments_down", &mut ip.segments_down);
            cells.at("retransmits", &mut ip.retransmits);
            cells.at("ip_up_bytes", &mut ip.ip_up_bytes);
            cells.at("ip_down_bytes", &mut ip.ip_down_bytes);
        },
    );
}

fn visit_usage(cells: &mut impl Cells, usage: &mut Usage) {
    cells.group(
        "server_cpu_user_ns",
        &mut usage.server,
        |cells, server: &mut crate::ProcessUsage| {
            cells.at("server_cpu_user_ns", &mut server.cpu_user_ns);
            cells.at("server_cpu_system_ns", &mut server.cpu_system_ns);
            cells.at("server_rss_bytes", &mut server.rss_bytes);
            cells.at("server_run_queue_wait_ns", &mut server.run_queue_wait_ns);
        },
    );
    cells.at("generator_cpu_ns", &mut usage.generator.cpu_ns);
    cells.at("generator_cpu_user_ns", &mut usage.generator.cpu_user_ns);
    cells.at(
        "generator_cpu_system_ns",
        &mut usage.generator.cpu_system_ns,
    );
    cells.at("generator_spin_ns", &mut usage.generator.spin_ns);
    cells.at("generator_wall_ns", &mut usage.generator.wall_ns);
    let memory = &mut usage.memory;
    cells.at("memory_connections", &mut memory.connections);
    cells.at(
        "server_rss_before_bytes",
        &mut memory.server_rss_before_bytes,
    );
    cells.at("server_rss_after_bytes", &mut memory.server_rss_after_bytes);
    cells.at("kernel_before_bytes", &mut memory.kernel_before_bytes);
    cells.at("kernel_after_bytes", &mut memory.kernel_after_bytes);
}

fn visit_pauses(cells: &mut impl Cells, process: &str, pauses: &mut Option<Pauses>) {
    cells.group(
        &format!("{process}_pauses"),
        pauses,
        |cells, pauses: &mut Pauses| {
            cells.at(&format!("{process}_pauses"), &mut pauses.count);
            cells.at(&format!("{process}_paused_ns"), &mut pauses.total_ns);
            cells.at(&format!("{process}_pause_max_ns"), &mut pauses.max_ns);
            cells.at(
                &format!("{process}_pause_monitor_cpu_ns"),
                &mut pauses.monitor_cpu_ns,
            );
        },
    );
}
