//! Cases against a server in memory that errs on request and keeps a ledger of its errors.

mod faulty;
mod returning;

use std::sync::Arc;
use std::time::Instant;

use measure::{Delivery, Stamp, Which};
use scenario::{Arrivals as Law, Kind, Load, Population};
use transport::Target;

use self::faulty::{Faults, Faulty, Ledger};
use super::*;
use crate::hooks::Samples;

fn scenario(kind: Kind, population: Population, pace: Pace) -> Scenario {
    Scenario {
        name: "test".into(),
        question: String::new(),
        kind,
        transports: vec!["faulty".into()],
        peers: Vec::new(),
        duration: Duration::from_millis(300),
        warm_up: Duration::from_millis(100),
        trials: 1,
        seed: 1,
        load: (kind != Kind::Idle).then_some(Load { pace, payload: 64 }),
        population,
        client: ClientSettings::default(),
        server: scenario::ServerSettings::default(),
        link: None,
        reconnect: None,
        faults: Vec::new(),
        sweep: None,
        find: None,
        expects: Vec::new(),
        quick: false,
        text: String::new(),
    }
}

/// The same without a warm-up.
fn cold(scenario: Scenario) -> Scenario {
    Scenario {
        warm_up: Duration::ZERO,
        ..scenario
    }
}

fn constant(rate: f64) -> Pace {
    Pace::Open {
        arrivals: Law::Constant,
        rate,
    }
}

fn case(scenario: Scenario) -> Case {
    Case {
        scenario: Arc::new(scenario),
        transport: "faulty".into(),
        point: String::new(),
        trial: 1,
        attempt: 1,
        seed: 7,
    }
}

fn on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap()
        .block_on(future)
}

fn measured(scenario: Scenario, faults: Faults) -> (Measurement, Ledger) {
    let (target, ledger) = faulty::serve(faults);
    let hooks = Hooks {
        drain: Duration::from_millis(200),
        ..Hooks::default()
    };
    let measurement = on(run::<Faulty>(target, &case(scenario), hooks));
    (measurement, ledger())
}

fn completed(scenario: Scenario, faults: Faults) -> (Measurement, Ledger) {
    let (measurement, ledger) = measured(scenario, faults);
    assert_eq!(measurement.outcome, Outcome::Completed);
    assert_eq!(measurement.errors.brief(), "");
    (measurement, ledger)
}

const FIVE: Population = Population::Broadcast { subscribers: 5 };

#[test]
fn an_open_loop_sends_exactly_its_schedule() {
    let (measurement, _) = completed(
        scenario(Kind::Echo, Population::Clients(3), constant(500.0)),
        Faults::default(),
    );
    let counts = measurement.counts;
    assert_eq!((counts.intended, counts.censored), (150, 0));
    // The warm-up's own metronome goes on until the measured one begins, and no longer.
    let warm_up = (measurement.warm_up_s * 500.0).ceil();
    assert!(
        (counts.warm_up_discarded as f64 - warm_up).abs() <= 1.0,
        "{counts:?} {warm_up}"
    );
    assert!((0.04..0.5).contains(&measurement.warm_up_s));
    assert_eq!(measurement.latencies.total(Which::Response).len(), 150);
    assert_eq!(measurement.latencies.total(Which::SendDelay).len(), 150);
    assert!(measurement.slip.is_some() && measurement.delivery.is_none());
    let response = measurement.latencies.total(Which::Response).max();
    assert!(response >= measurement.latencies.total(Which::Service).max());
    assert!(measurement.usage.generator.cpu_ns > 0 && measurement.connect.is_some());
    assert!(measurement.traffic.payload_up_bytes >= 64 * 100);
}

