//! The load generator's hot parts: what an answer costs to take down, what the delivery oracle costs
//! a receipt, what a whole message costs without a wire, and what one request costs on the lab's
//! HTTP connection.

use std::future::poll_fn;
use std::hint::black_box;
use std::task::ready;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hub::{Door, Limits};
use inproc::InProc;
use load::Hooks;
use measure::delivery::Tally;
use measure::{Measurement, Outcome, Recorder, Stamp};
use scenario::{ArmInfo, Case, parse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use transport::http::client::{Host, Line};
use transport::{Target, Transport};

criterion_group!(benches, recorder, oracle, messages, line);
criterion_main!(benches);

/// One answer: response, service time and send delay, each into its histogram.
fn recorder(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("recorder");
    group.throughput(Throughput::Elements(1));
    let mut recorder = Recorder::new(0);
    let mut number = 0_u64;
    group.bench_function("answer", |bencher| {
        bencher.iter(|| {
            // Within the first second, so that what is timed is the sample and not the encoding of a second.
            number = (number + 7919) % 900_000_000;
            let stamp = Stamp {
                intended: number,
                sent: number + 200,
                received: number + 50_000 + number % 4096,
            };
            assert!(recorder.answer(black_box(stamp)));
        });
    });
    group.finish();
}

/// One receipt in the oracle's books: in order, and with every 64th message late by one.
fn oracle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("oracle");
    group.throughput(Throughput::Elements(1));
    for (name, late) in [("in-order", false), ("some-late", true)] {
        let mut tally = Tally::new(1);
        let mut number = 0_u64;
        group.bench_function(BenchmarkId::new("receive", name), |bencher| {
            bencher.iter(|| {
                let swapped = match number % 64 {
                    0 if late => number + 1,
                    1 if late => number - 1,
                    _ => number,
                };
                number += 1;
                assert!(tally.receive(0, black_box(swapped)).is_new());
            });
        });
        assert_eq!(tally.delivered(), number);
    }
    group.finish();
}

/// The generator from end to end without a wire, hub included, in a closed loop that keeps it busy:
/// the time of a useful message (a reply, or a delivery).
fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load/inproc");
    // A sample is a run of its own, with its connecting and its drain.
    group.sample_size(10).throughput(Throughput::Elements(1));
    for (kind, population) in [("echo", "clients = 64"), ("broadcast", "subscribers = 100")] {
        let case = case(kind, population);
        group.bench_function(kind, |bencher| {
            bencher.iter_custom(|iterations| {
                let measurement = run(&case);
                let each = measurement.measured_s / measurement.messages() as f64;
                Duration::from_secs_f64(each * iterations as f64)
            });
        });
    }
    group.finish();
}

/// One request on the lab's HTTP/1.1 connection, over loopback, answered on the same thread by a
/// server that doesn't look at it: the connection's own cost and the kernel's, twice.
fn line(criterion: &mut Criterion) {
    let runtime = runtime();
    let url = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::task::spawn_local(answer(listener));
        format!("http://{address}")
    });
    let host = runtime.block_on(Host::resolve(&Target::new(url), "bench"));
    let mut line = Line::new(&host.expect("an address"));
    let mut group = criterion.benchmark_group("http-line");
    group.throughput(Throughput::Elements(1));
    group.bench_function("request", |bencher| {
        bencher.iter_custom(|iterations| {
            runtime.block_on(async {
                let started = Instant::now();
                for _ in 0..iterations {
                    post(&mut line).await;
                }
                started.elapsed()
            })
        });
    });
    group.finish();
}

async fn post(line: &mut Line) {
    line.begin(true, |out| out.extend_from_slice(REQUEST));
    let length = poll_fn(|cx| {
        let answer = ready!(line.poll(cx)).expect("an answer");
        (answer.body.len(), answer.status).into()
    });
    assert_eq!(length.await, (64, 200));
}

/// Answers each read of one connection: a client that waits for its answer sends one request a read.
async fn answer(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.expect("a client");
    let mut request = [0; 4096];
    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
        stream.write_all(ANSWER).await.expect("a reader");
    }
}

fn run(case: &Case) -> Measurement {
    let measurement = runtime().block_on(async {
        let door = Door::new(&Limits::default(), 1).pop().expect("one shard");
        let target = Target {
            door: Some(door.clone()),
            ..Target::new("")
        };
        tokio::select! {
            measurement = load::run::<InProc>(target, case, Hooks::default()) => measurement,
            () = door.run() => unreachable!("the hub's upkeep has no end"),
        }
    });
    assert_eq!(measurement.outcome, Outcome::Completed);
    assert_eq!(measurement.errors.brief(), "");
    measurement
}

fn case(kind: &str, population: &str) -> Case {
    let text = format!(
        "name = \"bench\"\nquestion = \"What does a message cost the generator?\"\n\
         kind = \"{kind}\"\nduration = \"200ms\"\nwarm-up = \"50ms\"\ntrials = 1\n\n\
         [load]\nmode = \"closed\"\ndepth = 1\npayload = \"64 B\"\n\n[population]\n{population}\n"
    );
    let arms = [ArmInfo {
        name: InProc::INFO.name,
        options: InProc::INFO.options,
    }];
    let scenario = parse(&text, "the benchmark", &arms).expect("a scenario");
    scenario.cases().pop().expect("one arm, one trial")
}

fn runtime() -> LocalRuntime {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build_local(LocalOptions::default());
    runtime.expect("an event loop")
}

const REQUEST: &[u8] = b"POST /echo HTTP/1.1\r\nhost: 127.0.0.1:8080\r\ncontent-length: 64\r\n\r\n\
    \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"";
/// What a lab's server says, with the headers it says it in.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 64\r\n\
    date: Tue, 24 Nov 2026 12:00:00 GMT\r\n\r\n\
    \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"";
