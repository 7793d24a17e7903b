//! The lab's parts: its hot paths one by one, and the generator as a whole without a wire.

mod hot;
mod timing;
mod turns;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use hub::{Door, Limits};
use inproc::InProc;
use load::Hooks;
use measure::{Measurement, Outcome};
use scenario::{ArmInfo, Case, parse};
use tokio::runtime::{Builder, LocalOptions};
use transport::{Protocol, Target};

use hot::PATHS;

criterion_group! {
    name = parts;
    config = timing::config();
    targets = hot_paths, messages
}

fn main() {
    parts();
    timing::finish(
        "Instructions of the same paths, which don't scatter as times do: cargo xtask instructions",
    );
}

/// What runs for every message: `hot/` says what each is.
fn hot_paths(criterion: &mut Criterion) {
    for paths in PATHS.chunk_by(|one, next| one.group == next.group) {
        let mut group = criterion.benchmark_group(paths[0].group);
        for path in paths {
            group.throughput(path.work.clone());
            timing::measure(&mut group, path.name, path.warm, path.ready);
        }
        group.finish();
    }
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

fn run(case: &Case) -> Measurement {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build_local(LocalOptions::default());
    let measurement = runtime.expect("an event loop").block_on(async {
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
        network: InProc::INFO.url.is_some(),
        options: InProc::INFO.options,
    }];
    let scenario = parse(&text, "the benchmark", &arms).expect("a scenario");
    scenario.cases().pop().expect("one arm, one trial")
}
