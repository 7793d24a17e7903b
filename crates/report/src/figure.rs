//! Numbers as people read them: three significant digits and a unit.

/// Nanoseconds as "812 ns", "25.1 us", "1.24 ms" or "2.01 s".
pub fn duration(nanoseconds: f64) -> String {
    scaled(
        nanoseconds,
        &[(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")],
    )
}

/// Bytes as "583 B", "12.3 KiB" or "1.50 MiB".
pub fn bytes(bytes: f64) -> String {
    scaled(
        bytes,
        &[
            (1_073_741_824.0, "GiB"),
            (1_048_576.0, "MiB"),
            (1024.0, "KiB"),
            (1.0, "B"),
        ],
    )
}

/// A metric of `summary.json` with the unit that its name ends in.
pub fn metric(name: &str, value: f64) -> String {
    kind(name).show(value)
}

/// The ends of an interval in one unit: "112 to 131 us".
pub(crate) fn range(kind: Kind, low: f64, high: f64) -> String {
    let (shown_low, shown_high) = (kind.show(low), kind.show(high));
    match (shown_low.rsplit_once(' '), shown_high.rsplit_once(' ')) {
        _ if shown_low == shown_high => shown_high,
        (Some((number, unit)), Some((_, same))) if unit == same => {
            format!("{number}\u{2013}{shown_high}")
        }
        _ => format!("{shown_low}\u{2013}{shown_high}"),
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Bytes.
    Bytes,
    /// Things a second.
    PerSecond,
    /// 0 to 1.
    Share,
    /// Things.
    Count,
}

impl Kind {
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds => duration(value),
            Self::Microseconds => duration(value * 1e3),
            Self::Bytes => bytes(value),
            Self::PerSecond => format!("{}/s", plain(value)),
            Self::Share => format!("{} %", significant(value * 100.0)),
            Self::Count => plain(value),
        }
    }
}

/// What a metric counts, by its name.
pub(crate) fn kind(metric: &str) -> Kind {
    if metric.ends_with("_ns") {
        Kind::Nanoseconds
    } else if metric.contains("_us_") {
        Kind::Microseconds
    } else if metric.contains("bytes") {
        Kind::Bytes
    } else if metric.ends_with("_per_s") {
        Kind::PerSecond
    } else if metric.ends_with("_share") || metric == "generator_load" {
        Kind::Share
    } else {
        Kind::Count
    }
}

/// What a metric is called in a sentence.
pub(crate) fn name(metric: &str) -> String {
    let known = match metric {
        "latency_p50_ns" => "median latency",
        "latency_p99_ns" => "p99 latency",
        "latency_p999_ns" => "p99.9 latency",
        "messages_per_s" => "messages a second",
        "payload_bytes_per_message" => "payload a message",
        "requests_per_message" => "requests a message",
        "useless_request_share" => "useless requests",
        "kernel_bytes_per_connection" => "kernel memory a connection",
        "wire_bytes_per_message" => "bytes a message",
        "ip_bytes_per_message" => "bytes on IP a message",
        "server_cpu_us_per_message" => "server CPU a message",
        "server_bytes_per_connection" => "server memory a connection",
        other => return other.replace('_', " "),
    };
    known.to_owned()
}

/// A value beside an axis: as short as it may be.
pub(crate) fn tick(kind: Kind, value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let shown = kind.show(value);
    let end = shown.find([' ', '/']).unwrap_or(shown.len());
    let (number, unit) = shown.split_at(end);
    if number.contains('.') {
        let short = number.trim_end_matches('0').trim_end_matches('.');
        format!("{short}{unit}")
    } else {
        shown
    }
}

/// A number as short as it may be: whole ones whole.
fn plain(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 {
        count(value)
    } else {
        significant(value)
    }
}

/// A whole number with separators: "12,345".
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, never more decimals than that takes.
pub(crate) fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // A value that rounds to a thousand of one unit is one of the next.
    let unit = units.iter().find(|(size, _)| value.abs() >= size * 0.9995);
    let (size, name) = unit.or(units.last()).copied().unwrap_or((1.0, ""));
    format!("{} {name}", significant(value / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_the_unit_of_its_name() {
        let shown = [
            ("latency_p50_ns", 25_100.0),
            ("server_cpu_us_per_message", 25.1),
            ("wire_bytes_per_message", 198.0),
            ("messages_per_s", 12_345.0),
            ("useless_request_share", 0.98),
            ("requests_per_message", 0.25),
            ("lost", 3.0),
        ]
        .map(|(name, value)| metric(name, value));
        assert_eq!(
            shown,
            [
                "25.1 us", "25.1 us", "198 B", "12,345/s", "98.0 %", "0.25", "3"
            ]
        );
    }

    #[test]
    fn a_tick_is_as_short_as_it_may_be() {
        let ticks = [
            (Kind::Nanoseconds, 1e6),
            (Kind::Nanoseconds, 1.5e5),
            (Kind::Bytes, 0.0),
            (Kind::Count, 0.5),
            (Kind::PerSecond, 0.5),
            (Kind::PerSecond, 20_000.0),
            (Kind::Bytes, 65_536.0),
        ]
        .map(|(kind, value)| tick(kind, value));
        assert_eq!(
            ticks,
            ["1 ms", "150 us", "0", "0.5", "0.5/s", "20,000/s", "64 KiB"]
        );
    }

    #[test]
    fn a_range_says_its_unit_once_if_it_can() {
        let times = |low, high| range(Kind::Nanoseconds, low, high);
        assert_eq!(times(112_000.0, 131_000.0), "112\u{2013}131 us");
        assert_eq!(times(912_000.0, 1_310_000.0), "912 us\u{2013}1.31 ms");
        assert_eq!(times(112_000.0, 112_000.0), "112 us");
        assert_eq!(range(Kind::Count, 1.0, 12.0), "1\u{2013}12");
    }

    #[test]
    fn three_digits_and_a_unit() {
        let shown = [
            0.0,
            7.0,
            812.0,
            999.9,
            25_100.0,
            1_239_000.0,
            999_999.9,
            2.012e9,
            7.2e12,
        ]
        .map(duration);
        assert_eq!(
            shown,
            [
                "0 ns", "7.00 ns", "812 ns", "1.00 us", "25.1 us", "1.24 ms", "1.00 ms", "2.01 s",
                "7200 s"
            ]
        );
        assert_eq!(
            [64.0, 12_595.0, 1_572_864.0].map(bytes),
            ["64.0 B", "12.3 KiB", "1.50 MiB"]
        );
        assert_eq!(
            [0.0, 999.0, 1000.0, 1_234_567.4].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
