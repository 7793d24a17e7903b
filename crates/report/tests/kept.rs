//! What is kept in the repository's results, against what the models say and what the README shows.

use std::fs;
use std::path::{Path, PathBuf};

use measure::Folder;
use measure::summary::Arm;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The kept folder of a scenario.
fn kept(scenario: &str) -> Folder {
    let results = fs::read_dir(root().join("results")).expect("results");
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.contains(&format!("-{scenario}-"))
    };
    let paths: Vec<PathBuf> = results.flatten().map(|entry| entry.path()).collect();
    let path = paths.iter().find(|path| is_it(path)).expect("a kept run");
    Folder::read(path).unwrap_or_else(|error| panic!("{error}"))
}

/// The map of rate and round trip: every arm that may be ranked is where its model says, and the better one of two is the one that the models
/// call better, wherever these are a tenth apart.
#[test]
fn the_map_of_rate_and_round_trip_agrees_with_the_models() {
    let folder = kept("map-rate-rtt");
    folder.verify().unwrap_or_else(|error| panic!("{error}"));
    let summary = &folder.summary;
    let mean = |arm: &Arm| arm.median("latency_mean_ns").expect("a mean");
    let predicted = |arm: &Arm| arm.median("predicted_mean_ns").expect("a prediction");
    let mut pairs = 0;
    for (index, point) in summary.points.iter().enumerate() {
        let arms: Vec<&Arm> = summary.arms_at(index).filter(|arm| arm.ranked).collect();
        for arm in &arms {
            let (seen, said) = (mean(arm), predicted(arm));
            let off = (seen - said).abs();
            assert!(
                off <= (0.05 * said).max(2e6),
                "{} at {}: {seen} ns, predicted {said}",
                arm.arm,
                point.label
            );
        }
        for (place, one) in arms.iter().enumerate() {
            for other in &arms[place + 1..] {
                let ratio = predicted(one) / predicted(other);
                if !(0.9..=1.1).contains(&ratio) {
                    pairs += 1;
                    assert_eq!(
                        ratio < 1.0,
                        mean(one) < mean(other),
                        "{} and {} at {}",
                        one.arm,
                        other.arm,
                        point.label
                    );
                }
            }
        }
    }
    assert!(pairs >= 12, "only {pairs} pairs say anything");
}

/// The README's table of claims is the kept one, to the letter.
#[test]
fn the_readme_shows_the_kept_claims() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a file");
    let (readme, kept) = (read("README.md"), read("results/claims/claims.md"));
    assert!(kept.lines().count() > 40);
    assert!(
        readme.contains(&kept),
        "README.md has another table than results/claims/claims.md"
    );
}
