//! The arrows of ARCHITECTURE.md, checked on the imports.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

/// Each area and the areas its files may name. An area may always name itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("metrics", &["http"]),
    ("tls", &[]),
    ("http", &["tls"]),
    ("health", &["http"]),
    ("stage", &["metrics", "model", "topology"]),
    ("config", &["encode", "ingest", "transform", "write"]),
    ("transform", &["config", "model", "stage"]),
    (
        "ingest",
        &[
            "config", "http", "metrics", "model", "stage", "tls", "topology",
        ],
    ),
    (
        "encode",
        &[
            "config", "http", "metrics", "model", "stage", "tls", "write",
        ],
    ),
    ("write", &["config", "metrics", "model", "stage", "tls"]),
    (
        "topology",
        &[
            "config",
            "encode",
            "ingest",
            "metrics",
            "model",
            "stage",
            "transform",
            "write",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            files.extend(sources(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

/// The areas that a file names: the word after `crate::`, in code that is not a test.
fn named_areas(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut areas = Vec::new();
    for part in code.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let list = list.split('}').next().unwrap();
            areas.extend(
                list.split(',')
                    .map(|item| item.trim().split("::").next().unwrap().to_owned()),
            );
        } else {
            areas.push(
                part.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    areas
}

#[test]
fn areas_name_only_what_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        let is_test = relative.ends_with("tests.rs");
        let Some((area, allowed)) = ARROWS.iter().find(|(area, _)| *area == first && !is_test)
        else {
            continue;
        };
        for named in named_areas(&std::fs::read_to_string(&file).unwrap()) {
            if !named.is_empty() && named != *area && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{} names {named}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_opens_with_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&root)
        .into_iter()
        .filter(|file| !file.ends_with("tests.rs"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} has no header", file.display());
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
    }
}
