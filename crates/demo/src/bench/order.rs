//! What a page orders: the settings of a bench.

use hub::{Limits, SlowConsumer};
use serde::{Deserialize, Serialize};
use transport::Config;

use super::shape::Shape;

/// The settings of a bench; each has a default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Order {
    /// Whose servers.
    pub(crate) hub: Hub,
    batching: Option<bool>,
    keep_alive: Option<bool>,
    slow_consumer: Option<String>,
    mailbox: Option<usize>,
    /// The link, as it is at first.
    pub(crate) link: Shape,
}

/// Whose servers a bench has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Hub {
    /// Its own, with a hub of their own.
    #[default]
    Own,
    /// The demo's, so that pages meet.
    Common,
}

/// Most messages that a mailbox keeps.
const MAILBOX: usize = 4096;

impl Order {
    /// What the body of a request orders; an empty one orders nothing special.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err("the settings of a bench are expected as a JSON object".to_owned());
        }
        let order: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        order.check()?;
        Ok(order)
    }

    fn check(&self) -> Result<(), String> {
        self.link.check()?;
        if self.hub == Hub::Common {
            let own = [
                ("batching", self.batching.is_some()),
                ("keep_alive", self.keep_alive.is_some()),
                ("slow_consumer", self.slow_consumer.is_some()),
                ("mailbox", self.mailbox.is_some()),
            ];
            if let Some((name, _)) = own.iter().find(|(_, is_set)| *is_set) {
                return Err(format!(
                    "`{name}` is a setting of a bench's own servers; those of \"hub\":\"common\" are everyone's"
                ));
            }
        }
        self.policy()?;
        match self.mailbox {
            Some(messages) if !(1..=MAILBOX).contains(&messages) => Err(format!(
                "`mailbox` is how many messages a mailbox keeps, 1 to {MAILBOX}"
            )),
            _ => Ok(()),
        }
    }

    fn policy(&self) -> Result<SlowConsumer, String> {
        self.slow_consumer
            .as_deref()
            .map_or(Ok(SlowConsumer::default()), |name| {
                name.parse()
                    .map_err(|error| format!("`slow_consumer`: {error}"))
            })
    }

    /// The bounds of its hub.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            slow_consumer: self.policy().unwrap_or_default(),
            mailbox_messages: self.mailbox.unwrap_or(MAILBOX),
            ..super::servers::limits()
        }
    }

    /// The settings of its servers.
    pub(crate) fn config(&self, allow_origins: Vec<String>) -> Config {
        let usual = super::servers::config(allow_origins);
        Config {
            batching: self.batching.unwrap_or(usual.batching),
            keep_alive: self.keep_alive.unwrap_or(usual.keep_alive),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_optional_and_nothing_unknown_is_taken() {
        assert_eq!(Order::parse(b""), Ok(Order::default()));
        assert_eq!(Order::parse(b"{}"), Ok(Order::default()));
        let order = r#"{"hub":"own","batching":false,"keep_alive":true,"slow_consumer":"conflate","mailbox":1,"link":{"rtt_ms":100}}"#;
        let order = Order::parse(order.as_bytes()).unwrap();
        assert_eq!(order.limits().mailbox_messages, 1);
        assert_eq!(order.limits().slow_consumer, SlowConsumer::Conflate);
        assert!(!order.config(Vec::new()).batching);
        for (bad, word) in [
            (r#"{"colour":1}"#, "colour"),
            (r#"{"link":{"delay":1}}"#, "delay"),
            (r#"{"link":{"rtt_ms":-1}}"#, "rtt_ms"),
            (r#"{"slow_consumer":"wait"}"#, "wait"),
            (r#"{"hub":"mine"}"#, "mine"),
            (r#"{"hub":"common","batching":true}"#, "batching"),
            (r#"{"mailbox":0}"#, "mailbox"),
            (r#"{"mailbox":5000}"#, "mailbox"),
            ("[]", "object"),
            ("nonsense", "expected"),
        ] {
            let error = Order::parse(bad.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{bad}: {error}");
        }
    }
}
