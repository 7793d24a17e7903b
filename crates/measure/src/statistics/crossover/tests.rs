//! Curves whose crossings are known.

use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, LogNormal};

use super::*;
use crate::statistics::binomial::upper_bound;

type Trials = Vec<(f64, Vec<f64>, Vec<f64>)>;

/// Five trials at each x with 5 % noise; `b` is `ratio(x)` times `a`.
fn trials(xs: &[f64], ratio: impl Fn(f64) -> f64, random: &mut Xoshiro256PlusPlus) -> Trials {
    let noise = LogNormal::new(0.0, 0.05).unwrap();
    let mut five = |by: f64| (0..5).map(|_| by * noise.sample(random)).collect();
    xs.iter()
        .map(|&x| (x, five(10.0), five(10.0 * ratio(x))))
        .collect()
}

fn find(trials: &Trials, seed: u64) -> Option<Crossover> {
    let points: Vec<Point<'_>> = trials
        .iter()
        .map(|(x, a, b)| Point { x: *x, a, b })
        .collect();
    crossover(&points, seed)
}

const DOUBLING: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

#[test]
fn one_crossing_is_found_with_an_interval_that_holds_it() {
    let mut random = dice(31);
    let mut missed = 0;
    for seed in 0..20 {
        // The ratio doubles from point to point and is 1 at 6.
        let measured = trials(&DOUBLING, |x| x / 6.0, &mut random);
        let Some(Crossover::Crossings { crossings, support }) = find(&measured, seed) else {
            panic!("no crossing");
        };
        let [crossing] = crossings[..] else {
            panic!("{crossings:?}");
        };
        assert_eq!(crossing.lower_below, Side::B);
        assert!(support > 0.9, "{support}");
        let interval = crossing.interval.unwrap();
        assert!(interval.contains(crossing.at));
        assert!(interval.low > 4.0 && interval.high < 8.0, "{interval:?}");
        missed += u64::from(!interval.contains(6.0));
    }
    assert!(missed <= upper_bound(20, 0.05), "{missed} of 20");
}

#[test]
fn several_crossings_are_all_listed() {
    let mut random = dice(32);
    let measured = trials(
        &DOUBLING,
        |x| if (3.0..12.0).contains(&x) { 0.5 } else { 2.0 },
        &mut random,
    );
    let Some(Crossover::Crossings { crossings, support }) = find(&measured, 1) else {
        panic!("no crossing");
    };
    assert!(support > 0.99);
    assert_eq!(crossings.len(), 2);
    assert_eq!(crossings[0].lower_below, Side::A);
    assert_eq!(crossings[1].lower_below, Side::B);
    // Halfway on the logarithmic scale.
    assert!((crossings[0].at / 8.0_f64.sqrt() - 1.0).abs() < 0.1);
    assert!((crossings[1].at / 128.0_f64.sqrt() - 1.0).abs() < 0.1);
}

#[test]
fn arms_that_do_not_cross_are_told_apart_or_left_undecided() {
    let mut random = dice(33);
    let apart = find(&trials(&DOUBLING, |_| 0.7, &mut random), 1);
    let lower = Some(Side::B);
    assert_eq!(apart, Some(Crossover::NoCrossing { lower }));

    // The same law in both arms: whatever is found must not be sure.
    for seed in 0..10 {
        match find(&trials(&DOUBLING, |_| 1.0, &mut random), seed).unwrap() {
            Crossover::NoCrossing { lower } => assert_eq!(lower, None),
            Crossover::Crossings { support, .. } => assert!(support < 0.9, "{support}"),
        }
    }
    let equal: Trials = DOUBLING
        .iter()
        .map(|&x| (x, vec![5.0; 3], vec![5.0; 3]))
        .collect();
    let undecided = Crossover::NoCrossing { lower: None };
    assert_eq!(find(&equal, 1), Some(undecided));
}

#[test]
fn a_linear_axis_is_taken_where_zero_is_on_it() {
    let exact: Trials = [(0.0, 0.5), (10.0, 1.0), (20.0, 1.0), (30.0, 2.0)]
        .iter()
        .map(|&(x, ratio)| (x, vec![4.0; 5], vec![4.0 * ratio; 5]))
        .collect();
    let Some(Crossover::Crossings { crossings, support }) = find(&exact, 1) else {
        panic!("no crossing");
    };
    assert!((crossings[0].at - 15.0).abs() < 1e-9);
    assert!((support - 1.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_judged_is_none() {
    let three = vec![1.0; 3];
    let fine = (1.0, three.clone(), three.clone());
    assert_eq!(find(&vec![], 1), None);
    assert_eq!(find(&vec![fine.clone()], 1), None);
    for broken in [
        (1.0, three.clone(), three.clone()),
        (2.0, vec![1.0; 2], three.clone()),
        (2.0, three.clone(), vec![1.0, 0.0, 2.0]),
    ] {
        assert_eq!(find(&vec![fine.clone(), broken], 1), None);
    }
}

#[test]
fn survives_json() {
    let mut random = dice(34);
    let found = find(&trials(&DOUBLING, |x| x / 6.0, &mut random), 1).unwrap();
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.starts_with(r#"{"outcome":"crossings""#));
    let read: Crossover = serde_json::from_str(&text).unwrap();
    assert!(matches!(read, Crossover::Crossings { .. }));
}
