//! A sequence diagram in which time runs down: a line a message, and behind the server what it has yet to answer.

use std::fmt::Write as _;

use dissect::{Kind, Message, Way};
use link::relay::Close;
use report::duration;
use wiretap::Event;

/// Columns between the client and the server.
const WIDTH: usize = 40;

/// Requests behind the server that are drawn.
const SLOTS: usize = 10;

/// How it may be drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) ascii: bool,
    pub(super) colours: bool,
}

/// What is to be known from one line to the next.
pub(super) struct Diagram {
    style: Style,
    /// When the first thing happened.
    began: Option<u64>,
    /// Requests that are not answered, or whose answer goes on; each stays in its column.
    slots: Vec<Option<Slot>>,
}

struct Slot {
    connection: u64,
    exchange: u64,
    /// When the request was sent.
    sent: u64,
    /// Its answer is an event stream, which goes on.
    streams: bool,
}

/// What a line is about, as a colour (ECMA-48, section 8.3.117).
#[derive(Clone, Copy)]
enum Colour {
    Up = 36,
    Down = 32,
    Useless = 33,
    Bad = 31,
    Quiet = 2,
}

impl Diagram {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            began: None,
            slots: Vec::new(),
        }
    }

    /// The names of the columns.
    pub(super) fn head(&self) -> String {
        let line = format!(
            "{:>8} {:>4}  {:<WIDTH$}{:>6}  payload + overhead  at the server",
            "seconds", "conn", "client", "server"
        );
        format!("\n{}\n", self.painted(Colour::Quiet, &line))
    }

    /// The line of an event.
    pub(super) fn line(&mut self, event: &Event) -> String {
        match *event {
            Event::Opened { connection, at } => {
                let mark = if self.style.ascii { "o" } else { "○" };
                self.note(at, connection, Colour::Quiet, &format!("{mark} opened"))
            }
            Event::Lost {
                connection,
                way,
                at,
                bytes,
                ..
            } => {
                let mark = if self.style.ascii { "x" } else { "╳" };
                let text = format!("{mark} {bytes} B on their way {} are lost", way.name());
                self.note(at, connection, Colour::Bad, &text)
            }
            Event::Closed {
                connection,
                at,
                how,
                by,
            } => {
                for slot in &mut self.slots {
                    if slot
                        .as_ref()
                        .is_some_and(|slot| slot.connection == connection)
                    {
                        *slot = None;
                    }
                }
                let mark = if self.style.ascii { "*" } else { "●" };
                let (done, colour) = match how {
                    Close::Fin => ("closed", Colour::Quiet),
                    Close::Reset => ("reset", Colour::Bad),
                    Close::Cut => ("cut without a word", Colour::Bad),
                };
                let text = format!("{mark} {done} by the {}", by.name());
                self.note(at, connection, colour, &text)
            }
            Event::Message {
                connection,
                ref message,
            } => self.message(connection, message),
        }
    }

    fn message(&mut self, connection: u64, message: &Message) -> String {
        let mut title = message.title.clone();
        let mut mark = None;
        match message.kind {
            Kind::Request => {
                let slot = Slot {
                    connection,
                    exchange: message.exchange,
                    sent: message.sent,
                    streams: false,
                };
                mark = Some((self.take_slot(slot), ["┬", "+"]));
            }
            // An interim answer, as 100 is, leaves the request where it is; one that switches protocols doesn't.
            Kind::Response if !matches!(message.status, Some(100 | 102..200)) => {
                if let Some(index) = self.slot_of(connection, message.exchange) {
                    mark = Some((
                        index,
                        if message.continues {
                            ["├", "+"]
                        } else {
                            ["┴", "+"]
                        },
                    ));
                    title += &self.answered(index, message);
                }
            }
            _ => {}
        }
        if message.useless {
            title.push_str(", useless");
        }
        let colour = match (message.kind, message.way) {
            (Kind::Other, _) => Colour::Bad,
            _ if message.useless => Colour::Useless,
            (_, Way::Up) => Colour::Up,
            (_, Way::Down) => Colour::Down,
        };
        let arrow = self.painted(colour, &self.arrow(message.way, &title));
        let waiting = self.waiting(mark);
        let overhead = self.painted(Colour::Quiet, &format!("+ {:<8}", message.overhead));
        let line = format!(
            "{}  {bar}{arrow}{bar}   {:>7} {overhead}  {waiting}",
            self.start(message.arrived, connection),
            message.payload,
            bar = self.bar(),
        );
        line.trim_end().to_owned()
    }

    /// Takes the answer of a request: how long that took, if it is the first.
    fn answered(&mut self, index: usize, message: &Message) -> String {
        let Some(Some(slot)) = self.slots.get_mut(index) else {
            return String::new();
        };
        if slot.streams {
            return String::new();
        }
        slot.streams = message.continues;
        let took = message.arrived.saturating_sub(slot.sent);
        format!(" after {}", duration(took as f64))
    }

    fn slot_of(&self, connection: u64, exchange: u64) -> Option<usize> {
        self.slots.iter().position(|slot| {
            let own = slot.as_ref();
            own.is_some_and(|slot| (slot.connection, slot.exchange) == (connection, exchange))
        })
    }

    fn take_slot(&mut self, slot: Slot) -> usize {
        let free = self.slots.iter().position(Option::is_none);
        let index = free.unwrap_or(self.slots.len());
        if index == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[index] = Some(slot);
        index
    }

    /// What is at the server, with a mark for the request that comes or goes; one that goes gives its place back.
    fn waiting(&mut self, mark: Option<(usize, [&str; 2])>) -> String {
        let ascii = usize::from(self.style.ascii);
        let drawn = self.slots.iter().take(SLOTS).enumerate();
        let mut text: String = drawn
            .map(|(index, slot)| match (mark, slot) {
                (Some((own, signs)), _) if own == index => signs[ascii],
                (_, Some(slot)) if slot.streams => ["│", "|"][ascii],
                (_, Some(_)) => ["┆", ":"][ascii],
                (_, None) => " ",
            })
            .collect();
        let beyond = self.slots.iter().skip(SLOTS).flatten().count();
        if beyond > 0 {
            let _ = write!(text, " +{beyond}");
        }
        if let Some((index, ["┴", _])) = mark {
            self.slots[index] = None;
        }
        text
    }

    /// A line that is no message.
    fn note(&mut self, at: u64, connection: u64, colour: Colour, text: &str) -> String {
        let text = self.painted(colour, &padded(text, WIDTH));
        let bar = self.bar();
        let waiting = self.waiting(None);
        let line = format!(
            "{}  {bar}{text}{bar}   {:18}  {waiting}",
            self.start(at, connection),
            ""
        );
        line.trim_end().to_owned()
    }

    fn start(&mut self, at: u64, connection: u64) -> String {
        let began = *self.began.get_or_insert(at);
        let since = at.saturating_sub(began) as f64 / 1e9;
        format!("{since:>8.3} {connection:>4}")
    }

    fn arrow(&self, way: Way, title: &str) -> String {
        let [dash, right, left] = if self.style.ascii {
            ["-", ">", "<"]
        } else {
            ["─", "▶", "◀"]
        };
        let title = cut(title, WIDTH - 4);
        let rest = dash.repeat(WIDTH - 4 - title.chars().count());
        match way {
            Way::Up => format!("{dash} {title} {rest}{right}"),
            Way::Down => format!("{left} {title} {rest}{dash}"),
        }
    }

    fn bar(&self) -> &'static str {
        if self.style.ascii { "|" } else { "│" }
    }

    fn painted(&self, colour: Colour, text: &str) -> String {
        if self.style.colours {
            format!("\u{1b}[{}m{text}\u{1b}[0m", colour as u8)
        } else {
            text.to_owned()
        }
    }
}