#[test]
fn every_kind_delivers_to_whom_it_should() {
    let populations = [
        (Kind::Broadcast, FIVE, 5),
        (
            Kind::Rooms,
            Population::Rooms {
                rooms: 3,
                members: 4,
                publishers: 2,
                others: false,
            },
            4,
        ),
        (Kind::Chat, Population::Clients(4), 4),
        (Kind::Private, Population::Clients(4), 1),
    ];
    for (kind, population, receivers) in populations {
        for pace in [constant(400.0), Pace::Closed { depth: 2 }] {
            let open = matches!(pace, Pace::Open { .. });
            let (measurement, _) = completed(scenario(kind, population, pace), Faults::default());
            let delivery = measurement.delivery.unwrap();
            assert!(delivery.is_perfect(), "{kind:?}: {delivery:?}");
            if open {
                // A sample for each receiver, and one for all of them.
                let warm_up = measurement.counts.warm_up_discarded / (receivers + 1);
                assert!(warm_up > 0);
                assert_eq!(delivery.expected, (120 + warm_up) * receivers, "{kind:?}");
                assert_eq!(
                    measurement.latencies.total(Which::DeliveryAge).len(),
                    120 * receivers
                );
                assert_eq!(measurement.latencies.total(Which::FanoutLast).len(), 120);
                assert_eq!(measurement.latencies.total(Which::FanoutMedian).len(), 120);
            } else {
                assert!(delivery.expected > 0);
                assert_eq!(measurement.counts.censored, 0);
            }
        }
    }
}

#[test]
fn every_fault_of_delivery_is_counted_exactly() {
    let faults = Faults {
        lose_every: 7,
        duplicate_every: 11,
        swap_every: 13,
        corrupt_every: 17,
        misroute_every: 19,
        ..Faults::default()
    };
    let (measurement, ledger) = completed(
        cold(scenario(Kind::Broadcast, FIVE, constant(1000.0))),
        faults,
    );
    let expected = 300 * 5;
    let lost = ledger.lost + ledger.corrupted;
    assert!(ledger.lost > 50 && ledger.swapped > 10 && ledger.misrouted > 10);
    let exactly = Delivery {
        expected,
        delivered: expected - lost,
        lost,
        duplicated: ledger.duplicated,
        reordered: ledger.swapped,
        gap_missed: 0,
        corrupted: ledger.corrupted,
        misrouted: ledger.misrouted,
    };
    assert_eq!(measurement.delivery, Some(exactly));
    assert!(
        measurement.counts.censored > 0,
        "publishes that someone never got are not complete"
    );
    // Each publish and each receiver of it is in each histogram: as it was, or as at least so late.
    let samples = |which| measurement.latencies.total(which).len();
    assert_eq!(samples(Which::DeliveryAge), expected);
    for which in Which::ALL {
        if which != Which::DeliveryAge {
            assert_eq!(samples(which), 300, "{which:?}");
        }
    }
}

#[test]
fn an_announced_gap_is_no_silent_loss() {
    let faults = Faults {
        lose_every: 10,
        announce: true,
        ..Faults::default()
    };
    let (measurement, ledger) = completed(scenario(Kind::Broadcast, FIVE, constant(500.0)), faults);
    let delivery = measurement.delivery.unwrap();
    assert_eq!((delivery.gap_missed, delivery.lost), (ledger.lost, 0));
    assert!(ledger.lost > 50);
}

/// METHOD's formula: a server that stands still for S every P gives uniform arrivals P(latency > x) = (S - x) / P.
/// Nothing of the upper tail may be missing; that it is not much longer either is asserted loosely, for the machine's sake.
#[test]
fn a_freeze_is_seen_by_everyone_who_came_meanwhile() {
    let (stop, period) = (100.0, 500.0);
    let faults = Faults {
        freeze: Some((Duration::from_millis(100), Duration::from_millis(500))),
        ..Faults::default()
    };
    let mut frozen = scenario(Kind::Echo, Population::Clients(4), constant(1000.0));
    frozen.duration = Duration::from_millis(1500);
    let (measurement, _) = completed(frozen, faults);
    let response = measurement.latencies.total(Which::Response);
    for quantile in [0.85, 0.9, 0.95, 0.99] {
        let law = stop - (1.0 - quantile) * period;
        let seen = response.value_at_quantile(quantile) as f64 / 1e6;
        assert!(
            (law - 6.0..law + 100.0).contains(&seen),
            "p{quantile}: {seen} ms against {law} ms"
        );
    }
}

