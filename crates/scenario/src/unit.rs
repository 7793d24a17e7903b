//! Durations, sizes and rates with their units.

use std::fmt;
use std::time::Duration;

/// Reads "250ms", "5 s", "2m" or "1h".
///
/// # Errors
/// The text, what is wrong with it and what would be right.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or_else(|| duration_help(text))?;
    let nanoseconds = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(duration_help(text)),
    };
    let whole = scaled(number, nanoseconds).ok_or_else(|| too_big("duration", text))?;
    Ok(Duration::from_nanos(whole))
}

/// Reads "64 B", "1 KiB", "1MiB", "10 kB".
///
/// # Errors
/// The text, what is wrong with it and what would be right.
pub fn parse_size(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text).ok_or_else(|| size_help(text))?;
    let bytes = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => return Err(size_help(text)),
    };
    let whole = scaled(number, bytes).ok_or_else(|| too_big("size", text))?;
    usize::try_from(whole).map_err(|_| too_big("size", text))
}

/// Reads "500/s", "0.5/s", "30/min": a number of sends a second.
///
/// # Errors
/// The text, what is wrong with it and what would be right.
pub fn parse_rate(text: &str) -> Result<f64, String> {
    let (number, unit) = split(text).ok_or_else(|| rate_help(text))?;
    let seconds = match unit.strip_prefix('/').map(str::trim_start) {
        Some("s") => 1.0,
        Some("m" | "min") => 60.0,
        _ => return Err(rate_help(text)),
    };
    let rate = number.parse::<f64>().map_err(|_| rate_help(text))? / seconds;
    if rate.is_finite() {
        Ok(rate)
    } else {
        Err(too_big("rate", text))
    }
}

/// Reads "10 Mbit/s", "384 kbit/s", "1Gbit/s": bits a second.
///
/// # Errors
/// The text, what is wrong with it and what would be right.
pub fn parse_bit_rate(text: &str) -> Result<f64, String> {
    let (number, unit) = split(text).ok_or_else(|| bit_rate_help(text))?;
    let factor = match unit {
        "bit/s" => 1.0,
        "kbit/s" => 1e3,
        "Mbit/s" => 1e6,
        "Gbit/s" => 1e9,
        _ => return Err(bit_rate_help(text)),
    };
    let rate = number.parse::<f64>().map_err(|_| bit_rate_help(text))? * factor;
    if rate.is_finite() {
        Ok(rate)
    } else {
        Err(too_big("bandwidth", text))
    }
}

/// Reads "1 %", "0.5%": a share from 0 to 1.
///
/// # Errors
/// The text, what is wrong with it and what would be right.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let share = split(text).filter(|(_, unit)| *unit == "%");
    let share = share.and_then(|(number, _)| number.parse::<f64>().ok());
    share
        .map(|percent| percent / 100.0)
        .filter(|share| *share <= 1.0)
        .ok_or_else(|| {
            format!(
                "\"{}\" is not a share: write a number from 0 to 100 and %, as in \"1 %\"",
                shown(text)
            )
        })
}

/// A number in plain decimals and the unit after it.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let digits =
        number.strip_suffix('.').is_none() && number.starts_with(|c: char| c.is_ascii_digit());
    let plain = digits && !number.contains('_') && number.matches('.').count() <= 1;
    plain.then_some((number, unit.trim_start()))
}

/// `number` times `factor`, exactly, rounded down to a whole; `None` when it doesn't fit.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut total = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let mut unit = factor;
    for digit in fraction.bytes() {
        // Past the smallest unit the digits only round down.
        let part = u128::from(unit) * u128::from(digit - b'0') / 10;
        total = total.checked_add(u64::try_from(part).ok()?)?;
        unit /= 10;
    }
    Some(total)
}

fn duration_help(text: &str) -> String {
    format!(
        "\"{}\" is not a duration: write a number and ns, us, ms, s, m or h, as in \"250ms\" or \"5s\"",
        shown(text)
    )
}

fn size_help(text: &str) -> String {
    format!(
        "\"{}\" is not a size: write a number and B, kB, KiB, MB, MiB, GB or GiB, as in \"64 B\" or \"1 MiB\"",
        shown(text)
    )
}

fn rate_help(text: &str) -> String {
    format!(
        "\"{}\" is not a rate: write a number and /s or /min, as in \"500/s\"",
        shown(text)
    )
}

fn bit_rate_help(text: &str) -> String {
    format!(
        "\"{}\" is not a bandwidth: write a number and bit/s, kbit/s, Mbit/s or Gbit/s, as in \"10 Mbit/s\"",
        shown(text)
    )
}

fn too_big(what: &str, text: &str) -> String {
    format!("the {what} \"{}\" is too large to be counted", shown(text))
}

/// A duration, shown as one would write it.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        let units = [
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
        ];
        let unit = units
            .iter()
            .find(|(unit, _)| nanoseconds > 0 && nanoseconds.is_multiple_of(*unit));
        match unit {
            Some((unit, name)) => write!(f, "{}{name}", nanoseconds / unit),
            None if nanoseconds == 0 => f.write_str("0s"),
            None => write!(f, "{nanoseconds}ns"),
        }
    }
}

