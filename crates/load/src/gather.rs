//! Connects the users, within the limits of files and ports.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hdrhistogram::Histogram;
use measure::now;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use scenario::Kind;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use transport::{Audience, Client, ClientError, Command, Incoming, Protocol, Target};

use crate::book::Book;
use crate::pacer::Pacer;
use crate::plan::To;
use crate::returning::{Returning, live};
use crate::targets::Targets;
use crate::user::{User, kind};

/// So many connections are under way at once.
const AT_ONCE: usize = 64;

/// How long one session may take to stand.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Sessions from one source address. `connect` slows down past some 14,000 connections from one address to another, and
/// a session may hold two.
const PER_ADDRESS: usize = 7_000;

/// Files that the process needs beside its connections.
const OWN_FILES: u64 = 32;

/// The id of the request that confirms a join: the greatest number that every JSON reader keeps exact.
const CONFIRM: u64 = (1 << 53) - 1;

/// The users of a case, by number. Those that could not connect are none.
pub(crate) type Crowd<T> = Vec<Option<Rc<RefCell<User<T>>>>>;

/// Connects every session of the plan and waits until all have joined. Each runs from then on in a task of its own.
///
/// # Errors
/// Why the case can't begin, in one line.
pub(crate) async fn gather<T: Protocol>(
    targets: &Targets,
    book: &Rc<RefCell<Book>>,
    pacer: &Rc<Pacer<T>>,
    returning: Option<Rc<Returning<T>>>,
    connect: &RefCell<Histogram<u64>>,
    standing: &std::cell::Cell<usize>,
) -> Result<Crowd<T>, String> {
    let sessions = book.borrow().plan.clients.len();
    if T::INFO.url.is_some() {
        allow_files(sessions as u64)?;
    }
    let places = Rc::new(Semaphore::new(AT_ONCE));
    let mut joining = JoinSet::new();
    for number in 0..sessions {
        let (places, plan) = (Rc::clone(&places), &book.borrow().plan);
        let target = targets.of(&plan.clients[number]);
        let target = Target {
            source: source(&target.url, number, sessions),
            ..target.clone()
        };
        let room = plan.clients[number].room.clone();
        // Where nothing is answered, a session stands when it is connected: such wires have no rooms to join.
        let confirm = plan.kind != Kind::Idle && T::INFO.capabilities.requests;
        joining.spawn_local(async move {
            // The semaphore is never closed; without a place the session would only be slower.
            let _place = places.acquire().await.ok();
            let standing = tokio::time::timeout(PATIENCE, stand::<T>(&target, room, confirm)).await;
            (number, standing)
        });
    }
    let mut crowd: Crowd<T> = (0..sessions).map(|_| None).collect();
    while let Some(joined) = joining.join_next().await {
        let (number, stood) = joined.map_err(|error| format!("a session's task ended: {error}"))?;
        let failure = match stood {
            Ok(Ok((client, took))) => {
                connect.borrow_mut().saturating_record(took);
                standing.set(standing.get() + 1);
                let user = Rc::new(RefCell::new(User::<T>::new(
                    client,
                    number,
                    Rc::clone(book),
                )));
                crowd[number] = Some(Rc::clone(&user));
                let life = live(user, Rc::clone(pacer), returning.clone());
                tokio::task::spawn_local(life);
                continue;
            }
            Ok(Err(error)) => (kind(&error), error.to_string()),
            Err(_elapsed) => {
                let seconds = PATIENCE.as_secs();
                (
                    "connect-timeout".into(),
                    format!("no session after {seconds} s"),
                )
            }
        };
        let (kind, message) = failure;
        let mut book = book.borrow_mut();
        book.errors.add(&kind, || message.clone());
        book.gone += 1;
        // Quiet sessions are counted; a load on fewer than it asks for would answer another question.
        if book.plan.kind != Kind::Idle || book.gone == sessions as u64 {
            let stood = standing.get();
            return Err(format!(
                "{stood} of {sessions} sessions stood, then: {message}"
            ));
        }
    }
    address(&crowd, &book.borrow());
    Ok(crowd)
}

/// One session: connected, in its room, and answered once, so that the server has carried the join out.
async fn stand<T: Protocol>(
    target: &Target,
    room: Option<String>,
    confirm: bool,
) -> Result<(T::Client, u64), ClientError> {
    let before = now();
    let mut client = T::connect(target).await?;
    let took = now() - before;
    join(&mut client, room, confirm, &mut |_, _| {}).await?;
    Ok((client, took))
}

