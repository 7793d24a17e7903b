//! The figures, what must be reached (*land*) and what should be (*aim*).
//!
//! Most targets are stated against foreign servers that this machine may not have.
//! They were measured beside the same yardsticks once, and the ratios hold from machine to
//! machine; so each target stands here as a ratio to a yardstick that is always at hand:
//!
//! - uWebSockets echoes at 1/1.01, 1/1.03 and .86 of raw epoll (64 connections depth 1, 1,000
//!   depth 1, 64 depth 16) and 1/1.19 (64, depth 16, 1 KiB);
//! - its `publish()` delivers 1.12, .68 and .61 of what raw epoll echoes (1,000 subscribers window
//!   1 and 64 connections depth 1; 10,000 and 1,000 depth 1; 1,000 window 16 and 64 depth 16);
//! - it answers 1.11 of the requests of a minimal hyper server;
//! - oha sends .75 and wrk 1.18 of the requests of a minimal hyper client loop. These two can be
//!   had, so that the generator also stands beside them directly.

use super::subject::{Server, Shape, Subject};
use crate::foreign::Generator;
use crate::lab::median;

/// One line of the table.
pub(crate) struct Row {
    /// For `--only`.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// What is measured.
    pub(crate) subject: Subject,
    /// What it is compared to, and the factor that turns the yardstick's figure into 1.
    pub(crate) yardstick: Option<(Subject, f64)>,
    /// Must be reached: a ratio, or bytes where there is no yardstick.
    land: Option<f64>,
    /// Should be reached.
    aim: Option<f64>,
}

/// All figures.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "ws-echo-64x1",
        title: "WebSocket echo, 64 connections, depth 1, against raw epoll",
        subject: Subject::WsEcho(Server::Pushlab, C64X1),
        yardstick: Some((RAW_64X1, 1.0)),
        land: Some(0.90),
        aim: Some(0.99),
    },
    Row {
        name: "ws-echo-1000x1",
        title: "WebSocket echo, 1,000 connections, depth 1, against raw epoll",
        subject: Subject::WsEcho(Server::Pushlab, C1000X1),
        yardstick: Some((RAW_1000X1, 1.0)),
        land: Some(0.80),
        aim: Some(0.97),
    },
    Row {
        name: "ws-echo-64x16",
        title: "WebSocket echo, 64 connections, depth 16, against raw epoll",
        subject: Subject::WsEcho(Server::Pushlab, C64X16),
        yardstick: Some((RAW_64X16, 1.0)),
        land: Some(0.50),
        aim: Some(0.86),
    },
    Row {
        name: "ws-echo-64x16-1k",
        title: "WebSocket echo, 64 connections, depth 16, 1 KiB, against raw epoll",
        subject: Subject::WsEcho(Server::Pushlab, C64X16_1K),
        yardstick: Some((Subject::WsEcho(Server::Yardstick, C64X16_1K), 1.0)),
        land: None,
        aim: Some(0.84),
    },
    Row {
        name: "broadcast-1k-w1",
        title: "broadcast to 1,000, window 1, against uWebSockets (1.12 of raw epoll 64 x 1)",
        subject: Subject::Broadcast {
            subscribers: 1_000,
            window: 1,
        },
        yardstick: Some((RAW_64X1, 1.12)),
        land: Some(0.95),
        aim: Some(1.1),
    },
    Row {
        name: "broadcast-10k-w1",
        title: "broadcast to 10,000, window 1, against uWebSockets (.68 of raw epoll 1,000 x 1)",
        subject: Subject::Broadcast {
            subscribers: 10_000,
            window: 1,
        },
        yardstick: Some((RAW_1000X1, 0.68)),
        land: Some(0.95),
        aim: Some(1.1),
    },
    Row {
        name: "broadcast-1k-w16",
        title: "broadcast to 1,000, window 16, against uWebSockets (.61 of raw epoll 64 x 16)",
        subject: Subject::Broadcast {
            subscribers: 1_000,
            window: 16,
        },
        yardstick: Some((RAW_64X16, 0.61)),
        land: Some(0.75),
        aim: Some(1.0),
    },
    Row {
        name: "memory-websocket",
        title: "user memory of an idle WebSocket, 10,000 held",
        subject: Subject::IdleWebSocket,
        yardstick: None,
        land: Some(3.0 * KIB),
        aim: Some(KIB),
    },
    Row {
        name: "memory-long-poll",
        title: "user memory of a parked long-poll, 10,000 held",
        subject: Subject::ParkedLongPoll,
        yardstick: None,
        land: Some(12.0 * KIB),
        aim: Some(4.0 * KIB),
    },
    Row {
        name: "http-echo",
        title: "HTTP echo, 64 connections, against a minimal hyper server",
        subject: Subject::HttpEcho(Server::Pushlab),
        yardstick: Some((Subject::HttpEcho(Server::Yardstick), 1.0)),
        land: Some(1.0),
        aim: Some(1.11),
    },
    Row {
        name: "generator-http",
        title: "generator, HTTP, 64 connections, against a minimal hyper client loop",
        subject: Subject::GenerateHttp(Server::Pushlab),
        yardstick: Some((Subject::GenerateHttp(Server::Yardstick), 1.0)),
        land: Some(0.97),
        aim: Some(1.18),
    },
    Row {
        name: "generator-http-oha",
        title: "generator, HTTP, 64 connections, against oha",
        subject: Subject::GenerateHttp(Server::Pushlab),
        yardstick: Some((Subject::GenerateForeign(Generator::Oha), 1.0)),
        land: Some(1.0),
        aim: Some(1.3),
    },
    Row {
        name: "generator-http-wrk",
        title: "generator, HTTP, 64 connections, against wrk",
        subject: Subject::GenerateHttp(Server::Pushlab),
        yardstick: Some((Subject::GenerateForeign(Generator::Wrk), 1.0)),
        land: None,
        aim: Some(1.0),
    },
    Row {
        name: "generator-ws",
        title: "generator, WebSocket, 64 connections, depth 1, against the raw epoll load loop",
        subject: Subject::GenerateWs(Server::Pushlab),
        yardstick: Some((Subject::GenerateWs(Server::Yardstick), 1.0)),
        land: Some(0.50),
        aim: Some(0.90),
    },
];

