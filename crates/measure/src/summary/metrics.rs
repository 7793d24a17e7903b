//! Every metric of a summary, in one list: its name with the unit, whether arms are compared by it, and where it comes from.

use std::sync::LazyLock;

use crate::latency::{Distribution, Which};
use crate::rows::RunRow;

/// One figure of a case.
pub(super) struct Metric {
    /// Its name in `summary.json`; the unit is the ending.
    pub(super) name: String,
    /// Whether every pair of arms is compared by it.
    pub(super) compared: bool,
    of: Of,
}

/// Where a metric comes from.
enum Of {
    /// A figure of one latency.
    Latency(Source, Figure),
    /// Anything else in a row.
    Row(fn(&RunRow) -> Option<f64>),
}

/// Which latency.
#[derive(Clone, Copy)]
enum Source {
    /// The one that answers the scenario's question.
    Headline,
    /// The time to connect.
    Connect,
    /// The time to stand again.
    Reconnect,
    /// The time from a fault to the first message after it.
    Recovery,
    /// This one.
    One(Which),
}

type Figure = fn(&Distribution) -> f64;

impl Metric {
    /// Its value in one case.
    pub(super) fn of(&self, row: &RunRow) -> Option<f64> {
        let value = match &self.of {
            Of::Row(of) => of(row),
            Of::Latency(Source::Headline, figure) => row.headline().map(figure),
            Of::Latency(Source::Connect, figure) => row.connect.as_ref().map(figure),
            Of::Latency(Source::Reconnect, figure) => row
                .recovery
                .and_then(|recovery| recovery.reconnect.as_ref().map(figure)),
            Of::Latency(Source::Recovery, figure) => row
                .recovery
                .and_then(|recovery| recovery.recovery.as_ref().map(figure)),
            Of::Latency(Source::One(which), figure) => row.latency(*which).map(figure),
        };
        value.filter(|value| value.is_finite())
    }
}

/// All metrics, in the order in which they are documented.
pub(super) static METRICS: LazyLock<Vec<Metric>> = LazyLock::new(|| {
    let sources = [("latency", Source::Headline), ("connect", Source::Connect)]
        .into_iter()
        .chain(Which::ALL.map(|which| (which.column(), Source::One(which))));
    let sources = sources.chain([
        ("reconnect", Source::Reconnect),
        ("recovery", Source::Recovery),
    ]);
    let latencies = sources.flat_map(|(name, source)| {
        FIGURES.iter().map(move |(figure, of)| Metric {
            name: format!("{name}_{figure}_ns"),
            compared: name == "latency" && COMPARED.contains(figure),
            of: Of::Latency(source, *of),
        })
    });
    let others = OTHERS.iter().map(|(name, compared, of)| Metric {
        name: (*name).to_owned(),
        compared: *compared,
        of: Of::Row(*of),
    });
    latencies.chain(others).collect()
});

/// What is read from a latency.
const FIGURES: [(&str, Figure); 7] = [
    ("p50", |figures| figures.p50_ns as f64),
    ("p90", |figures| figures.p90_ns as f64),
    ("p95", |figures| figures.p95_ns as f64),
    ("p99", |figures| figures.p99_ns as f64),
    ("p999", |figures| figures.p999_ns as f64),
    ("max", |figures| figures.max_ns as f64),
    ("mean", |figures| figures.mean_ns),
];

/// Of the headline latency, what arms are compared by.
const COMPARED: [&str; 2] = ["p50", "p99"];