/// Puts a session into its room and waits for one answer. What else comes meanwhile goes to `each`, with the time of its receipt.
pub(crate) async fn join(
    client: &mut impl Client,
    room: Option<String>,
    confirm: bool,
    each: &mut impl FnMut(&Incoming<'_>, u64),
) -> Result<(), ClientError> {
    if let Some(room) = room {
        client.send(&Command::Join { room: room.into() });
    }
    if confirm {
        client.send(&Command::Request {
            id: CONFIRM,
            data: "\"joined\"",
        });
        let mut confirmed = false;
        let mut refusal = None;
        std::future::poll_fn(|cx| {
            loop {
                let mut received = None;
                let polled = client.poll(cx, &mut |message| match message {
                    Incoming::Reply { id: CONFIRM, .. } => confirmed = true,
                    Incoming::Error { code, message } => {
                        refusal = Some(format!("{code}: {message}"));
                    }
                    other => each(&other, *received.get_or_insert_with(now)),
                });
                match polled {
                    _ if confirmed => return Poll::Ready(Ok(())),
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
                if let Some(refusal) = refusal.take() {
                    return Poll::Ready(Err(ClientError::Refused {
                        status: 0,
                        message: refusal,
                    }));
                }
            }
        })
        .await?;
    }
    Ok(())
}

/// Tells each sender to whom it sends, now that all session ids are known.
fn address<T: Protocol>(crowd: &Crowd<T>, book: &Book) {
    for sender in &book.plan.senders {
        let to = destination(&sender.to, || {
            let To::Client(peer) = sender.to else {
                return String::new();
            };
            let peer = crowd[peer].as_ref();
            // One that is gone at this moment tells its new id itself.
            peer.and_then(|user| user.borrow().session())
                .unwrap_or_default()
        });
        if let Some(user) = &crowd[sender.client] {
            user.borrow_mut().address(to);
        }
    }
}

/// The audience of a sender; `session` is the id of the one session that it writes to, if it does.
pub(crate) fn destination(to: &To, session: impl FnOnce() -> String) -> Audience<'static> {
    match to {
        To::Reply | To::Others => Audience::Others,
        To::Room(name) => Audience::Room(name.clone().into()),
        To::RoomOthers(name) => Audience::RoomOthers(name.clone().into()),
        To::Client(_) => Audience::Session(session().into()),
    }
}

/// Raises the soft limit of open files to the hard one.
fn allow_files(sessions: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    // If it may not be raised, the check below says what that means.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let needed = sessions + OWN_FILES;
    if needed <= allowed {
        return Ok(());
    }
    Err(format!(
        "{sessions} sessions need at least {needed} open files; this process may open {allowed} (ulimit -Hn): \
         ask for fewer clients, or split them over several `pushlab load` processes"
    ))
}

/// The address that session `number` connects from: one is enough for a few, loopback has many.
pub(crate) fn source(url: &str, number: usize, sessions: usize) -> Option<IpAddr> {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let loopback = host
        .parse::<Ipv4Addr>()
        .is_ok_and(|address| address.is_loopback());
    let last = 1 + number / PER_ADDRESS;
    (loopback && sessions > PER_ADDRESS && last < 255)
        .then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 1, last as u8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sessions_come_from_several_loopback_addresses() {
        let of = |number| source("ws://127.0.0.1:80/ws", number, 20_000).map(|ip| ip.to_string());
        assert_eq!(of(0).as_deref(), Some("127.0.1.1"));
        assert_eq!(of(6_999).as_deref(), Some("127.0.1.1"));
        assert_eq!(of(7_000).as_deref(), Some("127.0.1.2"));
        assert_eq!(source("http://127.0.0.1:80", 0, 7_000), None);
        assert_eq!(source("http://192.0.2.1:80", 0, 20_000), None);
        assert_eq!(source("http://[::1]:80", 0, 20_000), None);
    }

    #[test]
    fn too_many_sessions_are_refused_in_words() {
        let allowed = getrlimit(Resource::Nofile).maximum;
        if let Some(allowed) = allowed {
            let error = allow_files(allowed).unwrap_err();
            assert!(
                error.contains("open files") && error.contains(&allowed.to_string()),
                "{error}"
            );
        }
        allow_files(1).unwrap();
    }
}