/// At most so many characters, none of which does anything to a terminal.
fn cut(text: &str, most: usize) -> String {
    let mut clean = text
        .chars()
        .map(|one| if one.is_control() { '?' } else { one });
    let start: String = clean.by_ref().take(most).collect();
    if clean.next().is_none() {
        return start;
    }
    start.chars().take(most - 2).chain("..".chars()).collect()
}

fn padded(text: &str, width: usize) -> String {
    format!("{:<width$}", cut(text, width))
}

#[cfg(test)]
mod tests {
    use dissect::Conversation;
    use link::relay::Side;

    use super::*;

    const POLL: &str = "GET /events?after=3 HTTP/1.1\r\n\r\n";
    const NOTHING: &str = "HTTP/1.1 204 No Content\r\n\r\n";
    const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

    /// The lines of what two connections say: which, when in milliseconds, in which direction, what.
    fn drawn(style: Style, said: &[(u64, u64, Way, &str)]) -> Vec<String> {
        let mut diagram = Diagram::new(style);
        let mut conversations = [Conversation::new(), Conversation::new()];
        let mut lines = Vec::new();
        for &(connection, at, way, text) in said {
            let mut messages = Vec::new();
            let (sent, arrived) = (at * 1_000_000, (at + 50) * 1_000_000);
            conversations[connection as usize].feed(
                way,
                sent,
                arrived,
                text.as_bytes(),
                &mut messages,
            );
            lines.extend(messages.into_iter().map(|message| {
                diagram.line(&Event::Message {
                    connection,
                    message,
                })
            }));
        }
        lines
    }

