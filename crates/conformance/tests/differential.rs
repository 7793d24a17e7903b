//! Any transport against none: the same program gives each client the same messages over a wire as in process.
//!
//! Programs are sequential, each step is answered before the next begins, so that there is one right outcome.

use conformance::{Lab, Message};
use hub::Command;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use transport::{Audience, Transport};

const CLIENTS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Join(usize, &'static str),
    Leave(usize, &'static str),
    /// Sender, audience (0..6), its room or session, event name and data.
    Emit(usize, usize, usize, &'static str, String),
    Request(usize, u64, String),
    /// Sent in one go, so that they may share a write or a request.
    Together(usize, Vec<Step>),
    /// The client looks at what has come.
    Look(usize),
    /// The client is cut and resumes.
    Reconnect(usize),
}

/// What a client saw: events as name, number of the sender and data; and replies. Each in order, but not one against the other: where replies
/// are no messages they may overtake events.
type Seen = (Vec<(String, String, String)>, Vec<(u64, String)>);

const ROOMS: [&str; 2] = ["blue", "red"];

fn data() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        "[a-z\u{e9}\u{1f980} {}\\[\\],:]{0,20}".prop_map(|text| format!("\"{text}\"")),
        (0..40_usize).prop_map(|depth| format!(
            "{}{}",
            "[".repeat(depth + 1),
            "]".repeat(depth + 1)
        )),
        (0..3000_usize).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
        Just("null".to_owned()),
    ]
}

fn simple() -> impl Strategy<Value = Step> {
    let who = 0..CLIENTS;
    let room = prop::sample::select(&ROOMS[..]);
    prop_oneof![
        3 => (who.clone(), room.clone()).prop_map(|(who, room)| Step::Join(who, room)),
        1 => (who.clone(), room).prop_map(|(who, room)| Step::Leave(who, room)),
        8 => (who.clone(), 0..6_usize, 0..CLIENTS, prop::sample::select(&["a", "b"][..]), data())
            .prop_map(|(who, audience, of, event, data)| Step::Emit(who, audience, of, event, data)),
        2 => (who, any::<u64>(), data()).prop_map(|(who, id, data)| Step::Request(who, id, data)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => simple(),
        2 => (0..CLIENTS, prop::collection::vec(simple(), 1..6)).prop_map(|(who, steps)| Step::Together(who, steps)),
        1 => (0..CLIENTS).prop_map(Step::Look),
        1 => (0..CLIENTS).prop_map(Step::Reconnect),
    ]
}

/// What the clients of `T` see, one after the other.
async fn carry_out<T: Transport>(program: &[Step]) -> Vec<Seen> {
    let lab = Lab::<T>::start();
    let mut peers = lab.connect_many(CLIENTS).await;
    let ids: Vec<String> = peers.iter().map(conformance::Peer::id).collect();
    let mut seen: Vec<Vec<Message>> = vec![Vec::new(); CLIENTS];
    for step in program {
        match step {
            Step::Look(who) => seen[*who].extend(peers[*who].settled().await),
            Step::Reconnect(who) => {
                let (ticket, unread) = peers.remove(*who).cut();
                seen[*who].extend(unread);
                let peer = lab
                    .resume(ticket)
                    .await
                    .expect("the retention window is open");
                assert!(peer.resumed());
                peers.insert(*who, peer);
            }
            Step::Together(who, steps) => {
                for step in steps {
                    send(&mut peers[*who], step, &ids);
                }
                peers[*who].round_trip().await;
            }
            simple => {
                let who = sender(simple);
                send(&mut peers[who], simple, &ids);
                peers[who].round_trip().await;
            }
        }
    }
    let number = |id: &str| {
        ids.iter()
            .position(|other| other == id)
            .map_or_else(|| id.to_owned(), |who| who.to_string())
    };
    let mut outcome = Vec::new();
    for (peer, mut seen) in peers.iter_mut().zip(seen) {
        seen.extend(peer.settled().await);
        let (mut events, mut replies) = (Vec::new(), Vec::new());
        for message in seen {
            match message {
                Message::Event { event, from, data } => events.push((event, number(&from), data)),
                Message::Reply { id, data } => replies.push((id, data)),
                other => panic!("{other:?} came of a program without fault"),
            }
        }
        outcome.push((events, replies));
    }
    outcome
}

fn sender(step: &Step) -> usize {
    match step {
        Step::Join(who, _) | Step::Leave(who, _) | Step::Emit(who, ..) | Step::Request(who, ..) => {
            *who
        }
        Step::Together(who, _) | Step::Look(who) | Step::Reconnect(who) => *who,
    }
}

fn send<C: transport::Client>(peer: &mut conformance::Peer<C>, step: &Step, ids: &[String]) {
    match step {
        Step::Join(_, room) => peer.client.send(&Command::Join {
            room: (*room).into(),
        }),
        Step::Leave(_, room) => peer.client.send(&Command::Leave {
            room: (*room).into(),
        }),
        Step::Request(_, id, data) => peer.request(*id, data),
        Step::Emit(_, audience, of, event, data) => {
            let room = ROOMS[of % ROOMS.len()].into();
            let audience = match audience {
                0 => Audience::Everyone,
                1 => Audience::Others,
                2 => Audience::Sender,
                3 => Audience::Room(room),
                4 => Audience::RoomOthers(room),
                _ => Audience::Session((&ids[*of]).into()),
            };
            peer.emit(audience, event, data);
        }
        Step::Together(..) | Step::Look(_) | Step::Reconnect(_) => unreachable!("no simple step"),
    }
}

fn behaves_as_in_process<T: Transport>() {
    let persistence = FileFailurePersistence::Off;
    let config = Config {
        cases: 48,
        max_shrink_iters: 200,
        failure_persistence: Some(Box::new(persistence)),
        ..Config::default()
    };
    let program = prop::collection::vec(step(), 1..30);
    let result = TestRunner::new(config).run(&program, |program| {
        let expected = conformance::run(carry_out::<inproc::InProc>(&program));
        let got = conformance::run(carry_out::<T>(&program));
        prop_assert_eq!(got, expected);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

macro_rules! differential {
    ($($name:ident: $transport:ty),+ $(,)?) => {
        $(#[test]
        fn $name() {
            behaves_as_in_process::<$transport>();
        })+
    };
}

differential! {
    tcp: tcp::Tcp,
    request_response: request_response::RequestResponse,
    long_poll: long_poll::LongPoll,
    sse: sse::Sse,
    websocket: websocket::WebSocket,
    socket_io: socket_io::SocketIo<socket_io::Both>,
    socket_io_polling: socket_io::SocketIo<socket_io::Polling>,
    socket_io_websocket: socket_io::SocketIo<socket_io::WebSocket>,
}
