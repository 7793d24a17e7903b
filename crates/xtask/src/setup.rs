//! Installs what is missing on the machine, and only that.

use std::path::Path;
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
    // What a package merely recommends is for desktops: printers, sound, file managers.
    let only = ["install", "--yes", "--no-install-recommends"];
    install(&[apt, &only].concat(), &missing)
}

/// What the `package-lock.json` of a folder names, into its `node_modules`, unless that is younger.
pub(crate) fn npm(folder: &str) -> anyhow::Result<()> {
    let modified = |file: &str| Path::new(folder).join(file).metadata()?.modified();
    let wanted =
        modified("package-lock.json").with_context(|| format!("nothing to install in {folder}"))?;
    if modified("node_modules/.package-lock.json").is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    // Packages are files to us: none of them runs anything here.
    let npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    install(&npm, &["--prefix", folder])
}

/// Peers, by the lab's own command, which leaves those alone that are installed as they are now.
pub(crate) fn peers(names: &[&'static str]) -> anyhow::Result<()> {
    let lab = [
        "cargo",
        "run",
        "--quiet",
        "--package",
        "pushlab",
        "--",
        "peers",
        "setup",
    ];
    install(&lab, names)
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
    fn what_npm_has_installed_stays() {
        let folder = std::env::temp_dir().join(format!("pushlab-xtask-{}", std::process::id()));
        let modules = folder.join("node_modules");
        std::fs::create_dir_all(&modules).expect("a folder");
        let place = folder.to_str().expect("UTF-8");
        let error = npm(place).expect_err("no lock file");
        assert!(
            error.to_string().starts_with("nothing to install"),
            "{error}"
        );
        for file in ["package-lock.json", "node_modules/.package-lock.json"] {
            std::fs::write(folder.join(file), "").expect("a file");
        }
        let unchanged = npm(place);
        std::fs::remove_dir_all(&folder).expect("removed");
        unchanged.expect("nothing to do");
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