const KIB: f64 = 1024.0;
/// k6's WebSocket round trips per CPU second.
const K6_WEBSOCKET: f64 = 40_000.0;
const C64X1: Shape = Shape::new(64, 1, 64);
const C1000X1: Shape = Shape::new(1_000, 1, 64);
const C64X16: Shape = Shape::new(64, 16, 64);
const C64X16_1K: Shape = Shape::new(64, 16, 1024);
const RAW_64X1: Subject = Subject::WsEcho(Server::Yardstick, C64X1);
const RAW_1000X1: Subject = Subject::WsEcho(Server::Yardstick, C1000X1);
const RAW_64X16: Subject = Subject::WsEcho(Server::Yardstick, C64X16);

impl Row {
    /// The line of the table; `values` gives the figures of a subject, one a repeat, if it has any.
    pub(crate) fn line<'a>(&self, values: impl Fn(Subject) -> Option<&'a [f64]>) -> String {
        let figure = |subject| match values(subject) {
            Some(values) => with_unit(subject, median(values)),
            None => "failed".to_owned(),
        };
        let target = |target: Option<f64>| match target {
            None => String::new(),
            Some(bytes) if self.yardstick.is_none() => with_unit(self.subject, bytes),
            Some(ratio) => format!("{ratio:.2}"),
        };
        let measured = values(self.subject);
        let (mut compared, mut ratio) = (measured.map(median), String::new());
        if let Some((yardstick, factor)) = self.yardstick {
            compared = None;
            // A ratio a repeat, of two measurements in the same minute: what slowed both is gone.
            if let (Some(measured), Some(one)) = (measured, values(yardstick)) {
                let ratios: Vec<_> = measured
                    .iter()
                    .zip(one)
                    .map(|(a, b)| a / (factor * b))
                    .collect();
                let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
                let most = ratios.iter().copied().fold(0.0, f64::max);
                compared = Some(median(&ratios));
                ratio = format!("**{:.2}** ({least:.2} to {most:.2})", median(&ratios));
            }
        }
        format!(
            "| {} | {} | {} | {ratio} | {} | {} | {} |",
            self.title,
            figure(self.subject),
            self.yardstick
                .map_or(String::new(), |(yardstick, _)| figure(yardstick)),
            target(self.land),
            target(self.aim),
            compared.map_or("failed", |compared| self.reached(compared)),
        )
    }

    /// What stands beside the table, and is no target: a figure of a program that this machine can't have.
    pub(crate) fn note(&self, values: Option<&[f64]>) -> Option<String> {
        let measured = median(values?);
        (self.subject == Subject::GenerateWs(Server::Pushlab)).then(|| {
            format!(
                "{:.1} times the {} of k6 (measured once, where the raw epoll load loop made 300 k/s)",
                measured / K6_WEBSOCKET,
                with_unit(self.subject, K6_WEBSOCKET)
            )
        })
    }

    /// Whether it needs a load generator that doesn't come with the repository.
    pub(crate) fn needs_foreign(&self) -> bool {
        let yardstick = self.yardstick.map(|(yardstick, _)| yardstick);
        matches!(yardstick, Some(Subject::GenerateForeign(_)))
    }

    fn reached(&self, compared: f64) -> &'static str {
        let reaches = |target: Option<f64>| {
            target.is_some_and(|target| {
                // Bytes, which have no yardstick, are the better the fewer they are.
                match self.yardstick {
                    Some(_) => compared >= target,
                    None => compared <= target,
                }
            })
        };
        match (reaches(self.aim), reaches(self.land), self.land) {
            (true, _, _) => "aim",
            (false, true, _) => "land",
            (false, false, Some(_)) => "**no**",
            (false, false, None) => "",
        }
    }
}

