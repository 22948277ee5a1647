//! Stamps the version text.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    stamp_build();
}

/// What `--version` says beside the version: commit and date, from the release workflow's environment or git.
fn stamp_build() {
    println!("cargo::rerun-if-env-changed=BUILD_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let ask = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .output()
            .ok()
            .filter(|o| o.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let commit = env::var("BUILD_COMMIT")
        .ok()
        .or_else(|| ask("git", &["rev-parse", "--short=12", "HEAD"]));
    let epoch = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .or_else(|| ask("git", &["log", "-1", "--format=%ct"]));
    let date =
        epoch.and_then(|seconds| ask("date", &["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%d"]));
    println!(
        "cargo::rustc-env=BUILD_COMMIT={}",
        commit.as_deref().unwrap_or("unknown")
    );
    println!(
        "cargo::rustc-env=BUILD_DATE={}",
        date.as_deref().unwrap_or("unknown")
    );
}
