//! `cargo xtask test`: everything that must pass before a change is accepted.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::children;
use crate::setup::{self, Need, has_cargo};

/// Runs step after step and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let started = Instant::now();
    setup::components(COMPONENTS)?;
    setup::debian(DEBIAN_PACKAGES)?;
    setup::npm("crates/browser")?;
    setup::peers(PEERS)?;
    setup::npm("crates/transports/socket-io/tests/official")?;
    let mut took = Vec::new();
    for step in steps() {
        println!("==> {}: {}", step.name, step.line());
        let start = Instant::now();
        let status = children::run(&mut step.command())?;
        if !status.success() {
            bail!(
                "step `{}` failed ({status}); repeat it with\n\n    {}\n",
                step.name,
                step.line()
            );
        }
        took.push((step.name, start.elapsed()));
    }
    println!("\nAll {} steps passed.", took.len());
    for (name, took) in took {
        println!("  {name:<12}{}", seconds(took));
    }
    println!("  {:<12}{}", "in all", seconds(started.elapsed()));
    Ok(())
}

/// Programs beyond Rust that the tests call, each with the Debian package that brings it. The browser's fonts come with it:
/// `fontconfig` depends on some.
const DEBIAN_PACKAGES: &[Need] = &[
    Need {
        program: "chromium",
        package: "chromium",
    },
    // With node, for the official Socket.IO client; and for axe, the rules of accessibility that pages are held to.
    Need {
        program: "npm",
        package: "npm",
    },
];

/// Servers that others wrote, which the tests run beside the lab's own.
const PEERS: &[&str] = &["ws", "socket-io", "nchan", "websockets"];

/// What the toolchain must bring beside the compiler: cargo's subcommands.
const COMPONENTS: &[Need] = &[
    Need {
        program: "fmt",
        package: "rustfmt",
    },
    Need {
        program: "clippy",
        package: "clippy",
    },
];

/// One step: a line that a person can repeat in a shell at the root of the repository.
struct Step {
    name: &'static str,
    variable: Option<(&'static str, &'static str)>,
    arguments: &'static str,
}

/// Runs each benchmark for a moment.
const SMOKE: &str =
    "bench --workspace --profile dev -- --quick --measurement-time 0.3 --noplot --discard-baseline";

fn steps() -> Vec<Step> {
    let step = |name, arguments| Step {
        name,
        variable: None,
        arguments,
    };
    let mut steps = vec![
        step("format", "fmt --all --check"),
        step("lints", "clippy --workspace --all-targets -- -D warnings"),
    ];
    // nextest runs each test in a process of its own, and no doc tests.
    if has_cargo("nextest") {
        steps.push(step("doc tests", "test --doc --workspace"));
        steps.push(step("tests", "nextest run --workspace"));
    } else {
        steps.push(step("tests", "test --workspace"));
    }
    // A smoke test: unoptimised, since that is built already, so its figures mean nothing and are thrown away.
    steps.push(step("benchmarks", SMOKE));
    steps.push(Step {
        name: "docs",
        variable: Some(("RUSTDOCFLAGS", "-D warnings")),
        arguments: "doc --workspace --no-deps",
    });
    steps
}

impl Step {
    fn command(&self) -> Command {
        let mut command = Command::new("cargo");
        command.args(self.arguments.split(' ')).envs(self.variable);
        command
    }

    fn line(&self) -> String {
        let variable = self.variable.map_or(String::new(), |(name, value)| {
            format!("{name}=\"{value}\" ")
        });
        format!("{variable}cargo {}", self.arguments)
    }
}

fn seconds(took: Duration) -> String {
    format!("{:>7.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_can_be_repeated_by_hand() {
        let steps = steps();
        let docs = steps.last().expect("some");
        assert_eq!(
            docs.line(),
            r#"RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps"#
        );
        assert_eq!(docs.command().get_args().count(), 3);
    }

    #[test]
    fn benchmarks_run_after_the_tests_and_leave_nothing_behind() {
        let names: Vec<&str> = steps().iter().map(|step| step.name).collect();
        assert!(names.ends_with(&["tests", "benchmarks", "docs"]));
        assert!(SMOKE.contains(" --quick ") && SMOKE.ends_with(" --discard-baseline"));
    }
}
