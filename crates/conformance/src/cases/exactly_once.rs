//! Exactly once, in order, whatever happens to the connections.

use transport::{Audience, Ticket, Transport};

use crate::{Cut, Dice, Direction, Lab, Message, Peer, Proxy, Publisher, seed};

/// A client that comes for its messages now and then misses none: those of one gap come together, once and in order.
pub async fn across_gaps_between_polls<T: Transport>() {
    let lab = Lab::<T>::start();
    let mut peer = lab.connect().await;
    let publisher = lab.publisher();
    let mut dice = Dice::new(seed());
    let mut expected = Vec::new();
    let mut received = Vec::new();
    for _ in 0..40 {
        for _ in 0..dice.below(9) {
            expected.push(publisher.tell(Audience::Everyone, "count", &expected.len().to_string()));
        }
        if dice.below(3) == 0 {
            received.extend(peer.settled().await);
        } else if received.len() < expected.len() {
            received.push(peer.next().await);
        }
    }
    received.extend(peer.settled().await);
    assert_eq!(received, expected);
}

/// The client is dropped after each number of messages, and another one goes on with its cursor.
pub async fn across_reconnects_after_each_message<T: Transport>() {
    let lab = Lab::<T>::start();
    let publisher = lab.publisher();
    let mut peer = lab.connect().await;
    let mut received = Vec::new();
    let mut expected = Vec::new();
    for round in 0..30 {
        for _ in 0..4 {
            expected.push(publisher.tell(Audience::Everyone, "count", &expected.len().to_string()));
        }
        received.extend(peer.take(round % 5).await);
        let (ticket, unread) = peer.cut();
        received.extend(unread);
        assert_eq!(ticket.received, received.len() as u64);
        expected.push(publisher.tell(Audience::Everyone, "count", &expected.len().to_string()));
        peer = lab
            .resume(ticket)
            .await
            .expect("the retention window is open");
        assert!(peer.resumed());
    }
    received.extend(peer.settled().await);
    assert_eq!(received, expected);
}

/// TCP connections are cut after every number of bytes up to some, then every few, in either direction, with FIN or RST; the client
/// resumes with its cursor.
pub async fn across_cuts_at_every_byte<T: Transport>() {
    if T::INFO.url.is_none() {
        return;
    }
    let lab = Lab::<T>::start();
    let proxy = Proxy::start(lab.address()).await;
    let publisher = lab.publisher();
    let mut dice = Dice::new(seed());
    for direction in [Direction::Up, Direction::Down] {
        let mut bytes = 0;
        while bytes < 1500 {
            let cut = if dice.below(2) == 0 {
                Cut::End
            } else {
                Cut::Reset
            };
            survive_a_cut(&lab, &proxy, &publisher, (direction, bytes, cut)).await;
            bytes += 1 + dice.below(20);
        }
    }
    assert!(proxy.cuts() > 100, "{} cuts prove little", proxy.cuts());
}

/// Cuts come again and again while one session goes on.
pub async fn across_a_hundred_cuts_of_one_session<T: Transport>() {
    if T::INFO.url.is_none() {
        return;
    }
    let lab = Lab::<T>::start();
    let proxy = Proxy::start(lab.address()).await;
    let publisher = lab.publisher();
    let mut dice = Dice::new(seed() + 1);
    let mut session = Survivor::open(&lab, &proxy).await;
    while proxy.cuts() < 100 {
        let direction = if dice.below(3) == 0 {
            Direction::Up
        } else {
            Direction::Down
        };
        let cut = if dice.below(2) == 0 {
            Cut::End
        } else {
            Cut::Reset
        };
        proxy.cut_after(direction, dice.below(900), cut);
        let cuts = proxy.cuts();
        for _ in 0..30 {
            session.receive_more(&publisher, 5).await;
            if proxy.cuts() > cuts {
                break;
            }
        }
        if proxy.cuts() == cuts {
            // Whoever mostly listens may send too little to be cut on its way up.
            proxy.cut(cut);
        }
    }
    proxy.heal();
    session.receive_the_rest().await;
}

