//! `[load]`: how messages are sent.

use std::time::Duration;

use crate::error::ScenarioError;
use crate::fields::Fields;
use crate::limits::{ENVELOPE, MOST_BURST, MOST_DEPTH, MOST_RATE};
use crate::unit::{Bytes, Span};
use crate::{Arrivals, Kind, Load, Pace, ServerSettings};

pub(super) const FIELDS: &[&str] = &["mode", "arrivals", "burst", "rate", "depth", "payload"];

pub(super) fn load(
    root: &Fields<'_>,
    section: Option<&Fields<'_>>,
    kind: Kind,
    duration: Duration,
) -> Result<Option<Load>, ScenarioError> {
    if kind == Kind::Idle {
        return match root.get("load") {
            Some(field) => Err(field.useless(
                "in kind = \"idle\" clients connect and send nothing; remove the section",
            )),
            None => Ok(None),
        };
    }
    let Some(section) = section else {
        return Err(root.missing(
            "load",
            "[load] with mode = \"open\", rate = \"500/s\" and payload = \"64 B\"",
        ));
    };
    let is_open = section
        .need("mode", "mode = \"open\"")?
        .choice(&[("open", true), ("closed", false)])?;
    let pace = if is_open {
        if let Some(field) = section.get("depth") {
            return Err(field.useless(
                "with mode = \"open\" messages go out on schedule, however many are outstanding; remove it, or write mode = \"closed\"",
            ));
        }
        let laws = [
            ("poisson", Arrivals::Poisson),
            ("constant", Arrivals::Constant),
            ("bursts", Arrivals::Bursts { size: 1 }),
        ];
        let mut arrivals = section
            .get("arrivals")
            .map_or(Ok(Arrivals::Poisson), |field| field.choice(&laws))?;
        if let Arrivals::Bursts { size } = &mut arrivals {
            *size = section.need("burst", "burst = 20")?.small(2..=MOST_BURST)?;
        } else if let Some(field) = section.get("burst") {
            return Err(
                field.useless("only bursts have a size; remove it, or write arrivals = \"bursts\"")
            );
        }
        let field = section.need("rate", "rate = \"500/s\"")?;
        let rate = field.rate(MOST_RATE)?;
        let sends = rate * duration.as_secs_f64();
        if sends < 1.0 {
            return Err(field.wrong(format!(
                "at this rate only {sends:.2} messages are expected in the measured {}; a higher rate or a longer duration is right",
                Span(duration)
            )));
        }
        if let Arrivals::Bursts { size } = arrivals
            && sends < f64::from(size)
        {
            return Err(field.wrong(format!(
                "at this rate no whole burst of {size} is expected in the measured {}; a higher rate, a longer duration or a smaller burst is right",
                Span(duration)
            )));
        }
        Pace::Open { arrivals, rate }
    } else {
        for name in ["rate", "arrivals", "burst"] {
            if let Some(field) = section.get(name) {
                return Err(field.useless(
                    "with mode = \"closed\" a sender sends when an answer lets it; remove it, or write mode = \"open\"",
                ));
            }
        }
        Pace::Closed {
            depth: section
                .get("depth")
                .map_or(Ok(1), |field| field.small(1..=MOST_DEPTH))?,
        }
    };
    let payload = section
        .need("payload", "payload = \"64 B\"")?
        .size(Load::PAYLOAD)?;
    Ok(Some(Load { pace, payload }))
}

/// A message that no mailbox can hold would only measure overflows.
pub(super) fn check_fit(
    root: &Fields<'_>,
    load: Option<&Load>,
    server: &ServerSettings,
) -> Result<(), ScenarioError> {
    let Some(load) = load else { return Ok(()) };
    if load.payload + ENVELOPE <= server.mailbox_bytes {
        return Ok(());
    }
    let section = root
        .section("load")?
        .ok_or_else(|| root.missing("load", "[load]"))?;
    Err(section.need("payload", "payload = \"64 B\"")?.wrong(format!(
        "one message of {} doesn't fit into a mailbox of {}: a smaller payload, or a larger `mailbox-bytes` in `[server]`, is right",
        Bytes(load.payload),
        Bytes(server.mailbox_bytes)
    )))
}
