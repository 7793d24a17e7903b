//! Several worker threads on one hub: one order, nothing lost, whichever thread a request lands on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hub::{Audience, Command, Door, Limits, Refused};

const THREADS: usize = 4;
const EACH: u64 = 500;

fn emit(data: &str) -> Command<'_> {
    Command::Emit {
        to: Audience::Room("all".into()),
        event: "e".into(),
        data,
    }
}

/// Each thread runs a worker: a shard's upkeep on a runtime of its own, until told to stop.
fn with_workers(doors: &[Door], work: impl FnOnce()) {
    let stop = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        for door in doors {
            let stop = Arc::clone(&stop);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let stopped = async {
                        while !stop.load(Ordering::SeqCst) {
                            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                        }
                    };
                    tokio::select! { () = door.run() => {}, () = stopped => {} }
                });
            });
        }
        work();
        stop.store(true, Ordering::SeqCst);
    });
}

fn take_all(door: &Door, token: &str) -> Vec<String> {
    let mut out = Vec::new();
    door.poll(token, None)
        .unwrap()
        .take_now(usize::MAX, &mut out)
        .unwrap();
    let array: Vec<serde_json::Value> =
        serde_json::from_slice(&[b"[", out.as_slice(), b"]"].concat()).unwrap();
    array
        .into_iter()
        .map(|event| event["data"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn threads_share_rooms_and_one_order() {
    let doors = Door::new(&Limits::default(), THREADS);
    let tokens: Vec<String> = (0..THREADS * 2)
        .map(|n| {
            let token = doors[n % THREADS].open_detached().unwrap().1.to_string();
            // A request for a session may land on any thread.
            doors[(n + 1) % THREADS]
                .apply(&token, &[Command::Join { room: "all".into() }], None)
                .unwrap();
            token
        })
        .collect();
    with_workers(&doors, || {
        thread::scope(|scope| {
            for publisher in 0..THREADS {
                let (door, token) = (&doors[publisher], &tokens[publisher]);
                scope.spawn(move || {
                    for n in 0..EACH {
                        door.apply(token, &[emit(&format!("\"{publisher}:{n}\""))], None)
                            .unwrap();
                    }
                });
            }
        });
    });
    let received: Vec<Vec<String>> = tokens
        .iter()
        .enumerate()
        .map(|(n, t)| take_all(&doors[(n + 2) % THREADS], t))
        .collect();
    assert_eq!(received[0].len() as u64, THREADS as u64 * EACH);
    assert!(
        received.iter().all(|order| *order == received[0]),
        "sessions disagree on the order"
    );
    for publisher in 0..THREADS {
        let own = received[0]
            .iter()
            .filter(|text| text.starts_with(&format!("{publisher}:")));
        assert!(
            own.enumerate()
                .all(|(n, text)| *text == format!("{publisher}:{n}")),
            "a sender's order is lost"
        );
    }
}

#[test]
fn a_batch_joins_emits_and_leaves_in_order() {
    let doors = Door::new(&Limits::default(), 2);
    let token = doors[0].open_detached().unwrap().1.to_string();
    let (join, leave) = (
        Command::Join { room: "all".into() },
        Command::Leave { room: "all".into() },
    );
    let batch = [
        emit("\"before\""),
        join,
        emit("\"in\""),
        leave,
        emit("\"after\""),
    ];
    doors[1].apply(&token, &batch, None).unwrap();
    assert_eq!(take_all(&doors[1], &token), ["in"]);
}

#[test]
fn a_session_is_one_connections_and_ends_when_told() {
    let doors = Door::new(&Limits::default(), 2);
    let session = doors[0].open().unwrap();
    let token = session.token().to_string();
    let newer = doors[1].resume(&token, 0).unwrap();
    assert!(newer.resumed());
    assert_eq!(session.apply(&[]), Err(Refused::Superseded));
    drop(session);
    newer.apply(&[]).unwrap();
    assert!(matches!(
        doors[0].resume(&token, 1),
        Err(Refused::BeyondSent(_))
    ));
    doors[0].close(&token).unwrap();
    assert_eq!(newer.apply(&[]), Err(Refused::UnknownToken));
    assert_eq!(
        doors[0].apply(&token, &[], None),
        Err(Refused::UnknownToken)
    );
}

#[test]
fn too_slow_too_fast_too_many_and_too_late_are_told_apart() {
    let limits = Limits {
        mailbox_messages: 4,
        max_rooms: 1,
        max_rate: 100,
        max_sessions: 1,
        ..Limits::default()
    };
    let door = &Door::new(&limits, 1)[0];
    let token = door.open_detached().unwrap().1.to_string();
    assert!(matches!(door.open(), Err(Refused::Full)));
    let join = |room: &'static str| Command::Join { room: room.into() };
    assert_eq!(
        door.apply(&token, &[join("all"), join("other"), join("all")], None),
        Err(Refused::TooManyRooms)
    );
    let many: Vec<Command<'_>> = (0..101).map(|_| emit("\"x\"")).collect();
    assert_eq!(door.apply(&token, &many, None), Err(Refused::TooFast));
    assert!(
        take_all(door, &token).is_empty(),
        "none of a refused batch is carried out"
    );
    door.apply(&token, &many[..6], None).unwrap();
    assert_eq!(door.apply(&token, &[], None), Err(Refused::Gone));
    door.drain();
    assert!(matches!(door.open(), Err(Refused::Draining)));
}
