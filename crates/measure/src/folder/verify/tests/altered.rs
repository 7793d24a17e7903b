//! Each file is cut off and altered at many places, and the error has to name it.

use std::fs;

use super::{complete, refused};
use crate::folder::{INTERVALS, LOG, MANIFEST, RUNS, SCENARIO, SUMMARY};

/// Whatever nothing else in the folder repeats (the last: not to the nanosecond), so that it can't be checked.
const UNCHECKED: [&str; 15] = [
    "warm_up_s",
    "warm_up_steady",
    "connections",
    "connect_count",
    "connect_min_ns",
    "censored_at_least_min_ns",
    "censored_at_least_max_ns",
    "warm_up_discarded",
    "in_flight_mean",
    "throughput_times_stay",
    "retransmits",
    "server_run_queue_wait_ns",
    "generator_cpu_user_ns",
    "generator_cpu_system_ns",
    "started_utc",
];

fn is_unchecked(column: &str) -> bool {
    UNCHECKED.contains(&column) || column.contains("_pause")
}

#[test]
fn whatever_is_cut_off_is_noticed() {
    let (_out, path) = complete();
    for name in [MANIFEST, SCENARIO, RUNS, INTERVALS, LOG, SUMMARY] {
        let text = fs::read(path.join(name)).unwrap();
        // The scenario's last letter is a line's end, which says nothing.
        let most = text.len() - usize::from(name == SCENARIO);
        let line_ends = (0..most).filter(|at| text[*at] == b'\n').map(|at| at + 1);
        let line_ends: Vec<usize> = line_ends.filter(|at| *at < most).collect();
        let step = line_ends.len() / 25 + 1;
        let offsets = (0..most).step_by(most / 25 + 1).chain([1, most - 1]);
        for offset in offsets.chain(line_ends.into_iter().step_by(step)) {
            refused(
                &path,
                name,
                &text[..offset],
                &format!("cut off at {offset}"),
            );
        }
    }
}

