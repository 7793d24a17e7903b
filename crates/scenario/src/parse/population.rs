//! `[population]`: who is connected.

use crate::error::ScenarioError;
use crate::fields::Fields;
use crate::limits::MOST_CONNECTIONS;
use crate::{Kind, Population};

pub(super) const FIELDS: &[&str] = &[
    "clients",
    "subscribers",
    "rooms",
    "members",
    "publishers",
    "audience",
];

pub(super) fn population(
    root: &Fields<'_>,
    section: Option<&Fields<'_>>,
    kind: Kind,
) -> Result<Population, ScenarioError> {
    let (used, example): (&[&str], _) = match kind {
        Kind::Echo | Kind::Chat | Kind::Private | Kind::Idle => (&["clients"], "clients = 50"),
        Kind::Broadcast => (&["subscribers"], "subscribers = 100"),
        Kind::Rooms => (
            &["rooms", "members", "publishers", "audience"],
            "rooms = 10 and members = 10",
        ),
    };
    let Some(section) = section else {
        return Err(root.missing("population", &format!("[population] with {example}")));
    };
    if let Some(field) = FIELDS
        .iter()
        .filter(|name| !used.contains(name))
        .find_map(|name| section.get(name))
    {
        let names: Vec<String> = used.iter().map(|name| format!("`{name}`")).collect();
        let (kind, names) = (kind.name(), names.join(", "));
        return Err(field.useless(format!(
            "in kind = \"{kind}\" the population is given by {names}; remove it"
        )));
    }
    let count = |name, example: &str| section.need(name, example)?.small(1..=MOST_CONNECTIONS);
    match kind {
        Kind::Broadcast => {
            let subscribers = section
                .need("subscribers", "subscribers = 100")?
                .small(1..=MOST_CONNECTIONS - 1)?;
            Ok(Population::Broadcast { subscribers })
        }
        Kind::Rooms => {
            let rooms = count("rooms", "rooms = 10")?;
            let members = count("members", "members = 10")?;
            let sessions = u64::from(rooms) * u64::from(members);
            if sessions > u64::from(MOST_CONNECTIONS) {
                let field = section.need("members", "members = 10")?;
                return Err(field.wrong(format!(
                    "{rooms} rooms of {members} members are {sessions} sessions: at most {MOST_CONNECTIONS} are right"
                )));
            }
            let publishers = section.get("publishers").map_or(Ok(1), |field| {
                let publishers = field.small(1..=MOST_CONNECTIONS)?;
                if publishers <= members {
                    return Ok(publishers);
                }
                Err(field.wrong(format!("a room has {members} members, so {publishers} of them can't publish: 1 to {members} are right")))
            })?;
            let others = match section.get("audience") {
                None => false,
                Some(field) => {
                    let others = field.choice(&[("room", false), ("room-others", true)])?;
                    if others && (publishers > 1 || members < 2) {
                        return Err(field.wrong(
                            "\"room-others\" is for rooms with one publisher and somebody else",
                        ));
                    }
                    others
                }
            };
            Ok(Population::Rooms {
                rooms,
                members,
                publishers,
                others,
            })
        }
        Kind::Private => {
            let field = section.need("clients", "clients = 50")?;
            let clients = field.small(2..=MOST_CONNECTIONS)?;
            if clients % 2 == 1 {
                let even = clients + 1;
                return Err(field.wrong(format!("private clients write to each other in pairs, and {clients} is odd: {even} is right")));
            }
            Ok(Population::Clients(clients))
        }
        Kind::Echo | Kind::Chat | Kind::Idle => {
            Ok(Population::Clients(count("clients", "clients = 50")?))
        }
    }
}
