//! `[link]`: what it may say, what it refuses, and how a sweep varies it.

use std::time::Duration;

use scenario::{Backend, Between, JitterLaw, Link, PROFILES, axis};

use crate::{ECHO, ROOMS, good, wrong};

fn link(more: &str) -> Link {
    let scenario = good(ECHO, &format!("[link]\n{more}"));
    scenario.link.expect("a link")
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn without_the_section_there_is_loopback_alone() {
    assert_eq!(good(ECHO, "").link, None);
    assert_eq!(link(""), Link::default());
}

#[test]
fn a_round_trip_is_halved_and_directions_may_differ() {
    let own = link("rtt = '100ms'");
    assert_eq!((own.up.delay, own.down.delay), (ms(50), ms(50)));
    let own = link("delay-up = '10ms'\ndelay-down = '30ms'\nset-up = 2");
    assert_eq!(
        (own.up.delay, own.down.delay, own.set_up),
        (ms(10), ms(30), 2)
    );
    let own = link("bandwidth-up = '384 kbit/s'\nbandwidth-down = '1.5Mbit/s'\nqueue = '32 KiB'");
    assert_eq!(own.up.bandwidth, Some(384e3));
    assert_eq!(own.down.bandwidth, Some(1.5e6));
    assert_eq!((own.up.queue, own.down.queue), (32 << 10, 32 << 10));
    let own = link("rtt = '20ms'\njitter = '2ms'\njitter-law = 'exponential'");
    assert_eq!(
        (own.up.jitter, own.down.law),
        (ms(2), JitterLaw::Exponential)
    );
    let own = link("backend = 'packets'\nloss = '1 %'\nreorder = '0.5%'\nduplicate = '0 %'");
    assert_eq!(own.backend, Backend::Packets);
    assert!((own.up.loss - 0.01).abs() < 1e-12 && (own.down.reorder - 0.005).abs() < 1e-12);
}

#[test]
fn a_profile_gives_what_isnt_given() {
    for profile in PROFILES {
        let own = link(&format!("profile = '{}'", profile.name));
        assert_eq!((own.up, own.down), (profile.up, profile.down));
        assert_eq!(own.profile, Some(profile.name));
    }
    let own = link("profile = '4g'\nrtt = '60ms'");
    assert_eq!(own.round_trip(), ms(60));
    assert_eq!(own.down.bandwidth, Some(9e6));
}

#[test]
fn the_profiles_of_the_reference_are_these() {
    let reference = include_str!("../../../../scenarios/README.md");
    for profile in PROFILES {
        let rtt = profile.link().round_trip().as_secs_f64() * 1e3;
        let line = format!("| `{}` | {} | {rtt} ms |", profile.name, profile.title);
        assert!(reference.contains(&line), "{line}");
    }
}

#[test]
fn one_direction_alone_is_for_those_who_only_send_or_only_receive() {
    let scenario = good(ROOMS, "[link]\nbetween = 'receivers'\n");
    assert_eq!(
        scenario.link.map(|link| link.between),
        Some(Between::Receivers)
    );
    wrong(
        ECHO,
        "[link]\nbetween = 'senders'\n",
        "f.toml:9:11: field `between` in `[link]`: in kind = \"echo\" no session only sends or only receives; \"all\" is right",
    );
    wrong(
        ROOMS,
        "[link]\nbackend = 'packets'\nbetween = 'senders'\n",
        "f.toml:19:11: field `between` in `[link]`: at packet level all connections go through the link; write backend = \"relay\", or remove it",
    );
}

#[test]
fn what_cant_be_is_an_error_that_says_what_is_right() {
    for (more, message) in [
        (
            "profile = 'dls'",
            "9:11: field `profile` in `[link]`: \"dls\" is unknown: did you mean \"dsl\"?",
        ),
        (
            "loss = '1 %'",
            "9:8: field `loss` in `[link]`: a relay passes on the bytes of a TCP stream and can't lose, reorder or duplicate a packet; write backend = \"packets\" (it needs root)",
        ),
        (
            "backend = 'packets'\nloss = '1'",
            "10:8: field `loss` in `[link]`: \"1\" is not a share: write a number from 0 to 100 and %, as in \"1 %\"",
        ),
        (
            "backend = 'packets'\nloss = '101 %'",
            "10:8: field `loss` in `[link]`: \"101 %\" is not a share: write a number from 0 to 100 and %, as in \"1 %\"",
        ),
        (
            "rtt = '10ms'\ndelay-up = '1ms'",
            "9:7: field `rtt` in `[link]`: it is delay-up and delay-down together, half of it each; write either it or those two",
        ),
        (
            "rtt = '10ms'\njitter = '6ms'",
            "10:10: field `jitter` in `[link]`: 6ms is more than the delay of one way, 5ms: delays can't be negative, so at most that is right",
        ),
        (
            "jitter-law = 'uniform'",
            "9:1: field `jitter-law` in `[link]` is useless: there is no jitter: write, for example, jitter = \"5ms\"",
        ),
        (
            "queue = '64 KiB'",
            "9:1: field `queue` in `[link]` is useless: nothing waits where there is no bandwidth: write, for example, bandwidth = \"10 Mbit/s\"",
        ),
        (
            "bandwidth = '10 MBit'",
            "9:13: field `bandwidth` in `[link]`: \"10 MBit\" is not a bandwidth: write a number and bit/s, kbit/s, Mbit/s or Gbit/s, as in \"10 Mbit/s\"",
        ),
        (
            "bandwidth = '0 bit/s'",
            "9:13: field `bandwidth` in `[link]`: \"0 bit/s\" is out of range: more than 0 bit/s and at most 100 Gbit/s are right",
        ),
        (
            "bandwidth = '1 Mbit/s'\nbandwidth-up = '1 Mbit/s'",
            "10:16: field `bandwidth-up` in `[link]`: `bandwidth` is both ways; write either it or the two",
        ),
        (
            "backend = 'packets'\nset-up = 2",
            "10:10: field `set-up` in `[link]`: at packet level the kernel's own handshake takes its one round trip; remove it, or write backend = \"relay\"",
        ),
        (
            "latency = '10ms'",
            "9:1: unknown field `latency` in `[link]`: `profile`, `backend`, `between`, `set-up`, `rtt`, `delay-up`, `delay-down`, `jitter`, `jitter-law`, `bandwidth`, `bandwidth-up`, `bandwidth-down`, `queue`, `loss`, `reorder`, `duplicate` are right",
        ),
    ] {
        wrong(
            ECHO,
            &format!("[link]\n{more}\n"),
            &format!("f.toml:{message}"),
        );
    }
}

#[test]
fn a_sweep_varies_it_and_brings_it_into_being() {
    let scenario = good(ECHO, "[sweep]\nrtt = ['0ms', '100ms']\n");
    let sweep = scenario.sweep.expect("a sweep");
    let labels: Vec<&str> = sweep
        .points
        .iter()
        .map(|point| point.label.as_str())
        .collect();
    assert_eq!(labels, ["rtt=0s", "rtt=100ms"]);
    let far = sweep.points[1].scenario.link.as_ref().expect("a link");
    assert_eq!(far.down.delay, ms(50));
    let scenario = good(
        ECHO,
        "[link]\nbackend = 'packets'\n[sweep]\nloss = ['0 %', '15 %']\n",
    );
    let sweep = scenario.sweep.expect("a sweep");
    assert_eq!(sweep.points[1].label, "loss=15%");
    let loss = axis("loss").expect("an axis");
    assert_eq!(loss.of(&sweep.points[1].scenario), Some(0.15));
}