/// A duration in seconds, shown as one would write it: in the largest unit up to seconds of which it is at least one.
pub(crate) fn decimal_seconds(seconds: f64) -> String {
    let nanoseconds = (seconds * 1e9).round() as u64;
    let units = [(9, "s"), (6, "ms"), (3, "us"), (0, "ns")];
    let (digits, name) = units
        .into_iter()
        .find(|(digits, _)| nanoseconds >= 10_u64.pow(*digits))
        .unwrap_or(units[0]);
    let (whole, rest) = (
        nanoseconds / 10_u64.pow(digits),
        nanoseconds % 10_u64.pow(digits),
    );
    if rest == 0 {
        return format!("{whole}{name}");
    }
    let fraction = format!("{rest:0width$}", width = digits as usize);
    format!("{whole}.{}{name}", fraction.trim_end_matches('0'))
}

/// Bits a second, shown as one would write it.
pub(crate) fn bit_rate(value: f64) -> String {
    let units = [(1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")];
    match units.iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) => format!("{} {name}", value / unit),
        None => format!("{value} bit/s"),
    }
}

/// A share, shown as one would write it. Rounded, for a percentage is seldom exact in binary.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

/// A size, shown as one would write it.
pub(crate) struct Bytes(pub(crate) usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units
            .iter()
            .find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit))
        {
            Some((unit, name)) => write!(f, "{} {name}", self.0 / unit),
            None => write!(f, "{} B", self.0),
        }
    }
}

/// The text, cut so that a message stays one line long.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(40)
        .collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, nanoseconds) in [
            ("250ms", 250_000_000),
            ("5 s", 5_000_000_000),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("0.5s", 500_000_000),
            ("1.25 ms", 1_250_000),
            ("100us", 100_000),
            ("1.0000000009s", 1_000_000_000),
        ] {
            assert_eq!(
                parse_duration(text).map(|d| d.as_nanos()),
                Ok(nanoseconds),
                "{text}"
            );
        }
        for text in [
            "", "5", "s", "-1s", "1e3s", "5 x", "1..2s", "NaN s", ".5s", "5.s", "5s5", "inf s",
            "1_0s", "5 S",
        ] {
            let problem = parse_duration(text).unwrap_err();
            let wanted = "is not a duration: write a number and ns, us, ms, s, m or h, as in \"250ms\" or \"5s\"";
            assert_eq!(problem, format!("\"{text}\" {wanted}"));
        }
        let problem = parse_duration("99999999999999h").unwrap_err();
        assert_eq!(
            problem,
            "the duration \"99999999999999h\" is too large to be counted"
        );
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("64 B", 64),
            ("1KiB", 1024),
            ("1.5 KiB", 1536),
            ("10 kB", 10_000),
            ("1 MiB", 1 << 20),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["64", "64 b", "B", "1 kb", "1 Mib", "-4 B"] {
            let problem = parse_size(text).unwrap_err();
            let wanted = "is not a size: write a number and B, kB, KiB, MB, MiB, GB or GiB, as in \"64 B\" or \"1 MiB\"";
            assert_eq!(problem, format!("\"{text}\" {wanted}"));
        }
        let problem = parse_size("99999999999 GiB").unwrap_err();
        assert_eq!(
            problem,
            "the size \"99999999999 GiB\" is too large to be counted"
        );
    }

    #[test]
    fn rates_have_units() {
        for (text, rate) in [
            ("500/s", 500.0),
            ("0.5 /s", 0.5),
            ("30/min", 0.5),
            ("120 / m", 2.0),
        ] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        for text in ["500", "/s", "500/h", "NaN/s", "inf/s", "-1/s", "1e9/s"] {
            let problem = parse_rate(text).unwrap_err();
            assert_eq!(
                problem,
                format!("\"{text}\" is not a rate: write a number and /s or /min, as in \"500/s\"")
            );
        }
        let huge = format!("{}/s", "9".repeat(400));
        assert!(
            parse_rate(&huge)
                .unwrap_err()
                .ends_with("is too large to be counted")
        );
    }

    #[test]
    fn messages_stay_short() {
        let problem = parse_size(&"x\n".repeat(1000)).unwrap_err();
        assert!(problem.len() < 200 && !problem.contains('\n'), "{problem}");
    }

    #[test]
    fn values_are_shown_as_written() {
        let shown = [0, 10_000_000, 90_000_000_000, 3_600_000_000_000, 1]
            .map(|ns| Span(Duration::from_nanos(ns)).to_string());
        assert_eq!(shown, ["0s", "10ms", "90s", "1h", "1ns"]);
        assert_eq!(
            [0.0, 1e-9, 0.05, 0.0123, 1.5, 90.0].map(decimal_seconds),
            ["0s", "1ns", "50ms", "12.3ms", "1.5s", "90s"]
        );
        assert_eq!(
            [40, 1024, 16 << 20].map(|bytes| Bytes(bytes).to_string()),
            ["40 B", "1 KiB", "16 MiB"]
        );
    }
}
