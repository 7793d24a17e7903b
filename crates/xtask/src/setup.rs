//! Installs what is missing on the machine, and only that.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::children;

/// A program that is needed, and the package that brings it.
pub(crate) struct Need {
    /// Its name on the command line.
    pub(crate) program: &'static str,
    /// What to install where it is missing.
    pub(crate) package: &'static str,
}

/// Cargo's subcommands, each with the component of the toolchain that brings it.
pub(crate) fn components(needs: &[Need]) -> anyhow::Result<()> {
    let missing = missing(needs, has_cargo);
    if missing.is_empty() {
        return Ok(());
    }
    install(&["rustup", "component", "add"], &missing)
}

/// Programs, each with the Debian package that brings it.
pub(crate) fn debian(needs: &[Need]) -> anyhow::Result<()> {
    let missing = missing(needs, has_program);
    if missing.is_empty() {
        return Ok(());
    }
    let apt: &[&str] = if rustix::process::geteuid().is_root() {
        &["apt-get"]
    } else {
        &["sudo", "apt-get"]
    };
    install(apt, &["update"])?;
    install(&[apt, &["install", "--yes"]].concat(), &missing)
}

/// Runs an installer on packages.
pub(crate) fn install(installer: &[&str], packages: &[&str]) -> anyhow::Result<()> {
    let line = [installer, packages].concat().join(" ");
    eprintln!("==> set-up: {line}");
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
pub(crate) fn has_cargo(subcommand: &str) -> bool {
    let mut command = Command::new("cargo");
    command.args([subcommand, "--version"]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn missing(needs: &[Need], has: fn(&str) -> bool) -> Vec<&'static str> {
    let missing = needs.iter().filter(|need| !has(need.program));
    missing.map(|need| need.package).collect()
}

/// Whether a program is on the search path.
fn has_program(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_found() {
        assert!(has_cargo("fmt") && !has_cargo("no-such-subcommand"));
        assert!(has_program("sh") && !has_program("no-such-program"));
    }

    #[test]
    fn only_what_is_missing_is_installed() {
        let need = |program, package| Need { program, package };
        let needs = [
            need("sh", "dash"),
            need("no-such-program", "no-such-package"),
        ];
        assert_eq!(missing(&needs, has_program), ["no-such-package"]);
    }
}
