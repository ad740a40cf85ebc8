//! Stamps the binary with the date of its build: of the commit where `SOURCE_DATE_EPOCH` says so, else of today. And builds the
//! agent that goes into containers, for every architecture that this toolchain can link a static program for.

#![allow(clippy::disallowed_methods, reason = "a build script is a program of its own")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    let seconds = std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|text| text.parse().ok());
    let time = seconds.map_or_else(SystemTime::now, |seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    let days = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() / 86_400);
    println!("cargo::rustc-env=TILT_BUILD_DATE={}", date(days));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names it"));
    agents(&out);
}

/// Where the agent can run, and how it is linked there. Of one architecture the first that can be built is taken.
const AGENTS: &[(&str, &str, &str)] = &[
    ("amd64", "x86_64-unknown-linux-musl", "-Clinker=rust-lld"),
    ("amd64", "x86_64-unknown-linux-gnu", "-Crelocation-model=static"),
    ("arm64", "aarch64-unknown-linux-musl", "-Clinker=rust-lld"),
    ("arm64", "aarch64-unknown-linux-gnu", "-Crelocation-model=static"),
];

/// Writes `agents.rs`: a table of architectures and programs.
fn agents(out: &Path) {
    println!("cargo::rerun-if-changed=agent/Cargo.toml");
    println!("cargo::rerun-if-changed=agent/src");
    let host = std::env::var("HOST").expect("cargo names it");
    let mut found: Vec<(&str, PathBuf)> = Vec::new();
    for (arch, target, flag) in AGENTS {
        // Without a linker for it a glibc target is for its own machine only.
        let can_link = flag.contains("rust-lld") || *target == host;
        if !can_link || !is_installed(target) || found.iter().any(|(known, _)| known == arch) {
            continue;
        }
        found.push((arch, build(out, target, flag)));
    }
    assert!(
        !found.is_empty(),
        "no toolchain for a static agent: install the target of {host}"
    );
    let rows: Vec<String> = found
        .iter()
        .map(|(arch, file)| format!("    ({arch:?}, include_bytes!({:?})),\n", file.display().to_string()))
        .collect();
    let table = format!("pub const AGENTS: &[(&str, &[u8])] = &[\n{}];\n", rows.concat());
    std::fs::write(out.join("agents.rs"), table).expect("the folder is ours");
}

/// Whether the standard library for it is here.
fn is_installed(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").expect("cargo names it");
    let found = Command::new(rustc).args(["--print", "sysroot"]).output();
    let sysroot = found.expect("rustc runs, it compiled this").stdout;
    let sysroot = String::from_utf8_lossy(&sysroot).trim().to_owned();
    Path::new(&sysroot)
        .join("lib/rustlib")
        .join(target)
        .join("lib")
        .is_dir()
}

/// A build of its own, with flags of its own, in a folder of its own: cargo cannot link one package of a build statically.
fn build(out: &Path, target: &str, flag: &str) -> PathBuf {
    let folder = out.join("agent");
    let mut command = Command::new(std::env::var_os("CARGO").expect("cargo names it"));
    command
        .args([
            "build",
            "--locked",
            "--quiet",
            "--package",
            "tilt-agent",
            "--bin",
            "tilt-agent",
        ])
        .args(["--profile", "agent", "--target", target, "--target-dir"])
        .arg(&folder)
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            format!("-Ctarget-feature=+crt-static\u{1f}{flag}"),
        )
        // What wraps the compiler for lints is not for what is shipped.
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CLIPPY_ARGS")
        .env_remove("RUSTFLAGS");
    let status = command.status().expect("cargo runs, it runs this");
    assert!(status.success(), "the agent for {target} does not build");
    folder.join(target).join("agent/tilt-agent")
}

/// Year, month and day of a day counted from 1970-01-01.
fn date(days: u64) -> String {
    let mut year = 1970;
    let mut left = days;
    while left >= length_of(year) {
        left -= length_of(year);
        year += 1;
    }
    let february = if length_of(year) == 366 { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", left + 1)
}

fn length_of(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}
