//! The hub against a naive model of it: random lives of many sessions must look the same from outside.
//!
//! The model keeps for each session the whole list of what was ever addressed to it. A session must receive exactly a prefix of that list, in
//! order, with each gap standing for as many messages as it says, and never more than the list holds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hub::{
    Audience, Command, Delivery, Hub, Key, Limits, Outcome, ResumeError, SessionId, SlowConsumer,
    Token,
};
use proptest::prelude::*;

const SESSIONS: usize = 6;
const ROOMS: [&str; 3] = ["red", "green", "blue"];
const RETENTION: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
enum Step {
    Open(usize),
    Close(usize),
    Attach(usize),
    Detach(usize),
    Join(usize, usize),
    Leave(usize, usize),
    /// Sender, audience (0..=5), its room or session, the event's name.
    Emit(usize, usize, usize, usize),
    Request(usize),
    Take(usize, usize),
    /// The client reconnects with its true cursor, as after a cut: what was under way is lost and comes again.
    Resume(usize, usize),
    /// The client tells a cursor that nobody sent.
    Overstate(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..SESSIONS;
    prop_oneof![
        3 => who.clone().prop_map(Step::Open),
        1 => who.clone().prop_map(Step::Close),
        1 => who.clone().prop_map(Step::Attach),
        1 => who.clone().prop_map(Step::Detach),
        4 => (who.clone(), 0..ROOMS.len()).prop_map(|(s, r)| Step::Join(s, r)),
        2 => (who.clone(), 0..ROOMS.len()).prop_map(|(s, r)| Step::Leave(s, r)),
        20 => (who.clone(), 0..6_usize, 0..SESSIONS, 0..3_usize).prop_map(|(s, a, t, n)| Step::Emit(s, a, t, n)),
        3 => who.clone().prop_map(Step::Request),
        6 => (who.clone(), 1..5_usize).prop_map(|(s, most)| Step::Take(s, most)),
        3 => (who.clone(), 0..4_usize).prop_map(|(s, lost)| Step::Resume(s, lost)),
        1 => who.prop_map(Step::Overstate),
        2 => (0..8_u64).prop_map(Step::Wait),
    ]
}

/// One session as the model and its client see it.
struct Client {
    key: Key,
    id: SessionId,
    token: Token,
    rooms: Vec<usize>,
    attached: bool,
    expires: Instant,
    /// Everything ever addressed to it, each with its event name (none for a reply).
    addressed: Vec<(u64, Option<usize>)>,
    /// What it received; `None` for each message that a gap stood for.
    received: Vec<Option<u64>>,
    /// The cursor it told last: what came since may be lost in a cut and must come again.
    told: usize,
    gone: bool,
}

struct World {
    hub: Hub,
    limits: Limits,
    now: Instant,
    clients: HashMap<usize, Client>,
    opened: u8,
    events: u64,
}

impl World {
    fn new(limits: Limits) -> Self {
        Self {
            hub: Hub::new(limits.clone()),
            limits,
            now: Instant::now(),
            clients: HashMap::new(),
            opened: 0,
            events: 0,
        }
    }

    fn settle(&mut self) {
        let (mut ready, mut ended) = (Vec::new(), Vec::new());
        self.hub.settle(&mut ready, &mut ended, self.now);
        for client in self
            .clients
            .values_mut()
            .filter(|client| !client.gone && ended.contains(&client.key))
        {
            assert_eq!(self.limits.slow_consumer, SlowConsumer::Disconnect);
            let waiting = client.addressed.len() - client.received.len();
            assert!(waiting > 0, "nothing waited, so nothing could overflow");
            client.gone = true;
        }
        for key in ready {
            let mailbox = self.hub.mailbox(key);
            assert!(mailbox.has_unsent() || self.clients.values().all(|client| client.key != key));
        }
        self.check_bounds();
    }

    fn check_bounds(&mut self) {
        for client in self.clients.values().filter(|client| !client.gone) {
            let mailbox = self.hub.mailbox(client.key);
            assert!(mailbox.len() <= self.limits.mailbox_messages);
            assert!(mailbox.bytes() <= self.limits.mailbox_bytes);
        }
    }

    fn live(&self, who: usize) -> Option<&Client> {
        self.clients.get(&who).filter(|client| !client.gone)
    }

