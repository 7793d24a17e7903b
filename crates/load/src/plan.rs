//! A scenario becomes roles: who joins what, who sends, who should receive.

use scenario::{Kind, Population, Scenario};

/// The roles of a case.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    /// Each session's role.
    pub(crate) clients: Vec<Role>,
    /// The sessions that send, by their number as a publisher.
    pub(crate) senders: Vec<Sender>,
    /// Bytes of a payload.
    pub(crate) payload: usize,
}

/// What one session does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    /// The room it joins.
    pub(crate) room: Option<String>,
    /// Its number as a publisher.
    pub(crate) sender: Option<usize>,
    /// The publishers it hears: the first, and how many from there on.
    pub(crate) hears: (usize, usize),
}

/// A session that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The session.
    pub(crate) client: usize,
    /// To whom.
    pub(crate) to: To,
    /// How many should receive each message.
    pub(crate) receivers: u32,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum To {
    /// To the server, which answers: a request.
    Reply,
    /// To every other session.
    Others,
    /// To everyone in a room.
    Room(String),
    /// To everyone else in a room.
    RoomOthers(String),
    /// To one session.
    Client(usize),
}

impl Plan {
    /// The roles that `scenario` asks for. Its population fits its kind: the scenario was checked when it was read.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let (clients, senders) = match (scenario.kind, scenario.population) {
            (
                Kind::Rooms,
                Population::Rooms {
                    rooms,
                    members,
                    publishers,
                    others,
                },
            ) => {
                let (rooms, members) = (rooms as usize, members as usize);
                self::rooms(rooms, members, publishers as usize, others)
            }
            (Kind::Broadcast, population) => broadcast(population.connections() as usize),
            (Kind::Chat, population) => chat(population.connections() as usize),
            (Kind::Private, population) => private(population.connections() as usize),
            (Kind::Echo, population) => echo(population.connections() as usize),
            (Kind::Idle | Kind::Rooms, population) => (
                (0..population.connections())
                    .map(|_| Role::silent())
                    .collect(),
                Vec::new(),
            ),
        };
        let payload = scenario
            .load
            .map_or(*scenario::Load::PAYLOAD.start(), |load| load.payload);
        Self {
            kind: scenario.kind,
            clients,
            senders,
            payload,
        }
    }

    /// Whether sessions receive events (and not only replies).
    pub(crate) fn has_events(&self) -> bool {
        !matches!(self.kind, Kind::Echo | Kind::Idle)
    }
}

impl Role {
    fn silent() -> Self {
        Self {
            room: None,
            sender: None,
            hears: (0, 0),
        }
    }
}

fn echo(clients: usize) -> (Vec<Role>, Vec<Sender>) {
    let roles = (0..clients).map(|client| Role {
        sender: Some(client),
        ..Role::silent()
    });
    let senders = (0..clients).map(|client| Sender {
        client,
        to: To::Reply,
        receivers: 1,
    });
    (roles.collect(), senders.collect())
}

/// Session 0 publishes, all others hear it.
fn broadcast(clients: usize) -> (Vec<Role>, Vec<Sender>) {
    let publisher = Role {
        sender: Some(0),
        ..Role::silent()
    };
    let subscriber = Role {
        hears: (0, 1),
        ..Role::silent()
    };
    let roles = std::iter::once(publisher).chain((1..clients).map(|_| subscriber.clone()));
    let sender = Sender {
        client: 0,
        to: To::Others,
        receivers: clients.saturating_sub(1) as u32,
    };
    (roles.collect(), vec![sender])
}

/// The first members of each room publish; a room's publishers follow each other in number. If it is to `others`, the one publisher of a room
/// doesn't hear itself.
fn rooms(
    rooms: usize,
    members: usize,
    publishers: usize,
    others: bool,
) -> (Vec<Role>, Vec<Sender>) {
    let name = |room: usize| format!("room-{room}");
    let role = |room: usize, member: usize| Role {
        room: Some(name(room)),
        sender: (member < publishers).then(|| room * publishers + member),
        hears: if others && member < publishers {
            (0, 0)
        } else {
            (room * publishers, publishers)
        },
    };
    let sender = |room: usize, member: usize| Sender {
        client: room * members + member,
        to: if others {
            To::RoomOthers(name(room))
        } else {
            To::Room(name(room))
        },
        receivers: (members - usize::from(others)) as u32,
    };
    let roles = (0..rooms).flat_map(|room| (0..members).map(move |member| role(room, member)));
    let senders =
        (0..rooms).flat_map(|room| (0..publishers).map(move |member| sender(room, member)));
    (roles.collect(), senders.collect())
}

/// One room in which everyone talks.
fn chat(clients: usize) -> (Vec<Role>, Vec<Sender>) {
    const ROOM: &str = "chat";
    let role = |client| Role {
        room: Some(ROOM.into()),
        sender: Some(client),
        hears: (0, clients),
    };
    let sender = |client| Sender {
        client,
        to: To::Room(ROOM.into()),
        receivers: clients as u32,
    };
    (
        (0..clients).map(role).collect(),
        (0..clients).map(sender).collect(),
    )
}

/// Neighbours write to each other: 0 and 1, 2 and 3, …
fn private(clients: usize) -> (Vec<Role>, Vec<Sender>) {
    let role = |client: usize| Role {
        sender: Some(client),
        hears: (client ^ 1, 1),
        ..Role::silent()
    };
    let sender = |client: usize| Sender {
        client,
        to: To::Client(client ^ 1),
        receivers: 1,
    };
    (
        (0..clients).map(role).collect(),
        (0..clients).map(sender).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message of a publisher is expected by exactly as many sessions as the plan says receive it.
    fn consistent((clients, senders): &(Vec<Role>, Vec<Sender>)) {
        for (number, sender) in senders.iter().enumerate() {
            let (first, last) = (
                |role: &Role| role.hears.0,
                |role: &Role| role.hears.0 + role.hears.1,
            );
            let hearing = clients
                .iter()
                .filter(|role| (first(role)..last(role)).contains(&number));
            assert_eq!(hearing.count() as u32, sender.receivers);
            assert_eq!(clients[sender.client].sender, Some(number));
        }
    }

    #[test]
    fn every_message_has_its_receivers() {
        consistent(&broadcast(11));
        consistent(&rooms(4, 5, 2, false));
        consistent(&rooms(4, 5, 1, true));
        consistent(&chat(6));
        consistent(&private(8));
        let (clients, senders) = rooms(4, 5, 2, false);
        assert_eq!((clients.len(), senders.len()), (20, 8));
        assert_eq!(senders[3].to, To::Room("room-1".into()));
    }
}
