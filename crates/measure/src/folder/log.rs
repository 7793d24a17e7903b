//! `latency.hlog`: an `HdrHistogram` log (format 1.3), every histogram of every second.
//!
//! The cases follow each other, each after a comment line of its own, so that a reader can find the lines of a case again.

use std::io;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use jiff::Timestamp;

use crate::latency::{Which, histogram};
use crate::measurement::{Key, Measurement};

/// The unit of the `Interval_Max` column, for people: milliseconds.
const MAX_VALUE_DIVISOR: f64 = 1e6;

/// What begins the comment line of a case.
const CASE: &str = "#[Case: ";

/// The lines before the first case.
pub(super) fn heading(started: Timestamp) -> io::Result<Vec<u8>> {
    let started = SystemTime::try_from(started).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment("[Unit: 1 ns; Interval_Max in ms]")
        .with_start_time(started)
        .with_base_time(started)
        .with_max_value_divisor(MAX_VALUE_DIVISOR)
        .begin_log_with(&mut log, &mut serializer)?;
    Ok(log)
}

/// The lines of a case, in a log that began at `started`.
pub(super) fn lines(measurement: &Measurement, started: Timestamp) -> io::Result<Vec<u8>> {
    let offset = measurement.started.duration_since(started);
    let offset = Duration::try_from(offset).unwrap_or_default();
    let key = &measurement.key;
    let mut serializer = V2DeflateSerializer::new();
    let mut part = format!("{}\n", comment(key)).into_bytes();
    // The heading has this divisor in a comment, which this one would repeat.
    let mut writer = IntervalLogWriterBuilder::new()
        .with_max_value_divisor(MAX_VALUE_DIVISOR)
        .begin_log_with(&mut part, &mut serializer)?;
    for interval in &measurement.latencies.intervals {
        for which in interval.kinds() {
            let Some(histogram) = interval.histogram(which) else {
                continue;
            };
            writer
                .write_histogram(
                    &histogram,
                    offset + Duration::from_nanos(interval.start_ns),
                    Duration::from_nanos(interval.duration_ns),
                    Tag::new(&tag(key, which)),
                )
                .map_err(|error| io::Error::other(format!("{error:?}")))?;
        }
    }
    Ok(part)
}

/// The lines of a case in the text of a log; none if it isn't there.
pub(super) fn lines_of<'a>(log: &'a str, key: &Key) -> Option<&'a str> {
    let wanted = comment(key);
    let mut start = None;
    let mut at = 0;
    for line in log.split_inclusive('\n') {
        if line.starts_with(CASE) {
            if let Some(start) = start {
                return Some(&log[start..at]);
            }
            if line.trim_end() == wanted {
                start = Some(at);
            }
        }
        at += line.len();
    }
    start.map(|start| &log[start..])
}

/// The histogram of one latency in the lines of a case, all seconds merged; none without a sample.
///
/// # Errors
/// What is wrong with the lines.
pub(super) fn merged(
    lines: &str,
    key: &Key,
    which: Which,
) -> Result<Option<Histogram<u64>>, String> {
    let tag = tag(key, which);
    let mut total: Option<Histogram<u64>> = None;
    for entry in IntervalLogIterator::new(lines.as_bytes()) {
        let LogEntry::Interval(interval) = entry.map_err(|error| format!("{error:?}"))? else {
            continue;
        };
        if interval.tag().is_none_or(|own| own.as_str() != tag) {
            continue;
        }
        let bytes = STANDARD
            .decode(interval.encoded_histogram())
            .map_err(|error| error.to_string())?;
        let second: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| error.to_string())?;
        total
            .get_or_insert_with(histogram)
            .add(&second)
            .map_err(|error| error.to_string())?;
    }
    Ok(total)
}

fn comment(key: &Key) -> String {
    let Key {
        arm,
        point,
        trial,
        attempt,
        seed,
        ..
    } = key;
    let point = if point.is_empty() {
        String::new()
    } else {
        format!(" at {point}")
    };
    format!("{CASE}{arm}{point} trial {trial} attempt {attempt} seed {seed}]")
}

/// `<arm>.<latency>`, in a sweep `<arm>@<point>.<latency>`: a tag has no blanks and no commas.
fn tag(key: &Key, which: Which) -> String {
    let at = if key.point.is_empty() { "" } else { "@" };
    let point = key.point.replace(' ', "+");
    format!("{}{at}{point}.{}", key.arm, which.name())
}
