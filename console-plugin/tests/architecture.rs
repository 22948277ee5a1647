//! The arrows between modules point inwards, as `ARCHITECTURE.md` draws them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// Module, and what its code may not name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("fields", &["crate::", "tokio", "axum", "hyper"]),
    (
        "query",
        &[
            "tokio",
            "axum",
            "hyper",
            "std::fs",
            "std::net::Tcp",
            "crate::api",
            "crate::sources",
            "crate::answer",
            "crate::losses",
            "crate::app",
            "crate::http",
            "crate::metrics",
        ],
    ),
    (
        "answer",
        &[
            "tokio",
            "axum",
            "hyper",
            "std::fs",
            "crate::api",
            "crate::query",
            "crate::losses",
            "crate::app",
            "crate::http",
        ],
    ),
    (
        "sources",
        &[
            "axum",
            "crate::api",
            "crate::app",
            "crate::http",
            "crate::losses",
            "crate::answer",
        ],
    ),
    (
        "losses",
        &[
            "axum",
            "crate::api",
            "crate::app",
            "crate::store",
            "crate::query",
            "crate::sources",
        ],
    ),
    (
        "store",
        &[
            "crate::api",
            "crate::app",
            "crate::answer",
            "crate::query",
            "crate::sources",
            "crate::losses",
            "crate::metrics",
        ],
    ),
    (
        "config",
        &[
            "tokio",
            "axum",
            "hyper",
            "crate::api",
            "crate::app",
            "crate::query",
            "crate::sources",
        ],
    ),
    (
        "api",
        &["crate::app", "crate::store", "crate::tls", "crate::http"],
    ),
];

#[test]
fn modules_name_only_what_lies_further_in() {
    let mut problems = Vec::new();
    for (module, forbidden) in FORBIDDEN {
        for path in files_of(module) {
            let text = fs::read_to_string(&path).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap();
                let is_test = path.ends_with("tests.rs") || path.ends_with("contract.rs");
                for name in forbidden
                    .iter()
                    .filter(|name| code.contains(**name) && !is_test)
                {
                    problems.push(format!(
                        "{}:{}: {module} may not name {name}",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are() {
    const LINES_MAX: usize = 500;
    let mut problems = Vec::new();
    for path in rust_files(Path::new("src")) {
        let text = fs::read_to_string(&path).unwrap();
        if text.lines().count() > LINES_MAX {
            problems.push(format!("{}: more than {LINES_MAX} lines", path.display()));
        }
        let is_test = path.ends_with("tests.rs");
        if !is_test && !text.starts_with("//! ") {
            problems.push(format!("{}: no header", path.display()));
        }
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            problems.push(format!("{}: write area.rs beside area/", path.display()));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn files_of(module: &str) -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from(format!("src/{module}.rs"))];
    files.extend(rust_files(&PathBuf::from(format!("src/{module}"))));
    files
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