#[test]
fn each_figure_of_the_tables_is_held_against_another() {
    let (_out, path) = complete();
    for (name, is_free) in [
        (RUNS, is_unchecked as fn(&str) -> bool),
        // A send may be late, and an error before the measured part.
        (INTERVALS, |column: &str| column == "errors"),
    ] {
        let text = fs::read_to_string(path.join(name)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let names: Vec<String> = lines[0].split(',').map(str::to_owned).collect();
        let mut altered = 0;
        let row = lines[2].clone();
        let cells: Vec<&str> = split(&row);
        assert_eq!(cells.len(), names.len(), "{row}");
        for (own, (column, cell)) in names.iter().zip(&cells).enumerate() {
            let Some(place) = cell.rfind(|letter: char| letter.is_ascii_digit()) else {
                continue;
            };
            if is_free(column) {
                continue;
            }
            let other = with_other_digit(cell, place);
            let mut cells = cells.clone();
            cells[own] = &other;
            lines[2] = cells.join(",");
            let changed = lines.join("\n") + "\n";
            lines[2].clone_from(&row);
            refused(
                &path,
                name,
                changed.as_bytes(),
                &format!("{column} is {other}"),
            );
            altered += 1;
        }
        assert!(altered > 10, "{name}: {altered}");
        for (from, to) in [(0, 2), (1, 2), (2, 3)] {
            let mut other = lines.clone();
            other.swap(from, to);
            refused(
                &path,
                name,
                (other.join("\n") + "\n").as_bytes(),
                "lines swapped",
            );
            let mut fewer = lines.clone();
            fewer.remove(from);
            refused(
                &path,
                name,
                (fewer.join("\n") + "\n").as_bytes(),
                "a line less",
            );
            let mut more = lines.clone();
            more.insert(to, lines[to].clone());
            refused(
                &path,
                name,
                (more.join("\n") + "\n").as_bytes(),
                "a line twice",
            );
        }
        refused(
            &path,
            name,
            text.replace('\n', "\r\n").as_bytes(),
            "other line ends",
        );
        let more = text.replace(",\n", ",,\n").replace("_ns\n", "_ns,extra\n");
        refused(&path, name, more.as_bytes(), "a column more");
    }
}

#[test]
fn each_letter_of_the_log_and_the_summary_counts() {
    let (_out, path) = complete();
    for name in [LOG, SUMMARY] {
        let text = fs::read(path.join(name)).unwrap();
        // Of a number, nine digits count.
        let is_digit = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
        let is_tail = |at: usize| text[..at].iter().rev().take_while(is_digit).count() > 9;
        let places = (0..text.len()).filter(|at| text[*at].is_ascii_alphanumeric());
        let places = places.filter(|at| name == LOG || !is_tail(*at));
        let places: Vec<usize> = places.collect();
        for at in places.iter().step_by(places.len() / 60 + 1) {
            let mut changed = text.clone();
            changed[*at] = match text[*at] {
                b'9' => b'1',
                b'z' => b'a',
                b'Z' => b'A',
                other => other + 1,
            };
            let line = text[..*at].split(|byte| *byte == b'\n').count();
            refused(&path, name, &changed, &format!("line {line}, byte {at}"));
        }
    }
}

#[test]
fn the_numbers_of_scenario_and_manifest_are_those_of_the_rows() {
    let (_out, path) = complete();
    let scenario = fs::read_to_string(path.join(SCENARIO)).unwrap();
    for (from, to) in [
        ("shout", "shouts"),
        ("3s", "4s"),
        ("Who", "What"),
        ("100/s", "101/s"),
        ("64 B", "65 B"),
        ("= 30", "= 31"),
        ("<= 12", "<= 13"),
        ("80 us", "81 us"),
        ("*.lost", "b.lost"),
    ] {
        refused(&path, SCENARIO, scenario.replace(from, to).as_bytes(), to);
    }
    let manifest = fs::read_to_string(path.join(MANIFEST)).unwrap();
    for (from, to) in [
        ("\"a#2\"", "\"a#3\""),
        ("\"b#1\",\n", ""),
        ("\"seed\": 7", "\"seed\": 8"),
        ("\"trials\": 2", "\"trials\": 3"),
        ("\"quick\": false", "\"quick\": true"),
        ("\"complete\"", "\"interrupted\""),
        ("\"a\",", ""),
        ("\"started_utc\": \"20", "\"started_utc\": \"19"),
    ] {
        assert!(manifest.contains(from), "{from}");
        refused(
            &path,
            MANIFEST,
            manifest.replacen(from, to, 1).as_bytes(),
            to,
        );
    }
}

#[test]
fn an_error_says_what_would_be_right() {
    let (_out, path) = complete();
    let altered = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(path.join(name)).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        refused(&path, name, text.replacen(from, to, 1).as_bytes(), from)
    };
    let error = altered(INTERVALS, ",100,100,100,0,", ",100,99,100,0,");
    let end = "intervals.csv:2: the seconds of a#1 in intervals.csv have 299 completed; with the 0 censored of runs.csv its \
               `response_count`, 300, would be right";
    assert!(error.ends_with(end), "{error}");
    let error = altered(SUMMARY, "\"ranked\": true", "\"ranked\": false");
    assert!(
        error.contains(": arms[0].ranked is false; true would be right"),
        "{error}"
    );
    let error = altered(LOG, "a.response", "b.response");
    let end = "latency.hlog:8: the tag `b.response` is none of the case a#1; `a.delivery-age` would be one";
    assert!(error.ends_with(end), "{error}");
    let error = altered(RUNS, ",completed,,valid,", ",complete,,valid,");
    let end = "runs.csv:2: `complete` is no value for column `outcome`";
    assert!(error.ends_with(end), "{error}");
    let error = altered(RUNS, "valid", "invalid");
    let end = "runs.csv:2: `verdict` of a#1 is `invalid`, but in summary.json it is `valid`";
    assert!(error.ends_with(end), "{error}");
}

fn with_other_digit(cell: &str, place: usize) -> String {
    let digit = cell.as_bytes()[place];
    let other = if digit == b'9' {
        '1'
    } else {
        (digit + 1) as char
    };
    format!("{}{other}{}", &cell[..place], &cell[place + 1..])
}

/// The cells of a line in which no quoted cell holds a quote.
fn split(line: &str) -> Vec<&str> {
    let (mut cells, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                cells.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    cells.push(&line[start..]);
    cells
}
