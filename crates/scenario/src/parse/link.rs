//! `[link]`: the network between the generator and the server.

use std::time::Duration;

use crate::error::ScenarioError;
use crate::fields::{Field, Fields, hint};
use crate::limits::{
    LEAST_LINK_QUEUE, LONGEST_DELAY, MOST_BANDWIDTH, MOST_LINK_QUEUE, MOST_SET_UP,
};
use crate::unit;
use crate::{Backend, Between, JitterLaw, Kind, Link, PROFILES, Path, profile};

pub(super) const FIELDS: &[&str] = &[
    "profile",
    "backend",
    "between",
    "set-up",
    "rtt",
    "delay-up",
    "delay-down",
    "jitter",
    "jitter-law",
    "bandwidth",
    "bandwidth-up",
    "bandwidth-down",
    "queue",
    "loss",
    "reorder",
    "duplicate",
];

pub(super) fn link(
    section: Option<&Fields<'_>>,
    kind: Kind,
) -> Result<Option<Link>, ScenarioError> {
    let Some(section) = section else {
        return Ok(None);
    };
    let mut link = match section.get("profile") {
        Some(field) => named(&field)?,
        None => Link::default(),
    };
    if let Some(field) = section.get("backend") {
        let backends = [Backend::Relay, Backend::Packets];
        link.backend = field.choice(&backends.map(|backend| (backend.name(), backend)))?;
    }
    between(section, kind, &mut link)?;
    delays(section, &mut link)?;
    if let Some(field) = section.get("jitter-law") {
        let laws = [
            JitterLaw::Normal,
            JitterLaw::Uniform,
            JitterLaw::Exponential,
        ];
        let law = field.choice(&laws.map(|law| (law.name(), law)))?;
        (link.up.law, link.down.law) = (law, law);
        if link.up.jitter.is_zero() && link.down.jitter.is_zero() {
            return Err(field.useless("there is no jitter: write, for example, jitter = \"5ms\""));
        }
    }
    bandwidths(section, &mut link)?;
    harm(section, &mut link)?;
    if let Some(field) = section.get("set-up") {
        link.set_up = field.small(0..=MOST_SET_UP)?;
        if link.backend == Backend::Packets && link.set_up != 1 {
            return Err(field.wrong(
                "at packet level the kernel's own handshake takes its one round trip; remove it, or write backend = \"relay\"",
            ));
        }
    }
    Ok(Some(link))
}

fn named(field: &Field<'_>) -> Result<Link, ScenarioError> {
    let name = field.text("\"4g\"")?;
    let found = profile(name).map(crate::Profile::link);
    found.ok_or_else(|| {
        let names: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        field.wrong(format!(
            "\"{}\" is unknown: {}",
            unit::shown(name),
            hint(name, &names, '"')
        ))
    })
}

fn between(section: &Fields<'_>, kind: Kind, link: &mut Link) -> Result<(), ScenarioError> {
    let Some(field) = section.get("between") else {
        return Ok(());
    };
    let ends = [Between::All, Between::Senders, Between::Receivers];
    link.between = field.choice(&ends.map(|end| (end.name(), end)))?;
    if link.between == Between::All {
        return Ok(());
    }
    if !matches!(kind, Kind::Broadcast | Kind::Rooms) {
        return Err(field.wrong(format!(
            "in kind = \"{}\" no session only sends or only receives; \"all\" is right",
            kind.name()
        )));
    }
    if link.backend == Backend::Packets {
        return Err(field.wrong(
            "at packet level all connections go through the link; write backend = \"relay\", or remove it",
        ));
    }
    Ok(())
}

fn delays(section: &Fields<'_>, link: &mut Link) -> Result<(), ScenarioError> {
    let range = || Duration::ZERO..=LONGEST_DELAY;
    if let Some(field) = section.get("rtt") {
        if ["delay-up", "delay-down"]
            .iter()
            .any(|name| section.get(name).is_some())
        {
            return Err(field.wrong(
                "it is delay-up and delay-down together, half of it each; write either it or those two",
            ));
        }
        let half = field.duration(Duration::ZERO..=2 * LONGEST_DELAY)? / 2;
        (link.up.delay, link.down.delay) = (half, half);
    }
    if let Some(field) = section.get("delay-up") {
        link.up.delay = field.duration(range())?;
    }
    if let Some(field) = section.get("delay-down") {
        link.down.delay = field.duration(range())?;
    }
    if let Some(field) = section.get("jitter") {
        let jitter = field.duration(range())?;
        (link.up.jitter, link.down.jitter) = (jitter, jitter);
        let least = link.up.delay.min(link.down.delay);
        if jitter > least {
            return Err(field.wrong(format!(
                "{} is more than the delay of one way, {}: delays can't be negative, so at most that is right",
                unit::Span(jitter),
                unit::Span(least)
            )));
        }
    }
    Ok(())
}

fn bandwidths(section: &Fields<'_>, link: &mut Link) -> Result<(), ScenarioError> {
    if let Some(field) = section.get("bandwidth") {
        if let Some(other) = ["bandwidth-up", "bandwidth-down"]
            .iter()
            .find_map(|name| section.get(name))
        {
            return Err(other.wrong("`bandwidth` is both ways; write either it or the two"));
        }
        let bandwidth = Some(field.bit_rate(MOST_BANDWIDTH)?);
        (link.up.bandwidth, link.down.bandwidth) = (bandwidth, bandwidth);
    }
    if let Some(field) = section.get("bandwidth-up") {
        link.up.bandwidth = Some(field.bit_rate(MOST_BANDWIDTH)?);
    }
    if let Some(field) = section.get("bandwidth-down") {
        link.down.bandwidth = Some(field.bit_rate(MOST_BANDWIDTH)?);
    }
    if let Some(field) = section.get("queue") {
        let queue = field.size(LEAST_LINK_QUEUE..=MOST_LINK_QUEUE)?;
        if link.up.bandwidth.is_none() && link.down.bandwidth.is_none() {
            return Err(field.useless(
                "nothing waits where there is no bandwidth: write, for example, bandwidth = \"10 Mbit/s\"",
            ));
        }
        (link.up.queue, link.down.queue) = (queue, queue);
    }
    Ok(())
}

fn harm(section: &Fields<'_>, link: &mut Link) -> Result<(), ScenarioError> {
    let mut share = |name: &'static str,
                     put: fn(&mut Path) -> &mut f64|
     -> Result<(), ScenarioError> {
        let Some(field) = section.get(name) else {
            return Ok(());
        };
        let share = field.share()?;
        if share > 0.0 && link.backend == Backend::Relay {
            return Err(field.wrong(
                "a relay passes on the bytes of a TCP stream and can't lose, reorder or duplicate a packet; write backend = \"packets\" (it needs root)",
            ));
        }
        *put(&mut link.up) = share;
        *put(&mut link.down) = share;
        Ok(())
    };
    share("loss", |path| &mut path.loss)?;
    share("reorder", |path| &mut path.reorder)?;
    share("duplicate", |path| &mut path.duplicate)
}
