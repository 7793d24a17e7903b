//! Values on the command line: what they may be, and what is said when they aren't that.

use std::time::Duration;

use clap::builder::ValueParser;
use scenario::{LEAST_LINK_QUEUE, LONGEST_DELAY, MOST_BANDWIDTH, MOST_LINK_QUEUE};

pub(super) fn positive() -> ValueParser {
    let parse = |text: &str| match text.parse::<usize>() {
        Ok(number) if (1..=1 << 40).contains(&number) => Ok(number),
        _ => Err("a whole number from 1 on is right"),
    };
    ValueParser::new(parse)
}

/// A size with a unit, or a plain number of bytes.
pub(super) fn parse_bytes(text: &str) -> Result<usize, String> {
    let bytes = match text.parse::<usize>() {
        Ok(bytes) => bytes,
        Err(_) => scenario::parse_size(text)?,
    };
    if (1..=1 << 40).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("1 byte to 1024 GiB are right".to_owned())
    }
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    match parse_duration_or_zero(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        duration => Ok(duration),
    }
}

pub(super) fn parse_duration_or_zero(text: &str) -> Result<Duration, String> {
    let duration = scenario::parse_duration(text)?;
    if duration <= Duration::from_secs(24 * 3600) {
        Ok(duration)
    } else {
        Err("at most 24h are right".to_owned())
    }
}

pub(super) fn parse_hold(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration <= Duration::from_secs(60) {
        Ok(duration)
    } else {
        Err("at most 60s are right".to_owned())
    }
}

/// A delay of a link, one way.
pub(super) fn parse_delay(text: &str) -> Result<Duration, String> {
    at_most(text, LONGEST_DELAY)
}

/// Both delays of a link together.
pub(super) fn parse_round_trip(text: &str) -> Result<Duration, String> {
    at_most(text, 2 * LONGEST_DELAY)
}

fn at_most(text: &str, longest: Duration) -> Result<Duration, String> {
    let duration = scenario::parse_duration(text)?;
    if duration <= longest {
        Ok(duration)
    } else {
        Err(format!("at most {longest:?} are right"))
    }
}

/// Bits a second.
pub(super) fn parse_bandwidth(text: &str) -> Result<f64, String> {
    let bandwidth = scenario::parse_bit_rate(text)?;
    if bandwidth > 0.0 && bandwidth <= MOST_BANDWIDTH {
        Ok(bandwidth)
    } else {
        let most = MOST_BANDWIDTH / 1e9;
        Err(format!(
            "more than 0 bit/s and at most {most} Gbit/s are right"
        ))
    }
}

/// What may wait for a link's bandwidth.
pub(super) fn parse_queue(text: &str) -> Result<usize, String> {
    let bytes = scenario::parse_size(text)?;
    if (LEAST_LINK_QUEUE..=MOST_LINK_QUEUE).contains(&bytes) {
        Ok(bytes)
    } else {
        let most = MOST_LINK_QUEUE >> 30;
        Err(format!("{LEAST_LINK_QUEUE} B to {most} GiB are right"))
    }
}

/// An origin as browsers write it (RFC 6454 section 6.2).
pub(super) fn parse_origin(text: &str) -> Result<String, String> {
    let help =
        "an origin is a scheme, a host and perhaps a port, without a path: http://localhost:3000";
    let (scheme, host) = text.split_once("://").ok_or(help)?;
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"/?#@".contains(&b));
    if is_scheme && is_host {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(help.to_owned())
    }
}

/// A percentage, as a share: `10%` is 0.1.
pub(super) fn parse_percentage(text: &str) -> Result<f64, String> {
    let help = "a percentage from 0% to 1000% is right, as in 10%";
    let number = text.strip_suffix('%').ok_or(help)?.trim_end();
    // `parse` takes signs, exponents and `inf` as well.
    let is_plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent: f64 = number.parse().map_err(|_| help)?;
    if is_plain && percent <= 1000.0 {
        Ok(percent / 100.0)
    } else {
        Err(help.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked() {
        assert_eq!(parse_bytes("4096"), Ok(4096));
        assert_eq!(parse_bytes("1 MiB"), Ok(1 << 20));
        assert!(parse_bytes("0").is_err() && parse_bytes("-1").is_err());
        assert!(
            parse_duration("0s").is_err()
                && parse_duration("25h").is_err()
                && parse_hold("61s").is_err()
        );
        assert_eq!(
            parse_origin("HTTP://localhost:3000"),
            Ok("http://localhost:3000".to_owned())
        );
        assert_eq!(parse_percentage("10%"), Ok(0.1));
        assert_eq!(parse_percentage("2.5 %"), Ok(0.025));
        for bad in [
            "10", "0.1", "", "%", "-1%", "+1%", "1e2%", "inf%", "1001%", "10%%", "ten%",
        ] {
            assert!(parse_percentage(bad).is_err(), "{bad}");
        }
        for bad in [
            "localhost",
            "http://",
            "://x",
            "http://x/",
            "http://x/path",
            "http://a@b",
            "*",
        ] {
            assert!(parse_origin(bad).is_err(), "{bad}");
        }
    }
}