/// What is no latency: the name, whether it is compared, and the figure.
type Other = (&'static str, bool, fn(&RunRow) -> Option<f64>);

const OTHERS: &[Other] = &[
    ("messages_per_s", true, RunRow::messages_per_s),
    ("connections_alive", false, |row| {
        Some(row.connections_alive as f64)
    }),
    ("expected", false, |row| Some(row.delivery?.expected as f64)),
    ("delivered", false, |row| {
        Some(row.delivery?.delivered as f64)
    }),
    ("lost", false, |row| Some(row.delivery?.lost as f64)),
    ("duplicated", false, |row| {
        Some(row.delivery?.duplicated as f64)
    }),
    ("reordered", false, |row| {
        Some(row.delivery?.reordered as f64)
    }),
    ("gap_missed", false, |row| {
        Some(row.delivery?.gap_missed as f64)
    }),
    ("corrupted", false, |row| {
        Some(row.delivery?.corrupted as f64)
    }),
    ("misrouted", false, |row| {
        Some(row.delivery?.misrouted as f64)
    }),
    ("censored", false, |row| Some(row.counts.censored as f64)),
    ("errors", false, |row| Some(row.errors as f64)),
    (
        "payload_bytes_per_message",
        false,
        RunRow::payload_bytes_per_message,
    ),
    (
        "overhead_bytes_per_message",
        false,
        RunRow::overhead_bytes_per_message,
    ),
    (
        "wire_bytes_per_message",
        true,
        RunRow::wire_bytes_per_message,
    ),
    ("ip_bytes_per_message", true, RunRow::ip_bytes_per_message),
    ("segments_per_message", false, RunRow::segments_per_message),
    ("requests_per_message", false, RunRow::requests_per_message),
    (
        "connections_per_message",
        false,
        RunRow::connections_per_message,
    ),
    (
        "useless_request_share",
        false,
        RunRow::useless_request_share,
    ),
    (
        "server_cpu_us_per_message",
        true,
        RunRow::server_cpu_us_per_message,
    ),
    (
        "server_cpu_user_us_per_message",
        false,
        RunRow::server_cpu_user_us_per_message,
    ),
    (
        "server_cpu_system_us_per_message",
        false,
        RunRow::server_cpu_system_us_per_message,
    ),
    (
        "generator_cpu_us_per_message",
        false,
        RunRow::generator_cpu_us_per_message,
    ),
    ("generator_load", false, |row| {
        (row.measured_s > 0.0).then(|| row.usage.generator.load())
    }),
    ("server_rss_bytes", false, |row| {
        Some(row.usage.server?.rss_bytes as f64)
    }),
    ("server_bytes_per_connection", true, |row| {
        row.usage.memory.server_bytes_per_connection()
    }),
    ("kernel_bytes_per_connection", false, |row| {
        row.usage.memory.kernel_bytes_per_connection()
    }),
    ("slip_p50_ns", false, |row| Some(row.slip?.p50_ns as f64)),
    ("slip_p99_ns", false, |row| Some(row.slip?.p99_ns as f64)),
    ("slip_max_ns", false, |row| Some(row.slip?.max_ns as f64)),
    ("link_up_delay_mean_ns", false, |row| {
        Some(row.link?.up.delay?.mean_ns)
    }),
    ("link_down_delay_mean_ns", false, |row| {
        Some(row.link?.down.delay?.mean_ns)
    }),
    ("link_down_delay_p99_ns", false, |row| {
        Some(row.link?.down.delay?.p99_ns as f64)
    }),
    ("link_up_loss_share", false, |row| row.link?.up.loss_share()),
    ("link_down_loss_share", false, |row| {
        row.link?.down.loss_share()
    }),
    ("predicted_mean_ns", false, |row| {
        row.prediction.as_ref()?.mean_ns
    }),
    ("predicted_p50_ns", false, |row| {
        row.prediction.as_ref()?.p50_ns
    }),
    ("predicted_p99_ns", false, |row| {
        row.prediction.as_ref()?.p99_ns
    }),
    ("predicted_requests_per_message", false, |row| {
        row.prediction.as_ref()?.requests_per_message
    }),
    ("predicted_useless_request_share", false, |row| {
        row.prediction.as_ref()?.useless_request_share
    }),
    ("faults", false, |row| Some(row.recovery?.faults as f64)),
    ("reconnects", false, |row| {
        Some(row.recovery?.reconnects as f64)
    }),
    ("reconnect_attempts", false, |row| {
        Some(row.recovery?.reconnect_attempts as f64)
    }),
    ("resumed", false, |row| Some(row.recovery?.resumed as f64)),
    ("fresh", false, |row| Some(row.recovery?.fresh as f64)),
    ("unconfirmed", false, |row| {
        Some(row.recovery?.unconfirmed as f64)
    }),
    ("unrecovered", false, |row| {
        Some(row.recovery?.unrecovered as f64)
    }),
    ("reconnects_per_s_max", false, |row| {
        Some(row.recovery?.reconnects_per_s_max as f64)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_scenario_may_name_is_there() {
        for figure in scenario::FIGURES {
            assert!(
                METRICS.iter().any(|metric| metric.name == figure.metric),
                "no metric {}",
                figure.metric
            );
        }
    }
}