/// Bytes that trickle one by one make the same messages.
pub async fn across_a_trickle_of_single_bytes<T: Transport>() {
    if T::INFO.url.is_none() {
        return;
    }
    let lab = Lab::<T>::start();
    let proxy = Proxy::start(lab.address()).await;
    proxy.dribble(1);
    let publisher = lab.publisher();
    let mut peer = lab
        .try_connect(&lab.target_at(proxy.address()))
        .await
        .expect("a slow link is a link");
    for number in 0..8 {
        let told = publisher.tell(Audience::Others, "count", &number.to_string());
        peer.request(number, "\"é\"");
        let mut came = peer.take(2).await;
        came.sort_by_key(|message| matches!(message, Message::Reply { .. }));
        assert_eq!(
            came,
            [
                told,
                Message::Reply {
                    id: number,
                    data: "\"é\"".into()
                }
            ]
        );
    }
}

async fn survive_a_cut<T: Transport>(
    lab: &Lab<T>,
    proxy: &Proxy,
    publisher: &Publisher,
    at: (Direction, u64, Cut),
) {
    proxy.cut_after(at.0, at.1, at.2);
    let mut session = Survivor::open(lab, proxy).await;
    for _ in 0..8 {
        session.receive_more(publisher, 3).await;
    }
    proxy.heal();
    session.receive_the_rest().await;
}

/// A session that is continued as often as its connections break.
struct Survivor<'a, T: Transport> {
    lab: &'a Lab<T>,
    proxy: &'a Proxy,
    /// `None` between a cut and the next connection.
    peer: Option<Peer<T::Client>>,
    id: String,
    ticket: Ticket,
    expected: Vec<Message>,
    received: Vec<Message>,
}

impl<'a, T: Transport> Survivor<'a, T> {
    /// A session opened through `proxy`; where the cut comes that early, anew.
    async fn open(lab: &'a Lab<T>, proxy: &'a Proxy) -> Self {
        let target = lab.target_at(proxy.address());
        let peer = match lab.try_connect(&target).await {
            Ok(peer) => peer,
            Err(_) => lab
                .try_connect(&target)
                .await
                .expect("only one cut was ordered"),
        };
        let (id, ticket) = (peer.id(), transport::Client::ticket(&peer.client));
        Self {
            lab,
            proxy,
            peer: Some(peer),
            id,
            ticket,
            expected: Vec::new(),
            received: Vec::new(),
        }
    }

    /// Keeps `ahead` events under way, says something that has no answer, so that a cut can come on the way up too, and receives one.
    async fn receive_more(&mut self, publisher: &Publisher, ahead: usize) {
        if let Some(peer) = &mut self.peer {
            let room = "a room that nobody has ever been in, with a name of some length";
            transport::Client::send(&mut peer.client, &hub::Command::Leave { room: room.into() });
        }
        while self.expected.len() < self.received.len() + ahead {
            let number = self.expected.len().to_string();
            self.expected.push(publisher.tell(
                Audience::Session((&self.id).into()),
                "count",
                &number,
            ));
        }
        self.receive().await;
    }

    async fn receive_the_rest(&mut self) {
        while self.received.len() < self.expected.len() {
            self.receive().await;
        }
        let is_cut = match &mut self.peer {
            Some(peer) => peer.try_round_trip().await.is_err(),
            None => true,
        };
        if is_cut {
            if let Some(peer) = self.peer.take() {
                let (ticket, unread) = peer.cut();
                assert_eq!(unread, []);
                self.ticket = ticket;
            }
            self.reconnect().await;
        }
        // A message that came twice would come before the marker.
        let peer = self.peer.as_mut().expect("nothing cuts any more");
        self.received.extend(peer.settled().await);
        assert_eq!(self.received, self.expected);
    }

    /// Receives one message, over as many connections as it takes.
    async fn receive(&mut self) {
        loop {
            let Some(peer) = &mut self.peer else {
                self.reconnect().await;
                continue;
            };
            let place = self.received.len();
            if let Ok(message) = peer.try_next().await {
                assert_eq!(
                    Some(&message),
                    self.expected.get(place),
                    "as message {place}"
                );
                self.received.push(message);
                return;
            }
            let cut = self.peer.take().map(Peer::cut);
            let (ticket, unread) = cut.expect("it was there above");
            assert_eq!(unread, [], "errors come after messages");
            assert_eq!(
                ticket.received, place as u64,
                "the cursor counts what was received"
            );
            self.ticket = ticket;
        }
    }

    async fn reconnect(&mut self) {
        let target = transport::Target {
            resume: Some(self.ticket.clone()),
            ..self.lab.target_at(self.proxy.address())
        };
        if let Ok(peer) = self.lab.try_connect(&target).await {
            assert!(peer.resumed(), "the retention window is open");
            assert_eq!(peer.id(), self.id, "a resumed session keeps its id");
            self.peer = Some(peer);
        }
    }
}