#[test]
fn what_never_came_is_at_least_so_late() {
    let faults = Faults {
        silent_after: 100,
        ..Faults::default()
    };
    let (measurement, _) = completed(
        cold(scenario(
            Kind::Echo,
            Population::Clients(2),
            constant(500.0),
        )),
        faults,
    );
    let counts = measurement.counts;
    // The two that confirmed joining were answered first.
    let answered = 100 - 2;
    assert_eq!((counts.intended, counts.censored), (150, 150 - answered));
    assert!(counts.completed <= answered);
    let (least, most) = counts.censored_at_least_ns.unwrap();
    assert!(
        least >= 190_000_000 && most <= 5_000_000_000,
        "{least} {most}"
    );
    for which in [Which::Response, Which::Service, Which::SendDelay] {
        assert_eq!(measurement.latencies.total(which).len(), 150, "{which:?}");
    }
    assert_eq!(measurement.latencies.censored, counts.censored);
    assert!(measurement.latencies.total(Which::Response).max() >= most - most / 500);
    let service = measurement.latencies.total(Which::Service).max();
    assert!(service >= 190_000_000, "the drain at least: {service}");
    // Whatever else the machine did: that 52 were in flight at the end is no fault of the generator's books.
    let law = measurement.little.unwrap();
    assert!(law.in_flight_mean > 5.0 && law.error() < 0.01, "{law:?}");
    assert!(!measurement.verdict.reasons().contains("littles-law"));
}

