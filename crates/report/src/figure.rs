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