    fn emit(&mut self, who: usize, audience: usize, target: usize, name: usize) {
        let Some(sender) = self.live(who) else { return };
        let (key, room) = (sender.key, target % ROOMS.len());
        let stranger = SessionId::from_bytes([255; 16]);
        let target_id = self.live(target).map_or(stranger, |client| client.id);
        let to = match audience {
            0 => Audience::Everyone,
            1 => Audience::Others,
            2 => Audience::Sender,
            3 => Audience::Room(ROOMS[room].into()),
            4 => Audience::RoomOthers(ROOMS[room].into()),
            _ => Audience::Session(target_id.to_string().into()),
        };
        let n = self.events;
        self.events += 1;
        for (&other, client) in self.clients.iter_mut().filter(|(_, client)| !client.gone) {
            let receives = match audience {
                0 => true,
                1 => other != who,
                2 => other == who,
                3 => client.rooms.contains(&room),
                4 => client.rooms.contains(&room) && other != who,
                _ => other == target && client.id == target_id,
            };
            if receives {
                client.addressed.push((n, Some(name)));
            }
        }
        let (event, data) = (format!("event-{name}"), n.to_string());
        let command = Command::Emit {
            to,
            event: event.into(),
            data: &data,
        };
        assert_eq!(self.hub.apply(key, &command, None), Outcome::Done);
    }

    fn take(&mut self, who: usize, most: usize) {
        let Some(client) = self.clients.get_mut(&who).filter(|client| !client.gone) else {
            return;
        };
        let received = &mut client.received;
        self.hub
            .mailbox(client.key)
            .take(most, |delivery| match delivery {
                Delivery::Gap(missed) => received.extend((0..missed).map(|_| None)),
                Delivery::Event(event) => {
                    let json: serde_json::Value = serde_json::from_slice(event.json()).unwrap();
                    received.push(json["data"].as_u64());
                }
            });
        assert_eq!(
            self.hub.mailbox(client.key).cursor(),
            client.received.len() as u64
        );
        check_received(client, self.limits.slow_consumer);
    }

    fn resume(&mut self, who: usize, lost: usize) {
        let now = self.now;
        let Some(client) = self.clients.get_mut(&who) else {
            return;
        };
        match self.hub.find(client.token, now) {
            Ok(key) => {
                assert!(
                    !client.gone && (client.attached || client.expires > now),
                    "found, so it must still be there"
                );
                assert_eq!(key, client.key);
                // A client never tells less than before.
                let keep = client.received.len().saturating_sub(lost).max(client.told);
                client.received.truncate(keep);
                client.told = keep;
                self.hub.rewind(key, Some(keep as u64)).unwrap();
                self.hub.attach(key);
                client.attached = true;
            }
            Err(ResumeError::Gone) => assert!(client.gone),
            Err(ResumeError::Unknown) => {
                assert!(client.gone || (!client.attached && client.expires <= now));
                self.clients.remove(&who);
            }
        }
    }

    fn open(&mut self, who: usize) {
        if self.clients.contains_key(&who) {
            return;
        }
        self.opened += 1;
        let (id, token) = (
            SessionId::from_bytes([self.opened; 16]),
            Token::from_bytes([self.opened; 18]),
        );
        let key = self.hub.open(id, token, self.now).unwrap();
        self.hub.attach(key);
        let client = Client {
            key,
            id,
            token,
            rooms: Vec::new(),
            attached: true,
            expires: self.now,
            addressed: Vec::new(),
            received: Vec::new(),
            told: 0,
            gone: false,
        };
        self.clients.insert(who, client);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Open(who) => self.open(who),
            Step::Close(who) => {
                if let Some(client) = self.clients.remove(&who).filter(|client| !client.gone) {
                    self.hub.close(client.key);
                    assert_eq!(
                        self.hub.find(client.token, self.now),
                        Err(ResumeError::Unknown)
                    );
                }
            }
            Step::Attach(who) => self.resume(who, 0),
            Step::Detach(who) => {
                let (now, retention) = (self.now, self.limits.retention);
                if let Some(client) = self.clients.get_mut(&who).filter(|client| !client.gone) {
                    self.hub.detach(client.key, now);
                    client.attached = false;
                    client.expires = now + retention;
                }
            }
            Step::Join(who, room) => {
                if let Some(client) = self.clients.get_mut(&who).filter(|client| !client.gone) {
                    self.hub.apply(
                        client.key,
                        &Command::Join {
                            room: ROOMS[room].into(),
                        },
                        None,
                    );
                    if !client.rooms.contains(&room) {
                        client.rooms.push(room);
                    }
                }
            }
            Step::Leave(who, room) => {
                if let Some(client) = self.clients.get_mut(&who).filter(|client| !client.gone) {
                    self.hub.apply(
                        client.key,
                        &Command::Leave {
                            room: ROOMS[room].into(),
                        },
                        None,
                    );
                    client.rooms.retain(|joined| *joined != room);
                }
            }
            Step::Emit(who, audience, target, name) => self.emit(who, audience, target, name),
            Step::Request(who) => {
                let n = self.events;
                if let Some(client) = self.clients.get_mut(&who).filter(|client| !client.gone) {
                    self.events += 1;
                    client.addressed.push((n, None));
                    self.hub.apply(
                        client.key,
                        &Command::Request {
                            id: n,
                            data: &n.to_string(),
                        },
                        None,
                    );
                }
            }
            Step::Take(who, most) => self.take(who, most),
            Step::Resume(who, lost) => self.resume(who, lost),
            Step::Overstate(who) => {
                if let Some(client) = self.live(who) {
                    let (key, beyond) = (client.key, client.received.len() as u64 + 1);
                    assert!(self.hub.rewind(key, Some(beyond)).is_err());
                }
            }
            Step::Wait(seconds) => {
                self.now += Duration::from_secs(seconds);
                let now = self.now;
                let expired = self
                    .clients
                    .values()
                    .filter(|c| !c.gone && !c.attached && c.expires <= now)
                    .count();
                assert_eq!(self.hub.expire(now), expired);
                self.clients
                    .retain(|_, client| client.gone || client.attached || client.expires > now);
            }
        }
        self.settle();
    }
}