#[test]
fn a_generator_that_cannot_keep_up_says_so_in_time() {
    // Each reply keeps the thread for 2 ms, and 5 are due in that time.
    let faults = Faults {
        block: Duration::from_millis(2),
        ..Faults::default()
    };
    let began = Instant::now();
    let echo = scenario(Kind::Echo, Population::Clients(4), constant(2500.0));
    let (measurement, _) = completed(echo, faults);
    let counts = measurement.counts;
    assert_eq!(counts.intended, 750);
    assert!(counts.sent < 500, "{counts:?}");
    for which in [Which::Response, Which::SendDelay] {
        assert_eq!(measurement.latencies.total(which).len(), 750, "{which:?}");
    }
    // It had 200 ms to send the rest: of some 2 s of work.
    assert!(counts.censored > 100, "{counts:?}");
    assert!(measurement.verdict.reasons().contains("achieved-rate"));
    assert!(measurement.verdict.reasons().contains("slip-p99"));
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// The last 150 ms of the measured part, and the drain, are frozen.
#[test]
fn a_run_that_ends_within_a_freeze_drops_nothing() {
    fn never(since: Duration) -> Duration {
        if since > Duration::from_millis(150) {
            Duration::from_secs(3600)
        } else {
            Duration::ZERO
        }
    }
    let faults = Faults {
        delay: Some(never),
        ..Faults::default()
    };
    let poisson = Pace::Open {
        arrivals: Law::Poisson,
        rate: 1000.0,
    };
    let echo = cold(scenario(Kind::Echo, Population::Clients(4), poisson));
    let (measurement, _) = completed(echo, faults);
    let counts = measurement.counts;
    assert!(counts.censored > 100, "{counts:?}");
    let response = measurement.latencies.total(Which::Response);
    assert_eq!(response.len(), counts.intended);
    // Of the arrivals of a frozen time, each has waited since its own intended time, and for the whole drain.
    let (least, most) = counts.censored_at_least_ns.unwrap();
    assert!(least >= 200_000_000 && most - least > 100_000_000);
    let frozen = response.count_between(200_000_000, most);
    assert!(frozen >= counts.censored, "{frozen} of {counts:?}");
    let law = measurement.little.unwrap();
    assert!(law.in_flight_mean > 10.0 && law.error() < 0.01, "{law:?}");
}

/// A case with a warm-up of at most 400 ms, whose replies take their time.
fn warmed(delay: fn(Duration) -> Duration) -> Measurement {
    let faults = Faults {
        delay: Some(delay),
        ..Faults::default()
    };
    let mut echo = scenario(Kind::Echo, Population::Clients(8), constant(1000.0));
    echo.warm_up = Duration::from_millis(400);
    echo.duration = Duration::from_millis(100);
    completed(echo, faults).0
}

#[test]
fn a_warm_up_goes_on_while_the_latency_falls() {
    // From 100 ms to 4 ms within the first 200 ms.
    let measurement = warmed(|since| {
        let left = Duration::from_millis(200).saturating_sub(since);
        Duration::from_millis(4) + left.mul_f64(0.48)
    });
    assert!(measurement.warm_up_steady.is_some());
    assert!(measurement.warm_up_s > 0.25, "{}", measurement.warm_up_s);
}

#[test]
fn a_warm_up_that_never_settles_takes_the_most_and_says_so() {
    let measurement = warmed(|since| since.mul_f64(0.5));
    assert_eq!(measurement.warm_up_steady, Some(false));
    assert!(measurement.warm_up_s > 0.39, "{}", measurement.warm_up_s);
    assert_eq!(measurement.counts.intended, 100);
}

#[test]
fn a_steady_warm_up_is_cut_short() {
    // The test itself takes one steady series in ten for a trend, and looks again an interval later.
    let short = (0..4).any(|_| {
        let measurement = warmed(|_| Duration::from_millis(5));
        assert!(measurement.warm_up_s > 0.18, "{}", measurement.warm_up_s);
        measurement.warm_up_steady == Some(true) && measurement.warm_up_s < 0.35
    });
    assert!(short);
}

#[test]
fn a_warm_up_without_enough_samples_is_not_judged() {
    let mut rare = scenario(Kind::Echo, Population::Clients(1), constant(20.0));
    rare.warm_up = Duration::from_millis(250);
    let (measurement, _) = completed(rare, Faults::default());
    assert_eq!(measurement.warm_up_steady, None);
    assert!(measurement.warm_up_s >= 0.25);
    // The next send of the warm-up was due later than the first one that is measured.
    assert_eq!(measurement.counts.intended, 6);
    assert_eq!(measurement.latencies.total(Which::Response).len(), 6);

    let idle = scenario(Kind::Idle, Population::Clients(3), constant(1.0));
    let (measurement, _) = completed(idle, Faults::default());
    assert_eq!(measurement.warm_up_steady, None);
    assert!(measurement.warm_up_s >= 0.1);

    let none = cold(scenario(
        Kind::Echo,
        Population::Clients(1),
        constant(500.0),
    ));
    let (measurement, _) = completed(none, Faults::default());
    assert_eq!(
        (measurement.warm_up_s, measurement.warm_up_steady),
        (0.0, None)
    );
    assert_eq!(measurement.counts.warm_up_discarded, 0);
}

#[test]
fn the_measured_schedule_is_the_same_after_any_warm_up() {
    let schedule = |warm_up: u64, delay: fn(Duration) -> Duration| {
        let poisson = Pace::Open {
            arrivals: Law::Poisson,
            rate: 1000.0,
        };
        let mut echo = scenario(Kind::Echo, Population::Clients(4), poisson);
        echo.warm_up = Duration::from_millis(warm_up);
        let (target, _) = faulty::serve(Faults {
            delay: Some(delay),
            ..Faults::default()
        });
        let sends: Samples<(u64, u64)> = Rc::default();
        let hooks = Hooks {
            sends: Some(Rc::clone(&sends)),
            ..Hooks::default()
        };
        on(run::<Faulty>(target, &case(echo), hooks));
        let mut intended: Vec<u64> = sends.take().iter().map(|(intended, _)| *intended).collect();
        intended.sort_unstable();
        let first = intended[0];
        intended.iter().map(|at| at - first).collect::<Vec<_>>()
    };
    let cold = schedule(0, |_| Duration::ZERO);
    assert!(cold.len() > 200);
    assert!(cold == schedule(100, |_| Duration::ZERO));
    assert!(cold == schedule(300, |since| since.mul_f64(0.5)));
}

#[test]
fn the_phases_are_told_when_they_begin() {
    let (target, _) = faulty::serve(Faults::default());
    let mut phases = Vec::new();
    let mut sent = Vec::new();
    let hooks = Hooks {
        progress: Some(Box::new(|now: &Progress| {
            if phases.last() != Some(&now.phase) {
                phases.push(now.phase);
                sent.push((now.sent, now.elapsed));
            }
        })),
        ..Hooks::default()
    };
    let echo = scenario(Kind::Echo, Population::Clients(2), constant(500.0));
    let measurement = on(run::<Faulty>(target, &case(echo), hooks));
    assert_eq!(measurement.outcome, Outcome::Completed);
    let all = [
        Phase::Connecting,
        Phase::WarmUp,
        Phase::Measuring,
        Phase::Draining,
    ];
    assert_eq!(phases, all);
    assert_eq!(sent[2], (0, Duration::ZERO), "before the first send");
    assert!(sent[3].0 >= 149, "when all were sent: {sent:?}");
}

#[test]
fn raw_samples_are_the_measured_ones() {
    let (target, _) = faulty::serve(Faults::default());
    let (stamps, sends) = (Rc::default(), Rc::default());
    let hooks = Hooks {
        stamps: Some(Rc::clone(&stamps)),
        sends: Some(Rc::clone(&sends)),
        ..Hooks::default()
    };
    let scenario = scenario(Kind::Echo, Population::Clients(3), constant(500.0));
    let measurement = on(run::<Faulty>(target, &case(scenario), hooks));
    let response = measurement.latencies.total(Which::Response);
    let (stamps, mut sends) = (stamps.take(), sends.take());
    assert_eq!((stamps.len(), sends.len()), (150, 150));
    let longest = stamps.iter().map(Stamp::response).max().unwrap();
    assert!(response.equivalent(response.max(), longest));
    let mut sent: Vec<_> = stamps
        .iter()
        .map(|stamp| (stamp.intended, stamp.sent))
        .collect();
    sent.sort_unstable();
    sends.sort_unstable();
    assert!(sent == sends, "what was answered is what was sent");
}

#[test]
fn a_late_generator_keeps_the_intended_times_and_says_how_late() {
    let faults = Faults {
        block_at: 60,
        block: Duration::from_millis(60),
        ..Faults::default()
    };
    let (measurement, _) = completed(
        scenario(Kind::Echo, Population::Clients(1), constant(200.0)),
        faults,
    );
    assert_eq!(measurement.counts.intended, 60);
    assert_eq!(measurement.latencies.total(Which::Response).len(), 60);
    let slip = measurement.slip.unwrap();
    assert!(slip.max_ns > 50_000_000, "{slip:?}");
    assert!(measurement.latencies.total(Which::SendDelay).max() > 50_000_000);
    assert!(measurement.latencies.total(Which::Response).max() > 50_000_000);
    assert_eq!(
        measurement.verdict.word(),
        "invalid",
        "{:?}",
        measurement.verdict
    );
    assert!(measurement.verdict.reasons().contains("slip-p99"));
}

#[test]
fn a_closed_loop_keeps_its_depth() {
    let (measurement, ledger) = completed(
        scenario(
            Kind::Echo,
            Population::Clients(3),
            Pace::Closed { depth: 4 },
        ),
        Faults::default(),
    );
    assert_eq!(ledger.most_at_once, 4);
    assert_eq!(measurement.depth, Some(4));
    assert_eq!(measurement.counts.intended, measurement.counts.sent);
    assert!(measurement.slip.is_none());
    assert_eq!(measurement.latencies.total(Which::SendDelay).max(), 0);
}

#[test]
fn a_vanished_server_ends_the_case_at_once() {
    let mut long = scenario(Kind::Broadcast, FIVE, constant(500.0));
    long.duration = Duration::from_secs(60);
    let began = Instant::now();
    let (measurement, _) = measured(
        long,
        Faults {
            die_after: 500,
            ..Faults::default()
        },
    );
    assert!(began.elapsed() < Duration::from_secs(10));
    let Outcome::Failed { reason } = &measurement.outcome else {
        panic!("{:?}", measurement.outcome)
    };
    assert!(reason.contains("the connection broke"), "{reason}");
    assert!(measurement.errors.brief().starts_with("connection-broken="));
    assert!(
        measurement.delivery.unwrap().delivered > 0,
        "what was seen is kept"
    );
    assert_eq!(measurement.verdict.word(), "inconclusive");
}

#[test]
fn a_refused_session_fails_the_case_and_says_why() {
    let faults = Faults {
        most_sessions: 3,
        ..Faults::default()
    };
    let (measurement, _) = measured(scenario(Kind::Broadcast, FIVE, constant(500.0)), faults);
    let Outcome::Failed { reason } = &measurement.outcome else {
        panic!("{:?}", measurement.outcome)
    };
    assert!(
        reason.contains("3 of 6 sessions stood") && reason.contains("429"),
        "{reason}"
    );
    assert_eq!(measurement.errors.brief(), "refused-429=1");
}

#[test]
fn idle_sessions_are_counted() {
    let idle = scenario(Kind::Idle, Population::Clients(20), constant(1.0));
    let (measurement, _) = completed(idle.clone(), Faults::default());
    assert_eq!(
        (measurement.connections, measurement.connections_alive),
        (20, 20)
    );
    assert_eq!(measurement.connect.unwrap().count, 20);
    assert_eq!(measurement.usage.memory.connections, 20);
    assert_ne!(measurement.verdict.word(), "inconclusive");

    let (measurement, _) = measured(
        idle,
        Faults {
            most_sessions: 12,
            ..Faults::default()
        },
    );
    assert_eq!(measurement.outcome, Outcome::Completed);
    assert_eq!(measurement.connections_alive, 12);
    assert_eq!(measurement.errors.brief(), "refused-429=8");
}

#[test]
fn an_interrupt_keeps_what_was_measured_and_progress_is_told() {
    let mut long = scenario(Kind::Echo, Population::Clients(2), constant(500.0));
    long.duration = Duration::from_secs(60);
    let (target, _) = faulty::serve(Faults::default());
    let (stop, interrupt) = watch::channel(false);
    let mut phases = Vec::new();
    let progress = Box::new(|now: &Progress| {
        phases.push(now.phase);
        if now.phase == Phase::Measuring && now.completed > 50 {
            stop.send_replace(true);
        }
    });
    let hooks = Hooks {
        progress: Some(progress),
        interrupt: Some(interrupt),
        ..Hooks::default()
    };
    let measurement = on(run::<Faulty>(target, &case(long), hooks));
    assert_eq!(measurement.outcome, Outcome::Interrupted);
    assert!(measurement.measured_s > 0.0 && measurement.measured_s < 30.0);
    assert!(measurement.latencies.total(Which::Response).len() > 50);
    assert!(phases.contains(&Phase::Measuring));
}

#[test]
fn the_reference_transport_is_perfect() {
    let mut chat = scenario(
        Kind::Chat,
        Population::Clients(8),
        Pace::Open {
            arrivals: Law::Poisson,
            rate: 300.0,
        },
    );
    chat.transports = vec!["inproc".into()];
    let door = hub::Door::new(&hub::Limits::default(), 1).remove(0);
    let target = Target {
        door: Some(door),
        ..Target::new("inproc:")
    };
    let measurement = on(run::<inproc::InProc>(target, &case(chat), Hooks::default()));
    assert_eq!(measurement.outcome, Outcome::Completed);
    let delivery = measurement.delivery.unwrap();
    assert!(
        delivery.is_perfect() && delivery.expected > 0,
        "{delivery:?}"
    );
    assert_eq!(measurement.errors.total(), 0);
    assert_eq!(measurement.counts.censored, 0);
}

#[test]
fn a_closed_loop_without_a_network_still_ends() {
    let echo = scenario(
        Kind::Echo,
        Population::Clients(4),
        Pace::Closed { depth: 2 },
    );
    let door = hub::Door::new(&hub::Limits::default(), 1).remove(0);
    let target = Target {
        door: Some(door),
        ..Target::new("inproc:")
    };
    let measurement = on(run::<inproc::InProc>(target, &case(echo), Hooks::default()));
    assert_eq!(measurement.outcome, Outcome::Completed);
    assert!(measurement.counts.completed > 100);
    assert!(measurement.measured_s < 0.31, "{}", measurement.measured_s);
}

/// What the pacing is worth on this machine, for who looks: a busy one is no fault of the code, so the bound is loose.
#[test]
fn pacing_at_ten_thousand_a_second_reports_its_slip() {
    let fast = scenario(Kind::Echo, Population::Clients(10), constant(10_000.0));
    let (measurement, _) = completed(fast, Faults::default());
    let generator = measurement.usage.generator;
    println!(
        "{:?}, load {:.2}, {:?}",
        measurement.slip,
        generator.load(),
        measurement.verdict
    );
    assert_eq!(measurement.counts.intended, 3000);
    assert!(generator.spin_ns > 0 && generator.spin_ns <= generator.wall_ns);
    assert_eq!(
        generator.cpu_user_ns + generator.cpu_system_ns,
        generator.cpu_ns
    );
    let slip = measurement.slip.unwrap();
    assert!(slip.p50_ns <= slip.p99_ns && slip.p99_ns <= slip.max_ns);
}