    const PLAIN: Style = Style {
        ascii: false,
        colours: false,
    };

    #[test]
    fn a_held_poll_stands_at_the_server_until_it_is_answered() {
        let lines = drawn(
            PLAIN,
            &[
                (0, 0, Way::Up, POLL),
                (1, 10, Way::Up, "DELETE /session HTTP/1.1\r\n\r\n"),
                (1, 70, Way::Down, NOTHING),
                (0, 450, Way::Down, NOTHING),
            ],
        );
        assert_eq!(
            lines,
            [
                "   0.000    0  │─ GET /events?after=3 ─────────────────▶│         0 + 32        ┬",
                "   0.010    1  │─ DELETE /session ─────────────────────▶│         0 + 28        ┆┬",
                "   0.070    1  │◀ 204 after 110 ms ─────────────────────│         0 + 27        ┆┴",
                "   0.450    0  │◀ 204 after 500 ms, useless ────────────│         0 + 27        ┴",
            ]
        );
    }

    #[test]
    fn a_stream_stays_open() {
        let lines = drawn(
            PLAIN,
            &[
                (0, 0, Way::Up, POLL),
                (0, 60, Way::Down, STREAM),
                (0, 70, Way::Down, "data: abc\n\n"),
            ],
        );
        assert!(lines[1].ends_with("├"), "{}", lines[1]);
        assert!(lines[2].contains("◀ message, 3 B ─"), "{}", lines[2]);
        assert!(lines[2].ends_with("3 + 8         │"), "{}", lines[2]);
    }

    #[test]
    fn ascii_is_enough() {
        let style = Style {
            ascii: true,
            colours: false,
        };
        let lines = drawn(style, &[(0, 0, Way::Up, POLL), (0, 60, Way::Down, NOTHING)]);
        assert!(lines.iter().all(|line| line.is_ascii()), "{lines:?}");
        assert!(
            lines[0].contains("|- GET /events?after=3 --"),
            "{}",
            lines[0]
        );
        let mut diagram = Diagram::new(style);
        assert!(diagram.head().is_ascii());
        let closed = Event::Closed {
            connection: 7,
            at: 5,
            how: Close::Reset,
            by: Side::Link,
        };
        let line = diagram.line(&closed);
        assert!(
            line.is_ascii() && line.contains("* reset by the link"),
            "{line}"
        );
    }

    #[test]
    fn what_is_said_does_nothing_to_the_terminal() {
        let stream = format!("event: \u{1b}[2J{}\ndata: x\n\n", "y".repeat(60));
        let said = [
            (0, 0, Way::Up, POLL),
            (0, 60, Way::Down, STREAM),
            (0, 70, Way::Down, stream.as_str()),
        ];
        let lines = drawn(PLAIN, &said);
        assert!(lines[2].contains("◀ ?[2Jyyyy"), "{}", lines[2]);
        assert!(lines[2].contains("yy.. ─│"), "{}", lines[2]);
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
        let colours = Style {
            ascii: false,
            colours: true,
        };
        assert!(drawn(colours, &said)[0].contains("\u{1b}[36m─ GET"));
    }

    #[test]
    fn a_crowd_is_counted() {
        let said: Vec<_> = (0..13).map(|at| (0, at, Way::Up, POLL)).collect();
        let lines = drawn(PLAIN, &said);
        assert!(lines[12].ends_with("┆┆┆┆┆┆┆┆┆┆ +3"), "{}", lines[12]);
    }
}
