//! What `--version` says beside the version: `BUILD_COMMIT` and `BUILD_DATE`, from the release workflow's environment, else
//! from git. The commit's own date keeps builds of one commit identical; a source tree without git says "unknown".

use std::env;
use std::path::Path;
use std::process::Command;

/// Hands both to the crate, and asks to be run again when they change.
pub fn stamp() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/stamp.rs");
    println!("cargo::rerun-if-env-changed=BUILD_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    if let Some(head) = output("git", &["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&head).exists()
    {
        println!("cargo::rerun-if-changed={head}");
    }
    let commit = env::var("BUILD_COMMIT")
        .ok()
        .or_else(|| output("git", &["rev-parse", "--short=12", "HEAD"]));
    let seconds = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .or_else(|| output("git", &["log", "-1", "--format=%ct"]));
    let date = seconds
        .and_then(|seconds| output("date", &["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%d"]));
    for (name, value) in [("BUILD_COMMIT", commit), ("BUILD_DATE", date)] {
        let value = value.as_deref().unwrap_or("unknown");
        println!("cargo::rustc-env={name}={value}");
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
