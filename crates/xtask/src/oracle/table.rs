//! What people read, with the reasons of the differences.

use std::fmt::Write as _;

use super::arm::Mode;
use super::verdict::{Compared, Line};

/// A mode's table, in Markdown.
pub(crate) fn table(mode: Mode, lines: &[Line]) -> String {
    let mut table = format!(
        "### {}\n\n\
         | generator | p50 | p90 | p99 | p99.9 | max | requests/s | a client-CPU-second | p50, p90, p99 against |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        title(mode)
    );
    for line in lines {
        let latency = &line.latency;
        // A String takes whatever is written.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {:.0} | {} | {} |",
            line.name,
            time(latency.p50),
            time(latency.p90),
            time(latency.p99),
            time(latency.p999),
            time(latency.max),
            line.per_second,
            cost(mode, line),
            line.compared.as_ref().map_or(String::new(), ratios),
        );
    }
    table
}

/// Why the figures differ where they do.
pub(crate) fn reasons() -> &'static str {
    REASONS
}

const REASONS: &str = "\
How to read it. Like stands against like: what is measured from when a request was due (pushlab's response time, oha with \
--latency-correction) and what is measured from when it was sent (pushlab's service time, oha without). The last column is the \
other's figure over pushlab's, repeat by repeat, median. At full speed a latency is first of all connections over rate (Little's \
law), so there it is taken times the rate of its run, and the mean is what is judged.

Differences that are known, each from the source of the tool (oha 1.16.0, wrk 4.1.0):

- **When a request is due.** pushlab keeps to a schedule in nanoseconds (it sleeps on a timerfd and spins the last 2 ms) and measures \
from it. oha sleeps with tokio's timer, whose unit is a millisecond: a request goes out up to 1 ms or more late, all that fell due \
meanwhile at once, and its correction begins when the timer woke and not when the request was due. So above 1,000/s its requests \
come in bursts that queue behind each other at the server, and in no case is its own lateness in its figures; pushlab's is. So its \
corrected figure may lie anywhere between pushlab's from when a request was sent and pushlab's from when it was due.
- **Which connection.** pushlab gives arrivals to connections in turn, oha to whichever is free. As long as few are busy it is the same.
- **Sleeping.** A spinning generator has an awake CPU when the answer comes; one that sleeps in epoll is woken first, tens of \
microseconds on a virtual machine. So that generators are compared and not their CPUs, a CPU that would sleep is kept awake by a loop of the \
idle scheduling class; with --sleeping-cpus the waking is in the figures of oha and wrk and, where it spins, not in pushlab's.
- **Cold.** At a low rate a generator's code and data leave the caches between two requests. By how much more CPU time a request then costs it \
than back to back may be in its latencies, on top of a wake-up.
- **Coordinated omission.** In a closed loop nothing is due: who waits for a slow answer sends nothing meanwhile. All closed figures, \
pushlab's too, are of that kind and say nothing about a schedule. wrk's own output is corrected afterwards, always, as if each \
connection had meant to send once a mean round trip: to each answer that took two of these or more, samples are added. That is undone \
here, exactly, so that wrk's figures are what it measured; what it prints is higher from p90 on, the more the less quiet the machine is.
- **Idle between.** wrk notes an answer when it has read it, and writes the next request of that connection (and starts its clock) in the next turn \
of its loop, behind all other answers of this one. In between, the connection has nothing under way: at full speed up to a fifth of \
the time, by which the mean times the rate is less than the connections. pushlab and oha write at once.
- **What counts.** pushlab leaves a warm-up of 0.5 s out; oha and wrk begin cold. oha's first request of each connection includes \
connecting, which is in its greatest figures; wrk's doesn't.
- **Resolution.** wrk: whole microseconds, cut off, of the wall clock. oha: every sample kept, sorted. pushlab: HDR histograms of 3 digits.
- **CPU.** The whole process; of oha with its end, in which it sorts its samples. In an open loop pushlab spins, so its CPU time says nothing there.
";

fn title(mode: Mode) -> String {
    let mut title = mode.to_string();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn time(ns: f64) -> String {
    if ns < 999_500.0 {
        format!("{:.0} us", ns / 1e3)
    } else {
        format!("{:.2} ms", ns / 1e6)
    }
}

fn cost(mode: Mode, line: &Line) -> String {
    if matches!(mode, Mode::Open { .. }) && line.compared.is_none() {
        "spins".to_owned()
    } else {
        format!("{:.1} k", line.per_cpu_second / 1e3)
    }
}

fn ratios(compared: &Compared) -> String {
    let [p50, p90, p99] = compared.percentiles.map(|one| one.ratio);
    let mean = compared
        .mean
        .map_or(String::new(), |mean| format!("; mean {:.2}", mean.ratio));
    format!("{p50:.2}, {p90:.2}, {p99:.2} of {}{mean}", compared.with)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::Latency;
    use crate::oracle::verdict::Ratio;

    fn line(compared: Option<Compared>) -> Line {
        Line {
            name: "wrk".to_owned(),
            latency: Latency {
                mean: 50_000.0,
                p50: 45_000.0,
                p90: 60_000.0,
                p99: 99_000.0,
                p999: 999_400.0,
                max: 1_999_600.0,
            },
            per_second: 20_000.4,
            per_cpu_second: 123_450.0,
            compared,
        }
    }

    #[test]
    fn a_line_has_its_figures_and_ratios() {
        let one = |ratio| Ratio {
            ratio,
            difference: 0.0,
        };
        let compared = Compared {
            with: "pushlab",
            percentiles: [one(1.0), one(1.1), one(0.994)],
            least: None,
            mean: None,
            slack: 30_000.0,
            idle: 0.0,
        };
        let table = table(Mode::Alone, &[line(Some(compared))]);
        assert!(table.starts_with("### Closed loop, 1 connection\n"));
        let end = "| wrk | 45 us | 60 us | 99 us | 999 us | 2.00 ms | 20000 | 123.5 k | 1.00, 1.10, 0.99 of pushlab |\n";
        assert!(table.ends_with(end), "{table}");
    }

    #[test]
    fn what_spins_has_no_cost() {
        let open = Mode::Open {
            connections: 2,
            rate: 3,
        };
        assert!(table(open, &[line(None)]).contains("| spins |  |"));
    }
}
