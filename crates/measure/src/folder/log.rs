//! `latency.hlog`: an `HdrHistogram` log (format 1.3), every histogram of every second.
//!
//! The cases follow each other, each after a comment line of its own, so that a reader can find the lines of a case again.

use std::io::{self, Read};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer, V2Serializer};
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

/// The part of one case in a log.
pub(super) struct Part<'a> {
    /// The line of its comment, from 1.
    pub(super) line: u64,
    /// Its lines, the comment first.
    pub(super) text: &'a str,
}

/// A log, cut into what stands before the first case and the part of each case.
pub(super) fn parts(log: &str) -> (&str, Vec<Part<'_>>) {
    let mut starts = Vec::new();
    let mut at = 0;
    for (line, text) in (1..).zip(log.split_inclusive('\n')) {
        if text.starts_with(CASE) {
            starts.push((line, at));
        }
        at += text.len();
    }
    let end_of = |next: usize| starts.get(next).map_or(log.len(), |(_, at)| *at);
    let parts = starts.iter().enumerate().map(|(index, (line, at))| Part {
        line: *line,
        text: &log[*at..end_of(index + 1)],
    });
    (&log[..end_of(0)], parts.collect())
}

/// The first lines of a case's part, without the last line's end.
pub(super) fn opening(key: &Key) -> String {
    format!(
        "{}\n#[MaxValueDivisor: {MAX_VALUE_DIVISOR:.3}]",
        comment(key)
    )
}

/// A line of a case: one latency in one second.
pub(super) struct Line<'a> {
    /// Which latency.
    pub(super) which: Which,
    /// When the second began and how long it was, as [`times`] writes them.
    pub(super) times: &'a str,
    /// Its samples.
    pub(super) histogram: Histogram<u64>,
}

/// Reads a line of the case `key`, without its end.
///
/// # Errors
/// What is wrong with it.
pub(super) fn line<'a>(text: &'a str, key: &Key) -> Result<Line<'a>, String> {
    let cells = text
        .strip_prefix("Tag=")
        .and_then(|rest| rest.split_once(','))
        .and_then(|(tag, rest)| Some((tag, rest.rsplit_once(',')?)))
        .and_then(|(tag, (rest, encoded))| Some((tag, rest.rsplit_once(',')?, encoded)));
    let Some((own, (times, max), encoded)) = cells else {
        return Err("this is no line `Tag=TAG,START,DURATION,MAX,HISTOGRAM`".to_owned());
    };
    let which = Which::ALL.into_iter().find(|which| tag(key, *which) == own);
    let which = which.ok_or_else(|| {
        let right = tag(key, key.headline());
        format!(
            "the tag `{own}` is none of the case {}; `{right}` would be one",
            key.brief()
        )
    })?;
    let histogram = decode(encoded)?;
    let right = format!("{:.3}", histogram.max() as f64 / MAX_VALUE_DIVISOR);
    if max != right {
        return Err(format!(
            "the greatest value is {max} ms, but the histogram's is {right} ms"
        ));
    }
    Ok(Line {
        which,
        times,
        histogram,
    })
}

/// Start and duration of a second, as a line of the log has them: `0.338,1.000`.
pub(super) fn times(start: Duration, duration: Duration) -> String {
    format!("{:.3},{:.3}", start.as_secs_f64(), duration.as_secs_f64())
}

/// The lines of a case in the text of a log; none if it isn't there.
pub(super) fn lines_of<'a>(log: &'a str, key: &Key) -> Option<&'a str> {
    let wanted = comment(key);
    let (_, parts) = parts(log);
    let is_it = |part: &Part<'_>| part.text.lines().next() == Some(&wanted);
    parts.into_iter().find(is_it).map(|part| part.text)
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
        let second = decode(interval.encoded_histogram())?;
        total
            .get_or_insert_with(histogram)
            .add(&second)
            .map_err(|error| error.to_string())?;
    }
    Ok(total)
}

/// Reads a histogram of the lab's shape, to its checksum.
fn decode(encoded: &str) -> Result<Histogram<u64>, String> {
    let broken = |what: &dyn std::fmt::Display| format!("the histogram is broken: {what}");
    let bytes = STANDARD.decode(encoded).map_err(|error| broken(&error))?;
    let (head, packed) = bytes
        .split_at_checked(8)
        .ok_or_else(|| broken(&"it is shorter than its head"))?;
    if head[..4] != COOKIE.to_be_bytes() {
        return Err(broken(
            &"it begins with another mark than those of version 2",
        ));
    }
    if head[4..] != (packed.len() as u32).to_be_bytes() {
        return Err(broken(&"its length is another one than it says"));
    }
    // The deserializer stops before the checksum, so that is read here.
    let mut plain = Vec::new();
    let mut unpacking = ZlibDecoder::new(packed).take(MOST_PLAIN);
    unpacking
        .read_to_end(&mut plain)
        .map_err(|error| broken(&error))?;
    if unpacking.into_inner().total_in() != packed.len() as u64 {
        return Err(broken(&"something stands behind its end"));
    }
    let mut shape = Vec::new();
    // Writing into memory doesn't fail.
    let _ = V2Serializer::new().serialize(&histogram::<u64>(), &mut shape);
    let is_whole = plain.len() >= HEAD
        && plain[4..8] == ((plain.len() - HEAD) as u32).to_be_bytes()
        && plain[8..HEAD] == shape[8..HEAD];
    if !is_whole {
        return Err(broken(&"it has not the lab's unit, range and digits"));
    }
    Deserializer::new()
        .deserialize(&mut plain.as_slice())
        .map_err(|error| broken(&error))
}

/// What a compressed histogram of version 2 begins with.
const COOKIE: u32 = 0x1c84_9314;

/// Bytes before the counts of a histogram: cookie, length of the counts, offset, digits, least and greatest value, ratio.
const HEAD: usize = 40;

/// More than any histogram of the lab's shape takes, unpacked, bytes.
const MOST_PLAIN: u64 = 1 << 20;

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
