//! What those who watch may ask for.

use link::Cut;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shape::Shape;

/// A frame of one who watches.
#[derive(Debug)]
pub(crate) enum Ask {
    /// The lab's time, with what was sent along.
    Clock(Value),
    /// Another shape.
    Link(Shape),
    /// Whether there is a cable.
    Cable(bool),
    /// An end to connections, of one transport or of all.
    Cut(Cut, Option<String>),
    /// Nothing passes for so many milliseconds.
    Stall(u64),
    /// Events from now on.
    Source(Source),
    /// One event.
    Publish(String, Value),
    /// So many neighbours.
    Neighbours(Neighbours),
}

/// The settings of a source.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Source {
    /// Publishes a second; 0: none.
    pub(crate) rate: f64,
    /// How they are spread.
    pub(crate) law: Law,
    /// Bytes of an event's data, or what number and time take.
    pub(crate) payload: usize,
    /// Of the times.
    pub(crate) seed: u64,
    /// After how many it ends; none: never.
    pub(crate) count: Option<u64>,
    /// Events of a publish.
    pub(crate) burst: u32,
}

/// How publishes are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Law {
    /// As those of many people who know nothing of each other.
    Poisson,
    /// As a clock ticks.
    Periodic,
}

/// Native clients of a transport.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Neighbours {
    /// Of which.
    pub(crate) transport: String,
    /// How many there shall be.
    pub(crate) count: usize,
    /// Between two polls, where it polls, milliseconds.
    #[serde(default = "usual_interval")]
    pub(crate) interval_ms: f64,
}

fn usual_interval() -> f64 {
    1000.0
}

impl Default for Source {
    fn default() -> Self {
        Self {
            rate: 0.0,
            law: Law::Poisson,
            payload: 64,
            seed: 1,
            count: None,
            burst: 1,
        }
    }
}

/// Most publishes a second, and most events.
const MOST_RATE: f64 = 1_000.0;
const MOST_EVENTS: f64 = 10_000.0;
/// Most bytes of an event's data, and of all in a second.
const MOST_PAYLOAD: usize = 64 << 10;
const MOST_BYTES: f64 = 32e6;
const LONGEST_STALL_MS: u64 = 60_000;
const MOST_NAME: usize = hub::wire::MAX_NAME;

impl Ask {
    /// What a frame asks for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.trim_start().starts_with('{') {
            return Err("a JSON object is expected".to_owned());
        }
        let ask: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(match ask {
            Written::Clock { at } => Self::Clock(at),
            Written::Link(shape) => {
                shape.check()?;
                Self::Link(shape)
            }
            Written::Cable { plugged } => Self::Cable(plugged),
            Written::Cut { how, transport } => {
                let cut = Cut::named(&how).ok_or_else(|| {
                    let names = Cut::ALL.map(Cut::name).join(", ");
                    format!("there is no cut `{how}`; there are {names}")
                })?;
                Self::Cut(cut, transport)
            }
            Written::Stall { ms } if ms > LONGEST_STALL_MS => {
                return Err(format!("a stall has at most {LONGEST_STALL_MS} ms"));
            }
            Written::Stall { ms } => Self::Stall(ms),
            Written::Source(source) => {
                source.check()?;
                Self::Source(source)
            }
            Written::Publish { event, data } => {
                if event.is_empty() || event.len() > MOST_NAME {
                    return Err(format!("an event's name has 1 to {MOST_NAME} bytes"));
                }
                Self::Publish(event, data)
            }
            Written::Neighbours(neighbours) => {
                if !(10.0..=60_000.0).contains(&neighbours.interval_ms) {
                    return Err("`interval_ms` is 10 to 60000 milliseconds".to_owned());
                }
                Self::Neighbours(neighbours)
            }
        })
    }
}

impl Source {
    fn check(&self) -> Result<(), String> {
        if !(0.0..=MOST_RATE).contains(&self.rate) {
            return Err(format!("`rate` is 0 to {MOST_RATE} publishes a second"));
        }
        if self.payload > MOST_PAYLOAD {
            return Err(format!("`payload` is at most {MOST_PAYLOAD} bytes"));
        }
        let events = self.rate * f64::from(self.burst);
        if self.burst == 0 || events > MOST_EVENTS || events * self.payload as f64 > MOST_BYTES {
            return Err(format!(
                "`rate` x `burst` is at most {MOST_EVENTS} events a second, and with `payload` at most {MOST_BYTES} bytes; `burst` is 1 at least"
            ));
        }
        Ok(())
    }
}

/// As pages write it.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
enum Written {
    Clock {
        #[serde(default)]
        at: Value,
    },
    Link(Shape),
    Cable {
        plugged: bool,
    },
    Cut {
        how: String,
        transport: Option<String>,
    },
    Stall {
        ms: u64,
    },
    Source(Source),
    Publish {
        event: String,
        data: Value,
    },
    Neighbours(Neighbours),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_the_contract_is_understood() {
        for text in [
            r#"{"op":"clock","at":[1,"a"]}"#,
            r#"{"op":"clock"}"#,
            r#"{"op":"link","rtt_ms":100,"jitter_ms":0,"law":"normal","bandwidth_kbps":null,"set_up":1,"seed":1}"#,
            r#"{"op":"cable","plugged":false}"#,
            r#"{"op":"cut","how":"mid-message","transport":"websocket"}"#,
            r#"{"op":"cut","how":"half-open"}"#,
            r#"{"op":"stall","ms":500}"#,
            r#"{"op":"source","rate":4,"law":"poisson","payload":64,"seed":1,"count":null,"burst":1}"#,
            r#"{"op":"source","rate":0}"#,
            r#"{"op":"publish","event":"key","data":{"a":[null]}}"#,
            r#"{"op":"neighbours","transport":"long-poll","count":20,"interval_ms":1000}"#,
        ] {
            assert!(Ask::parse(text).is_ok(), "{text}: {:?}", Ask::parse(text));
        }
    }

    #[test]
    fn whatever_else_comes_is_refused_with_a_word() {
        for (text, word) in [
            ("", "object"),
            (r#"["stall",1]"#, "object"),
            (r#"{"op":"dance"}"#, "dance"),
            (r#"{"op":"stall","ms":500,"now":1}"#, "now"),
            (r#"{"op":"stall","ms":-1}"#, ""),
            (r#"{"op":"stall","ms":60001}"#, "60000"),
            (r#"{"op":"cut","how":"gently"}"#, "gently"),
            (r#"{"op":"source","rate":1001}"#, "rate"),
            (r#"{"op":"source","rate":1000,"burst":11}"#, "burst"),
            (r#"{"op":"source","rate":1,"burst":0}"#, "burst"),
            (r#"{"op":"source","rate":1,"payload":65537}"#, "payload"),
            (r#"{"op":"source","rate":1000,"payload":65536}"#, "payload"),
            (r#"{"op":"source","speed":1}"#, "speed"),
            (r#"{"op":"link","rtt_ms":1e9}"#, "rtt_ms"),
            (r#"{"op":"link","colour":1}"#, "colour"),
            (r#"{"op":"publish","event":"","data":1}"#, "name"),
            (r#"{"op":"publish","event":"a"}"#, "data"),
            (
                r#"{"op":"neighbours","transport":"sse","count":1,"interval_ms":1}"#,
                "interval_ms",
            ),
        ] {
            let error = Ask::parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
