//! `cargo xtask test`: everything that must pass before a change is accepted.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::children;

/// Runs step after step and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let started = Instant::now();
    set_up()?;
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

/// Programs beyond Rust that the tests call, each with the Debian package that brings it. At
/// present: none.
const DEBIAN_PACKAGES: &[Need] = &[];

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

struct Need {
    program: &'static str,
    package: &'static str,
}

/// One step: a line that a person can repeat in a shell at the root of the repository.
struct Step {
    name: &'static str,
    variable: Option<(&'static str, &'static str)>,
    arguments: &'static str,
}

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

/// Installs what is missing, and only that.
fn set_up() -> anyhow::Result<()> {
    let missing = |needs: &[Need], has: fn(&str) -> bool| -> Vec<_> {
        let missing = needs.iter().filter(|need| !has(need.program));
        missing.map(|need| need.package).collect()
    };
    let components = missing(COMPONENTS, has_cargo);
    if !components.is_empty() {
        install(&["rustup", "component", "add"], &components)?;
    }
    let packages = missing(DEBIAN_PACKAGES, has_program);
    if !packages.is_empty() {
        let apt: &[&str] = if rustix::process::geteuid().is_root() {
            &["apt-get"]
        } else {
            &["sudo", "apt-get"]
        };
        install(apt, &["update"])?;
        install(&[apt, &["install", "--yes"]].concat(), &packages)?;
    }
    Ok(())
}

fn install(installer: &[&str], packages: &[&str]) -> anyhow::Result<()> {
    let line = [installer, packages].concat().join(" ");
    println!("==> set-up: {line}");
    let mut command = Command::new(installer[0]);
    command.args(&installer[1..]).args(packages);
    let status = children::run(&mut command)
        .with_context(|| format!("missing: {}; install it by hand", packages.join(", ")))?;
    if !status.success() {
        bail!("set-up failed ({status}); repeat it with\n\n    {line}\n");
    }
    Ok(())
}

/// Whether cargo has this subcommand and it starts (rustup leaves proxies of components it lacks).
fn has_cargo(subcommand: &str) -> bool {
    let mut command = Command::new("cargo");
    command.args([subcommand, "--version"]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether a program is on the search path.
fn has_program(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
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
    fn only_what_is_there_is_found() {
        assert!(has_cargo("fmt") && !has_cargo("no-such-subcommand"));
        assert!(has_program("sh") && !has_program("no-such-program"));
    }
}
