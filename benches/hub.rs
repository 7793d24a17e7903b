//! The hub without a wire: what one event costs for each of its receivers, and what a message costs
//! on its way in and out.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hub::{Audience, Command, Event, Hub, Key, Limits, SessionId, Token};

criterion_group!(benches, fan_out, encode, parse);
criterion_main!(benches);

const DATA: &str = r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#;

/// One event to everyone, then every session takes it: the time of a delivery, sockets apart.
fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub/fan-out");
    for sessions in [1_000, 10_000] {
        let (mut hub, keys) = filled(sessions);
        let from = hub.id(keys[0]);
        let (mut ready, mut ended) = (Vec::new(), Vec::new());
        let now = Instant::now();
        group.throughput(Throughput::Elements(sessions));
        group.bench_function(BenchmarkId::from_parameter(sessions), |bencher| {
            bencher.iter(|| {
                hub.post(from, &Audience::Everyone, &Event::new("tick", from, DATA));
                hub.settle(&mut ready, &mut ended, now);
                let mut taken = 0;
                for &key in &ready {
                    taken += hub.mailbox(key).take(usize::MAX, |delivery| {
                        black_box(delivery);
                    });
                }
                assert_eq!(taken, keys.len());
            });
        });
    }
    group.finish();
}

/// An event becomes bytes, WebSocket frame included: once, whatever the number of receivers.
fn encode(criterion: &mut Criterion) {
    let from = SessionId::from_bytes([7; 16]);
    let mut group = criterion.benchmark_group("event");
    group.bench_function("encode", |bencher| {
        bencher.iter(|| Event::new(black_box("tick"), from, black_box(DATA)));
    });
    group.finish();
}

/// A client's message becomes a command.
fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("command");
    let emit = format!(r#"{{"op":"emit","to":{{"room":"blue"}},"event":"chat","data":{DATA}}}"#);
    let request = format!(r#"{{"op":"request","id":7,"data":{DATA}}}"#);
    for (name, text) in [("emit", &emit), ("request", &request)] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("parse", name), |bencher| {
            bencher.iter(|| {
                let parsed = Command::parse(black_box(text.as_bytes()));
                assert!(black_box(parsed).is_ok());
            });
        });
    }
    group.finish();
}

/// A hub with so many open sessions. Their mailboxes keep what was taken, as they do for a
/// connection that doesn't acknowledge, but little of it: the benchmark is of the hub, not of memory.
fn filled(sessions: u64) -> (Hub, Vec<Key>) {
    let mut hub = Hub::new(Limits {
        mailbox_messages: 64,
        ..Limits::default()
    });
    let now = Instant::now();
    let keys = (0..sessions)
        .map(|number| {
            let (mut id, mut token) = ([0; 16], [0; 18]);
            id[..8].copy_from_slice(&number.to_le_bytes());
            token[..8].copy_from_slice(&number.to_le_bytes());
            let (id, token) = (SessionId::from_bytes(id), Token::from_bytes(token));
            let key = hub
                .open(id, token, now)
                .expect("fewer sessions than the limit");
            hub.attach(key);
            key
        })
        .collect();
    (hub, keys)
}
