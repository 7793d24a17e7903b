//! A row of `runs.csv` and of `intervals.csv`.
//!
//! A row lists its columns once, in a visit, and both the writer and the reader follow that list: they can't disagree.

mod cells;
mod check;
mod interval;
mod network;
mod recovery;
mod run;

pub(crate) use cells::{Row, read, write};
pub(crate) use check::lines;
pub use interval::IntervalRow;
pub use run::RunRow;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Which;

    /// What follows from other columns is the same in the file as in the row, wherever it stands.
    #[test]
    fn derived_columns_are_what_the_row_says() {
        let mut row = RunRow {
            measured_s: 2.0,
            delivery: Some(crate::Delivery::default()),
            ..RunRow::default()
        };
        (row.counts.delivered, row.counts.completed) = (1000, 10);
        row.traffic = crate::Traffic {
            payload_up_bytes: 1_000,
            payload_down_bytes: 64_000,
            wire_up_bytes: 30_000,
            wire_down_bytes: 95_000,
            requests: 400,
            empty_responses: 300,
            connections: 20,
            ip: Some(crate::IpTraffic {
                segments_up: 500,
                segments_down: 1_500,
                retransmits: 0,
                ip_up_bytes: 56_000,
                ip_down_bytes: 173_000,
            }),
        };
        row.usage.server = Some(crate::ProcessUsage {
            cpu_user_ns: 2_000_000,
            cpu_system_ns: 3_000_000,
            ..crate::ProcessUsage::default()
        });
        let file = String::from_utf8(write(&[row]).unwrap()).unwrap();
        let mut lines = file.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let (names, cells) = (lines.next().unwrap(), lines.next().unwrap());
        for (column, value) in [
            ("messages_per_s", "500"),
            ("payload_bytes_per_message", "65"),
            ("overhead_bytes_per_message", "60"),
            ("wire_bytes_per_message", "125"),
            ("wire_up_bytes_per_message", "30"),
            ("wire_down_bytes_per_message", "95"),
            ("ip_bytes_per_message", "229"),
            ("segments_per_message", "2"),
            ("requests_per_message", "0.4"),
            ("useless_request_share", "0.75"),
            ("connections_per_message", "0.02"),
            ("server_cpu_us_per_message", "5"),
            ("server_cpu_user_us_per_message", "2"),
            ("server_cpu_system_us_per_message", "3"),
        ] {
            let index = names.iter().position(|name| *name == column).unwrap();
            assert_eq!(cells[index], value, "{column}");
        }
    }

    /// A row in which every optional column has something to say.
    fn full() -> RunRow {
        let mut row = RunRow {
            link: Some(crate::LinkReport::default()),
            prediction: Some(crate::Prediction::default()),
            recovery: Some(crate::Recovery::default()),
            ..RunRow::default()
        };
        row.key.settings = vec![Some(0.0); scenario::AXES.len()];
        row
    }

    #[test]
    fn a_column_without_a_word_in_it_is_left_out() {
        let bare = RunRow::default();
        let names = |rows: &[RunRow]| {
            let file = String::from_utf8(write(rows).unwrap()).unwrap();
            file.lines().next().unwrap().to_owned()
        };
        let without = names(std::slice::from_ref(&bare));
        let with = names(&[bare.clone(), full()]);
        for name in ["rtt_s", "link_up_units", "link_down_delay_p99_ns", "model"] {
            assert!(!without.split(',').any(|column| column == name), "{name}");
            assert!(with.split(',').any(|column| column == name), "{name}");
        }
        let rows = vec![bare, full()];
        let file = write(&rows).unwrap();
        let back: Vec<RunRow> = read(std::path::Path::new("runs.csv"), &file).unwrap();
        assert_eq!(back[1].link, rows[1].link);
        assert_eq!(back[1].prediction, None, "a model without a name is none");
        assert_eq!(back[0].link, None);
    }

    /// Whoever adds a column says in the results' README what it holds.
    #[test]
    fn every_column_is_documented() {
        let readme = include_str!("../../../../results/README.md");
        let names = |file: Vec<u8>| {
            let file = String::from_utf8(file).unwrap();
            file.lines().next().unwrap().to_owned()
        };
        let runs = names(write(&[full()]).unwrap());
        let intervals = names(write::<IntervalRow>(&[]).unwrap());
        let latencies = || {
            Which::ALL.iter().map(|which| which.column()).chain([
                "connect",
                "latency",
                "link_up_delay",
                "link_down_delay",
                "reconnect",
                "recovery",
            ])
        };
        // `<latency>_p50_ns` stands for the same figure of every latency.
        let entry = |name: &str| {
            let figure = latencies()
                .find_map(|latency| name.strip_prefix(latency)?.strip_prefix('_'))
                .filter(|figure| *figure == "count" || figure.ends_with("_ns"));
            figure.map_or(format!("`{name}`"), |figure| {
                format!("`<latency>_{figure}`")
            })
        };
        let columns = runs.split(',').chain(intervals.split(','));
        let metrics: Vec<&str> = crate::summary::metrics().collect();
        for name in columns.chain(metrics.iter().copied()) {
            let entry = entry(name);
            assert!(
                readme.contains(&entry),
                "results/README.md says nothing of {entry}"
            );
        }
    }
}
