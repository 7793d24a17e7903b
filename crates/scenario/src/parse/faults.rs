//! `[reconnect]` and `[[fault]]`: what goes wrong on purpose, and who comes back.

use std::time::Duration;

use crate::error::ScenarioError;
use crate::faults::in_order;
use crate::fields::Fields;
use crate::unit::Span;
use crate::{Backend, ClientSettings, Cut, Fault, Link, Population, Reconnect, What};

pub(super) const RECONNECT_FIELDS: &[&str] =
    &["jitter", "backoff", "longest-backoff", "dead-after"];
pub(super) const FAULT_FIELDS: &[&str] = &["at", "every", "what", "for", "how"];

/// What the arms of a scenario are to these two sections.
pub(super) struct Arms<'a> {
    /// One without a network, if there is any.
    pub(super) without_network: Option<&'a str>,
    /// Whether there is one with a network.
    pub(super) any_network: bool,
    /// Whether one of them executes `hold`, and one `poll-interval`.
    pub(super) holds: bool,
    pub(super) polls: bool,
}

pub(super) fn reconnect(
    root: &Fields<'_>,
    section: Option<&Fields<'_>>,
    client: &ClientSettings,
    arms: &Arms<'_>,
) -> Result<Option<Reconnect>, ScenarioError> {
    let Some(section) = section else {
        return Ok(None);
    };
    if !arms.any_network {
        return Err(root.need("reconnect", "")?.useless(
            "without a network there is no connection that could end; remove the section, or name a transport with one",
        ));
    }
    let wait = |name: &'static str, least: Duration, default: Duration| {
        section
            .get(name)
            .map_or(Ok(default), |field| field.duration(least..=LONGEST_WAIT))
    };
    let jitter = wait("jitter", Duration::ZERO, Duration::ZERO)?;
    let backoff = wait("backoff", SHORTEST_WAIT, BACKOFF)?;
    let longest_backoff = wait(
        "longest-backoff",
        SHORTEST_WAIT,
        LONGEST_BACKOFF.max(backoff),
    )?;
    if longest_backoff < backoff {
        let field = section.need("longest-backoff", "")?;
        return Err(field.wrong(format!(
            "{} is less than `backoff`, {}: the back-off only grows, so at least that is right",
            Span(longest_backoff),
            Span(backoff)
        )));
    }
    Ok(Some(Reconnect {
        jitter,
        backoff,
        longest_backoff,
        dead_after: dead_after(section, client, arms)?,
    }))
}

fn dead_after(
    section: &Fields<'_>,
    client: &ClientSettings,
    arms: &Arms<'_>,
) -> Result<Option<Duration>, ScenarioError> {
    let Some(field) = section.get("dead-after") else {
        return Ok(None);
    };
    let dead_after = field.duration(SHORTEST_SILENCE..=LONGEST_WAIT)?;
    let silences = [
        (arms.holds, "hold", client.hold),
        (arms.polls, "poll-interval", client.poll_interval),
    ];
    for (_, name, silence) in silences.into_iter().filter(|(applies, ..)| *applies) {
        if dead_after <= silence {
            return Err(field.wrong(format!(
                "a client that is well may hear nothing for `{name}` in `[client]`, {}: write more than that, or a shorter `{name}`",
                Span(silence)
            )));
        }
    }
    Ok(Some(dead_after))
}

pub(super) fn faults(
    root: &Fields<'_>,
    duration: Duration,
    link: Option<&Link>,
    population: Population,
    arms: &Arms<'_>,
) -> Result<Vec<Fault>, ScenarioError> {
    let sections = root.sections("fault")?;
    if let (Some(name), false) = (arms.without_network, sections.is_empty()) {
        return Err(root.need("fault", "")?.wrong(format!(
            "{name} has no server process and no connection that could fail: list the other transports in `transports`"
        )));
    }
    let mut faults = Vec::with_capacity(sections.len());
    for section in &sections {
        faults.push(fault(section, duration, link, population)?);
        check_apart(section, &faults, duration)?;
    }
    Ok(faults)
}

