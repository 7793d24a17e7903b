//! `latency.hlog` against both tables.

use std::ops::Range;
use std::time::Duration;

use hdrhistogram::Histogram;
use jiff::Timestamp;

use super::Check;
use crate::folder::histograms::Histograms;
use crate::folder::log::{self, Part};
use crate::folder::{FolderError, INTERVALS, LOG, RUNS};
use crate::latency::{Distribution, Which, histogram};
use crate::rows::{IntervalRow, RunRow};
use crate::summary::encode;

/// The seven latencies of a case, in the order of [`Which::ALL`].
type Totals = [Histogram<u64>; 7];

impl Check<'_> {
    /// All histograms, and of each case that of its headline latency as a summary keeps it.
    pub(super) fn latencies(
        &self,
        seconds: &[Range<usize>],
    ) -> Result<(Histograms, Vec<Vec<u8>>), FolderError> {
        let parts = self.parts()?;
        let (mut histograms, mut headlines) = (Histograms::default(), Vec::new());
        let mut totals: Totals = std::array::from_fn(|_| histogram());
        for (case, (row, part)) in self.folder.runs.iter().zip(&parts).enumerate() {
            self.sums(case, seconds[case].clone())?;
            totals.iter_mut().for_each(Histogram::reset);
            self.case(case, part, &seconds[case], &mut totals)?;
            self.figures(case, part, &totals)?;
            histograms.add(&row.key, &totals);
            headlines.push(encode(&totals[row.key.headline() as usize]));
        }
        Ok((histograms, headlines))
    }

    /// The parts of the cases, in the order of the rows.
    fn parts(&self) -> Result<Vec<Part<'_>>, FolderError> {
        let (heading, parts) = log::parts(&self.log);
        let right = log::heading(self.manifest.started_utc).unwrap_or_default();
        let right = String::from_utf8_lossy(&right);
        let pairs = (1..).zip(
            right
                .lines()
                .zip(heading.lines().chain(std::iter::repeat(""))),
        );
        for (line, (right, own)) in pairs {
            if right != own {
                let reason = format!("{}, by `started_utc` in manifest.json", differs(own, right));
                return Err(self.wrong(LOG, line, reason));
            }
        }
        if heading != right {
            let line = right.lines().count() as u64 + 1;
            return Err(self.wrong(LOG, line, "no line of any case"));
        }
        let runs = &self.folder.runs;
        for (part, row) in parts.iter().zip(runs) {
            let opening = log::opening(&row.key);
            let pairs = (part.line..).zip(opening.lines().zip(part.text.split('\n')));
            for (line, (right, own)) in pairs {
                if own != right {
                    let case = row.key.brief();
                    let reason = format!(
                        "{}, for the next row of runs.csv is {case}",
                        differs(own, right)
                    );
                    return Err(self.wrong(LOG, line, reason));
                }
            }
        }
        let apart = usize::from(!self.is_closed());
        if parts.len() + apart < runs.len() {
            let (line, case) = (
                self.log.lines().count() as u64 + 1,
                runs[parts.len()].key.brief(),
            );
            let reason = format!("the lines of {case}, which has a row in runs.csv, are missing");
            return Err(self.wrong(LOG, line, reason));
        }
        match parts.get(runs.len() + apart) {
            None => Ok(parts),
            Some(part) => Err(self.wrong(LOG, part.line, "runs.csv has no row of this case")),
        }
    }

    /// Reads the lines of a case, and holds those of its headline latency against the seconds in `intervals.csv`.
    fn case(
        &self,
        case: usize,
        part: &Part<'_>,
        seconds: &Range<usize>,
        totals: &mut Totals,
    ) -> Result<(), FolderError> {
        let row = &self.folder.runs[case];
        let headline = row.key.headline();
        let own = &self.folder.intervals[seconds.clone()];
        let times = self.times(row, own);
        let mut at = 0;
        let mut here: Vec<Which> = Vec::new();
        let mut of_headline: Vec<Option<Histogram<u64>>> = vec![None; own.len()];
        let lines = (part.line..).zip(part.text.split_terminator('\n'));
        for (number, text) in lines.skip(OPENING) {
            let line =
                log::line(text, &row.key).map_err(|reason| self.wrong(LOG, number, reason))?;
            let Some(ahead) = times[at..].iter().position(|times| times == line.times) else {
                let reason = format!(
                    "`{}` is no start and duration of a second of {} by `started_utc` in runs.csv and by intervals.csv, or not in \
                     their order",
                    line.times,
                    row.key.brief()
                );
                return Err(self.wrong(LOG, number, reason));
            };
            if ahead > 0 {
                at += ahead;
                here.clear();
            }
            if here.contains(&line.which) {
                let reason = format!("this second has a line of {} already", line.which.name());
                return Err(self.wrong(LOG, number, reason));
            }
            here.push(line.which);
            totals[line.which as usize]
                .add(&line.histogram)
                .map_err(|error| self.wrong(LOG, number, error.to_string()))?;
            if line.which == headline {
                of_headline[at] = Some(line.histogram);
            }
        }
        for (index, (second, samples)) in own.iter().zip(&of_headline).enumerate() {
            if let Some(problem) = second_problem(second, samples.as_ref()) {
                let line = self.interval_lines[seconds.start + index];
                let reason = format!(
                    "{problem} by the lines of {} in latency.hlog, from line {} on",
                    row.key.brief(),
                    part.line
                );
                return Err(self.wrong(INTERVALS, line, reason));
            }
        }
        Ok(())
    }

    /// Start and duration of each second, as the log writes them.
    fn times(&self, row: &RunRow, seconds: &[IntervalRow]) -> Vec<String> {
        let nanoseconds = |seconds: f64| Duration::from_nanos((seconds * 1e9).round() as u64);
        let offset = row
            .started_utc
            .parse::<Timestamp>()
            .ok()
            .and_then(|started| {
                Duration::try_from(started.duration_since(self.manifest.started_utc)).ok()
            });
        let offset = offset.unwrap_or_default();
        let times = seconds.iter().map(|second| {
            log::times(
                offset + nanoseconds(second.start_s),
                nanoseconds(second.duration_s),
            )
        });
        times.collect()
    }

    /// Whether the row has the figures of the histograms.
    fn figures(&self, case: usize, part: &Part<'_>, totals: &Totals) -> Result<(), FolderError> {
        let row = &self.folder.runs[case];
        for which in Which::ALL {
            let right = Distribution::of(&totals[which as usize]);
            let Some(problem) = problem(row.latency(which), right.as_ref()) else {
                continue;
            };
            let reason = format!(
                "`{}_{problem} by the lines of {} in latency.hlog, from line {} on",
                which.column(),
                row.key.brief(),
                part.line
            );
            return Err(self.wrong(RUNS, self.run_lines[case], reason));
        }
        Ok(())
    }
}

