//! How it was measured, the command that repeats it, and the manifest in full.

use maud::{Markup, html};
use measure::Manifest;

use super::Place;
use crate::run::Run;

pub(super) fn methods(run: &Run, place: Place) -> Markup {
    let manifest = &run.folder.manifest;
    let machine = &manifest.machine;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut rows = vec![
        (
            "Machine",
            format!("{}, {} CPUs", text(&machine.cpu_model), machine.cpus_online),
        ),
        ("Kernel", machine.kernel.clone()),
        (
            "Pinned",
            format!(
                "server to CPU {}, generator to CPU {}",
                list(&manifest.run.server_cpus),
                list(&manifest.run.generator_cpus)
            ),
        ),
        (
            "Build",
            format!(
                "pushlab {}, {} profile, {}, commit {}",
                manifest.build.version,
                text(&manifest.build.profile),
                text(&manifest.build.rustc),
                text(&manifest.build.git_commit)
            ),
        ),
        ("Self-test", self_test(manifest)),
    ];
    for peer in &manifest.run.peers {
        let arms: Vec<&str> = peer.arms.iter().map(|arm| arm.name.as_str()).collect();
        let note = peer.note.as_ref();
        let note = note.map_or(String::new(), |note| format!("; {note}"));
        let told = format!(
            "{}: {} in {}, {}{note}",
            arms.join(", "),
            peer.title,
            peer.language,
            peer.versions()
        );
        rows.push(("Written by others", told));
    }
    for out in &manifest.run.left_out {
        rows.push(("Left out", format!("{} {}", out.name, out.reason)));
    }
    let json = serde_json::to_string_pretty(manifest).unwrap_or_default();
    html! {
        section id=(place.id("methods")) {
            h2 { "How it was measured" }
            p { "Open-loop load goes out on a seeded schedule, and a latency counts from when a message was due, not from when a late generator got round \
                 to sending it. Server and generator are two processes on CPUs of their own. A warm-up is thrown away until the latencies are steady." }
            p { "The arms ran interleaved, in shuffled blocks, " (manifest.run.trials) " trials each with seed " (manifest.run.seed) ". A figure is the median of \
                 its trials with a bootstrapped 95 % interval; percentiles come from merged histograms and are never averaged. Two arms are told apart by the \
                 inverted Wilcoxon-Mann-Whitney test on the logarithms of their trials: only if the interval of their ratio leaves 1 out." }
            p { "A trial is void when the generator was saturated or late, the rate was missed, Little's law didn't hold, or either process was paused. Void trials \
                 are measured again at most " (manifest.run.retries) " times; every attempt is a row of runs.csv." }
            div.scroll tabindex="0" role="region" aria-label="Machine and build" {
                table { tbody { @for (what, value) in &rows { tr { th scope="row" { (what) } td style="text-align:left;white-space:normal" { (value) } } } } }
            }
            h3 { "Repeat it" }
            div.command id=(place.id("command")) {
                pre tabindex="0" { code { (command(run)) } }
                button.copy id=(place.id("copy")) type="button" { "Copy" }
            }
            @if manifest.build.git_dirty == Some(true) {
                p.quiet { "The sources differed from that commit, so this is not the very same program." }
            }
            details { summary { "The scenario, to the letter" } pre tabindex="0" { (run.folder.scenario) } }
            details id=(place.id("manifest")) { summary { "The whole manifest" } pre tabindex="0" { (json) } }
        }
    }
}

/// The command that repeats the run, from the root of the sources.
fn command(run: &Run) -> String {
    let manifest = &run.folder.manifest;
    let own = &manifest.run;
    let checkout = manifest
        .build
        .git_commit
        .as_ref()
        .map_or(String::new(), |commit| {
            format!("git checkout {} && ", &commit[..commit.len().min(12)])
        });
    if own.command_line.get(1).is_some_and(|word| word == "load") {
        return format!(
            "{checkout}cargo run --release -- {}",
            own.command_line[1..].join(" ")
        );
    }
    let mut words = vec![
        format!("results/{}/scenario.toml", run.summary().folder),
        format!("--trials {}", own.trials),
        format!("--seed {}", own.seed),
        format!("--retries {}", own.retries),
    ];
    if own.quick {
        words.push("--quick".to_owned());
    }
    let theirs = own.peers.iter().flat_map(|peer| &peer.arms);
    let theirs: Vec<&str> = theirs.map(|arm| arm.name.as_str()).collect();
    let ours = own
        .arms
        .iter()
        .filter(|name| !theirs.contains(&name.as_str()));
    words.extend(ours.map(|arm| format!("--transport {arm}")));
    words.extend(own.peers.iter().map(|peer| format!("--peer {}", peer.name)));
    format!("{checkout}cargo run --release -- run {}", words.join(" "))
}

fn self_test(manifest: &Manifest) -> String {
    match &manifest.self_test {
        None => "none on record; `pushlab selftest` makes one".to_owned(),
        Some(test) => {
            let held = test.rows.iter().filter(|row| row.passed).count();
            format!(
                "{held} of {} figures within their limits, {}",
                test.rows.len(),
                test.started_utc.strftime("%Y-%m-%d %H:%M UTC")
            )
        }
    }
}

fn list(cpus: &[u32]) -> String {
    if cpus.is_empty() {
        return "any".to_owned();
    }
    let cpus: Vec<String> = cpus.iter().map(u32::to_string).collect();
    cpus.join(", ")
}