/// A figure as people read it.
pub(crate) fn with_unit(subject: Subject, value: f64) -> String {
    match subject {
        Subject::IdleWebSocket | Subject::ParkedLongPoll => format!("{:.2} KiB", value / KIB),
        _ => format!("{:.1} k/s", value / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> &'static Row {
        ROWS.iter().find(|row| row.name == name).expect("a row")
    }

    #[test]
    fn a_ratio_is_to_the_yardstick_times_its_factor_in_the_same_repeat() {
        let figures = |subject| match subject {
            Subject::Broadcast { .. } => Some(&[336_000.0, 112_000.0, 224_000.0][..]),
            _ => Some(&[300_000.0, 100_000.0, 100_000.0][..]),
        };
        let line = row("broadcast-1k-w1").line(figures);
        let end = "| 224.0 k/s | 100.0 k/s | **1.00** (1.00 to 2.00) | 0.95 | 1.10 | land |";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn fewer_bytes_are_better() {
        let line = |bytes: &'static [f64]| row("memory-websocket").line(|_| Some(bytes));
        let end = "| 3.91 KiB |  |  | 3.00 KiB | 1.00 KiB | **no** |";
        assert!(line(&[4000.0]).ends_with(end));
        assert!(line(&[2000.0]).ends_with("| land |"));
        assert!(line(&[1000.0]).ends_with("| aim |"));
    }

    #[test]
    fn a_failure_reaches_nothing() {
        let line = row("http-echo").line(|_| None);
        let end = "| failed | failed |  | 1.00 | 1.11 | failed |";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn a_note_needs_a_figure() {
        let row = row("generator-ws");
        let note = row.note(Some(&[160_000.0])).expect("a note");
        assert!(note.starts_with("4.0 times the 40.0 k/s of k6"), "{note}");
        assert_eq!(row.note(None), None);
    }

    #[test]
    fn only_rows_that_name_one_need_another_generator() {
        let needy = ROWS.iter().filter(|row| row.needs_foreign());
        let names: Vec<_> = needy.map(|row| row.name).collect();
        assert_eq!(names, ["generator-http-oha", "generator-http-wrk"]);
    }

    #[test]
    fn names_are_unique() {
        for row in ROWS {
            let same = ROWS.iter().filter(|other| other.name == row.name);
            assert_eq!(same.count(), 1);
        }
    }
}
