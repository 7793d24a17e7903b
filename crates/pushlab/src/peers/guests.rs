//! What peers bring to a scenario: arms beside the lab's own.
//!
//! Nothing is left out without a word. A peer that was asked for by name and isn't installed is an error before anything runs; what was left out of
//! "all of them", or can't carry the scenario's traffic, is told, and kept in the manifest.

use std::path::Path;
use std::rc::Rc;

use anyhow::anyhow;
use measure::manifest::{LeftOut, PeerArmInfo, PeerInfo, RunInfo};
use scenario::{Kind, Scenario, What};

use super::{Peer, Route, Shelf};
use crate::exit::Failure;

/// Asks for every peer that is installed.
pub(crate) const ALL: &str = "all";

/// The peers of a scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guests {
    arms: Rc<Vec<PeerArm>>,
    infos: Vec<PeerInfo>,
    left_out: Vec<LeftOut>,
}

/// An arm of a peer in a scenario.
#[derive(Clone, Debug)]
pub(crate) struct PeerArm {
    pub(crate) peer: Rc<Peer>,
    /// Its name in tables.
    pub(crate) name: String,
    /// How the generator talks to it.
    pub(crate) route: Route,
}

/// How a peer was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// By `--peer NAME`.
    ByName,
    /// By the scenario, whose traffic not every arm has to carry.
    ByScenario,
    /// As one of all.
    AsOneOfAll,
}

impl Guests {
    /// Adds to `scenario` the arms of the peers that it names, if `own` says so, and of those in `names`.
    ///
    /// # Errors
    /// A peer that was named doesn't exist, isn't installed, or none of its arms carries this traffic; or its server would have to do what it can't.
    pub(crate) fn invite(
        scenario: Scenario,
        names: &[String],
        own: bool,
        folder: Option<&Path>,
    ) -> Result<(Scenario, Self), Failure> {
        let of_scenario: &[String] = if own { &scenario.peers } else { &[] };
        if names.is_empty() && of_scenario.is_empty() {
            return Ok((scenario, Self::default()));
        }
        let shelf = Shelf::find(folder)?;
        let all = if names.iter().any(|name| name == ALL) {
            shelf.names()?
        } else {
            Vec::new()
        };
        let by_name = names.iter().filter(|name| *name != ALL);
        let asked = of_scenario
            .iter()
            .map(|name| (name, Asked::ByScenario))
            .chain(by_name.map(|name| (name, Asked::ByName)))
            .chain(all.iter().map(|name| (name, Asked::AsOneOfAll)));
        let mut guests = Party::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, asked) in asked {
            if seen.contains(&name.as_str()) {
                continue;
            }
            seen.push(name);
            guests.add(shelf.peer(name)?, asked, &scenario)?;
        }
        Ok(guests.join(scenario))
    }

    /// The peers of a run that was cut off.
    ///
    /// # Errors
    /// One of them is no longer what it was.
    pub(crate) fn again(
        scenario: Scenario,
        run: &RunInfo,
        folder: Option<&Path>,
    ) -> Result<(Scenario, Self), Failure> {
        if run.peers.is_empty() {
            return Ok((scenario, Self::default()));
        }
        let names: Vec<String> = run.peers.iter().map(|peer| peer.name.clone()).collect();
        let (scenario, mut guests) = Self::invite(scenario, &names, false, folder)?;
        for (then, now) in run.peers.iter().zip(&guests.infos) {
            if then != now {
                return Err(Failure::Usage(anyhow!(
                    "the peer {} was {} when the run began, here it is {}; start anew",
                    then.name,
                    then.versions(),
                    now.versions()
                )));
            }
        }
        guests.left_out.clone_from(&run.left_out);
        Ok((scenario, guests))
    }

    /// The arm of that name, if it is a peer's.
    pub(crate) fn arm(&self, name: &str) -> Option<&PeerArm> {
        self.arms.iter().find(|arm| arm.name == name)
    }

    /// What the manifest keeps of them.
    pub(crate) fn infos(&self) -> &[PeerInfo] {
        &self.infos
    }

    /// What was asked for and is not there.
    pub(crate) fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// The guests that are there already.
#[derive(Default)]
struct Party {
    arms: Vec<PeerArm>,
    infos: Vec<PeerInfo>,
    left_out: Vec<LeftOut>,
}

impl Party {
    fn add(&mut self, peer: Peer, asked: Asked, scenario: &Scenario) -> Result<(), Failure> {
        let name = peer.name.clone();
        if let Some(obstacle) = peer.obstacle() {
            let reason = format!("{obstacle}; `pushlab peers setup {name}`");
            if asked != Asked::AsOneOfAll {
                return Err(Failure::Usage(anyhow!("the peer {name} {reason}")));
            }
            self.left_out.push(LeftOut { name, reason });
            return Ok(());
        }
        let peer = Rc::new(peer);
        let (mut arms, mut infos) = (Vec::new(), Vec::new());
        for arm in &peer.arms {
            let Some(route) = arm.route(scenario.kind) else {
                let reason = cannot(arm.routes.iter().map(|(kind, _)| *kind), scenario.kind);
                let name = arm.name.clone();
                self.left_out.push(LeftOut { name, reason });
                continue;
            };
            if self.arms.iter().any(|other| other.name == arm.name) {
                let wrong = anyhow!("two peers have an arm named {}", arm.name);
                return Err(Failure::Usage(wrong));
            }
            infos.push(PeerArmInfo {
                name: arm.name.clone(),
                protocol: route.wire.info.name.to_owned(),
            });
            arms.push(PeerArm {
                peer: Rc::clone(&peer),
                name: arm.name.clone(),
                route: route.clone(),
            });
        }
        if arms.is_empty() {
            if asked == Asked::ByName {
                let kinds = peer.arms.iter().flat_map(|arm| &arm.routes);
                let reason = cannot(kinds.map(|(kind, _)| *kind), scenario.kind);
                return Err(Failure::Usage(anyhow!("the peer {name} {reason}")));
            }
            return Ok(());
        }
        if scenario
            .faults
            .iter()
            .any(|fault| fault.what == What::KillServer)
        {
            return Err(Failure::Usage(anyhow!(
                "the peer {name}: a server that is killed is started again on a port that is kept for it meanwhile, which only the lab's own servers can share; leave the peer or the fault out"
            )));
        }
        self.arms.append(&mut arms);
        self.infos.push(PeerInfo {
            installed: peer.installed_version()?,
            title: peer.title.clone(),
            language: peer.language.clone(),
            package: peer.package.clone(),
            registry: peer.registry.to_owned(),
            version: peer.version.clone(),
            note: peer.note.clone(),
            arms: infos,
            name,
        });
        Ok(())
    }

    fn join(self, scenario: Scenario) -> (Scenario, Guests) {
        let mut arms = scenario.transports.clone();
        arms.extend(self.arms.iter().map(|arm| arm.name.clone()));
        let guests = Guests {
            arms: Rc::new(self.arms),
            infos: self.infos,
            left_out: self.left_out,
        };
        (scenario.with_transports(&arms), guests)
    }
}

/// "can't carry echo: it carries broadcast and idle".
fn cannot(kinds: impl Iterator<Item = Kind>, kind: Kind) -> String {
    let own: Vec<Kind> = kinds.collect();
    let names = Kind::ALL.into_iter().filter(|kind| own.contains(kind));
    let names: Vec<&str> = names.map(Kind::name).collect();
    let listed = match names.as_slice() {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    };
    format!("can't carry {}: it carries {listed}", kind.name())
}