/// Lines of a case's part before its histograms.
const OPENING: usize = 2;

/// A mean is a sum over many buckets, which another build may round otherwise.
const MEAN_ERROR: f64 = 1e-9;

fn differs(own: &str, right: &str) -> String {
    format!("`{own}` stands here; `{right}` would be right")
}

/// The first figure that is not that of the samples: the rest of a sentence that begins with its column's first half.
fn problem(own: Option<&Distribution>, right: Option<&Distribution>) -> Option<String> {
    let (own, right) = match (own, right) {
        (None, None) => return None,
        (Some(own), None) => {
            return Some(format!("count` is {}; nothing would be right", own.count));
        }
        (None, Some(right)) => {
            return Some(format!("count` is empty; {} would be right", right.count));
        }
        (Some(own), Some(right)) => (own, right),
    };
    let figures = [
        ("count", own.count, right.count),
        ("min_ns", own.min_ns, right.min_ns),
        ("p50_ns", own.p50_ns, right.p50_ns),
        ("p90_ns", own.p90_ns, right.p90_ns),
        ("p95_ns", own.p95_ns, right.p95_ns),
        ("p99_ns", own.p99_ns, right.p99_ns),
        ("p999_ns", own.p999_ns, right.p999_ns),
        ("max_ns", own.max_ns, right.max_ns),
    ];
    let other = figures.iter().find(|(_, own, right)| own != right);
    if let Some((name, own, right)) = other {
        return Some(format!("{name}` is {own}; {right} would be right"));
    }
    let is_near = (own.mean_ns - right.mean_ns).abs() <= MEAN_ERROR * right.mean_ns.abs();
    (!is_near).then(|| {
        format!(
            "mean_ns` is {}; {} would be right",
            own.mean_ns, right.mean_ns
        )
    })
}

/// The first figure of a second that is not that of its samples.
fn second_problem(own: &IntervalRow, samples: Option<&Histogram<u64>>) -> Option<String> {
    let count = samples.map_or(0, Histogram::len);
    if own.count != count {
        return Some(format!("`count` is {}; {count} would be right", own.count));
    }
    let at = |quantile: f64| samples.map(|samples| samples.value_at_quantile(quantile));
    let figures = [
        ("p50_ns", own.p50_ns, at(0.5)),
        ("p90_ns", own.p90_ns, at(0.9)),
        ("p99_ns", own.p99_ns, at(0.99)),
        ("max_ns", own.max_ns, samples.map(Histogram::max)),
    ];
    let shown =
        |value: Option<u64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
    let (name, own, right) = figures.into_iter().find(|(_, own, right)| own != right)?;
    Some(format!(
        "`{name}` is {}; {} would be right",
        shown(own),
        shown(right)
    ))
}
