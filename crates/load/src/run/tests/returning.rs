//! Cases against real servers that die and come back, and over connections that are cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::JoinHandle;

use conformance::{Cut, Proxy};
use hub::{Door, Limits};
use long_poll::LongPoll;
use request_response::RequestResponse;
use scenario::{Fault, Reconnect, What};
use sse::Sse;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;
use transport::{Common, Config, DrainHandle, Server, Transport, listener};
use websocket::WebSocket;

use super::*;
use crate::hooks::Strike;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A server on a thread of its own. Dropped, it is gone with all of its connections, as one that is killed.
struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn start<T: Transport>(address: SocketAddr) -> Self {
        Self::with::<T>(&Limits::default(), address)
    }

    fn with<T: Transport>(limits: &Limits, address: SocketAddr) -> Self {
        let limits = limits.clone();
        let listener = listener::bind(address, 1).unwrap().remove(0);
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let door = Door::new(&limits, 1).remove(0);
            let (_drain, drained) = DrainHandle::new();
            let server = Server {
                listener: TcpListener::from_std(listener).unwrap(),
                door: door.clone(),
                config: Arc::new(Config::default()),
                drain: drained,
                connections: Arc::new(AtomicUsize::new(0)),
                common: Common::default(),
            };
            tokio::task::spawn_local(async move { door.run().await });
            tokio::task::spawn_local(T::serve(server));
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || on(serve));
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn any<T: Transport>() -> Self {
        Self::start::<T>(SocketAddr::from(([127, 0, 0, 1], 0)))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.take();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn target<T: Transport>(address: SocketAddr) -> Target {
    let (before, after) = T::INFO.url.unwrap();
    let mut target = Target::new(format!("{before}{address}{after}"));
    target.options.poll_interval = ms(5);
    target
}

/// With sessions that come back at once, and then soon.
fn returning(mut scenario: Scenario) -> Scenario {
    scenario.duration = ms(800);
    scenario.warm_up = Duration::ZERO;
    scenario.reconnect = Some(Reconnect {
        jitter: Duration::ZERO,
        backoff: ms(20),
        longest_backoff: ms(50),
        dead_after: None,
    });
    // Carried out by the test itself.
    scenario.faults = vec![Fault {
        at: ms(200),
        every: None,
        what: What::KillServer,
        length: ms(150),
    }];
    scenario
}

/// Runs a case against what `place` gives; `fault` happens 200 ms after its measured part began, and returns when it is over.
fn struck<T: Transport, P>(
    scenario: Scenario,
    place: impl AsyncFnOnce() -> (SocketAddr, P),
    fault: impl AsyncFnOnce(P),
) -> Measurement {
    let at = scenario.faults[0].at;
    let (begins, beginning) = oneshot::channel();
    let mut begins = Some(begins);
    let strikes = Samples::default();
    let hooks = Hooks {
        drain: ms(300),
        progress: Some(Box::new(move |now| {
            if now.phase == Phase::Measuring
                && let Some(begins) = begins.take()
            {
                begins.send(now.began).unwrap();
            }
        })),
        faults: Some(Rc::clone(&strikes)),
        ..Hooks::default()
    };
    let case = case(scenario);
    let measurement = on(async {
        let (address, place) = place().await;
        let driver = async {
            let began: u64 = beginning.await.unwrap();
            sleep(Duration::from_nanos(began.saturating_sub(now())) + at).await;
            let strike = Strike {
                at: now(),
                over: None,
                whom: None,
            };
            strikes.borrow_mut().push(strike);
            fault(place).await;
            strikes.borrow_mut()[0].over = Some(now());
        };
        tokio::join!(run::<T>(target::<T>(address), &case, hooks), driver).0
    });
    assert_eq!(measurement.outcome, Outcome::Completed);
    measurement
}

/// The server is killed, and stands again on the same port 150 ms later.
fn restarted<T: Transport>(scenario: Scenario) -> Measurement {
    let again = Rc::new(RefCell::new(None));
    let keep = Rc::clone(&again);
    let place = async || {
        let server = Served::any::<T>();
        (server.address, server)
    };
    struck::<T, _>(scenario, place, async move |server: Served| {
        let address = server.address;
        drop(server);
        sleep(ms(150)).await;
        keep.replace(Some(Served::start::<T>(address)));
    })
}

/// All connections are cut once, and new ones pass.
fn cut<T: Transport>(scenario: Scenario, how: Cut) -> Measurement {
    let server = Served::any::<T>();
    let place = async || {
        let proxy = Proxy::start(server.address).await;
        (proxy.address(), proxy)
    };
    struck::<T, _>(scenario, place, async |proxy: Proxy| proxy.cut(how))
}

fn rooms() -> Scenario {
    let population = Population::Rooms {
        rooms: 2,
        members: 3,
        publishers: 2,
        others: false,
    };
    returning(scenario(Kind::Rooms, population, constant(200.0)))
}

fn private() -> Scenario {
    let population = Population::Clients(4);
    returning(scenario(Kind::Private, population, constant(200.0)))
}

fn broadcast() -> Scenario {
    returning(scenario(Kind::Broadcast, FIVE, constant(200.0)))
}

/// Nothing was lost, doubled, moved or invented, and everything that should have come is accounted for.
fn nothing_silent(measurement: &Measurement) -> Delivery {
    let delivery = measurement.delivery.unwrap();
    let accounted = Delivery {
        expected: delivery.expected,
        delivered: delivery.delivered,
        gap_missed: delivery.expected - delivery.delivered,
        ..Delivery::default()
    };
    assert_eq!(delivery, accounted, "{:?}", measurement.errors);
    delivery
}

fn a_cut_costs_nothing<T: Transport>() {
    for (scenario, how) in [(broadcast(), Cut::Reset), (rooms(), Cut::End)] {
        let measurement = cut::<T>(scenario, how);
        let delivery = nothing_silent(&measurement);
        assert_eq!(delivery.gap_missed, 0);
        let recovery = measurement.recovery.unwrap();
        assert_eq!((recovery.faults, recovery.fresh), (1, 0));
        assert_eq!(recovery.unrecovered, 0);
        let hears = recovery.recovery.unwrap().count;
        assert!(hears == 5 || hears == 6, "{recovery:?}");
        assert_eq!(measurement.connections_alive, 6);
    }
}

fn a_restart_costs_what_was_announced<T: Transport>() {
    for scenario in [broadcast(), rooms(), private()] {
        let kind = scenario.kind;
        let measurement = restarted::<T>(scenario);
        nothing_silent(&measurement);
        let recovery = measurement.recovery.unwrap();
        let sessions = measurement.connections;
        if kind == Kind::Broadcast {
            let known = measurement.counts.sent - recovery.unconfirmed;
            assert_eq!(measurement.delivery.unwrap().expected, 5 * known);
        }
        assert_eq!(measurement.connections_alive, sessions, "{kind:?}");
        // Everyone is a stranger to the new server: it is in its room again, and is written to by its new id.
        assert_eq!(
            (recovery.fresh, recovery.resumed),
            (sessions, 0),
            "{kind:?}"
        );
        assert_eq!(recovery.unrecovered, 0, "{kind:?}");
        assert!(recovery.recovery.unwrap().min_ns > 150_000_000);
        assert!(recovery.reconnect_attempts > recovery.reconnects);
        assert_eq!(measurement.counts.intended, measurement.counts.sent);
    }
}

#[test]
fn a_websocket_that_is_cut_loses_nothing() {
    a_cut_costs_nothing::<WebSocket>();
}

#[test]
fn a_long_poll_that_is_cut_loses_nothing() {
    a_cut_costs_nothing::<LongPoll>();
}

#[test]
fn a_stream_that_is_cut_loses_nothing() {
    a_cut_costs_nothing::<Sse>();
}

#[test]
fn a_poller_that_is_cut_loses_nothing() {
    a_cut_costs_nothing::<RequestResponse>();
}

#[test]
fn websockets_begin_anew_after_a_restart() {
    a_restart_costs_what_was_announced::<WebSocket>();
}

#[test]
fn long_polls_begin_anew_after_a_restart() {
    a_restart_costs_what_was_announced::<LongPoll>();
}

#[test]
fn streams_begin_anew_after_a_restart() {
    a_restart_costs_what_was_announced::<Sse>();
}

#[test]
fn pollers_begin_anew_after_a_restart() {
    a_restart_costs_what_was_announced::<RequestResponse>();
}

#[test]
fn what_falls_due_meanwhile_is_sent_later_and_was_late() {
    let echo = returning(scenario(
        Kind::Echo,
        Population::Clients(3),
        constant(300.0),
    ));
    let measurement = restarted::<WebSocket>(echo);
    let counts = measurement.counts;
    assert_eq!((counts.intended, counts.sent), (240, 240));
    // Nothing is dropped: each was answered, or is among those that were not.
    let responses = measurement.latencies.total(Which::Response).len();
    assert_eq!(responses, 240);
    let waited = measurement.latencies.total(Which::SendDelay).max();
    assert!(waited > 140_000_000, "{waited}");
    // That is the sessions' delay; the generator itself was ready when they stood.
    assert!(measurement.slip.unwrap().max_ns < waited / 2);
    assert_eq!(measurement.recovery.unwrap().unrecovered, 0);
    assert_eq!(measurement.recovery.unwrap().unconfirmed, 0);
}

#[test]
fn a_closed_loop_goes_on_after_a_restart() {
    for (kind, population) in [
        (Kind::Echo, Population::Clients(3)),
        (Kind::Chat, Population::Clients(3)),
    ] {
        let closed = returning(scenario(kind, population, Pace::Closed { depth: 1 }));
        for measurement in [
            restarted::<LongPoll>(closed.clone()),
            restarted::<WebSocket>(closed),
        ] {
            let recovery = measurement.recovery.unwrap();
            assert_eq!((recovery.unrecovered, recovery.fresh), (0, 3), "{kind:?}");
            // One round trip takes far less than the 450 ms that are left.
            let late = measurement.latencies.intervals.len();
            assert!(late > 0 && measurement.counts.completed > 20, "{kind:?}");
        }
    }
}

#[test]
fn without_a_return_the_sessions_are_gone_and_the_case_goes_on() {
    let mut broadcast = broadcast();
    broadcast.reconnect = None;
    let measurement = restarted::<WebSocket>(broadcast);
    assert_eq!(measurement.connections_alive, 0);
    nothing_silent(&measurement);
    let recovery = measurement.recovery.unwrap();
    assert_eq!((recovery.reconnect_attempts, recovery.unrecovered), (0, 5));
    // What nobody was left to send is intended all the same.
    assert!(measurement.counts.intended == 160 && measurement.counts.sent < 100);
}

#[test]
fn jitter_spreads_a_storm() {
    const CLIENTS: u32 = 300;
    let most = |jitter: Duration| {
        let mut idle = returning(scenario(
            Kind::Idle,
            Population::Clients(CLIENTS),
            constant(1.0),
        ));
        idle.duration = ms(4000);
        idle.reconnect = idle.reconnect.map(|rules| Reconnect { jitter, ..rules });
        let measurement = restarted::<WebSocket>(idle);
        let recovery = measurement.recovery.unwrap();
        assert_eq!(recovery.reconnects, u64::from(CLIENTS));
        assert_eq!(measurement.connections_alive, u64::from(CLIENTS));
        recovery.reconnects_per_s_max
    };
    // All at once, and again and again until the server is back.
    assert!(most(Duration::ZERO) >= u64::from(CLIENTS));
    // A third of them a second; some more than once.
    let spread = most(ms(3000));
    assert!(spread < u64::from(CLIENTS) * 2 / 3, "{spread}");
}

/// A case in which the last session stops reading for 800 ms, while 400 messages of 32 KiB are sent to it: 13 MB, of which its mailbox holds one and
/// the sockets some.
fn slow<T: Transport>(policy: hub::SlowConsumer) -> Measurement {
    let population = Population::Broadcast { subscribers: 2 };
    let mut slow = returning(scenario(Kind::Broadcast, population, constant(500.0)));
    slow.duration = ms(2500);
    slow.load = Some(Load {
        pace: constant(500.0),
        payload: 32 << 10,
    });
    slow.faults[0].what = What::StopReading;
    slow.faults[0].length = ms(800);
    let limits = Limits {
        slow_consumer: policy,
        ..Limits::default()
    };
    let server = Served::with::<T>(&limits, SocketAddr::from(([127, 0, 0, 1], 0)));
    let hooks = Hooks {
        drain: ms(1500),
        ..Hooks::default()
    };
    let case = case(slow);
    let measurement = on(run::<T>(target::<T>(server.address), &case, hooks));
    assert_eq!(measurement.outcome, Outcome::Completed);
    measurement
}

fn a_slow_consumer_is_told<T: Transport>() {
    use hub::SlowConsumer::{Conflate, Disconnect, DropOldest};
    for policy in [Disconnect, DropOldest, Conflate] {
        let measurement = slow::<T>(policy);
        let delivery = nothing_silent(&measurement);
        assert!(delivery.gap_missed > 0, "{policy:?}: {delivery:?}");
        let recovery = measurement.recovery.unwrap();
        assert_eq!(
            (recovery.faults, recovery.unrecovered),
            (1, 0),
            "{policy:?}"
        );
        assert_eq!(recovery.recovery.unwrap().count, 1, "{policy:?}");
        let is_told_to_leave = policy == Disconnect;
        assert_eq!(recovery.fresh, u64::from(is_told_to_leave), "{policy:?}");
        assert_eq!(measurement.connections_alive, 3, "{policy:?}");
    }
}

#[test]
fn a_slow_websocket_is_told() {
    a_slow_consumer_is_told::<WebSocket>();
}

#[test]
fn a_slow_long_poll_is_told() {
    a_slow_consumer_is_told::<LongPoll>();
}

#[test]
fn a_slow_stream_is_told() {
    a_slow_consumer_is_told::<Sse>();
}

#[test]
fn a_slow_poller_is_told() {
    a_slow_consumer_is_told::<RequestResponse>();
}