/// What a client has is a prefix of what was addressed to it: each message in its place, or a gap in its place.
fn check_received(client: &Client, policy: SlowConsumer) {
    assert!(
        client.received.len() <= client.addressed.len(),
        "more than was ever addressed to it"
    );
    let mut newest: HashMap<usize, usize> = HashMap::new();
    for (place, (n, name)) in client.addressed.iter().enumerate() {
        if let Some(name) = name {
            newest.insert(*name, place);
        }
        if let Some(Some(received)) = client.received.get(place) {
            assert_eq!(received, n, "place {place}");
        }
    }
    if policy == SlowConsumer::Conflate && client.received.len() == client.addressed.len() {
        // The newest of a name could only go where the mailbox is full of newer names and replies: three names never fill it.
        let replies = client
            .addressed
            .iter()
            .filter(|(_, name)| name.is_none())
            .count();
        for place in newest.values().filter(|_| replies == 0) {
            assert!(
                client.received[*place].is_some(),
                "the newest of its name is gone"
            );
        }
    }
}

fn live_a_life(limits: Limits, steps: &[Step]) {
    let roomy = limits.mailbox_messages > steps.len();
    let mut world = World::new(limits);
    for step in steps {
        world.step(step);
    }
    // In the end everyone takes what is left, and the receivers of any two common events agree on their order.
    let everyone: Vec<usize> = world.clients.keys().copied().collect();
    for who in &everyone {
        world.take(*who, usize::MAX);
    }
    let mut orders: Vec<Vec<u64>> = Vec::new();
    for client in world.clients.values().filter(|client| !client.gone) {
        assert_eq!(
            client.received.len(),
            client.addressed.len(),
            "something is neither delivered nor in a gap"
        );
        assert!(
            !roomy || client.received.iter().all(Option::is_some),
            "a gap although there was room"
        );
        orders.push(client.received.iter().flatten().copied().collect());
    }
    for order in &orders {
        assert!(
            order.windows(2).all(|pair| pair[0] < pair[1]),
            "not the one order"
        );
    }
    // Nothing is left behind when all have gone.
    for who in everyone {
        world.step(&Step::Close(who));
    }
    assert_eq!(world.hub.rooms(), 0);
    assert!(world.hub.is_empty());
}

fn small(slow_consumer: SlowConsumer) -> Limits {
    Limits {
        mailbox_messages: 8,
        mailbox_bytes: 700,
        slow_consumer,
        retention: RETENTION,
        ..Limits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn roomy_mailboxes_lose_nothing(steps in prop::collection::vec(step(), 0..200)) {
        let limits = Limits { retention: RETENTION, ..Limits::default() };
        live_a_life(limits, &steps);
    }

    #[test]
    fn full_mailboxes_disconnect(steps in prop::collection::vec(step(), 0..200)) {
        live_a_life(small(SlowConsumer::Disconnect), &steps);
    }

    #[test]
    fn full_mailboxes_drop_the_oldest(steps in prop::collection::vec(step(), 0..200)) {
        live_a_life(small(SlowConsumer::DropOldest), &steps);
    }

    #[test]
    fn full_mailboxes_conflate(steps in prop::collection::vec(step(), 0..200)) {
        live_a_life(Limits { mailbox_messages: 16, mailbox_bytes: 1 << 20, ..small(SlowConsumer::Conflate) }, &steps);
    }
}
