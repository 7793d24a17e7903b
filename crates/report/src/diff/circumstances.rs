//! What differs in the manifests: what the runs were told, the build, the machine.

use std::collections::{BTreeMap, BTreeSet};

use measure::Manifest;
use serde::{Deserialize, Serialize};

/// Something that differs around two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstance {
    /// What, in words.
    pub what: String,
    /// In run `a`; null where it isn't known.
    pub a: Option<String>,
    /// In run `b`.
    pub b: Option<String>,
}

/// All differences: of what was asked for, of the build, of the machine.
pub(super) fn all(a: &Manifest, b: &Manifest) -> Vec<Circumstance> {
    let (of_a, of_b) = (facts(a), facts(b));
    let pairs = of_a.into_iter().zip(of_b);
    let mut all: Vec<Circumstance> = pairs
        .map(|((what, a), (_, b))| Circumstance {
            what: what.to_owned(),
            a,
            b,
        })
        .collect();
    all.extend(tables(&a.machine.sysctls, &b.machine.sysctls));
    all.extend(tables(&a.machine.cgroup_limits, &b.machine.cgroup_limits));
    all.retain(|one| one.a != one.b);
    all
}

type Fact = (&'static str, Option<String>);

fn facts(manifest: &Manifest) -> Vec<Fact> {
    let Manifest {
        run,
        machine,
        build,
        ..
    } = manifest;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let list = |cpus: &[u32]| match cpus {
        [] => "none".to_owned(),
        cpus => cpus
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    };
    let limit =
        |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    vec![
        ("how the run ended", Some(manifest.status.word().to_owned())),
        ("quick", Some(yes(run.quick))),
        ("arms", Some(run.arms.join(", "))),
        ("trials", Some(run.trials.to_string())),
        ("seed", Some(run.seed.to_string())),
        ("retries", Some(run.retries.to_string())),
        ("commit", build.git_commit.clone()),
        ("uncommitted changes", build.git_dirty.map(yes)),
        ("pushlab", Some(build.version.clone())),
        ("profile", build.profile.clone()),
        ("rustc", build.rustc.clone()),
        ("hash of Cargo.lock", build.cargo_lock_fnv1a64.clone()),
        ("CPU", machine.cpu_model.clone()),
        ("CPUs online", Some(machine.cpus_online.to_string())),
        ("CPUs allowed", machine.cpus_allowed.clone()),
        ("CPUs of the server", Some(list(&run.server_cpus))),
        ("CPUs of the generator", Some(list(&run.generator_cpus))),
        ("governor", machine.governor.clone()),
        (
            "memory",
            machine.memory_bytes.map(|bytes| crate::bytes(bytes as f64)),
        ),
        ("kernel", Some(machine.kernel.clone())),
        ("open files", Some(limit(machine.open_files.0))),
        ("self-test", self_test(manifest)),
    ]
}

/// What the lab's last self-test before the run said.
fn self_test(manifest: &Manifest) -> Option<String> {
    let last = manifest.self_test.as_ref()?;
    let word = if last.passed {
        "passed"
    } else {
        "missed a truth"
    };
    let form = match (last.quick, last.complete) {
        (_, false) => " (not all checks)",
        (true, true) => " (quick)",
        (false, true) => "",
    };
    Some(format!("{word}{form}"))
}

fn tables(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<Circumstance> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let one = |name: &String| Circumstance {
        what: name.clone(),
        a: a.get(name).cloned(),
        b: b.get(name).cloned(),
    };
    names.into_iter().map(one).collect()
}
