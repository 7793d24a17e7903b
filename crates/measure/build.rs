//! Notes what the binary was built with, for the manifest of each result.

use std::fs;
use std::path::Path;
use std::process::Command;

fn main() {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    let lock = root.join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    for git in ["HEAD", "index"] {
        let path = root.join(".git").join(git);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    set(
        "PUSHLAB_RUSTC",
        output(Command::new(rustc).arg("--version")),
    );
    set(
        "PUSHLAB_COMMIT",
        output(
            Command::new("git")
                .current_dir(&root)
                .args(["rev-parse", "HEAD"]),
        ),
    );
    set(
        "PUSHLAB_LOCK",
        fs::read(lock)
            .ok()
            .map(|bytes| format!("{:016x}", fnv1a(&bytes))),
    );
    set("PUSHLAB_PROFILE", std::env::var("PROFILE").ok());
}

fn set(name: &str, value: Option<String>) {
    if let Some(value) = value {
        println!("cargo::rustc-env={name}={value}");
    }
}

fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// FNV-1a, 64 bit: enough to tell two lock files apart.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