fn fault(
    section: &Fields<'_>,
    duration: Duration,
    link: Option<&Link>,
    population: Population,
) -> Result<Fault, ScenarioError> {
    section.only(FAULT_FIELDS, &[])?;
    let at = section.need("at", "at = \"3s\"")?;
    let start = at.duration(Duration::ZERO..=LONGEST_WAIT)?;
    if start >= duration {
        return Err(at.wrong(format!(
            "{} is not within the measured {}: an earlier time is right",
            Span(start),
            Span(duration)
        )));
    }
    let field = section.need("what", "what = \"kill-server\"")?;
    let mut what = field.choice(&What::ALL.map(|what| (what.name(), what)))?;
    if what.is_of_link() && link.is_none_or(|link| link.backend != Backend::Relay) {
        return Err(field.wrong(
            "it needs a link that relays: write [link] with backend = \"relay\", its default",
        ));
    }
    if what == What::StopReading && !has_listener(population) {
        return Err(field.wrong(
            "here no session only receives: kind = \"broadcast\", or kind = \"rooms\" with fewer publishers than members, is right",
        ));
    }
    let length = length(section, what)?;
    if start + length > duration {
        return Err(section.need("for", "")?.wrong(format!(
            "it would be over {} after the measured part began, which is {} long: end it within",
            Span(start + length),
            Span(duration)
        )));
    }
    if let What::CutLink(how) = &mut what {
        *how = section
            .need("how", "how = \"reset\"")?
            .choice(&Cut::ALL.map(|how| (how.name(), how)))?;
    } else if let Some(field) = section.get("how") {
        return Err(field.useless(format!(
            "a \"{}\" has one way only; remove it, or write what = \"cut-link\"",
            what.name()
        )));
    }
    let every = section.get("every").map(|field| {
        let every = field.duration(SHORTEST_STEP..=LONGEST_WAIT)?;
        if every <= length {
            return Err(field.wrong(format!(
                "the fault lasts {}, so it can't begin again after {}: more is right",
                Span(length),
                Span(every)
            )));
        }
        Ok(every)
    });
    Ok(Fault {
        at: start,
        every: every.transpose()?,
        what,
        length,
    })
}

/// Whether the last session only receives.
fn has_listener(population: Population) -> bool {
    match population {
        Population::Broadcast { .. } => true,
        Population::Rooms {
            members,
            publishers,
            ..
        } => publishers < members,
        Population::Clients(_) => false,
    }
}

fn length(section: &Fields<'_>, what: What) -> Result<Duration, ScenarioError> {
    if let What::CutLink(_) = what {
        return match section.get("for") {
            Some(field) => {
                Err(field.useless("a cut has no length: new connections pass at once; remove it"))
            }
            None => Ok(Duration::ZERO),
        };
    }
    section
        .need("for", "for = \"1s\"")?
        .duration(SHORTEST_WAIT..=LONGEST_WAIT)
}

/// One fault at a time: what a second one would do to a server that isn't there can't be said.
fn check_apart(
    section: &Fields<'_>,
    faults: &[Fault],
    duration: Duration,
) -> Result<(), ScenarioError> {
    let all = in_order(faults, duration);
    let clash = all.windows(2).find(|pair| {
        let ((first, fault), (second, _)) = (&pair[0], &pair[1]);
        *first + fault.length > *second || first == second
    });
    let Some([(first, one), (second, other)]) = clash else {
        return Ok(());
    };
    let at = section.need("at", "")?;
    Err(at.wrong(format!(
        "a \"{}\" at {} would meet the \"{}\" at {}: faults follow each other",
        other.what.name(),
        Span(*second),
        one.what.name(),
        Span(*first)
    )))
}

const BACKOFF: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Less is a busy machine, and no dead peer.
const SHORTEST_SILENCE: Duration = Duration::from_millis(10);
const SHORTEST_STEP: Duration = Duration::from_millis(10);
