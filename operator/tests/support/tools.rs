//! Tools of `hack/testenv`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The helper that fetches and starts.
pub fn testenv() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hack/testenv/testenv")
}

/// A tool, fetched; `None` where it cannot be built, which fails in CI.
pub fn tool(name: &str) -> Option<PathBuf> {
    let fetched = Command::new(testenv())
        .args(["fetch", name])
        .output()
        .expect("hack/testenv/testenv can be run");
    if is_missing(&fetched) {
        return None;
    }
    let status = Command::new(testenv())
        .arg("status")
        .output()
        .expect("hack/testenv/testenv can be run");
    let status = String::from_utf8(status.stdout).expect("a table");
    let line = status
        .lines()
        .find(|line| line.split_whitespace().next() == Some(name));
    let folder = line.and_then(|line| line.split_whitespace().last());
    Some(Path::new(folder.expect("a folder")).join(name))
}

/// Whether testenv says that it cannot build: told, and refused in CI. Other failures fail the test.
pub fn is_missing(output: &std::process::Output) -> bool {
    if output.status.success() {
        return false;
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_missing = reason.contains("install Go");
    assert!(is_missing && std::env::var_os("CI").is_none(), "{reason}");
    eprintln!("skipped: {reason}");
    true
}

/// What a program prints; it must succeed.
pub fn printed(program: &Path, arguments: &[&str]) -> String {
    printed_by(Command::new(program).args(arguments))
}

/// The same of a command.
pub fn printed_by(command: &mut Command) -> String {
    let output = command.output().expect("the program can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}
