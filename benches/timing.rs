//! criterion, as all benchmarks of the lab use it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};

use crate::turns::Turns;

/// Short enough that all benchmarks together stay below ten minutes, and the ones of one group below two. Of criterion's 100,000 resamples
/// a tenth moves no interval that one could see; drawing the distribution of all of them takes longer than to measure.
pub(crate) fn config() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .nresamples(10_000)
}

/// Benchmarks what `ready` makes, after `warm` turns that nobody times.
///
/// criterion calls the function of a benchmark once a sample, and not at all when a filter leaves it out: what it measures is made the
/// first time.
pub(crate) fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    warm: u64,
    ready: impl Fn() -> Turns,
) {
    let mut made = None;
    group.bench_function(name, |bencher| {
        let turns = made.get_or_insert_with(|| {
            MEASURED.store(true, Ordering::Relaxed);
            let mut turns = ready();
            turns(warm);
            turns
        });
        bencher.iter_custom(turns);
    });
}

/// The end of a program, after all groups: criterion's index of reports, and a remark, unless all was only listed or left out by a filter.
pub(crate) fn finish(remark: &str) {
    Criterion::default().configure_from_args().final_summary();
    if MEASURED.load(Ordering::Relaxed) {
        println!("{remark}");
    }
}

static MEASURED: AtomicBool = AtomicBool::new(false);
